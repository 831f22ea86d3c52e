//! Brown's radial and tangential distortion of a pinhole camera, with OpenCV's rational denominator.
//!
//! Coefficients stand in OpenCV's order: k1 k2 p1 p2 k3, and k4 k5 k6 of the denominator.

use super::NEAR;
use crate::graph::Number;

/// Below this the rational model's denominator is kept from zero, where the model has a pole.
const LEAST_DENOMINATOR: f64 = 0.05;

/// x' = x R + 2 p1 x y + p2 (r² + 2 x²), and likewise y' (OpenCV's `projectPoints`).
#[inline(always)]
pub(super) fn bend<T: Number, const N: usize>(k: &[T; N], p: [T; 3]) -> [T; 2] {
    let two = T::of(2.0);
    let (p1, p2) = (k[2], k[3]);
    let (w, _) = inverse_depth(p[2]);
    let (x, y) = (p[0] * w, p[1] * w);
    let r2 = x * x + y * y;
    let radial = Radial::new(k, r2).factor;
    [
        x * radial + two * p1 * x * y + p2 * (r2 + two * x * x),
        y * radial + p1 * (r2 + two * y * y) + two * p2 * x * y,
    ]
}

/// The gradient of a point in the camera, from that of its bent coordinates.
#[inline(always)]
pub(super) fn pull_back<T: Number, const N: usize>(k: &[T; N], p: [T; 3], g: [T; 2]) -> [T; 3] {
    let two = T::of(2.0);
    let (p1, p2) = (k[2], k[3]);
    let (w, dw) = inverse_depth(p[2]);
    let (x, y) = (p[0] * w, p[1] * w);
    let Radial { factor, slope, .. } = Radial::new(k, x * x + y * y);
    let bend = two * slope;
    let across = bend * x * y + two * (p1 * x + p2 * y);
    let gx = g[0] * (factor + bend * x * x + two * p1 * y + T::of(6.0) * p2 * x) + g[1] * across;
    let gy = g[0] * across + g[1] * (factor + bend * y * y + T::of(6.0) * p1 * y + two * p2 * x);
    [gx * w, gy * w, (gx * p[0] + gy * p[1]) * dw]
}

/// Adds the gradient of the coefficients.
#[inline(always)]
pub(super) fn pull_back_own<T: Number, const N: usize>(
    k: &[T; N],
    p: [T; 3],
    g: [T; 2],
    own: &mut [T],
) {
    let two = T::of(2.0);
    let (w, _) = inverse_depth(p[2]);
    let (x, y) = (p[0] * w, p[1] * w);
    let r2 = x * x + y * y;
    let radial = Radial::new(k, r2);
    let along = (g[0] * x + g[1] * y) * r2;
    let powers = [along, along * r2, along * r2 * r2];
    let across = two * x * y;
    own[2] += g[0] * across + g[1] * (r2 + two * y * y);
    own[3] += g[0] * (r2 + two * x * x) + g[1] * across;
    for (i, power) in [0, 1, 4].into_iter().zip(powers) {
        own[i] += power * radial.by_numerator;
    }
    for (own, power) in own.iter_mut().skip(5).zip(powers) {
        *own += power * radial.by_denominator;
    }
}

/// R = (1 + k1 r² + k2 r⁴ + k3 r⁶) / (1 + k4 r² + k5 r⁴ + k6 r⁶) with its derivatives.
struct Radial<T> {
    factor: T,
    /// With respect to r².
    slope: T,
    by_numerator: T,
    by_denominator: T,
}

impl<T: Number> Radial<T> {
    #[inline(always)]
    fn new<const N: usize>(k: &[T; N], r2: T) -> Self {
        let (top, top_slope) = cubic([k[0], k[1], k[4]], r2);
        let Some(&[k4, k5, k6]) = k.get(5..8) else {
            return Self {
                factor: top,
                slope: top_slope,
                by_numerator: T::one(),
                by_denominator: T::zero(),
            };
        };
        let (bottom, bottom_slope) = cubic([k4, k5, k6], r2);
        let (inverse, fall) = bounded_inverse(bottom);
        Self {
            factor: top * inverse,
            slope: top_slope * inverse + top * fall * bottom_slope,
            by_numerator: inverse,
            by_denominator: top * fall,
        }
    }
}

/// 1 + a r² + b r⁴ + c r⁶ and its derivative with respect to r².
#[inline(always)]
fn cubic<T: Number>([a, b, c]: [T; 3], r2: T) -> (T, T) {
    (
        T::one() + r2 * (a + r2 * (b + r2 * c)),
        a + r2 * (T::of(2.0) * b + T::of(3.0) * r2 * c),
    )
}

/// Inverse depth and its derivative, continued as a line below [`NEAR`].
#[inline(always)]
fn inverse_depth<T: Number>(z: T) -> (T, T) {
    let (near, inverse) = (T::of(NEAR), T::one() / z);
    let slope = -T::one() / (near * near);
    let line = T::one() / near + slope * (z - near);
    (
        z.less(near, line, inverse),
        z.less(near, slope, -inverse * inverse),
    )
}

/// 1/d and its derivative; below [`LEAST_DENOMINATOR`] m it goes on as (2 − m/(2m − d))/m, which
/// meets 1/d with the same slope and stays below 2/m.
#[inline(always)]
fn bounded_inverse<T: Number>(d: T) -> (T, T) {
    let (least, inverse) = (T::of(LEAST_DENOMINATOR), T::one() / d);
    let beyond = least + least - d;
    let value = (T::of(2.0) - least / beyond) / least;
    let slope = -T::one() / (beyond * beyond);
    (
        d.less(least, value, inverse),
        d.less(least, slope, -inverse * inverse),
    )
}
