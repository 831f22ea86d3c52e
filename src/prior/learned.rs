//! A prior with a latent code: where codes live, the decoder, and the encoder where there is one.

use super::Latent;
use super::network::{Decoder, Encoder, Version};
use crate::io::tensors::Tensors;
use crate::random::SplitMix64;

/// A learned prior by its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LearnedKind {
    Vposer,
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
    /// The code where a fit starts.
    pub mode: Vec<f64>,
}

impl LearnedKind {
    pub const NAMES: [(&str, Self); 4] = [
        ("vposer", Self::Vposer),
        ("gan-s", Self::GanS),
        ("gan-u", Self::GanU),
        ("gan-n", Self::GanN),
    ];

    pub fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, kind)| *kind == self);
        found.map_or("", |(name, _)| name)
    }

    pub fn latent(self) -> Latent {
        match self {
            Self::Vposer | Self::GanN => Latent::Normal,
            Self::GanS => Latent::Sphere,
            Self::GanU => Latent::Cube,
        }
    }
}

impl Learned {
    /// From a file's tensors; a GAN's latent is the kind's, since no file says it.
    pub(crate) fn from_tensors(kind: LearnedKind, tensors: &Tensors) -> Result<Self, String> {
        let (version, prefix) = Version::of(tensors)?;
        let decoder = Decoder::from_tensors(version, &prefix, tensors)?;
        let latent = decoder.latent_dim();
        let encoder = Encoder::from_tensors(version, &prefix, tensors, latent)?;
        match (kind, &encoder) {
            (LearnedKind::Vposer, None) => {
                return Err("there is a decoder, but no encoder, so this is no VPoser; \
                     a GAN's generator is `kind = \"gan-s\"`, `\"gan-u\"` or `\"gan-n\"`"
                    .into());
            }
            (LearnedKind::GanS | LearnedKind::GanU | LearnedKind::GanN, Some(_)) => {
                return Err(format!(
                    "there is an encoder, so this is a VPoser, not `{}`",
                    kind.name()
                ));
            }
            _ => {}
        }
        let mut learned = Self {
            kind,
            mode: vec![0.0; latent],
            decoder,
            encoder,
        };
        if kind.latent() == Latent::Sphere {
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

    /// Codes drawn from the prior.
    pub fn draw(&self, count: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut random = SplitMix64(seed);
        let draw = |_| self.latent().draw(self.latent_dim(), &mut random);
        (0..count).map(draw).collect()
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
