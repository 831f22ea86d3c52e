//! Decoding as operations of the graph: dense layers with their activation, in f32 or f64.

use super::network::{Decoder, OUT, leaky};
use super::{Latent, Learned, Mixture, Prior};
use crate::graph::product::{Rows2, add_a_b, add_a_bt};
use crate::graph::rodrigues::Rodrigues;
use crate::graph::rotation_log::RotationLog;
use crate::graph::six_d::SixD;
use crate::graph::{Gradient, Operation, Scalar, Value};

/// y = LeakyReLU(x Wᵀ + b) with fixed weights.
pub(crate) struct DenseLayer<E> {
    inputs: usize,
    weight: Vec<E>,
    bias: Vec<E>,
    slope: E,
}

impl<E: Scalar> DenseLayer<E> {
    /// One of a decoder's layers; the last has no activation.
    pub fn new(decoder: &Decoder, layer: usize) -> Self {
        let slope = if layer < 2 { decoder.slope } else { 1.0 };
        let layer = &decoder.layers[layer];
        let convert = |numbers: &[f64]| numbers.iter().map(|x| E::of(*x)).collect();
        Self {
            inputs: layer.inputs,
            weight: convert(&layer.weight),
            bias: convert(&layer.bias),
            slope: E::of(slope),
        }
    }

    fn weight(&self) -> Rows2<'_, E> {
        Rows2 {
            data: &self.weight,
            rows: self.bias.len(),
            columns: self.inputs,
        }
    }
}

impl<E: Scalar> Operation<E> for DenseLayer<E> {
    fn out_dims(&self) -> usize {
        self.bias.len()
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        let row = Value {
            data: inputs[0].row(i),
            dims: self.inputs,
            rows: 1,
        };
        self.forward_rows(1, &[row], out);
    }

    fn backward(
        &self,
        i: usize,
        _inputs: &[Value<'_, E>],
        out: &[E],
        out_gradient: &[E],
        gradients: &mut [Option<Gradient<'_, E>>],
    ) {
        if let Some(gradient) = &mut gradients[0] {
            self.pull_back(out, out_gradient, gradient.row(i));
        }
    }

    fn forward_rows(&self, rows: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        for row in out.chunks_exact_mut(self.bias.len()) {
            row.copy_from_slice(&self.bias);
        }
        let once = inputs[0].rows == 1;
        let x = Rows2 {
            data: inputs[0].data,
            rows: if once { 1 } else { rows },
            columns: self.inputs,
        };
        let n = x.rows * self.bias.len();
        add_a_bt(&mut out[..n], x, self.weight());
        for x in out[..n].iter_mut().filter(|x| **x < E::zero()) {
            *x *= self.slope;
        }
        for row in n..out.len() {
            out[row] = out[row - n];
        }
    }

    fn backward_rows(
        &self,
        inputs: &[Value<'_, E>],
        out: Value<'_, E>,
        out_gradient: &[E],
        gradients: &mut [Option<Gradient<'_, E>>],
    ) {
        let Some(gradient) = &mut gradients[0] else {
            return;
        };
        if gradient.rows == out.rows {
            return self.pull_back(out.data, out_gradient, gradient.data);
        }
        for i in 0..out.rows {
            let range = i * out.dims..(i + 1) * out.dims;
            self.backward(
                i,
                inputs,
                &out.data[range.clone()],
                &out_gradient[range],
                gradients,
            );
        }
    }
}

impl<E: Scalar> DenseLayer<E> {
    /// to += (g ⊙ slopes) W; an output has the sign of what the activation was given.
    fn pull_back(&self, out: &[E], out_gradient: &[E], to: &mut [E]) {
        let through = out.iter().zip(out_gradient);
        let inner: Vec<E> = through
            .map(|(y, g)| if *y < E::zero() { *g * self.slope } else { *g })
            .collect();
        let inner = Rows2 {
            rows: inner.len() / self.bias.len(),
            data: &inner,
            columns: self.bias.len(),
        };
        add_a_b(to, inner, self.weight());
    }
}

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
            _ => rows(&Rodrigues { count: 21 }, codes, 63),
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
            _ => codes.to_vec(),
        }
    }

    /// Codes of poses, (rows, 63) to (rows, latent): the means that the encoder gives, where there is
    /// one; a mixture's codes are the poses themselves.
    pub fn encode(&self, poses: &[f64]) -> Option<Vec<f64>> {
        match self {
            Self::Learned(learned) => Some(learned.encoder.as_ref()?.means(poses)),
            _ => Some(poses.to_vec()),
        }
    }

    /// Codes drawn from the prior, (count, latent); nothing can be drawn from no prior.
    pub fn sample(&self, count: usize, seed: u64) -> Option<Vec<f64>> {
        let mut random = crate::random::SplitMix64(seed);
        let mut draw = || match self {
            Self::None => None,
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
fn rows(operation: &dyn Operation<f64>, data: &[f64], dims: usize) -> Vec<f64> {
    let count = data.len() / dims;
    let mut out = vec![0.0; count * operation.out_dims()];
    let input = Value {
        data,
        dims,
        rows: count,
    };
    operation.forward_rows(count, &[input], &mut out);
    out
}
