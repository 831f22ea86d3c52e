//! y = offset + A x with a frozen matrix: shape coefficients to rest joints or vertices.

use super::directions::Directions;
use super::{At, Kernel, Number, Scalar};

/// (inputs) to (outputs); forms no gradient for its own numbers.
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

    /// One row of the matrix.
    #[inline(always)]
    fn row(&self, i: usize) -> &[E] {
        let n = self.matrix.len() / self.offset.len();
        &self.matrix[i * n..(i + 1) * n]
    }
}

impl<E: Scalar> Kernel<E> for Affine<E> {
    fn out_dims(&self) -> usize {
        self.offset.len()
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        for (i, y) in y.iter_mut().enumerate() {
            let pairs = self.row(i).iter().zip(x[0]);
            *y = pairs.fold(T::splat(self.offset[i]), |sum, (a, x)| {
                T::splat(*a).fused(*x, sum)
            });
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(
        &self,
        _at: At<'_, T>,
        gy: &[T],
        gx: &mut [Option<&mut [T]>],
    ) {
        let Some(gx) = &mut gx[0] else { return };
        for (i, g) in gy.iter().enumerate() {
            for (to, a) in gx.iter_mut().zip(self.row(i)) {
                *to = T::splat(*a).fused(*g, *to);
            }
        }
    }

    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, _at: At<'_, T>, directions: Directions<'_, T>) {
        let n = self.offset.len();
        directions.for_each(
            n,
            #[inline(always)]
            |dx, active, dy| {
                let dx = dx[0].unwrap_or_default();
                for &i in active {
                    let pairs = self.row(i).iter().zip(dx);
                    dy[i] = pairs.fold(T::zero(), |sum, (a, x)| T::splat(*a).fused(*x, sum));
                }
            },
        );
    }
}
