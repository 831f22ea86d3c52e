//! Terms on points near the ground: how deep they lie, and how fast they slide.

use super::Checker;
use super::sources::Source;
use super::terms::Measured;
use super::whitening::Form;
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::ir::{NodeId, NodeKind, Residual};
use crate::keypoints::Recipe;
use crate::spec::{Dimension, Spec, View};

/// The points that meet the ground where a spec names none.
const FEET: [&str; 6] = [
    "left_heel",
    "left_big_toe",
    "left_small_toe",
    "right_heel",
    "right_big_toe",
    "right_small_toe",
];

impl Checker<'_> {
    pub(super) fn ground(
        &mut self,
        spec: &Spec,
        view: &View<'_>,
        origin: &Origin,
        out: &mut Option<Form>,
    ) -> Option<Measured> {
        *out = Some(Form {
            dimension: Dimension::LENGTH,
            k: 1,
            height: None,
        });
        let points = self.near_ground(spec, view, origin)?;
        let height = view.quantities("height")?.value.first()?.value;
        let count = self.nodes[points.0].dims / 3;
        let name = format!("{}: below", view.path());
        let kind = NodeKind::Penetration { points, height };
        let node = self.node(&name, kind, count, Dimension::LENGTH);
        Some((node, Residual::value(1, count)))
    }

    pub(super) fn contact(
        &mut self,
        spec: &Spec,
        view: &View<'_>,
        origin: &Origin,
        rate: Option<f64>,
        out: &mut Option<Form>,
    ) -> Option<Measured> {
        let velocity = Dimension::LENGTH.per_time(1);
        *out = Some(Form {
            dimension: velocity,
            k: 3,
            height: None,
        });
        let points = self.near_ground(spec, view, origin);
        let rate = self.needs_rate(view, origin, rate);
        let length = |key| Some(view.quantities(key)?.value.first()?.value);
        let (height, fade) = (length("height")?, length("fade")?);
        if !(fade > 0.0 && fade.is_finite()) {
            let message = format!("`{}.fade` should be above zero", view.path());
            let origin = view.origin_of("fade", origin);
            self.diagnostics
                .push(Diagnostic::error("F0205", message, &origin));
            return None;
        }
        let (points, rate) = (points?, rate?);
        let dims = self.nodes[points.0].dims;
        let kind = NodeKind::Sliding {
            neighbours: self.neighbours(points, 2),
            height,
            fade,
            rate,
        };
        let name = format!("{}: sliding", view.path());
        let node = self.node(&name, kind, dims, velocity);
        Some((node, Residual::value(3, dims)))
    }

    /// The points of a source that may touch the ground: feet, where none are named.
    fn near_ground(&mut self, spec: &Spec, view: &View<'_>, origin: &Origin) -> Option<NodeId> {
        self.needs_body(view, origin)?;
        let of = view.text("of");
        let default = Sourced::new("joints", Origin::Default);
        let source = self.source(spec, of.as_ref().unwrap_or(&default))?;
        if !matches!(source, Source::Body { .. } | Source::Own(_)) {
            let of = of.unwrap_or(default);
            let message = format!("`{}` has no points in space", of.value);
            self.diagnostics.push(
                Diagnostic::error("F0306", message, &of.origin)
                    .hint("take `joints` or a source of the kind `joints`"),
            );
            return None;
        }
        let labels = match view.texts("points") {
            Some(texts) if texts.is_empty() => {
                let message = format!("`{}.points` names no point", view.path());
                let origin = view.origin_of("points", origin);
                self.diagnostics
                    .push(Diagnostic::error("F0205", message, &origin));
                return None;
            }
            Some(texts) => texts,
            None if view.node("points").is_some() => return None,
            None if of.is_none() => FEET
                .map(|label| Sourced::new(label, origin.clone()))
                .to_vec(),
            None => Vec::new(),
        };
        self.points_of(view, &source, &labels)
    }

    /// The node of some points of a source on the body; of all where none are named.
    fn points_of(
        &mut self,
        view: &View<'_>,
        source: &Source,
        labels: &[Sourced<&str>],
    ) -> Option<NodeId> {
        let all = self.all_labels(source);
        let names: Vec<&str> = match labels.is_empty() {
            true => all.iter().map(String::as_str).collect(),
            false => labels.iter().map(|label| label.value).collect(),
        };
        let own = match source {
            Source::Own(own) => Some(own),
            _ => None,
        };
        let recipes: Vec<Option<Recipe>> = names
            .iter()
            .map(|name| match own {
                Some(own) => own.has(name).then(Vec::new),
                None => self.recipe(source, None, name),
            })
            .collect();
        for (label, _) in labels.iter().zip(&recipes).filter(|(_, r)| r.is_none()) {
            let message = format!(
                "`{}`: the source has no point `{}`",
                view.path(),
                label.value
            );
            let landmarks = self.inputs.body.iter().flat_map(|b| b.landmarks.keys());
            let known = all.iter().chain(landmarks).map(String::as_str);
            let diagnostic = Diagnostic::error("F0403", message, &label.origin);
            let diagnostic = diagnostic.nearest(label.value, known);
            self.diagnostics.push(diagnostic);
        }
        let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
        let recipes: Vec<Recipe> = recipes.into_iter().collect::<Option<_>>()?;
        match own {
            Some(own) => self.own_points(view.path(), own, &names),
            None => self.body_points(view.path(), &recipes),
        }
    }
}
