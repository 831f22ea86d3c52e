//! Pose priors: a variable with its manifold, an energy, a mode and a decoder, a file per kind.

mod converted;
mod decode;
pub(crate) mod decoding;
mod jacobian;
mod latent;
mod layer;
pub(crate) mod layout;
mod learned;
pub mod mixture;
pub(crate) mod network;
mod own;

use std::path::Path;
use std::sync::Arc;

pub use latent::Latent;
pub(crate) use learned::CODES;
pub use learned::{Learned, LearnedKind};
pub use mixture::Mixture;
pub use own::{Own, PosePrior};

use crate::io::tensors::Tensors;
use crate::io::{FileError, weights};

/// A prior as the rest of the engine sees it.
#[derive(Clone, Debug)]
pub enum Prior {
    None,
    /// Lives on `pose_body` itself.
    Mixture(Arc<Mixture>),
    /// Lives on a code `z`.
    Learned(Arc<Learned>),
    /// Of a program's own.
    Own(Arc<Own>),
}

/// Kinds of priors and what they are.
pub(crate) const PRIORS: &[(&str, &str)] = &[
    (
        "none",
        "poses are as probable as each other; a term or limits of joints may say more",
    ),
    (
        "gmm",
        "a mixture of Gaussians over the joints' axis-angle vectors (Bogo et al. 2016)",
    ),
    (
        "vposer",
        "a variational autoencoder's code, normal (Pavlakos et al. 2019)",
    ),
    (
        "vposer-gmm",
        "VPoser's code with a mixture of Gaussians over it",
    ),
    (
        "gan-s",
        "an adversarial generator's code on the sphere (Davydov et al. 2022)",
    ),
    ("gan-u", "the same, codes in a cube"),
    ("gan-n", "the same, normal codes"),
];

/// Weights that fitrun ships, by the kind of their prior; see `assets/priors`.
const BUILTIN: &[(&str, &[u8])] = &[
    ("gmm", include_bytes!("../../assets/priors/gmm.safetensors")),
    (
        "vposer",
        include_bytes!("../../assets/priors/vposer.safetensors"),
    ),
    (
        "vposer-gmm",
        include_bytes!("../../assets/priors/vposer-gmm.safetensors"),
    ),
    (
        "gan-s",
        include_bytes!("../../assets/priors/gan-s.safetensors"),
    ),
    (
        "gan-u",
        include_bytes!("../../assets/priors/gan-u.safetensors"),
    ),
    (
        "gan-n",
        include_bytes!("../../assets/priors/gan-n.safetensors"),
    ),
];

impl Prior {
    /// A prior with the weights that fitrun ships.
    pub fn builtin(kind: &str) -> Result<Self, String> {
        if kind == "none" {
            return Ok(Self::None);
        }
        let (_, bytes) = BUILTIN
            .iter()
            .find(|(name, _)| *name == kind)
            .ok_or_else(|| format!("there are no built-in weights for `{kind}`; name a `file`"))?;
        Self::from_tensors(kind, &Tensors::parse(bytes)?)
    }

    /// Reads a prior's weights: safetensors, a checkpoint of PyTorch, a pickle, or a folder of snapshots.
    pub fn from_file(kind: &str, path: &Path) -> Result<Self, FileError> {
        let tensors = weights::read(path)?;
        Self::from_tensors(kind, &tensors).map_err(|message| FileError::new(path, message))
    }

    /// From a file's tensors.
    pub(crate) fn from_tensors(kind: &str, tensors: &Tensors) -> Result<Self, String> {
        match LearnedKind::NAMES.iter().find(|(name, _)| *name == kind) {
            Some((_, kind)) => {
                Learned::from_tensors(*kind, tensors).map(|l| Self::Learned(l.into()))
            }
            None => Mixture::from_tensors(tensors).map(|m| Self::Mixture(m.into())),
        }
    }

    /// The name of the variable that stages call `pose`.
    pub fn variable(&self) -> &'static str {
        match self {
            Self::None | Self::Mixture(_) => "pose_body",
            Self::Learned(_) => "z",
            Self::Own(own) => match own.pose {
                Some(_) => "z",
                None => "pose_body",
            },
        }
    }

    /// The value of that variable where a fit starts: the most probable one, where there is one.
    pub fn mode(&self, dims: usize) -> Vec<f64> {
        match self {
            Self::None => vec![0.0; dims],
            Self::Mixture(mixture) => mixture.mode(),
            Self::Learned(learned) => learned.mode.clone(),
            Self::Own(own) => own.mode.clone(),
        }
    }
}
