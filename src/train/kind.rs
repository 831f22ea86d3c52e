//! The kinds of prior that can be trained, and the one place that makes their networks.

use super::gmm::MixtureSettings;
use super::settings::{CodesSettings, GanSettings, VposerSettings};
use super::trainee::Trainee;
use super::{GanTrainee, VposerTrainee};
use crate::body::BodyModel;
use crate::prior::Latent;

/// A kind with its settings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Vposer(VposerSettings),
    VposerGmm(VposerSettings, CodesSettings),
    Gan(GanSettings),
    Mixture(MixtureSettings),
}

/// Makes a kind's network before its first step; `poses` is a sample of the data, (rows, 63).
pub(crate) type Maker = fn(&Kind, &BodyModel, &[f32], u64) -> Option<Box<dyn Trainee>>;

/// The network of a kind that is trained step by step.
pub(crate) fn trainee(
    kind: &Kind,
    body: &BodyModel,
    poses: &[f32],
    seed: u64,
) -> Option<Box<dyn Trainee>> {
    match kind {
        Kind::Vposer(settings) | Kind::VposerGmm(settings, _) => {
            Some(Box::new(VposerTrainee::new(settings, body, poses, seed)))
        }
        Kind::Gan(settings) => Some(Box::new(GanTrainee::new(settings, body, poses, seed))),
        Kind::Mixture(_) => None,
    }
}

impl Kind {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Vposer(_) => "vposer",
            Self::VposerGmm(..) => "vposer-gmm",
            Self::Gan(settings) => match settings.latent {
                Latent::Sphere => "gan-s",
                Latent::Cube => "gan-u",
                Latent::Normal => "gan-n",
            },
            Self::Mixture(_) => "gmm",
        }
    }
}
