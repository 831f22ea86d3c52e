//! Training of priors: a spec, poses, a loop that can be interrupted, and what it leaves behind.

mod checkpoint;
mod course;
mod data;
mod folder;
mod gan;
mod gmm;
mod kind;
mod mixtures;
pub(crate) mod network;
mod outputs;
mod plan;
mod run;
mod settings;
#[cfg(test)]
mod tests;
mod trainee;
mod vposer;

pub use course::{Ending, TrainProgress};
pub(crate) use gan::GanTrainee;
pub use gmm::{Mirror, MixtureError, MixtureFit, MixtureSettings, fit_mixture};
pub use run::{TrainOptions, Trained, train_prior};
pub use settings::{GanSettings, VposerSettings};
pub(crate) use trainee::Trainee;
pub(crate) use vposer::VposerTrainee;
