//! Rotations as a twist about a bone and the swing of that bone, with derivatives.

use num_traits::Float;

use super::Number;
use super::linear3::dot;

/// Below this the swing's coefficient comes from its series.
const SMALL: f64 = 0.01;

/// Keeps what divides by the distance from a swing of 180° finite.
const NEAR_HALF_TURN: f64 = 1e-6;

/// Swing and twist of R = R_swing R_twist in rad, and their derivatives by the axis-angle vector.
///
/// Component `twist` is the angle about that axis, in (−π, π]; the other two are the rotation
/// vector of the swing, which is perpendicular to it (Baerlocher & Boulic 2001). With the unit
/// quaternion (q, v), q ≥ 0, p along the axis and a, b across, x = a² + b² and n = √(q² + p²):
/// twist = 2 atan2(p, q), swing = k (q a − p b, q b + p a), k = 2 atan2(√x, n)/(√x n).
/// The only singularity is a swing of 180°.
#[inline(always)]
pub(crate) fn swing_twist<T: Number>(w: [T; 3], twist: usize) -> ([T; 3], [[T; 3]; 3]) {
    T::apart(
        #[inline(always)]
        || {
            let (i, j, l) = (twist, (twist + 1) % 3, (twist + 2) % 3);
            let (quaternion, slopes) = quaternion(w);
            let [q, v @ ..] = quaternion;
            let (p, a, b) = (v[i], v[j], v[l]);
            let [dq, dv @ ..] = slopes;
            let (dp, da, db) = (dv[i], dv[j], dv[l]);
            let two = T::of(2.0);
            let n2 = (q * q + p * p).at_least(T::of(NEAR_HALF_TURN));
            let [k, slope] = swing_coefficient(a * a + b * b, n2);
            let (u, t) = (q * a - p * b, q * b + p * a);
            let (mut out, mut jacobian) = ([T::zero(); 3], [[T::zero(); 3]; 3]);
            (out[i], out[j], out[l]) = (two * p.zip(q, |p, q| p.atan2(q)), k * u, k * t);
            for c in 0..3 {
                let dk = slope * two * (a * da[c] + b * db[c]);
                jacobian[i][c] = two * (q * dp[c] - p * dq[c]) / n2;
                jacobian[j][c] = dk * u + k * (dq[c] * a + q * da[c] - dp[c] * b - p * db[c]);
                jacobian[l][c] = dk * t + k * (dq[c] * b + q * db[c] + dp[c] * a + p * da[c]);
            }
            (out, jacobian)
        },
    )
}

/// The unit quaternion (q, v) with q ≥ 0 of an axis-angle vector, and the slopes of its numbers.
#[inline(always)]
fn quaternion<T: Number>(w: [T; 3]) -> ([T; 4], [[T; 3]; 4]) {
    let c = T::of;
    let s = dot(w, w);
    let small = [
        c(1.0) + s * (c(-1.0 / 8.0) + s * c(1.0 / 384.0)),
        c(0.5) + s * (c(-1.0 / 48.0) + s * (c(1.0 / 3840.0) - s * c(1.0 / 645_120.0))),
        c(-1.0 / 48.0) + s * (c(1.0 / 1920.0) - s * c(1.0 / 215_040.0)),
    ];
    let angle = s.root();
    let (sin, cos) = (angle * c(0.5)).sin_cos();
    let f = sin / angle;
    let large = [cos, f, (c(0.5) * cos - f) / (s + s)];
    let [cos, f, slope] = std::array::from_fn(|i| s.less(c(1e-4), small[i], large[i]));
    let sign = cos.less(T::zero(), -T::one(), T::one());
    let mut slopes = [[T::zero(); 3]; 4];
    for j in 0..3 {
        slopes[0][j] = -sign * c(0.5) * f * w[j];
        for i in 0..3 {
            let diagonal = if i == j { f } else { T::zero() };
            slopes[i + 1][j] = sign * (diagonal + c(2.0) * slope * w[i] * w[j]);
        }
    }
    let v = w.map(|w| sign * f * w);
    ([sign * cos, v[0], v[1], v[2]], slopes)
}

/// k = 2 asin(√x)/(√x n²) for x + n² = 1, and dk/dx.
#[inline(always)]
fn swing_coefficient<T: Number>(x: T, n2: T) -> [T; 2] {
    let c = T::of;
    // Σ 2 (2ⁿ n!)²/(2n + 1)! xⁿ
    let series = [
        2.0,
        4.0 / 3.0,
        16.0 / 15.0,
        32.0 / 35.0,
        256.0 / 315.0,
        512.0 / 693.0,
        2048.0 / 3003.0,
        4096.0 / 6435.0,
    ];
    let horner = |sum: T, a: f64| sum * x + c(a);
    let value = series.iter().rev().copied().fold(T::zero(), horner);
    let slopes = series.iter().enumerate().skip(1).rev();
    let slope = slopes.map(|(n, a)| n as f64 * a).fold(T::zero(), horner);
    let product = (x * n2).root();
    let angle = x.root().zip(n2.root(), |x, n| x.atan2(n));
    let k = c(2.0) * angle / product;
    let far = (T::one() - c(0.5) * k * (T::one() - x - x)) / (x * n2);
    let small = c(SMALL);
    [x.less(small, value, k), x.less(small, slope, far)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Rotation3, Vector3};

    fn samples() -> Vec<[f64; 3]> {
        let number = |i: usize| ((i as f64 * 0.754_877_666).fract() - 0.5) * 5.0;
        let mut samples: Vec<[f64; 3]> = (0..60)
            .map(|i| [number(3 * i), number(3 * i + 1), number(3 * i + 2)])
            .collect();
        samples.extend([
            [0.0; 3],
            [1e-3, -2e-3, 5e-4],
            [0.0, 2.0, 0.0],
            [1e-9, 0.0, 0.1],
        ]);
        samples
    }

    #[test]
    fn the_swing_after_the_twist_is_the_rotation() {
        for w in samples() {
            for axis in 0..3 {
                let (parts, _) = swing_twist(w, axis);
                let mut twist = Vector3::zeros();
                twist[axis] = parts[axis];
                let swing = Vector3::from(parts) - twist;
                let product = Rotation3::new(swing) * Rotation3::new(twist);
                let error = product.matrix() - Rotation3::new(Vector3::from(w)).matrix();
                assert!(error.abs().max() < 1e-12, "{w:?} about {axis}: {error}");
            }
        }
    }

    #[test]
    fn the_derivatives_meet_central_differences() {
        const STEP: f64 = 1e-5;
        for w in samples() {
            for axis in 0..3 {
                let (_, jacobian) = swing_twist(w, axis);
                for c in 0..3 {
                    let moved = |step: f64| {
                        let mut w = w;
                        w[c] += step;
                        swing_twist(w, axis).0
                    };
                    let (up, down) = (moved(STEP), moved(-STEP));
                    for r in 0..3 {
                        let slope = (up[r] - down[r]) / (2.0 * STEP);
                        let error = (slope - jacobian[r][c]).abs();
                        assert!(
                            error < 1e-6 * slope.abs().max(1.0),
                            "{w:?} {axis} {r} {c}: {error}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_half_turn_of_the_bone_has_finite_derivatives_in_f32() {
        let (parts, jacobian) = swing_twist([std::f32::consts::PI, 0.0, 0.0], 1);
        assert!(parts.iter().all(|x| x.is_finite()), "{parts:?}");
        assert!(
            jacobian.iter().flatten().all(|x| x.is_finite()),
            "{jacobian:?}"
        );
    }
}
