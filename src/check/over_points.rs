//! Terms over the points of a data set: each observed point with the predicted one of its label.

use std::sync::Arc;

use super::Checker;
use super::join;
use super::sources::{Predicted, Source};
use super::terms::own_name;
use crate::data::{Dataset, Observations};
use crate::diagnostic::{Diagnostic, Sourced};
use crate::expr::Shape;
use crate::ir::{NodeId, NodeKind, Observed, Targets};
use crate::spec::{Spec, View};

/// What each source predicts by its name, the first of them, and the points that all of them have.
type Sources = (Vec<(String, Predicted)>, Source, Observations);

/// The points that an expression is over; it is lowered for one after the other.
pub(super) struct OverPoints {
    /// The data set.
    pub name: String,
    pub targets: Arc<Targets>,
    /// Components of a point.
    pub k: usize,
    pub observed: NodeId,
    /// Sources by name.
    pub predicted: Vec<(String, Predicted)>,
    /// The point that is looked at, of those of all views.
    pub at: usize,
    /// What the body can be placed by.
    pub seen: Vec<Observed>,
}

impl OverPoints {
    /// Points of all views.
    pub fn count(&self) -> usize {
        let (_, views, points, _) = self.targets.observations.values.dim();
        views * points
    }

    /// Of the highest image, where it is over pixels.
    pub fn height(&self) -> Option<f64> {
        let cameras = self
            .predicted
            .iter()
            .filter_map(|(_, p)| p.cameras.as_ref());
        let heights = cameras.flat_map(|cameras| cameras.iter().map(|c| c.size[1]));
        heights.reduce(f64::max)
    }

    /// Where the observed point stands.
    pub fn observed(&self) -> (NodeId, usize, Shape) {
        (self.observed, self.at * self.k, Shape::vector(self.k))
    }

    /// Where the point that a source predicts stands.
    pub fn predicted(&self, source: &str) -> Option<(NodeId, usize, Shape)> {
        let (_, found) = self.predicted.iter().find(|(name, _)| name == source)?;
        Some((found.node, self.at * self.k, Shape::vector(self.k)))
    }
}

impl Checker<'_> {
    /// The data set of points that `over` names, if it names one.
    pub(super) fn names_points(&self, view: &View<'_>) -> bool {
        let given = view.texts("over").unwrap_or_default();
        let [only] = given.as_slice() else {
            return false;
        };
        let input = self.inputs.get(only.value);
        input.is_some_and(|i| !matches!(i.dataset, Dataset::Table(_) | Dataset::Cameras(_)))
    }

    /// Joins the observed points to those of the sources that an expression reads.
    pub(super) fn over_points(
        &mut self,
        spec: &Spec,
        view: &View<'_>,
        names: &[&str],
    ) -> Option<OverPoints> {
        let target = view.texts("over")?.remove(0);
        if self.variable_id(target.value).is_some() || self.is_source(spec, target.value) {
            let message = format!(
                "`{}` is a data set, and a variable or a source too",
                target.value
            );
            let hint = "call one of them by another name";
            let diagnostic = Diagnostic::error("F0304", message, &target.origin);
            self.diagnostics.push(diagnostic.hint(hint));
            return None;
        }
        let root = spec.root();
        let data = root.table("data")?.table(target.value)?;
        let convention = data.text("keypoints").map(String::from);
        let mut names: Vec<&str> = names.to_vec();
        names.sort_unstable();
        names.dedup();
        names.retain(|n| *n != target.value && self.is_source(spec, n));
        let around = (spec, view.path(), convention.as_deref());
        let (predicted, first, joined) = self.joined_sources(around, &target, &names)?;
        self.read.insert(target.value.into());
        let (.., k) = joined.values.dim();
        let weights = self.point_weights(view, &joined);
        let known = |x: &f64| if x.is_finite() { *x } else { 0.0 };
        let kind = NodeKind::Column {
            over: None,
            values: Arc::new(joined.values.iter().map(known).collect()),
        };
        let dims = joined.values.len() / joined.values.dim().0.max(1);
        let (name, dimension) = (target.value.to_string(), joined.dimension);
        let labels = joined.labels.clone();
        let targets = Arc::new(Targets {
            labels: labels.clone(),
            observations: joined.into(),
            weights,
        });
        let term = own_name(view.path());
        let seen = predicted.iter().filter_map(|(_, p)| {
            let rigidity = self.rigidity(&first, convention.as_deref(), &labels);
            Some(Observed {
                term: term.into(),
                points: p.points?,
                targets: Arc::clone(&targets),
                cameras: p.cameras.clone(),
                rigidity,
            })
        });
        let seen = seen.take(1).collect();
        Some(OverPoints {
            observed: self.node(&name, kind, dims, dimension),
            name,
            targets,
            k,
            predicted,
            at: 0,
            seen,
        })
    }

    /// What some sources predict of a data set's points, the first of them, and the points that all of
    /// them have.
    fn joined_sources(
        &mut self,
        (spec, path, convention): (&Spec, &str, Option<&str>),
        target: &Sourced<&str>,
        names: &[&str],
    ) -> Option<Sources> {
        let mut predicted: Vec<(String, Predicted)> = Vec::new();
        let mut joined: Option<(Source, Observations)> = None;
        for name in names {
            let source = self.source(spec, &Sourced::new(name, target.origin.clone()))?;
            let observations = self.observations(spec, target, &source)?;
            let found = self.predict(path, &source, &observations, convention, &target.origin)?;
            if let Some((first, known)) = predicted.first()
                && known.labels != found.labels
            {
                let message = format!("`{name}` and `{first}` predict other points of it");
                let diagnostic = Diagnostic::error("F0403", message, &target.origin);
                self.diagnostics.push(diagnostic);
                return None;
            }
            let these = join::select_points(&observations, &found.labels);
            let named = Sourced::new(*name, target.origin.clone());
            self.check_dims(&found, &these, &named, target)?;
            self.read.insert(name.to_string());
            joined.get_or_insert((source, these));
            predicted.push((name.to_string(), found));
        }
        if joined.is_none() {
            // Variables alone, say.
            let any = Source::Body {
                convention: None,
                list: None,
            };
            let all = self.observations(spec, target, &any)?;
            joined = Some((any, all.as_ref().clone()));
        }
        joined.map(|(first, points)| (predicted, first, points))
    }

    /// Whether a name is that of a source of points.
    pub(super) fn is_source(&self, spec: &Spec, name: &str) -> bool {
        let root = spec.root();
        let declared = root.table("sources").is_some_and(|t| t.get(name).is_some());
        declared || spec.has_body && name == "joints"
    }

    /// The node of a point in space that a source has by this label.
    pub(super) fn labelled(&mut self, path: &str, source: &Source, label: &str) -> Option<NodeId> {
        match source {
            Source::Body { .. } => {
                let recipe = self.recipe(source, None, label)?;
                self.body_points(path, &[recipe])
            }
            Source::Surface {
                name,
                offset,
                distance,
            } => {
                let marker = self.marker_set(name)?.marker(label)?;
                self.marker_points(path, name, (*offset, *distance), &[marker])
            }
            Source::Own(own) => self.own_points(path, own, &[label.to_string()]),
            Source::Variable(_) | Source::Project { .. } => None,
        }
    }
}
