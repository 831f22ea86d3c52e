//! The generator: VPoser v1's decoder, from latent codes to rotation matrices, and where the training asks
//! for it an encoder back.

use super::SLOPE;
use super::encoder::Encoder;
use crate::body::BODY_JOINTS;
use crate::graph::Real;
use crate::io::tensors::Tensors;
use crate::random::SplitMix64;
use crate::train::GanSettings;
use crate::train::network::{Batch, Forward, Linear, Parameters, rotations};

pub(super) struct Generator<E: Real> {
    pub parameters: Parameters<E>,
    layers: [Linear; 3],
    pub encoder: Option<Encoder<E>>,
}

impl<E: Real> Generator<E> {
    /// Its parameters are named as in the published checkpoints, after `prefix`; `poses` are what an
    /// encoder will read.
    pub fn new(
        settings: &GanSettings,
        prefix: &str,
        poses: &[f32],
        random: &mut SplitMix64,
    ) -> Self {
        let (latent, hidden) = (settings.latent_dim, settings.hidden);
        let mut parameters = Parameters::new();
        let mut linear = |name: &str, dims: [usize; 2], slope: f64| {
            let name = format!("{prefix}bodyprior_dec_{name}");
            Linear::new(&mut parameters, &name, dims, slope, random)
        };
        let layers = [
            linear("fc1", [latent, hidden], SLOPE),
            linear("fc2", [hidden, hidden], SLOPE),
            linear("out", [hidden, 6 * BODY_JOINTS], 1.0),
        ];
        let wanted = settings.reconstruction > 0.0;
        let encoder =
            wanted.then(|| Encoder::new((settings, prefix), &mut parameters, poses, random));
        Self {
            parameters,
            layers,
            encoder,
        }
    }

    /// Codes (rows, latent_dim) to rotations (rows, 9·21).
    pub fn make(&self, pass: &mut Forward<E>, codes: &Batch<E>) -> Batch<E> {
        let [fc1, fc2, out] = &self.layers;
        let x = fc1.forward(&self.parameters, pass, codes);
        let x = fc2.forward(&self.parameters, pass, &x);
        let six = out.forward(&self.parameters, pass, &x);
        rotations::from_six(pass, &six)
    }

    /// Rotations (rows, 9·21) alone, without a way back.
    pub fn samples(&self, codes: Vec<E>, rows: usize) -> Vec<E> {
        let mut pass = Forward::<E>::new(&Default::default());
        let codes = pass.leaf(codes, rows, false);
        self.make(&mut pass, &codes).numbers().to_vec()
    }

    /// Rotations (rows, 9·21) of the codes that an encoder gives poses (rows, 63).
    pub fn there_and_back(&self, poses: &[f32]) -> Option<Vec<E>> {
        let encoder = self.encoder.as_ref()?;
        let mut pass = Forward::<E>::new(&Default::default());
        let poses = poses.iter().map(|x| E::of((*x).into())).collect();
        let codes = encoder.codes(&self.parameters, &mut pass, poses);
        Some(self.make(&mut pass, &codes).numbers().to_vec())
    }

    pub fn save(&self, to: &mut Tensors) {
        self.parameters.save(to);
        self.encoder.iter().for_each(|encoder| encoder.save(to));
    }

    pub fn restore(&mut self, from: &Tensors) -> Result<(), String> {
        self.parameters.restore(from)?;
        let mut encoder = self.encoder.iter_mut();
        encoder.try_for_each(|encoder| encoder.restore(from))
    }
}
