//! The published layouts of VPoser: names and shapes of their tensors, and what of a file is not so.

use super::network::{IN, OUT, finite};
use crate::io::shape_text;
use crate::io::tensors::Tensors;

/// Which published VPoser a network's names and activations follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
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

    pub fn slope(self) -> f64 {
        match self {
            Self::V1 => 0.2,
            Self::V2 => 0.01,
        }
    }

    pub fn decoder_names(self) -> [&'static str; 3] {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::tensors::Tensor;
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
