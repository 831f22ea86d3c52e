//! Rows side by side: parts of a pose or of a shape as one.

use super::directions::Directions;
use super::{At, Kernel, Number, Scalar};

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

impl<E: Scalar> Kernel<E> for Concat {
    fn out_dims(&self) -> usize {
        self.parts.iter().map(|p| p.dims()).sum()
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        let (mut at, mut inputs) = (0, x.iter());
        for part in &self.parts {
            let to = &mut y[at..at + part.dims()];
            at += to.len();
            match part {
                Part::Input(_) => {
                    if let Some(input) = inputs.next() {
                        to.copy_from_slice(input);
                    }
                }
                Part::Identities(_) => {
                    for (k, x) in to.iter_mut().enumerate() {
                        *x = if k % 9 % 4 == 0 { T::one() } else { T::zero() };
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(
        &self,
        _at: At<'_, T>,
        gy: &[T],
        gx: &mut [Option<&mut [T]>],
    ) {
        for (gx, (at, dims)) in gx.iter_mut().zip(self.places()) {
            if let Some(gx) = gx {
                for (to, g) in gx.iter_mut().zip(&gy[at..at + dims]) {
                    *to += *g;
                }
            }
        }
    }

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        let mut reached = vec![false; Kernel::<E>::out_dims(self)];
        for (moved, (at, dims)) in moved.iter().zip(self.places()) {
            if let Some(moved) = moved {
                reached[at..at + dims].copy_from_slice(moved);
            }
        }
        reached
    }

    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, _at: At<'_, T>, directions: Directions<'_, T>) {
        let places = self.places();
        directions.for_each(
            Kernel::<E>::out_dims(self),
            #[inline(always)]
            |dx, _, dy| {
                for (dx, (at, dims)) in dx.iter().zip(&places) {
                    if let Some(dx) = dx {
                        dy[*at..at + dims].copy_from_slice(dx);
                    }
                }
            },
        );
    }
}
