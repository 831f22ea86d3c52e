//! r = exp(s θ) of elbows and knees: the penalty of SMPLify for bending against the joint.

use num_traits::Float;

use crate::graph::{At, Kernel, Number, Scalar};

/// Entries of `pose_body` with the sign of what is unnatural: left and right elbow about y, left
/// and right knee about x (Pavlakos et al. 2019, SMPLify-X; 55, 58, 12 and 15 of the full pose).
const ANGLES: [(usize, f64); 4] = [(52, 1.0), (55, -1.0), (9, -1.0), (12, -1.0)];

/// Beyond this angle, a whole turn, the exponential goes on as its tangent.
const STRAIGHT: f64 = std::f64::consts::TAU;

/// `pose_body` (63) to the four residuals.
pub(crate) struct Bending;

impl Bending {
    pub const COUNT: usize = ANGLES.len();
}

impl<E: Scalar> Kernel<E> for Bending {
    fn out_dims(&self) -> usize {
        Self::COUNT
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        for ((at, sign), y) in ANGLES.iter().zip(y) {
            *y = growth(T::of(*sign) * x[0][*at]).0;
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let Some(gx) = &mut gx[0] else { return };
        for ((i, sign), g) in ANGLES.iter().zip(gy) {
            let sign = T::of(*sign);
            gx[*i] += *g * sign * growth(sign * at.x[0][*i]).1;
        }
    }

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        let moved = moved[0].unwrap_or_default();
        ANGLES.iter().map(|(at, _)| moved[*at]).collect()
    }
}

/// exp(x) and its slope.
#[inline(always)]
fn growth<T: Number>(x: T) -> (T, T) {
    let end = T::of(STRAIGHT);
    let slope = x.less(end, x, end).map(|x| x.exp());
    let beyond = slope * (T::one() + x - end);
    (end.less(x, beyond, slope), slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn residuals<E: Scalar>(pose: &[E]) -> Vec<E> {
        let mut out = vec![E::zero(); 4];
        Kernel::forward::<E>(&Bending, &[pose], &mut out);
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
        let (below, above) = (
            growth::<f64>(STRAIGHT - 1e-7),
            growth::<f64>(STRAIGHT + 1e-7),
        );
        let slope = (above.0 - below.0) / 2e-7;
        assert!((slope / above.1 - 1.0).abs() < 1e-6);
    }
}
