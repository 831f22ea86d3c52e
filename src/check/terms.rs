//! Loss terms: which residual each kind has, and the node that it reads.

use std::sync::Arc;

use super::Checker;
use super::expression_terms::Left;
use super::expressions::is_quantity;
use super::figure::Seen;
use super::join;
use super::motions::Fits;
use super::sources::{Predicted, Source};
use super::whitening::Form;
use crate::data::Observations;
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::expr::Expression;
use crate::ir::{Node, NodeId, NodeKind, Observed, Per, Residual, Targets, Term, VariableId};
use crate::manifold::Manifold;
use crate::prior::{Latent, Learned, Mixture, Own, Prior};
use crate::spec::{Dimension, Spec, View};

/// A residual and the node that it reads.
pub(super) type Measured = (NodeId, Residual);

/// The terms of a spec, with what those see that a body can be placed by.
#[derive(Clone, Default)]
pub(super) struct Terms {
    pub list: Vec<Term>,
    pub observed: Vec<Observed>,
}

impl Terms {
    /// Adds what another has of a term.
    fn take(&mut self, other: &Self, name: &str) {
        let of_term = other.list.iter().filter(|t| t.name == name);
        self.list.extend(of_term.cloned());
        let of_term = other.observed.iter().filter(|o| o.term == name);
        self.observed.extend(of_term.cloned());
    }
}

/// What is named by a path such as `terms.data`.
pub(super) fn own_name(path: &str) -> &str {
    path.split_once('.').map_or(path, |(_, name)| name)
}

