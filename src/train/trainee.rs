//! What the training loop asks of a prior that is trained step by step.

use crate::io::tensors::Tensors;
use crate::random::SplitMix64;

/// A network with its losses and its optimiser; poses are rows of 63 axis-angle numbers, rad.
pub(crate) trait Trainee: Send {
    /// What `step` returns, in this order; the first is the total that it lowers.
    fn losses(&self) -> &'static [&'static str];

    /// What `validate` returns, in this order; the first is watched, and less of it is better.
    fn measures(&self) -> &'static [&'static str];

    /// Called before the first step of an epoch, counted from 0, also after a resumption.
    fn begin_epoch(&mut self, epoch: usize);

    /// Multiplies the learning rates of the settings.
    fn scale_learning_rate(&mut self, factor: f64);

    /// One step on a batch, (batch, 63).
    fn step(&mut self, batch: &[f32], random: &mut SplitMix64) -> Vec<f64>;

    /// Measures of the weights that `weights` returns, on held-out poses (rows, 63).
    fn validate(&mut self, poses: &[f32]) -> Vec<f64>;

    /// Everything that it takes to go on: weights, moments, averages.
    fn state(&self) -> Tensors;

    fn restore(&mut self, state: &Tensors) -> Result<(), String>;

    /// The weights that are used after the training, by their published names.
    fn weights(&self) -> Tensors;
}
