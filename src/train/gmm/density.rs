//! The densities of a mixture's components and the posterior over components that follows.

use super::CHUNK;
use nalgebra::{DMatrix, DMatrixView, DVector};
use rayon::prelude::*;
use std::f64::consts::TAU;

/// One Gaussian with what evaluating it needs.
pub(super) struct Component {
    pub(super) weight: f64,
    pub(super) mean: DVector<f64>,
    pub(super) covariance: DMatrix<f64>,
    /// L⁻¹ of Σ = L Lᵀ: the Mahalanobis distance is ‖L⁻¹ (x − μ)‖.
    whitening: DMatrix<f64>,
    /// log w − ½ d log 2π − ½ log det Σ − ½ f² tr Σ⁻¹.
    log_scale: f64,
}

impl Component {
    /// `None` where Σ is not positive definite; `floor` is f of the penalty above.
    pub(super) fn new(
        weight: f64,
        mean: DVector<f64>,
        covariance: DMatrix<f64>,
        floor: f64,
    ) -> Option<Self> {
        let lower = covariance.clone().cholesky()?.unpack();
        let half_log_det: f64 = lower.diagonal().iter().map(|entry| entry.ln()).sum();
        let whitening = lower.solve_lower_triangular(&DMatrix::identity(mean.len(), mean.len()))?;
        let penalty = 0.5 * floor * floor * whitening.norm_squared();
        let log_scale = weight.ln() - 0.5 * mean.len() as f64 * TAU.ln() - half_log_det - penalty;
        Some(Self {
            weight,
            mean,
            covariance,
            whitening,
            log_scale,
        })
    }

    /// Log of the weighted density of each column of `samples`.
    fn log_density(&self, samples: DMatrixView<f64>) -> Vec<f64> {
        let mut centred = samples.into_owned();
        for mut column in centred.column_iter_mut() {
            column -= &self.mean;
        }
        (&self.whitening * centred)
            .column_iter()
            .map(|white| self.log_scale - 0.5 * white.norm_squared())
            .collect()
    }
}

/// The mean of log Σ_m exp(log density), and each component's share of it, `(rows, components)`.
pub(super) fn responsibilities(
    samples: DMatrixView<f64>,
    components: &[Component],
) -> (f64, DMatrix<f64>) {
    let rows = samples.ncols();
    let blocks: Vec<(f64, DMatrix<f64>)> = (0..rows.div_ceil(CHUNK))
        .into_par_iter()
        .map(|block| {
            let first = block * CHUNK;
            block_responsibilities(samples.columns(first, CHUNK.min(rows - first)), components)
        })
        .collect();
    let mut shares = DMatrix::zeros(rows, components.len());
    let mut total = 0.0;
    for (block, (log_likelihood, share)) in blocks.iter().enumerate() {
        total += log_likelihood;
        shares
            .rows_mut(block * CHUNK, share.nrows())
            .copy_from(share);
    }
    (total / rows as f64, shares)
}

/// The same for one block, with the sum in place of the mean.
fn block_responsibilities(
    samples: DMatrixView<f64>,
    components: &[Component],
) -> (f64, DMatrix<f64>) {
    let mut shares = DMatrix::zeros(samples.ncols(), components.len());
    for (mut column, component) in shares.column_iter_mut().zip(components) {
        column.copy_from_slice(&component.log_density(samples));
    }
    let mut total = 0.0;
    for mut row in shares.row_iter_mut() {
        let largest = row.max();
        let log_sum = largest
            + row
                .iter()
                .map(|log| (log - largest).exp())
                .sum::<f64>()
                .ln();
        row.apply(|log| *log = (*log - log_sum).exp());
        total += log_sum;
    }
    (total, shares)
}
