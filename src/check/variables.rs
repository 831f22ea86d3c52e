//! Variables with their manifolds, sizes and starting values.

use super::Checker;
use crate::body::BODY_JOINTS;
use crate::diagnostic::{Diagnostic, Origin};
use crate::ir::{Per, Variable, VariableId};
use crate::manifold::Manifold;
use crate::spec::{Dimension, View, parse_unit};

impl Checker<'_> {
    pub(super) fn variables(&mut self, root: &View<'_>) {
        for (name, table, node) in root.named("vars") {
            let path = format!("vars.{name}");
            let variable = self.variable(name, &View::new(table, &path), &node.key);
            self.variables.extend(variable);
        }
    }

    fn variable(&mut self, name: &str, view: &View<'_>, origin: &Origin) -> Option<Variable> {
        let manifold = self.manifold(name, view, origin)?;
        let dimension = match view.text("unit") {
            None => Dimension::NONE,
            Some(unit) => match parse_unit(unit.value) {
                Ok((1.0, dimension)) => dimension,
                Ok((_, dimension)) => {
                    let message = format!("`{}.unit` should be the SI unit", view.path());
                    let label = format!("write `{dimension}`");
                    self.diagnostics
                        .push(Diagnostic::error("F0302", message, &unit.origin).label(label));
                    return None;
                }
                Err(reason) => {
                    let message = format!("`{}.unit`: {reason}", view.path());
                    self.diagnostics
                        .push(Diagnostic::error("F0302", message, &unit.origin));
                    return None;
                }
            },
        };
        let per = match view.text("per").map(|t| t.value) {
            Some("frame") => Per::Frame,
            _ => Per::Subject,
        };
        Some(Variable {
            init: self.init(name, view, manifold)?,
            name: name.into(),
            manifold,
            per,
            dimension,
            scale: self.scale(view),
        })
    }

    fn scale(&mut self, view: &View<'_>) -> f64 {
        let Some(scale) = view.number("scale") else {
            return 1.0;
        };
        if scale.value > 0.0 && scale.value.is_finite() {
            return scale.value;
        }
        let message = format!("`{}.scale` should be above zero", view.path());
        self.diagnostics
            .push(Diagnostic::error("F0205", message, &scale.origin));
        1.0
    }

    /// The body fixes the sizes of its own variables.
    fn manifold(&mut self, name: &str, view: &View<'_>, origin: &Origin) -> Option<Manifold> {
        if view.text("kind").is_some_and(|k| k.value == "so3") {
            return Some(Manifold::So3);
        }
        let of_body = match (name, &self.inputs.body) {
            ("betas", Some(body)) => Some(body.num_betas()),
            ("pose_body", Some(_)) => Some(3 * BODY_JOINTS),
            ("trans", Some(_)) => Some(3),
            _ => None,
        };
        let given = view.integer("dim");
        let init = view.numbers("init").map_or(1, |n| n.value.len());
        match (given, of_body) {
            (Some(dim), Some(needed)) if dim.value != needed as i64 => {
                let message = format!("`vars.{name}.dim` should be {needed} for this body");
                self.diagnostics
                    .push(Diagnostic::error("F0303", message, &dim.origin));
                None
            }
            (Some(dim), _) if dim.value < 1 => {
                let message = format!("`vars.{name}.dim` should be at least 1");
                self.diagnostics
                    .push(Diagnostic::error("F0303", message, &dim.origin));
                None
            }
            (_, Some(needed)) => Some(Manifold::Euclidean(needed)),
            (Some(dim), None) => Some(Manifold::Euclidean(dim.value as usize)),
            (None, None) if self.spec.has_body && name == "betas" => {
                // The body could not be read; that is the mistake, and it was reported.
                let _ = origin;
                Some(Manifold::Euclidean(10))
            }
            (None, None) => Some(Manifold::Euclidean(init)),
        }
    }

    fn init(&mut self, name: &str, view: &View<'_>, manifold: Manifold) -> Option<Vec<f64>> {
        let dims = manifold.tangent();
        let Some(given) = view.numbers("init") else {
            return Some(match manifold {
                Manifold::So3 => nalgebra::Matrix3::identity().as_slice().to_vec(),
                Manifold::Euclidean(n) if self.inputs.prior.variable() == name => {
                    self.inputs.prior.mode(n)
                }
                Manifold::Euclidean(n) => vec![0.0; n],
            });
        };
        let numbers = match given.value.as_slice() {
            [one] => vec![*one; dims],
            several if several.len() == dims => several.to_vec(),
            several => {
                let message = format!(
                    "`{}.init` has {} numbers, but the variable has {dims}",
                    view.path(),
                    several.len()
                );
                self.diagnostics
                    .push(Diagnostic::error("F0303", message, &given.origin));
                return None;
            }
        };
        if numbers.iter().any(|x| !x.is_finite()) {
            let message = format!("`{}.init` is not a finite number", view.path());
            self.diagnostics
                .push(Diagnostic::error("F0303", message, &given.origin));
            return None;
        }
        Some(match manifold {
            // A rotation is given as an axis-angle vector, like everywhere at the border.
            Manifold::So3 => {
                let mut rows = vec![0.0; 9];
                let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
                manifold.retract(&identity, &numbers, &mut rows);
                rows
            }
            Manifold::Euclidean(_) => numbers,
        })
    }

    pub(super) fn variable_id(&self, name: &str) -> Option<VariableId> {
        let at = self.variables.iter().position(|v| v.name == name)?;
        Some(VariableId(at))
    }
}
