//! Gathers the series of each plot that a spec asks for.

use std::path::Path;

use super::metrics::PointErrors;
use super::plot::convergence::{ConvergenceSeries, Point, StageTrace};
use super::plot::per_joint::PerJointErrors;
use super::plot::terms::{TermSeries, TermStage};
use super::plot::time::ErrorsByFrame;
use super::plot::{PlotError, convergence, heatmap, over_time, per_joint, terms};
use super::term_file;
use super::trace::term_names;
use crate::fit::{Fit, StageOutcome};
use crate::io::FileError;
use crate::ir::{Coupling, Per, Problem, Term};

/// The convergence plot; the numbers of its bands stand beside the full trace.
pub(super) fn write_convergence(dir: &Path, fit: &Fit) -> Result<(), FileError> {
    let stages = fit.stages.iter().map(|stage| StageTrace {
        name: stage.name.clone(),
        problems: by_problem(stage),
    });
    let series = ConvergenceSeries {
        stages: stages.collect(),
    };
    let plot = convergence::plot(&series).map_err(|e| failed(dir, &e))?;
    plot.write_as(dir, "convergence", "convergence_band")
        .map_err(|e| failed(dir, &e))
}

pub(super) fn write_terms(dir: &Path, problem: &Problem, fit: &Fit) -> Result<(), FileError> {
    let names = term_names(fit);
    let stages = fit.stages.iter().map(|stage| TermStage {
        name: stage.name.clone(),
        samples: mean_terms((problem, stage), &names),
    });
    let series = TermSeries {
        stages: stages.collect(),
        names: names.clone(),
    };
    let plot = terms::plot(&series).map_err(|e| failed(dir, &e))?;
    plot.write(dir, "terms").map_err(|e| failed(dir, &e))
}

/// One plot for each term that compares points.
pub(super) fn write_point_errors(dir: &Path, errors: &[PointErrors]) -> Result<(), FileError> {
    for of_term in errors {
        let series = PerJointErrors {
            unit: of_term.unit.into(),
            labels: of_term.labels.clone(),
            errors: of_term.by_label.clone(),
        };
        let stem = term_file("per_joint_error", errors, &of_term.term);
        let plot = per_joint::plot(&series).map_err(|e| failed(dir, &e))?;
        plot.write(dir, &stem).map_err(|e| failed(dir, &e))?;
    }
    Ok(())
}

/// One plot for each term that compares points.
pub(super) fn write_over_time(
    dir: &Path,
    problem: &Problem,
    errors: &[PointErrors],
) -> Result<(), FileError> {
    for of_term in errors {
        let plot = over_time::plot(&by_frame(problem, of_term)).map_err(|e| failed(dir, &e))?;
        let stem = term_file("point_error_over_time", errors, &of_term.term);
        plot.write(dir, &stem).map_err(|e| failed(dir, &e))?;
    }
    Ok(())
}

/// One plot for each term that compares points.
pub(super) fn write_heatmaps(
    dir: &Path,
    problem: &Problem,
    errors: &[PointErrors],
) -> Result<(), FileError> {
    for of_term in errors {
        let plot = heatmap::plot(&by_frame(problem, of_term)).map_err(|e| failed(dir, &e))?;
        let stem = term_file("residual_heatmap", errors, &of_term.term);
        plot.write(dir, &stem).map_err(|e| failed(dir, &e))?;
    }
    Ok(())
}

fn by_frame(problem: &Problem, errors: &PointErrors) -> ErrorsByFrame {
    ErrorsByFrame {
        term: errors.term.clone(),
        unit: errors.unit.into(),
        labels: errors.labels.clone(),
        views: errors.views.len(),
        numbers: problem.frame_numbers.clone(),
        errors: errors.over_views(),
    }
}

pub(super) fn failed(dir: &Path, error: &PlotError) -> FileError {
    FileError::new(dir, format!("a plot cannot be written: {error}"))
}

/// Frames that share one cost.
fn share(stage: &StageOutcome) -> f64 {
    match stage.joint {
        true => stage.frames.len() as f64,
        false => 1.0,
    }
}

/// A joint solve is shown as its mean over frames, so that stages compare.
fn by_problem(stage: &StageOutcome) -> Vec<Vec<Point>> {
    let share = share(stage);
    let mut problems: Vec<(usize, Vec<Point>)> = Vec::new();
    for row in &stage.solution.trace {
        let point = Point {
            iteration: row.iteration as u32,
            seconds: row.seconds,
            cost: row.cost / share,
        };
        match problems.binary_search_by_key(&row.problem, |p| p.0) {
            Ok(at) => problems[at].1.push(point),
            Err(at) => problems.insert(at, (row.problem, vec![point])),
        }
    }
    problems.into_iter().map(|(_, points)| points).collect()
}

/// The terms at each iteration, as means over the problems; finished ones keep their last value.
fn mean_terms(
    (problem, stage): (&Problem, &StageOutcome),
    names: &[String],
) -> Vec<(u32, Vec<f64>)> {
    let trace = &stage.solution.trace;
    let share = share(stage);
    let of_spec = problem.stages.iter().find(|s| s.name == stage.name);
    // Of one frame's problem no term on what all share is a part.
    let apart = of_spec.filter(|s| s.coupling == Coupling::Independent);
    let counts = |t: &Term| apart.is_none() || problem.nodes[t.node.0].per != Per::Subject;
    let counted = |name: &String| {
        let term = of_spec.and_then(|s| s.terms.iter().find(|t| t.name == *name));
        term.is_none_or(counts)
    };
    let column = |name: &String| {
        let found = stage.term_names.iter().position(|t| t == name);
        found.filter(|_| counted(name))
    };
    let columns: Vec<Option<usize>> = names.iter().map(column).collect();
    let last = trace.iter().map(|r| r.iteration).max().unwrap_or(0);
    let mut rows: Vec<_> = trace.iter().collect();
    rows.sort_by_key(|r| (r.iteration, r.problem));
    let mut current: std::collections::BTreeMap<usize, &[f64]> = Default::default();
    let mut samples = Vec::new();
    let mut next = rows.into_iter().peekable();
    for iteration in 0..=last {
        while let Some(row) = next.next_if(|r| r.iteration == iteration) {
            current.insert(row.problem, &row.terms);
        }
        let mean = |column: &Option<usize>| {
            let Some(column) = column else {
                return f64::NAN;
            };
            let values = current.values().filter_map(|t| t.get(*column).copied());
            values.sum::<f64>() / current.len().max(1) as f64 / share
        };
        samples.push((iteration as u32, columns.iter().map(mean).collect()));
    }
    samples
}
