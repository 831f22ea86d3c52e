//! The discriminator: a network shared by the joints, a head per joint and one for the whole pose.

use std::ops::Range;

use super::dense::{Dense, Number, layers, leaky, leaky_back};
use crate::body::BODY_JOINTS;
use crate::random::SplitMix64;

/// Channels of a joint.
const CHANNELS: usize = 32;
const HIDDEN: usize = 64;
/// A judgement per joint and one of the whole.
pub(super) const OUTPUTS: usize = BODY_JOINTS + 1;

/// Names of its layers in the published checkpoints; the heads of the joints lie between.
pub(super) const NAMES: [&str; 5] = [
    "comm_conv.0",
    "comm_conv.2",
    "disc_poseall.fc_all_pose.0",
    "disc_poseall.fc_all_pose.2",
    "disc_poseall.fc_all_pose.4",
];

/// The input of the whole-pose head is joint after joint here, channel after channel in the files.
#[derive(Clone, Debug)]
pub(super) struct Discriminator {
    pub layers: [Dense; 5],
    /// Weights (21, 32), then biases (21).
    pub heads: Range<usize>,
}

/// What is said of a batch, and what it means for the rotations.
pub(super) struct Judgement<E> {
    /// Sum of the outputs, and of their squared distances to the target.
    pub sum: f64,
    pub squares: f64,
    /// (rows, 9·21).
    pub rotations: Vec<E>,
}

impl Discriminator {
    pub fn new() -> Self {
        let joint = layers(0, [(9, CHANNELS), (CHANNELS, CHANNELS)]);
        let heads = joint[1].end()..joint[1].end() + BODY_JOINTS * (CHANNELS + 1);
        let whole = [
            (BODY_JOINTS * CHANNELS, HIDDEN),
            (HIDDEN, HIDDEN),
            (HIDDEN, 1),
        ];
        let whole = layers(heads.end, whole);
        Self {
            layers: [joint[0], joint[1], whole[0], whole[1], whole[2]],
            heads,
        }
    }

    pub fn len(&self) -> usize {
        self.layers[4].end()
    }

    pub fn draw<E: Number>(&self, numbers: &mut [E], random: &mut SplitMix64) {
        let bound = 1.0 / (CHANNELS as f64).sqrt();
        for layer in &self.layers {
            layer.draw(numbers, random);
        }
        for number in &mut numbers[self.heads.clone()] {
            *number = E::of(bound * (2.0 * random.uniform() - 1.0));
        }
    }

    /// Weights and biases of the heads of the joints.
    pub fn head_ranges(&self) -> (Range<usize>, Range<usize>) {
        let middle = self.heads.start + BODY_JOINTS * CHANNELS;
        (self.heads.start..middle, middle..self.heads.end)
    }

    /// Judges `rotations` (rows, 9·21); `scale` times the gradient of the sum of the squared
    /// distances to `target` is added to `to`, or where it is none carried back to the rotations.
    pub fn judge<E: Number>(
        &self,
        numbers: &[E],
        rotations: &[E],
        target: f64,
        scale: f64,
        to: Option<&mut [E]>,
    ) -> Judgement<E> {
        let [conv1, conv2, all1, all2, all3] = &self.layers;
        let rows = rotations.len() / (9 * BODY_JOINTS);
        let parts = rows * BODY_JOINTS;
        let first = leaky(conv1.forward(numbers, rotations, parts));
        let features = leaky(conv2.forward(numbers, &first, parts));
        let third = leaky(all1.forward(numbers, &features, rows));
        let fourth = leaky(all2.forward(numbers, &third, rows));
        let whole = all3.forward(numbers, &fourth, rows);
        let each = self.heads(numbers, &features);

        let (mut sum, mut squares) = (0.0, 0.0);
        let mut pull = |out: &E| {
            let miss = out.wide() - target;
            sum += out.wide();
            squares += miss * miss;
            E::of(2.0 * scale * miss)
        };
        let g_each: Vec<E> = each.iter().map(&mut pull).collect();
        let g_whole: Vec<E> = whole.iter().map(&mut pull).collect();

        let g_fourth = leaky_back(&fourth, all3.backward(numbers, &g_whole, rows));
        let g_third = leaky_back(&third, all2.backward(numbers, &g_fourth, rows));
        let mut g_features = all1.backward(numbers, &g_third, rows);
        self.heads_back(numbers, &g_each, &mut g_features);
        let g_features = leaky_back(&features, g_features);
        let g_first = leaky_back(&first, conv2.backward(numbers, &g_features, parts));

        let rotations = match to {
            None => conv1.backward(numbers, &g_first, parts),
            Some(to) => {
                all3.add_gradient(&fourth, &g_whole, rows, to);
                all2.add_gradient(&third, &g_fourth, rows, to);
                all1.add_gradient(&features, &g_third, rows, to);
                self.add_heads_gradient(&features, &g_each, to);
                conv2.add_gradient(&first, &g_features, parts, to);
                conv1.add_gradient(rotations, &g_first, parts, to);
                Vec::new()
            }
        };
        Judgement {
            sum,
            squares,
            rotations,
        }
    }

    /// (rows·21, 32) to (rows·21).
    fn heads<E: Number>(&self, numbers: &[E], features: &[E]) -> Vec<E> {
        let (weights, biases) = self.head_ranges();
        let heads = numbers[weights].chunks_exact(CHANNELS).cycle();
        let biases = numbers[biases].iter().cycle();
        let joints = features.chunks_exact(CHANNELS).zip(heads).zip(biases);
        joints
            .map(|((x, w), b)| x.iter().zip(w).fold(*b, |sum, (x, w)| sum + *x * *w))
            .collect()
    }

    fn heads_back<E: Number>(&self, numbers: &[E], g: &[E], to: &mut [E]) {
        let heads = numbers[self.head_ranges().0].chunks_exact(CHANNELS).cycle();
        for ((to, w), g) in to.chunks_exact_mut(CHANNELS).zip(heads).zip(g) {
            for (to, w) in to.iter_mut().zip(w) {
                *to += *g * *w;
            }
        }
    }

    fn add_heads_gradient<E: Number>(&self, features: &[E], g: &[E], to: &mut [E]) {
        let (weights, biases) = self.head_ranges();
        for (i, (x, g)) in features.chunks_exact(CHANNELS).zip(g).enumerate() {
            let joint = i % BODY_JOINTS;
            let head = &mut to[weights.start + joint * CHANNELS..][..CHANNELS];
            for (to, x) in head.iter_mut().zip(x) {
                *to += *g * *x;
            }
            to[biases.start + joint] += *g;
        }
    }
}
