//! r = max(0, height − y): how deep points lie below a level plane.

use crate::graph::{At, Kernel, Number, Scalar};

/// Points (3·points), y up, to their depths (points).
pub(crate) struct Penetration<E> {
    pub points: usize,
    pub height: E,
}

impl<E: Scalar> Kernel<E> for Penetration<E> {
    fn out_dims(&self) -> usize {
        self.points
    }

    fn blocks(&self) -> Option<(usize, usize)> {
        Some((1, 3))
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        for (point, y) in x[0].chunks_exact(3).zip(y) {
            let depth = T::splat(self.height) - point[1];
            // NaN fails the comparison and goes through.
            *y = depth.less(T::zero(), T::zero(), depth);
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let Some(gx) = &mut gx[0] else { return };
        for ((to, depth), g) in gx.chunks_exact_mut(3).zip(at.y).zip(gy) {
            to[1] -= T::zero().less(*depth, *g, T::zero());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_points_below_the_plane_have_a_depth() {
        let points = [0.3, -0.02, 1.0, 0.3, 0.2, 1.0, 5.0, 0.05, 0.0];
        let ground = Penetration {
            points: 3,
            height: 0.1,
        };
        let mut out = [0.0; 3];
        Kernel::forward::<f64>(&ground, &[&points], &mut out);
        let expected: [f64; 3] = [0.12, 0.0, 0.05];
        assert!(out.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
    }
}
