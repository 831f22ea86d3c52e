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
use super::markers::{Markers, or_missing};
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
        return Err(fail(match parameters.whole {
            true => format!(
                "none of its {} points is a marker with a label",
                layout.points
            ),
            false => "its parameter section is damaged or cut short".into(),
        }));
    }
    let unit = parameters.text("POINT", "UNITS");
    let rows = Rows {
        bytes,
        layout: &layout,
        processor: parameters.processor,
    };
    Ok(Markers {
        values: rows.values(&places),
        unseen: rows.all_unseen(&places),
        labels,
        unit: unit.filter(|unit| !unit.is_empty()),
        rate: layout.rate,
        up: up(&parameters),
        frame_numbers: (layout.first_frame..).take(layout.frames).collect(),
        warnings: layout.warnings,
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

/// The points' own bytes; the layout was held against them, so every row lies in them.
struct Rows<'a> {
    bytes: &'a [u8],
    layout: &'a Layout,
    processor: Processor,
}

impl Rows<'_> {
    /// (frames, places, 3).
    fn values(&self, places: &[usize]) -> Array3<f64> {
        let shape = (self.layout.frames, places.len(), 3);
        let mut values = Array3::from_elem(shape, f64::NAN);
        for (frame, mut rows) in values.outer_iter_mut().enumerate() {
            for (mut row, place) in rows.outer_iter_mut().zip(places) {
                // Below zero in the fourth word means that nothing was seen.
                let point = match self.point(frame, *place) {
                    Some([x, y, z, seen]) if seen >= 0.0 => or_missing([x, y, z]),
                    _ => [f64::NAN; 3],
                };
                row.iter_mut().zip(point).for_each(|(to, x)| *to = x);
            }
        }
        values
    }

    /// A message where no point of any frame was seen.
    fn all_unseen(&self, places: &[usize]) -> Option<String> {
        let unseen = |frame: usize, place: &usize| {
            self.point(frame, *place)
                .is_some_and(|[.., seen]| seen < 0.0)
        };
        let all = (0..self.layout.frames).all(|f| places.iter().all(|p| unseen(f, p)));
        all.then(|| {
            format!(
                "all {} points have a negative residual, C3D's mark for not seen",
                places.len()
            )
        })
    }

    /// The four numbers of one point.
    fn point(&self, frame: usize, place: usize) -> Option<[f64; 4]> {
        let layout = self.layout;
        let start = layout.data + frame * layout.frame_size + place * layout.word * 4;
        let words = self.bytes.get(start..start + layout.word * 4)?;
        let word = |at: usize| {
            let word = words.get(at * layout.word..)?;
            Some(match layout.scale {
                None => f64::from(self.processor.float(word)?),
                Some(scale) => {
                    let scale = if at < 3 { scale } else { 1.0 };
                    f64::from(self.processor.word(word)? as i16) * scale
                }
            })
        };
        Some([word(0)?, word(1)?, word(2)?, word(3)?])
    }
}

#[cfg(test)]
mod tests;
