//! VPoser v2 in training: a variational autoencoder of body poses (Pavlakos et al. 2019).

mod blocks;
pub(super) mod body_loss;
mod network;
#[cfg(test)]
mod tests;

use self::body_loss::{BodyLoss, Distances};
use self::network::Network;
use super::network::{Adam, AdamSettings, Forward, rotations};
use super::{Trainee, VposerSettings};
use crate::body::{BODY_JOINTS, BodyModel};
use crate::io::tensors::Tensors;
use crate::random::SplitMix64;

/// Rows of held-out poses that are evaluated at once.
const ROWS: usize = 1024;

/// The network, its losses and its optimiser.
pub(crate) struct VposerTrainee {
    settings: VposerSettings,
    network: Network<f32>,
    body: BodyLoss<f32>,
    adam: Adam<f32>,
    epoch: usize,
}

impl VposerTrainee {
    /// The network's batch norm starts from the mean and variance of `poses`, (rows, 63).
    pub fn new(settings: &VposerSettings, body: &BodyModel, poses: &[f32], seed: u64) -> Self {
        let network = Network::new(settings, poses, &mut SplitMix64(seed));
        let rate = AdamSettings {
            rate: settings.learning_rate,
            weight_decay: settings.weight_decay,
            ..AdamSettings::default()
        };
        Self {
            adam: Adam::new(rate, &network.parameters),
            settings: settings.clone(),
            network,
            body: BodyLoss::new(body),
            epoch: 0,
        }
    }

    fn weights_of_losses(&self) -> Distances {
        let extra = if self.epoch < self.settings.extra_epochs {
            1.0
        } else {
            0.0
        };
        Distances {
            vertices: self.settings.vertices,
            geodesic: extra * self.settings.geodesic,
            joints: extra * self.settings.joints,
        }
    }
}

/// Σ weights × distances.
fn weighted(weights: Distances, found: Distances) -> f64 {
    weights.vertices * found.vertices
        + weights.geodesic * found.geodesic
        + weights.joints * found.joints
}

impl Trainee for VposerTrainee {
    fn losses(&self) -> &'static [&'static str] {
        &["total", "kl", "vertices", "geodesic", "joints"]
    }

    fn measures(&self) -> &'static [&'static str] {
        &["vertices_mm", "joints_mm", "geodesic_deg", "kl"]
    }

    fn begin_epoch(&mut self, epoch: usize) {
        self.epoch = epoch;
    }

    fn scale_learning_rate(&mut self, factor: f64) {
        self.adam.settings.rate = factor * self.settings.learning_rate;
    }

    fn step(&mut self, batch: &[f32], random: &mut SplitMix64) -> Vec<f64> {
        let mut pass = Forward::<f32>::new(&Default::default());
        let target = rotations::from_angles(batch);
        let weight = self.settings.kl;
        let (predicted, kl) = self.network.train(&mut pass, batch, weight, random);
        let weights = self.weights_of_losses();
        let (found, gradient) = self.body.evaluate(predicted.numbers(), &target, weights);
        pass.seed(&predicted, gradient);
        self.adam.step(&mut self.network.parameters, pass);
        let total = weight * kl + weighted(weights, found);
        vec![total, kl, found.vertices, found.geodesic, found.joints]
    }

    fn validate(&mut self, poses: &[f32]) -> Vec<f64> {
        let mut sums = [0.0; 4];
        for poses in poses.chunks(ROWS * 3 * BODY_JOINTS) {
            let target = rotations::from_angles(poses);
            let (predicted, kl) = self.network.evaluate(poses);
            let found = self.body.measure(&predicted, &target);
            let rows = (poses.len() / (3 * BODY_JOINTS)) as f64;
            let measures = [
                found.vertices * 1e3,
                found.joints * 1e3,
                found.geodesic.to_degrees(),
                kl,
            ];
            for (sum, measure) in sums.iter_mut().zip(measures) {
                *sum += rows * measure;
            }
        }
        let rows = (poses.len() / (3 * BODY_JOINTS)).max(1) as f64;
        sums.map(|sum| sum / rows).to_vec()
    }

    fn state(&self) -> Tensors {
        let mut state = self.weights();
        self.adam.save("adam", &self.network.parameters, &mut state);
        state
    }

    fn restore(&mut self, state: &Tensors) -> Result<(), String> {
        self.network.restore(state)?;
        self.adam.restore("adam", &self.network.parameters, state)
    }

    fn weights(&self) -> Tensors {
        let mut weights = Tensors::default();
        self.network.save(&mut weights);
        weights
    }
}
