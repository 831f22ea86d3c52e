//! Linear blend skinning of the few vertices that somebody reads, and their pose correctives.

use crate::graph::linear3::{add_outer, add_scaled, rotate, rotate_back, sub, v3};
use crate::graph::{Gradient, Operation, Scalar, Value};

/// Inputs: transforms (rows, 12·joints), rest joints (rows, 3·joints), rest vertices
/// (rows, 3·vertices). Output (rows, 3·vertices): v = Σ_j w_j (R_j (x − J_j) + p_j).
pub(crate) struct Skinning<E> {
    /// For each vertex its joints and their weights.
    pub weights: Vec<Vec<(usize, E)>>,
}

const TRANSFORMS: usize = 0;
const JOINTS: usize = 1;
const VERTICES: usize = 2;

impl<E: Scalar> Operation<E> for Skinning<E> {
    fn out_dims(&self) -> usize {
        3 * self.weights.len()
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        let (transforms, joints) = (inputs[TRANSFORMS].row(i), inputs[JOINTS].row(i));
        let rest = inputs[VERTICES].row(i).chunks_exact(3);
        for ((x, weights), out) in rest.zip(&self.weights).zip(out.chunks_exact_mut(3)) {
            let x = v3(x);
            out.fill(E::zero());
            for &(j, w) in weights {
                let transform = &transforms[12 * j..12 * j + 12];
                let turned = rotate(transform, sub(x, v3(&joints[3 * j..])));
                add_scaled(w, turned, out);
                add_scaled(w, v3(&transform[9..]), out);
            }
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
        let (transforms, joints) = (inputs[TRANSFORMS].row(i), inputs[JOINTS].row(i));
        for (v, weights) in self.weights.iter().enumerate() {
            let x = v3(&inputs[VERTICES].row(i)[3 * v..]);
            let g = v3(&out_gradient[3 * v..]);
            for &(j, w) in weights {
                let transform = &transforms[12 * j..12 * j + 12];
                if let Some(to) = &mut gradients[TRANSFORMS] {
                    let to = &mut to.row(i)[12 * j..12 * j + 12];
                    add_outer(w, g, sub(x, v3(&joints[3 * j..])), &mut to[..9]);
                    add_scaled(w, g, &mut to[9..]);
                }
                let turned = rotate_back(transform, g);
                if let Some(to) = &mut gradients[JOINTS] {
                    add_scaled(-w, turned, &mut to.row(i)[3 * j..3 * j + 3]);
                }
                if let Some(to) = &mut gradients[VERTICES] {
                    add_scaled(w, turned, &mut to.row(i)[3 * v..3 * v + 3]);
                }
            }
        }
    }
}

/// Inputs: rest vertices (rows, 3·vertices), rotations of joints 1..=n (rows, 9·n).
/// Output: x + posedirs · flatten(R − I), the pose correctives of SMPL.
pub(crate) struct PoseCorrectives<E> {
    /// (3·vertices, 9·n), row-major.
    pub directions: Vec<E>,
    pub features: usize,
}

impl<E: Scalar> PoseCorrectives<E> {
    fn feature(&self, rotations: &[E], k: usize) -> E {
        match k % 9 {
            0 | 4 | 8 => rotations[k] - E::one(),
            _ => rotations[k],
        }
    }
}

impl<E: Scalar> Operation<E> for PoseCorrectives<E> {
    fn out_dims(&self) -> usize {
        self.directions.len() / self.features
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        let (rest, rotations) = (inputs[0].row(i), inputs[1].row(i));
        let rows = self.directions.chunks_exact(self.features);
        for ((out, x), row) in out.iter_mut().zip(rest).zip(rows) {
            *out = row
                .iter()
                .enumerate()
                .fold(*x, |sum, (k, d)| sum + *d * self.feature(rotations, k));
        }
    }

    fn backward(
        &self,
        i: usize,
        _inputs: &[Value<'_, E>],
        _out: &[E],
        out_gradient: &[E],
        gradients: &mut [Option<Gradient<'_, E>>],
    ) {
        if let Some(to) = &mut gradients[0] {
            for (to, g) in to.row(i).iter_mut().zip(out_gradient) {
                *to += *g;
            }
        }
        let Some(to) = &mut gradients[1] else { return };
        let rows = self.directions.chunks_exact(self.features);
        for (g, row) in out_gradient.iter().zip(rows) {
            for (to, d) in to.row(i).iter_mut().zip(row) {
                *to += *g * *d;
            }
        }
    }
}
