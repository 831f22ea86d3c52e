//! Files of optical markers and of moving skeletons to observations in space.

use std::path::Path;

use ndarray::{Array3, Axis};

use super::{Reader, Up};
use crate::data::{Dataset, Observations};
use crate::diagnostic::{Diagnostic, list};
use crate::io::markers::{Markers, subjects};
use crate::io::{FileError, bvh_reader, c3d, trc};
use crate::spec::{Dimension, units_of};

impl Reader<'_> {
    pub(super) fn markers(
        &mut self,
        path: &Path,
        format: &str,
    ) -> Result<Option<(Dataset, Up)>, FileError> {
        let markers = match format {
            "c3d" => c3d::read(path)?,
            "bvh" => bvh_reader::read(path)?,
            _ => trc::read(path)?,
        };
        self.of_markers(path, markers, format)
    }

    /// Markers that were read, of whatever format.
    pub(super) fn of_markers(
        &mut self,
        path: &Path,
        markers: Markers,
        format: &str,
    ) -> Result<Option<(Dataset, Up)>, FileError> {
        self.files.push(path.into());
        let (factor, up) = (self.marker_unit(&markers), self.marker_up(&markers, format));
        let Some(subject) = self.subject_among(&markers.labels) else {
            return Ok(None);
        };
        let markers = markers.of_subject(subject.as_deref()).one_for_each_label();
        for warning in &markers.warnings {
            self.warn_of_file(format!("`{}`: {warning}", path.display()));
        }
        if let Some(reason) = markers.unseen {
            let hint = "write the recording again with the residuals of points that were seen";
            return Err(FileError::new(path, reason).with_hint(hint));
        }
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
        let hint = format!(
            "write `unit`, one of {}",
            list(&units_of(Dimension::LENGTH))
        );
        self.diagnostics
            .push(Diagnostic::error("F0202", message, &origin).hint(hint));
        None
    }

    /// The subject that the spec names; where the file has several, it must name one or `map` labels.
    pub(super) fn subject_among(&mut self, labels: &[String]) -> Option<Option<String>> {
        let subjects = subjects(labels);
        let names: Vec<&str> = subjects.iter().map(String::as_str).collect();
        let path = self.view.path();
        let Some(given) = self.view.text("subject") else {
            if names.len() < 2 || self.view.node("map").is_some() {
                return Some(None);
            }
            let (count, all) = (names.len(), list(&names));
            let message = format!("the file of `{path}` holds {count} subjects: {all}");
            let hint = format!("choose one: `subject = {:?}`", names[0]);
            let origin = self.view.origin_of("file", &self.origin);
            self.diagnostics
                .push(Diagnostic::error("F0202", message, &origin).hint(hint));
            return None;
        };
        if names.contains(&given.value) {
            return Some(Some(given.value.into()));
        }
        let message = format!("the file of `{path}` has no subject `{}`", given.value);
        let diagnostic = Diagnostic::error("F0403", message, &given.origin);
        self.diagnostics.push(match names.is_empty() {
            true => diagnostic
                .hint("none of its labels has one, as `Ann:LASI` has; leave `subject` out"),
            false => diagnostic.hint(format!("it holds {}", list(&names))),
        });
        None
    }

    fn marker_up(&mut self, markers: &Markers, format: &str) -> Option<Up> {
        let of_format = (format != "c3d").then_some(Up::Y);
        if self.view.node("up").is_some() {
            return Some(self.up(Up::Y));
        }
        let of_file = markers.up.and_then(|up| Up::named(&up.to_string()));
        let up = of_file.or(of_format);
        if up.is_none() {
            let message = format!(
                "the file of `{}` does not say that x, y or z points up",
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

#[cfg(test)]
mod tests {
    use crate::data::{Dataset, Observations};
    use crate::diagnostic::Diagnostics;

    fn points(text: &str) -> Observations {
        let mut diagnostics = Diagnostics::default();
        let path = std::path::Path::new("spec.toml");
        let text = format!("fitrun = 1\n[data.d]\n{text}");
        let spec = crate::spec::parse(
            path,
            &text,
            &Default::default(),
            Vec::new(),
            &mut diagnostics,
        );
        let registry = crate::own::Registry::default();
        let mut inputs =
            super::super::read(&spec, (&registry, &Default::default()), &mut diagnostics);
        assert!(!diagnostics.has_errors(), "{:?}", diagnostics.list);
        match inputs.data.remove(0).dataset {
            Dataset::Points(observations) => observations,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_recording_is_in_metres_and_y_up_as_its_conversion_is() {
        let Some(data) = std::env::var_os("FITRUN_DATA") else {
            eprintln!("skipped: FITRUN_DATA is not set");
            return;
        };
        let data = std::path::PathBuf::from(data).join("markers");
        for (raw, name) in [
            ("raw/opensim_walking2.c3d", "opensim_walking2.npz"),
            (
                "raw/opensim_subject01_walk1.trc",
                "opensim_subject01_walk1.npz",
            ),
        ] {
            let (raw, name) = (data.join(raw), data.join(name));
            let found = points(&format!("file = {raw:?}\nframes = \"11..21\""));
            let expected = points(&format!(
                "file = {name:?}\narray = \"markers\"\naxes = [\"frame\", \"marker\", \"xyz\"]\nnames = \"marker_names\"\nframes = \"10..20\""
            ));
            assert_eq!(found.frame_numbers, (11..21).collect::<Vec<u64>>());
            assert_eq!(found.rate, expected.rate);
            for (column, label) in expected.labels.iter().enumerate() {
                let place = found.labels.iter().position(|l| l == label).unwrap();
                for frame in 0..10 {
                    let seen = expected.confidence[[frame, 0, column]];
                    assert_eq!(found.confidence[[frame, 0, place]], seen);
                    for axis in 0..3 {
                        let a = found.values[[frame, 0, place, axis]];
                        let b = expected.values[[frame, 0, column, axis]];
                        assert!((a - b).abs() < 1e-5 || seen == 0.0, "{label}: {a}, {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn unit_axis_and_names_of_the_spec_come_before_those_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.trc");
        let text = "PathFileType\nNumFrames NumMarkers Units\n1 2 mm\nFrame#\tTime\tA\t\t\tB\n\t\tX1\n7\t0\t1\t2\t3\t4\t5\t6\n";
        std::fs::write(&path, text).unwrap();
        let plain = points(&format!("file = {path:?}"));
        assert_eq!(
            (plain.labels.join(" "), plain.frame_numbers),
            ("A B".into(), vec![7])
        );
        assert_eq!(
            plain.values.iter().copied().collect::<Vec<_>>(),
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0].map(|x| x * 0.001)
        );
        let given = points(&format!(
            "file = {path:?}\nunit = \"m\"\nup = \"z\"\nmap = {{ A = \"B\", B = \"A\" }}"
        ));
        assert_eq!(given.labels, ["B", "A"]);
        let turned = given.values.iter().copied().collect::<Vec<_>>();
        assert_eq!(turned, [1.0, 3.0, -2.0, 4.0, 6.0, -5.0]);
    }
}
