//! The networks' numbers as the published checkpoints name and shape them.

use super::GanTrainee;
use super::dense::Dense;
use super::{discriminator, generator};
use crate::body::BODY_JOINTS;
use crate::io::tensors::{Tensor, Tensors};

/// The averaged generator, and after `discriminator.` the discriminator.
pub(super) fn published(trainee: &GanTrainee) -> Tensors {
    let mut found = Tensors::default();
    let layers = trainee.generator.network.layers;
    for (name, layer) in generator::NAMES.iter().zip(layers) {
        insert(&mut found, name, &layer, &trainee.average, false);
    }
    let player = &trainee.discriminator;
    let layers = player.network.layers;
    for (i, (name, layer)) in discriminator::NAMES.iter().zip(layers).enumerate() {
        let name = format!("discriminator.{name}");
        match i {
            2 => insert_whole(&mut found, &name, &layer, &player.numbers),
            _ => insert(&mut found, &name, &layer, &player.numbers, i < 2),
        }
    }
    let (weights, biases) = player.network.head_ranges();
    let width = weights.len() / BODY_JOINTS;
    for joint in 0..BODY_JOINTS {
        let name = format!("discriminator.disc_poseeach.fc_layer.{joint}");
        let weight = &player.numbers[weights.start + joint * width..][..width];
        let bias = player.numbers[biases.start + joint];
        found.insert(
            format!("{name}.weight"),
            Tensor::single(&[1, width], weight.iter().copied()),
        );
        found.insert(format!("{name}.bias"), Tensor::single(&[1], [bias]));
    }
    found
}

fn insert(to: &mut Tensors, name: &str, layer: &Dense, numbers: &[f32], convolution: bool) {
    let weight = numbers[layer.weight()].iter().copied();
    let shape = [layer.outputs, layer.inputs, 1, 1];
    let shape = if convolution { &shape[..] } else { &shape[..2] };
    to.insert(format!("{name}.weight"), Tensor::single(shape, weight));
    let bias = numbers[layer.bias()].iter().copied();
    to.insert(
        format!("{name}.bias"),
        Tensor::single(&[layer.outputs], bias),
    );
}

/// Columns joint after joint become channel after channel.
fn insert_whole(to: &mut Tensors, name: &str, layer: &Dense, numbers: &[f32]) {
    let channels = layer.inputs / BODY_JOINTS;
    let mut numbers = numbers.to_vec();
    let rows = numbers[layer.weight()].to_vec();
    let turned = numbers[layer.weight()].chunks_exact_mut(layer.inputs);
    for (row, turned) in rows.chunks_exact(layer.inputs).zip(turned) {
        for (k, x) in turned.iter_mut().enumerate() {
            *x = row[k % BODY_JOINTS * channels + k / BODY_JOINTS];
        }
    }
    insert(to, name, layer, &numbers, false);
}
