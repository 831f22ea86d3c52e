//! Adversarial training of a pose prior: a generator of poses against a discriminator of joints and
//! whole poses (Davydov et al. 2022), with the losses of least squares. An encoder that is trained with them
//! makes the generator give back the poses that it is shown.

mod discriminator;
mod encoder;
mod generator;
mod measures;
mod names;
mod players;
mod reconstruction;
#[cfg(test)]
mod tests;

use super::network::{Forward, rotations};
use super::settings::GanSettings;
use super::trainee::Trainee;
use super::vposer::body_loss::BodyLoss;
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
    body: BodyLoss<f32>,
    players: Players,
}

impl GanTrainee {
    /// `poses` (rows, 63) are what it is trained on, for its precision and what an encoder reads.
    pub fn new(settings: &GanSettings, body: &BodyModel, poses: &[f32], seed: u64) -> Self {
        let known = measures::evenly(poses.chunks_exact(POSE).collect(), KNOWN);
        Self {
            settings: settings.clone(),
            skeleton: Skeleton::new(body),
            known: rotations::from_angles(&known.concat()),
            body: BodyLoss::new(body),
            players: Players::new(settings, poses, seed),
        }
    }

    /// Codes (rows, latent_dim).
    fn codes(&self, rows: usize, random: &mut SplitMix64) -> Vec<f32> {
        let draw = |_| self.settings.latent.draw(self.settings.latent_dim, random);
        (0..rows).flat_map(draw).map(|x| x as f32).collect()
    }

    /// Lowers the mean squared distance of what is said of samples to 1, and with an encoder how far
    /// `poses` (rows, 63) come back; returns both.
    fn generator_step(&mut self, codes: Vec<f32>, poses: &[f32]) -> [f64; 2] {
        let players = &mut self.players;
        players.discriminator.parameters.set_wanted(false);
        let mut pass = Forward::<f32>::new(&Default::default());
        let rows = poses.len() / POSE;
        let drawn = pass.leaf(codes.clone(), rows, false);
        let made = players.generator.make(&mut pass, &drawn);
        let said = players.discriminator.judge(&mut pass, &made);
        let loss = said.seed(&mut pass, 1.0).miss;
        players.discriminator.parameters.set_wanted(true);
        let away = match players.generator.encoder {
            None => 0.0,
            Some(_) => {
                let samples = rotations::to_angles(made.numbers());
                let weight = self.settings.reconstruction;
                let (generator, body) = (&players.generator, &self.body);
                reconstruction::seed_codes(generator, &mut pass, samples, &codes, weight);
                reconstruction::seed_poses(generator, body, &mut pass, poses, weight)
            }
        };
        players.move_generator(pass, self.settings.average);
        [loss, away]
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
        &[
            "generator",
            "discriminator",
            "real",
            "fake",
            "reconstruction",
        ]
    }

    fn measures(&self) -> &'static [&'static str] {
        &[
            "distance_mm",
            "recall_mm",
            "precision_mm",
            "impossible",
            "reconstruction_mm",
        ]
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
        let [generator, away] = self.generator_step(codes, batch);
        let mut said = [Said::default(); 2];
        for _ in 0..self.settings.discriminator_steps {
            let codes = self.codes(rows, random);
            said = self.discriminator_step(real.clone(), codes, rows);
        }
        let [real, fake] = said;
        let both = real.miss + fake.miss;
        vec![generator, both, real.mean, fake.mean, away]
    }

    /// Precision is measured against poses of the training too, as a few held-out subjects do not do
    /// all that people do. The first is the root of the mean square of the distances: samples that are
    /// few, or all the same, have a poor recall, which no precision makes up for.
    fn validate(&mut self, poses: &[f32]) -> Vec<f64> {
        let poses = measures::evenly(poses.chunks_exact(POSE).collect(), SAMPLES).concat();
        let back = self.players.average.there_and_back(&poses);
        let poses = rotations::from_angles(&poses);
        let codes = self.codes(SAMPLES, &mut SplitMix64(1));
        let samples = self.players.average.samples(codes, SAMPLES);
        let found = self.skeleton.measure(&poses, &self.known, &samples);
        let back = back.map(|back| self.skeleton.apart(&poses, &back));
        let distances = [Some(found.recall), Some(found.precision), back];
        let squares: Vec<f64> = distances.into_iter().flatten().map(|x| x * x).collect();
        let distance = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
        vec![
            distance,
            found.recall,
            found.precision,
            found.impossible,
            back.unwrap_or(0.0),
        ]
    }

    fn state(&self) -> Tensors {
        self.players.save()
    }

    /// Changes nothing unless everything is there.
    fn restore(&mut self, state: &Tensors) -> Result<(), String> {
        let mut players = Players::new(&self.settings, &[], 0);
        players.restore(state)?;
        self.players = players;
        Ok(())
    }

    fn weights(&self) -> Tensors {
        names::published(&self.players)
    }
}
