//! Rows side by side: parts of a pose or of a shape as one.

use super::{Gradient, Operation, Scalar, Value};

/// One part of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// The next input, of so many numbers.
    Input(usize),
    /// So many 3×3 identities: joints that nothing turns.
    Identities(usize),
}

/// Inputs (rows, dims) to one row of all parts.
pub(crate) struct Concat {
    pub parts: Vec<Part>,
}

impl Concat {
    /// For each input its place in a row.
    fn places(&self) -> Vec<(usize, usize)> {
        let (mut at, mut places) = (0, Vec::new());
        for part in &self.parts {
            let dims = part.dims();
            if let Part::Input(_) = part {
                places.push((at, dims));
            }
            at += dims;
        }
        places
    }
}

impl Part {
    pub fn dims(self) -> usize {
        match self {
            Self::Input(dims) => dims,
            Self::Identities(count) => 9 * count,
        }
    }
}

impl<E: Scalar> Operation<E> for Concat {
    fn out_dims(&self) -> usize {
        self.parts.iter().map(|p| p.dims()).sum()
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        let (mut at, mut inputs) = (0, inputs.iter());
        for part in &self.parts {
            let to = &mut out[at..at + part.dims()];
            at += to.len();
            match part {
                Part::Input(_) => {
                    if let Some(input) = inputs.next() {
                        to.copy_from_slice(input.row(i));
                    }
                }
                Part::Identities(_) => {
                    for (k, x) in to.iter_mut().enumerate() {
                        *x = if k % 9 % 4 == 0 { E::one() } else { E::zero() };
                    }
                }
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
        for (gradient, (at, dims)) in gradients.iter_mut().zip(self.places()) {
            if let Some(gradient) = gradient {
                let from = &out_gradient[at..at + dims];
                for (to, from) in gradient.row(i).iter_mut().zip(from) {
                    *to += *from;
                }
            }
        }
    }
}
