//! Sources: what a term's keypoints are predicted from.

use std::sync::Arc;

use super::Checker;
use super::join;
use super::own_kinds::OwnSource;
use super::terms::own_name;
use crate::body::markers::Layout;
use crate::camera::{Camera, CameraPart};
use crate::data::{Dataset, Observations};
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::ir::{NodeId, VariableId};
use crate::keypoints::{self, Recipe};
use crate::spec::{Spec, View};

/// Sources that every body has.
const BODY_SOURCES: [&str; 2] = ["joints", "vertices"];

/// A source by what it predicts; nodes are made once it is known which points are read.
#[derive(Clone)]
pub(super) enum Source {
    Variable(VariableId),
    /// Points on the body: by convention, from a list, or any joint, landmark or vertex.
    Body {
        convention: Option<String>,
        list: Option<Vec<String>>,
    },
    /// Markers of a layout, by the source's name.
    Surface {
        name: String,
        /// A free offset that is added.
        offset: Option<VariableId>,
        /// From the skin, where it is not the layout's.
        distance: Option<f64>,
    },
    Own(OwnSource),
    Project {
        of: Box<Source>,
        cameras: Sourced<String>,
        free: Vec<(CameraPart, VariableId)>,
    },
}

/// A source with the points that a term reads.
pub(super) struct Predicted {
    pub node: NodeId,
    pub labels: Vec<String>,
    /// The node of the points in space.
    pub points: Option<NodeId>,
    pub cameras: Option<Arc<Vec<Camera>>>,
}

