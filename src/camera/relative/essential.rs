//! Two cameras from what both see: the essential matrix, whatever a part of it says.

use nalgebra::{Matrix3, SMatrix, Vector2, Vector3};

use super::{FEW, Pose, meet};
use crate::random::SplitMix64;

/// Both pictures of a point, in the planes at depth 1.
type Both = (Vector2<f64>, Vector2<f64>);

/// The second of two cameras as the first stands at the origin, their distance 1.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub pose: Pose,
    /// Points that agree with it.
    agree: usize,
    /// The median sine of the angle between their rays.
    parallax: f64,
}

impl Pair {
    /// How much the pair says of where points are.
    pub fn says(&self) -> f64 {
        self.agree as f64 * self.parallax
    }
}

/// Points of a sample, samples, and rounds over all that agree.
const SAMPLE: usize = 8;
const SAMPLES: usize = 600;
const ROUNDS: usize = 8;

pub(super) fn pair(both: &[Both], off: f64) -> Option<Pair> {
    if both.len() < FEW {
        return None;
    }
    let mut random = SplitMix64(1);
    let mut best: Option<(f64, Matrix3<f64>)> = None;
    for _ in 0..SAMPLES {
        let sample: Vec<(Both, f64)> = (0..SAMPLE)
            .map(|_| (both[random.below(both.len())], 1.0))
            .collect();
        let Some(found) = essential(&sample) else {
            continue;
        };
        let cost: f64 = both.iter().map(|b| distance(&found, b).min(off)).sum();
        if best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, found));
        }
    }
    let (_, mut found) = best?;
    for _ in 0..ROUNDS {
        let weigh = |b: &Both| (*b, weight(distance(&found, b) / off));
        let weighed: Vec<(Both, f64)> = both.iter().map(weigh).collect();
        found = essential(&weighed)?;
    }
    let agreeing = |b: &&Both| distance(&found, b) < off;
    let agreeing: Vec<&Both> = both.iter().filter(agreeing).collect();
    if agreeing.len() < FEW {
        return None;
    }
    let first = Pose {
        rotation: Matrix3::identity(),
        translation: Vector3::zeros(),
    };
    let in_front = |pose: &Pose| {
        let ahead = |(a, b): &&&Both| {
            meet(&[(first, *a), (*pose, *b)])
                .is_some_and(|p| p.z > 0.0 && (pose.rotation * p + pose.translation).z > 0.0)
        };
        agreeing.iter().filter(ahead).count()
    };
    let pose = decomposed(&found).into_iter().max_by_key(in_front)?;
    let agree = in_front(&pose);
    let sine = |(a, b): &&Both| {
        let a = Vector3::new(a.x, a.y, 1.0).normalize();
        let b = pose.rotation.transpose() * Vector3::new(b.x, b.y, 1.0).normalize();
        a.cross(&b).norm()
    };
    let parallax = crate::data::median(agreeing.iter().map(sine))?;
    (agree >= FEW).then_some(Pair {
        pose,
        agree,
        parallax,
    })
}

/// Geman and McClure's weight.
fn weight(over: f64) -> f64 {
    (1.0 + over * over).powi(-2)
}

/// The least squares of xᵦᵀ E xₐ, in numbers of order one (Hartley 1997), with the singular values of an
/// essential matrix.
fn essential(both: &[(Both, f64)]) -> Option<Matrix3<f64>> {
    let a = scaled(both.iter().map(|((a, _), w)| (*a, *w)))?;
    let b = scaled(both.iter().map(|((_, b), w)| (*b, *w)))?;
    let mut normal = SMatrix::<f64, 9, 9>::zeros();
    for ((p, q), w) in both {
        let p = a * Vector3::new(p.x, p.y, 1.0);
        let q = b * Vector3::new(q.x, q.y, 1.0);
        let row = SMatrix::<f64, 9, 1>::from_fn(|k, _| q[k / 3] * p[k % 3]);
        normal += row * row.transpose() * *w;
    }
    let eigen = normal.symmetric_eigen();
    let least = eigen
        .eigenvectors
        .column(eigen.eigenvalues.imin())
        .into_owned();
    let found = b.transpose() * Matrix3::from_row_slice(least.as_slice()) * a;
    let svd = found.svd(true, true);
    let (u, vt) = (svd.u?, svd.v_t?);
    let smallest = svd.singular_values.imin();
    let mut ones = Vector3::repeat(1.0);
    ones[smallest] = 0.0;
    let found = u * Matrix3::from_diagonal(&ones) * vt;
    found.iter().all(|x| x.is_finite()).then_some(found)
}

/// What brings points to a mean of zero and a distance of √2 from it.
fn scaled(points: impl Iterator<Item = (Vector2<f64>, f64)> + Clone) -> Option<Matrix3<f64>> {
    let total: f64 = points.clone().map(|(_, w)| w).sum();
    let mean = points.clone().map(|(p, w)| p * w).sum::<Vector2<f64>>() / total;
    let spread = points.map(|(p, w)| (p - mean).norm() * w).sum::<f64>() / total;
    let s = std::f64::consts::SQRT_2 / spread;
    let matrix = Matrix3::new(s, 0.0, -s * mean.x, 0.0, s, -s * mean.y, 0.0, 0.0, 1.0);
    s.is_finite().then_some(matrix)
}

/// Sampson's distance, in the planes at depth 1.
fn distance(e: &Matrix3<f64>, (p, q): &Both) -> f64 {
    let (p, q) = (Vector3::new(p.x, p.y, 1.0), Vector3::new(q.x, q.y, 1.0));
    let (ep, etq) = (e * p, e.transpose() * q);
    let slope = ep.xy().norm_squared() + etq.xy().norm_squared();
    q.dot(&ep).abs() / slope.sqrt().max(f64::MIN_POSITIVE)
}

/// The four cameras that have an essential matrix.
fn decomposed(e: &Matrix3<f64>) -> Vec<Pose> {
    let svd = e.svd(true, true);
    let (Some(mut u), Some(mut vt)) = (svd.u, svd.v_t) else {
        return Vec::new();
    };
    // The direction that E takes to nothing comes last.
    let last = svd.singular_values.imin();
    u.swap_columns(last, 2);
    vt.swap_rows(last, 2);
    let w = Matrix3::new(0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0);
    let proper = |r: Matrix3<f64>| r * r.determinant().signum();
    let turns = [proper(u * w * vt), proper(u * w.transpose() * vt)];
    let along: Vector3<f64> = u.column(2).into_owned();
    let poses = turns.into_iter().flat_map(|rotation| {
        [1.0, -1.0].map(|sign| Pose {
            rotation,
            translation: along * sign,
        })
    });
    poses.collect()
}
