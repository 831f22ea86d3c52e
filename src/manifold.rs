//! The manifolds that variables live on, seen by the solvers through tangent vectors.

use nalgebra::{Matrix3, Rotation3, Vector3};

use crate::rotation::axis_angle;

/// Where one copy of a variable lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Manifold {
    /// ℝⁿ.
    Euclidean(usize),
    /// Rotations as row-major 3×3 matrices; tangent vectors are rotations in the body's own frame.
    So3,
    /// Unit vectors of ℝⁿ; tangent vectors are vectors of ℝⁿ across x.
    Sphere(usize),
    /// n numbers above zero; tangent vectors are changes of their logarithms.
    Positive(usize),
    /// The part of ℝⁿ whose coordinates lie between two bounds.
    Box { dims: usize, low: f64, high: f64 },
}

impl Manifold {
    /// Numbers stored for one copy.
    pub fn ambient(self) -> usize {
        match self {
            Self::Euclidean(n) | Self::Sphere(n) | Self::Positive(n) => n,
            Self::Box { dims, .. } => dims,
            Self::So3 => 9,
        }
    }

    /// Coordinates of a tangent vector at one copy.
    pub fn tangent(self) -> usize {
        match self {
            Self::So3 => 3,
            other => other.ambient(),
        }
    }

    /// Whether its stored numbers move as its coordinates do.
    pub fn is_flat(self) -> bool {
        matches!(self, Self::Euclidean(_) | Self::Box { .. })
    }

    /// Unknowns of one copy.
    pub fn degrees_of_freedom(self) -> usize {
        match self {
            Self::Sphere(n) => n - 1,
            other => other.tangent(),
        }
    }

    /// Whether each coordinate moves without the others, so that copies can be taken as one.
    pub(crate) fn is_separable(self) -> bool {
        !matches!(self, Self::So3 | Self::Sphere(_))
    }

    /// out = x moved by the tangent vector: R exp(v) for rotations, along a great circle on the
    /// sphere, x exp(v) above zero, and no further than the bounds of a box.
    pub fn retract(self, x: &[f64], v: &[f64], out: &mut [f64]) {
        let moved = x.iter().zip(v).zip(out.iter_mut());
        match self {
            Self::Euclidean(_) => moved.for_each(|((x, v), out)| *out = x + v),
            Self::Positive(_) => moved.for_each(|((x, v), out)| *out = x * v.exp()),
            Self::Box { low, high, .. } => {
                moved.for_each(|((x, v), out)| *out = (x + v).clamp(low, high));
            }
            Self::Sphere(_) => {
                let angle = norm(v);
                let (along, across) = (angle.cos(), sinc(angle));
                moved.for_each(|((x, v), out)| *out = along * x + across * v);
                let length = norm(out);
                out.iter_mut().for_each(|x| *x /= length);
            }
            Self::So3 => {
                let step = Rotation3::new(Vector3::from_column_slice(v));
                let moved = Matrix3::from_row_slice(x) * step.matrix();
                write_rows(&orthonormal(&moved), out);
            }
        }
    }

    /// The gradient in tangent coordinates at x, from the gradient in stored numbers.
    pub fn pull_back(self, x: &[f64], ambient: &[f64], out: &mut [f64]) {
        match self {
            Self::Euclidean(_) | Self::Box { .. } => out.copy_from_slice(ambient),
            Self::Positive(_) => {
                let pairs = x.iter().zip(ambient).zip(out);
                pairs.for_each(|((x, g), out)| *out = x * g);
            }
            Self::Sphere(_) => {
                let along = dot(x, ambient);
                let pairs = x.iter().zip(ambient).zip(out);
                pairs.for_each(|((x, g), out)| *out = g - along * x);
            }
            Self::So3 => {
                let rt_g =
                    Matrix3::from_row_slice(x).transpose() * Matrix3::from_row_slice(ambient);
                out[0] = rt_g[(2, 1)] - rt_g[(1, 2)];
                out[1] = rt_g[(0, 2)] - rt_g[(2, 0)];
                out[2] = rt_g[(1, 0)] - rt_g[(0, 1)];
            }
        }
    }

