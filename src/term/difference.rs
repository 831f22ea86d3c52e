//! Finite differences along frames: velocity r = (x₁ − x₀)·rate, acceleration r = (x₂ − 2x₁ + x₀)·rate².

use super::Whitener;
use crate::graph::{CostOperation, Gradient, Rows, Scalar, Value};

/// Every run of `order + 1` neighbouring frames gives one residual per point.
pub(crate) struct Difference<E> {
    pub whitener: Whitener<E>,
    /// 1 or 2.
    pub order: usize,
    /// Frames per second.
    pub rate: f64,
    /// Components of one residual.
    pub k: usize,
}

impl<E: Scalar> CostOperation<E> for Difference<E> {
    fn evaluate(
        &self,
        rows: Rows<'_>,
        input: Value<'_, E>,
        costs: &mut [f64],
        mut gradient: Gradient<'_, E>,
    ) {
        let stencil: &[f64] = match self.order {
            1 => &[-1.0, 1.0],
            _ => &[1.0, -2.0, 1.0],
        };
        let unit = self.rate.powi(self.order as i32);
        let stencil: Vec<E> = stencil.iter().map(|s| E::of(s * unit)).collect();
        let mut residual = vec![E::zero(); self.k];
        for (i, cost) in costs.iter_mut().enumerate().take(rows.core) {
            let last = i + self.order;
            if last >= rows.frames.len() || rows.frames[last] != rows.frames[i] + self.order {
                continue;
            }
            for p in 0..input.dims / self.k {
                let at = p * self.k;
                for c in 0..self.k {
                    let terms = stencil.iter().enumerate();
                    residual[c] =
                        terms.fold(E::zero(), |sum, (j, s)| sum + *s * input.row(i + j)[at + c]);
                }
                *cost += self.whitener.cost(&mut residual, E::one());
                for (j, s) in stencil.iter().enumerate() {
                    let to = &mut gradient.row(i + j)[at..at + self.k];
                    for (to, r) in to.iter_mut().zip(&residual) {
                        *to += *s * *r;
                    }
                }
            }
        }
    }
}
