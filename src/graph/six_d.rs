//! Six numbers to a rotation matrix (Zhou et al. 2019), in VPoser's interleaved layout.

use super::linear3::{V3, dot, v3};
use super::{Gradient, Operation, Scalar, Value};

/// (rows, 6·count) to (rows, 9·count), row-major matrices.
///
/// The six numbers are (3, 2) row-major: a0 b0 a1 b1 a2 b2. The columns are b1 = a/‖a‖,
/// b2 = normalise(b − (b1·b) b1), b3 = b1 × b2.
pub(crate) struct SixD {
    pub count: usize,
}

struct Frame<E> {
    b1: V3<E>,
    b2: V3<E>,
    /// 1/‖a‖ and 1/‖b − (b1·b) b1‖.
    inverse: [E; 2],
    b: V3<E>,
}

fn frame<E: Scalar>(x: &[E]) -> Frame<E> {
    let (a, b) = ([x[0], x[2], x[4]], [x[1], x[3], x[5]]);
    // A vector of no length has no direction; the floor keeps the result finite.
    let least = E::of(1e-12);
    let first = E::one() / dot(a, a).sqrt().max(least);
    let b1 = a.map(|x| x * first);
    let along = dot(b1, b);
    let across: V3<E> = std::array::from_fn(|k| b[k] - along * b1[k]);
    let second = E::one() / dot(across, across).sqrt().max(least);
    Frame {
        b1,
        b2: across.map(|x| x * second),
        inverse: [first, second],
        b,
    }
}

fn cross<E: Scalar>(a: V3<E>, b: V3<E>) -> V3<E> {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

impl<E: Scalar> Operation<E> for SixD {
    fn out_dims(&self) -> usize {
        9 * self.count
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        let six = inputs[0].row(i).chunks_exact(6);
        for (x, r) in six.zip(out.chunks_exact_mut(9)) {
            let Frame { b1, b2, .. } = frame(x);
            let b3 = cross(b1, b2);
            for k in 0..3 {
                r[3 * k] = b1[k];
                r[3 * k + 1] = b2[k];
                r[3 * k + 2] = b3[k];
            }
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
        let six = inputs[0].row(i).chunks_exact(6);
        let to = gradient.row(i).chunks_exact_mut(6);
        for ((x, g), to) in six.zip(out_gradient.chunks_exact(9)).zip(to) {
            pull_back(&frame(x), g, to);
        }
    }
}

fn pull_back<E: Scalar>(f: &Frame<E>, g: &[E], to: &mut [E]) {
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
    let gc: V3<E> = std::array::from_fn(|k| f.inverse[1] * (g2[k] - along * f.b2[k]));
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
}
