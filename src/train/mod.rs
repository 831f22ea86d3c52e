//! Training of priors from samples.

mod gmm;

pub use gmm::{MixtureError, MixtureFit, MixtureSettings, fit_mixture};
