//! A camera from known points that it sees, whatever a part of them says.

use nalgebra::{Matrix3, SMatrix, Vector2, Vector3};

use super::{FEW, Pose};
use crate::random::SplitMix64;
use crate::rotation::nearest;

type Known = (Vector3<f64>, Vector2<f64>);

/// Points of a sample, samples, and rounds over all that agree.
const SAMPLE: usize = 6;
const SAMPLES: usize = 400;
const ROUNDS: usize = 8;

pub(super) fn resect(
    seen: &[Option<Vector2<f64>>],
    points: &[Option<Vector3<f64>>],
    off: f64,
) -> Option<Pose> {
    let both = seen.iter().zip(points);
    let known: Vec<Known> = both.filter_map(|(s, p)| Some(((*p)?, (*s)?))).collect();
    if known.len() < FEW {
        return None;
    }
    let mut random = SplitMix64(2);
    let mut best: Option<(f64, Pose)> = None;
    for _ in 0..SAMPLES {
        let sample: Vec<(Known, f64)> = (0..SAMPLE)
            .map(|_| (known[random.below(known.len())], 1.0))
            .collect();
        let Some(found) = linear(&sample) else {
            continue;
        };
        let cost: f64 = known.iter().map(|(p, s)| found.off(p, s).min(off)).sum();
        if best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, found));
        }
    }
    let (_, mut found) = best?;
    for _ in 0..ROUNDS {
        let weigh = |known: &Known| {
            let over = found.off(&known.0, &known.1) / off;
            (*known, (1.0 + over * over).powi(-2))
        };
        let weighed: Vec<(Known, f64)> = known.iter().map(weigh).collect();
        found = linear(&weighed)?;
    }
    let agree = known.iter().filter(|(p, s)| found.off(p, s) < 2.0 * off);
    (agree.count() >= FEW).then_some(found)
}

/// The direct linear transformation, then the nearest rotation (Abdel-Aziz and Karara 1971).
fn linear(known: &[(Known, f64)]) -> Option<Pose> {
    let total: f64 = known.iter().map(|(_, w)| w).sum();
    let mean = known.iter().map(|((p, _), w)| p * *w).sum::<Vector3<f64>>() / total;
    let spread = known
        .iter()
        .map(|((p, _), w)| (p - mean).norm() * w)
        .sum::<f64>()
        / total;
    let mut normal = SMatrix::<f64, 12, 12>::zeros();
    for ((p, s), w) in known {
        let x = (p - mean) / spread;
        let x = [x.x, x.y, x.z, 1.0];
        for (axis, at) in [s.x, s.y].into_iter().enumerate() {
            let row = SMatrix::<f64, 12, 1>::from_fn(|k, _| match k / 4 {
                row if row == axis => x[k % 4],
                2 => -at * x[k % 4],
                _ => 0.0,
            });
            normal += row * row.transpose() * *w;
        }
    }
    let eigen = normal.symmetric_eigen();
    let p = eigen
        .eigenvectors
        .column(eigen.eigenvalues.imin())
        .into_owned();
    let matrix = Matrix3::from_fn(|i, k| p[4 * i + k]);
    let scale = matrix.determinant().cbrt();
    let rotation = nearest(&(matrix / scale));
    // Of the scaled points; then back to the points themselves.
    let shift = Vector3::new(p[3], p[7], p[11]) / scale * spread;
    let pose = Pose {
        rotation,
        translation: shift - rotation * mean,
    };
    let numbers = || pose.rotation.iter().chain(pose.translation.iter());
    numbers().all(|x| x.is_finite()).then_some(pose)
}
