//! Adds nodes to the problem; equal nodes are made once, and only those that somebody reads.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Checker;
use crate::body::BODY_JOINTS;
use crate::camera::{Camera, CameraPart};
use crate::ir::{FreePart, Node, NodeId, NodeKind, Per, SetId, VariableId};
use crate::keypoints::Recipe;
use crate::keypoints::combine::Part;
use crate::manifold::Manifold;
use crate::prior::{Own, Prior};
use crate::spec::Dimension;

impl Checker<'_> {
    pub(super) fn node(
        &mut self,
        name: &str,
        kind: NodeKind,
        dims: usize,
        dimension: Dimension,
    ) -> NodeId {
        // Dimensions differ sooner than what is large.
        let same = |n: &Node| n.dims == dims && n.dimension == dimension && n.kind == kind;
        if let Some(known) = self.nodes.iter().position(same) {
            return NodeId(known);
        }
        let inputs = kind.inputs();
        let per = match &kind {
            NodeKind::Variable(v) => self.variables[v.0].per,
            NodeKind::Taken { over, .. }
            | NodeKind::Column {
                over: Some(over), ..
            }
            | NodeKind::Formula {
                over: Some(over), ..
            } => Per::Row(*over),
            NodeKind::Column { over: None, .. } => Per::Frame,
            _ if let Some(set) = self.set_of(&inputs) => Per::Row(set),
            _ if inputs.iter().any(|n| self.nodes[n.0].per == Per::Frame) => Per::Frame,
            _ => Per::Subject,
        };
        self.nodes.push(Node {
            name: name.into(),
            kind,
            per,
            dims,
            dimension,
        });
        NodeId(self.nodes.len() - 1)
    }

    /// The set that what is read is over.
    fn set_of(&self, nodes: &[NodeId]) -> Option<SetId> {
        let mut sets = nodes.iter().filter_map(|n| match self.nodes[n.0].per {
            Per::Row(set) => Some(set),
            _ => None,
        });
        sets.next()
    }

    pub(super) fn variable_node(&mut self, id: VariableId) -> NodeId {
        let variable = &self.variables[id.0];
        let (name, dimension) = (variable.name.clone(), variable.dimension);
        let dims = variable.numbers();
        self.node(&name, NodeKind::Variable(id), dims, dimension)
    }

    /// The nodes of the body: rest joints and joint transforms.
    pub(super) fn kinematics(&mut self) -> Option<(NodeId, NodeId, NodeId)> {
        let body = self.inputs.body.as_ref()?;
        let id = |name| self.variable_id(name);
        let root = id("root_orient")?;
        let trans = id("trans")?;
        if self.variables[root.0].manifold != Manifold::So3 {
            return None;
        }
        let parents = Arc::new(body.parents.clone());
        let joints = body.num_joints();
        let body_rotations = self.rotations()?;
        let rotations = self.whole_body(body_rotations);
        let root = self.variable_node(root);
        let trans = self.variable_node(trans);
        let rest = self.rest_joints()?;
        let kind = NodeKind::Kinematics {
            root,
            body: rotations,
            rest,
            trans,
            parents,
        };
        let transforms = self.node("transforms", kind, 12 * joints, Dimension::NONE);
        Some((rest, transforms, rotations))
    }

    /// The matrices of the 21 joints: what the prior's decoder says, or those of `pose_body`.
    pub(super) fn rotations(&mut self) -> Option<NodeId> {
        let pose = self.variable_id(self.inputs.prior.variable())?;
        let mut value = self.variable_node(pose);
        let kind = match self.inputs.prior.clone() {
            Prior::Learned(prior) => {
                let dims = prior.decoder.outputs();
                let kind = NodeKind::Decoded { of: value, prior };
                value = self.node("decoded", kind, dims, Dimension::NONE);
                NodeKind::SixD { of: value }
            }
            Prior::Own(own) => {
                value = self.own_pose(value, &own);
                NodeKind::Rotations { of: value }
            }
            _ => NodeKind::Rotations { of: value },
        };
        Some(self.node("rotations", kind, 9 * BODY_JOINTS, Dimension::NONE))
    }

    /// What a prior of a program's own makes of a code.
    pub(super) fn own_pose(&mut self, code: NodeId, prior: &Own) -> NodeId {
        let Some(pose) = &prior.pose else {
            return code;
        };
        let kind = NodeKind::Formula {
            of: vec![code],
            formula: Arc::clone(pose),
            over: None,
        };
        self.node("pose_body", kind, 3 * BODY_JOINTS, Dimension::ANGLE)
    }

    pub(super) fn rest_joints(&mut self) -> Option<NodeId> {
        let body = self.inputs.body.as_ref()?;
        let shape = self.shape()?;
        let (offset, matrix) = body.joint_map(self.nodes[shape.0].dims);
        let dims = offset.len();
        let kind = NodeKind::Affine {
            of: shape,
            offset: offset.into(),
            matrix: matrix.into(),
        };
        Some(self.node("rest joints", kind, dims, Dimension::LENGTH))
    }

    /// Points on the body, (points, 3); only the vertices that they are made of are skinned.
    pub(super) fn body_points(&mut self, name: &str, recipes: &[Recipe]) -> Option<NodeId> {
        let (rest, transforms, rotations) = self.kinematics()?;
        let used: BTreeSet<usize> = recipes
            .iter()
            .flatten()
            .filter_map(|(part, _)| match part {
                Part::Vertex(v) => Some(*v),
                Part::Joint(_) => None,
            })
            .collect();
        let used: Vec<usize> = used.into_iter().collect();
        let vertices = match used.is_empty() {
            true => None,
            false => Some(self.skinned(name, &used, rest, transforms, rotations)?),
        };
        let local = |(part, weight): &(Part, f64)| match part {
            Part::Joint(_) => (*part, *weight),
            Part::Vertex(v) => {
                let at = used.binary_search(v).unwrap_or(0);
                (Part::Vertex(at), *weight)
            }
        };
        let keypoints: Vec<Recipe> = recipes
            .iter()
            .map(|recipe| recipe.iter().map(local).collect())
            .collect();
        let dims = 3 * keypoints.len();
        let kind = NodeKind::Combine {
            transforms,
            vertices,
            keypoints: keypoints.into(),
        };
        Some(self.node(name, kind, dims, Dimension::LENGTH))
    }

    pub(super) fn skinned(
        &mut self,
        name: &str,
        used: &[usize],
        rest: NodeId,
        transforms: NodeId,
        rotations: NodeId,
    ) -> Option<NodeId> {
        let body = self.inputs.body.as_ref()?;
        let shape = self.shape()?;
        let (offset, matrix) = body.vertex_map(used, self.nodes[shape.0].dims);
        let dims = offset.len();
        let weights: Vec<_> = used.iter().map(|&v| body.skin(v)).collect();
        let kind = NodeKind::Affine {
            of: shape,
            offset: offset.into(),
            matrix: matrix.into(),
        };
        let mut vertices = self.node(&format!("{name}: shaped"), kind, dims, Dimension::LENGTH);
        if let Some(posedirs) = &body.posedirs {
            // Joints that nothing turns correct nothing.
            let features = self.nodes[rotations.0].dims;
            let rows = used.iter().flat_map(|&v| {
                let of_vertex = posedirs.slice(ndarray::s![v, .., ..features]);
                of_vertex.iter().copied().collect::<Vec<f64>>()
            });
            let kind = NodeKind::Correctives {
                rest: vertices,
                rotations,
                directions: Arc::new(rows.collect()),
            };
            vertices = self.node(&format!("{name}: corrected"), kind, dims, Dimension::LENGTH);
        }
        let kind = NodeKind::Skinning {
            transforms,
            joints: rest,
            vertices,
            weights: weights.into(),
        };
        Some(self.node(&format!("{name}: skinned"), kind, dims, Dimension::LENGTH))
    }

    pub(super) fn projected(
        &mut self,
        name: &str,
        points: NodeId,
        cameras: Arc<Vec<Camera>>,
        free: &[(CameraPart, VariableId)],
    ) -> NodeId {
        let dims = self.nodes[points.0].dims / 3 * 2 * cameras.len();
        let part = |&(part, id): &(CameraPart, VariableId)| {
            let variable = &self.variables[id.0];
            let place = |label: &String| cameras.iter().position(|c| c.name == *label);
            FreePart {
                part,
                // A camera that no view shows has a copy that nobody reads.
                cameras: variable.labels.iter().map(place).collect(),
                dims: variable.manifold.ambient(),
                node: NodeId(0),
            }
        };
        let parts: Vec<FreePart> = free.iter().map(part).collect();
        let nodes = free.iter().map(|(_, id)| self.variable_node(*id));
        let nodes: Vec<NodeId> = nodes.collect();
        let free = parts.into_iter().zip(nodes);
        let free = free.map(|(part, node)| FreePart { node, ..part }).collect();
        let kind = NodeKind::Project {
            points,
            cameras,
            free,
        };
        self.node(name, kind, dims, Dimension::PIXEL)
    }
}
