//! How far joints turn beyond their ranges.

use crate::body::SMPL_JOINTS;
use crate::graph::Kernel;
use crate::term::joint_limits::{JointLimits, JointRange};

/// A joint is beyond its range from here on, rad.
const TOLERANCE: f64 = 10.0 * std::f64::consts::PI / 180.0;

/// Of each pose.
pub(crate) struct Beyond {
    /// Whether any joint is beyond its range by more than 10°.
    pub poses: Vec<bool>,
    /// The share of such joints.
    pub joints: Vec<f64>,
    /// The mean over joints of the largest excess of swing and twist, degrees.
    pub excess: Vec<f64>,
}

/// Of poses (rows, 63).
pub(crate) fn beyond_limits(poses: &[f64]) -> Beyond {
    let names = SMPL_JOINTS[1..22].iter().enumerate();
    let ranged: Vec<(usize, JointRange)> = names
        .filter_map(|(j, name)| Some((j, JointRange::of(name)?)))
        .collect();
    let operation = JointLimits {
        ranges: ranged.iter().map(|(_, range)| *range).collect(),
    };
    let mut beyond = Beyond {
        poses: Vec::new(),
        joints: Vec::new(),
        excess: Vec::new(),
    };
    let count = ranged.len() as f64;
    for pose in poses.chunks_exact(63) {
        let turns: Vec<f64> = ranged
            .iter()
            .flat_map(|(j, _)| &pose[3 * j..3 * j + 3])
            .copied()
            .collect();
        let mut out = vec![0.0; turns.len()];
        Kernel::forward::<f64>(&operation, &[&turns], &mut out);
        let largest = out
            .chunks_exact(3)
            .map(|r| r.iter().fold(0.0f64, |m, x| m.max(x.abs())));
        let largest: Vec<f64> = largest.collect();
        let wrong = largest.iter().filter(|x| **x > TOLERANCE).count();
        beyond.poses.push(wrong > 0);
        beyond.joints.push(wrong as f64 / count);
        beyond
            .excess
            .push((largest.iter().sum::<f64>() / count).to_degrees());
    }
    beyond
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_knee_bent_forward_by_40_degrees_is_beyond_its_range() {
        let mut poses = vec![0.0; 126];
        poses[63 + 9] = -40f64.to_radians();
        let found = beyond_limits(&poses);
        assert_eq!(found.poses, [false, true]);
        assert!(found.joints[1] > 0.0 && found.joints[1] < 0.1);
        assert!(found.excess[1] > 1.0, "{:?}", found.excess);
    }
}
