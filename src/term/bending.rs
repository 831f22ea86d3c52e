//! r = exp(s θ) of elbows and knees: the penalty of SMPLify for bending against the joint.

use crate::graph::{Gradient, Operation, Scalar, Value};

/// Entries of `pose_body` with the sign of what is unnatural: left and right elbow about y, left
/// and right knee about x (Pavlakos et al. 2019, SMPLify-X; 55, 58, 12 and 15 of the full pose).
const ANGLES: [(usize, f64); 4] = [(52, 1.0), (55, -1.0), (9, -1.0), (12, -1.0)];

/// Beyond this angle, a whole turn, the exponential goes on as its tangent.
const STRAIGHT: f64 = std::f64::consts::TAU;

/// `pose_body` (rows, 63) to the four residuals.
pub(crate) struct Bending;

impl Bending {
    pub const COUNT: usize = ANGLES.len();
}

impl<E: Scalar> Operation<E> for Bending {
    fn out_dims(&self) -> usize {
        Self::COUNT
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        let pose = inputs[0].row(i);
        for ((at, sign), out) in ANGLES.iter().zip(out) {
            *out = growth(E::of(*sign) * pose[*at]).0;
        }
    }

    fn backward(
        &self,
        i: usize,
        inputs: &[Value<'_, E>],
        _out: &[E],
        out_gradient: &[E],
        gradients: &mut [Option<Gradient<'_, E>>],
    ) {
        let Some(gradient) = &mut gradients[0] else {
            return;
        };
        let pose = inputs[0].row(i);
        let to = gradient.row(i);
        for ((at, sign), g) in ANGLES.iter().zip(out_gradient) {
            let sign = E::of(*sign);
            to[*at] += *g * sign * growth(sign * pose[*at]).1;
        }
    }
}

/// exp(x) and its slope.
fn growth<E: Scalar>(x: E) -> (E, E) {
    let end = E::of(STRAIGHT);
    if x > end {
        let slope = end.exp();
        return (slope * (E::one() + x - end), slope);
    }
    (x.exp(), x.exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn residuals<E: Scalar>(pose: &[E]) -> Vec<E> {
        let mut out = vec![E::zero(); 4];
        let value = Value {
            data: pose,
            dims: 63,
            rows: 1,
        };
        Bending.forward(0, &[value], &mut out);
        out
    }

    #[test]
    fn the_sum_of_squares_is_the_published_energy() {
        // The full pose with the root's three numbers first, as SMPLify-X indexes it.
        let mut full = [0.0; 66];
        (full[55], full[58], full[12], full[15]) = (-1.2, 0.7, 0.9, -0.2);
        let published = [(55, 1.0), (58, -1.0), (12, -1.0), (15, -1.0)]
            .map(|(at, sign): (usize, f64)| (sign * full[at]).exp().powi(2));
        let squares = residuals(&full[3..]).iter().map(|r| r * r).sum::<f64>();
        assert!((squares - published.iter().sum::<f64>()).abs() < 1e-14);
    }

    #[test]
    fn absurd_angles_stay_finite_and_keep_their_slope() {
        let mut pose = [0.0_f32; 63];
        (pose[52], pose[9]) = (1e4, -1e4);
        assert!(residuals(&pose).iter().all(|r| (r * r).is_finite()));
        let (below, above) = (growth(STRAIGHT - 1e-7), growth(STRAIGHT + 1e-7));
        let slope = (above.0 - below.0) / 2e-7;
        assert!((slope / above.1 - 1.0).abs() < 1e-6);
    }
}