    /// Carries a tangent vector along the step that [`Manifold::retract`] took.
    ///
    /// On the sphere this is parallel transport. In a rotation's own frame the velocity of
    /// t ↦ R exp(t v) is v all along, so vectors keep their coordinates; flat spaces do so anyway.
    pub fn transport(self, from: &[f64], to: &[f64], v: &mut [f64]) {
        if let Some(turn) = self.turn(from, to) {
            turn.carry(v);
        }
    }

    /// What carries tangent vectors along a step; `None` where they keep their coordinates.
    pub(crate) fn turn<'a>(self, from: &[f64], to: &'a [f64]) -> Option<Turn<'a>> {
        let Self::Sphere(_) = self else {
            return None;
        };
        Some(Turn {
            to,
            both: from.iter().zip(to).map(|(from, to)| from + to).collect(),
            share: 1.0 / (1.0 + dot(from, to)).max(f64::MIN_POSITIVE),
        })
    }

    /// The point a share of the way from one point to another; on the sphere nearly so.
    pub(crate) fn between(self, from: &[f64], to: &[f64], share: f64, out: &mut [f64]) {
        match self {
            Self::So3 => {
                let start = Matrix3::from_row_slice(from);
                let turn = start.transpose() * Matrix3::from_row_slice(to);
                let turn = axis_angle(&turn) * share;
                self.retract(from, turn.as_slice(), out);
            }
            Self::Positive(_) => {
                let pairs = from.iter().zip(to).zip(out);
                pairs.for_each(|((a, b), out)| *out = a * (b / a).powf(share));
            }
            _ => {
                let pairs = from.iter().zip(to).zip(out.iter_mut());
                pairs.for_each(|((a, b), out)| *out = a + share * (b - a));
                if let (Self::Sphere(_), length) = (self, norm(out)) {
                    out.iter_mut().for_each(|x| *x /= length);
                }
            }
        }
    }

    /// Whether a coordinate stands at a bound that a change of this sign would cross.
    pub(crate) fn blocks(self, x: f64, change: f64) -> bool {
        match self {
            Self::Box { low, high, .. } => {
                (x <= low && change < 0.0) || (x >= high && change > 0.0)
            }
            _ => false,
        }
    }
}

/// The parallel transport of one step on a sphere.
pub(crate) struct Turn<'a> {
    to: &'a [f64],
    both: Vec<f64>,
    share: f64,
}

impl Turn<'_> {
    #[inline(always)]
    pub fn carry(&self, v: &mut [f64]) {
        let share = dot_within(self.to, v) * self.share;
        for (v, both) in v.iter_mut().zip(&self.both) {
            *v -= share * both;
        }
    }
}

/// Σ a b in eight lanes, so that the sum does not wait for itself; the order is fixed by the length.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    dot_within(a, b)
}

