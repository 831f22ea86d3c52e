//! The fitted body in every frame: shape, joint transforms, vertices.

use nalgebra::{Matrix3, Vector3};

use crate::body::{BodyModel, Transforms};
use crate::fit::Fit;
use crate::ir::{Problem, VariableId};

/// The variables of a body and the model that they pose.
pub(super) struct Bodies<'a> {
    pub model: &'a BodyModel,
    fit: &'a Fit,
    root: VariableId,
    pose: VariableId,
    trans: VariableId,
    betas: VariableId,
}

impl<'a> Bodies<'a> {
    pub fn new(problem: &Problem, fit: &'a Fit, model: Option<&'a BodyModel>) -> Option<Self> {
        Some(Self {
            model: model?,
            fit,
            root: problem.variable("root_orient")?,
            pose: problem.variable("pose_body")?,
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
        self.fit.values.get(self.pose, frame)
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