impl Checker<'_> {
    /// Looks a source or variable up by its name; a mistake is reported.
    pub(super) fn source(&mut self, spec: &Spec, name: &Sourced<&str>) -> Option<Source> {
        let root = spec.root();
        let declared = root.named("sources");
        if let Some((source, table, node)) = declared.iter().find(|(n, ..)| *n == name.value) {
            if self.open.iter().any(|open| open == source) {
                let message = format!("the source `{source}` is made of itself");
                self.diagnostics
                    .push(Diagnostic::error("F0304", message, &node.key));
                return None;
            }
            let path = format!("sources.{source}");
            self.open.push(source.to_string());
            let found = self.declared(spec, &View::new(table, &path), &node.key);
            self.open.pop();
            return found;
        }
        if BODY_SOURCES.contains(&name.value) && spec.has_body {
            return Some(Source::Body {
                convention: None,
                list: None,
            });
        }
        if let Some(variable) = self.variable_id(name.value) {
            return Some(Source::Variable(variable));
        }
        let message = format!("unknown source `{}`", name.value);
        let mut names: Vec<&str> = declared.iter().map(|(n, ..)| *n).collect();
        if spec.has_body {
            names.extend(BODY_SOURCES);
        }
        let variables: Vec<String> = self.variables.iter().map(|v| v.name.clone()).collect();
        names.extend(variables.iter().map(String::as_str));
        let diagnostic = Diagnostic::error("F0304", message, &name.origin);
        self.diagnostics.push(diagnostic.nearest(name.value, names));
        None
    }

    /// Checks the sources that no term reads, too.
    pub(super) fn sources(&mut self, spec: &Spec) {
        for (name, _, node) in spec.root().named("sources") {
            self.source(spec, &Sourced::new(name, node.key.clone()));
        }
    }

    fn declared(&mut self, spec: &Spec, view: &View<'_>, origin: &Origin) -> Option<Source> {
        let name = own_name(view.path());
        if BODY_SOURCES.contains(&name) {
            let message = format!("every body has a source `{name}` already");
            self.diagnostics
                .push(Diagnostic::error("F0304", message, origin).label("choose another name"));
            return None;
        }
        let kind = view.text("kind").map(|k| k.value);
        match kind {
            Some("joints") => self.joints(view),
            Some("surface") => self.surface(view, origin),
            Some("project") => {
                let of = self.required(view, "of", origin)?;
                let cameras = self.required(view, "cameras", origin)?;
                let free = self.free_parts(view)?;
                let inner = self.source(spec, &of)?;
                if matches!(inner, Source::Variable(_) | Source::Project { .. }) {
                    let message = format!("`{}` cannot be projected: it has no points", of.value);
                    self.diagnostics
                        .push(Diagnostic::error("F0304", message, &of.origin));
                    return None;
                }
                Some(Source::Project {
                    of: Box::new(inner),
                    cameras: Sourced::new(cameras.value.into(), cameras.origin),
                    free,
                })
            }
            _ if let Some(own) = self.own_source_kind(kind) => {
                self.own_source(spec, view, origin, &*own)
            }
            _ if view.node("kind").is_some() => None,
            _ => {
                let message = format!("`{}` does not say its `kind`", view.path());
                self.diagnostics.push(
                    Diagnostic::error("F0202", message, origin)
                        .hint("permitted: `joints`, `surface`, `project`"),
                );
                None
            }
        }
    }

    fn joints(&mut self, view: &View<'_>) -> Option<Source> {
        let Some(texts) = view.texts("keypoints") else {
            return Some(Source::Body {
                convention: None,
                list: None,
            });
        };
        let is_list = matches!(
            view.node("keypoints").map(|n| &n.value),
            Some(crate::spec::Value::Array(_))
        );
        if is_list {
            return self.keypoint_list(&texts);
        }
        let convention = &texts[0];
        if keypoints::labels(convention.value).is_none() {
            let message = format!("unknown keypoint convention `{}`", convention.value);
            let diagnostic = Diagnostic::error("F0403", message, &convention.origin);
            self.diagnostics
                .push(diagnostic.nearest(convention.value, keypoints::conventions()));
            return None;
        }
        Some(Source::Body {
            convention: Some(convention.value.into()),
            list: None,
        })
    }

    fn keypoint_list(&mut self, texts: &[Sourced<&str>]) -> Option<Source> {
        let body = self.inputs.body.as_ref()?;
        let mut good = true;
        for text in texts {
            if keypoints::part(body, text.value).is_none() {
                let message = format!("this body has no joint or landmark `{}`", text.value);
                let names = body.joint_names.iter().chain(body.landmarks.keys());
                let diagnostic = Diagnostic::error("F0403", message, &text.origin);
                let diagnostic = diagnostic.nearest(text.value, names.map(String::as_str));
                self.diagnostics.push(diagnostic);
                good = false;
            }
        }
        good.then(|| Source::Body {
            convention: None,
            list: Some(texts.iter().map(|t| t.value.to_string()).collect()),
        })
    }

    pub(super) fn required<'v>(
        &mut self,
        view: &View<'v>,
        key: &str,
        origin: &Origin,
    ) -> Option<Sourced<&'v str>> {
        let found = view.text(key);
        if found.is_none() && view.node(key).is_none() {
            let message = format!("`{}` does not name its `{key}`", view.path());
            self.diagnostics
                .push(Diagnostic::error("F0202", message, origin));
        }
        found
    }

    /// The recipe of a label; `convention` is that of the target where the source has none.
    pub(super) fn recipe(
        &self,
        source: &Source,
        convention: Option<&str>,
        label: &str,
    ) -> Option<Recipe> {
        let body = self.inputs.body.as_ref()?;
        let Source::Body {
            convention: own,
            list,
        } = source
        else {
            return None;
        };
        if list.as_ref().is_some_and(|l| !l.iter().any(|n| n == label)) {
            return None;
        }
        match own.as_deref().or(convention) {
            Some(convention) => keypoints::recipe(body, convention, label),
            None => keypoints::part(body, label).map(|part| vec![(part, 1.0)]),
        }
    }

    /// All labels of a source on the body.
    pub(super) fn all_labels(&self, source: &Source) -> Vec<String> {
        match source {
            Source::Body {
                list: Some(list), ..
            } => list.clone(),
            Source::Body {
                convention: Some(c),
                ..
            } => {
                let body = self.inputs.body.as_ref();
                let labels = body.and_then(|body| keypoints::labels_on(body, c));
                labels.unwrap_or_default()
            }
            Source::Surface { name, .. } => {
                self.marker_set(name).map_or(Vec::new(), |s| s.labels())
            }
            Source::Own(own) => own.labels.clone(),
            _ => keypoints::labels("SMPL_22").unwrap_or_default(),
        }
    }

    /// The node of a source with all its points, for terms without a target.
    pub(super) fn whole(&mut self, name: &str, source: &Source) -> Option<NodeId> {
        match source {
            Source::Variable(id) => Some(self.variable_node(*id)),
            Source::Body { .. } => {
                let labels = self.all_labels(source);
                let recipes: Option<Vec<Recipe>> = labels
                    .iter()
                    .map(|label| self.recipe(source, None, label))
                    .collect();
                self.body_points(name, &recipes?)
            }
            Source::Surface {
                name: source,
                offset,
                distance,
            } => {
                let markers: Vec<usize> = (0..self.marker_set(source)?.sites.len()).collect();
                self.marker_points(name, source, (*offset, *distance), &markers)
            }
            Source::Own(own) => self.own_points(name, own, &own.labels),
            Source::Project { .. } => None,
        }
    }

    /// The node that predicts what is observed, with the labels that both sides have.
    pub(super) fn predict(
        &mut self,
        name: &str,
        source: &Source,
        observed: &Observations,
        convention: Option<&str>,
        origin: &Origin,
    ) -> Option<Predicted> {
        match source {
            Source::Variable(id) => Some(Predicted {
                node: self.variable_node(*id),
                labels: observed.labels.clone(),
                points: None,
                cameras: None,
            }),
            Source::Body { .. } => {
                let (labels, recipes) =
                    self.joined(source, observed, origin, |checker, label| {
                        checker.recipe(source, convention, label)
                    })?;
                let node = self.body_points(name, &recipes)?;
                Some(Predicted {
                    node,
                    labels,
                    points: Some(node),
                    cameras: None,
                })
            }
            Source::Surface {
                name: surface,
                offset,
                distance,
            } => {
                let (labels, markers) =
                    self.joined(source, observed, origin, |checker, label| {
                        checker.marker_set(surface)?.marker(label)
                    })?;
                let node = self.marker_points(name, surface, (*offset, *distance), &markers)?;
                Some(Predicted {
                    node,
                    labels,
                    points: Some(node),
                    cameras: None,
                })
            }
            Source::Own(own) => {
                let (labels, known) = self.joined(source, observed, origin, |_, label| {
                    own.labels.iter().find(|l| *l == label).cloned()
                })?;
                let node = self.own_points(name, own, &known)?;
                Some(Predicted {
                    node,
                    labels,
                    points: Some(node),
                    cameras: None,
                })
            }
            Source::Project { of, cameras, free } => {
                let inner = format!("{name}: points");
                let cameras = self.joined_cameras(cameras, &observed.views, origin)?;
                let inside = self.predict(&inner, of, observed, convention, origin)?;
                let node = self.projected(name, inside.node, cameras.clone(), free);
                Some(Predicted {
                    node,
                    labels: inside.labels,
                    points: Some(inside.node),
                    cameras: Some(cameras),
                })
            }
        }
    }

    /// The observed labels that the source has, each with what it is there.
    fn joined<T>(
        &mut self,
        source: &Source,
        observed: &Observations,
        origin: &Origin,
        find: impl Fn(&Self, &str) -> Option<T>,
    ) -> Option<(Vec<String>, Vec<T>)> {
        let (mut labels, mut found, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for label in &observed.labels {
            match find(self, label) {
                Some(it) => {
                    labels.push(label.clone());
                    found.push(it);
                }
                None => missing.push(label.clone()),
            }
        }
        let limited = matches!(source, Source::Body { list: Some(_), .. });
        if labels.is_empty() && self.spec.has_body && self.inputs.body.is_none() {
            // The body could not be read, which is said.
            return None;
        }
        if labels.is_empty() {
            let message = "the target and the source have no label in common";
            let hint = format!(
                "labels are joined by name: observed are {}; predicted are {}",
                crate::diagnostic::list(&missing),
                crate::diagnostic::list(&self.all_labels(source))
            );
            let mut diagnostic = Diagnostic::error("F0403", message, origin).hint(hint);
            if let Some(known) = known_labels(&observed.labels) {
                diagnostic = diagnostic.hint(known);
            }
            let map = "labels of your own are joined by `map = { left_wrist = \"YOUR LABEL\" }` in the data's table, \
                       markers by a layout of your own (`layout = \"mine.toml\"`)";
            self.diagnostics.push(diagnostic.hint(map));
            return None;
        }
        if !missing.is_empty() && !limited {
            let list = crate::diagnostic::list(&missing);
            let message = format!("observed, but not predicted by the source, so left out: {list}");
            self.diagnostics
                .push(Diagnostic::warning("F0405", message, origin));
        }
        Some((labels, found))
    }

    pub(super) fn joined_cameras(
        &mut self,
        name: &Sourced<String>,
        views: &[String],
        origin: &Origin,
    ) -> Option<Arc<Vec<Camera>>> {
        let cameras = match self.inputs.get(&name.value).map(|d| &d.dataset) {
            Some(Dataset::Cameras(cameras)) => cameras,
            Some(_) => {
                let message = format!("the data set `{}` does not hold cameras", name.value);
                self.diagnostics
                    .push(Diagnostic::error("F0304", message, &name.origin));
                return None;
            }
            None => {
                self.unknown_data(&Sourced::new(name.value.as_str(), name.origin.clone()));
                return None;
            }
        };
        match (views, cameras.as_slice()) {
            ([view], [camera]) if view.is_empty() => Ok(Arc::new(vec![camera.clone()])),
            _ => join::cameras_of_views(views, cameras),
        }
        .map_err(|missing| {
            let message = format!(
                "`{}` has no camera for {}",
                name.value,
                crate::diagnostic::list(&missing)
            );
            let names: Vec<&str> = cameras.iter().map(|c| c.name.as_str()).collect();
            let hint = format!("it has {}", crate::diagnostic::list(&names));
            self.diagnostics
                .push(Diagnostic::error("F0403", message, origin).hint(hint));
        })
        .ok()
    }

    /// Reports a data set that the spec does not declare; one that could not be read was reported.
    pub(super) fn unknown_data(&mut self, name: &Sourced<&str>) {
        let root = self.spec.root();
        let declared: Vec<&str> = root.named("data").iter().map(|(n, ..)| *n).collect();
        if declared.contains(&name.value) {
            return;
        }
        let message = format!("unknown data set `{}`", name.value);
        let diagnostic = Diagnostic::error("F0304", message, &name.origin);
        self.diagnostics
            .push(diagnostic.nearest(name.value, declared));
    }
}

