//! The networks of learned priors: VPoser's decoders and encoders, under their published names.

use crate::graph::product::{Rows2, add_a_bt};
use crate::io::shape_text;
use crate::io::tensors::{Tensor, Tensors};

/// Numbers that a decoder makes of a code: six for each of 21 joints.
pub(super) const OUT: usize = 6 * 21;
/// Numbers that an encoder reads: axis-angle of 21 joints.
const IN: usize = 3 * 21;

/// A dense layer y = x Wᵀ + b.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    pub inputs: usize,
    pub outputs: usize,
    /// (outputs, inputs), row-major.
    pub weight: Vec<f64>,
    pub bias: Vec<f64>,
}

/// Which published VPoser a network's names and activations follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

/// code → hidden → hidden → [`OUT`], LeakyReLU after all layers but the last.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoder {
    pub layers: [Dense; 3],
    /// Slope of the activation below zero.
    pub slope: f64,
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

impl Version {
    /// By the names that are present, never by the file's; and what stands before them.
    pub fn of(tensors: &Tensors) -> Result<(Self, String), String> {
        let prefix = |name: &str| {
            let mut keys = tensors.arrays.keys();
            keys.find_map(|key| key.strip_suffix(name).map(String::from))
        };
        if let Some(before) = prefix("decoder_net.0.weight") {
            return Ok((Self::V2, before));
        }
        if let Some(before) = prefix("bodyprior_dec_fc1.weight") {
            return Ok((Self::V1, before));
        }
        let names: Vec<String> = tensors
            .arrays
            .keys()
            .take(4)
            .map(|k| format!("`{k}`"))
            .collect();
        let found = match tensors.arrays.len() {
            0 => "it holds no tensor".to_string(),
            n if n > names.len() => {
                format!("it holds {} and {} more", names.join(", "), n - names.len())
            }
            _ => format!("it holds {}", names.join(", ")),
        };
        Err(format!(
            "neither VPoser v2 (`decoder_net.0.weight`) nor v1 or a GAN (`bodyprior_dec_fc1.weight`): {found}"
        ))
    }

    /// The tensors of a network whose layers are this wide, with their shapes.
    fn layout(self, hidden: usize, latent: usize, encoder: bool) -> Vec<(String, Vec<usize>)> {
        let dense = |name: &str, inputs: usize, outputs: usize| {
            let weight = (format!("{name}.weight"), vec![outputs, inputs]);
            [weight, (format!("{name}.bias"), vec![outputs])].to_vec()
        };
        let norm = |name: &str, dims: usize| {
            let parts = ["weight", "bias", "running_mean", "running_var"];
            parts
                .map(|part| (format!("{name}.{part}"), vec![dims]))
                .to_vec()
        };
        let [first, second, last] = self.decoder_names();
        let mut all = vec![
            dense(first, latent, hidden),
            dense(second, hidden, hidden),
            dense(last, hidden, OUT),
        ];
        if encoder {
            all.extend(match self {
                Self::V1 => vec![
                    norm("bodyprior_enc_bn1", IN),
                    dense("bodyprior_enc_fc1", IN, hidden),
                    norm("bodyprior_enc_bn2", hidden),
                    dense("bodyprior_enc_fc2", hidden, hidden),
                    dense("bodyprior_enc_mu", hidden, latent),
                    dense("bodyprior_enc_logvar", hidden, latent),
                ],
                Self::V2 => vec![
                    norm("encoder_net.1", IN),
                    dense("encoder_net.2", IN, hidden),
                    norm("encoder_net.4", hidden),
                    dense("encoder_net.6", hidden, hidden),
                    dense("encoder_net.7", hidden, hidden),
                    dense("encoder_net.8.mu", hidden, latent),
                    dense("encoder_net.8.logvar", hidden, latent),
                ],
            });
        }
        all.concat()
    }

