//! Terms on a body's own numbers: joint limits, bending, symmetry of the shape.

use super::Checker;
use super::terms::Measured;
use super::whitening::Form;
use crate::body::BODY_JOINTS;
use crate::diagnostic::{Diagnostic, Origin};
use crate::ir::{NodeId, NodeKind, Residual};
use crate::manifold::Manifold;
use crate::prior::Prior;
use crate::spec::{Dimension, Node, Table, Value, View};
use crate::term::bending::Bending;
use crate::term::joint_limits::JointRange;
use crate::term::symmetry::Bone;

/// Bones that have a left and a right one, by the joints at their ends.
const BONES: [[&str; 2]; 7] = [
    ["collar", "shoulder"],
    ["shoulder", "elbow"],
    ["elbow", "wrist"],
    ["pelvis", "hip"],
    ["hip", "knee"],
    ["knee", "ankle"],
    ["ankle", "foot"],
];

/// The sigma of terms whose residual is the same in every spec.
pub(super) fn usual_sigma(view: &View<'_>) -> Option<f64> {
    match view.text("kind")?.value {
        "joint_limits" => Some(5_f64.to_radians()),
        "symmetry" => Some(0.005),
        "contact" => Some(0.05),
        _ => None,
    }
}

/// Residuals of one number each.
fn form(dimension: Dimension) -> Form {
    Form {
        dimension,
        k: 1,
        height: None,
    }
}

