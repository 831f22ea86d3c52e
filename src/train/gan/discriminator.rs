//! The discriminator: a network shared by the joints, a head per joint and one for the whole pose.

use super::SLOPE;
use crate::body::BODY_JOINTS;
use crate::graph::Real;
use crate::random::SplitMix64;
use crate::train::network::{Batch, Forward, Heads, Linear, Parameters};

/// Channels of a joint.
const CHANNELS: usize = 32;
const HIDDEN: usize = 64;

/// The input of the whole-pose head is joint after joint here, channel after channel in the files.
pub(super) struct Discriminator<E: Real> {
    pub parameters: Parameters<E>,
    joint: [Linear; 2],
    whole: [Linear; 3],
    each: Heads,
}

/// What is said of a batch: of each joint, (rows, 21), and of the whole pose, (rows, 1).
pub(super) struct Judgement<E: Real>([Batch<E>; 2]);

/// A judgement in short.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Said {
    pub mean: f64,
    /// Mean squared distance to the target.
    pub miss: f64,
}

impl<E: Real> Discriminator<E> {
    pub fn new(random: &mut SplitMix64) -> Self {
        let mut parameters = Parameters::new();
        let mut linear = |name: &str, dims: [usize; 2], slope: f64| {
            let name = format!("discriminator.{name}");
            Linear::new(&mut parameters, &name, dims, slope, random)
        };
        let joint = [
            linear("comm_conv.0", [9, CHANNELS], SLOPE),
            linear("comm_conv.2", [CHANNELS, CHANNELS], SLOPE),
        ];
        let features = BODY_JOINTS * CHANNELS;
        let whole = [
            linear("disc_poseall.fc_all_pose.0", [features, HIDDEN], SLOPE),
            linear("disc_poseall.fc_all_pose.2", [HIDDEN, HIDDEN], SLOPE),
            linear("disc_poseall.fc_all_pose.4", [HIDDEN, 1], 1.0),
        ];
        let name = "discriminator.disc_poseeach.fc_layer";
        Self {
            each: Heads::new(&mut parameters, name, [BODY_JOINTS, CHANNELS], random),
            parameters,
            joint,
            whole,
        }
    }

    /// Of rotations, (rows, 9·21).
    pub fn judge(&self, pass: &mut Forward<E>, rotations: &Batch<E>) -> Judgement<E> {
        let p = &self.parameters;
        let x = self.joint[0].forward(p, pass, rotations);
        let features = self.joint[1].forward(p, pass, &x);
        let x = self.whole[0].forward(p, pass, &features);
        let x = self.whole[1].forward(p, pass, &x);
        let whole = self.whole[2].forward(p, pass, &x);
        Judgement([self.each.forward(p, pass, &features), whole])
    }
}

impl<E: Real> Judgement<E> {
    /// Seeds the mean squared distance of all judgements to `target`.
    pub fn seed(&self, pass: &mut Forward<E>, target: f64) -> Said {
        let count: usize = self.0.iter().map(|batch| batch.numbers().len()).sum();
        let share = 1.0 / count.max(1) as f64;
        let mut said = Said::default();
        for batch in &self.0 {
            let mut pull = |out: &E| {
                let miss = out.wide() - target;
                said.mean += share * out.wide();
                said.miss += share * miss * miss;
                E::of(2.0 * share * miss)
            };
            let gradient = batch.numbers().iter().map(&mut pull).collect();
            pass.seed(batch, gradient);
        }
        said
    }
}
