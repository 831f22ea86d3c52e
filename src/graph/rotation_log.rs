//! Rotation matrices to axis-angle vectors, for what is defined on angles.

use nalgebra::Matrix3;

use crate::rotation::axis_angle;

use super::linear3::{V3, cross, dot, v3};
use super::{At, Kernel, Number, Scalar};

/// (9·count) to (3·count): w with exp([w]×) = R and ‖w‖ ≤ π.
///
/// Its gradient is the one along the rotations: with R' = R exp([ω]×), dw = Jr⁻¹(w) ω and
/// Jr⁻¹(w) = I + ½[w]× + c [w]×², c = 1/θ² − cot(θ/2)/(2θ) (Chirikjian 2011, eq. 10.86).
pub(crate) struct RotationLog {
    pub count: usize,
}

/// The axis-angle vector of a row-major matrix.
fn log<E: Scalar>(r: [E; 9]) -> [E; 3] {
    let matrix = Matrix3::from_row_slice(&r.map(Scalar::wide));
    let w = axis_angle(&matrix);
    [E::of(w.x), E::of(w.y), E::of(w.z)]
}

/// 1/θ² − cot(θ/2)/(2θ).
#[inline(always)]
fn curvature<T: Number>(s: T) -> T {
    let c = T::of;
    let small = c(1.0 / 12.0) + s * (c(1.0 / 720.0) + s * c(1.0 / 30240.0));
    let angle = s.root();
    let (sin, cos) = (c(0.5) * angle).sin_cos();
    let large = c(1.0) / s - cos / sin / (angle + angle);
    s.less(c(1e-3), small, large)
}

impl<E: Scalar> Kernel<E> for RotationLog {
    fn out_dims(&self) -> usize {
        3 * self.count
    }

    fn blocks(&self) -> Option<(usize, usize)> {
        Some((3, 9))
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        for (r, w) in x[0].chunks_exact(9).zip(y.chunks_exact_mut(3)) {
            let r: [T; 9] = std::array::from_fn(|i| r[i]);
            w.copy_from_slice(&T::gather(r, log));
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let Some(gx) = &mut gx[0] else { return };
        let vectors = at.y.chunks_exact(3).zip(gy.chunks_exact(3));
        let both = at.x[0].chunks_exact(9).zip(vectors);
        for ((r, (w, g)), to) in both.zip(gx.chunks_exact_mut(9)) {
            pull_back(r, v3(w), v3(g), to);
        }
    }
}

/// to += R ½[a]× with a = Jr⁻ᵀ(w) g.
#[inline(always)]
fn pull_back<T: Number>(r: &[T], w: V3<T>, g: V3<T>, to: &mut [T]) {
    T::apart(
        #[inline(always)]
        || {
            let (s, wg) = (dot(w, w), dot(w, g));
            let (c, half) = (curvature(s), T::of(0.5));
            let turned = cross(w, g);
            let a: V3<T> = std::array::from_fn(|k| {
                half * (g[k] - half * turned[k] + c * (w[k] * wg - s * g[k]))
            });
            for row in 0..3 {
                let r = &r[3 * row..3 * row + 3];
                to[3 * row] += r[1] * a[2] - r[2] * a[1];
                to[3 * row + 1] += r[2] * a[0] - r[0] * a[2];
                to[3 * row + 2] += r[0] * a[1] - r[1] * a[0];
            }
        },
    )
}
