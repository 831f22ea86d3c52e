//! Six numbers per joint to a rotation matrix, by Gram and Schmidt (Zhou et al. 2019), in VPoser's order.

use super::dense::Number;
use crate::graph::linear3::dot;

/// (…, 6) as [a0 b0 a1 b1 a2 b2] to (…, 9): the columns are a/‖a‖, what is left of b, and their
/// cross product.
pub(super) fn forward<E: Number>(six: &[E]) -> Vec<E> {
    let mut rotations = vec![E::zero(); six.len() / 6 * 9];
    for (x, r) in six.chunks_exact(6).zip(rotations.chunks_exact_mut(9)) {
        let frame = Frame::new(x);
        for i in 0..3 {
            r[3 * i] = frame.first[i];
            r[3 * i + 1] = frame.second[i];
            r[3 * i + 2] = frame.third[i];
        }
    }
    rotations
}

/// The gradient of the six numbers, from that of the matrices.
pub(super) fn backward<E: Number>(six: &[E], g: &[E]) -> Vec<E> {
    let mut to = vec![E::zero(); six.len()];
    let rows = six.chunks_exact(6).zip(g.chunks_exact(9));
    for ((x, g), to) in rows.zip(to.chunks_exact_mut(6)) {
        let f = Frame::new(x);
        let column = |k: usize| [g[k], g[3 + k], g[6 + k]];
        let g_third = column(2);
        let g_second = add(column(1), cross(g_third, f.first));
        let g_rest = scale(reject(g_second, f.second), f.rest_length.recip());
        let along = dot(f.first, g_rest);
        let through_rest = add(scale(f.b, along), scale(g_rest, f.along));
        let g_first = add(column(0), cross(f.second, g_third));
        let g_first = add(g_first, scale(through_rest, -E::one()));
        let g_a = scale(reject(g_first, f.first), f.length.recip());
        let g_b = reject(g_rest, f.first);
        for i in 0..3 {
            to[2 * i] = g_a[i];
            to[2 * i + 1] = g_b[i];
        }
    }
    to
}

struct Frame<E> {
    b: [E; 3],
    length: E,
    along: E,
    rest_length: E,
    first: [E; 3],
    second: [E; 3],
    third: [E; 3],
}

impl<E: Number> Frame<E> {
    fn new(x: &[E]) -> Self {
        // PyTorch's `normalize` has the same floor.
        let floor = E::of(1e-12);
        let length_of = |v: [E; 3]| num_traits::Float::max(dot(v, v).sqrt(), floor);
        let (a, b) = ([x[0], x[2], x[4]], [x[1], x[3], x[5]]);
        let length = length_of(a);
        let first = scale(a, length.recip());
        let along = dot(first, b);
        let rest = add(b, scale(first, -along));
        let rest_length = length_of(rest);
        let second = scale(rest, rest_length.recip());
        Self {
            b,
            length,
            along,
            rest_length,
            first,
            second,
            third: cross(first, second),
        }
    }
}

fn add<E: Number>(a: [E; 3], b: [E; 3]) -> [E; 3] {
    std::array::from_fn(|i| a[i] + b[i])
}

fn scale<E: Number>(a: [E; 3], f: E) -> [E; 3] {
    a.map(|x| x * f)
}

fn cross<E: Number>(a: [E; 3], b: [E; 3]) -> [E; 3] {
    std::array::from_fn(|i| {
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        a[j] * b[k] - a[k] * b[j]
    })
}

/// What of `a` is at right angles to the unit vector `u`.
fn reject<E: Number>(a: [E; 3], u: [E; 3]) -> [E; 3] {
    add(a, scale(u, -dot(u, a)))
}
