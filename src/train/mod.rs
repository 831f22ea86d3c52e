//! Training of priors from samples.

mod gan;
mod gmm;
mod settings;
mod trainee;

#[allow(unused_imports)]
pub(crate) use gan::GanTrainee;
pub use gmm::{MixtureError, MixtureFit, MixtureSettings, fit_mixture};
pub use settings::{GanSettings, VposerSettings};
pub(crate) use trainee::Trainee;
