//! Axis-angle vectors to rotation matrices (Rodrigues' formula), smooth through zero.

use super::linear3::{dot, v3};
use super::{At, Kernel, Number, Scalar};

/// (3·count) to (9·count).
///
/// R = I + a K + b K² with a = sin θ/θ, b = (1 − cos θ)/θ², K = [w]×. Below θ² = 1e-4 both and
/// their derivatives come from series in θ², so nothing divides by zero.
pub(crate) struct Rodrigues {
    pub count: usize,
}

impl<E: Scalar> Kernel<E> for Rodrigues {
    fn out_dims(&self) -> usize {
        9 * self.count
    }

    fn blocks(&self) -> Option<(usize, usize)> {
        Some((9, 3))
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        for (w, r) in x[0].chunks_exact(3).zip(y.chunks_exact_mut(9)) {
            rotation(v3(w), r);
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let Some(gx) = &mut gx[0] else { return };
        let both = at.x[0].chunks_exact(3).zip(gy.chunks_exact(9));
        for ((w, g), to) in both.zip(gx.chunks_exact_mut(3)) {
            pull_back(v3(w), g, to);
        }
    }
}

/// a0 + a1 s + a2 s² + a3 s³.
#[inline(always)]
fn series<T: Number>(s: T, a: [f64; 4]) -> T {
    let c = T::of;
    s.fused(s.fused(s.fused(c(a[3]), c(a[2])), c(a[1])), c(a[0]))
}

/// a, b and their derivatives with respect to s = θ².
#[inline(always)]
fn coefficients<T: Number>(s: T) -> [T; 4] {
    let c = T::of;
    let small = [
        series(s, [1.0, -1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0]),
        series(s, [0.5, -1.0 / 24.0, 1.0 / 720.0, -1.0 / 40320.0]),
        series(s, [-1.0 / 6.0, 1.0 / 60.0, -1.0 / 1680.0, 1.0 / 90_720.0]),
        series(
            s,
            [-1.0 / 24.0, 1.0 / 360.0, -1.0 / 13440.0, 1.0 / 907_200.0],
        ),
    ];
    let angle = s.root();
    let (sin, cos) = angle.sin_cos();
    let inverse = c(1.0) / s;
    let a = sin * angle * inverse;
    let b = (c(1.0) - cos) * inverse;
    let half = c(0.5) * inverse;
    let mut out = [a, b, half * (cos - a), half * (a - b - b)];
    for (out, small) in out.iter_mut().zip(small) {
        *out = s.less(c(1e-4), small, *out);
    }
    out
}

#[inline(always)]
fn rotation<T: Number>(w: [T; 3], r: &mut [T]) {
    T::apart(
        #[inline(always)]
        || {
            let s = dot(w, w);
            let [a, b, ..] = coefficients(s);
            let [x, y, z] = w;
            let diagonal = T::one() - b * s;
            let (bx, by) = (b * x, b * y);
            r[0] = bx.fused(x, diagonal);
            r[1] = bx * y - a * z;
            r[2] = bx * z + a * y;
            r[3] = bx * y + a * z;
            r[4] = by.fused(y, diagonal);
            r[5] = by * z - a * x;
            r[6] = bx * z - a * y;
            r[7] = by * z + a * x;
            r[8] = (b * z).fused(z, diagonal);
        },
    )
}

#[inline(always)]
fn pull_back<T: Number>(w: [T; 3], g: &[T], to: &mut [T]) {
    T::apart(
        #[inline(always)]
        || {
            let s = dot(w, w);
            let [a, b, da, db] = coefficients(s);
            let trace = g[0] + g[4] + g[8];
            let vee = [g[7] - g[5], g[2] - g[6], g[3] - g[1]];
            let mut symmetric = [T::zero(); 3];
            for (i, sum) in symmetric.iter_mut().enumerate() {
                let row = [
                    g[3 * i] + g[i],
                    g[3 * i + 1] + g[3 + i],
                    g[3 * i + 2] + g[6 + i],
                ];
                *sum = dot(row, w);
            }
            let quadratic = T::of(0.5) * dot(symmetric, w);
            let along = dot(vee, w) * da + (quadratic - s * trace) * db - b * trace;
            for i in 0..3 {
                to[i] += a * vee[i] + b * symmetric[i] + (along + along) * w[i];
            }
        },
    )
}
