//! The expectation–maximisation loop from one start.

use super::density::{self, Component};
use super::mirror::{Moments, Pairs};
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
    pairs: Option<&Pairs>,
    random: &mut SplitMix64,
    progress: &mut dyn FnMut(usize, f64) -> bool,
) -> Result<MixtureFit, MixtureError> {
    let clusters = start::k_means(samples, settings.components, pairs, random);
    let mut components = maximise(samples, &clusters, pairs, settings.floor)?;
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
        components = maximise(samples, &responsibilities, pairs, settings.floor)?;
    }
}

/// The M-step, a component per task; `weighting` is `(rows, components)`.
fn maximise(
    samples: DMatrixView<f64>,
    weighting: &DMatrix<f64>,
    pairs: Option<&Pairs>,
    floor: f64,
) -> Result<Vec<Component>, MixtureError> {
    let components = (0..weighting.ncols()).into_par_iter();
    let moments = components.map(|index| moments(samples, weighting.column(index).as_slice()));
    let mut moments: Vec<Moments> = moments.collect();
    if let Some(pairs) = pairs {
        moments = pairs.even(&moments);
    }
    let ridge = DMatrix::identity(samples.nrows(), samples.nrows()) * (floor * floor);
    let component = |(index, moments): (usize, Moments)| {
        let mut covariance = moments.covariance + &ridge;
        covariance.fill_lower_triangle_with_upper_triangle();
        Component::new(moments.weight, moments.mean, covariance, floor)
            .ok_or(MixtureError::NotPositiveDefinite { component: index })
    };
    moments.into_par_iter().enumerate().map(component).collect()
}

fn moments(samples: DMatrixView<f64>, weights: &[f64]) -> Moments {
    let (mass, mean) = weighted_mean(samples, weights);
    Moments {
        weight: mass / samples.ncols() as f64,
        covariance: weighted_scatter(samples, weights, &mean) / mass,
        mean,
    }
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
