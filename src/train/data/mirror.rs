//! Poses in a mirror: people do on the left what others do on the right.

use super::POSE;
use crate::random::SplitMix64;

/// Joints of `pose_body` that change places, counted from the first.
const PAIRS: [(usize, usize); 8] = [
    (0, 1),
    (3, 4),
    (6, 7),
    (9, 10),
    (12, 13),
    (15, 16),
    (17, 18),
    (19, 20),
];

/// Mirrors about half of the poses of a batch, (rows, 63), in place.
pub(crate) fn mirror_some(poses: &mut [f32], random: &mut SplitMix64) {
    for pose in poses.chunks_exact_mut(POSE) {
        if random.uniform() < 0.5 {
            mirror(pose);
        }
    }
}

/// Mirrors a pose at the plane between left and right: the rotation vector (x, y, z) of a joint
/// becomes (x, −y, −z) of its counterpart.
pub(crate) fn mirror<E: Copy + std::ops::Neg<Output = E>>(pose: &mut [E]) {
    for (left, right) in PAIRS {
        for k in 0..3 {
            pose.swap(3 * left + k, 3 * right + k);
        }
    }
    for turn in pose.chunks_exact_mut(3) {
        turn[1] = -turn[1];
        turn[2] = -turn[2];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::BodyModel;
    use nalgebra::{Matrix3, Vector3};

    #[test]
    fn the_joints_of_a_mirrored_pose_are_the_mirrored_joints() {
        let body = BodyModel::builtin(None).unwrap();
        let rest = body.rest_joints(&[]);
        // The skeleton of a symmetric rest pose, so that only the rotations are tested.
        let place = |pose: &[f32]| {
            let pose: Vec<f64> = pose.iter().map(|x| f64::from(*x)).collect();
            let root = Matrix3::identity();
            body.transforms(&rest, &root, &pose, &Vector3::zeros())
        };
        let pose: Vec<f32> = (0..POSE).map(|i| 0.4 * (i as f32 * 1.7).sin()).collect();
        let mut other = pose.clone();
        mirror(&mut other);
        let (first, second) = (place(&pose), place(&other));
        let counterpart = |j: usize| {
            let pair = PAIRS.iter().find(|(l, r)| l + 1 == j || r + 1 == j);
            pair.map_or(j, |(l, r)| if l + 1 == j { r + 1 } else { l + 1 })
        };
        for j in 0..22 {
            let mirrored = Vector3::new(-1.0, 1.0, 1.0).component_mul(&first[counterpart(j)].1);
            let off = (mirrored - second[j].1).norm();
            assert!(off < 5e-3, "joint {j} is {off} m off");
        }
        mirror(&mut other);
        assert_eq!(pose, other);
    }
}
