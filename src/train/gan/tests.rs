//! Facts about adversarial training.

use super::discriminator::Discriminator;
use super::generator::Generator;
use super::*;
use crate::prior::{Latent, Learned, LearnedKind, Prior};
use crate::train::network::{Batch, Parameters};

const ROTATIONS: usize = 9 * BODY_JOINTS;
const ROWS: usize = 3;
/// Weight and bias of the encoder's first step, behind the generator's three layers.
const SCALE: [usize; 2] = [6, 7];

fn settings(latent: Latent) -> GanSettings {
    GanSettings {
        hidden: 24,
        latent_dim: 5,
        discriminator_steps: 2,
        reconstruction: 1.0,
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

fn pass() -> Forward<f64> {
    Forward::<f64>::new(&Default::default())
}

/// The discriminator's loss, the pass that it was made in, and the rotations there.
fn loss(
    judge: &Discriminator<f64>,
    rotations: &[f64],
    target: f64,
) -> (f64, Forward<f64>, Batch<f64>) {
    let mut pass = pass();
    let rotations = pass.leaf(rotations.to_vec(), ROWS, true);
    let judgement = judge.judge(&mut pass, &rotations);
    (judgement.seed(&mut pass, target).miss, pass, rotations)
}

fn gradients<'a>(
    pass: Forward<f64>,
    leaves: impl Iterator<Item = &'a mut Batch<f64>>,
) -> Vec<Vec<f64>> {
    let mut found = Vec::new();
    pass.backward_into(leaves, |_, _, gradient| found.push(gradient.to_vec()));
    found
}

fn nudge(parameters: &mut Parameters<f64>, array: usize, i: usize, step: f64) {
    let leaf = parameters.batches_mut().nth(array).unwrap();
    leaf.numbers_mut()[i] += step;
}

/// Holds gradients against central differences along some numbers of each array; `cost` is that
/// with a step of one number of one array.
fn hold(gradients: &[Vec<f64>], mut cost: impl FnMut(usize, usize, f64) -> f64) {
    let step = 1e-6;
    let (mut compared, mut count) = (0, 0);
    for (array, gradient) in gradients.iter().enumerate() {
        for i in (0..gradient.len()).step_by(17) {
            let expected = (cost(array, i, step) - cost(array, i, -step)) / (2.0 * step);
            let miss = (gradient[i] - expected).abs();
            assert!(miss < 1e-7, "{array} {i}: {} not {expected}", gradient[i]);
            compared += usize::from(expected.abs() > 1e-6);
            count += 1;
        }
    }
    assert!(compared > count / 6, "{compared} of {count}");
}

#[test]
fn the_discriminators_gradient_is_that_of_its_loss() {
    let mut random = SplitMix64(1);
    let mut judge = Discriminator::new(&mut random);
    let real = normal(ROWS * ROTATIONS, &mut random);
    let (_, pass, mut leaf) = loss(&judge, &real, 1.0);
    let leaves = judge.parameters.batches_mut();
    let mut found = gradients(pass, leaves.chain([&mut leaf]));
    let input = found.pop().unwrap();
    hold(&found, |array, i, step| {
        nudge(&mut judge.parameters, array, i, step);
        let moved = loss(&judge, &real, 1.0).0;
        nudge(&mut judge.parameters, array, i, -step);
        moved
    });
    hold(&[input], |_, i, step| {
        let mut real = real.clone();
        real[i] += step;
        loss(&judge, &real, 1.0).0
    });
}

#[test]
fn the_generators_gradient_is_that_of_its_loss() {
    let mut random = SplitMix64(2);
    let mut judge = Discriminator::<f64>::new(&mut random);
    judge.parameters.set_wanted(false);
    let mut network = Generator::<f64>::new(&settings(Latent::Normal), "", &[], &mut random);
    let codes = normal(ROWS * 5, &mut random);
    let step_of = |network: &Generator<f64>| {
        let mut pass = pass();
        let codes = pass.leaf(codes.clone(), ROWS, false);
        let made = network.make(&mut pass, &codes);
        let said = judge.judge(&mut pass, &made).seed(&mut pass, 1.0);
        (said.miss, pass)
    };
    let (_, pass) = step_of(&network);
    let found = gradients(pass, network.parameters.batches_mut());
    hold(&found, |array, i, step| {
        nudge(&mut network.parameters, array, i, step);
        let moved = step_of(&network).0;
        nudge(&mut network.parameters, array, i, -step);
        moved
    });
}

#[test]
fn the_gradient_of_coming_back_is_that_of_its_distance() {
    let body = BodyLoss::new(&BodyModel::builtin(None).unwrap());
    for latent in [Latent::Sphere, Latent::Cube, Latent::Normal] {
        let mut random = SplitMix64(8);
        let small = |x: f64| 0.3 * x;
        let shown: Vec<f64> = normal(ROWS * POSE, &mut random);
        let shown: Vec<f64> = shown.into_iter().map(small).collect();
        let mut network = Generator::<f64>::new(&settings(latent), "", &[], &mut random);
        let codes: Vec<f64> = (0..ROWS)
            .flat_map(|_| latent.draw(5, &mut random))
            .collect();
        let cost = |network: &Generator<f64>| {
            let mut pass = pass();
            let samples = shown.clone();
            let codes = reconstruction::seed_codes(network, &mut pass, samples, &codes, 0.7);
            let away = reconstruction::seed_poses(network, &body, &mut pass, &shown, 0.7);
            (0.7 * (codes + away), pass)
        };
        let (_, pass) = cost(&network);
        let found = gradients(pass, network.parameters.batches_mut());
        // Numbers of codes beyond the cube are pulled back only where that helps.
        if latent == Latent::Cube {
            assert!(found.iter().flatten().all(|g| g.is_finite()));
            continue;
        }
        // The scale of what the encoder reads is that of the data, and not trained.
        let trained: Vec<usize> = (0..found.len()).filter(|k| !SCALE.contains(k)).collect();
        let own: Vec<Vec<f64>> = trained.iter().map(|k| found[*k].clone()).collect();
        assert!(SCALE.iter().all(|k| found[*k].iter().all(|g| *g == 0.0)));
        hold(&own, |array, i, step| {
            nudge(&mut network.parameters, trained[array], i, step);
            let moved = cost(&network).0;
            nudge(&mut network.parameters, trained[array], i, -step);
            moved
        });
    }
}

#[test]
fn what_the_training_encodes_the_prior_encodes() {
    for (latent, kind) in [
        (Latent::Sphere, LearnedKind::GanS),
        (Latent::Cube, LearnedKind::GanU),
        (Latent::Normal, LearnedKind::GanN),
    ] {
        let mut random = SplitMix64(9);
        let mut gan = trainee(latent);
        gan.step(&poses(8, &mut random), &mut random);
        let mut weights = gan.weights();
        let shown = poses(4, &mut random);
        let back = gan.players.average.there_and_back(&shown).unwrap();
        let none = Learned::from_tensors(kind, &weights).unwrap_err();
        assert!(none.starts_with("there is an encoder, so this is a VPoser"));
        weights.metadata.insert("kind".into(), kind.name().into());
        let prior = Learned::from_tensors(kind, &weights).unwrap();
        let wide: Vec<f64> = shown.iter().map(|x| f64::from(*x)).collect();
        let codes = Prior::Learned(prior.clone().into()).encode(&wide).unwrap();
        for (a, b) in prior.rotations(&codes).iter().zip(&back) {
            assert!((a - f64::from(*b)).abs() < 1e-4, "{a} {b}");
        }
    }
}

#[test]
fn the_columns_of_a_joints_matrix_are_its_interleaved_numbers() {
    let mut pass = pass();
    let six = pass.leaf(vec![0.0, -2.0, 3.0, 0.5, 0.0, 0.0], 1, false);
    let r = rotations::from_six(&mut pass, &six);
    let expected = [0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    assert_eq!(r.numbers(), expected);
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
    let pose = rotations::from_angles(&poses(1, &mut random));
    let expected = judge_by_names(&weights, &pose);
    let mut pass = Forward::<f32>::new(&Default::default());
    let pose = pass.leaf(pose, 1, false);
    let judgement = gan.players.discriminator.judge(&mut pass, &pose);
    let found = judgement.seed(&mut pass, 0.0);
    let share = 1.0 / (BODY_JOINTS + 1) as f64;
    let mean = share * expected.iter().sum::<f64>();
    let squares = share * expected.iter().map(|x| x * x).sum::<f64>();
    assert_eq!(expected.len(), BODY_JOINTS + 1);
    assert!((found.mean - mean).abs() < 1e-6, "{} {mean}", found.mean);
    assert!((found.miss - squares).abs() < 1e-6);
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
    second.scale_learning_rate(0.5);
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
            .starts_with("`generator.bodyprior_dec_fc1.weight` should have the shape")
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
    let poses = rotations::from_angles(&poses(200, &mut SplitMix64(7)));
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
        let pose = rotations::from_angles(&pose);
        skeleton.measure(&pose, &[], &pose).impossible
    };
    assert_eq!((share(4, 0, 1.5), share(4, 0, -0.5)), (0.0, 1.0));
    assert_eq!((share(18, 1, -1.5), share(18, 1, 1.5)), (0.0, 1.0));
    assert_eq!((share(19, 1, 1.5), share(19, 1, -1.5)), (0.0, 1.0));
}
