//! What it takes to go on with a training: numbers, average, moments, counts of steps.

use super::GanTrainee;
use super::adam::Adam;
use crate::io::tensors::{Tensor, Tensors};

pub(super) fn save(trainee: &GanTrainee) -> Tensors {
    let mut state = Tensors::default();
    let mut put = |name: &str, numbers: &[f32]| {
        state.insert(
            name,
            Tensor::single(&[numbers.len()], numbers.iter().copied()),
        );
    };
    put("generator", &trainee.generator.numbers);
    put("average", &trainee.average);
    put("discriminator", &trainee.discriminator.numbers);
    for (name, adam) in optimisers(trainee) {
        put(&format!("{name}.first"), &adam.first);
        put(&format!("{name}.second"), &adam.second);
    }
    for (name, adam) in optimisers(trainee) {
        let steps = Tensor::double(&[1], vec![adam.steps as f64]);
        state.insert(format!("{name}.steps"), steps);
    }
    state.insert("scale", Tensor::double(&[1], vec![trainee.scale]));
    state
}

fn optimisers(trainee: &GanTrainee) -> [(&'static str, &Adam); 2] {
    [
        ("generator", &trainee.generator.adam),
        ("discriminator", &trainee.discriminator.adam),
    ]
}

/// Changes nothing unless everything is there.
pub(super) fn load(trainee: &mut GanTrainee, state: &Tensors) -> Result<(), String> {
    let get = |name: &str, count: usize| -> Result<Vec<f32>, String> {
        let found = state.get(name, &[count])?;
        Ok(found.data.iter().map(|&x| x as f32).collect())
    };
    let number = |name: &str| Ok::<f64, String>(state.get(name, &[1])?.data[0]);
    let adam = |name: &str, old: &Adam| -> Result<Adam, String> {
        Ok(Adam {
            steps: number(&format!("{name}.steps"))? as u64,
            first: get(&format!("{name}.first"), old.first.len())?,
            second: get(&format!("{name}.second"), old.second.len())?,
            ..old.clone()
        })
    };
    let generator = get("generator", trainee.generator.numbers.len())?;
    let average = get("average", trainee.average.len())?;
    let discriminator = get("discriminator", trainee.discriminator.numbers.len())?;
    let first = adam("generator", &trainee.generator.adam)?;
    let second = adam("discriminator", &trainee.discriminator.adam)?;
    trainee.scale = number("scale")?;
    (trainee.generator.numbers, trainee.average) = (generator, average);
    trainee.discriminator.numbers = discriminator;
    (trainee.generator.adam, trainee.discriminator.adam) = (first, second);
    Ok(())
}
