//! `points.csv` and `points.trc`: the points that the terms predict, beside those observed.

use std::path::Path;

use nalgebra::Vector3;
use ndarray::{Array3, ArrayView1, s};

use super::measures::Judged;
use super::measures::points::{targets as targets_of, was_seen};
use super::metrics::PointErrors;
use super::skeleton::USUAL_RATE;
use super::term_file;
use crate::compile::forward;
use crate::fit::Fit;
use crate::io::trc_writer::{self, TrcPoints};
use crate::io::{FileError, atomic};
use crate::ir::{NodeKind, Problem};

const COLUMNS: [&str; 14] = [
    "term",
    "frame",
    "view",
    "point",
    "unit",
    "confidence",
    "observed_x",
    "observed_y",
    "observed_z",
    "predicted_x",
    "predicted_y",
    "predicted_z",
    "error",
    "held_out",
];

/// A row for each point of each view and frame that is observed or predicted, metres in the axes
/// of the data or pixels.
pub(super) fn write_csv(path: &Path, problem: &Problem, judged: &Judged) -> Result<(), FileError> {
    let fail = |e: csv::Error| FileError::new(path, format!("cannot be written: {e}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(fail)?;
    let plain = (problem, judged.errors.as_slice());
    let revealed = judged.revealed.as_ref().map(|(p, e)| (p, e.as_slice()));
    let (all, errors) = revealed.unwrap_or(plain);
    for of_term in errors {
        let Some(targets) = targets_of(all, &of_term.term) else {
            continue;
        };
        let fitted = targets_of(problem, &of_term.term);
        let held = |f: usize, v: usize, p: usize| {
            let names = (&of_term.views[v], &of_term.labels[p]);
            let fitted = fitted.is_some_and(|t| was_seen(t, f, names));
            targets.observations.confidence[[f, v, p]] > 0.0 && !fitted
        };
        for ((f, v, p), error) in of_term.by_frame.indexed_iter() {
            let observed = targets.observations.values.slice(s![f, v, p, ..]);
            let predicted = of_term.predicted.slice(s![f, v, p, ..]);
            if observed[0].is_nan() && predicted[0].is_nan() {
                continue;
            }
            let (unit, factor) = match predicted.len() {
                3 => ("m", 1e-3),
                _ => ("px", 1.0),
            };
            let head = [
                of_term.term.clone(),
                problem.frame_numbers[f].to_string(),
                of_term.views[v].clone(),
                of_term.labels[p].clone(),
                unit.into(),
            ];
            let numbers = [targets.observations.confidence[[f, v, p]]]
                .into_iter()
                .chain(in_data(problem, observed))
                .chain(in_data(problem, predicted))
                .chain([factor * error]);
            let held = u8::from(held(f, v, p)).to_string();
            let row = head.into_iter().chain(numbers.map(cell)).chain([held]);
            writer.write_record(row).map_err(fail)?;
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|e| FileError::new(path, format!("cannot be written: {e}")))?;
    atomic::write(path, &bytes)
}

/// The predicted points in space of each term, y up; also those behind a projection.
pub(super) fn write_trc(
    dir: &Path,
    problem: &Problem,
    fit: &Fit,
    errors: &[PointErrors],
) -> Result<(), FileError> {
    for of_term in errors {
        let Some(values) = in_space(problem, fit, of_term) else {
            continue;
        };
        let points = TrcPoints {
            labels: &of_term.labels,
            numbers: &problem.frame_numbers,
            values: &values,
            rate: problem.rate.unwrap_or(USUAL_RATE),
        };
        let name = format!("{}.trc", term_file("points", errors, &of_term.term));
        trc_writer::write(dir.join(name), &points)?;
    }
    Ok(())
}

/// (frames, points, 3), metres, y up.
fn in_space(problem: &Problem, fit: &Fit, errors: &PointErrors) -> Option<Array3<f64>> {
    let (_, views, points, k) = errors.predicted.dim();
    if views == 1 && k == 3 {
        return Some(errors.predicted.slice(s![.., 0, .., ..]).to_owned());
    }
    let term = problem.final_terms().find(|t| t.name == errors.term)?;
    let NodeKind::Project { points: node, .. } = &problem.nodes[term.node.0].kind else {
        return None;
    };
    let frames: Vec<usize> = (0..problem.frames).filter(|&f| fit.solved[f]).collect();
    let found = forward(problem, *node, &fit.values, &frames);
    let mut values = Array3::from_elem((problem.frames, points, 3), f64::NAN);
    for (row, &f) in found.chunks_exact((3 * points).max(1)).zip(&frames) {
        for (at, x) in row.iter().enumerate() {
            values[[f, at / 3, at % 3]] = *x;
        }
    }
    Some(values)
}

/// Three numbers: a point of the image and nothing, or a point of space in the axes of the data.
fn in_data(problem: &Problem, point: ArrayView1<'_, f64>) -> [f64; 3] {
    match point.len() {
        3 => {
            let point = Vector3::new(point[0], point[1], point[2]);
            (problem.upright.transpose() * point).into()
        }
        _ => std::array::from_fn(|k| point.get(k).copied().unwrap_or(f64::NAN)),
    }
}

/// Micrometres, and the like of a pixel.
fn cell(x: f64) -> String {
    match x.is_finite() {
        true => format!("{x:.6}"),
        false => String::new(),
    }
}
