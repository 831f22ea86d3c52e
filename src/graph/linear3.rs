//! Small dense algebra in three dimensions on flat rows, row-major, for the inner loops.

use super::Number;

pub(crate) type V3<T> = [T; 3];

#[inline(always)]
pub(crate) fn v3<T: Copy>(x: &[T]) -> V3<T> {
    [x[0], x[1], x[2]]
}

#[inline(always)]
pub(crate) fn sub<T: Number>(a: V3<T>, b: V3<T>) -> V3<T> {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

#[inline(always)]
pub(crate) fn dot<T: Number>(a: V3<T>, b: V3<T>) -> T {
    a[0].fused(b[0], a[1].fused(b[1], a[2] * b[2]))
}

#[inline(always)]
pub(crate) fn cross<T: Number>(a: V3<T>, b: V3<T>) -> V3<T> {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

/// R x for a row-major 3×3 matrix.
#[inline(always)]
pub(crate) fn rotate<T: Number>(r: &[T], x: V3<T>) -> V3<T> {
    [dot(v3(r), x), dot(v3(&r[3..]), x), dot(v3(&r[6..]), x)]
}

/// Rᵀ x.
#[inline(always)]
pub(crate) fn rotate_back<T: Number>(r: &[T], x: V3<T>) -> V3<T> {
    [
        dot([r[0], r[3], r[6]], x),
        dot([r[1], r[4], r[7]], x),
        dot([r[2], r[5], r[8]], x),
    ]
}

/// out = A B.
#[inline(always)]
pub(crate) fn multiply<T: Number>(a: &[T], b: &[T], out: &mut [T]) {
    for i in 0..3 {
        let row = v3(&a[3 * i..]);
        for k in 0..3 {
            out[3 * i + k] = dot(row, [b[k], b[3 + k], b[6 + k]]);
        }
    }
}

/// out += A B.
#[inline(always)]
pub(crate) fn add_a_b<T: Number>(a: &[T], b: &[T], out: &mut [T]) {
    for i in 0..3 {
        let row = v3(&a[3 * i..]);
        for k in 0..3 {
            out[3 * i + k] += dot(row, [b[k], b[3 + k], b[6 + k]]);
        }
    }
}

/// out += A Bᵀ.
#[inline(always)]
pub(crate) fn add_a_bt<T: Number>(a: &[T], b: &[T], out: &mut [T]) {
    for i in 0..3 {
        let row = v3(&a[3 * i..]);
        for k in 0..3 {
            out[3 * i + k] += dot(row, v3(&b[3 * k..]));
        }
    }
}

/// out += Aᵀ B.
#[inline(always)]
pub(crate) fn add_at_b<T: Number>(a: &[T], b: &[T], out: &mut [T]) {
    for i in 0..3 {
        let column = [a[i], a[3 + i], a[6 + i]];
        for k in 0..3 {
            out[3 * i + k] += dot(column, [b[k], b[3 + k], b[6 + k]]);
        }
    }
}

/// out += f a bᵀ.
#[inline(always)]
pub(crate) fn add_outer<T: Number>(f: T, a: V3<T>, b: V3<T>, out: &mut [T]) {
    for i in 0..3 {
        let scaled = f * a[i];
        for k in 0..3 {
            out[3 * i + k] = scaled.fused(b[k], out[3 * i + k]);
        }
    }
}

/// out += f a.
#[inline(always)]
pub(crate) fn add_scaled<T: Number>(f: T, a: V3<T>, out: &mut [T]) {
    for i in 0..3 {
        out[i] = f.fused(a[i], out[i]);
    }
}

/// out += a.
#[inline(always)]
pub(crate) fn add<T: Number>(a: V3<T>, out: &mut [T]) {
    for i in 0..3 {
        out[i] += a[i];
    }
}
