//! Keypoints as weighted means of joints and surface points.

use crate::graph::linear3::{add_scaled, v3};
use crate::graph::{Gradient, Operation, Scalar, Value};

/// A point that a keypoint is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    Joint(usize),
    /// Index into the evaluated vertices.
    Vertex(usize),
}

/// Inputs: transforms (rows, 12·joints) and, if any part is a vertex, skinned vertices
/// (rows, 3·vertices). Output (rows, 3·keypoints).
pub(crate) struct Combine<E> {
    pub keypoints: Vec<Vec<(Part, E)>>,
}

impl Part {
    /// The input that it is read from and the place in its row.
    fn place(self) -> (usize, usize) {
        match self {
            Self::Joint(j) => (0, 12 * j + 9),
            Self::Vertex(v) => (1, 3 * v),
        }
    }
}

impl<E: Scalar> Operation<E> for Combine<E> {
    fn out_dims(&self) -> usize {
        3 * self.keypoints.len()
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        for (parts, out) in self.keypoints.iter().zip(out.chunks_exact_mut(3)) {
            out.fill(E::zero());
            for (part, weight) in parts {
                let (input, at) = part.place();
                add_scaled(*weight, v3(&inputs[input].row(i)[at..]), out);
            }
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
        for (parts, g) in self.keypoints.iter().zip(out_gradient.chunks_exact(3)) {
            for (part, weight) in parts {
                let (input, at) = part.place();
                if let Some(to) = &mut gradients[input] {
                    add_scaled(*weight, v3(g), &mut to.row(i)[at..at + 3]);
                }
            }
        }
    }
}
