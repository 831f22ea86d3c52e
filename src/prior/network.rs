//! The networks of learned priors: VPoser's decoders and encoders, under their published names.

use super::converted::Converted;
use super::layout::Version;
use crate::graph::product::{Rows2, add_a_bt};

use crate::io::tensors::{Tensor, Tensors};

/// Numbers that a decoder makes of a code: six for each of 21 joints.
pub(super) const OUT: usize = 6 * 21;
/// Numbers that an encoder reads: axis-angle of 21 joints.
pub(super) const IN: usize = 3 * 21;

/// A dense layer y = x Wᵀ + b.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    pub inputs: usize,
    pub outputs: usize,
    /// (outputs, inputs), row-major.
    pub weight: Vec<f64>,
    pub bias: Vec<f64>,
}

/// code → hidden → hidden → [`OUT`], LeakyReLU after all layers but the last.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoder {
    pub layers: [Dense; 3],
    /// Slope of the activation below zero.
    pub slope: f64,
    /// The usual size of what the activations are given, (hidden layers).
    pub spread: [f64; 2],
    pub(super) converted: Converted,
}

/// `pose_body` to the mean of the code's distribution.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Encoder {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Dense(Dense),
    Leaky(f64),
    /// Batch normalisation with fixed statistics: x·factor + shift.
    Norm {
        factor: Vec<f64>,
        shift: Vec<f64>,
    },
}

impl Decoder {
    /// The decoder among tensors whose names start with `prefix`.
    pub(crate) fn from_tensors(
        version: Version,
        prefix: &str,
        tensors: &Tensors,
    ) -> Result<Self, String> {
        version.check(prefix, tensors)?;
        let [first, second, last] = version.decoder_names().map(|n| format!("{prefix}{n}"));
        let shape = &tensors.arrays[&format!("{first}.weight")].shape;
        let (hidden, latent) = (shape[0], shape[1]);
        Ok(Self {
            layers: [
                Dense::from_tensors(tensors, &first, latent, hidden)?,
                Dense::from_tensors(tensors, &second, hidden, hidden)?,
                Dense::from_tensors(tensors, &last, hidden, OUT)?,
            ],
            slope: version.slope(),
            spread: [0.0; 2],
            converted: Converted::default(),
        })
    }

    /// Notes the usual size of what the activations are given, by some codes.
    pub(crate) fn measure(&mut self, codes: &[f64]) {
        let mut x = codes.to_vec();
        for (layer, spread) in self.layers.iter().zip(&mut self.spread) {
            x = layer.apply(&x);
            let square: f64 = x.iter().map(|x| x * x).sum();
            *spread = (square / x.len().max(1) as f64).sqrt();
            leaky(&mut x, self.slope);
        }
    }

    pub fn latent_dim(&self) -> usize {
        self.layers[0].inputs
    }

    /// Numbers that decoding a code makes: six for each joint, and those of the hidden layers.
    pub(crate) fn outputs(&self) -> usize {
        let [first, second, last] = &self.layers;
        last.outputs + first.outputs + second.outputs
    }
}

