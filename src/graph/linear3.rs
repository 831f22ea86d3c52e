//! Small dense algebra in three dimensions on flat rows, row-major, for the inner loops.

use super::Scalar;

pub(crate) type V3<E> = [E; 3];

#[inline(always)]
pub(crate) fn v3<E: Copy>(x: &[E]) -> V3<E> {
    [x[0], x[1], x[2]]
}

#[inline(always)]
pub(crate) fn sub<E: Scalar>(a: V3<E>, b: V3<E>) -> V3<E> {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

#[inline(always)]
pub(crate) fn dot<E: Scalar>(a: V3<E>, b: V3<E>) -> E {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// R x for a row-major 3×3 matrix.
#[inline(always)]
pub(crate) fn rotate<E: Scalar>(r: &[E], x: V3<E>) -> V3<E> {
    [
        r[0] * x[0] + r[1] * x[1] + r[2] * x[2],
        r[3] * x[0] + r[4] * x[1] + r[5] * x[2],
        r[6] * x[0] + r[7] * x[1] + r[8] * x[2],
    ]
}

/// Rᵀ x.
#[inline(always)]
pub(crate) fn rotate_back<E: Scalar>(r: &[E], x: V3<E>) -> V3<E> {
    [
        r[0] * x[0] + r[3] * x[1] + r[6] * x[2],
        r[1] * x[0] + r[4] * x[1] + r[7] * x[2],
        r[2] * x[0] + r[5] * x[1] + r[8] * x[2],
    ]
}

/// out = A B.
#[inline(always)]
pub(crate) fn multiply<E: Scalar>(a: &[E], b: &[E], out: &mut [E]) {
    for i in 0..3 {
        for k in 0..3 {
            out[3 * i + k] = a[3 * i] * b[k] + a[3 * i + 1] * b[3 + k] + a[3 * i + 2] * b[6 + k];
        }
    }
}

/// out += A Bᵀ.
#[inline(always)]
pub(crate) fn add_a_bt<E: Scalar>(a: &[E], b: &[E], out: &mut [E]) {
    for i in 0..3 {
        for k in 0..3 {
            out[3 * i + k] +=
                a[3 * i] * b[3 * k] + a[3 * i + 1] * b[3 * k + 1] + a[3 * i + 2] * b[3 * k + 2];
        }
    }
}

/// out += Aᵀ B.
#[inline(always)]
pub(crate) fn add_at_b<E: Scalar>(a: &[E], b: &[E], out: &mut [E]) {
    for i in 0..3 {
        for k in 0..3 {
            out[3 * i + k] += a[i] * b[k] + a[3 + i] * b[3 + k] + a[6 + i] * b[6 + k];
        }
    }
}

/// out += f a bᵀ.
#[inline(always)]
pub(crate) fn add_outer<E: Scalar>(f: E, a: V3<E>, b: V3<E>, out: &mut [E]) {
    for i in 0..3 {
        for k in 0..3 {
            out[3 * i + k] += f * a[i] * b[k];
        }
    }
}

/// out += f a.
#[inline(always)]
pub(crate) fn add_scaled<E: Scalar>(f: E, a: V3<E>, out: &mut [E]) {
    for i in 0..3 {
        out[i] += f * a[i];
    }
}
