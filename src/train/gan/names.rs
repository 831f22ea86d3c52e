//! The networks' numbers as the published checkpoints shape them.

use super::players::Players;
use crate::body::BODY_JOINTS;
use crate::io::tensors::{Tensor, Tensors};

/// Of a width of 1, though the files say that they have two axes more.
const CONVOLUTIONS: [&str; 2] = [
    "discriminator.comm_conv.0.weight",
    "discriminator.comm_conv.2.weight",
];
const WHOLE: &str = "discriminator.disc_poseall.fc_all_pose.0.weight";
const HEADS: &str = "discriminator.disc_poseeach.fc_layer";

/// The averaged generator with its encoder, and after `discriminator.` the discriminator.
pub(super) fn published(players: &Players) -> Tensors {
    let mut found = Tensors::default();
    players.average.save(&mut found);
    players.discriminator.parameters.save(&mut found);
    for name in CONVOLUTIONS {
        if let Some(weight) = found.arrays.get_mut(name) {
            weight.shape.extend([1, 1]);
        }
    }
    if let Some(weight) = found.arrays.get_mut(WHOLE) {
        by_channels(weight);
    }
    for part in ["weight", "bias"] {
        if let Some(heads) = found.arrays.remove(&format!("{HEADS}.{part}")) {
            for (joint, head) in split(&heads).enumerate() {
                found.insert(format!("{HEADS}.{joint}.{part}"), head);
            }
        }
    }
    found
}

/// Columns joint after joint become channel after channel.
fn by_channels(weight: &mut Tensor) {
    let inputs = weight.shape[1];
    let channels = inputs / BODY_JOINTS;
    let turned = weight.data.chunks_exact(inputs).flat_map(|row| {
        (0..inputs).map(move |k| row[k % BODY_JOINTS * channels + k / BODY_JOINTS])
    });
    weight.data = turned.collect();
}

/// An array for each index of the first axis.
fn split(heads: &Tensor) -> impl Iterator<Item = Tensor> {
    let width = heads.data.len() / heads.shape[0];
    heads.data.chunks_exact(width).map(|data| {
        let mut shape = heads.shape.clone();
        shape[0] = 1;
        Tensor {
            shape,
            data: data.to_vec(),
            double: heads.double,
        }
    })
}