impl Checker<'_> {
    pub(super) fn terms(&mut self, spec: &Spec, rate: Option<f64>) -> Terms {
        let terms = self.changed_terms(spec, &Terms::default(), |_| true, rate);
        if terms.list.is_empty() && !self.diagnostics.has_errors() {
            let message = "the spec has no terms, so there is nothing to minimise";
            self.diagnostics.push(
                Diagnostic::error("F0202", message, &Origin::Default).hint("add `[terms.…]`"),
            );
        }
        terms
    }

    /// The terms of a spec, of which only some differ from those that are known.
    pub(super) fn changed_terms(
        &mut self,
        spec: &Spec,
        known: &Terms,
        differs: impl Fn(&str) -> bool,
        rate: Option<f64>,
    ) -> Terms {
        let mut terms = Terms::default();
        for (name, table, node) in spec.root().named("terms") {
            if !differs(name) {
                terms.take(known, name);
                continue;
            }
            let path = format!("terms.{name}");
            let view = View::new(table, &path);
            let observed = &mut terms.observed;
            let term = self.term(spec, name, &view, &node.key, rate, observed);
            let written = view.text("kind").is_some_and(|k| k.value == "expr");
            if term.is_none() && written && !self.diagnostics.has_errors() {
                // No term is left out without a word.
                let message = format!("`{path}` cannot be understood");
                self.diagnostics
                    .push(Diagnostic::error("F0308", message, &node.key));
            }
            terms.list.extend(term);
        }
        terms
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
        let kind = view.text("kind")?.value;
        self.check_sigma(view, kind);
        self.check_weight(view, kind);
        let measured = match kind {
            "expr" => {
                let form = &mut form;
                let mut left = Left { form, observed };
                self.expression_term(spec, view, (origin, rate), &mut left)
            }
            "l2" => self.l2(view, origin, &mut form),
            "prior" => self.prior_term(&mut form),
            "difference" => self.difference(spec, view, origin, rate, &mut form),
            "joint_limits" => self.joint_limits(view, origin, &mut form),
            "bending" => self.bending(view, origin, &mut form),
            "ground" => self.ground(spec, view, origin, &mut form),
            "contact" => self.contact(spec, view, origin, rate, &mut form),
            "symmetry" => self.symmetry(view, origin, &mut form),
            _ => {
                let form = &mut form;
                let mut left = Left { form, observed };
                let mut own = self.registry.terms.iter();
                match own.find(|t| t.name() == kind).cloned() {
                    Some(own) => self.own_term(spec, view, (origin, rate), &*own, &mut left),
                    None => self.points(spec, view, origin, &mut left),
                }
            }
        };
        // The form is known before everything else is in order, so that no mistake hides another.
        let whitening = form.and_then(|form| self.whitening(view, origin, form));
        let ((node, residual), mut whitening) = (measured?, whitening?);
        if let NodeKind::Variable(id) = self.nodes[node.0].kind
            && self.variables[id.0].manifold == Manifold::So3
        {
            // ‖R − R₀‖² is twice the squared angle, where that is small.
            let factor = std::f64::consts::SQRT_2;
            whitening.sigma.iter_mut().for_each(|s| *s *= factor);
            whitening.scale *= factor;
        }
        Some(Term {
            name: name.into(),
            node,
            residual,
            whitening,
            reach: self.reach(node),
            sigma_stated: view.node("sigma").is_some(),
        })
    }

    /// Only a residual that is an expression may have one for its sigma.
    fn check_sigma(&mut self, view: &View<'_>, kind: &str) {
        let text = view
            .text("sigma")
            .filter(|s| kind != "expr" && !is_quantity(s.value));
        if let Some(text) = text {
            let message = format!(
                "`{}.sigma` is `{}`, but should be a quantity such as \"1 cm\"",
                view.path(),
                text.value
            );
            self.diagnostics
                .push(Diagnostic::error("F0205", message, &text.origin));
        }
    }

    /// Nor a weight.
    fn check_weight(&mut self, view: &View<'_>, kind: &str) {
        if let Some(text) = view.text("weight").filter(|_| kind != "expr") {
            let message = format!(
                "`{}.weight` is `{}`, but should be a number",
                view.path(),
                text.value
            );
            let hint = "only terms of the kind `expr` over rows of a table take an expression";
            let diagnostic = Diagnostic::error("F0205", message, &text.origin);
            self.diagnostics.push(diagnostic.hint(hint));
        }
    }

    /// Frames after a frame that a node of it reads.
    fn reach(&self, node: NodeId) -> usize {
        let kind = &self.nodes[node.0].kind;
        let own = match kind {
            NodeKind::Neighbours { count, .. } => count - 1,
            _ => 0,
        };
        let below = kind.inputs().into_iter().map(|n| self.reach(n));
        own + below.max().unwrap_or(0)
    }

    /// A frame's numbers with those of the frames after it, `count` in all.
    pub(super) fn neighbours(&mut self, of: NodeId, count: usize) -> NodeId {
        let Node {
            name,
            dims,
            dimension,
            ..
        } = &self.nodes[of.0];
        let (name, dims, dimension) = (format!("{name} of neighbours"), *dims, *dimension);
        self.node(
            &name,
            NodeKind::Neighbours { of, count },
            count * dims,
            dimension,
        )
    }

    fn l2(
        &mut self,
        view: &View<'_>,
        origin: &Origin,
        form: &mut Option<Form>,
    ) -> Option<Measured> {
        let of = self.required(view, "of", origin)?;
        let name = match of.value {
            "pose" => self.inputs.prior.variable(),
            other => other,
        };
        let Some(id) = self.variable_id(name) else {
            if self.declares_variable(name) {
                return None;
            }
            let message = format!("unknown variable `{}`", of.value);
            let names: Vec<String> = self.variables.iter().map(|v| v.name.clone()).collect();
            let diagnostic = Diagnostic::error("F0304", message, &of.origin);
            self.diagnostics
                .push(diagnostic.nearest(of.value, names.iter().map(String::as_str)));
            return None;
        };
        let variable = &self.variables[id.0];
        let about = view.text("about");
        let about_zero = about.as_ref().is_none_or(|a| a.value == "zero");
        if variable.manifold == Manifold::So3 && about_zero {
            let message = format!("`{}` is a rotation, which has no squared norm", of.value);
            let diagnostic = Diagnostic::error("F0306", message, &of.origin);
            self.diagnostics.push(
                diagnostic.hint("`about = \"init\"` measures the angle from where it starts"),
            );
            return None;
        }
        let (k, dimension) = (variable.manifold.ambient(), variable.dimension);
        let about = self.about(id, about.as_ref())?;
        *form = Some(Form {
            dimension,
            k,
            height: None,
        });
        Some((self.variable_node(id), Residual::Value { k, about }))
    }

    /// What an `l2` measures a variable from.
    fn about(&mut self, id: VariableId, about: Option<&Sourced<&str>>) -> Option<Arc<Vec<f64>>> {
        let variable = &self.variables[id.0];
        let Some(text) = about.filter(|a| a.value != "zero") else {
            return Some(vec![0.0; variable.numbers()].into());
        };
        if text.value == "init" {
            return Some(variable.init.clone().into());
        }
        if self.motion_of(text.value).is_none() {
            let message = format!("`{}` is nothing to measure from", text.value);
            let diagnostic = Diagnostic::error("F0304", message, &text.origin);
            let hint = "`zero`, `init`, or a part of a motion such as `earlier.pose_body`";
            self.diagnostics.push(diagnostic.hint(hint));
            return None;
        }
        let name = variable.name.clone();
        let fits = Fits {
            name: &name,
            manifold: variable.manifold,
            per: variable.per,
        };
        let rows = self.rows_of_motion(&fits, text)?;
        let n = fits.manifold.ambient();
        // Betas of a motion are the same in all frames.
        let shared = fits.per == Per::Frame && rows.len() == n;
        Some(
            if shared {
                rows.repeat(self.frames)
            } else {
                rows
            }
            .into(),
        )
    }

    /// The energy of the prior; without a prior there is no such term.
    fn prior_term(&mut self, form: &mut Option<Form>) -> Option<Measured> {
        let mixture = match self.inputs.prior.clone() {
            Prior::None => return None,
            Prior::Mixture(mixture) => mixture,
            Prior::Learned(prior) => return self.latent_term(&prior, form),
            Prior::Own(prior) => return self.own_energy(&prior, form),
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
        Some(self.nearest_component(id, &mixture, form))
    }

    fn own_energy(&mut self, prior: &Own, form: &mut Option<Form>) -> Option<Measured> {
        let id = self.variable_id(self.inputs.prior.variable())?;
        let k = prior.energy.outputs.len();
        *form = Some(Form {
            dimension: Dimension::NONE,
            k,
            height: None,
        });
        let kind = NodeKind::Formula {
            of: vec![self.variable_node(id)],
            formula: Arc::clone(&prior.energy),
            over: None,
        };
        let node = self.node("energy of the prior", kind, k, Dimension::NONE);
        Some((node, Residual::value(k, k)))
    }

    /// The energy of a mixture is the square of one residual, of its nearest component.
    fn nearest_component(
        &mut self,
        id: VariableId,
        mixture: &Arc<Mixture>,
        form: &mut Option<Form>,
    ) -> Measured {
        let dims = mixture.dims + 1;
        *form = Some(Form {
            dimension: Dimension::NONE,
            k: dims,
            height: None,
        });
        let kind = NodeKind::NearestComponent {
            of: self.variable_node(id),
            mixture: Arc::clone(mixture),
        };
        let node = self.node("nearest component", kind, dims, Dimension::NONE);
        (node, Residual::value(dims, dims))
    }

    /// A mixture's energy of the code, or ‖z‖² of a standard normal one; on the sphere and in the
    /// cube all codes are equally probable.
    fn latent_term(&mut self, prior: &Learned, form: &mut Option<Form>) -> Option<Measured> {
        let id = self.variable_id("z")?;
        if prior.latent() != Latent::Normal {
            return None;
        }
        if let Some(mixture) = &prior.codes {
            return Some(self.nearest_component(id, mixture, form));
        }
        let k = prior.latent_dim();
        *form = Some(Form {
            dimension: Dimension::NONE,
            k,
            height: None,
        });
        Some((self.variable_node(id), Residual::value(k, k)))
    }

    /// The frame rate, without which a term along frames has no unit.
    pub(super) fn needs_rate(
        &mut self,
        view: &View<'_>,
        origin: &Origin,
        rate: Option<f64>,
    ) -> Option<f64> {
        if rate.is_none() {
            let message = format!(
                "`{}` needs the frame rate, which no data set says",
                view.path()
            );
            self.diagnostics.push(
                Diagnostic::error("F0307", message, origin)
                    .hint("add `rate = \"30 Hz\"` to the data"),
            );
        }
        rate
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
            Source::Surface { .. } | Source::Own(_) => false,
        };
        if unfit {
            let message = format!("`{}` has no difference along frames", of.value);
            let hint = "take `joints`, another source of points in space, or a variable of each frame that is no rotation";
            self.diagnostics
                .push(Diagnostic::error("F0306", message, &of.origin).hint(hint));
            return None;
        }
        let rate = self.needs_rate(view, origin, rate)?;
        let of = self.whole(view.path(), &source)?;
        let (dims, dimension) = (self.nodes[of.0].dims, self.nodes[of.0].dimension);
        let k = match source {
            Source::Variable(_) => dims,
            _ => 3,
        };
        let order = order.value as usize;
        let dimension = dimension.per_time(order as i8);
        *form = Some(Form {
            dimension,
            k,
            height: None,
        });
        let kind = NodeKind::Difference {
            neighbours: self.neighbours(of, order + 1),
            order,
            rate,
        };
        let node = self.node(
            &format!("{}: difference", view.path()),
            kind,
            dims,
            dimension,
        );
        Some((node, Residual::value(k, dims)))
    }

    fn points(
        &mut self,
        spec: &Spec,
        view: &View<'_>,
        origin: &Origin,
        left: &mut Left<'_>,
    ) -> Option<Measured> {
        let source_name = self.required(view, "source", origin);
        let target_name = self.required(view, "target", origin);
        if let Some(target) = &target_name {
            *left.form = self.form_of(view, target);
        }
        self.joined_points(spec, view, (source_name?, target_name?), left)
    }

    /// An expression that is a source less the data set that it is over, or the reverse, is what terms of
    /// the kind `points` are; `None`: it is none.
    pub(super) fn plain_points(
        &mut self,
        spec: &Spec,
        view: &View<'_>,
        (parsed, has_sigma): (&Expression, bool),
        left: &mut Left<'_>,
    ) -> Option<Option<Measured>> {
        if has_sigma || !self.names_points(view) {
            return None;
        }
        let target = view.texts("over")?.remove(0);
        let [a, b] = parsed.difference()?;
        let source = match (a.alone()?, b.alone()?) {
            (source, other) | (other, source) if other == target.value => source,
            _ => return None,
        };
        if !self.is_source(spec, source) {
            return None;
        }
        *left.form = self.form_of(view, &target);
        let source = Sourced::new(source, view.origin_of("residual", &target.origin));
        self.read.insert(source.value.into());
        self.read.insert(target.value.into());
        Some(self.joined_points(spec, view, (source, target), left))
    }

    fn joined_points(
        &mut self,
        spec: &Spec,
        view: &View<'_>,
        (source_name, target_name): (Sourced<&str>, Sourced<&str>),
        left: &mut Left<'_>,
    ) -> Option<Measured> {
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
        );
        let Some(predicted) = predicted else {
            self.warn_span(target_name.value, &observations);
            return None;
        };
        let mut joined = join::select_points(&observations, &predicted.labels);
        self.check_dims(&predicted, &joined, &source_name, &target_name)?;
        let cameras = predicted.cameras.as_ref().map(|c| c.as_slice());
        self.mend_sides(
            &source,
            (target_name.value, convention.as_deref()),
            &mut joined,
            cameras,
        );
        let weights = self.point_weights(view, &joined);
        if let Source::Surface { .. } = source {
            self.warn_never_seen(view.path(), &predicted.labels, &weights);
        }
        let seen = Seen {
            term: view.path(),
            target: target_name.value,
            source: &source,
            convention: convention.as_deref(),
            observed: &joined,
            cameras,
        };
        if self.views_agree(&seen) {
            self.warn_figure(&seen);
        }
        let targets = Arc::new(Targets {
            labels: predicted.labels.clone(),
            observations: joined.into(),
            weights,
        });
        if let Some(points) = predicted.points {
            left.observed.push(Observed {
                term: own_name(view.path()).into(),
                points,
                targets: Arc::clone(&targets),
                cameras: predicted.cameras.clone(),
                rigidity: self.rigidity(&source, convention.as_deref(), &predicted.labels),
            });
        }
        if let (Some(form), Some(cameras)) = (left.form.as_mut(), &predicted.cameras) {
            form.height = Some(cameras.iter().map(|c| c.size[1]).fold(0.0, f64::max));
        }
        Some((predicted.node, Residual::Points(targets)))
    }

    pub(super) fn check_dims(
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
}
