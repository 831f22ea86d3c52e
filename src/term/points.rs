//! r = predicted − observed, for keypoints in space, in images, or for any vector with a target.

use super::Whitener;
use crate::graph::{CostOperation, Gradient, Rows, Scalar, Value};

/// Observations in the graph's precision, one row a frame, or one row for all frames.
pub(crate) struct Points<E> {
    pub whitener: Whitener<E>,
    /// (frames or 1, points, k); what is not observed holds zeros.
    pub targets: Vec<E>,
    /// (frames or 1, points): confidence^p times the keypoint's weight; 0 means not observed.
    pub confidences: Vec<E>,
    pub points: usize,
    /// Components of one residual.
    pub k: usize,
}

/// Components that a residual can have at most without a heap allocation per point.
const MAX_K: usize = 4;

impl<E: Scalar> CostOperation<E> for Points<E> {
    fn evaluate(
        &self,
        rows: Rows<'_>,
        input: Value<'_, E>,
        costs: &mut [f64],
        mut gradient: Gradient<'_, E>,
    ) {
        let shared = self.confidences.len() == self.points;
        let mut small = [E::zero(); MAX_K];
        let mut large = vec![E::zero(); if self.k > MAX_K { self.k } else { 0 }];
        let residual = match self.k > MAX_K {
            true => &mut large[..],
            false => &mut small[..self.k],
        };
        // A value and a target that all frames share meet once.
        let count = if shared && input.rows == 1 {
            1
        } else {
            rows.core
        };
        for (i, cost) in costs.iter_mut().enumerate().take(count) {
            let frame = if shared { 0 } else { rows.frames[i] };
            let targets = &self.targets[frame * self.points * self.k..];
            let (x, g) = (input.row(i), gradient.row(i));
            for p in 0..self.points {
                let confidence = self.confidences[frame * self.points + p];
                if confidence == E::zero() {
                    continue;
                }
                for c in 0..self.k {
                    residual[c] = x[p * self.k + c] - targets[p * self.k + c];
                }
                *cost += self.whitener.cost(residual, confidence);
                for c in 0..self.k {
                    g[p * self.k + c] += residual[c];
                }
            }
        }
    }
}
