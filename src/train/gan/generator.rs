//! The generator: VPoser v1's decoder, from latent codes to rotation matrices.

use super::dense::{Dense, Number, layers, leaky, leaky_back};
use super::six;
use crate::body::BODY_JOINTS;

/// Names of its layers in the published checkpoints.
pub(super) const NAMES: [&str; 3] = [
    "bodyprior_dec_fc1",
    "bodyprior_dec_fc2",
    "bodyprior_dec_out",
];

#[derive(Clone, Debug)]
pub(super) struct Generator {
    pub layers: [Dense; 3],
}

/// What a forward pass leaves for the way back.
pub(super) struct Generated<E> {
    first: Vec<E>,
    second: Vec<E>,
    six: Vec<E>,
    /// (rows, 9·21).
    pub rotations: Vec<E>,
}

impl Generator {
    pub fn new(latent_dim: usize, hidden: usize) -> Self {
        let out = 6 * BODY_JOINTS;
        Self {
            layers: layers(0, [(latent_dim, hidden), (hidden, hidden), (hidden, out)]),
        }
    }

    pub fn len(&self) -> usize {
        self.layers[2].end()
    }

    /// Codes (rows, latent_dim) to rotations.
    pub fn forward<E: Number>(&self, numbers: &[E], codes: &[E], rows: usize) -> Generated<E> {
        let [fc1, fc2, out] = &self.layers;
        let first = leaky(fc1.forward(numbers, codes, rows));
        let second = leaky(fc2.forward(numbers, &first, rows));
        let six = out.forward(numbers, &second, rows);
        let rotations = six::forward(&six);
        Generated {
            first,
            second,
            six,
            rotations,
        }
    }

    /// Adds to `to` what the gradient `g` of the rotations means for the numbers.
    pub fn add_gradient<E: Number>(
        &self,
        numbers: &[E],
        codes: &[E],
        made: &Generated<E>,
        g: &[E],
        to: &mut [E],
    ) {
        let [fc1, fc2, out] = &self.layers;
        let rows = made.six.len() / out.outputs;
        let g = six::backward(&made.six, g);
        out.add_gradient(&made.second, &g, rows, to);
        let g = leaky_back(&made.second, out.backward(numbers, &g, rows));
        fc2.add_gradient(&made.first, &g, rows, to);
        let g = leaky_back(&made.first, fc2.backward(numbers, &g, rows));
        fc1.add_gradient(codes, &g, rows, to);
    }
}
