//! Six numbers to a rotation matrix (Zhou et al. 2019), in VPoser's interleaved layout.

use super::linear3::{V3, cross, dot, v3};
use super::{At, Kernel, Number, Scalar};

/// (6·count) to (9·count), row-major matrices.
///
/// The six numbers are (3, 2) row-major: a0 b0 a1 b1 a2 b2. The columns are b1 = a/‖a‖,
/// b2 = normalise(b − (b1·b) b1), b3 = b1 × b2.
pub(crate) struct SixD {
    pub count: usize,
}

struct Frame<T> {
    b1: V3<T>,
    b2: V3<T>,
    /// 1/‖a‖ and 1/‖b − (b1·b) b1‖.
    inverse: [T; 2],
    b: V3<T>,
}

/// 1/√square; a vector of no length has no direction, and the floor keeps the result finite.
#[inline(always)]
fn inverse<T: Number>(square: T) -> T {
    let length = square.root();
    T::one() / length.less(T::of(1e-12), T::of(1e-12), length)
}

#[inline(always)]
fn frame<T: Number>(x: &[T]) -> Frame<T> {
    T::apart(
        #[inline(always)]
        || {
            let (a, b) = ([x[0], x[2], x[4]], [x[1], x[3], x[5]]);
            let first = inverse(dot(a, a));
            let b1 = a.map(|x| x * first);
            let along = dot(b1, b);
            let across: V3<T> = std::array::from_fn(|k| b[k] - along * b1[k]);
            let second = inverse(dot(across, across));
            Frame {
                b1,
                b2: across.map(|x| x * second),
                inverse: [first, second],
                b,
            }
        },
    )
}

impl<E: Scalar> Kernel<E> for SixD {
    fn out_dims(&self) -> usize {
        9 * self.count
    }

    fn blocks(&self) -> Option<(usize, usize)> {
        Some((9, 6))
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        for (x, r) in x[0].chunks_exact(6).zip(y.chunks_exact_mut(9)) {
            let Frame { b1, b2, .. } = frame(x);
            let b3 = cross(b1, b2);
            for k in 0..3 {
                r[3 * k] = b1[k];
                r[3 * k + 1] = b2[k];
                r[3 * k + 2] = b3[k];
            }
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let Some(gx) = &mut gx[0] else { return };
        let both = at.x[0].chunks_exact(6).zip(gy.chunks_exact(9));
        for ((x, g), to) in both.zip(gx.chunks_exact_mut(6)) {
            pull_back(&frame(x), g, to);
        }
    }
}

#[inline(always)]
fn pull_back<T: Number>(f: &Frame<T>, g: &[T], to: &mut [T]) {
    T::apart(
        #[inline(always)]
        || {
            let column = |k: usize| v3(&[g[k], g[3 + k], g[6 + k]]);
            let (mut g1, mut g2, g3) = (column(0), column(1), column(2));
            // b3 = b1 × b2.
            let (from_b1, from_b2) = (cross(f.b2, g3), cross(g3, f.b1));
            for k in 0..3 {
                g1[k] += from_b1[k];
                g2[k] += from_b2[k];
            }
            // b2 is the direction of c = b − (b1·b) b1.
            let along = dot(g2, f.b2);
            let gc: V3<T> = std::array::from_fn(|k| f.inverse[1] * (g2[k] - along * f.b2[k]));
            let (gc_b1, b_b1) = (dot(gc, f.b1), dot(f.b, f.b1));
            for k in 0..3 {
                to[2 * k + 1] += gc[k] - gc_b1 * f.b1[k];
                g1[k] = g1[k] - b_b1 * gc[k] - gc_b1 * f.b[k];
            }
            // b1 is the direction of a.
            let along = dot(g1, f.b1);
            for k in 0..3 {
                to[2 * k] += f.inverse[0] * (g1[k] - along * f.b1[k]);
            }
        },
    )
}
