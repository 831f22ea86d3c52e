//! Rotation matrices to axis-angle vectors, for what is defined on angles.

use nalgebra::{Matrix3, Rotation3, UnitQuaternion};

use super::linear3::{V3, dot, v3};
use super::{Gradient, Operation, Scalar, Value};

/// (rows, 9·count) to (rows, 3·count): w with exp([w]×) = R and ‖w‖ ≤ π.
///
/// Its gradient is the one along the rotations: with R' = R exp([ω]×), dw = Jr⁻¹(w) ω and
/// Jr⁻¹(w) = I + ½[w]× + c [w]×², c = 1/θ² − cot(θ/2)/(2θ) (Chirikjian 2011, eq. 10.86).
pub(crate) struct RotationLog {
    pub count: usize,
}

/// The axis-angle vector of a row-major matrix, by way of the quaternion, which is safe near 0 and π.
fn log<E: Scalar>(r: &[E]) -> V3<E> {
    let numbers: [f64; 9] = std::array::from_fn(|i| r[i].wide());
    let matrix = Matrix3::from_row_slice(&numbers);
    let rotation = Rotation3::from_matrix_unchecked(matrix);
    let w = UnitQuaternion::from_rotation_matrix(&rotation).scaled_axis();
    [E::of(w.x), E::of(w.y), E::of(w.z)]
}

fn curvature<E: Scalar>(s: E) -> E {
    let c = E::of;
    if s < c(1e-3) {
        return c(1.0 / 12.0) + s * (c(1.0 / 720.0) + s * c(1.0 / 30240.0));
    }
    let angle = s.sqrt();
    let half = c(0.5) * angle;
    c(1.0) / s - half.cos() / half.sin() / (angle + angle)
}

impl<E: Scalar> Operation<E> for RotationLog {
    fn out_dims(&self) -> usize {
        3 * self.count
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        let matrices = inputs[0].row(i).chunks_exact(9);
        for (r, w) in matrices.zip(out.chunks_exact_mut(3)) {
            w.copy_from_slice(&log(r));
        }
    }

    fn backward(
        &self,
        i: usize,
        inputs: &[Value<'_, E>],
        out: &[E],
        out_gradient: &[E],
        gradients: &mut [Option<Gradient<'_, E>>],
    ) {
        let Some(gradient) = &mut gradients[0] else {
            return;
        };
        let matrices = inputs[0].row(i).chunks_exact(9);
        let vectors = out.chunks_exact(3).zip(out_gradient.chunks_exact(3));
        let to = gradient.row(i).chunks_exact_mut(9);
        for ((r, (w, g)), to) in matrices.zip(vectors).zip(to) {
            pull_back(r, v3(w), v3(g), to);
        }
    }
}

/// to += R ½[a]× with a = Jr⁻ᵀ(w) g.
fn pull_back<E: Scalar>(r: &[E], w: V3<E>, g: V3<E>, to: &mut [E]) {
    let (s, wg) = (dot(w, w), dot(w, g));
    let c = curvature(s);
    let half = E::of(0.5);
    let cross = [
        w[1] * g[2] - w[2] * g[1],
        w[2] * g[0] - w[0] * g[2],
        w[0] * g[1] - w[1] * g[0],
    ];
    let a: V3<E> =
        std::array::from_fn(|k| half * (g[k] - half * cross[k] + c * (w[k] * wg - s * g[k])));
    for row in 0..3 {
        let r = &r[3 * row..3 * row + 3];
        to[3 * row] += r[1] * a[2] - r[2] * a[1];
        to[3 * row + 1] += r[2] * a[0] - r[0] * a[2];
        to[3 * row + 2] += r[0] * a[1] - r[1] * a[0];
    }
}
