//! The fitted body in every frame: shape, joint transforms, vertices.

use nalgebra::{Matrix3, Vector3};

use crate::body::whole::HAND_PCA;
use crate::body::{BODY_JOINTS, BodyModel, Transforms};
use crate::compile::forward;
use crate::fit::Fit;
use crate::ir::{Node, NodeId, NodeKind, Problem, VariableId};
use crate::rotation::axis_angle;

/// The variables of a body and the model that they pose.
pub(super) struct Bodies<'a> {
    pub model: &'a BodyModel,
    fit: &'a Fit,
    root: VariableId,
    problem: &'a Problem,
    /// (frames, 63): axis-angle vectors of the body's joints, rad.
    body: Vec<f64>,
    betas: VariableId,
    expression: Option<VariableId>,
    trans: VariableId,
}

impl<'a> Bodies<'a> {
    pub fn new(problem: &'a Problem, fit: &'a Fit, model: Option<&'a BodyModel>) -> Option<Self> {
        let model = model?;
        Some(Self {
            model,
            betas: problem.variable("betas")?,
            expression: problem.variable("expression"),
            fit,
            root: problem.variable("root_orient")?,
            body: body_poses(problem, fit)?,
            problem,
            trans: problem.variable("trans")?,
        })
    }

    /// Whether a frame has a body to show.
    pub fn known(&self, frame: usize) -> bool {
        self.fit.solved[frame]
    }

    pub fn root(&self, frame: usize) -> Matrix3<f64> {
        Matrix3::from_row_slice(self.fit.values.get(self.root, frame))
    }

    /// Axis-angle vectors of joints 1 and up.
    pub fn pose(&self, frame: usize) -> Vec<f64> {
        let numbers = 3 * BODY_JOINTS;
        let body = &self.body[frame * numbers..(frame + 1) * numbers];
        let of = |name: &str| Some(self.fit.values.get(self.problem.variable(name)?, frame));
        self.model.full_pose(body, |name| match of(name) {
            None if name == "pose_hand" => self.model.hand_pose(of(HAND_PCA)?),
            numbers => Some(numbers?.to_vec()),
        })
    }

    pub fn trans(&self, frame: usize) -> Vector3<f64> {
        Vector3::from_column_slice(self.fit.values.get(self.trans, frame))
    }

    /// Betas, then the expression.
    pub fn shape(&self, frame: usize) -> Vec<f64> {
        let parts = [Some(self.betas), self.expression].into_iter().flatten();
        parts
            .flat_map(|id| self.fit.values.get(id, frame))
            .copied()
            .collect()
    }

    pub fn rest(&self, frame: usize) -> Vec<Vector3<f64>> {
        self.model.rest_joints(&self.shape(frame))
    }

    pub fn transforms(&self, frame: usize) -> Transforms {
        let (root, trans) = (self.root(frame), self.trans(frame));
        let rest = self.rest(frame);
        self.model
            .transforms(&rest, &root, &self.pose(frame), &trans)
    }

    pub fn vertices(&self, frame: usize) -> Vec<Vector3<f64>> {
        let shaped = self.model.rest_vertices(&self.shape(frame));
        let transforms = self.transforms(frame);
        self.model
            .skinned(&shaped, &self.rest(frame), &self.pose(frame), &transforms)
    }
}

/// (frames, 63): `pose_body` itself, or what the prior's decoder makes of the codes.
fn body_poses(problem: &Problem, fit: &Fit) -> Option<Vec<f64>> {
    let frames: Vec<usize> = (0..problem.frames).collect();
    if let Some(id) = problem.variable("pose_body") {
        let of_frame = |&f: &usize| fit.values.get(id, f).iter().copied();
        return Some(frames.iter().flat_map(of_frame).collect());
    }
    let is_formula = |id: NodeId| matches!(problem.nodes[id.0].kind, NodeKind::Formula { .. });
    let of_own = problem.nodes.iter().find_map(|n| match n.kind {
        NodeKind::Rotations { of } if is_formula(of) => Some(of),
        _ => None,
    });
    if let Some(pose) = of_own {
        return Some(forward(problem, pose, &fit.values, &frames));
    }
    let decoded = |n: &Node| matches!(n.kind, NodeKind::SixD { .. });
    let rotations = problem.nodes.iter().position(decoded)?;
    let matrices = forward(problem, NodeId(rotations), &fit.values, &frames);
    let angles = matrices
        .chunks_exact(9)
        .flat_map(|r| <[f64; 3]>::from(axis_angle(&Matrix3::from_row_slice(r))));
    Some(angles.collect())
}
