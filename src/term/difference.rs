//! Finite differences of a frame's numbers and those of the frames after it.

use crate::graph::directions::Directions;
use crate::graph::{At, Kernel, Number, Scalar};

/// Neighbours side by side, (order + 1)·dims, to their differences times rate^order, dims.
pub(crate) struct Difference<E> {
    pub dims: usize,
    /// A factor for each neighbour.
    pub stencil: Vec<E>,
}

/// Whole factors of the differences of first and second order.
pub(crate) fn stencil(order: usize) -> &'static [f64] {
    match order {
        1 => &[-1.0, 1.0],
        _ => &[1.0, -2.0, 1.0],
    }
}

impl<E: Scalar> Difference<E> {
    /// `rate` in frames per second.
    pub fn new(dims: usize, order: usize, rate: f64) -> Self {
        let unit = rate.powi(order as i32);
        Self {
            dims,
            stencil: stencil(order).iter().map(|s| E::of(s * unit)).collect(),
        }
    }

    #[inline(always)]
    fn of<T: Number<Scalar = E>>(&self, x: &[T], d: usize) -> T {
        let mut sum = T::zero();
        for (j, s) in self.stencil.iter().enumerate() {
            sum = T::splat(*s).fused(x[j * self.dims + d], sum);
        }
        sum
    }
}

impl<E: Scalar> Kernel<E> for Difference<E> {
    fn out_dims(&self) -> usize {
        self.dims
    }

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        let moved = moved[0].unwrap_or_default();
        let any = |d| moved.iter().skip(d).step_by(self.dims).any(|m| *m);
        (0..self.dims).map(any).collect()
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        for (d, y) in y.iter_mut().enumerate() {
            *y = self.of(x[0], d);
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
        for (j, s) in self.stencil.iter().enumerate() {
            let block = &mut gx[j * self.dims..(j + 1) * self.dims];
            for (to, g) in block.iter_mut().zip(gy) {
                *to = T::splat(*s).fused(*g, *to);
            }
        }
    }

    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, _at: At<'_, T>, directions: Directions<'_, T>) {
        let Some(dx) = directions.dx[0] else { return };
        for (column, from) in directions.plan.pairs() {
            // Of each neighbour that moves the same numbers, one neighbour after the other.
            let dy = &mut directions.dy[column.at..column.at + column.dims.len()];
            dy.fill(T::zero());
            let dx = &dx[from.at..from.at + from.dims.len()];
            let blocks = dx.chunks_exact(dy.len());
            for (block, d) in blocks.zip(from.dims.iter().step_by(dy.len())) {
                let factor = T::splat(self.stencil[d / self.dims]);
                for (dy, dx) in dy.iter_mut().zip(block) {
                    *dy = factor.fused(*dx, *dy);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_differences_of_a_parabola_are_its_acceleration() {
        let difference = Difference::<f64>::new(2, 2, 10.0);
        let at = |t: f64| [4.905 * t * t, 3.0 * t];
        let x: Vec<f64> = [0.3, 0.4, 0.5].into_iter().flat_map(at).collect();
        let mut y = [0.0; 2];
        difference.forward::<f64>(&[&x], &mut y);
        assert!((y[0] - 9.81).abs() < 1e-9 && y[1].abs() < 1e-9);
    }
}