/// The same in the instructions of what it stands in.
#[inline(always)]
pub(crate) fn dot_within(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = a8.remainder().iter().zip(b8.remainder());
    let rest: f64 = rest.map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        for k in 0..8 {
            lanes[k] += a[k] * b[k];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// sin x / x.
fn sinc(x: f64) -> f64 {
    if x < 1e-4 {
        1.0 - x * x / 6.0
    } else {
        x.sin() / x
    }
}

/// Removes the drift of many products by one Newton step towards the orthogonal group.
fn orthonormal(m: &Matrix3<f64>) -> Matrix3<f64> {
    m * (Matrix3::identity() * 1.5 - (m.transpose() * m) * 0.5)
}

pub(crate) fn write_rows(m: &Matrix3<f64>, out: &mut [f64]) {
    for i in 0..3 {
        for k in 0..3 {
            out[3 * i + k] = m[(i, k)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EACH: [Manifold; 5] = [
        Manifold::Euclidean(4),
        Manifold::So3,
        Manifold::Sphere(4),
        Manifold::Positive(4),
        Manifold::Box {
            dims: 4,
            low: -2.0,
            high: 2.0,
        },
    ];

    /// A point of the manifold that depends on a seed.
    fn point(manifold: Manifold, seed: f64) -> Vec<f64> {
        let numbers: Vec<f64> = (0..4).map(|i| (i as f64 * 1.3 + seed).sin()).collect();
        match manifold {
            Manifold::Sphere(_) => {
                let length = norm(&numbers);
                numbers.iter().map(|x| x / length).collect()
            }
            Manifold::Positive(_) => numbers.iter().map(|x| x.exp()).collect(),
            Manifold::So3 => {
                let mut x = vec![0.0; 9];
                let turn = Rotation3::new(Vector3::from_column_slice(&numbers[..3]));
                write_rows(turn.matrix(), &mut x);
                x
            }
            _ => numbers,
        }
    }

    /// Tangent vectors that span the directions in which a point can go.
    fn directions(manifold: Manifold, x: &[f64]) -> Vec<Vec<f64>> {
        let unit = |i: usize| {
            let mut ambient = vec![0.0; manifold.tangent()];
            ambient[i] = 1.0;
            match manifold {
                Manifold::Sphere(_) => {
                    let mut across = ambient.clone();
                    manifold.pull_back(x, &ambient, &mut across);
                    across
                }
                _ => ambient,
            }
        };
        (0..manifold.tangent()).map(unit).collect()
    }

    #[test]
    fn the_pulled_back_gradient_is_the_derivative_along_retractions() {
        for manifold in EACH {
            let x = point(manifold, 0.4);
            let weights: Vec<f64> = (0..x.len()).map(|i| (i as f64 * 0.7).sin()).collect();
            let cost = |v: &[f64], factor: f64| {
                let step: Vec<f64> = v.iter().map(|v| v * factor).collect();
                let mut moved = x.clone();
                manifold.retract(&x, &step, &mut moved);
                dot(&moved, &weights)
            };
            let mut gradient = vec![0.0; manifold.tangent()];
            manifold.pull_back(&x, &weights, &mut gradient);
            for v in directions(manifold, &x) {
                let slope = (cost(&v, 1e-6) - cost(&v, -1e-6)) / 2e-6;
                let expected = dot(&gradient, &v);
                assert!((slope - expected).abs() < 1e-8, "{manifold:?}");
            }
        }
    }

    #[test]
    fn transport_keeps_lengths_and_carries_a_velocity_to_the_velocity() {
        for manifold in EACH {
            let x = point(manifold, 0.4);
            let axes = directions(manifold, &x);
            let step: Vec<f64> = axes[1]
                .iter()
                .zip(&axes[2])
                .map(|(a, b)| 0.3 * a - 0.2 * b)
                .collect();
            let at = |t: f64| {
                let scaled: Vec<f64> = step.iter().map(|v| v * t).collect();
                let mut out = x.clone();
                manifold.retract(&x, &scaled, &mut out);
                out
            };
            let mut carried = step.clone();
            manifold.transport(&x, &at(1.0), &mut carried);
            assert!((norm(&carried) - norm(&step)).abs() < 1e-12, "{manifold:?}");
            // Going on from the end with the carried velocity is the same curve.
            let mut beyond = x.clone();
            let small: Vec<f64> = carried.iter().map(|v| 0.1 * v).collect();
            manifold.retract(&at(1.0), &small, &mut beyond);
            let expected = at(1.1);
            let worst = beyond.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            assert!(worst.fold(0.0, f64::max) < 1e-9, "{manifold:?}");
        }
    }

    #[test]
    fn a_box_is_never_left() {
        let manifold = EACH[4];
        let mut out = [0.0; 4];
        manifold.retract(&[0.0, 1.9, -1.9, 2.0], &[5.0, 0.05, -5.0, 1.0], &mut out);
        assert_eq!(out, [2.0, 1.95, -2.0, 2.0]);
        assert!(manifold.blocks(2.0, 1.0) && !manifold.blocks(2.0, -1.0));
    }
}
