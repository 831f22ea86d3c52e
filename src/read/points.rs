//! Tables of points to observations.

use std::path::Path;

use ndarray::{Array3, Axis};

use super::{Reader, Up};
use crate::data::{Dataset, Observations};
use crate::diagnostic::Diagnostic;
use crate::io::FileError;
use crate::io::csv::{self, PointTable, Points};
use crate::io::markers::of_subject;
use crate::spec::Dimension;

impl Reader<'_> {
    pub(super) fn csv(&mut self, path: &Path) -> Result<Option<(Dataset, Up)>, FileError> {
        let points = match csv::read_points(path)?.0 {
            PointTable::Markers(markers) => return self.of_markers(path, markers, "csv"),
            PointTable::Points(points) => points,
        };
        self.files.push(path.into());
        let observations = self.point_observations(points);
        Ok(observations.and_then(|observations| self.finish(observations)))
    }

    fn point_observations(&mut self, points: Points) -> Option<Observations> {
        let subject = self.subject_among(&points.labels)?;
        let (columns, labels): (Vec<usize>, Vec<String>) =
            of_subject(&points.labels, subject.as_deref())
                .into_iter()
                .unzip();
        let labels = self.names_of_numbers(labels)?;
        let views = self.view_names(points.views)?;
        let range = self.frame_range();
        let numbers = points.frame_numbers;
        let kept: Vec<usize> = (0..numbers.len())
            .filter(|&frame| range.contains(&numbers[frame]))
            .collect();
        let values = points
            .values
            .select(Axis(0), &kept)
            .select(Axis(2), &columns);
        let (frames, view_count, count, dims) = values.dim();
        Some(Observations {
            labels,
            views,
            confidence: match points.confidence {
                Some(all) => all.select(Axis(0), &kept).select(Axis(2), &columns),
                None => Array3::ones((frames, view_count, count)),
            },
            values,
            dimension: match dims {
                2 => Dimension::PIXEL,
                _ => Dimension::LENGTH,
            },
            rate: self.rate(None),
            frame_numbers: kept.iter().map(|&frame| numbers[frame]).collect(),
        })
    }

    /// Points that go by numbers get the names of `names` or of the convention, in order.
    fn names_of_numbers(&mut self, labels: Vec<String>) -> Option<Vec<String>> {
        let numbers: Option<Vec<usize>> = labels.iter().map(|l| l.parse().ok()).collect();
        let Some(numbers) = numbers else {
            return Some(labels);
        };
        let names = match self.view.texts("names") {
            Some(names) => names.iter().map(|name| name.value.to_string()).collect(),
            None => self.convention_labels()?.unwrap_or_default(),
        };
        let named = numbers.iter().zip(labels);
        let named = named.map(|(n, label)| names.get(*n).cloned().unwrap_or(label));
        Some(named.collect())
    }

    /// The cameras' names: those of the spec, else those of the file.
    fn view_names(&mut self, of_file: Vec<String>) -> Option<Vec<String>> {
        let Some(given) = self.view.texts("views") else {
            return Some(of_file);
        };
        let names: Vec<String> = given.iter().map(|name| name.value.to_string()).collect();
        if names.len() == of_file.len() {
            return Some(names);
        }
        let message = format!(
            "`{}` has {} views, but {} names for them",
            self.view.path(),
            of_file.len(),
            names.len()
        );
        let origin = self.view.origin_of("views", &self.origin);
        self.diagnostics
            .push(Diagnostic::error("F0301", message, &origin));
        None
    }
}
