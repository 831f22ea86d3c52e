//! r = how far a joint's swing and twist lie outside of its range.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::graph::swing_twist::swing_twist;
use crate::graph::{At, Kernel, Number, Scalar};

const TABLE: &str = include_str!("joint_limits.toml");

/// The range of one joint: [least, greatest] of its swing and twist about x, y and z, rad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JointRange {
    /// The axis of the twist: 0 to 2.
    pub twist: usize,
    pub limits: [[f64; 2]; 3],
}

#[derive(Deserialize)]
struct Row {
    twist: char,
    x: [f64; 2],
    y: [f64; 2],
    z: [f64; 2],
}

impl JointRange {
    /// The built-in range of a joint of `pose_body`, by its name.
    pub fn of(joint: &str) -> Option<Self> {
        let rows: BTreeMap<String, Row> =
            toml::from_str(TABLE).expect("the embedded table is valid");
        let right = joint.strip_prefix("right_");
        let row = rows.get(right.or(joint.strip_prefix("left_")).unwrap_or(joint))?;
        let mirrored = |[low, high]: [f64; 2]| match right {
            Some(_) => [-high, -low],
            None => [low, high],
        };
        let degrees = [row.x, mirrored(row.y), mirrored(row.z)];
        Some(Self {
            twist: "xyz".find(row.twist)?,
            limits: degrees.map(|range| range.map(f64::to_radians)),
        })
    }
}

/// Axis-angle vectors (3·joints) to (3·joints): angle − clamp(angle, low, high).
pub(crate) struct JointLimits {
    pub ranges: Vec<JointRange>,
}

impl<E: Scalar> Kernel<E> for JointLimits {
    fn out_dims(&self) -> usize {
        3 * self.ranges.len()
    }

    fn blocks(&self) -> Option<(usize, usize)> {
        Some((3, 3))
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        let joints = x[0].chunks_exact(3);
        for ((range, w), y) in self.ranges.iter().zip(joints).zip(y.chunks_exact_mut(3)) {
            let (angles, _) = swing_twist([w[0], w[1], w[2]], range.twist);
            for c in 0..3 {
                y[c] = outside(angles[c], range.limits[c]);
            }
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let Some(gx) = &mut gx[0] else { return };
        let joints = at.x[0].chunks_exact(3);
        let residuals = at.y.chunks_exact(3).zip(gy.chunks_exact(3));
        let both = self.ranges.iter().zip(joints).zip(gx.chunks_exact_mut(3));
        for (((range, w), to), (r, g)) in both.zip(residuals) {
            let (_, jacobian) = swing_twist([w[0], w[1], w[2]], range.twist);
            for c in 0..3 {
                for k in 0..3 {
                    // A range that holds has no say, also where the angle has no slope.
                    let slope = g[c] * jacobian[c][k];
                    to[k] += r[c].less(T::zero(), slope, T::zero().less(r[c], slope, T::zero()));
                }
            }
        }
    }
}

/// The signed distance to a range; NaN goes through.
#[inline(always)]
fn outside<T: Number>(angle: T, [low, high]: [f64; 2]) -> T {
    let (low, high) = (T::of(low), T::of(high));
    let above = high.less(angle, angle - high, T::zero() * angle);
    angle.less(low, angle - low, above)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn residuals(joint: &str, w: [f64; 3]) -> [f64; 3] {
        let ranges = vec![JointRange::of(joint).unwrap()];
        let mut out = [0.0; 3];
        Kernel::forward::<f64>(&JointLimits { ranges }, &[&w], &mut out);
        out
    }

    #[test]
    fn a_knee_bends_back_but_not_forward() {
        assert_eq!(residuals("left_knee", [1.5, 0.0, 0.0]), [0.0; 3]);
        let [x, ..] = residuals("right_knee", [-0.2, 0.0, 0.0]);
        assert!((x + 0.2).abs() < 1e-12, "{x}");
        let [x, ..] = residuals("left_knee", [2.8, 0.0, 0.0]);
        assert!((x - (2.8 - 155_f64.to_radians())).abs() < 1e-12, "{x}");
    }

    #[test]
    fn elbows_bend_forward_on_both_sides() {
        assert_eq!(residuals("left_elbow", [0.0, -1.5, 0.0]), [0.0; 3]);
        assert_eq!(residuals("right_elbow", [0.0, 1.5, 0.0]), [0.0; 3]);
        assert!(residuals("left_elbow", [0.0, 0.5, 0.0])[1] > 0.49);
        assert!(residuals("right_elbow", [0.0, -0.5, 0.0])[1] < -0.49);
    }

    #[test]
    fn the_range_does_not_depend_on_the_turn_that_stands_for_a_rotation() {
        let turn = std::f64::consts::TAU;
        let near = residuals("left_hip", [-2.5, 0.0, 0.0]);
        let far = residuals("left_hip", [turn - 2.5, 0.0, 0.0]);
        assert!(near.iter().zip(far).all(|(a, b)| (a - b).abs() < 1e-12));
        assert!(near[0] < -0.3, "{near:?}");
    }
}
