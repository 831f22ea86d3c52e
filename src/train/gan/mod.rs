//! Adversarial training of a pose prior: a generator of poses against a discriminator of joints and
//! whole poses (Davydov et al. 2022), with the losses of least squares.

mod discriminator;
mod generator;
mod measures;
mod names;
mod players;
#[cfg(test)]
mod tests;

use super::network::{Forward, rotations};
use super::settings::GanSettings;
use super::trainee::Trainee;
use crate::body::{BODY_JOINTS, BodyModel};
use crate::io::tensors::Tensors;
use crate::random::SplitMix64;
use discriminator::Said;
use measures::Skeleton;
use players::Players;

/// Leakage of the activation, in VPoser v1 and in the discriminator.
const SLOPE: f64 = 0.2;
const POSE: usize = 3 * BODY_JOINTS;

/// Samples that are compared with held-out poses, always from the same codes.
const SAMPLES: usize = 5000;

/// Poses of the training that samples are compared with.
const KNOWN: usize = 10_000;

/// A generator, its running average, and its discriminator.
pub(crate) struct GanTrainee {
    settings: GanSettings,
    skeleton: Skeleton,
    /// Some of the poses that it is trained on, as matrices (rows, 9·21).
    known: Vec<f32>,
    players: Players,
}

impl GanTrainee {
    /// `poses` (rows, 63) are what it is trained on, for its precision.
    pub fn new(settings: &GanSettings, body: &BodyModel, poses: &[f32], seed: u64) -> Self {
        let known = measures::evenly(poses.chunks_exact(POSE).collect(), KNOWN);
        Self {
            settings: settings.clone(),
            skeleton: Skeleton::new(body),
            known: rotations::from_angles(&known.concat()),
            players: Players::new(settings, seed),
        }
    }

    /// Codes (rows, latent_dim).
    fn codes(&self, rows: usize, random: &mut SplitMix64) -> Vec<f32> {
        let draw = |_| self.settings.latent.draw(self.settings.latent_dim, random);
        (0..rows).flat_map(draw).map(|x| x as f32).collect()
    }

    /// Lowers the mean squared distance of what is said of samples to 1, and returns it.
    fn generator_step(&mut self, codes: Vec<f32>, rows: usize) -> f64 {
        let players = &mut self.players;
        players.discriminator.parameters.set_wanted(false);
        let mut pass = Forward::<f32>::new(&Default::default());
        let codes = pass.leaf(codes, rows, false);
        let made = players.generator.make(&mut pass, &codes);
        let said = players.discriminator.judge(&mut pass, &made);
        let loss = said.seed(&mut pass, 1.0).miss;
        players.discriminator.parameters.set_wanted(true);
        players.move_generator(pass, self.settings.average);
        loss
    }

    /// Lowers the squared distances of what is said of `real` to 1 and of samples to 0.
    fn discriminator_step(&mut self, real: Vec<f32>, codes: Vec<f32>, rows: usize) -> [Said; 2] {
        let players = &mut self.players;
        let mut pass = Forward::<f32>::new(&Default::default());
        let fake = players.generator.samples(codes, rows);
        let said = [(real, 1.0), (fake, 0.0)].map(|(rotations, target)| {
            let rotations = pass.leaf(rotations, rows, false);
            let said = players.discriminator.judge(&mut pass, &rotations);
            said.seed(&mut pass, target)
        });
        players.move_discriminator(pass);
        said
    }
}

impl Trainee for GanTrainee {
    fn losses(&self) -> &'static [&'static str] {
        &["generator", "discriminator", "real", "fake"]
    }

    fn measures(&self) -> &'static [&'static str] {
        &["distance_mm", "recall_mm", "precision_mm", "impossible"]
    }

    fn begin_epoch(&mut self, _epoch: usize) {}

    fn scale_learning_rate(&mut self, factor: f64) {
        let (maker, judge) = (
            self.settings.generator_rate,
            self.settings.discriminator_rate,
        );
        self.players.set_rates(factor * maker, factor * judge);
    }

    fn step(&mut self, batch: &[f32], random: &mut SplitMix64) -> Vec<f64> {
        let rows = batch.len() / POSE;
        let real = rotations::from_angles(batch);
        let codes = self.codes(rows, random);
        let generator = self.generator_step(codes, rows);
        let mut said = [Said::default(); 2];
        for _ in 0..self.settings.discriminator_steps {
            let codes = self.codes(rows, random);
            said = self.discriminator_step(real.clone(), codes, rows);
        }
        let [real, fake] = said;
        vec![generator, real.miss + fake.miss, real.mean, fake.mean]
    }

    /// Precision is measured against poses of the training too, as a few held-out subjects do not do
    /// all that people do. The first is √((recall² + precision²)/2): samples that are few, or all the
    /// same, have a poor recall, which no precision makes up for.
    fn validate(&mut self, poses: &[f32]) -> Vec<f64> {
        let poses = measures::evenly(poses.chunks_exact(POSE).collect(), SAMPLES);
        let poses = rotations::from_angles(&poses.concat());
        let codes = self.codes(SAMPLES, &mut SplitMix64(1));
        let samples = self.players.average.samples(codes, SAMPLES);
        let found = self.skeleton.measure(&poses, &self.known, &samples);
        let distance = (found.recall.powi(2) + found.precision.powi(2)) / 2.0;
        let share = found.impossible;
        vec![distance.sqrt(), found.recall, found.precision, share]
    }

    fn state(&self) -> Tensors {
        self.players.save()
    }

    /// Changes nothing unless everything is there.
    fn restore(&mut self, state: &Tensors) -> Result<(), String> {
        let mut players = Players::new(&self.settings, 0);
        players.restore(state)?;
        self.players = players;
        Ok(())
    }

    fn weights(&self) -> Tensors {
        names::published(&self.players)
    }
}
