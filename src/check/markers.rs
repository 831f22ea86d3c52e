//! Markers on the surface: from a layout to points on this body.

use std::collections::BTreeSet;
use std::sync::Arc;

use nalgebra::Vector3;

use super::Checker;
use super::sources::Source;
use super::terms::own_name;
use crate::body::BodyModel;
use crate::body::marker_points::Mount;
use crate::body::markers::Site;
use crate::diagnostic::{Diagnostic, Origin, list};
use crate::ir::{NodeId, NodeKind, VariableId};
use crate::read::MarkerSet;
use crate::spec::{Dimension, View, looks_like_quantity, parse_quantity};

/// The part of the body that a placement trusts: what the vertices there follow moves as one.
const TRUNK: [&str; 6] = [
    "pelvis",
    "spine1",
    "spine2",
    "spine3",
    "left_collar",
    "right_collar",
];

impl Checker<'_> {
    pub(super) fn surface(&mut self, view: &View<'_>, origin: &Origin) -> Option<Source> {
        let name = own_name(view.path()).to_string();
        self.required(view, "layout", origin)?;
        let (mut offset, mut distance) = (None, None);
        if let Some(given) = view.text("offset") {
            match looks_like_quantity(given.value) {
                true => {
                    let path = format!("{}.offset", view.path());
                    distance = Some(self.length(&path, given.value, &given.origin)?);
                }
                false => offset = Some(self.offset_variable(view, given.value, &given.origin)?),
            }
        }
        let set = self.marker_set(&name)?;
        self.check_sites(&set, &view.origin_of("layout", origin))?;
        Some(Source::Surface {
            name,
            offset,
            distance,
        })
    }

    fn length(&mut self, path: &str, text: &str, origin: &Origin) -> Option<f64> {
        match parse_quantity(text) {
            Ok(q) if q.dimension == Dimension::LENGTH => Some(q.value),
            _ => {
                let message = format!("`{path}` should be a length, or the name of a variable");
                let hint = "such as `offset = \"9.5 mm\"`";
                self.diagnostics
                    .push(Diagnostic::error("F0302", message, origin).hint(hint));
                None
            }
        }
    }

    fn offset_variable(
        &mut self,
        view: &View<'_>,
        name: &str,
        origin: &Origin,
    ) -> Option<VariableId> {
        let Some(id) = self.variable_id(name) else {
            if !self.declares_variable(name) {
                let message = format!("unknown variable `{name}`");
                let hint = format!(
                    "declare it: `[vars.{name}]` with `per = \"marker\"`, `dim = 3`, `unit = \"m\"`"
                );
                self.diagnostics
                    .push(Diagnostic::error("F0304", message, origin).hint(hint));
            }
            return None;
        };
        let variable = &self.variables[id.0];
        let fits = variable.manifold.ambient() == 3
            && variable.manifold.is_separable()
            && !variable.labels.is_empty()
            && variable.dimension == Dimension::LENGTH;
        if !fits {
            let message = format!("`{}.offset`: `{name}` is no offset of markers", view.path());
            let hint = "it needs `per = \"marker\"`, `dim = 3` and `unit = \"m\"`";
            self.diagnostics
                .push(Diagnostic::error("F0306", message, origin).hint(hint));
            return None;
        }
        Some(id)
    }

    /// The markers of a surface; a layout that could not be read was reported.
    pub(super) fn marker_set(&self, source: &str) -> Option<Arc<MarkerSet>> {
        let found = self.inputs.markers.iter().find(|set| set.source == source);
        found.cloned()
    }

    /// All markers of a layout that this body has no place for, in one message.
    fn check_sites(&mut self, set: &MarkerSet, origin: &Origin) -> Option<()> {
        let wrong = set.sites.iter().filter_map(|site| site.as_ref().err());
        let wrong: Vec<&str> = wrong.map(String::as_str).collect();
        if wrong.is_empty() {
            return Some(());
        }
        let message = format!(
            "the layout `{}` does not fit this body: {}",
            set.layout.name,
            wrong.join("; ")
        );
        self.diagnostics
            .push(Diagnostic::error("F0408", message, origin));
        None
    }

    /// The markers that have a copy of a variable: those of the surface whose offset it is.
    pub(super) fn markers_of(
        &mut self,
        name: &str,
        view: &View<'_>,
        origin: &Origin,
    ) -> Option<Vec<String>> {
        let root = self.spec.root();
        let sources = root.named("sources");
        let mut using = sources
            .iter()
            .filter(|(_, table, _)| table.text("offset") == Some(name));
        let Some((source, ..)) = using.next() else {
            let message = format!(
                "`{}` is `per = \"marker\"`, but no source uses it",
                view.path()
            );
            let hint = format!("a source of `kind = \"surface\"` with `offset = \"{name}\"` does");
            let diagnostic = Diagnostic::error("F0304", message, origin).hint(hint);
            self.diagnostics.push(diagnostic);
            return None;
        };
        if let Some((second, ..)) = using.next() {
            let message = format!(
                "`{}` is the offset of `{source}` and `{second}`, which have markers of their own",
                view.path()
            );
            let diagnostic = Diagnostic::error("F0306", message, origin);
            self.diagnostics
                .push(diagnostic.hint("declare a variable for each"));
            return None;
        }
        Some(self.marker_set(source)?.labels())
    }

    /// The node of some markers of a surface, (markers, 3).
    pub(super) fn marker_points(
        &mut self,
        name: &str,
        source: &str,
        (offset, distance): (Option<VariableId>, Option<f64>),
        markers: &[usize],
    ) -> Option<NodeId> {
        let set = self.marker_set(source)?;
        let sites = markers.iter().map(|&m| set.sites[m].clone().ok());
        let sites: Vec<Site> = sites.collect::<Option<_>>()?;
        let used: BTreeSet<usize> = sites.iter().flat_map(corners).collect();
        let used: Vec<usize> = used.into_iter().collect();
        let mount = |(site, &m): (&Site, &usize)| match *site {
            Site::Joint { joint, offset } => Mount::Joint { joint, offset },
            Site::Surface { vertices, weights } => Mount::Skin {
                corners: vertices.map(|v| used.binary_search(&v).unwrap_or(0)),
                weights,
                distance: distance.unwrap_or(set.layout.distance(m)),
            },
        };
        let mounts: Vec<Mount<f64>> = sites.iter().zip(markers).map(mount).collect();
        let (rest, transforms, rotations) = self.kinematics()?;
        let vertices = match used.is_empty() {
            true => None,
            false => Some(self.skinned(name, &used, rest, transforms, rotations)?),
        };
        let kind = NodeKind::Markers {
            transforms,
            vertices,
            offsets: offset.map(|id| self.variable_node(id)),
            mounts: mounts.into(),
            slots: Arc::new(markers.to_vec()),
        };
        Some(self.node(name, kind, 3 * markers.len(), Dimension::LENGTH))
    }

    /// For each marker 1 where it moves with the trunk, little where it is on a limb.
    pub(super) fn marker_rigidity(&self, source: &str, labels: &[String], limb: f64) -> Vec<f64> {
        let of_trunk = |label: &String| {
            let (set, body) = (self.marker_set(source)?, self.inputs.body.as_ref()?);
            let joint = match set.sites[set.marker(label)?].as_ref().ok()? {
                Site::Joint { joint, .. } => *joint,
                Site::Surface { vertices, .. } => {
                    let skin = body.skin(vertices[0]);
                    skin.iter().max_by(|a, b| a.1.total_cmp(&b.1))?.0
                }
            };
            Some(TRUNK.contains(&body.joint_names[joint].as_str()))
        };
        let rigidity = |label| {
            if of_trunk(label) == Some(true) {
                1.0
            } else {
                limb
            }
        };
        labels.iter().map(rigidity).collect()
    }

    pub(super) fn origin_of_term(&self, term: &str) -> Origin {
        let root = self.spec.root();
        let name = own_name(term);
        let node = root.table("terms").and_then(|t| t.get(name));
        node.map_or(Origin::Default, |n| n.key.clone())
    }

    /// Markers that are in the file, but seen in no frame.
    pub(super) fn warn_never_seen(&mut self, term: &str, labels: &[String], weights: &[f64]) {
        let seen = |p: &usize| {
            weights
                .iter()
                .skip(*p)
                .step_by(labels.len())
                .any(|w| *w > 0.0)
        };
        let never: Vec<&String> = (0..labels.len())
            .filter(|p| !seen(p) && !self.held.contains(&labels[*p]))
            .map(|p| &labels[p])
            .collect();
        // Without anything at all there is another message.
        if never.is_empty() || never.len() == labels.len() {
            return;
        }
        let message = format!("`{term}`: never seen: {}", list(&never));
        let origin = self.origin_of_term(term);
        self.diagnostics
            .push(Diagnostic::warning("F0508", message, &origin));
    }
}

