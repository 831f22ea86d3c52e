//! Decoding outside of any graph, in f64.

use super::network::{Decoder, OUT, leaky};
use super::{Latent, Learned, Mixture, Prior};
use crate::graph::Kernel;
use crate::graph::rodrigues::Rodrigues;
use crate::graph::rotation_log::RotationLog;
use crate::graph::six_d::SixD;

impl Decoder {
    /// (rows, latent) to (rows, 126).
    fn six(&self, codes: &[f64]) -> Vec<f64> {
        let mut x = codes.to_vec();
        for (k, layer) in self.layers.iter().enumerate() {
            x = layer.apply(&x);
            if k < 2 {
                leaky(&mut x, self.slope);
            }
        }
        x
    }
}

impl Learned {
    /// Poses of codes, (rows, latent) to (rows, 21·9), matrices row-major.
    pub fn rotations(&self, codes: &[f64]) -> Vec<f64> {
        let six = self.decoder.six(codes);
        rows(&SixD { count: 21 }, &six, OUT)
    }
}

impl Prior {
    /// Numbers of a code.
    pub fn latent_dim(&self) -> usize {
        match self {
            Self::None => 63,
            Self::Mixture(mixture) => mixture.dims,
            Self::Learned(learned) => learned.latent_dim(),
            Self::Own(own) => own.dims(),
        }
    }

    /// Where its codes live; a mixture's are poses.
    pub fn latent(&self) -> Latent {
        match self {
            Self::Learned(learned) => learned.latent(),
            _ => Latent::Normal,
        }
    }

    /// Poses of codes, (rows, latent) to (rows, 21·9), matrices row-major.
    pub fn rotations(&self, codes: &[f64]) -> Vec<f64> {
        match self {
            Self::Learned(learned) => learned.rotations(codes),
            _ => rows(&Rodrigues { count: 21 }, &self.pose_body(codes), 63),
        }
    }

    /// Poses of codes, (rows, latent) to (rows, 63), axis-angle, rad.
    pub fn pose_body(&self, codes: &[f64]) -> Vec<f64> {
        match self {
            Self::Learned(learned) => rows(
                &RotationLog { count: 21 },
                &learned.rotations(codes),
                9 * 21,
            ),
            Self::Own(own) => own.pose_body(codes),
            _ => codes.to_vec(),
        }
    }

    /// Codes of poses, (rows, 63) to (rows, latent): the means that the encoder gives, where there is
    /// one; a mixture's codes are the poses themselves.
    pub fn encode(&self, poses: &[f64]) -> Option<Vec<f64>> {
        match self {
            Self::Learned(learned) => learned.encode(poses),
            Self::Own(own) if own.pose.is_some() => None,
            _ => Some(poses.to_vec()),
        }
    }

    /// Codes drawn from the prior, (count, latent); nothing can be drawn from no prior.
    pub fn sample(&self, count: usize, seed: u64) -> Option<Vec<f64>> {
        let mut random = crate::random::SplitMix64(seed);
        let mut draw = || match self {
            Self::None | Self::Own(_) => None,
            Self::Mixture(mixture) => Some(mixture.draw(&mut random)),
            Self::Learned(learned) => Some(learned.draw_code(&mut random)),
        };
        let codes: Option<Vec<Vec<f64>>> = (0..count).map(|_| draw()).collect();
        Some(codes?.concat())
    }
}

impl Mixture {
    /// A pose drawn from the mixture.
    pub(super) fn draw(&self, random: &mut crate::random::SplitMix64) -> Vec<f64> {
        let mut left = random.uniform();
        let weights = self.weights();
        let mut component = weights.len() - 1;
        for (m, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                component = m;
                break;
            }
        }
        let normal: Vec<f64> = (0..self.dims).map(|_| random.normal()).collect();
        self.pose(component, &normal)
    }
}

/// An operation on all rows in f64, outside of any graph.
fn rows(operation: &impl Kernel<f64>, data: &[f64], dims: usize) -> Vec<f64> {
    let mut out = vec![0.0; data.len() / dims * operation.out_dims()];
    let rows = data.chunks_exact(dims);
    for (x, y) in rows.zip(out.chunks_exact_mut(operation.out_dims())) {
        operation.forward::<f64>(&[x], y);
    }
    out
}