/// The built-in layout or convention that most of the labels are of, if any is.
fn known_labels(labels: &[String]) -> Option<String> {
    let share = |known: &dyn Fn(&str) -> bool| {
        let found = labels.iter().filter(|l| known(l)).count();
        (found > 2 && 2 * found >= labels.len()).then_some(found)
    };
    let layouts = Layout::names().into_iter().filter_map(|name| {
        let layout = Layout::embedded(name)?;
        let is_one = |l: &str| {
            layout
                .markers
                .iter()
                .any(|m| m.label == l || m.aliases.iter().any(|a| a == l))
        };
        let lines =
            format!("[sources.surface]` with `kind = \"surface\"` and `layout = \"{name}\"");
        Some((
            share(&is_one)?,
            format!("most of them are markers of `{name}`: `{lines}`"),
        ))
    });
    let conventions = keypoints::conventions().into_iter().filter_map(|name| {
        let points = keypoints::labels(name)?;
        let is_one = |l: &str| points.iter().any(|p| p == l);
        let line = format!("kind = \"joints\"` and `keypoints = \"{name}\"");
        Some((
            share(&is_one)?,
            format!("most of them are points of `{name}`: a source with `{line}`"),
        ))
    });
    // The first of those that are as good.
    let best = layouts
        .chain(conventions)
        .reduce(|a, b| if b.0 > a.0 { b } else { a });
    best.map(|(_, said)| said)
}
