//! Settings of the networks that are trained step by step; their defaults are those of `specs/train`.

use std::path::PathBuf;

use super::gmm::MixtureSettings;
use crate::diagnostic::Origin;
use crate::prior::Latent;

/// VPoser v2's architecture and loss.
#[derive(Clone, Debug, PartialEq)]
pub struct VposerSettings {
    pub latent_dim: usize,
    pub hidden: usize,
    pub learning_rate: f64,
    /// L2 penalty that Adam adds to the gradient.
    pub weight_decay: f64,
    pub dropout: f64,
    /// Weight of the mean over the batch of Σ_z KL(q ‖ N(0, I)).
    pub kl: f64,
    /// Weight of the mean absolute difference of vertex coordinates, m.
    pub vertices: f64,
    /// Weight of the mean geodesic distance of the rotations, rad, in the first `extra_epochs`.
    pub geodesic: f64,
    /// Weight of the mean absolute difference of joint coordinates, m, in the first `extra_epochs`.
    pub joints: f64,
    pub extra_epochs: usize,
}

impl Default for VposerSettings {
    fn default() -> Self {
        Self {
            latent_dim: 32,
            hidden: 512,
            learning_rate: 1e-3,
            weight_decay: 1e-5,
            dropout: 0.1,
            kl: 0.005,
            vertices: 4.0,
            geodesic: 2.0,
            joints: 2.0,
            extra_epochs: 15,
        }
    }
}

/// The mixture over a VPoser's codes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CodesSettings {
    pub mixture: MixtureSettings,
    /// Weights of a VPoser that is kept as it is, and where the spec names them.
    pub network: Option<(PathBuf, Origin)>,
}

/// Adversarial training of a generator with the shape of VPoser v1's decoder.
#[derive(Clone, Debug, PartialEq)]
pub struct GanSettings {
    /// What the generator's input is drawn from: the sphere (S), the cube (U) or a normal (N).
    pub latent: Latent,
    pub latent_dim: usize,
    pub hidden: usize,
    pub generator_rate: f64,
    pub discriminator_rate: f64,
    /// Decay rates of Adam's moments.
    pub betas: [f64; 2],
    /// Steps of the discriminator after each step of the generator.
    pub discriminator_steps: usize,
    /// Share of the old value in the running average of the generator's weights.
    pub average: f64,
    /// Weight of how far poses come back from the codes that an encoder gives them; 0 trains none.
    pub reconstruction: f64,
}

impl GanSettings {
    /// What gets furthest in an hour of two cores, with batches of 256; see `docs/training-gan.md`.
    pub fn new(latent: Latent) -> Self {
        Self {
            generator_rate: 5e-4,
            discriminator_rate: 1e-3,
            discriminator_steps: 1,
            ..Self::published(latent)
        }
    }

    /// Davydov et al. (2022), who train 300,000 iterations with batches of 1024 and no average.
    pub fn published(latent: Latent) -> Self {
        Self {
            latent,
            latent_dim: 32,
            hidden: 512,
            generator_rate: 2e-4,
            discriminator_rate: 2e-4,
            betas: [0.5, 0.999],
            discriminator_steps: 10,
            average: 0.999,
            reconstruction: 0.0,
        }
    }
}
