//! Files of optical markers to observations in space.

use std::path::Path;

use ndarray::{Array3, Axis};

use super::Reader;
use crate::data::{Dataset, Observations};
use crate::diagnostic::Diagnostic;
use crate::io::markers::Markers;
use crate::io::{FileError, c3d, trc};
use crate::spec::Dimension;

impl Reader<'_> {
    pub(super) fn markers(
        &mut self,
        path: &Path,
        format: &str,
    ) -> Result<Option<(Dataset, char)>, FileError> {
        let markers = match format {
            "c3d" => c3d::read(path)?,
            _ => trc::read(path)?,
        };
        self.files.push(path.into());
        let (factor, up) = (self.marker_unit(&markers), self.marker_up(&markers, format));
        let observations = self.marker_observations(markers);
        Ok(match (factor, up) {
            (Some(factor), Some(up)) => self.settle(observations, factor, up),
            _ => None,
        })
    }

    /// Metres in a unit of the file: as the spec says, else as the file does.
    fn marker_unit(&mut self, markers: &Markers) -> Option<f64> {
        if self.view.node("unit").is_some() {
            return self.unit(Dimension::LENGTH);
        }
        if let Some(metres) = markers.metres() {
            return Some(metres);
        }
        let message = match &markers.unit {
            None => format!("the file of `{}` does not say its unit", self.view.path()),
            Some(unit) => format!(
                "the file of `{}` has the unit `{unit}`, which is no known length",
                self.view.path()
            ),
        };
        let origin = self.view.origin_of("file", &self.origin);
        self.diagnostics.push(
            Diagnostic::error("F0202", message, &origin)
                .hint("add `unit = \"mm\"`, which most have"),
        );
        None
    }

    fn marker_up(&mut self, markers: &Markers, format: &str) -> Option<char> {
        let of_format = (format == "trc").then_some('y');
        if self.view.node("up").is_some() {
            return Some(self.up('y'));
        }
        let up = markers.up.or(of_format);
        if up.is_none() {
            let message = format!(
                "the file of `{}` does not say which axis points up",
                self.view.path()
            );
            let origin = self.view.origin_of("file", &self.origin);
            self.diagnostics.push(
                Diagnostic::error("F0202", message, &origin)
                    .hint("add `up = \"z\"`, as in most laboratories, or `up = \"y\"`"),
            );
        }
        up
    }

    /// The frames that `frames` selects by the file's own numbers.
    fn marker_observations(&mut self, markers: Markers) -> Observations {
        let range = self.frame_range();
        let numbers = &markers.frame_numbers;
        let kept: Vec<usize> = (0..numbers.len())
            .filter(|&frame| range.contains(&numbers[frame]))
            .collect();
        let values = markers.values.select(Axis(0), &kept);
        Observations {
            confidence: Array3::ones((kept.len(), 1, markers.labels.len())),
            values: values.insert_axis(Axis(1)),
            labels: markers.labels,
            views: vec![String::new()],
            dimension: Dimension::LENGTH,
            rate: self.rate(markers.rate),
            frame_numbers: kept.iter().map(|&frame| numbers[frame]).collect(),
        }
    }
}
