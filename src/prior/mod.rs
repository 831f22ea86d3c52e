//! Pose priors: a variable with its manifold, an energy, a mode and a decoder, a file per kind.

mod latent;
pub mod mixture;

use std::sync::Arc;

pub use latent::Latent;
pub use mixture::Mixture;

/// A prior as the rest of the engine sees it.
#[derive(Clone, Debug)]
pub enum Prior {
    None,
    /// Lives on `pose_body` itself.
    Mixture(Arc<Mixture>),
}

impl Prior {
    /// The name of the variable that stages call `pose`.
    pub fn variable(&self) -> &'static str {
        match self {
            Self::None | Self::Mixture(_) => "pose_body",
        }
    }

    /// The most probable value of that variable.
    pub fn mode(&self, dims: usize) -> Vec<f64> {
        match self {
            Self::None => vec![0.0; dims],
            Self::Mixture(mixture) => mixture.mode(),
        }
    }
}
