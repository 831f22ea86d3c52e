//! The fitted body in every frame: shape, joint transforms, vertices.

use nalgebra::{Matrix3, Rotation3, UnitQuaternion, Vector3};

use crate::body::{BODY_JOINTS, BodyModel, Transforms};
use crate::compile::forward;
use crate::fit::Fit;
use crate::ir::{NodeId, Problem, VariableId};

/// The variables of a body and the model that they pose.
pub(super) struct Bodies<'a> {
    pub model: &'a BodyModel,
    fit: &'a Fit,
    root: VariableId,
    /// (frames, 63), axis-angle, rad.
    poses: Vec<f64>,
    trans: VariableId,
    betas: VariableId,
}

impl<'a> Bodies<'a> {
    pub fn new(problem: &Problem, fit: &'a Fit, model: Option<&'a BodyModel>) -> Option<Self> {
        Some(Self {
            model: model?,
            fit,
            root: problem.variable("root_orient")?,
            poses: poses(problem, fit)?,
            trans: problem.variable("trans")?,
            betas: problem.variable("betas")?,
        })
    }

    /// Whether a frame has a body to show.
    pub fn known(&self, frame: usize) -> bool {
        self.fit.solved[frame]
    }

    pub fn root(&self, frame: usize) -> Matrix3<f64> {
        Matrix3::from_row_slice(self.fit.values.get(self.root, frame))
    }

    pub fn pose(&self, frame: usize) -> &[f64] {
        let dims = 3 * BODY_JOINTS;
        &self.poses[frame * dims..(frame + 1) * dims]
    }

    pub fn trans(&self, frame: usize) -> Vector3<f64> {
        Vector3::from_column_slice(self.fit.values.get(self.trans, frame))
    }

    pub fn betas(&self, frame: usize) -> &[f64] {
        self.fit.values.get(self.betas, frame)
    }

    pub fn rest(&self, frame: usize) -> Vec<Vector3<f64>> {
        self.model.rest_joints(self.betas(frame))
    }

    pub fn transforms(&self, frame: usize) -> Transforms {
        let (root, trans) = (self.root(frame), self.trans(frame));
        let rest = self.rest(frame);
        self.model
            .transforms(&rest, &root, self.pose(frame), &trans)
    }

    pub fn vertices(&self, frame: usize) -> Vec<Vector3<f64>> {
        let shaped = self.model.rest_vertices(self.betas(frame));
        let transforms = self.transforms(frame);
        self.model
            .skinned(&shaped, &self.rest(frame), self.pose(frame), &transforms)
    }
}

/// `pose_body` itself, or what the prior's decoder makes of the codes.
fn poses(problem: &Problem, fit: &Fit) -> Option<Vec<f64>> {
    let frames: Vec<usize> = (0..problem.frames).collect();
    if let Some(id) = problem.variable("pose_body") {
        let of_frame = |&f: &usize| fit.values.get(id, f).iter().copied();
        return Some(frames.iter().flat_map(of_frame).collect());
    }
    let rotations = problem.nodes.iter().position(|n| n.name == "rotations")?;
    let matrices = forward(problem, NodeId(rotations), &fit.values, &frames);
    let angles = matrices.chunks_exact(9).flat_map(|r| {
        let rotation = Rotation3::from_matrix_unchecked(Matrix3::from_row_slice(r));
        let turn = UnitQuaternion::from_rotation_matrix(&rotation).scaled_axis();
        [turn.x, turn.y, turn.z]
    });
    Some(angles.collect())
}
