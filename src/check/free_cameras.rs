//! Cameras whose numbers are variables: which parts of which cameras are free.

use super::Checker;
use crate::camera::{Camera, CameraPart};
use crate::data::Dataset;
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::ir::VariableId;
use crate::manifold::Manifold;
use crate::spec::{Dimension, View};

/// The keys of a projection that name a variable, with the unit and typical change of the part.
const PARTS: [(&str, CameraPart, Dimension, f64); 5] = [
    ("focal", CameraPart::Focal, Dimension::PIXEL, 50.0),
    ("principal", CameraPart::Principal, Dimension::PIXEL, 10.0),
    ("distortion", CameraPart::Distortion, Dimension::NONE, 0.05),
    ("rotation", CameraPart::Rotation, Dimension::ANGLE, 0.05),
    (
        "translation",
        CameraPart::Translation,
        Dimension::LENGTH,
        0.1,
    ),
];

/// A variable's part in a projection, as the sources say it.
struct Role<'a> {
    part: CameraPart,
    dimension: Dimension,
    scale: f64,
    cameras: &'a [Camera],
}

impl<'a> Checker<'a> {
    /// What a variable is to the first projection that names it.
    fn role(&self, name: &str) -> Option<Role<'a>> {
        let root = self.spec.root();
        let inputs = self.inputs;
        root.named("sources").into_iter().find_map(|(_, table, _)| {
            let part = PARTS.iter().find(|p| table.text(p.0) == Some(name))?;
            let cameras = match &inputs.get(table.text("cameras")?)?.dataset {
                Dataset::Cameras(cameras) => cameras.as_slice(),
                _ => return None,
            };
            Some(Role {
                part: part.1,
                dimension: part.2,
                scale: part.3,
                cameras,
            })
        })
    }

    /// The unit that a part of a camera has without a word.
    pub(super) fn dimension_of_camera_part(&self, name: &str) -> Option<Dimension> {
        self.role(name).map(|r| r.dimension)
    }

    /// The typical change of a part; of one that is above zero a tenth of itself.
    pub(super) fn scale_of_camera_part(&self, name: &str, manifold: Manifold) -> Option<f64> {
        let role = self.role(name)?;
        Some(match manifold {
            Manifold::Positive(_) => 0.1,
            _ => role.scale,
        })
    }

    /// The components of a part where the camera fixes them.
    pub(super) fn dims_of_camera_part(&self, name: &str) -> Option<usize> {
        let role = self.role(name)?;
        match role.part {
            CameraPart::Focal => None,
            part => Some(role.cameras.first()?.part(part).len()),
        }
    }

    /// The cameras that have a copy of a variable: those that it names, else all.
    pub(super) fn cameras_of(
        &mut self,
        name: &str,
        view: &View<'_>,
        origin: &Origin,
    ) -> Option<Vec<String>> {
        let Some(role) = self.role(name) else {
            let message = format!(
                "`{}` is `per = \"camera\"`, but no source uses it",
                view.path()
            );
            let hint = format!("a source of `kind = \"project\"` with `focal = \"{name}\"` does");
            self.diagnostics
                .push(Diagnostic::error("F0304", message, origin).hint(hint));
            return None;
        };
        let all: Vec<String> = role.cameras.iter().map(|c| c.name.clone()).collect();
        let chosen: Vec<String> = match view.texts("cameras") {
            None => all.clone(),
            Some(texts) => {
                for text in texts.iter().filter(|t| !all.contains(&t.value.to_string())) {
                    let message = format!("there is no camera `{}`", text.value);
                    let diagnostic = Diagnostic::error("F0403", message, &text.origin);
                    let names = all.iter().map(String::as_str);
                    self.diagnostics.push(diagnostic.nearest(text.value, names));
                }
                let known = texts.iter().map(|t| t.value.to_string());
                known.filter(|t| all.contains(t)).collect()
            }
        };
        let counts = role.cameras.iter().map(|c| c.part(role.part).len());
        if counts.clone().min() != counts.max() {
            let message = format!(
                "`{}`: the cameras have lens models with different numbers of coefficients",
                view.path()
            );
            self.diagnostics
                .push(Diagnostic::error("F0306", message, origin));
            return None;
        }
        (!chosen.is_empty()).then_some(chosen)
    }

    /// What the camera file says of a part of the named cameras.
    pub(super) fn init_of_camera_part(
        &self,
        name: &str,
        dims: usize,
        cameras: &[String],
    ) -> Option<Vec<f64>> {
        let role = self.role(name)?;
        let camera = |name: &String| role.cameras.iter().find(|c| c.name == *name);
        let numbers = cameras.iter().filter_map(camera).flat_map(|c| {
            let all = c.part(role.part);
            all.into_iter().take(dims).collect::<Vec<f64>>()
        });
        Some(numbers.collect())
    }

    /// The parts of the cameras that a projection leaves to variables; all mistakes are reported.
    pub(super) fn free_parts(&mut self, view: &View<'_>) -> Option<Vec<(CameraPart, VariableId)>> {
        let mut free = Some(Vec::new());
        for (key, part, dimension, _) in PARTS {
            if let Some(name) = view.text(key) {
                let found = self.free_part(view, key, &name, part, dimension);
                free = free.zip(found).map(|(mut free, id)| {
                    free.push((part, id));
                    free
                });
            }
        }
        free
    }

    fn free_part(
        &mut self,
        view: &View<'_>,
        key: &str,
        name: &Sourced<&str>,
        part: CameraPart,
        dimension: Dimension,
    ) -> Option<VariableId> {
        let Some(id) = self.variable_id(name.value) else {
            if !self.declares_variable(name.value) {
                let message = format!("unknown variable `{}`", name.value);
                let hint = format!(
                    "declare it: `[vars.{}]` with `per = \"camera\"`",
                    name.value
                );
                self.diagnostics
                    .push(Diagnostic::error("F0304", message, &name.origin).hint(hint));
            }
            return None;
        };
        let variable = &self.variables[id.0];
        let dims = variable.manifold.ambient();
        let (fits, wanted) = match part {
            CameraPart::Rotation => (variable.manifold == Manifold::So3, "`kind = \"so3\"`"),
            CameraPart::Focal => (dims <= 2, "`dim = 1`, or 2 for fx and fy"),
            _ => (variable.manifold != Manifold::So3, "numbers"),
        };
        if variable.labels.is_empty() || !fits || variable.dimension != dimension {
            let message = format!("`{}.{key}`: `{}` does not fit", view.path(), name.value);
            let hint = format!("it needs `per = \"camera\"`, {wanted}, in {dimension}");
            self.diagnostics
                .push(Diagnostic::error("F0306", message, &name.origin).hint(hint));
            return None;
        }
        Some(id)
    }
}
