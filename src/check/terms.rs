//! Loss terms: residuals with their dimensions, whitened by sigmas, robustifiers and weights.

use std::sync::Arc;

use super::Checker;
use super::join;
use super::sources::{Predicted, Source};
use crate::body::pose_joints;
use crate::camera::people::associate;
use crate::data::{Dataset, Observations};
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::ir::{NodeId, Observed, Per, Residual, Targets, Term, VariableId};
use crate::manifold::Manifold;
use crate::prior::Prior;
use crate::robust::{On, Robustifier};
use crate::spec::{Dimension, Quantity, Spec, View};
use crate::term::Whitening;

/// A residual and the node that it reads.
type Measured = (NodeId, Residual);

/// What the sigma of a residual has to look like.
#[derive(Clone, Copy)]
struct Form {
    dimension: Dimension,
    /// Components of one residual.
    k: usize,
    /// Pixels that `100 %height` stands for.
    height: Option<f64>,
}

impl Checker<'_> {
    pub(super) fn terms(&mut self, spec: &Spec, rate: Option<f64>) -> (Vec<Term>, Vec<Observed>) {
        let (mut terms, mut observed) = (Vec::new(), Vec::new());
        for (name, table, node) in spec.root().named("terms") {
            let path = format!("terms.{name}");
            let view = View::new(table, &path);
            if let Some(term) = self.term(spec, name, &view, &node.key, rate, &mut observed) {
                terms.push(term);
            }
        }
        if terms.is_empty() && !self.diagnostics.has_errors() {
            let message = "the spec has no terms, so there is nothing to minimise";
            self.diagnostics.push(
                Diagnostic::error("F0202", message, &Origin::Default).hint("add `[terms.…]`"),
            );
        }
        (terms, observed)
    }

    fn term(
        &mut self,
        spec: &Spec,
        name: &str,
        view: &View<'_>,
        origin: &Origin,
        rate: Option<f64>,
        observed: &mut Vec<Observed>,
    ) -> Option<Term> {
        let mut form = None;
        let measured = match view.text("kind")?.value {
            "l2" => self.l2(view, origin, &mut form),
            "prior" => self.prior_term(&mut form),
            "difference" => self.difference(spec, view, origin, rate, &mut form),
            _ => self.points(spec, name, view, origin, observed, &mut form),
        };
        // The form is known before everything else is in order, so that no mistake hides another.
        let whitening = form.and_then(|form| self.whitening(view, origin, form));
        let ((node, residual), whitening) = (measured?, whitening?);
        Some(Term {
            name: name.into(),
            node,
            residual,
            whitening,
        })
    }

    fn l2(
        &mut self,
        view: &View<'_>,
        origin: &Origin,
        form: &mut Option<Form>,
    ) -> Option<Measured> {
        let of = self.required(view, "of", origin)?;
        let Some(id) = self.variable_id(of.value) else {
            let message = format!("unknown variable `{}`", of.value);
            let names: Vec<String> = self.variables.iter().map(|v| v.name.clone()).collect();
            let diagnostic = Diagnostic::error("F0304", message, &of.origin);
            self.diagnostics
                .push(diagnostic.nearest(of.value, names.iter().map(String::as_str)));
            return None;
        };
        let variable = &self.variables[id.0];
        let (dimension, manifold) = (variable.dimension, variable.manifold);
        let Manifold::Euclidean(k) = manifold else {
            let message = format!("`{}` is a rotation, which has no squared norm", of.value);
            self.diagnostics
                .push(Diagnostic::error("F0306", message, &of.origin));
            return None;
        };
        *form = Some(Form {
            dimension,
            k,
            height: None,
        });
        Some((self.variable_node(id), Residual::Value { k }))
    }

    /// The energy of the prior; without a prior there is no such term.
    fn prior_term(&mut self, form: &mut Option<Form>) -> Option<Measured> {
        let Prior::Mixture(mixture) = self.inputs.prior.clone() else {
            return None;
        };
        let id = self.variable_id(self.inputs.prior.variable())?;
        if self.variables[id.0].manifold.ambient() != mixture.dims {
            let message = format!(
                "the prior has {} dimensions, but `pose_body` has {}",
                mixture.dims,
                self.variables[id.0].manifold.ambient()
            );
            self.diagnostics
                .push(Diagnostic::error("F0303", message, &Origin::Default));
            return None;
        }
        *form = Some(Form {
            dimension: Dimension::NONE,
            k: 1,
            height: None,
        });
        Some((self.variable_node(id), Residual::Mixture(mixture)))
    }

    fn difference(
        &mut self,
        spec: &Spec,
        view: &View<'_>,
        origin: &Origin,
        rate: Option<f64>,
        form: &mut Option<Form>,
    ) -> Option<Measured> {
        let of = self.required(view, "of", origin)?;
        let order = view.integer("order")?;
        if !(1..=2).contains(&order.value) {
            let message = format!("`{}.order` should be 1 or 2", view.path());
            self.diagnostics
                .push(Diagnostic::error("F0205", message, &order.origin));
            return None;
        }
        let source = self.source(spec, &of)?;
        let rotation = |id: &VariableId| self.variables[id.0].manifold == Manifold::So3;
        let shared = |id: &VariableId| self.variables[id.0].per == Per::Subject;
        let unfit = match &source {
            Source::Variable(id) => rotation(id) || shared(id),
            Source::Project { .. } => true,
            Source::Body { .. } => of.value == "vertices",
        };
        if unfit {
            let message = format!("`{}` has no difference along frames", of.value);
            let hint = "take `joints`, another source of points in space, or a variable of each frame that is no rotation";
            self.diagnostics
                .push(Diagnostic::error("F0306", message, &of.origin).hint(hint));
            return None;
        }
        let Some(rate) = rate else {
            let message = format!(
                "`{}` needs the frame rate, which no data set says",
                view.path()
            );
            self.diagnostics.push(
                Diagnostic::error("F0307", message, origin)
                    .hint("add `rate = \"30 Hz\"` to the data"),
            );
            return None;
        };
        let node = self.whole(view.path(), &source)?;
        let k = match source {
            Source::Variable(_) => self.nodes[node.0].dims,
            _ => 3,
        };
        let order = order.value as usize;
        *form = Some(Form {
            dimension: self.nodes[node.0].dimension.per_time(order as i8),
            k,
            height: None,
        });
        Some((node, Residual::Difference { order, rate, k }))
    }

    fn points(
        &mut self,
        spec: &Spec,
        name: &str,
        view: &View<'_>,
        origin: &Origin,
        observed: &mut Vec<Observed>,
        form: &mut Option<Form>,
    ) -> Option<Measured> {
        let source_name = self.required(view, "source", origin);
        let target_name = self.required(view, "target", origin);
        if let Some(target) = &target_name {
            *form = self.form_of(spec, view, target);
        }
        let (source_name, target_name) = (source_name?, target_name?);
        let source = self.source(spec, &source_name)?;
        let observations = self.observations(spec, &target_name, &source)?;
        let data = spec.root().table("data")?.table(target_name.value)?;
        let convention = data.text("keypoints").map(String::from);
        let predicted = self.predict(
            view.path(),
            &source,
            &observations,
            convention.as_deref(),
            &target_name.origin,
        )?;
        let joined = join::select_points(&observations, &predicted.labels);
        self.check_dims(&predicted, &joined, &source_name, &target_name)?;
        let weights = self.point_weights(view, &joined);
        let targets = Arc::new(Targets {
            labels: predicted.labels.clone(),
            observations: joined,
            weights,
        });
        if let Some(points) = predicted.points {
            observed.push(Observed {
                term: name.into(),
                points,
                targets: Arc::clone(&targets),
                cameras: predicted.cameras.clone(),
                rigidity: self.rigidity(&source, convention.as_deref(), &predicted.labels),
            });
        }
        if let (Some(form), Some(cameras)) = (form, &predicted.cameras) {
            form.height = Some(cameras.iter().map(|c| c.size[1]).fold(0.0, f64::max));
        }
        Some((predicted.node, Residual::Points(targets)))
    }

    /// What a target alone says of a residual; checks the names of `weights` on the way.
    fn form_of(&mut self, spec: &Spec, view: &View<'_>, target: &Sourced<&str>) -> Option<Form> {
        let Some(input) = self.inputs.get(target.value) else {
            self.unknown_data(target);
            return None;
        };
        let smpl = || crate::keypoints::labels("SMPL_22").unwrap_or_default();
        let (dimension, k, labels) = match &input.dataset {
            Dataset::Points(o) => (o.dimension, o.values.dim().3, o.labels.clone()),
            Dataset::People(people) => (Dimension::PIXEL, 2, people.labels.clone()),
            Dataset::Motion(_) => (Dimension::LENGTH, 3, smpl()),
            Dataset::Cameras(_) => return None,
        };
        self.check_weight_names(view, &labels);
        if let Dataset::Points(observations) = &input.dataset {
            self.warn_size(spec, target.value, observations);
        }
        Some(Form {
            dimension,
            k,
            height: None,
        })
    }

    /// A person is neither 20 m nor 20 cm tall; one in millimetres that were taken for metres is.
    fn warn_size(&mut self, spec: &Spec, name: &str, observations: &Observations) {
        let Some(span) = median_span(observations) else {
            return;
        };
        let unlikely = !(0.2..20.0).contains(&span) && observations.values.dim().2 > 5;
        if observations.dimension == Dimension::LENGTH && spec.has_body && unlikely {
            let message = format!("the points of `{name}` span {span:.3} m in a frame");
            let root = spec.root();
            let node = root.table("data").and_then(|t| t.get(name));
            let origin = node.map_or(Origin::Default, |n| n.key.clone());
            self.diagnostics.push(
                Diagnostic::warning("F0505", message, &origin)
                    .hint("is the `unit` right? without one, metres are meant"),
            );
        }
    }

    /// What a data set says as points: detections get one person, motions pose this body.
    fn observations(
        &mut self,
        spec: &Spec,
        name: &Sourced<&str>,
        source: &Source,
    ) -> Option<Arc<Observations>> {
        if let Some((_, known)) = self.associated.iter().find(|(n, _)| n == name.value) {
            return Some(Arc::clone(known));
        }
        let input = self.inputs.get(name.value)?;
        let found = match &input.dataset {
            Dataset::Points(observations) => observations.clone(),
            Dataset::People(people) => {
                let Source::Project { cameras, .. } = source else {
                    let message = format!(
                        "`{}` are pixels, so the source should be a projection",
                        name.value
                    );
                    let hint = "declare a source with `kind = \"project\"`";
                    self.diagnostics
                        .push(Diagnostic::error("F0302", message, &name.origin).hint(hint));
                    return None;
                };
                let cameras = self.joined_cameras(cameras, &people.views, &name.origin)?;
                let path = format!("data.{}", name.value);
                let root = spec.root();
                let view = View::new(root.table("data")?.table(name.value)?, &path);
                let index = view
                    .integer("person")
                    .and_then(|i| usize::try_from(i.value).ok());
                associate(people, &cameras, index)
            }
            Dataset::Motion(motion) => pose_joints(self.inputs.body.as_ref()?, motion),
            Dataset::Cameras(_) => {
                let message = format!("`{}` holds cameras, not keypoints", name.value);
                self.diagnostics
                    .push(Diagnostic::error("F0304", message, &name.origin));
                return None;
            }
        };
        let mut found = found;
        self.drop_doubtful(spec, name.value, &mut found);
        let found = Arc::new(found);
        self.associated
            .push((name.value.into(), Arc::clone(&found)));
        Some(found)
    }

    /// Points seen with less than `min_confidence` are not observed.
    fn drop_doubtful(&self, spec: &Spec, name: &str, observations: &mut Observations) {
        let root = spec.root();
        let data = root.table("data").and_then(|t| t.table(name));
        let least = data.and_then(|t| View::new(t, "data").number("min_confidence"));
        let least = least.map_or(0.0, |n| n.value);
        observations
            .confidence
            .mapv_inplace(|c| if c < least { 0.0 } else { c });
        observations.mask_missing();
    }

    fn check_dims(
        &mut self,
        predicted: &Predicted,
        observed: &Observations,
        source: &Sourced<&str>,
        target: &Sourced<&str>,
    ) -> Option<()> {
        let node = &self.nodes[predicted.node.0];
        let (_, views, points, k) = observed.values.dim();
        if node.dims == views * points * k {
            return Some(());
        }
        let diagnostic = match predicted.points.is_some() && predicted.cameras.is_none() && k == 2 {
            true => {
                let message = format!(
                    "`{}` are pixels, but `{}` are points in space",
                    target.value, source.value
                );
                Diagnostic::error("F0301", message, &target.origin)
                    .hint("pixels need a source with `kind = \"project\"`")
            }
            false => {
                let message = format!(
                    "`{}` gives {} numbers a frame, but `{}` observes {}",
                    source.value,
                    node.dims,
                    target.value,
                    views * points * k
                );
                Diagnostic::error("F0301", message, &target.origin)
            }
        };
        self.diagnostics.push(diagnostic);
        None
    }

    fn check_weight_names(&mut self, view: &View<'_>, labels: &[String]) {
        let Some(table) = view.table("weights") else {
            return;
        };
        for (label, node) in &table.entries {
            let weight = View::new(table, "weights").number(label);
            if weight.is_some_and(|w| !(w.value >= 0.0 && w.value.is_finite())) {
                let message = format!("`{}.weights.{label}` should not be below zero", view.path());
                self.diagnostics
                    .push(Diagnostic::error("F0205", message, &node.origin));
            }
            if label != "default" && !labels.contains(label) {
                let message = format!(
                    "`{}.weights`: no keypoint `{label}` is observed",
                    view.path()
                );
                let names = labels.iter().map(String::as_str).chain(["default"]);
                let diagnostic = Diagnostic::error("F0403", message, &node.key);
                self.diagnostics.push(diagnostic.nearest(label, names));
            }
        }
    }

    /// confidence^p times the keypoint's weight; with `reduce = "mean"` over Σ conf^p of the frame.
    fn point_weights(&mut self, view: &View<'_>, observed: &Observations) -> Vec<f64> {
        let power = view.integer("conf_power").map_or(1, |p| p.value);
        if !(1..=2).contains(&power) {
            let message = format!("`{}.conf_power` should be 1 or 2", view.path());
            let origin = view.origin_of("conf_power", &Origin::Default);
            self.diagnostics
                .push(Diagnostic::error("F0205", message, &origin));
        }
        let table = view.table("weights");
        let weights = table.map(|t| View::new(t, "weights"));
        let weight = |label: &str| {
            let weights = weights?;
            let own = weights.number(label).or_else(|| weights.number("default"));
            own.map(|n| n.value)
        };
        let by_label: Vec<f64> = observed
            .labels
            .iter()
            .map(|l| weight(l).unwrap_or(1.0))
            .collect();
        let mean = view.text("reduce").is_some_and(|r| r.value == "mean");
        let mut result = Vec::with_capacity(observed.confidence.len());
        for frame in observed.confidence.outer_iter() {
            let raised = frame.mapv(|c| c.powi(power as i32));
            let total = raised.sum();
            let share = if mean && total > 0.0 {
                1.0 / total
            } else {
                1.0
            };
            for ((_, p), c) in raised.indexed_iter() {
                result.push(c * share * by_label[p]);
            }
        }
        result
    }

    fn whitening(&mut self, view: &View<'_>, origin: &Origin, form: Form) -> Option<Whitening> {
        let weight = view.number("weight").map_or(1.0, |w| w.value);
        if !(weight >= 0.0 && weight.is_finite()) {
            let message = format!("`{}.weight` should not be below zero", view.path());
            let origin = view.origin_of("weight", origin);
            self.diagnostics
                .push(Diagnostic::error("F0205", message, &origin));
        }
        let sigma = match view.quantities("sigma") {
            Some(given) => self.in_unit(&format!("{}.sigma", view.path()), &given, form),
            None if view.node("sigma").is_some() => None,
            None if form.dimension == Dimension::NONE => Some(vec![1.0; form.k]),
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

/// The median over observed frames of the largest extent of a frame's points along one axis.
fn median_span(observations: &Observations) -> Option<f64> {
    let mut spans: Vec<f64> = observations
        .values
        .outer_iter()
        .map(|frame| {
            let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
            let extent = |c: usize| {
                let column = frame.slice(ndarray::s![.., .., c]);
                let finite = column.iter().filter(|x| x.is_finite());
                let (low, high) = finite.fold((low, high), |(l, h), x| (l.min(*x), h.max(*x)));
                high - low
            };
            (0..frame.dim().2)
                .map(extent)
                .fold(f64::NEG_INFINITY, f64::max)
        })
        .filter(|span| span.is_finite())
        .collect();
    spans.sort_by(f64::total_cmp);
    spans.get(spans.len() / 2).copied()
}
