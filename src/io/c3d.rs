//! The points of C3D files, of all three processor types, as integers or floats.
//!
//! Format: <https://www.c3d.org/HTML/default.htm>

mod header;
mod numbers;
mod parameters;

use std::collections::BTreeSet;
use std::path::Path;

use ndarray::Array3;

use super::error::FileError;
use super::markers::{Markers, or_missing, refuse_label_twice};
use header::Layout;
use numbers::Processor;
use parameters::Parameters;

/// Lists of points that are not places: joint angles, forces and what else a model computes.
const OTHER_QUANTITIES: [&str; 6] = [
    "ANGLES",
    "FORCES",
    "MOMENTS",
    "POWERS",
    "REACTIONS",
    "SCALARS",
];

pub(crate) fn read(path: impl AsRef<Path>) -> Result<Markers, FileError> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|error| FileError::reading(path, &error))?;
    parse(path, &bytes)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Markers, FileError> {
    let fail = |message: String| FileError::new(path, message);
    let parameters = Parameters::read(bytes).map_err(fail)?;
    let layout = Layout::read(bytes, &parameters).map_err(fail)?;
    let (places, labels): (Vec<usize>, Vec<String>) =
        named_points(&parameters, layout.points).into_iter().unzip();
    if labels.is_empty() {
        return Err(fail(format!(
            "none of its {} points is a marker with a label",
            layout.points
        )));
    }
    let labels = without_subject(labels);
    refuse_label_twice(path, &labels)?;
    let unit = parameters.text("POINT", "UNITS");
    Ok(Markers {
        values: values(bytes, &layout, parameters.processor, &places),
        labels,
        unit: unit.filter(|unit| !unit.is_empty()),
        rate: layout.rate,
        up: up(&parameters),
        frame_numbers: (layout.first_frame..).take(layout.frames).collect(),
    })
}

/// The markers by place and name: neither unlabelled ones (`*12`) nor points that are not places.
fn named_points(parameters: &Parameters<'_>, points: usize) -> Vec<(usize, String)> {
    let mut others = BTreeSet::new();
    for list in OTHER_QUANTITIES {
        for name in [list.to_string(), format!("{list}_LABELS")] {
            others.extend(parameters.texts("POINT", &name));
        }
    }
    let labels = parameters.texts("POINT", "LABELS").into_iter().take(points);
    let is_marker = |label: &str| {
        let own = label.rsplit(':').next().unwrap_or_default();
        !own.is_empty() && !own.starts_with('*') && !others.contains(label)
    };
    labels
        .enumerate()
        .filter(|(_, label)| is_marker(label))
        .collect()
}

/// `Ann:LASI` is `LASI` where all markers are Ann's.
fn without_subject(labels: Vec<String>) -> Vec<String> {
    let subject = |label: &String| {
        label
            .split_once(':')
            .map(|(subject, _)| subject.to_string())
    };
    let Some(first) = labels.first().and_then(subject) else {
        return labels;
    };
    if labels
        .iter()
        .any(|label| subject(label).as_ref() != Some(&first))
    {
        return labels;
    }
    let own = |label: &String| label[first.len() + 1..].to_string();
    labels.iter().map(own).collect()
}

/// The axis that is drawn upwards on a screen.
fn up(parameters: &Parameters<'_>) -> Option<char> {
    match parameters
        .text("POINT", "Y_SCREEN")?
        .to_lowercase()
        .as_str()
    {
        "+x" | "x" => Some('x'),
        "+y" | "y" => Some('y'),
        "+z" | "z" => Some('z'),
        _ => None,
    }
}

/// (frames, places, 3); the layout was held against the bytes, so every row lies in them.
fn values(bytes: &[u8], layout: &Layout, processor: Processor, places: &[usize]) -> Array3<f64> {
    let size = layout.word * 4;
    let mut values = Array3::from_elem((layout.frames, places.len(), 3), f64::NAN);
    for (frame, mut rows) in values.outer_iter_mut().enumerate() {
        for (mut row, place) in rows.outer_iter_mut().zip(places) {
            let start = layout.data + frame * layout.frame_size + place * size;
            let words = bytes.get(start..start + size).unwrap_or_default();
            let point = or_missing(point(words, layout, processor));
            row.iter_mut().zip(point).for_each(|(to, x)| *to = x);
        }
    }
    values
}

/// One point; below zero in its fourth word means that nothing was seen.
fn point(words: &[u8], layout: &Layout, processor: Processor) -> [f64; 3] {
    let word = |at: usize| {
        let word = words.get(at * layout.word..(at + 1) * layout.word)?;
        Some(match layout.scale {
            None => f64::from(processor.float(word)?),
            Some(scale) => {
                let scale = if at < 3 { scale } else { 1.0 };
                f64::from(processor.word(word)? as i16) * scale
            }
        })
    };
    match [word(0), word(1), word(2), word(3)] {
        [Some(x), Some(y), Some(z), Some(seen)] if seen >= 0.0 => [x, y, z],
        _ => [f64::NAN; 3],
    }
}

#[cfg(test)]
mod tests;
