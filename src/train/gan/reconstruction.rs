//! What an encoder is trained for: samples have the codes that they were made of, and poses come back from
//! theirs.

use super::generator::Generator;
use super::{POSE, rotations};
use crate::graph::Real;
use crate::train::network::Forward;
use crate::train::vposer::body_loss::{BodyLoss, Distances};

/// How far a pose comes back: the mean angle of joints, rad, and the mean difference of their coordinates, m.
fn distances(weight: f64) -> Distances {
    Distances {
        vertices: 0.0,
        geodesic: weight,
        joints: weight,
    }
}

/// Seeds `weight` times the squared distance of the codes of `samples` (rows, 63) from those that they were
/// made of, as a share of these; only the encoder follows it.
pub(super) fn seed_codes<E: Real>(
    generator: &Generator<E>,
    pass: &mut Forward<E>,
    samples: Vec<E>,
    codes: &[E],
    weight: f64,
) -> f64 {
    let Some(encoder) = &generator.encoder else {
        return 0.0;
    };
    let found = encoder.codes(&generator.parameters, pass, samples);
    let size: f64 = codes.iter().map(|x| x.wide().powi(2)).sum();
    let pairs = found.numbers().iter().zip(codes);
    let away: Vec<f64> = pairs.map(|(a, b)| a.wide() - b.wide()).collect();
    let pull = away
        .iter()
        .map(|x| E::of(2.0 * weight * x / size))
        .collect();
    pass.seed(&found, pull);
    away.iter().map(|x| x * x).sum::<f64>() / size
}

/// Seeds `weight` times the distance of `poses` (rows, 63) from what the generator makes of their codes,
/// and returns the distance.
pub(super) fn seed_poses<E: Real>(
    generator: &Generator<E>,
    body: &BodyLoss<E>,
    pass: &mut Forward<E>,
    poses: &[E],
    weight: f64,
) -> f64 {
    debug_assert_eq!(poses.len() % POSE, 0);
    let Some(encoder) = &generator.encoder else {
        return 0.0;
    };
    let codes = encoder.codes(&generator.parameters, pass, poses.to_vec());
    let back = generator.make(pass, &codes);
    let target = rotations::from_angles(poses);
    let (away, gradient) = body.evaluate(back.numbers(), &target, distances(weight));
    pass.seed(&back, gradient);
    away.geodesic + away.joints
}
