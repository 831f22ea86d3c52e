//! Facts about adversarial training.

use super::*;
use crate::prior::Latent;

fn settings(latent: Latent) -> GanSettings {
    GanSettings {
        hidden: 24,
        latent_dim: 5,
        discriminator_steps: 2,
        ..GanSettings::new(latent)
    }
}

fn trainee(latent: Latent) -> GanTrainee {
    let body = BodyModel::builtin(None).unwrap();
    GanTrainee::new(&settings(latent), &body, &[], 3)
}

fn poses(rows: usize, random: &mut SplitMix64) -> Vec<f32> {
    let count = rows * 3 * BODY_JOINTS;
    (0..count).map(|_| 0.3 * random.normal() as f32).collect()
}

fn normal(count: usize, random: &mut SplitMix64) -> Vec<f64> {
    (0..count).map(|_| random.normal()).collect()
}

/// Holds `gradient` against central differences of `cost` along every seventh number.
fn hold(gradient: &[f64], at: &[f64], cost: impl Fn(&[f64]) -> f64) {
    let step = 1e-6;
    let mut compared = 0;
    for i in (0..at.len()).step_by(7) {
        let moved = |by: f64| {
            let mut x = at.to_vec();
            x[i] += by;
            cost(&x)
        };
        let expected = (moved(step) - moved(-step)) / (2.0 * step);
        let miss = (gradient[i] - expected).abs();
        assert!(miss < 1e-7, "number {i}: {} not {expected}", gradient[i]);
        compared += usize::from(expected.abs() > 1e-6);
    }
    assert!(compared > at.len() / 40, "{compared} of {}", at.len());
}

#[test]
fn the_discriminators_gradient_is_that_of_its_loss() {
    let mut random = SplitMix64(1);
    let network = Discriminator::new();
    let mut numbers = vec![0.0; network.len()];
    network.draw(&mut numbers, &mut random);
    let rows = 3;
    let real = normal(rows * ROTATIONS, &mut random);
    let scale = 1.0 / (rows * OUTPUTS) as f64;
    let mut gradient = vec![0.0; numbers.len()];
    network.judge(&numbers, &real, 1.0, scale, Some(&mut gradient));
    hold(&gradient, &numbers, |numbers| {
        scale * network.judge(numbers, &real, 1.0, scale, None).squares
    });
    let g = network.judge(&numbers, &real, 0.0, scale, None).rotations;
    hold(&g, &real, |real| {
        scale * network.judge(&numbers, real, 0.0, scale, None).squares
    });
}

#[test]
fn the_generators_gradient_is_that_of_its_loss() {
    let mut random = SplitMix64(2);
    let judge = Discriminator::new();
    let mut judging = vec![0.0; judge.len()];
    judge.draw(&mut judging, &mut random);
    let network = Generator::new(5, 24);
    let mut numbers = vec![0.0; network.len()];
    for layer in &network.layers {
        layer.draw(&mut numbers, &mut random);
    }
    let (rows, scale) = (3, 1.0 / (3 * OUTPUTS) as f64);
    let codes = normal(rows * 5, &mut random);
    let made = network.forward(&numbers, &codes, rows);
    let g = judge.judge(&judging, &made.rotations, 1.0, scale, None);
    let mut gradient = vec![0.0; numbers.len()];
    network.add_gradient(&numbers, &codes, &made, &g.rotations, &mut gradient);
    hold(&gradient, &numbers, |numbers| {
        let made = network.forward(numbers, &codes, rows);
        scale
            * judge
                .judge(&judging, &made.rotations, 1.0, scale, None)
                .squares
    });
}

