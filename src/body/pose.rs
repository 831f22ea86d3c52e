//! A body posed by a motion, joint by joint: the plain version of the kinematics.

use nalgebra::{DVector, Matrix3, Rotation3, Vector3};
use ndarray::{Array3, Array4};

use super::BodyModel;
use crate::data::{Motion, Observations};
use crate::keypoints;
use crate::spec::Dimension;

/// World rotation and position of every joint.
pub type Transforms = Vec<(Matrix3<f64>, Vector3<f64>)>;

impl BodyModel {
    /// Rest joints of a shape, (joints), metres: betas, then expressions; more are left out.
    pub fn rest_joints(&self, betas: &[f64]) -> Vec<Vector3<f64>> {
        let used = DVector::from_fn(self.num_betas() + self.num_expressions, |i, _| {
            betas.get(i).copied().unwrap_or(0.0)
        });
        let moved = |row: usize| {
            let directions = self.joint_shapedirs.row(row);
            let products = directions.iter().zip(used.iter()).map(|(d, b)| d * b);
            products.sum::<f64>()
        };
        let joint = |j: usize| Vector3::from_fn(|k, _| self.joints[[j, k]] + moved(3 * j + k));
        (0..self.num_joints()).map(joint).collect()
    }

    /// Vertices of a shape in rest pose, (vertices), metres.
    pub fn rest_vertices(&self, betas: &[f64]) -> Vec<Vector3<f64>> {
        let count = (self.num_betas() + self.num_expressions).min(betas.len());
        let coordinate = |v: usize, k: usize| {
            let directions = (0..count).map(|b| self.shapedirs[[v, k, b]] * betas[b]);
            self.template[[v, k]] + directions.sum::<f64>()
        };
        let vertex = |v: usize| Vector3::from_fn(|k, _| coordinate(v, k));
        (0..self.template.nrows()).map(vertex).collect()
    }

    /// Joint transforms; `root` is a rotation matrix, `pose` the axis-angle vectors of joints 1 and up
    /// (63 of `pose_body`, or of all joints), `trans` metres.
    pub fn transforms(
        &self,
        rest: &[Vector3<f64>],
        root: &Matrix3<f64>,
        pose: &[f64],
        trans: &Vector3<f64>,
    ) -> Transforms {
        let mut transforms: Transforms = vec![(*root, rest[0] + trans)];
        for j in 1..self.num_joints() {
            let parent = self.parents[j];
            let (turn, position) = transforms[parent];
            let local = match pose.get(3 * (j - 1)..3 * j) {
                Some(turn) => Rotation3::new(Vector3::from_column_slice(turn)),
                None => Rotation3::identity(),
            };
            let bone = rest[j] - rest[parent];
            transforms.push((turn * local.matrix(), position + turn * bone));
        }
        transforms
    }

    /// All vertices skinned, (vertices), metres.
    pub fn skinned(
        &self,
        vertices: &[Vector3<f64>],
        rest: &[Vector3<f64>],
        pose: &[f64],
        transforms: &Transforms,
    ) -> Vec<Vector3<f64>> {
        let feature = pose_feature(pose);
        let skin = |at| self.skinned_vertex(at, rest, &feature, transforms);
        vertices.iter().enumerate().map(skin).collect()
    }

    /// One vertex skinned, by its number and its place at rest.
    pub(crate) fn skinned_vertex(
        &self,
        (v, x): (usize, &Vector3<f64>),
        rest: &[Vector3<f64>],
        feature: &[f64],
        transforms: &Transforms,
    ) -> Vector3<f64> {
        let x = x + self.corrective(v, feature);
        let parts = self.skin(v).into_iter().map(|(j, w)| {
            let (turn, position) = &transforms[j];
            (turn * (x - rest[j]) + position) * w
        });
        parts.sum()
    }

    fn corrective(&self, vertex: usize, feature: &[f64]) -> Vector3<f64> {
        let Some(posedirs) = &self.posedirs else {
            return Vector3::zeros();
        };
        Vector3::from_fn(|k, _| {
            let directions = feature.iter().enumerate();
            directions.map(|(f, x)| posedirs[[vertex, k, f]] * x).sum()
        })
    }
}

/// flatten(R − I) of the joints of a pose, row-major.
pub(crate) fn pose_feature(pose: &[f64]) -> Vec<f64> {
    let mut feature = Vec::with_capacity(3 * pose.len());
    for w in pose.chunks_exact(3) {
        let r = Rotation3::new(Vector3::from_column_slice(w)).matrix() - Matrix3::identity();
        feature.extend(r.transpose().iter());
    }
    feature
}

/// The joints of a frame of a motion.
fn posed(body: &BodyModel, motion: &Motion, rest: &[Vector3<f64>], frame: usize) -> Transforms {
    let root = Rotation3::new(Vector3::from(motion.root_orient[frame]));
    // A file that is not y up places the pelvis by its own axes: trans + J0 there, turned here.
    let shift = motion.upright * rest[0] - rest[0];
    let turned = motion.upright * Vector3::from(motion.trans[frame]) + shift;
    body.transforms(rest, root.matrix(), &motion.pose_body[frame], &turned)
}

/// The vertices of a frame of a motion on this body, metres, y up.
pub(crate) fn pose_vertices(body: &BodyModel, motion: &Motion, frame: usize) -> Vec<Vector3<f64>> {
    let rest = body.rest_joints(&motion.betas);
    let transforms = posed(body, motion, &rest, frame);
    let shaped = body.rest_vertices(&motion.betas);
    body.skinned(&shaped, &rest, &motion.pose_body[frame], &transforms)
}

/// Some vertices and all joints of a frame of a motion on this body, metres, y up.
pub(crate) fn pose_part(
    body: &BodyModel,
    motion: &Motion,
    (vertices, at_rest): (&[usize], &[Vector3<f64>]),
    frame: usize,
) -> (Vec<Vector3<f64>>, Transforms) {
    let rest = body.rest_joints(&motion.betas);
    let transforms = posed(body, motion, &rest, frame);
    let feature = pose_feature(&motion.pose_body[frame]);
    let skinned = vertices.iter().copied().zip(at_rest);
    let skinned = skinned.map(|at| body.skinned_vertex(at, &rest, &feature, &transforms));
    (skinned.collect(), transforms)
}

/// The joints of a motion on this body, as observations with SMPL's 22 labels.
pub(crate) fn pose_joints(body: &BodyModel, motion: &Motion) -> Observations {
    let labels = keypoints::labels("SMPL_22").unwrap_or_default();
    let frames = motion.trans.len();
    let mut values = Array4::zeros((frames, 1, labels.len(), 3));
    let rest = body.rest_joints(&motion.betas);
    for f in 0..frames {
        let posed = posed(body, motion, &rest, f);
        for (j, (_, position)) in posed.iter().take(labels.len()).enumerate() {
            for k in 0..3 {
                values[[f, 0, j, k]] = position[k];
            }
        }
    }
    let mut observations = Observations {
        confidence: Array3::ones((frames, 1, labels.len())),
        labels,
        views: vec![String::new()],
        values,
        dimension: Dimension::LENGTH,
        rate: motion.rate,
        frame_numbers: motion.frame_numbers.clone(),
    };
    observations.mask_missing();
    observations
}
