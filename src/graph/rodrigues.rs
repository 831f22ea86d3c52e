//! Axis-angle vectors to rotation matrices (Rodrigues' formula), smooth through zero.

use super::linear3::{dot, v3};
use super::{Gradient, Operation, Scalar, Value};

/// (rows, 3·count) to (rows, 9·count).
///
/// R = I + a K + b K² with a = sin θ/θ, b = (1 − cos θ)/θ², K = [w]×. Below θ² = 1e-4 both and
/// their derivatives come from series in θ², so nothing divides by zero.
pub(crate) struct Rodrigues {
    pub count: usize,
}

impl<E: Scalar> Operation<E> for Rodrigues {
    fn out_dims(&self) -> usize {
        9 * self.count
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        for (w, r) in inputs[0]
            .row(i)
            .chunks_exact(3)
            .zip(out.chunks_exact_mut(9))
        {
            rotation(v3(w), r);
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
        let rows = inputs[0].row(i).chunks_exact(3);
        let to = gradient.row(i).chunks_exact_mut(3);
        for ((w, g), to) in rows.zip(out_gradient.chunks_exact(9)).zip(to) {
            pull_back(v3(w), g, to);
        }
    }
}

/// a, b and their derivatives with respect to s = θ².
#[inline]
fn coefficients<E: Scalar>(s: E) -> [E; 4] {
    let c = E::of;
    if s < c(1e-4) {
        return [
            c(1.0) + s * (c(-1.0 / 6.0) + s * (c(1.0 / 120.0) - s * c(1.0 / 5040.0))),
            c(0.5) + s * (c(-1.0 / 24.0) + s * (c(1.0 / 720.0) - s * c(1.0 / 40320.0))),
            c(-1.0 / 6.0) + s * (c(1.0 / 60.0) - s * c(1.0 / 1680.0)),
            c(-1.0 / 24.0) + s * (c(1.0 / 360.0) - s * c(1.0 / 13440.0)),
        ];
    }
    let (sin, cos) = s.sqrt().sin_cos();
    let a = sin / s.sqrt();
    let b = (c(1.0) - cos) / s;
    let half = c(0.5) / s;
    [a, b, half * (cos - a), half * (a - b - b)]
}

fn rotation<E: Scalar>(w: [E; 3], r: &mut [E]) {
    let s = dot(w, w);
    let [a, b, ..] = coefficients(s);
    let [x, y, z] = w;
    let diagonal = E::one() - b * s;
    r[0] = diagonal + b * x * x;
    r[1] = b * x * y - a * z;
    r[2] = b * x * z + a * y;
    r[3] = b * x * y + a * z;
    r[4] = diagonal + b * y * y;
    r[5] = b * y * z - a * x;
    r[6] = b * x * z - a * y;
    r[7] = b * y * z + a * x;
    r[8] = diagonal + b * z * z;
}

fn pull_back<E: Scalar>(w: [E; 3], g: &[E], to: &mut [E]) {
    let s = dot(w, w);
    let [a, b, da, db] = coefficients(s);
    let trace = g[0] + g[4] + g[8];
    let vee = [g[7] - g[5], g[2] - g[6], g[3] - g[1]];
    let symmetric: [E; 3] = std::array::from_fn(|i| {
        (0..3).fold(E::zero(), |sum, j| {
            sum + (g[3 * i + j] + g[3 * j + i]) * w[j]
        })
    });
    let quadratic = E::of(0.5) * dot(symmetric, w);
    let along = dot(vee, w) * da + (quadratic - s * trace) * db - b * trace;
    for i in 0..3 {
        to[i] = to[i] + a * vee[i] + b * symmetric[i] + (along + along) * w[i];
    }
}
