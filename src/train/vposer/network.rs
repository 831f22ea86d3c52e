//! VPoser v2's encoder and decoder, with the names of the published weights.

use rayon::prelude::*;

use crate::body::BODY_JOINTS;
use crate::graph::Real;
use crate::io::tensors::Tensors;
use crate::random::SplitMix64;
use crate::train::VposerSettings;
use crate::train::network::{Batch, BatchNorm, Forward, Linear, Parameters, dropout, rotations};

const POSE: usize = 3 * BODY_JOINTS;
const SLOPE: f64 = 0.01;
/// Numbers of codes that are worked off together.
const CHUNK: usize = 1024;

/// Standard deviation, rad, that a number of the pose is taken to have at least. Feet and collars
/// of motion-capture data turn about one axis only; without it a held-out pose that moves there
/// would reach the first layer magnified by 1/√ε ≈ 316.
const LEAST_DEVIATION: f64 = 0.05;

pub(crate) struct Network<E: Real> {
    pub parameters: Parameters<E>,
    norms: [BatchNorm<E>; 2],
    encoder: [Linear; 3],
    mu: Linear,
    logvar: Linear,
    decoder: [Linear; 3],
    dropout: f64,
}

impl<E: Real> Network<E> {
    pub fn new(settings: &VposerSettings, poses: &[f32], random: &mut SplitMix64) -> Self {
        let (hidden, latent) = (settings.hidden, settings.latent_dim);
        let mut parameters = Parameters::new();
        let p = &mut parameters;
        let mut first = BatchNorm::new(p, "encoder_net.1", POSE, LEAST_DEVIATION.powi(2));
        let poses: Vec<E> = poses.iter().map(|x| E::of((*x).into())).collect();
        first.start_from(&poses);
        let mut linear =
            |name: &str, dims: [usize; 2], slope: f64| Linear::new(p, name, dims, slope, random);
        let encoder = [
            linear("encoder_net.2", [POSE, hidden], SLOPE),
            linear("encoder_net.6", [hidden, hidden], 1.0),
            linear("encoder_net.7", [hidden, hidden], 1.0),
        ];
        let mu = linear("encoder_net.8.mu", [hidden, latent], 1.0);
        let logvar = linear("encoder_net.8.logvar", [hidden, latent], 1.0);
        let decoder = [
            linear("decoder_net.0", [latent, hidden], SLOPE),
            linear("decoder_net.3", [hidden, hidden], SLOPE),
            linear("decoder_net.5", [hidden, 6 * BODY_JOINTS], 1.0),
        ];
        Self {
            norms: [first, BatchNorm::new(p, "encoder_net.4", hidden, 0.0)],
            parameters,
            encoder,
            mu,
            logvar,
            decoder,
            dropout: settings.dropout,
        }
    }

    /// Rotations of decoded samples, (rows, 189), and the mean of Σ_z KL, which is seeded times
    /// `weight`.
    pub fn train(
        &mut self,
        pass: &mut Forward<E>,
        poses: &[E],
        weight: f64,
        random: &mut SplitMix64,
    ) -> (Batch<E>, f64) {
        let p = &self.parameters;
        let x = pass.leaf(poses.to_vec(), poses.len() / POSE, false);
        let x = self.norms[0].train(p, pass, &x);
        let x = self.encoder[0].forward(p, pass, &x);
        let x = self.norms[1].train(p, pass, &x);
        let x = dropout(pass, &x, self.dropout, random);
        let x = self.encoder[1].forward(p, pass, &x);
        let x = self.encoder[2].forward(p, pass, &x);
        let mu = self.mu.forward(p, pass, &x);
        let logvar = self.logvar.forward(p, pass, &x);
        let kl = seed_divergence(pass, &mu, &logvar, weight);
        let noise = (0..mu.numbers().len()).map(|_| E::of(random.normal()));
        let z = sample(pass, &mu, &logvar, noise.collect());
        let y = self.decoder[0].forward(p, pass, &z);
        let y = dropout(pass, &y, self.dropout, random);
        let y = self.decoder[1].forward(p, pass, &y);
        let y = self.decoder[2].forward(p, pass, &y);
        (rotations::from_six(pass, &y), kl)
    }

