//! Cameras that the spec itself describes: a table each in the data set's, with defaults for what is not known.

use nalgebra::{Matrix3, Vector3};

use super::{Reader, Up};
use crate::data::Dataset;
use crate::diagnostic::{Diagnostic, Origin, list};
use crate::io::{CameraRecord, Turn};
use crate::read::cameras::camera;
use crate::spec::{Dimension, Table, Value, View, keys};

impl<'a> Reader<'a> {
    /// The tables of cameras, where there is no file.
    pub(super) fn tables_of_cameras(&self) -> Vec<(&'a str, &'a Table, Origin)> {
        let entries = self.view.keys();
        let found = entries.filter_map(|(name, node)| match &node.value {
            Value::Table(table) if !keys::DATA.iter().any(|k| k.name == name) => {
                Some((name, table, node.key.clone()))
            }
            _ => None,
        });
        found.collect()
    }

    pub(super) fn inline_cameras(
        &mut self,
        tables: &[(&str, &Table, Origin)],
    ) -> Option<(Dataset, Up)> {
        let up = self.up(Up::Y);
        let to_file = up.upright().transpose();
        let metres = self.unit(Dimension::LENGTH)?;
        let (mut cameras, mut guessed) = (Vec::new(), Vec::new());
        for (name, table, origin) in tables {
            let path = format!("{}.{name}", self.view.path());
            let view = View::new(table, &path);
            let Some(record) = self.record(name, &view, origin, &to_file) else {
                continue;
            };
            if view.node("focal").is_none() {
                guessed.push(*name);
            }
            let size = record.size.unwrap_or_default();
            match camera(&record, size, metres, &to_file) {
                Ok(camera) => cameras.push(self.as_given(camera, &to_file)),
                Err(message) => self.fail("F0205", message, origin),
            }
        }
        self.warn_guessed(&guessed, &cameras);
        self.warn_lenses(&cameras);
        (cameras.len() == tables.len()).then_some((Dataset::Cameras(cameras), up))
    }

    /// What is not said: an image's middle, a focal length of its diagonal, a level camera at the origin that
    /// looks along our −z.
    fn record(
        &mut self,
        name: &str,
        view: &View<'_>,
        origin: &Origin,
        to_file: &Matrix3<f64>,
    ) -> Option<CameraRecord> {
        let of_all = self.view.numbers("size").map(|n| n.value);
        let own = self.as_many(view, "size", &[2]);
        let Some(size) = own
            .or(of_all)
            .filter(|s| s.len() == 2 && s.iter().all(|x| *x > 0.0))
        else {
            let message = format!("`{}` has no size of its images", view.path());
            let diagnostic = Diagnostic::error("F0202", message, origin);
            self.diagnostics
                .push(diagnostic.hint("`size = [width, height]`, in pixels"));
            return None;
        };
        let said = self.diagnostics.list.len();
        let focal = self.as_many(view, "focal", &[1, 2]);
        let focal = focal.unwrap_or(vec![size[0].hypot(size[1])]);
        let principal = self.as_many(view, "principal", &[2]);
        let principal = principal.unwrap_or(vec![size[0] / 2.0, size[1] / 2.0]);
        let rotation = match self.as_many(view, "rotation", &[3, 9]) {
            Some(w) if w.len() == 3 => Turn::Vector([w[0], w[1], w[2]]),
            Some(rows) => turn(&Matrix3::from_row_slice(&rows)),
            None => turn(
                &(Matrix3::from_diagonal(&Vector3::new(1.0, -1.0, -1.0)) * to_file.transpose()),
            ),
        };
        let translation = self.as_many(view, "translation", &[3]);
        let translation = translation.unwrap_or(vec![0.0; 3]);
        let distortion = view.numbers("distortion").map_or(Vec::new(), |d| d.value);
        let [fx, fy] = [focal[0], focal[focal.len() - 1]];
        (self.diagnostics.list.len() == said).then(|| CameraRecord {
            name: name.into(),
            size: Some([size[0], size[1]]),
            matrix: [
                [fx, 0.0, principal[0]],
                [0.0, fy, principal[1]],
                [0.0, 0.0, 1.0],
            ],
            distortion,
            rotation,
            translation: [translation[0], translation[1], translation[2]],
            fisheye: matches!(
                view.node("fisheye").map(|n| &n.value),
                Some(Value::Bool(true))
            ),
        })
    }

    /// Numbers of a key, as many as there may be.
    fn as_many(&mut self, view: &View<'_>, key: &str, counts: &[usize]) -> Option<Vec<f64>> {
        let given = view.numbers(key)?;
        let finite = given.value.iter().all(|x| x.is_finite());
        if finite && counts.contains(&given.value.len()) {
            return Some(given.value);
        }
        let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
        let counts = counts.join(" or ");
        let message = format!("`{}.{key}` should be {counts} finite numbers", view.path());
        self.fail("F0205", message, &given.origin);
        None
    }

    fn warn_guessed(&mut self, names: &[&str], cameras: &[crate::camera::Camera]) {
        let Some(first) = names.first() else { return };
        let focal = cameras.iter().find(|c| c.name == *first);
        let focal = focal.map_or(0.0, |c| c.intrinsics[0]);
        let message = format!(
            "the focal length of {} is not known: it is taken to be the image's diagonal, {focal:.0} px for `{first}`",
            list(names)
        );
        let hint = "distances from the camera are as wrong as it is: write `focal` in px, or free it by \
                    `focal = \"f\"` in the source and `[vars.f]` with `per = \"camera\"`";
        let diagnostic = Diagnostic::warning("F0527", message, &self.origin);
        self.diagnostics.push(diagnostic.hint(hint));
    }
}

fn turn(matrix: &Matrix3<f64>) -> Turn {
    Turn::Matrix([0, 1, 2].map(|i| [0, 1, 2].map(|k| matrix[(i, k)])))
}
