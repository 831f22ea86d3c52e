//! Training of priors from samples.

mod gmm;
pub(crate) mod network;
mod settings;
mod trainee;
mod vposer;

pub use gmm::{MixtureError, MixtureFit, MixtureSettings, fit_mixture};
pub use settings::{GanSettings, VposerSettings};
pub(crate) use trainee::Trainee;
pub(crate) use vposer::VposerTrainee;
