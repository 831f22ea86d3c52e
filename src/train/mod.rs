//! Training of priors: a spec, poses, a loop that can be interrupted, and what it leaves behind.

mod checkpoint;
mod course;
mod data;
mod folder;
mod gmm;
mod kind;
mod outputs;
mod plan;
mod run;
pub(crate) mod network;
mod settings;
#[cfg(test)]
mod tests;
mod trainee;
mod vposer;

pub use course::{Ending, TrainProgress};
pub use gmm::{MixtureError, MixtureFit, MixtureSettings, fit_mixture};
pub use run::{TrainOptions, Trained, train_prior};
pub use settings::{GanSettings, VposerSettings};
pub(crate) use trainee::Trainee;
pub(crate) use vposer::VposerTrainee;
