//! Adversarial training of a pose prior: a generator of poses against a discriminator of joints and
//! whole poses (Davydov et al. 2022), with the losses of least squares.

mod adam;
mod dense;
mod discriminator;
mod generator;
mod measures;
mod names;
mod six;
mod state;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use super::settings::GanSettings;
use super::trainee::Trainee;
use crate::body::{BODY_JOINTS, BodyModel};
use crate::graph::rodrigues::Rodrigues;
use crate::graph::{Operation, Value};
use crate::io::tensors::Tensors;
use crate::random::SplitMix64;
use adam::Adam;
use discriminator::{Discriminator, OUTPUTS};
use generator::Generator;
use measures::Skeleton;

/// Rows that are worked off together; a constant, so that no sum depends on the number of threads.
const CHUNK: usize = 64;
const ROTATIONS: usize = 9 * BODY_JOINTS;
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
    generator: Player<Generator>,
    /// Running average of the generator's numbers.
    average: Vec<f32>,
    discriminator: Player<Discriminator>,
    /// Factor of the learning rates.
    scale: f64,
}

/// A network, its numbers and their optimiser.
struct Player<N> {
    network: N,
    numbers: Vec<f32>,
    adam: Adam,
}

/// What a discriminator's step saw.
#[derive(Clone, Copy, Default)]
struct Judged {
    loss: f64,
    real: f64,
    fake: f64,
}

impl GanTrainee {
    /// `poses` (rows, 63) are what it is trained on, for its precision.
    pub fn new(settings: &GanSettings, body: &BodyModel, poses: &[f32], seed: u64) -> Self {
        let known = measures::evenly(poses.chunks_exact(3 * BODY_JOINTS).collect(), KNOWN);
        let mut random = SplitMix64(seed);
        let network = Generator::new(settings.latent_dim, settings.hidden);
        let mut numbers = vec![0.0; network.len()];
        for layer in &network.layers {
            layer.draw(&mut numbers, &mut random);
        }
        let average = numbers.clone();
        let adam = Adam::new(numbers.len(), settings.generator_rate, settings.betas);
        let generator = Player {
            network,
            numbers,
            adam,
        };
        let network = Discriminator::new();
        let mut numbers = vec![0.0; network.len()];
        network.draw(&mut numbers, &mut random);
        let adam = Adam::new(numbers.len(), settings.discriminator_rate, settings.betas);
        let discriminator = Player {
            network,
            numbers,
            adam,
        };
        Self {
            settings: settings.clone(),
            skeleton: Skeleton::new(body),
            known: rotations(&known.concat()),
            generator,
            average,
            discriminator,
            scale: 1.0,
        }
    }

    /// Codes (rows, latent_dim).
    fn codes(&self, rows: usize, random: &mut SplitMix64) -> Vec<f32> {
        let draw = |_| self.settings.latent.draw(self.settings.latent_dim, random);
        (0..rows).flat_map(draw).map(|x| x as f32).collect()
    }

    /// Lowers the mean squared distance of what is said of samples to 1, and returns it.
    fn generator_step(&mut self, codes: &[f32], rows: usize) -> f64 {
        let (maker, judge) = (&self.generator, &self.discriminator);
        let scale = 1.0 / (rows * OUTPUTS) as f64;
        let work = |codes: &[f32]| {
            let rows = codes.len() / self.settings.latent_dim;
            let made = maker.network.forward(&maker.numbers, codes, rows);
            let judged = judge
                .network
                .judge(&judge.numbers, &made.rotations, 1.0, scale, None);
            let mut gradient = vec![0.0; maker.numbers.len()];
            let g = &judged.rotations;
            maker
                .network
                .add_gradient(&maker.numbers, codes, &made, g, &mut gradient);
            (judged.squares * scale, gradient)
        };
        let chunks = codes.par_chunks(CHUNK * self.settings.latent_dim);
        let (losses, gradients): (Vec<f64>, Vec<_>) = chunks.map(work).unzip();
        self.generator.descend(gradients, self.scale);
        self.follow();
        losses.iter().sum()
    }

    /// Moves the running average; early on it averages over a tenth of the steps so far.
    fn follow(&mut self) {
        let steps = self.generator.adam.steps as f64;
        let keep = self.settings.average.min(steps / (9.0 + steps)) as f32;
        for (average, number) in self.average.iter_mut().zip(&self.generator.numbers) {
            *average += (1.0 - keep) * (number - *average);
        }
    }

