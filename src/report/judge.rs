//! What the solution itself says against the data, or the data against the solution.

use crate::data::median;
use crate::diagnostic::{frames, list};
use crate::ir::{NodeKind, Problem};

use super::metrics::PointErrors;

/// Errors that no fit of a body has, millimetres, and as a share of an image's diagonal.
const IMPLAUSIBLE: f64 = 120.0;
const OF_IMAGE: f64 = 0.04;

/// A view, a label or a frame is off where its median error is so many times that of all.
const OFF: f64 = 5.0;

/// Errors below which nothing is off, as shares of the implausible ones.
const SMALL: f64 = 0.4;

/// What is to be said of how far the body is from the data.
pub fn judge(problem: &Problem, errors: &[PointErrors]) -> Vec<String> {
    errors.iter().flat_map(|e| of_term(problem, e)).collect()
}

fn of_term(problem: &Problem, errors: &PointErrors) -> Vec<String> {
    let limit = limit(problem, errors);
    let (term, unit) = (&errors.term, errors.unit);
    let Some(all) = median(errors.by_frame.iter().copied()) else {
        return Vec::new();
    };
    if all > limit {
        return vec![format!(
            "`{term}`: the body fits badly: half of the points are more than {} {unit} from it; are \
             units, axes, labels{} those of these data?",
            rounded(all),
            if unit == "px" { ", cameras" } else { "" }
        )];
    }
    let off = |error: f64| error > (OFF * all).max(SMALL * limit);
    let mut said = Vec::new();
    if errors.views.len() > 2 {
        for (v, view) in errors.views.iter().enumerate() {
            let of_view = errors.by_frame.index_axis(ndarray::Axis(1), v);
            if let Some(error) = median(of_view.iter().copied()).filter(|e| off(*e)) {
                let error = rounded(error);
                said.push(format!(
                    "`{term}`: view `{view}` alone is off by {error} {unit}"
                ));
            }
        }
    }
    if said.is_empty() {
        said.extend(by_label(errors, off));
    }
    let frame_off = |f: &usize| {
        let of_frame = errors.by_frame.index_axis(ndarray::Axis(0), *f);
        median(of_frame.iter().copied()).is_some_and(off)
    };
    let off_frames: Vec<u64> = (0..errors.by_frame.dim().0)
        .filter(frame_off)
        .map(|f| problem.frame_numbers[f])
        .collect();
    if !off_frames.is_empty() && 2 * off_frames.len() < errors.by_frame.dim().0 {
        said.push(format!(
            "`{term}`: more than {} {unit} off in {}",
            rounded((OFF * all).max(SMALL * limit)),
            frames(&off_frames)
        ));
    }
    said
}

/// Labels that are off, in one sentence.
fn by_label(errors: &PointErrors, off: impl Fn(f64) -> bool) -> Option<String> {
    let of_label = |(label, all): (_, &Vec<f64>)| {
        let error = median(all.iter().copied())?;
        off(error).then_some((label, error))
    };
    let labels = errors.labels.iter().zip(&errors.by_label);
    let (names, found): (Vec<&String>, Vec<f64>) = labels.filter_map(of_label).unzip();
    let (least, most) = (
        found.iter().copied().fold(f64::INFINITY, f64::min),
        found.iter().copied().fold(0.0, f64::max),
    );
    let (term, names, unit) = (&errors.term, list(&names), errors.unit);
    let how_far = match (rounded(least), rounded(most)) {
        (least, most) if least == most => most,
        (least, most) => format!("{least} to {most}"),
    };
    let are = if found.len() == 1 { "is" } else { "are" };
    (!found.is_empty())
        .then(|| format!("`{term}`: {names} {are} off by {how_far} {unit} in most frames"))
}

/// The median error that makes a fit implausible, in the errors' unit.
fn limit(problem: &Problem, errors: &PointErrors) -> f64 {
    let mut stated = problem.final_terms().filter(|t| t.name == errors.term);
    let node = stated.next().map(|t| &problem.nodes[t.node.0].kind);
    match node {
        Some(NodeKind::Project { cameras, .. }) => {
            let diagonals = cameras.iter().map(|c| c.size[0].hypot(c.size[1]));
            OF_IMAGE * diagonals.fold(f64::INFINITY, f64::min)
        }
        _ => IMPLAUSIBLE,
    }
}

/// Two digits are enough.
fn rounded(error: f64) -> String {
    match error {
        e if e >= 1e6 => format!("{e:.0e}"),
        e if e >= 100.0 => format!("{:.0}", (e / 10.0).round() * 10.0),
        e => format!("{e:.0}"),
    }
}
