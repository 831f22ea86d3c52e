//! Which published network a file of weights holds, told by the names of its tensors.

use super::tensors::{Tensor, Tensors};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    VposerV1,
    VposerV2,
    /// A generator with VPoser v1's decoder, and perhaps its discriminator.
    Gan,
    Mixture,
}

impl Published {
    /// `None` for weights of something else.
    pub fn of(tensors: &Tensors) -> Option<Self> {
        let any = |parts: &[&str]| {
            let names = tensors.arrays.keys();
            names
                .into_iter()
                .any(|name| parts.iter().any(|part| is_part(name, part)))
        };
        if ["weights", "means", "covariances"]
            .iter()
            .all(|n| tensors.arrays.contains_key(*n))
        {
            return Some(Self::Mixture);
        }
        if any(&["encoder_net.", "decoder_net."]) {
            return Some(Self::VposerV2);
        }
        if any(&["bodyprior_enc_"]) {
            return Some(Self::VposerV1);
        }
        // A decoder without an encoder is a generator, with or without its discriminator.
        any(&["bodyprior_dec_"]).then_some(Self::Gan)
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::VposerV1 => "VPoser v1",
            Self::VposerV2 => "VPoser v2",
            Self::Gan => "GAN pose prior",
            Self::Mixture => "mixture of Gaussians over poses",
        }
    }

    /// The name that the network itself gives a tensor, or `None` where it is none of its own.
    fn own(self, name: &str) -> Option<&str> {
        let parts: &[&str] = match self {
            Self::VposerV1 => &["bodyprior_", "codes."],
            Self::VposerV2 => &["encoder_net.", "decoder_net.", "codes."],
            Self::Gan => &[
                "generator_state_dict.",
                "discriminator_state_dict.",
                "bodyprior_dec_",
                "discriminator.",
            ],
            Self::Mixture => &["weights", "means", "covariances"],
        };
        let place = parts.iter().filter_map(|part| place(name, part)).min()?;
        Some(&name[place..])
    }
}

/// The network's own tensors by the names that it was published with; all of weights of something else.
pub(crate) fn published(tensors: &Tensors) -> Tensors {
    let Some(kind) = Published::of(tensors) else {
        return tensors.clone();
    };
    let mut found = Tensors::default();
    for (name, tensor) in tensors.arrays.iter().filter(|(name, _)| !is_aside(name)) {
        if let Some(name) = kind.own(name) {
            found.insert(name, Tensor::clone(tensor));
        }
    }
    let whole = tensors
        .metadata
        .iter()
        .filter(|(name, _)| !name.contains('.'));
    found.metadata = whole
        .map(|(name, text)| (name.clone(), text.clone()))
        .collect();
    found
}

/// VPoser's checkpoints also hold the body model that it was trained with, and what the optimizer remembers.
fn is_aside(name: &str) -> bool {
    is_part(name, "bm_train.") || name.starts_with("optimizer")
}

fn is_part(name: &str, part: &str) -> bool {
    place(name, part).is_some()
}

/// Where a part of a name begins: at its start or after a dot.
fn place(name: &str, part: &str) -> Option<usize> {
    let mut places = name.match_indices(part).map(|(at, _)| at);
    places.find(|&at| at == 0 || name.as_bytes()[at - 1] == b'.')
}
