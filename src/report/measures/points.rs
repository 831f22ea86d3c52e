//! Distances of points, frame by frame: of those that were fitted, and of those held out.

use nalgebra::Vector3;

use super::{HELD_OUT, Measured};
use crate::ir::{Problem, Residual, Targets};
use crate::report::metrics::{PointErrors, procrustes};

/// Each term's mean error of a frame, and after Procrustes alignment where the points are in space.
pub(super) fn of(errors: &[PointErrors], before: &str) -> Vec<Measured> {
    let mut all = Vec::new();
    for error in errors {
        let name = match errors.iter().filter(|e| e.metric == error.metric).count() {
            1 => format!("{before}{}", error.metric),
            _ => format!("{}.{before}{}", error.term, error.metric),
        };
        let of = |name: String, values| Measured {
            name,
            unit: error.unit.into(),
            axis: "frame".into(),
            values,
        };
        let frames = error.by_frame.outer_iter();
        let plain = frames.map(|f| mean(f.iter().copied())).collect();
        if error.unit == "mm" && error.metric == "mpjpe" {
            let aligned = error.aligned_by_frame.clone();
            all.push(of(name.clone(), plain));
            all.push(of(name.replace("mpjpe", "pa_mpjpe"), aligned));
        } else {
            all.push(of(name, plain));
        }
    }
    all
}

/// The errors of the points that the revealed problem observes and the fitted one does not.
pub(super) fn held_out(
    problem: &Problem,
    revealed: &Problem,
    all: &[PointErrors],
) -> Vec<Measured> {
    let mut errors = all.to_vec();
    for error in &mut errors {
        let fitted = targets(problem, &error.term);
        keep_unseen(error, fitted, targets(revealed, &error.term));
    }
    errors.retain(|e| e.by_frame.iter().any(|x| x.is_finite()));
    of(&errors, HELD_OUT)
}

pub(in crate::report) fn targets<'p>(problem: &'p Problem, term: &str) -> Option<&'p Targets> {
    let mut terms = problem.final_terms().filter(|t| t.name == term);
    match &terms.next()?.residual {
        Residual::Points(targets) => Some(targets),
        _ => None,
    }
}

/// Whether the fit was given a point.
pub(in crate::report) fn was_seen(
    fitted: &Targets,
    frame: usize,
    (view, label): (&String, &String),
) -> bool {
    let place = |names: &[String], name: &String| names.iter().position(|n| n == name);
    let seen = &fitted.observations;
    let found = place(&seen.views, view).zip(place(&fitted.labels, label));
    found.is_some_and(|(v, p)| seen.confidence[[frame, v, p]] > 0.0)
}

/// Leaves out what was observed when the problem was fitted.
fn keep_unseen(error: &mut PointErrors, fitted: Option<&Targets>, all: Option<&Targets>) {
    let names = (error.views.clone(), error.labels.clone());
    for ((f, v, p), value) in error.by_frame.indexed_iter_mut() {
        if fitted.is_some_and(|t| was_seen(t, f, (&names.0[v], &names.1[p]))) {
            *value = f64::NAN;
        }
    }
    let Some(all) = all.filter(|_| error.unit == "mm") else {
        return;
    };
    for (f, aligned) in error.aligned_by_frame.iter_mut().enumerate() {
        let held = error.by_frame.index_axis(ndarray::Axis(0), f);
        let vector = |row: ndarray::ArrayView1<'_, f64>| Vector3::new(row[0], row[1], row[2]);
        // Few held-out points alone would be aligned away: all points of the frame align it.
        let observed = all.observations.confidence.index_axis(ndarray::Axis(0), f);
        let seen = observed.indexed_iter().filter(|(_, c)| **c > 0.0);
        let (mut pairs, mut is_held) = (Vec::new(), Vec::new());
        for ((v, p), _) in seen {
            let at = ndarray::s![f, v, p, ..];
            let observed = all.observations.values.slice(at);
            pairs.push((vector(error.predicted.slice(at)), vector(observed)));
            is_held.push(held[[v, p]].is_finite());
        }
        let distances = procrustes(&pairs).into_iter().zip(is_held);
        let held = distances.filter(|(_, held)| *held).map(|(x, _)| x);
        *aligned = 1000.0 * mean(held);
    }
}

/// Of the finite ones; NaN of none.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let add = |(sum, n): (f64, f64), x: f64| (sum + x, n + 1.0);
    let (sum, n) = values.filter(|x| x.is_finite()).fold((0.0, 0.0), add);
    sum / n
}