    /// Lowers the squared distances of what is said of `real` to 1 and of samples to 0.
    fn discriminator_step(&mut self, real: &[f32], codes: &[f32]) -> Judged {
        let (maker, judge) = (&self.generator, &self.discriminator);
        let scale = 1.0 / (real.len() / ROTATIONS * OUTPUTS) as f64;
        let work = |(real, codes): (&[f32], &[f32])| {
            let rows = real.len() / ROTATIONS;
            let fake = maker.network.forward(&maker.numbers, codes, rows).rotations;
            let mut gradient = vec![0.0; judge.numbers.len()];
            let mut say = |rotations: &[f32], target| {
                let to = Some(&mut gradient[..]);
                judge
                    .network
                    .judge(&judge.numbers, rotations, target, scale, to)
            };
            let (real, fake) = (say(real, 1.0), say(&fake, 0.0));
            let judged = Judged {
                loss: scale * (real.squares + fake.squares),
                real: scale * real.sum,
                fake: scale * fake.sum,
            };
            (judged, gradient)
        };
        let real = real.par_chunks(CHUNK * ROTATIONS);
        let codes = codes.par_chunks(CHUNK * self.settings.latent_dim);
        let (judged, gradients): (Vec<Judged>, Vec<_>) = real.zip(codes).map(work).unzip();
        self.discriminator.descend(gradients, self.scale);
        judged.iter().fold(Judged::default(), |sum, part| Judged {
            loss: sum.loss + part.loss,
            real: sum.real + part.real,
            fake: sum.fake + part.fake,
        })
    }

    /// The averaged generator's samples of fixed codes, (samples, 9·21).
    fn samples(&self) -> Vec<f32> {
        let codes = self.codes(SAMPLES, &mut SplitMix64(1));
        let network = &self.generator.network;
        let make = |codes: &[f32]| {
            let rows = codes.len() / self.settings.latent_dim;
            network.forward(&self.average, codes, rows).rotations
        };
        let chunks = codes.par_chunks(CHUNK * self.settings.latent_dim);
        chunks.flat_map_iter(make).collect()
    }
}

impl<N> Player<N> {
    /// A step down the sum of the chunks' gradients.
    fn descend(&mut self, gradients: Vec<Vec<f32>>, scale: f64) {
        let mut gradients = gradients.into_iter();
        let Some(mut sum) = gradients.next() else {
            return;
        };
        for part in gradients {
            for (sum, part) in sum.iter_mut().zip(part) {
                *sum += part;
            }
        }
        self.adam.step(&mut self.numbers, &sum, scale);
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
        self.scale = factor;
    }

    fn step(&mut self, batch: &[f32], random: &mut SplitMix64) -> Vec<f64> {
        let rows = batch.len() / (3 * BODY_JOINTS);
        let real = rotations(batch);
        let codes = self.codes(rows, random);
        let generator = self.generator_step(&codes, rows);
        let mut judged = Judged::default();
        for _ in 0..self.settings.discriminator_steps {
            let codes = self.codes(rows, random);
            judged = self.discriminator_step(&real, &codes);
        }
        vec![generator, judged.loss, judged.real, judged.fake]
    }

    /// Precision is measured against poses of the training too, as a few held-out subjects do not do
    /// all that people do. The first is √((recall² + precision²)/2): samples that are few, or all the same, have a poor
    /// recall, which no precision makes up for.
    fn validate(&mut self, poses: &[f32]) -> Vec<f64> {
        let poses = measures::evenly(poses.chunks_exact(3 * BODY_JOINTS).collect(), SAMPLES);
        let found =
            self.skeleton
                .measure(&rotations(&poses.concat()), &self.known, &self.samples());
        let distance = (found.recall.powi(2) + found.precision.powi(2)) / 2.0;
        let share = found.impossible;
        vec![distance.sqrt(), found.recall, found.precision, share]
    }

    fn state(&self) -> Tensors {
        state::save(self)
    }

    fn restore(&mut self, state: &Tensors) -> Result<(), String> {
        state::load(self, state)
    }

    fn weights(&self) -> Tensors {
        names::published(self)
    }
}

/// Axis-angle rows (rows, 63) to matrices (rows, 9·21).
fn rotations(poses: &[f32]) -> Vec<f32> {
    let rodrigues = Rodrigues { count: BODY_JOINTS };
    let matrices = poses
        .par_chunks_exact(3 * BODY_JOINTS)
        .flat_map_iter(|pose| {
            let mut out = vec![0.0; ROTATIONS];
            let input = Value {
                data: pose,
                dims: 3 * BODY_JOINTS,
                rows: 1,
            };
            rodrigues.forward(0, &[input], &mut out);
            out
        });
    matrices.collect()
}
