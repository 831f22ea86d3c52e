//! The fitted skeleton over time: `motion.bvh`, `joints.csv`, `joints.trc`, and what an animation needs.

use std::path::Path;

use nalgebra::{Matrix3, Rotation3, UnitQuaternion, Vector3};
use ndarray::{Array2, Array3};

use super::bodies::Bodies;
use crate::io::bvh::{self, BvhMotion};
use crate::io::trc_writer::{self, TrcPoints};
use crate::io::{FileError, csv};
use crate::ir::Problem;

/// Where the data do not say their rate.
pub(super) const USUAL_RATE: f64 = 30.0;

/// Each joint relative to its parent, and the root in the world; NaN where there is no body.
pub(super) struct LocalMotion {
    /// (N, J, 4), as (x, y, z, w).
    pub rotations: Array3<f64>,
    /// (N, 3), metres.
    pub translations: Array2<f64>,
    pub parents: Vec<Option<usize>>,
    /// (J, 3), at rest in the shape of the first solved frame, metres.
    pub joints: Array2<f64>,
}

impl LocalMotion {
    pub fn new(problem: &Problem, bodies: &Bodies<'_>) -> Self {
        let (frames, joints) = (problem.frames, bodies.model.num_joints());
        let mut rotations = Array3::from_elem((frames, joints, 4), f64::NAN);
        let mut translations = Array2::from_elem((frames, 3), f64::NAN);
        for f in (0..frames).filter(|&f| bodies.known(f)) {
            let pelvis = bodies.transforms(f)[0].1;
            let (root, pose) = (bodies.root(f), bodies.pose(f));
            for k in 0..3 {
                translations[[f, k]] = pelvis[k];
            }
            for j in 0..joints {
                let local = local_rotation(root, &pose, j);
                let q = local.as_vector();
                for k in 0..4 {
                    rotations[[f, j, k]] = q[k];
                }
            }
        }
        let first = first_known(problem, bodies);
        let parent = |(j, p): (usize, &usize)| if j == 0 { None } else { Some(*p) };
        Self {
            rotations,
            translations,
            parents: bodies
                .model
                .parents
                .iter()
                .enumerate()
                .map(parent)
                .collect(),
            joints: super::outputs::to_array(&bodies.rest(first)),
        }
    }
}

/// The frame whose shape an animation of one shape takes.
pub(super) fn first_known(problem: &Problem, bodies: &Bodies<'_>) -> usize {
    (0..problem.frames).find(|&f| bodies.known(f)).unwrap_or(0)
}

/// The motion of the skeleton, y up.
pub(super) fn write_bvh(
    path: &Path,
    problem: &Problem,
    bodies: &Bodies<'_>,
) -> Result<(), FileError> {
    let motion = LocalMotion::new(problem, bodies);
    let motion = BvhMotion {
        joint_names: &bodies.model.joint_names,
        parents: &motion.parents,
        joints: &motion.joints,
        rotations: &motion.rotations,
        translations: &motion.translations,
        rate: problem.rate.unwrap_or(USUAL_RATE),
    };
    bvh::write(path, &motion)
}

/// Joint positions in the axes of the data, metres.
pub(super) fn write_csv(
    path: &Path,
    problem: &Problem,
    bodies: &Bodies<'_>,
) -> Result<(), FileError> {
    let values = positions(problem, bodies, |p| problem.upright.transpose() * p);
    let numbers = &problem.frame_numbers;
    csv::write_points(path, &bodies.model.joint_names, numbers, &values)
}

/// Joint positions, y up.
pub(super) fn write_trc(
    path: &Path,
    problem: &Problem,
    bodies: &Bodies<'_>,
) -> Result<(), FileError> {
    let points = TrcPoints {
        labels: &bodies.model.joint_names,
        numbers: &problem.frame_numbers,
        values: &positions(problem, bodies, |p| p),
        rate: problem.rate.unwrap_or(USUAL_RATE),
    };
    trc_writer::write(path, &points)
}

/// (frames, joints, 3), NaN where there is no body.
fn positions(
    problem: &Problem,
    bodies: &Bodies<'_>,
    turned: impl Fn(Vector3<f64>) -> Vector3<f64>,
) -> Array3<f64> {
    let shape = (problem.frames, bodies.model.num_joints(), 3);
    let mut values = Array3::from_elem(shape, f64::NAN);
    for f in (0..problem.frames).filter(|&f| bodies.known(f)) {
        for (j, (_, position)) in bodies.transforms(f).iter().enumerate() {
            let position = turned(*position);
            for k in 0..3 {
                values[[f, j, k]] = position[k];
            }
        }
    }
    values
}

fn local_rotation(root: Matrix3<f64>, pose: &[f64], joint: usize) -> UnitQuaternion<f64> {
    match joint {
        0 => UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(root)),
        j if 3 * j <= pose.len() => {
            let w = &pose[3 * (j - 1)..3 * j];
            UnitQuaternion::from_scaled_axis(Vector3::from_column_slice(w))
        }
        _ => UnitQuaternion::identity(),
    }
}
