//! y = offset + x·Aᵀ with a frozen matrix: shape coefficients to rest joints or vertices.

use super::{Gradient, Operation, Scalar, Value};

/// (rows, inputs) to (rows, outputs); forms no gradient for its own numbers.
pub(crate) struct Affine<E> {
    /// (outputs, inputs), row-major.
    pub matrix: Vec<E>,
    /// (outputs).
    pub offset: Vec<E>,
}

impl<E: Scalar> Affine<E> {
    pub fn new(matrix: &[f64], offset: &[f64]) -> Self {
        Self {
            matrix: matrix.iter().map(|&x| E::of(x)).collect(),
            offset: offset.iter().map(|&x| E::of(x)).collect(),
        }
    }
}

impl<E: Scalar> Operation<E> for Affine<E> {
    fn out_dims(&self) -> usize {
        self.offset.len()
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        let x = inputs[0].row(i);
        if x.is_empty() {
            return out.copy_from_slice(&self.offset);
        }
        for ((out, offset), row) in out
            .iter_mut()
            .zip(&self.offset)
            .zip(self.matrix.chunks_exact(x.len()))
        {
            *out = row.iter().zip(x).fold(*offset, |sum, (a, x)| sum + *a * *x);
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
        let dims = inputs[0].dims;
        let Some(gradient) = gradients[0].as_mut().filter(|_| dims > 0) else {
            return;
        };
        let to = gradient.row(i);
        for (g, row) in out_gradient.iter().zip(self.matrix.chunks_exact(dims)) {
            for (to, a) in to.iter_mut().zip(row) {
                *to += *g * *a;
            }
        }
    }
}
