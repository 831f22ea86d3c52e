//! Brown's radial and tangential distortion of a pinhole camera, with OpenCV's rational denominator.
//!
//! Coefficients stand in OpenCV's order: k1 k2 p1 p2 k3, and k4 k5 k6 of the denominator.

use super::NEAR;
use crate::graph::Scalar;

/// Below this the rational model's denominator is kept from zero, where the model has a pole.
const LEAST_DENOMINATOR: f64 = 0.05;

/// x' = x R + 2 p1 x y + p2 (r² + 2 x²), and likewise y' (OpenCV's `projectPoints`).
#[inline]
pub(super) fn bend<E: Scalar, const N: usize>(k: &[E; N], p: [E; 3]) -> [E; 2] {
    let two = E::of(2.0);
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
#[inline]
pub(super) fn pull_back<E: Scalar, const N: usize>(k: &[E; N], p: [E; 3], g: [E; 2]) -> [E; 3] {
    let two = E::of(2.0);
    let (p1, p2) = (k[2], k[3]);
    let (w, dw) = inverse_depth(p[2]);
    let (x, y) = (p[0] * w, p[1] * w);
    let Radial { factor, slope, .. } = Radial::new(k, x * x + y * y);
    let bend = two * slope;
    let across = bend * x * y + two * (p1 * x + p2 * y);
    let gx = g[0] * (factor + bend * x * x + two * p1 * y + E::of(6.0) * p2 * x) + g[1] * across;
    let gy = g[0] * across + g[1] * (factor + bend * y * y + E::of(6.0) * p1 * y + two * p2 * x);
    [gx * w, gy * w, (gx * p[0] + gy * p[1]) * dw]
}

/// Adds the gradient of the coefficients.
#[inline]
pub(super) fn pull_back_own<E: Scalar, const N: usize>(
    k: &[E; N],
    p: [E; 3],
    g: [E; 2],
    own: &mut [E],
) {
    let two = E::of(2.0);
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
struct Radial<E> {
    factor: E,
    /// With respect to r².
    slope: E,
    by_numerator: E,
    by_denominator: E,
}

impl<E: Scalar> Radial<E> {
    #[inline]
    fn new<const N: usize>(k: &[E; N], r2: E) -> Self {
        let (top, top_slope) = cubic([k[0], k[1], k[4]], r2);
        let Some(&[k4, k5, k6]) = k.get(5..8) else {
            return Self {
                factor: top,
                slope: top_slope,
                by_numerator: E::one(),
                by_denominator: E::zero(),
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
#[inline]
fn cubic<E: Scalar>([a, b, c]: [E; 3], r2: E) -> (E, E) {
    (
        E::one() + r2 * (a + r2 * (b + r2 * c)),
        a + r2 * (E::of(2.0) * b + E::of(3.0) * r2 * c),
    )
}

/// Inverse depth and its derivative, continued as a line below [`NEAR`].
#[inline]
fn inverse_depth<E: Scalar>(z: E) -> (E, E) {
    let near = E::of(NEAR);
    let slope = -E::one() / (near * near);
    match z >= near {
        true => (E::one() / z, -E::one() / (z * z)),
        false => (E::one() / near + slope * (z - near), slope),
    }
}

/// 1/d and its derivative; below [`LEAST_DENOMINATOR`] m it goes on as (2 − m/(2m − d))/m, which
/// meets 1/d with the same slope and stays below 2/m.
#[inline]
fn bounded_inverse<E: Scalar>(d: E) -> (E, E) {
    let least = E::of(LEAST_DENOMINATOR);
    if d >= least {
        return (E::one() / d, -E::one() / (d * d));
    }
    let beyond = least + least - d;
    (
        (E::of(2.0) - least / beyond) / least,
        -E::one() / (beyond * beyond),
    )
}