    /// Rotations of the decoded means, and the mean of Σ_z KL.
    pub fn evaluate(&mut self, poses: &[E]) -> (Vec<E>, f64) {
        let rows = poses.len() / POSE;
        self.parameters.set_wanted(false);
        let (p, pass) = (
            &self.parameters,
            &mut Forward::<E>::new(&Default::default()),
        );
        let x = pass.leaf(poses.to_vec(), rows, false);
        let x = pass.leaf(self.norms[0].evaluate(p, &x), rows, false);
        let x = self.encoder[0].forward(p, pass, &x);
        let x = pass.leaf(self.norms[1].evaluate(p, &x), rows, false);
        let x = self.encoder[1].forward(p, pass, &x);
        let x = self.encoder[2].forward(p, pass, &x);
        let mu = self.mu.forward(p, pass, &x);
        let logvar = self.logvar.forward(p, pass, &x);
        let kl = seed_divergence(pass, &mu, &logvar, 0.0);
        let y = self
            .decoder
            .iter()
            .fold(mu, |y, layer| layer.forward(p, pass, &y));
        let rotations = rotations::from_six(pass, &y).numbers().to_vec();
        self.parameters.set_wanted(true);
        (rotations, kl)
    }

    pub fn save(&self, to: &mut Tensors) {
        self.parameters.save(to);
        self.norms.iter().for_each(|norm| norm.save(to));
    }

    pub fn restore(&mut self, from: &Tensors) -> Result<(), String> {
        self.parameters.restore(from)?;
        self.norms
            .iter_mut()
            .try_for_each(|norm| norm.restore(from))
    }
}

/// ln(1 + eˣ) without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// d softplus / dx.
fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// z = mu + softplus(logvar)·noise.
fn sample<E: Real>(
    pass: &mut Forward<E>,
    mu: &Batch<E>,
    logvar: &Batch<E>,
    noise: Vec<E>,
) -> Batch<E> {
    let mut z = noise.clone();
    let parts = z.par_chunks_mut(CHUNK).zip(mu.numbers().par_chunks(CHUNK));
    let parts = parts.zip(logvar.numbers().par_chunks(CHUNK));
    parts.for_each(|((z, mu), logvar)| {
        for ((z, m), l) in z.iter_mut().zip(mu).zip(logvar) {
            *z = *m + E::of(softplus(l.wide())) * *z;
        }
    });
    pass.join(&[mu, logvar], z, mu.rows(), move |whole| {
        let (g, logvar) = (&*whole.out_gradient, whole.inputs[1]);
        let [dmu, dlogvar] = whole.gradients.try_into().unwrap_or([None, None]);
        for (to, g) in dmu.into_iter().flatten().zip(g) {
            *to += *g;
        }
        let Some(dlogvar) = dlogvar else { return };
        let parts = dlogvar.par_chunks_mut(CHUNK).zip(g.par_chunks(CHUNK));
        let parts = parts.zip(logvar.par_chunks(CHUNK).zip(noise.par_chunks(CHUNK)));
        parts.for_each(|((to, g), (logvar, noise))| {
            for (((to, g), l), n) in to.iter_mut().zip(g).zip(logvar).zip(noise) {
                *to += *g * *n * E::of(logistic(l.wide()));
            }
        });
    })
}

/// The mean over rows of Σ ½(mu² + s² − 1) − ln s with s = softplus(logvar).
fn seed_divergence<E: Real>(
    pass: &mut Forward<E>,
    mu: &Batch<E>,
    logvar: &Batch<E>,
    weight: f64,
) -> f64 {
    let share = 1.0 / mu.rows().max(1) as f64;
    let (mut dmu, mut dlogvar) = (mu.numbers().to_vec(), logvar.numbers().to_vec());
    let parts = dmu.par_chunks_mut(CHUNK).zip(dlogvar.par_chunks_mut(CHUNK));
    let sums: Vec<f64> = parts
        .map(|(dmu, dlogvar)| {
            let mut sum = 0.0;
            for (m, l) in dmu.iter_mut().zip(dlogvar) {
                let (mean, raw) = (m.wide(), l.wide());
                // Below this softplus is zero in f32, and its logarithm infinite.
                let s = softplus(raw).max(1e-30);
                sum += 0.5 * (mean * mean + s * s - 1.0) - s.ln();
                *m = E::of(weight * share * mean);
                *l = E::of(weight * share * (s - 1.0 / s) * logistic(raw));
            }
            sum
        })
        .collect();
    pass.seed(mu, dmu);
    pass.seed(logvar, dlogvar);
    sums.iter().sum::<f64>() * share
}