#[test]
fn the_columns_of_a_joints_matrix_are_its_interleaved_numbers() {
    let r = six::forward(&[0.0, -2.0, 3.0, 0.5, 0.0, 0.0f64]);
    assert_eq!(r, [0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
}

/// The discriminator as published: channel-major flattening, a linear layer per joint.
fn judge_by_names(weights: &Tensors, rotations: &[f32]) -> Vec<f64> {
    let get = |name: &str| &weights.arrays[&format!("discriminator.{name}")].data;
    let dense = |name: &str, x: &[f64]| -> Vec<f64> {
        let weight = get(&format!("{name}.weight"));
        let rows = weight
            .chunks_exact(x.len())
            .zip(get(&format!("{name}.bias")));
        rows.map(|(w, b)| b + w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>())
            .collect()
    };
    let leaky = |x: Vec<f64>| -> Vec<f64> { x.iter().map(|&x| x.max(0.2 * x)).collect() };
    let joints = rotations.chunks_exact(9).map(|r| {
        let r: Vec<f64> = r.iter().map(|&x| x.into()).collect();
        leaky(dense("comm_conv.2", &leaky(dense("comm_conv.0", &r))))
    });
    let joints: Vec<Vec<f64>> = joints.collect();
    let head = |(j, x): (usize, &Vec<f64>)| dense(&format!("disc_poseeach.fc_layer.{j}"), x)[0];
    let mut out: Vec<f64> = joints.iter().enumerate().map(head).collect();
    let flat: Vec<f64> = (0..32)
        .flat_map(|c| joints.iter().map(move |x| x[c]))
        .collect();
    let all = |i: usize, x: &[f64]| dense(&format!("disc_poseall.fc_all_pose.{i}"), x);
    out.extend(all(4, &leaky(all(2, &leaky(all(0, &flat))))));
    out
}

#[test]
fn the_weights_mean_by_their_published_names_what_is_trained() {
    let mut random = SplitMix64(4);
    let mut gan = trainee(Latent::Sphere);
    gan.step(&poses(8, &mut random), &mut random);
    let weights = gan.weights();
    let convolution = &weights.arrays["discriminator.comm_conv.2.weight"];
    assert_eq!(convolution.shape, [32, 32, 1, 1]);
    assert_eq!(weights.arrays["bodyprior_dec_out.weight"].shape, [126, 24]);
    assert_eq!(weights.arrays["bodyprior_dec_fc1.bias"].shape, [24]);
    let pose = rotations(&poses(1, &mut random));
    let expected = judge_by_names(&weights, &pose);
    let judge = &gan.discriminator;
    let found = judge.network.judge(&judge.numbers, &pose, 0.0, 1.0, None);
    let sum: f64 = expected.iter().sum();
    let squares: f64 = expected.iter().map(|x| x * x).sum();
    assert_eq!(expected.len(), OUTPUTS);
    assert!((found.sum - sum).abs() < 1e-5, "{} {sum}", found.sum);
    assert!((found.squares - squares).abs() < 1e-5);
}

#[test]
fn a_restored_training_goes_on_with_the_same_bits() {
    let mut random = SplitMix64(5);
    let mut first = trainee(Latent::Normal);
    let batch = poses(70, &mut random);
    first.step(&batch, &mut random);
    first.scale_learning_rate(0.5);
    let mut second = trainee(Latent::Normal);
    second.restore(&first.state()).unwrap();
    let mut again = random.clone();
    assert_eq!(
        first.step(&batch, &mut random),
        second.step(&batch, &mut again)
    );
    assert_eq!(first.state(), second.state());
}

#[test]
fn a_state_of_another_size_is_refused_and_changes_nothing() {
    let body = BodyModel::builtin(None).unwrap();
    let other = GanSettings {
        hidden: 25,
        ..settings(Latent::Cube)
    };
    let mut gan = trainee(Latent::Cube);
    let before = gan.state();
    let message = gan.restore(&GanTrainee::new(&other, &body, &[], 0).state());
    assert!(
        message
            .unwrap_err()
            .starts_with("`generator` should have the shape")
    );
    assert_eq!(gan.state(), before);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let train = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let mut random = SplitMix64(6);
            let mut gan = trainee(Latent::Sphere);
            let batch = poses(300, &mut random);
            let losses = gan.step(&batch, &mut random);
            (losses, gan.validate(&batch), gan.state())
        })
    };
    assert_eq!(train(1), train(3));
}

#[test]
fn poses_are_at_no_distance_from_themselves_and_a_single_sample_recalls_little() {
    let body = BodyModel::builtin(None).unwrap();
    let skeleton = Skeleton::new(&body);
    let poses = rotations(&poses(200, &mut SplitMix64(7)));
    let same = skeleton.measure(&poses, &[], &poses);
    assert_eq!((same.recall, same.precision), (0.0, 0.0));
    let one = skeleton.measure(&poses, &[], &poses[..ROTATIONS]);
    assert_eq!(one.precision, 0.0);
    assert!(one.recall > 100.0, "{}", one.recall);
}

#[test]
fn knees_that_bend_forwards_are_impossible() {
    let skeleton = Skeleton::new(&BodyModel::builtin(None).unwrap());
    let share = |joint: usize, axis: usize, angle: f32| {
        let mut pose = vec![0.0; 3 * BODY_JOINTS];
        pose[3 * (joint - 1) + axis] = angle;
        let pose = rotations(&pose);
        skeleton.measure(&pose, &[], &pose).impossible
    };
    assert_eq!((share(4, 0, 1.5), share(4, 0, -0.5)), (0.0, 1.0));
    assert_eq!((share(18, 1, -1.5), share(18, 1, 1.5)), (0.0, 1.0));
    assert_eq!((share(19, 1, 1.5), share(19, 1, -1.5)), (0.0, 1.0));
}
