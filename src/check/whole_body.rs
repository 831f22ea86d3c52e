//! Hands, jaw, eyes and expression, where the body has them and the spec declares them.

use super::Checker;
use crate::body::BODY_JOINTS;
use crate::body::whole::{HAND_PCA, PARTS};
use crate::diagnostic::{Diagnostic, Origin};
use crate::graph::concat::Part;
use crate::ir::{NodeId, NodeKind, VariableId};
use crate::spec::Dimension;

impl Checker<'_> {
    /// The variables that `pose` means: the prior's, and the parts of the body that are declared.
    pub(super) fn pose_variables(&self) -> Vec<VariableId> {
        let names = [self.inputs.prior.variable()].into_iter().chain(PARTS);
        names.filter_map(|name| self.variable_id(name)).collect()
    }

    /// Complains about a part that the body does not have.
    pub(super) fn check_part(&mut self, name: &str, origin: &Origin) {
        let Some(body) = &self.inputs.body else {
            return;
        };
        if !PARTS.contains(&name) || body.dims_of_part(name).is_some() {
            return;
        }
        let (message, hint) = match name {
            HAND_PCA if !body.pose_parts().is_empty() => (
                format!(
                    "the body `{}` has no principal components of hands",
                    body.name
                ),
                "its file needs `hands_componentsl`, `hands_componentsr`, `hands_meanl` and `hands_meanr`; \
                 `pose_hand` does without",
            ),
            _ => (
                format!(
                    "the body `{}` has no `{name}`: it has {} joints and {} expressions",
                    body.name,
                    body.num_joints(),
                    body.num_expressions
                ),
                "hands are in SMPL+H and SMPL-X, jaw, eyes and expressions in SMPL-X",
            ),
        };
        self.diagnostics
            .push(Diagnostic::error("F0303", message, origin).hint(hint));
    }

    /// Matrices of the body's joints and of all that is declared beside them, in the model's order.
    pub(super) fn whole_body(&mut self, body_rotations: NodeId) -> NodeId {
        let parts = self
            .inputs
            .body
            .as_ref()
            .map_or(&[][..], |b| b.pose_parts());
        if self.variable_id("pose_hand").is_some() && self.variable_id(HAND_PCA).is_some() {
            let message = "`pose_hand` and `hand_pca` both turn the fingers; take one of them";
            self.diagnostics
                .push(Diagnostic::error("F0306", message, &Origin::Default));
        }
        let declared = |name: &str| match self.variable_id(name) {
            None if name == "pose_hand" => self.variable_id(HAND_PCA),
            id => id,
        };
        let Some(last) = parts.iter().rposition(|p| declared(p.name).is_some()) else {
            return body_rotations;
        };
        let (mut of, mut layout) = (vec![body_rotations], vec![Part::Input(9 * BODY_JOINTS)]);
        for part in &parts[..=last] {
            let Some(turns) = self.turns_of(part.name) else {
                layout.push(Part::Identities(part.joints));
                continue;
            };
            let dims = 9 * part.joints;
            let kind = NodeKind::Rotations { of: turns };
            let name = format!("{}: rotations", part.name);
            of.push(self.node(&name, kind, dims, Dimension::NONE));
            layout.push(Part::Input(dims));
        }
        let dims = layout.iter().map(|p| p.dims()).sum();
        let kind = NodeKind::Concat {
            of,
            parts: layout.into(),
        };
        self.node("all rotations", kind, dims, Dimension::NONE)
    }

    /// The axis-angle numbers of a part: a variable's, or what principal components make of one.
    fn turns_of(&mut self, name: &str) -> Option<NodeId> {
        if let Some(id) = self.variable_id(name) {
            return Some(self.variable_node(id));
        }
        let id = self.variable_id(HAND_PCA).filter(|_| name == "pose_hand")?;
        let columns = self.variables[id.0].manifold.ambient();
        let (offset, matrix) = self.inputs.body.as_ref()?.hand_map(columns)?;
        let dims = offset.len();
        let kind = NodeKind::Affine {
            of: self.variable_node(id),
            offset: offset.into(),
            matrix: matrix.into(),
        };
        Some(self.node("pose_hand", kind, dims, Dimension::ANGLE))
    }

    /// Betas, with the expression behind them where it is declared.
    pub(super) fn shape(&mut self) -> Option<NodeId> {
        let betas = self.variable_id("betas")?;
        let betas = self.variable_node(betas);
        // Where the body has none, that was complained about.
        let body = self.inputs.body.as_ref();
        let has_one = body.is_some_and(|b| b.dims_of_part("expression").is_some());
        let Some(expression) = self.variable_id("expression").filter(|_| has_one) else {
            return Some(betas);
        };
        let of = vec![betas, self.variable_node(expression)];
        let parts = of.iter().map(|n| Part::Input(self.nodes[n.0].dims));
        let parts: Vec<Part> = parts.collect();
        let dims = parts.iter().map(|p| p.dims()).sum();
        let kind = NodeKind::Concat {
            of,
            parts: parts.into(),
        };
        Some(self.node("shape and expression", kind, dims, Dimension::NONE))
    }
}
