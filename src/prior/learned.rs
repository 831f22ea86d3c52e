//! A prior with a latent code: where codes live, the decoder, and the encoder where there is one.

use std::sync::Arc;

use super::layout::Version;
use super::network::{Decoder, Encoder};
use super::{Latent, Mixture};
use crate::io::tensors::Tensors;
use crate::random::SplitMix64;

/// A learned prior by its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LearnedKind {
    Vposer,
    /// VPoser's networks with a mixture of Gaussians over its codes.
    VposerGmm,
    GanS,
    GanU,
    GanN,
}

/// Networks of a learned prior.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    pub kind: LearnedKind,
    pub decoder: Decoder,
    pub(crate) encoder: Option<Encoder>,
    /// The distribution of codes, where it is no plain [`Latent`].
    pub(crate) codes: Option<Arc<Mixture>>,
    /// The code where a fit starts.
    pub mode: Vec<f64>,
}

impl LearnedKind {
    pub const NAMES: [(&str, Self); 5] = [
        ("vposer", Self::Vposer),
        ("vposer-gmm", Self::VposerGmm),
        ("gan-s", Self::GanS),
        ("gan-u", Self::GanU),
        ("gan-n", Self::GanN),
    ];

    pub fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, kind)| *kind == self);
        found.map_or("", |(name, _)| name)
    }

    /// The kind that a file says in its header; those of others say none.
    pub(crate) fn said(tensors: &Tensors) -> Option<Self> {
        let said = tensors.metadata.get("kind")?;
        let found = Self::NAMES.iter().find(|(name, _)| name == said);
        found.map(|(_, kind)| *kind)
    }

    /// A `vposer-gmm` may serve as a `vposer`; nothing else says one kind and is another.
    fn check_said(self, tensors: &Tensors) -> Result<(), String> {
        let vposer = |kind| matches!(kind, Self::Vposer | Self::VposerGmm);
        match Self::said(tensors) {
            Some(said) if said != self && !(vposer(said) && vposer(self)) => Err(format!(
                "its header says that it is a `{}`, not `{}`",
                said.name(),
                self.name()
            )),
            _ => Ok(()),
        }
    }

    pub fn latent(self) -> Latent {
        match self {
            Self::Vposer | Self::VposerGmm | Self::GanN => Latent::Normal,
            Self::GanS => Latent::Sphere,
            Self::GanU => Latent::Cube,
        }
    }
}

impl Learned {
    /// From a file's tensors; a GAN's latent is the kind's, since no file says it.
    pub(crate) fn from_tensors(kind: LearnedKind, tensors: &Tensors) -> Result<Self, String> {
        kind.check_said(tensors)?;
        let (version, prefix) = Version::of(tensors)?;
        let decoder = Decoder::from_tensors(version, &prefix, tensors)?;
        let latent = decoder.latent_dim();
        let encoder = Encoder::from_tensors(version, &prefix, tensors, latent)?;
        match (kind, &encoder) {
            (LearnedKind::Vposer | LearnedKind::VposerGmm, None) => {
                return Err("there is a decoder, but no encoder, so this is no VPoser; \
                     a GAN's generator is `kind = \"gan-s\"`, `\"gan-u\"` or `\"gan-n\"`"
                    .into());
            }
            // Only `fitrun train` gives generators an encoder, and says so in the header.
            (LearnedKind::GanS | LearnedKind::GanU | LearnedKind::GanN, Some(_))
                if LearnedKind::said(tensors) != Some(kind) =>
            {
                return Err(format!(
                    "there is an encoder, so this is a VPoser, not `{}`",
                    kind.name()
                ));
            }
            _ => {}
        }
        let codes = match kind {
            LearnedKind::VposerGmm => Some(mixture_of_codes(tensors, latent)?.into()),
            _ => None,
        };
        let mut learned = Self {
            kind,
            mode: vec![0.0; latent],
            decoder,
            encoder,
            codes,
        };
        const MEASURED: usize = 16;
        let codes = learned.draw(MEASURED, 0).concat();
        learned.decoder.measure(&codes);
        if kind.latent() == Latent::Sphere || learned.codes.is_some() {
            learned.mode = learned.middle();
        }
        Ok(learned)
    }

    pub fn latent_dim(&self) -> usize {
        self.decoder.latent_dim()
    }

    pub fn latent(&self) -> Latent {
        self.kind.latent()
    }

    /// Codes of poses, (rows, 63) to (rows, latent), where the latent has them, if there is an encoder.
    pub(super) fn encode(&self, poses: &[f64]) -> Option<Vec<f64>> {
        let mut codes = self.encoder.as_ref()?.means(poses);
        codes
            .chunks_exact_mut(self.latent_dim())
            .for_each(|code| self.latent().project(code));
        Some(codes)
    }

    /// Whether it was trained to generate poses only, and knows no code of a given one.
    pub fn is_generator(&self) -> bool {
        self.encoder.is_none()
    }

    /// Codes drawn from the prior.
    pub fn draw(&self, count: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut random = SplitMix64(seed);
        (0..count).map(|_| self.draw_code(&mut random)).collect()
    }

    pub(super) fn draw_code(&self, random: &mut SplitMix64) -> Vec<f64> {
        match &self.codes {
            Some(mixture) => mixture.draw(random),
            None => self.latent().draw(self.latent_dim(), random),
        }
    }

    /// The code, of a few hundred, whose pose is nearest to the mean of their poses.
    fn middle(&self) -> Vec<f64> {
        const DRAWN: usize = 512;
        let codes = self.draw(DRAWN, 0);
        let rotations = self.rotations(&codes.concat());
        let poses: Vec<&[f64]> = rotations.chunks_exact(9 * 21).collect();
        let mean: Vec<f64> = (0..9 * 21)
            .map(|k| poses.iter().map(|p| p[k]).sum::<f64>() / DRAWN as f64)
            .collect();
        let distance = |pose: &[f64]| -> f64 {
            let pairs = pose.iter().zip(&mean);
            pairs.map(|(a, b)| (a - b) * (a - b)).sum()
        };
        let nearest = (0..DRAWN).min_by(|a, b| distance(poses[*a]).total_cmp(&distance(poses[*b])));
        codes[nearest.unwrap_or(0)].clone()
    }
}

/// Before the names of the mixture's tensors in a file of networks.
pub(crate) const CODES: &str = "codes.";

fn mixture_of_codes(tensors: &Tensors, latent: usize) -> Result<Mixture, String> {
    let mut own = Tensors::default();
    for (name, tensor) in &tensors.arrays {
        if let Some(name) = name.strip_prefix(CODES) {
            own.insert(name, tensor.clone());
        }
    }
    if own.arrays.is_empty() {
        return Err(
            "there is no mixture over its codes (`codes.weights`, `codes.means`, `codes.covariances`), \
             so this is a plain `vposer`; `fitrun train` with `prior = { kind = \"vposer-gmm\", network = \"FILE\" }` adds one"
                .into(),
        );
    }
    let mixture =
        Mixture::from_tensors(&own).map_err(|message| format!("`{CODES}…`: {message}"))?;
    match mixture.dims == latent {
        true => Ok(mixture),
        false => Err(format!(
            "the mixture is over {} numbers, but a code has {latent}",
            mixture.dims
        )),
    }
}