impl Encoder {
    /// The encoder, where the file has one.
    pub fn from_tensors(
        version: Version,
        prefix: &str,
        tensors: &Tensors,
        latent: usize,
    ) -> Result<Option<Self>, String> {
        let named = |name: &str| format!("{prefix}{name}");
        let (first, norm) = match version {
            Version::V1 => ("bodyprior_enc_fc1", "bodyprior_enc_bn1"),
            Version::V2 => ("encoder_net.2", "encoder_net.1"),
        };
        let weight = tensors.arrays.get(&named(&format!("{first}.weight")));
        let Some(&[hidden, inputs]) = weight.map(|t| t.shape.as_slice()) else {
            return Ok(None);
        };
        let dense = |name: &str, inputs, outputs| {
            Dense::from_tensors(tensors, &named(name), inputs, outputs).map(Step::Dense)
        };
        let bn = |name: &str, dims| batch_norm(tensors, &named(name), dims);
        let steps = match version {
            Version::V1 => vec![
                bn(norm, inputs)?,
                dense(first, inputs, hidden)?,
                Step::Leaky(0.2),
                bn("bodyprior_enc_bn2", hidden)?,
                dense("bodyprior_enc_fc2", hidden, hidden)?,
                Step::Leaky(0.2),
                dense("bodyprior_enc_mu", hidden, latent)?,
            ],
            Version::V2 => vec![
                bn(norm, inputs)?,
                dense(first, inputs, hidden)?,
                Step::Leaky(0.01),
                bn("encoder_net.4", hidden)?,
                dense("encoder_net.6", hidden, hidden)?,
                dense("encoder_net.7", hidden, hidden)?,
                dense("encoder_net.8.mu", hidden, latent)?,
            ],
        };
        Ok(Some(Self { steps }))
    }

    /// Means of the codes of poses, (rows, 63) axis-angle to (rows, latent).
    pub fn means(&self, poses: &[f64]) -> Vec<f64> {
        let mut x = poses.to_vec();
        for step in &self.steps {
            match step {
                Step::Dense(dense) => x = dense.apply(&x),
                Step::Leaky(slope) => leaky(&mut x, *slope),
                Step::Norm { factor, shift } => {
                    for row in x.chunks_exact_mut(factor.len()) {
                        for (x, (f, s)) in row.iter_mut().zip(factor.iter().zip(shift)) {
                            *x = *x * f + s;
                        }
                    }
                }
            }
        }
        x
    }
}

impl Dense {
    fn from_tensors(
        tensors: &Tensors,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self, String> {
        let weight = tensors.get(&format!("{name}.weight"), &[outputs, inputs])?;
        let bias = tensors.get(&format!("{name}.bias"), &[outputs])?;
        finite(name, weight)?;
        finite(name, bias)?;
        Ok(Self {
            inputs,
            outputs,
            weight: weight.data.clone(),
            bias: bias.data.clone(),
        })
    }

    /// (rows, inputs) to (rows, outputs).
    pub(super) fn apply(&self, x: &[f64]) -> Vec<f64> {
        let rows = x.len() / self.inputs;
        let mut out = self.bias.repeat(rows);
        let x = Rows2 {
            data: x,
            rows,
            columns: self.inputs,
        };
        let w = Rows2 {
            data: &self.weight,
            rows: self.outputs,
            columns: self.inputs,
        };
        add_a_bt(&mut out, x, w);
        out
    }
}

pub(super) fn leaky(x: &mut [f64], slope: f64) {
    for x in x.iter_mut().filter(|x| **x < 0.0) {
        *x *= slope;
    }
}

/// PyTorch's `eps` of batch normalisation.
const EPS: f64 = 1e-5;

fn batch_norm(tensors: &Tensors, name: &str, dims: usize) -> Result<Step, String> {
    let part = |part: &str| {
        let found = tensors.get(&format!("{name}.{part}"), &[dims])?;
        finite(name, found).map(|()| &found.data)
    };
    let (mean, variance) = (part("running_mean")?, part("running_var")?);
    let (weight, bias) = (part("weight")?, part("bias")?);
    let factors = weight.iter().zip(variance);
    let factor: Vec<f64> = factors
        .map(|(w, v)| w / (v.max(0.0) + EPS).sqrt())
        .collect();
    let shifts = bias.iter().zip(mean).zip(&factor);
    let shift = shifts.map(|((b, m), f)| b - m * f).collect();
    Ok(Step::Norm { factor, shift })
}

pub(super) fn finite(name: &str, tensor: &Tensor) -> Result<(), String> {
    match tensor.data.iter().all(|x| x.is_finite()) {
        true => Ok(()),
        false => Err(format!("`{name}` holds numbers that are not finite")),
    }
}
