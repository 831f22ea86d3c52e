//! Cameras that the spec itself describes: a table each in the data set's, with defaults for what is not known.

use nalgebra::{Matrix3, Vector3};

use super::{Reader, Up};
use crate::data::Dataset;
use crate::diagnostic::{Diagnostic, Origin, list};
use crate::io::{CameraRecord, Draft, Field};
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
        let own = |key: &str| view.numbers(key).map(|n| n.value);
        let Some(size) = own("size").or(self.view.numbers("size").map(|n| n.value)) else {
            let message = format!("`{}` has no size of its images", view.path());
            let diagnostic = Diagnostic::error("F0202", message, origin);
            self.diagnostics
                .push(diagnostic.hint("`size = [width, height]`, in pixels"));
            return None;
        };
        let [width, height] = [0, 1].map(|k| size.get(k).copied().unwrap_or(1.0));
        let focal = own("focal").unwrap_or(vec![width.hypot(height)]);
        let middle = vec![width / 2.0, height / 2.0];
        let principal = own("principal").unwrap_or(middle);
        let mut wrong = |key: &str, what: &str| {
            let message = format!("`{}.{key}` should be {what}, in px", view.path());
            let origin = view.origin_of(key, origin);
            self.fail("F0205", message, &origin);
            None
        };
        let [fx, fy] = match focal[..] {
            [f] if f > 0.0 => [f, f],
            [fx, fy] if fx > 0.0 && fy > 0.0 => [fx, fy],
            _ => return wrong("focal", "one or two numbers above 0"),
        };
        let [cx, cy] = principal[..] else {
            return wrong("principal", "two numbers");
        };
        let matrix = vec![fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0];
        let level = Matrix3::from_diagonal(&Vector3::new(1.0, -1.0, -1.0)) * to_file.transpose();
        let level = level.transpose().as_slice().to_vec();
        let field = |key: &str, numbers: Vec<f64>| Field {
            key: key.into(),
            numbers,
        };
        let draft = Draft {
            name: name.into(),
            size: Some(field("size", size)),
            matrix: field("focal", matrix),
            distortion: field("distortion", own("distortion").unwrap_or_default()),
            rotation: field("rotation", own("rotation").unwrap_or(level)),
            translation: field("translation", own("translation").unwrap_or(vec![0.0; 3])),
            fisheye: matches!(
                view.node("fisheye").map(|n| &n.value),
                Some(Value::Bool(true))
            ),
        };
        let all = [
            &draft.distortion,
            &draft.rotation,
            &draft.translation,
            &draft.matrix,
        ];
        let finite = all.iter().all(|f| f.numbers.iter().all(|x| x.is_finite()));
        let record = match finite {
            true => draft.record(),
            false => Err(format!("camera `{name}` has numbers that are not finite")),
        };
        record
            .map_err(|message| self.fail("F0205", message, origin))
            .ok()
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
                    `focal = \"f\"` in the source, `[vars.f]` with `per = \"camera\"`, and where one camera sees \
                    it, a term of the kind `l2` that holds `f` about its start";
        let diagnostic = Diagnostic::warning("F0527", message, &self.origin);
        self.diagnostics.push(diagnostic.hint(hint));
    }
}
