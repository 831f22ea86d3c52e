use super::*;

fn poses(rows: usize) -> Vec<f64> {
    let mut random = SplitMix64(5);
    (0..rows * 63).map(|_| 0.3 * random.normal()).collect()
}

/// Every loss of one step in f64, with the same noise and dropout each time.
fn cost(
    network: &mut Network<f64>,
    body: &BodyLoss<f64>,
    poses: &[f64],
    weights: Distances,
) -> (f64, Forward<f64>) {
    let mut pass = Forward::<f64>::new(&Default::default());
    let target = rotations::from_angles(poses);
    let (predicted, kl) = network.train(&mut pass, poses, 0.05, &mut SplitMix64(8));
    let (found, gradient) = body.evaluate(predicted.numbers(), &target, weights);
    pass.seed(&predicted, gradient);
    (0.05 * kl + weighted(weights, found), pass)
}

#[test]
fn the_gradient_of_the_whole_loss_meets_central_differences() {
    const STEP: f64 = 1e-6;
    let settings = VposerSettings {
        latent_dim: 4,
        hidden: 6,
        ..Default::default()
    };
    let body = BodyLoss::new(&BodyModel::builtin(None).unwrap());
    let mut network = Network::<f64>::new(&settings, &[0.0; 126], &mut SplitMix64(2));
    let (poses, weights) = (
        poses(5),
        Distances {
            vertices: 4.0,
            geodesic: 2.0,
            joints: 2.0,
        },
    );
    let (_, pass) = cost(&mut network, &body, &poses, weights);
    let mut gradients = Vec::new();
    pass.backward_into(network.parameters.batches_mut(), |_, _, g| {
        gradients.push(g.to_vec());
    });
    let mut random = SplitMix64(3);
    for (p, gradient) in gradients.iter().enumerate() {
        for _ in 0..3 {
            let i = random.below(gradient.len());
            let mut moved = |step: f64| {
                let numbers = |network: &mut Network<f64>, step: f64| {
                    let leaf = network.parameters.batches_mut().nth(p).unwrap();
                    leaf.numbers_mut()[i] += step;
                };
                numbers(&mut network, step);
                let total = cost(&mut network, &body, &poses, weights).0;
                numbers(&mut network, -step);
                total
            };
            let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            let error = (gradient[i] - slope).abs();
            // The absolute differences have kinks, which a few of many vertices may cross.
            assert!(
                error < 1e-5 * slope.abs().max(1.0),
                "{p} {i}: {} {slope}",
                gradient[i]
            );
        }
    }
}

#[test]
fn vertex_distances_are_those_of_the_plain_skinning() {
    use nalgebra::{Matrix3, Vector3};
    let model = BodyModel::builtin(None).unwrap();
    let body = BodyLoss::<f64>::new(&model);
    let poses = poses(2);
    let turns = rotations::from_angles(&poses);
    let found = body.measure(&turns[..189], &turns[189..]);
    let (rest, vertices) = (model.rest_joints(&[]), model.rest_vertices(&[]));
    let skinned = |pose: &[f64]| {
        let posed = model.transforms(&rest, &Matrix3::identity(), pose, &Vector3::zeros());
        model.skinned(&vertices, &rest, pose, &posed)
    };
    let (a, b) = (skinned(&poses[..63]), skinned(&poses[63..]));
    let distance = a.iter().zip(&b).map(|(a, b)| (a - b).norm()).sum::<f64>() / a.len() as f64;
    assert!(
        (found.vertices - distance).abs() < 1e-6,
        "{found:?} {distance}"
    );
}

#[test]
fn a_step_from_a_restored_state_is_the_step() {
    let body = BodyModel::builtin(None).unwrap();
    let settings = VposerSettings {
        hidden: 16,
        ..Default::default()
    };
    let poses: Vec<f32> = poses(8).into_iter().map(|x| x as f32).collect();
    let mut one = VposerTrainee::new(&settings, &body, &poses, 1);
    one.step(&poses, &mut SplitMix64(1));
    let mut other = VposerTrainee::new(&settings, &body, &poses, 2);
    other.restore(&one.state()).unwrap();
    let (a, b) = (
        one.step(&poses, &mut SplitMix64(4)),
        other.step(&poses, &mut SplitMix64(4)),
    );
    assert_eq!(a, b);
    assert_eq!(one.state(), other.state());
}
