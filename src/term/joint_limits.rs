//! r = how far a joint's swing and twist lie outside of its range.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::graph::swing_twist::swing_twist;
use crate::graph::{Gradient, Operation, Scalar, Value};

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

/// Axis-angle vectors (rows, 3·joints) to (rows, 3·joints): angle − clamp(angle, low, high).
pub(crate) struct JointLimits {
    pub ranges: Vec<JointRange>,
}

impl<E: Scalar> Operation<E> for JointLimits {
    fn out_dims(&self) -> usize {
        3 * self.ranges.len()
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        let joints = inputs[0].row(i).chunks_exact(3);
        for ((range, w), out) in self.ranges.iter().zip(joints).zip(out.chunks_exact_mut(3)) {
            let (angles, _) = swing_twist([w[0], w[1], w[2]], range.twist);
            for c in 0..3 {
                out[c] = outside(angles[c], range.limits[c]);
            }
        }
    }

    fn backward(
        &self,
        i: usize,
        inputs: &[Value<'_, E>],
        out: &[E],
        out_gradient: &[E],
        gradients: &mut [Option<Gradient<'_, E>>],
    ) {
        let Some(gradient) = &mut gradients[0] else {
            return;
        };
        let joints = inputs[0].row(i).chunks_exact(3);
        let rows = gradient.row(i).chunks_exact_mut(3);
        let residuals = out.chunks_exact(3).zip(out_gradient.chunks_exact(3));
        for (((range, w), to), (r, g)) in self.ranges.iter().zip(joints).zip(rows).zip(residuals) {
            if r.iter().all(|r| *r == E::zero()) {
                continue;
            }
            let (_, jacobian) = swing_twist([w[0], w[1], w[2]], range.twist);
            for c in (0..3).filter(|&c| r[c] != E::zero()) {
                for k in 0..3 {
                    to[k] += g[c] * jacobian[c][k];
                }
            }
        }
    }
}

/// The signed distance to a range; NaN goes through.
fn outside<E: Scalar>(angle: E, [low, high]: [f64; 2]) -> E {
    let (low, high) = (E::of(low), E::of(high));
    if angle < low {
        angle - low
    } else if angle <= high {
        E::zero()
    } else {
        angle - high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn residuals(joint: &str, w: [f64; 3]) -> [f64; 3] {
        let ranges = vec![JointRange::of(joint).unwrap()];
        let value = Value {
            data: &w[..],
            dims: 3,
            rows: 1,
        };
        let mut out = [0.0; 3];
        JointLimits { ranges }.forward(0, &[value], &mut out);
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