    /// Refuses tensors that are missing, misshapen or too many, all of them at once.
    pub fn check(self, prefix: &str, tensors: &Tensors) -> Result<(), String> {
        let own = |part: &str| {
            let start = format!("{prefix}{part}");
            tensors.arrays.keys().any(|name| name.starts_with(&start))
        };
        let encoder = own("bodyprior_enc_") || own("encoder_net.");
        let weight = format!("{prefix}{}.weight", self.decoder_names()[0]);
        let shape = tensors.arrays.get(&weight).map(|t| t.shape.as_slice());
        let (hidden, latent) = match shape {
            Some(&[hidden, latent]) if hidden > 0 && latent > 0 => (hidden, latent),
            _ => return Err(format!("`{weight}` should be of shape (hidden, latent)")),
        };
        let layout = self.layout(hidden, latent, encoder);
        let mut mistakes = Vec::new();
        for (name, shape) in &layout {
            let name = format!("{prefix}{name}");
            match tensors.arrays.contains_key(&name) {
                true => mistakes.extend(tensors.get(&name, shape).err()),
                // Nothing here reads the spread of codes.
                false if name.contains("logvar") => {}
                false => mistakes.push(format!("there is no `{name}` {}", shape_text(shape))),
            }
        }
        let namespaces = ["bodyprior_", "encoder_net.", "decoder_net."];
        for name in tensors.arrays.keys() {
            let Some(own) = name.strip_prefix(prefix) else {
                continue;
            };
            let ours = namespaces.iter().any(|space| own.starts_with(space));
            let known = layout.iter().any(|(known, _)| known == own);
            if ours && !known && !own.ends_with("num_batches_tracked") {
                mistakes.push(format!("`{name}` belongs to no {}", self.title()));
            }
        }
        match mistakes.is_empty() {
            true => Ok(()),
            false => Err(mistakes.join("; ")),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::V1 => "VPoser v1 or GAN",
            Self::V2 => "VPoser v2",
        }
    }

    fn slope(self) -> f64 {
        match self {
            Self::V1 => 0.2,
            Self::V2 => 0.01,
        }
    }

    fn decoder_names(self) -> [&'static str; 3] {
        match self {
            Self::V1 => [
                "bodyprior_dec_fc1",
                "bodyprior_dec_fc2",
                "bodyprior_dec_out",
            ],
            Self::V2 => ["decoder_net.0", "decoder_net.3", "decoder_net.5"],
        }
    }
}

/// Whether tensors are a whole network of a known layout with finite numbers.
pub(crate) fn check(tensors: &Tensors) -> Result<(), String> {
    let (version, prefix) = Version::of(tensors)?;
    version.check(&prefix, tensors)?;
    tensors
        .arrays
        .iter()
        .try_for_each(|(name, t)| finite(name, t))
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
        })
    }

    pub fn latent_dim(&self) -> usize {
        self.layers[0].inputs
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

fn finite(name: &str, tensor: &Tensor) -> Result<(), String> {
    match tensor.data.iter().all(|x| x.is_finite()) {
        true => Ok(()),
        false => Err(format!("`{name}` holds numbers that are not finite")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prior::{Learned, LearnedKind};

    fn sample(name: &str) -> Tensors {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/prior");
        Tensors::read(&folder.join(name)).unwrap()
    }

    #[test]
    fn all_that_is_missing_misshapen_or_too_much_is_said_at_once() {
        let mut tensors = sample("vposer_v1.safetensors");
        assert_eq!(check(&tensors), Ok(()));
        let [hidden, latent] = tensors.arrays["bodyprior_dec_fc1.weight"].shape[..] else {
            panic!("a weight has two axes");
        };
        let bias = tensors.arrays.remove("bodyprior_dec_fc2.bias").unwrap();
        tensors.insert("bodyprior_dec_fc3.bias", bias);
        let narrow = Tensor::double(&[2, 2], vec![0.0; 4]);
        tensors.insert("bodyprior_enc_mu.weight", narrow);
        assert_eq!(
            check(&tensors).unwrap_err(),
            format!(
                "there is no `bodyprior_dec_fc2.bias` ({hidden}); `bodyprior_enc_mu.weight` should \
                 have the shape ({latent}, {hidden}), but has (2, 2); `bodyprior_dec_fc3.bias` \
                 belongs to no VPoser v1 or GAN"
            )
        );
    }

    #[test]
    fn a_header_that_names_another_kind_is_believed() {
        let mut tensors = sample("gan.safetensors");
        tensors.metadata.insert("kind".into(), "gan-s".into());
        let read = |kind| Learned::from_tensors(kind, &tensors).map(|l| l.kind);
        assert_eq!(read(LearnedKind::GanS), Ok(LearnedKind::GanS));
        let said = "its header says that it is a `gan-s`, not `gan-n`";
        assert_eq!(read(LearnedKind::GanN).unwrap_err(), said);
    }
}
