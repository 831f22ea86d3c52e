//! OpenCV's fisheye model (Kannala & Brandt 2006), continued to points beside and behind the camera.
//!
//! A point at the angle θ = atan2(ρ, z) to the axis, ρ = ‖(x, y)‖, is seen at the distance
//! θd = θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4 θ⁸) from the axis, in the direction of (x, y).

use crate::graph::Scalar;

/// Below this (ρ/z)² everything comes from series in it, so that nothing divides by ρ = 0.
const NARROW: f64 = 1.0 / 64.0;

/// Beyond 135° the direction (x, y)/ρ, which is undefined on the axis behind the camera, becomes
/// (x, y)/√(ρ² + b²) with b = BLUNT (z + ρ).
const BLUNT: f64 = 0.01;

/// A point nearer to the camera's centre than this, in metres, is seen on the axis.
const CENTRE: f64 = 1e-6;

/// (x, y) θd/ρ.
#[inline]
pub(super) fn bend<E: Scalar>(k: &[E; 4], p: [E; 3]) -> [E; 2] {
    let angle = Angle::new(p);
    let scale = angle.ratio * radial(k, angle.square).0;
    [p[0] * scale, p[1] * scale]
}

/// The gradient of a point in the camera, from that of its bent coordinates.
#[inline]
pub(super) fn pull_back<E: Scalar>(k: &[E; 4], p: [E; 3], g: [E; 2]) -> [E; 3] {
    let angle = Angle::new(p);
    let (factor, slope) = radial(k, angle.square);
    let (scale, slope) = (angle.ratio * factor, angle.ratio * slope);
    let along = g[0] * p[0] + g[1] * p[1];
    let across = along * (factor * angle.ratio_across + slope * angle.square_across);
    [
        g[0] * scale + across * p[0],
        g[1] * scale + across * p[1],
        along * (factor * angle.ratio_along + slope * angle.square_along),
    ]
}

/// Adds the gradient of the coefficients.
#[inline]
pub(super) fn pull_back_own<E: Scalar>(p: [E; 3], g: [E; 2], own: &mut [E]) {
    let angle = Angle::new(p);
    let mut power = (g[0] * p[0] + g[1] * p[1]) * angle.ratio;
    for own in own.iter_mut().take(4) {
        power *= angle.square;
        *own += power;
    }
}

/// θd and its derivative with respect to θ.
pub(super) fn bent_angle(k: &[f64; 4], theta: f64) -> (f64, f64) {
    let square = theta * theta;
    let (factor, slope) = radial(k, square);
    (theta * factor, factor + 2.0 * square * slope)
}

/// θd/θ and its derivative with respect to θ².
#[inline]
fn radial<E: Scalar>([k1, k2, k3, k4]: &[E; 4], s: E) -> (E, E) {
    let (two, three, four) = (E::of(2.0), E::of(3.0), E::of(4.0));
    (
        E::one() + s * (*k1 + s * (*k2 + s * (*k3 + s * *k4))),
        *k1 + s * (two * *k2 + s * (three * *k3 + s * (four * *k4))),
    )
}

/// θ/ρ and θ² of a point, with their derivatives.
struct Angle<E> {
    ratio: E,
    /// With respect to x and y, over x and y.
    ratio_across: E,
    /// With respect to z.
    ratio_along: E,
    square: E,
    square_across: E,
    square_along: E,
}

impl<E: Scalar> Angle<E> {
    #[inline]
    fn new([x, y, z]: [E; 3]) -> Self {
        let two = E::of(2.0);
        let rho2 = x * x + y * y;
        let n2 = rho2 + z * z;
        if n2 < E::of(CENTRE * CENTRE) {
            return Self::centre();
        }
        let a2 = rho2 / (z * z);
        if z > E::zero() && a2 < E::of(NARROW) {
            let [ratio, fall] = narrow(a2);
            let ratio = ratio / z;
            return Self {
                ratio,
                ratio_across: fall / (z * z * z),
                ratio_along: -E::one() / n2,
                square: ratio * ratio * rho2,
                square_across: two * ratio * z / n2,
                square_along: -two * ratio * rho2 / n2,
            };
        }
        let rho = rho2.sqrt().max(E::of(1e-15));
        let theta = rho.atan2(z);
        let b = E::of(BLUNT) * (z + rho).min(E::zero());
        let slope = E::of(BLUNT) * b;
        let round2 = rho2 + b * b;
        let round = round2.sqrt();
        let ratio = theta / round;
        Self {
            ratio,
            ratio_across: z / (n2 * rho * round) - ratio * (E::one() + slope / rho) / round2,
            ratio_along: -rho / (n2 * round) - ratio * slope / round2,
            square: theta * theta,
            square_across: two * theta * z / (rho * n2),
            square_along: -two * theta * rho / n2,
        }
    }

    fn centre() -> Self {
        let zero = E::zero();
        Self {
            ratio: zero,
            ratio_across: zero,
            ratio_along: zero,
            square: zero,
            square_across: zero,
            square_along: zero,
        }
    }
}

/// atan(a)/a and its derivative with respect to a, over a, by their series in a².
#[inline]
fn narrow<E: Scalar>(a2: E) -> [E; 2] {
    let mut ratio = E::zero();
    let mut fall = E::zero();
    for m in (1..=8).rev() {
        let odd = f64::from(2 * m + 1);
        ratio = E::of(1.0 / odd) - a2 * ratio;
        fall = E::of(f64::from(2 * m) / odd) - a2 * fall;
    }
    [E::one() - a2 * ratio, -fall]
}
