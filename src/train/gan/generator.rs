//! The generator: VPoser v1's decoder, from latent codes to rotation matrices.

use super::SLOPE;
use crate::body::BODY_JOINTS;
use crate::graph::Real;
use crate::random::SplitMix64;
use crate::train::GanSettings;
use crate::train::network::{Batch, Forward, Linear, Parameters, rotations};

pub(super) struct Generator<E: Real> {
    pub parameters: Parameters<E>,
    layers: [Linear; 3],
}

impl<E: Real> Generator<E> {
    /// Its parameters are named as in the published checkpoints, after `prefix`.
    pub fn new(settings: &GanSettings, prefix: &str, random: &mut SplitMix64) -> Self {
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
        Self { parameters, layers }
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
}
