//! What a run is judged by, a number for each frame or row: `measures.csv`.

mod bodies;
pub(super) mod points;
mod rows;

use std::path::Path;

use super::bodies::Bodies;
use super::metrics::{PointErrors, point_errors};
use crate::body::BodyModel;
use crate::data::Motion;
use crate::fit::{Fit, Status};
use crate::io::{FileError, atomic};
use crate::ir::Problem;

/// A measure with a number for each element of an axis; less is better.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Such as `mpjpe`; with the term's name before it where several terms have it.
    pub name: String,
    /// `mm`, `px`, `sigma`, …; empty where it has none.
    pub unit: String,
    /// What the elements are: `frame`, or the rows of a table.
    pub axis: String,
    /// (elements); NaN where it was not measured.
    pub values: Vec<f64>,
}

/// Before the names of measures of what is held out; a term's name stands before it.
pub(crate) const HELD_OUT: &str = "held_out_";

/// What runs measure; a term's name may stand before, and [`HELD_OUT`].
static KINDS: [&str; 13] = [
    "mpjpe",
    "pa_mpjpe",
    "marker",
    "reprojection",
    "residual",
    "vertices",
    "joint_limits",
    "penetration",
    "acceleration",
    "jerk",
    "foot_sliding",
    "cost",
    "evaluations",
];

/// Whether some run may have a measure of this name; else what there are.
pub(crate) fn is_possible(name: &str) -> Result<(), &'static [&'static str]> {
    let own = name.rsplit('.').next().unwrap_or(name);
    let own = own.strip_prefix(HELD_OUT).unwrap_or(own);
    match KINDS.contains(&own) || own == "unconverged" {
        true => Ok(()),
        false => Err(&KINDS),
    }
}

/// Whether a measure is of what is held out.
pub(crate) fn is_held_out(name: &str) -> bool {
    name.rsplit('.').next().unwrap_or("").starts_with(HELD_OUT)
}

impl Measured {
    pub(crate) fn is_held_out(&self) -> bool {
        is_held_out(&self.name)
    }

    /// As `run.json` names it: with the unit.
    pub(crate) fn with_unit(&self) -> String {
        match self.unit.as_str() {
            "" => self.name.clone(),
            unit => format!("{}_{unit}", self.name),
        }
    }
}

/// All that a solved problem is judged by.
pub(crate) struct Judged {
    pub errors: Vec<PointErrors>,
    pub measured: Vec<Measured>,
    /// The problem with the data that were held out, and the errors of all its points.
    pub revealed: Option<(Problem, Vec<PointErrors>)>,
}

impl Judged {
    pub fn new(
        problem: &Problem,
        revealed: Option<Problem>,
        fit: &Fit,
        (model, truth): (Option<&BodyModel>, Option<&Motion>),
    ) -> Self {
        let revealed = revealed.filter(|r| same_unknowns(problem, r));
        let revealed = revealed.map(|r| {
            let errors = point_errors(&r, fit);
            (r, errors)
        });
        let errors = point_errors(problem, fit);
        let mut measured = Vec::new();
        if let Some((revealed, all)) = &revealed {
            measured.extend(points::held_out(problem, revealed, all));
            measured.extend(rows::held_out(problem, revealed, fit));
        }
        measured.extend(points::of(&errors, ""));
        measured.extend(rows::of(problem, fit));
        if let Some(bodies) = Bodies::new(problem, fit, model) {
            let truth = truth.filter(|t| t.trans.len() == problem.frames);
            measured.extend(truth.map(|t| bodies::vertices(&bodies, t)));
            measured.extend(bodies::of(problem, &bodies));
        }
        measured.extend(of_frames(problem, fit));
        measured.retain(|m| m.values.iter().any(|x| x.is_finite()));
        Self {
            errors,
            measured,
            revealed,
        }
    }
}

/// A fit of one problem says something of another where both have the same variables.
fn same_unknowns(a: &Problem, b: &Problem) -> bool {
    let known = |p: &Problem| -> Vec<(String, usize)> {
        let variables = p.variables.iter();
        variables
            .map(|v| (v.name.clone(), v.init.len().max(v.numbers())))
            .collect()
    };
    a.frames == b.frames && known(a) == known(b)
}

/// E and the work of each frame, or element of a batch, that was solved on its own.
fn of_frames(problem: &Problem, fit: &Fit) -> Vec<Measured> {
    let frames = problem.frames;
    let mut evaluations = vec![0.0; frames];
    for stage in &fit.stages {
        if stage.joint {
            continue;
        }
        for (frame, count) in stage.frames.iter().zip(&stage.solution.evaluations) {
            evaluations[*frame] += *count as f64;
        }
    }
    for (frame, count) in evaluations.iter_mut().enumerate() {
        if !fit.solved[frame] || *count == 0.0 {
            *count = f64::NAN;
        }
    }
    let whole = !problem.sets.is_empty() && problem.batch.is_none() && frames == 1;
    let costs = match whole {
        true => vec![fit.cost()],
        false => fit.frame_costs.clone(),
    };
    let of = |name: &str, values| Measured {
        name: name.into(),
        unit: String::new(),
        axis: match whole {
            true => "fit".into(),
            false => problem.axis().into(),
        },
        values,
    };
    let unconverged = fit.status.iter().map(|status| match status {
        Status::NoData | Status::Unsolved => f64::NAN,
        Status::Converged => 0.0,
        _ => 1.0,
    });
    vec![
        of("cost", costs),
        of("evaluations", evaluations),
        of("unconverged", unconverged.collect()),
    ]
}

/// Writes measure, unit, axis, element, sequence and value: a row for each number.
pub(super) fn write(path: &Path, problem: &Problem, all: &[Measured]) -> Result<(), FileError> {
    let fail = |e: csv::Error| FileError::new(path, format!("cannot be written: {e}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = ["measure", "unit", "axis", "element", "sequence", "value"];
    writer.write_record(head).map_err(fail)?;
    for measure in all {
        let of_frames = measure.axis == problem.axis();
        for (at, value) in measure.values.iter().enumerate() {
            if !value.is_finite() {
                continue;
            }
            let number = problem.frame_numbers.get(at).filter(|_| of_frames);
            let element = number.map_or(at.to_string(), u64::to_string);
            let sequence = problem.sequences.get(at).filter(|_| of_frames);
            let sequence = sequence.map_or(String::new(), u64::to_string);
            let value = format!("{value:.8e}");
            let row = [&measure.name, &measure.unit, &measure.axis];
            let row = row.into_iter().cloned();
            let row = row.chain([element, sequence, value]);
            writer
                .write_record(row.collect::<Vec<String>>())
                .map_err(fail)?;
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|e| FileError::new(path, format!("cannot be written: {e}")))?;
    atomic::write(path, &bytes)
}