impl MarkerSet {
    pub(super) fn labels(&self) -> Vec<String> {
        self.layout
            .markers
            .iter()
            .map(|m| m.label.clone())
            .collect()
    }

    /// The marker that a file's label means.
    pub(super) fn marker(&self, label: &str) -> Option<usize> {
        let markers = &self.layout.markers;
        let exact = markers.iter().position(|m| m.label == label);
        exact.or_else(|| {
            markers
                .iter()
                .position(|m| m.aliases.iter().any(|a| a == label))
        })
    }

    /// Where a marker is on the body at rest.
    pub(super) fn at_rest(&self, body: &BodyModel, marker: usize) -> Option<Vector3<f64>> {
        let row = |v: usize| Vector3::from_fn(|k, _| body.template[[v, k]]);
        match self.sites[marker].as_ref().ok()? {
            Site::Joint { joint, offset } => {
                let joint = Vector3::from_fn(|k, _| body.joints[[*joint, k]]);
                Some(joint + Vector3::from(*offset))
            }
            Site::Surface { vertices, weights } => {
                let corners = vertices.iter().zip(weights);
                Some(corners.map(|(&v, w)| row(v) * *w).sum())
            }
        }
    }
}

fn corners(site: &Site) -> Vec<usize> {
    match site {
        Site::Surface { vertices, .. } => vertices.to_vec(),
        Site::Joint { .. } => Vec::new(),
    }
}
