//! The expectation–maximisation loop from one start.

use super::density::{self, Component};
use super::start;
use super::{CHUNK, MixtureError, MixtureFit, MixtureSettings};
use crate::random::SplitMix64;
use nalgebra::{DMatrix, DMatrixView, DVector};
use rayon::prelude::*;

/// A responsibility below this is lost in the rounding of its sample's largest one.
const NEGLIGIBLE: f64 = 1e-17;

/// One run from a fresh k-means start; samples are columns.
pub(super) fn run(
    samples: DMatrixView<f64>,
    settings: &MixtureSettings,
    random: &mut SplitMix64,
    progress: &mut dyn FnMut(usize, f64) -> bool,
) -> Result<MixtureFit, MixtureError> {
    let clusters = start::k_means(samples, settings.components, random);
    let mut components = maximise(samples, &clusters, settings.floor)?;
    let mut trace: Vec<f64> = Vec::new();
    loop {
        let (objective, responsibilities) = density::responsibilities(samples, &components);
        if !progress(trace.len(), objective) {
            return Err(MixtureError::Stopped);
        }
        let converged = trace
            .last()
            .is_some_and(|before| objective - before < settings.tolerance);
        trace.push(objective);
        if converged || trace.len() > settings.max_iter {
            return Ok(MixtureFit::new(&components, trace, converged));
        }
        components = maximise(samples, &responsibilities, settings.floor)?;
    }
}

/// The M-step, a component per task; `weighting` is `(rows, components)`.
fn maximise(
    samples: DMatrixView<f64>,
    weighting: &DMatrix<f64>,
    floor: f64,
) -> Result<Vec<Component>, MixtureError> {
    let dim = samples.nrows();
    let ridge = DMatrix::identity(dim, dim) * (floor * floor);
    (0..weighting.ncols())
        .into_par_iter()
        .map(|index| {
            let weights = weighting.column(index);
            let (mass, mean) = weighted_mean(samples, weights.as_slice());
            let scatter = weighted_scatter(samples, weights.as_slice(), &mean);
            let mut covariance = scatter / mass + &ridge;
            covariance.fill_lower_triangle_with_upper_triangle();
            let weight = mass / samples.ncols() as f64;
            Component::new(weight, mean, covariance, floor)
                .ok_or(MixtureError::NotPositiveDefinite { component: index })
        })
        .collect()
}

/// Σ_n r_n, at least the smallest positive number, and Σ_n r_n x_n over it.
fn weighted_mean(samples: DMatrixView<f64>, weights: &[f64]) -> (f64, DVector<f64>) {
    let mut sum = DVector::zeros(samples.nrows());
    for (sample, &weight) in samples.column_iter().zip(weights) {
        sum.axpy(weight, &sample, 1.0);
    }
    let mass = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    (mass, sum / mass)
}

/// Σ_n r_n (x_n − μ)(x_n − μ)ᵀ.
fn weighted_scatter(
    samples: DMatrixView<f64>,
    weights: &[f64],
    mean: &DVector<f64>,
) -> DMatrix<f64> {
    let mut scatter = DMatrix::zeros(mean.len(), mean.len());
    let kept: Vec<usize> = (0..weights.len())
        .filter(|&n| weights[n] > NEGLIGIBLE)
        .collect();
    for rows in kept.chunks(CHUNK) {
        let mut scaled = DMatrix::zeros(mean.len(), rows.len());
        for (mut column, &row) in scaled.column_iter_mut().zip(rows) {
            column.copy_from(&samples.column(row));
            column -= mean;
            column *= weights[row].sqrt();
        }
        scatter.gemm(1.0, &scaled, &scaled.transpose(), 1.0);
    }
    scatter
}
