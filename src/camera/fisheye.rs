//! OpenCV's fisheye model (Kannala & Brandt 2006), continued to points beside and behind the camera.
//!
//! A point at the angle θ = atan2(ρ, z) to the axis, ρ = ‖(x, y)‖, is seen at the distance
//! θd = θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4 θ⁸) from the axis, in the direction of (x, y).

use num_traits::Float;

use crate::graph::Number;

/// Below this (ρ/z)² everything comes from series in it, so that nothing divides by ρ = 0.
const NARROW: f64 = 1.0 / 64.0;

/// Beyond 135° the direction (x, y)/ρ, which is undefined on the axis behind the camera, becomes
/// (x, y)/√(ρ² + b²) with b = BLUNT (z + ρ).
const BLUNT: f64 = 0.01;

/// A point nearer to the camera's centre than this, in metres, is seen on the axis.
const CENTRE: f64 = 1e-6;

/// (x, y) θd/ρ.
#[inline(always)]
pub(super) fn bend<T: Number>(k: &[T; 4], p: [T; 3]) -> [T; 2] {
    let angle = Angle::new(p);
    let scale = angle.ratio * radial(k, angle.square).0;
    [p[0] * scale, p[1] * scale]
}

/// The gradient of a point in the camera, from that of its bent coordinates.
#[inline(always)]
pub(super) fn pull_back<T: Number>(k: &[T; 4], p: [T; 3], g: [T; 2]) -> [T; 3] {
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
#[inline(always)]
pub(super) fn pull_back_own<T: Number>(p: [T; 3], g: [T; 2], own: &mut [T]) {
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
#[inline(always)]
fn radial<T: Number>([k1, k2, k3, k4]: &[T; 4], s: T) -> (T, T) {
    let (two, three, four) = (T::of(2.0), T::of(3.0), T::of(4.0));
    (
        T::one() + s * (*k1 + s * (*k2 + s * (*k3 + s * *k4))),
        *k1 + s * (two * *k2 + s * (three * *k3 + s * (four * *k4))),
    )
}

/// θ/ρ and θ² of a point, with their derivatives.
struct Angle<T> {
    ratio: T,
    /// With respect to x and y, over x and y.
    ratio_across: T,
    /// With respect to z.
    ratio_along: T,
    square: T,
    square_across: T,
    square_along: T,
}

impl<T: Number> Angle<T> {
    #[inline(always)]
    fn new([x, y, z]: [T; 3]) -> Self {
        T::apart(
            #[inline(always)]
            || {
                let rho2 = x * x + y * y;
                let n2 = rho2 + z * z;
                let (near, wide) = (Self::narrow(rho2, z, n2), Self::wide(rho2, z, n2));
                let a2 = rho2 / (z * z);
                let (zero, centre) = (T::zero(), T::of(CENTRE * CENTRE));
                // NaN is no number in either.
                let chosen = |near: T, wide: T| {
                    let ahead = a2.less(T::of(NARROW), near, wide);
                    n2.less(centre, zero, zero.less(z, ahead, wide))
                };
                Self {
                    ratio: chosen(near.ratio, wide.ratio),
                    ratio_across: chosen(near.ratio_across, wide.ratio_across),
                    ratio_along: chosen(near.ratio_along, wide.ratio_along),
                    square: chosen(near.square, wide.square),
                    square_across: chosen(near.square_across, wide.square_across),
                    square_along: chosen(near.square_along, wide.square_along),
                }
            },
        )
    }

    /// A point close to the axis.
    #[inline(always)]
    fn narrow(rho2: T, z: T, n2: T) -> Self {
        let two = T::of(2.0);
        let [ratio, fall] = narrow(rho2 / (z * z));
        let ratio = ratio / z;
        Self {
            ratio,
            ratio_across: fall / (z * z * z),
            ratio_along: -T::one() / n2,
            square: ratio * ratio * rho2,
            square_across: two * ratio * z / n2,
            square_along: -two * ratio * rho2 / n2,
        }
    }

    #[inline(always)]
    fn wide(rho2: T, z: T, n2: T) -> Self {
        let two = T::of(2.0);
        let rho = rho2.root();
        let rho = rho.less(T::of(1e-15), T::of(1e-15), rho);
        let theta = rho.zip(z, |rho, z| rho.atan2(z));
        let behind = z + rho;
        let b = T::of(BLUNT) * behind.less(T::zero(), behind, T::zero());
        let slope = T::of(BLUNT) * b;
        let round2 = rho2 + b * b;
        let round = round2.root();
        let ratio = theta / round;
        Self {
            ratio,
            ratio_across: z / (n2 * rho * round) - ratio * (T::one() + slope / rho) / round2,
            ratio_along: -rho / (n2 * round) - ratio * slope / round2,
            square: theta * theta,
            square_across: two * theta * z / (rho * n2),
            square_along: -two * theta * rho / n2,
        }
    }
}

/// atan(a)/a and its derivative with respect to a, over a, by their series in a².
#[inline(always)]
fn narrow<T: Number>(a2: T) -> [T; 2] {
    let mut ratio = T::zero();
    let mut fall = T::zero();
    for m in (1..=8).rev() {
        let odd = f64::from(2 * m + 1);
        ratio = T::of(1.0 / odd) - a2 * ratio;
        fall = T::of(f64::from(2 * m) / odd) - a2 * fall;
    }
    [T::one() - a2 * ratio, -fall]
}