impl Checker<'_> {
    pub(super) fn joint_limits(
        &mut self,
        view: &View<'_>,
        origin: &Origin,
        out: &mut Option<Form>,
    ) -> Option<Measured> {
        *out = Some(form(Dimension::ANGLE));
        let of = self.posed_body(view, origin)?;
        let body = self.inputs.body.as_ref()?;
        let joints = body.joint_names.get(1..=BODY_JOINTS)?.to_vec();
        let known = joints.iter().map(|name| JointRange::of(name));
        let mut ranges: Vec<JointRange> = known.collect::<Option<_>>()?;
        if let Some(limits) = view.table("limits") {
            self.set_limits(view.path(), limits, &joints, &mut ranges);
        }
        let kind = NodeKind::JointLimits {
            of,
            ranges: ranges.into(),
        };
        let name = format!("{}: outside", view.path());
        let node = self.node(&name, kind, 3 * BODY_JOINTS, Dimension::ANGLE);
        Some((node, Residual::value(1, self.nodes[node.0].dims)))
    }

    fn set_limits(
        &mut self,
        path: &str,
        limits: &Table,
        joints: &[String],
        ranges: &mut [JointRange],
    ) {
        for (joint, node) in &limits.entries {
            let Some(at) = joints.iter().position(|j| j == joint) else {
                let message = format!("`{path}.limits`: `pose_body` does not turn `{joint}`");
                let diagnostic = Diagnostic::error("F0403", message, &node.key);
                let names = joints.iter().map(String::as_str);
                self.diagnostics.push(diagnostic.nearest(joint, names));
                continue;
            };
            let path = format!("{path}.limits.{joint}");
            let Value::Table(axes) = &node.value else {
                self.wrong_limits(&format!("`{path}` should be a table"), node);
                continue;
            };
            for (axis, node) in &axes.entries {
                let Some(c) = ["x", "y", "z"].iter().position(|a| a == axis) else {
                    let message = format!("unknown key `{axis}` in `{path}`");
                    let diagnostic = Diagnostic::error("F0203", message, &node.key);
                    self.diagnostics
                        .push(diagnostic.hint("permitted: `x`, `y`, `z`"));
                    continue;
                };
                let range = self.limit(&View::new(axes, &path), axis, node);
                ranges[at].limits[c] = range.unwrap_or(ranges[at].limits[c]);
            }
        }
    }

    /// Least and greatest angle, such as `["-5 deg", "150 deg"]`.
    fn limit(&mut self, view: &View<'_>, axis: &str, node: &Node) -> Option<[f64; 2]> {
        let path = format!("{}.{axis}", view.path());
        let given = view.quantities(axis).map(|q| q.value).unwrap_or_default();
        let [low, high] = given.as_slice() else {
            self.wrong_limits(&format!("`{path}` should be two angles"), node);
            return None;
        };
        if [low, high].iter().any(|q| q.dimension != Dimension::ANGLE) {
            let message = format!("`{path}` should be in rad or deg");
            let diagnostic = Diagnostic::error("F0302", message, &node.origin);
            self.diagnostics
                .push(diagnostic.label("write it like `[\"0 deg\", \"150 deg\"]`"));
            return None;
        }
        let range = [low.value, high.value];
        if !(low.value <= high.value && range.iter().all(|x| x.is_finite())) {
            self.wrong_limits(
                &format!("`{path}` should rise from least to greatest"),
                node,
            );
            return None;
        }
        Some(range)
    }

    fn wrong_limits(&mut self, message: &str, node: &Node) {
        let hint = "such as `limits = { left_knee = { x = [\"0 deg\", \"150 deg\"] } }`";
        let diagnostic = Diagnostic::error("F0205", message, &node.origin);
        self.diagnostics.push(diagnostic.hint(hint));
    }

    pub(super) fn bending(
        &mut self,
        view: &View<'_>,
        origin: &Origin,
        out: &mut Option<Form>,
    ) -> Option<Measured> {
        *out = Some(form(Dimension::NONE));
        let of = self.posed_body(view, origin)?;
        let kind = NodeKind::Bending { of };
        let node = self.node("bending", kind, Bending::COUNT, Dimension::NONE);
        Some((node, Residual::value(1, self.nodes[node.0].dims)))
    }

    pub(super) fn symmetry(
        &mut self,
        view: &View<'_>,
        origin: &Origin,
        out: &mut Option<Form>,
    ) -> Option<Measured> {
        *out = Some(form(Dimension::LENGTH));
        self.needs_body(view, origin)?;
        let rest = self.rest_joints()?;
        let joint_names = &self.inputs.body.as_ref()?.joint_names;
        let joint = |side: &str, name: &str| {
            let sided = format!("{side}_{name}");
            joint_names.iter().position(|j| *j == sided || *j == name)
        };
        let bone = |side, [from, end]: [&str; 2]| -> Option<Bone> {
            Some([joint(side, from)?, joint(side, end)?])
        };
        let pairs = BONES.map(|ends| Some([bone("left", ends)?, bone("right", ends)?]));
        let pairs: Vec<[Bone; 2]> = pairs.into_iter().collect::<Option<_>>()?;
        let dims = pairs.len();
        let kind = NodeKind::BoneDifferences {
            rest,
            pairs: pairs.into(),
        };
        let node = self.node("bone differences", kind, dims, Dimension::LENGTH);
        Some((node, Residual::value(1, self.nodes[node.0].dims)))
    }

    /// The joint angles of the body as axis-angle vectors.
    fn posed_body(&mut self, view: &View<'_>, origin: &Origin) -> Option<NodeId> {
        self.needs_body(view, origin)?;
        if matches!(self.inputs.prior, Prior::Learned(_)) {
            let kind = NodeKind::AxisAngle {
                of: self.rotations()?,
            };
            return Some(self.node("pose_body", kind, 3 * BODY_JOINTS, Dimension::NONE));
        }
        if let Prior::Own(own) = self.inputs.prior.clone() {
            let code = self.variable_id(self.inputs.prior.variable())?;
            let code = self.variable_node(code);
            return Some(self.own_pose(code, &own));
        }
        let id = self.variable_id("pose_body")?;
        let numbers = Manifold::Euclidean(3 * BODY_JOINTS);
        if self.variables[id.0].manifold != numbers {
            let message = format!("`{}` needs the joint angles `pose_body`", view.path());
            self.diagnostics
                .push(Diagnostic::error("F0303", message, origin));
            return None;
        }
        Some(self.variable_node(id))
    }

    pub(super) fn needs_body(&mut self, view: &View<'_>, origin: &Origin) -> Option<()> {
        if self.spec.has_body {
            return self.inputs.body.is_some().then_some(());
        }
        let message = format!("`{}` needs a body, but the spec has none", view.path());
        self.diagnostics.push(
            Diagnostic::error("F0202", message, origin).hint("`[body]` alone is the built-in one"),
        );
        None
    }
}
