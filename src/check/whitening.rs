//! How a residual becomes a cost: sigma, robustifier and weight, in the residual's unit.

use super::expressions::is_quantity;
use super::{Checker, body_terms};
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::robust::{On, Robustifier};
use crate::spec::{Dimension, Quantity, View};
use crate::term::Whitening;

/// What the sigma of a residual has to look like.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub dimension: Dimension,
    /// Components of one residual.
    pub k: usize,
    /// Pixels that `100 %height` stands for.
    pub height: Option<f64>,
}

impl Checker<'_> {
    pub(super) fn whitening(
        &mut self,
        view: &View<'_>,
        origin: &Origin,
        form: Form,
    ) -> Option<Whitening> {
        let weight = view.number("weight").map_or(1.0, |w| w.value);
        if !(weight >= 0.0 && weight.is_finite()) {
            let message = format!("`{}.weight` should not be below zero", view.path());
            let origin = view.origin_of("weight", origin);
            self.diagnostics
                .push(Diagnostic::error("F0205", message, &origin));
        }
        let sigma = match view.quantities("sigma") {
            Some(given) => self.in_unit(&format!("{}.sigma", view.path()), &given, form),
            // What the residual of an expression is divided by already.
            None if view.text("sigma").is_some_and(|s| !is_quantity(s.value)) => {
                Some(vec![1.0; form.k])
            }
            None if view.node("sigma").is_some() => None,
            None if form.dimension == Dimension::NONE => Some(vec![1.0; form.k]),
            None if let Some(sigma) = body_terms::usual_sigma(view) => Some(vec![sigma; form.k]),
            None => {
                let message = format!(
                    "`{}` needs a `sigma`, since its residual is in {}",
                    view.path(),
                    form.dimension
                );
                let hint = format!("such as `sigma = \"{}\"`", form.dimension.example());
                self.diagnostics
                    .push(Diagnostic::error("F0202", message, origin).hint(hint));
                None
            }
        };
        let robust = self.robust(view, origin, form);
        let (sigma, (robust, scale, on)) = (sigma?, robust?);
        if robust != Robustifier::None && on == On::Norm && sigma.iter().any(|s| *s != sigma[0]) {
            let message = format!(
                "`{}`: with one sigma for each component the robustifier acts `on = \"coordinate\"`",
                view.path()
            );
            self.diagnostics.push(Diagnostic::error(
                "F0306",
                message,
                &view.origin_of("robust", origin),
            ));
            return None;
        }
        Some(Whitening {
            sigma,
            robust,
            scale,
            on,
            weight,
            is_energy: view.node("energy").is_some(),
        })
    }

    fn robust(
        &mut self,
        view: &View<'_>,
        origin: &Origin,
        form: Form,
    ) -> Option<(Robustifier, f64, On)> {
        let Some(table) = view.table("robust") else {
            return Some((Robustifier::None, 1.0, On::Norm));
        };
        let path = format!("{}.robust", view.path());
        let robust = View::new(table, &path);
        let origin = view.origin_of("robust", origin);
        let alpha = robust.number("alpha").map_or(1.0, |a| a.value);
        if alpha.is_nan() {
            let message = format!("`{path}.alpha` should be a number");
            let origin = robust.origin_of("alpha", &origin);
            self.diagnostics
                .push(Diagnostic::error("F0205", message, &origin));
            return None;
        }
        let kind = robust.text("kind")?;
        let kind = Robustifier::from_name(kind.value, alpha)?;
        let on = match robust.text("on").map(|t| t.value) {
            Some("coordinate") => On::Coordinate,
            _ => On::Norm,
        };
        if kind == Robustifier::None {
            return Some((kind, 1.0, on));
        }
        let Some(scale) = robust.quantities("scale") else {
            if robust.node("scale").is_some() {
                return None;
            }
            let message = format!("`{path}` needs a `scale`");
            let hint = format!("such as `scale = \"{}\"`", form.dimension.example());
            self.diagnostics
                .push(Diagnostic::error("F0202", message, &origin).hint(hint));
            return None;
        };
        let numbers = self.in_unit(&format!("{path}.scale"), &scale, form)?;
        self.warn_idle_scale(&path, numbers[0], form, &scale.origin);
        Some((kind, numbers[0], on))
    }

    /// A robustifier whose scale is beyond any residual does nothing: 100 (px) on metres, say.
    fn warn_idle_scale(&mut self, path: &str, scale: f64, form: Form, origin: &Origin) {
        let beyond = match form.dimension {
            Dimension::LENGTH => 10.0,
            Dimension::PIXEL => 10_000.0,
            _ => return,
        };
        if scale >= beyond {
            let message = format!(
                "`{path}.scale` is {scale} {}, so large that the robustifier does nothing",
                form.dimension
            );
            self.diagnostics
                .push(Diagnostic::warning("F0502", message, origin));
        }
    }

    /// Quantities in the residual's unit: one for all components, or one for each.
    fn in_unit(
        &mut self,
        path: &str,
        given: &Sourced<Vec<Quantity>>,
        form: Form,
    ) -> Option<Vec<f64>> {
        let mut fail = |message: String| {
            let label = format!("write it like `{}`", form.dimension.example());
            self.diagnostics
                .push(Diagnostic::error("F0302", message, &given.origin).label(label));
            None
        };
        if let Some(q) = given.value.iter().find(|q| q.dimension != form.dimension) {
            return fail(match q.dimension {
                Dimension::NONE => format!(
                    "`{path}` has no unit, but the residual is in {}",
                    form.dimension
                ),
                found => format!(
                    "`{path}` is in {found}, but the residual is in {}",
                    form.dimension
                ),
            });
        }
        let factor = |q: &Quantity| match (q.of_height, form.height) {
            (true, Some(height)) => height / 100.0,
            _ => 1.0,
        };
        let numbers: Vec<f64> = given.value.iter().map(|q| q.value * factor(q)).collect();
        if numbers.iter().any(|x| !(*x > 0.0 && x.is_finite())) {
            return fail(format!("`{path}` should be above zero"));
        }
        match numbers.len() {
            1 => Some(vec![numbers[0]; form.k]),
            n if n == form.k => Some(numbers),
            n => fail(format!(
                "`{path}` has {n} components, but the residual has {}",
                form.k
            )),
        }
    }
}
