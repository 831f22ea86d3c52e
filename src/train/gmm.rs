//! Fits a Gaussian mixture with full covariances to samples by expectation–maximisation.
//!
//! With a floor f the objective is the mean over samples x of
//! log Σ_m w_m N(x; μ_m, Σ_m) exp(−½ f² tr Σ_m⁻¹),
//! which by Jensen's inequality on the responsibilities bounds from below the expected
//! log-likelihood of samples jittered with covariance f² I. Its M-step is exactly
//! Σ_m = S_m + f² I, S_m being the responsibility-weighted covariance, so no iteration lowers it;
//! without a floor it is the ordinary log-likelihood (Bishop, Pattern Recognition and Machine
//! Learning, §9.2.2).

mod density;
mod em;
mod mirror;
mod start;
#[cfg(test)]
mod tests;

use crate::random::SplitMix64;
use density::Component;
pub use mirror::Mirror;
use mirror::Pairs;
use nalgebra::{DMatrix, DMatrixView, DVector};

/// Rows per block; a constant, so that no sum depends on the number of threads.
const CHUNK: usize = 2048;

/// Fits `settings.components` Gaussians to `samples`, `(rows, dim)` row-major.
///
/// `progress` receives the iteration, counted from 0 in every restart, and the objective in nats
/// per sample, and returns whether to go on. With `mirror` the mixture is its own mirror image to the
/// last bit; `samples` then hold every sample's image, too. The restart with the highest final objective wins. Equal inputs give equal bits,
/// with any number of threads.
pub fn fit_mixture(
    samples: &[f64],
    dim: usize,
    mirror: Option<Mirror>,
    settings: &MixtureSettings,
    progress: &mut dyn FnMut(usize, f64) -> bool,
) -> Result<MixtureFit, MixtureError> {
    settings.check()?;
    check_samples(samples, dim)?;
    let samples = DMatrixView::from_slice(samples, dim, samples.len() / dim);
    if samples.ncols() < settings.components {
        return Err(MixtureError::TooFewSamples {
            rows: samples.ncols(),
            components: settings.components,
        });
    }
    let mut random = SplitMix64(settings.seed);
    let mut best: Option<MixtureFit> = None;
    for start in 0..settings.restarts {
        let pairs = mirror.map(|m| Pairs::new(m, settings.components, start));
        let fit = em::run(samples, settings, pairs.as_ref(), &mut random, progress)?;
        if best
            .as_ref()
            .is_none_or(|b| fit.trace.last() > b.trace.last())
        {
            best = Some(fit);
        }
    }
    Ok(best.expect("there is at least one start"))
}

/// What the training is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct MixtureSettings {
    pub components: usize,
    /// Standard deviation added to every direction, in the samples' unit: Σ = S + floor² I.
    pub floor: f64,
    /// Independent starts, of which the best is kept.
    pub restarts: usize,
    pub max_iter: usize,
    /// Stops when an iteration gains less than this, in nats per sample.
    pub tolerance: f64,
    pub seed: u64,
}

impl Default for MixtureSettings {
    fn default() -> Self {
        Self {
            components: 8,
            floor: 0.06,
            restarts: 4,
            max_iter: 200,
            tolerance: 1e-4,
            seed: 0,
        }
    }
}

/// A trained mixture; arrays are row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct MixtureFit {
    pub dim: usize,
    /// `(components)`, summing to one.
    pub weights: Vec<f64>,
    /// `(components, dim)`.
    pub means: Vec<f64>,
    /// `(components, dim, dim)`, symmetric, no eigenvalue below floor².
    pub covariances: Vec<f64>,
    /// The objective at the start and after each iteration, in nats per sample.
    pub trace: Vec<f64>,
    pub iterations: usize,
    /// Whether the gain fell below the tolerance before `max_iter`.
    pub converged: bool,
}

impl MixtureFit {
    /// The mean of −log Σ_m w_m N(x; μ_m, Σ_m) over `samples`, `(rows, dim)` row-major, in nats.
    ///
    /// The floor's penalty is no part of it: this is the plain density of the mixture.
    pub fn mean_negative_log_likelihood(&self, samples: &[f64]) -> Result<f64, MixtureError> {
        check_samples(samples, self.dim)?;
        let samples = DMatrixView::from_slice(samples, self.dim, samples.len() / self.dim);
        let components = (0..self.weights.len())
            .map(|index| self.component(index))
            .collect::<Result<Vec<_>, _>>()?;
        let (mean_log_likelihood, _) = density::responsibilities(samples, &components);
        Ok(-mean_log_likelihood)
    }

    fn component(&self, index: usize) -> Result<Component, MixtureError> {
        let (dim, area) = (self.dim, self.dim * self.dim);
        let mean = DVector::from_column_slice(&self.means[index * dim..][..dim]);
        let covariance =
            DMatrix::from_row_slice(dim, dim, &self.covariances[index * area..][..area]);
        Component::new(self.weights[index], mean, covariance, 0.0)
            .ok_or(MixtureError::NotPositiveDefinite { component: index })
    }

    fn new(components: &[Component], trace: Vec<f64>, converged: bool) -> Self {
        let flat = |part: fn(&Component) -> &[f64]| {
            components
                .iter()
                .flat_map(|c| part(c).iter().copied())
                .collect()
        };
        Self {
            dim: components[0].mean.len(),
            weights: components.iter().map(|c| c.weight).collect(),
            means: flat(|c| c.mean.as_slice()),
            covariances: flat(|c| c.covariance.as_slice()),
            iterations: trace.len() - 1,
            trace,
            converged,
        }
    }
}

/// Why no mixture could be fitted or evaluated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MixtureError {
    #[error("{length} numbers are not rows of dimension {dim}")]
    Shape { length: usize, dim: usize },
    #[error("sample {row} is not finite in column {column}")]
    NotFinite { row: usize, column: usize },
    #[error("{rows} samples are too few for {components} components")]
    TooFewSamples { rows: usize, components: usize },
    #[error("the caller stopped it")]
    Stopped,
    #[error("`{name}` must be {permitted}")]
    Setting {
        name: &'static str,
        permitted: &'static str,
    },
    #[error("the covariance of component {component} is not positive definite; raise `floor`")]
    NotPositiveDefinite { component: usize },
}

impl MixtureSettings {
    fn check(&self) -> Result<(), MixtureError> {
        let nonnegative = |value: f64| value.is_finite() && value >= 0.0;
        let rules = [
            (self.components > 0, "components", "at least 1"),
            (self.restarts > 0, "restarts", "at least 1"),
            (nonnegative(self.floor), "floor", "finite and not negative"),
            (
                nonnegative(self.tolerance),
                "tolerance",
                "finite and not negative",
            ),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            Some((_, name, permitted)) => Err(MixtureError::Setting { name, permitted }),
            None => Ok(()),
        }
    }
}

fn check_samples(samples: &[f64], dim: usize) -> Result<(), MixtureError> {
    if dim == 0 || samples.is_empty() || !samples.len().is_multiple_of(dim) {
        return Err(MixtureError::Shape {
            length: samples.len(),
            dim,
        });
    }
    match samples.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(MixtureError::NotFinite {
            row: at / dim,
            column: at % dim,
        }),
        None => Ok(()),
    }
}
