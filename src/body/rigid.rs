//! The rigid motion that takes a body's points onto seen ones, whatever a few of them say.

use nalgebra::{Matrix3, Vector3};

/// A point of the body as it stands before placement, and what was seen of it.
pub(crate) struct Pair {
    pub model: Vector3<f64>,
    pub seen: Vector3<f64>,
    pub weight: f64,
}

/// Rounds of reweighting, and the least distance that counts as an error in them, metres.
const ROUNDS: usize = 4;
const LEAST_ERROR: f64 = 0.05;

/// Kabsch's motion after points far off the others have lost their say: each round weighs by
/// 1/(1 + (r/s)²)², with s twice the median distance.
pub(crate) fn robust_kabsch(pairs: &mut [Pair]) -> Option<(Matrix3<f64>, Vector3<f64>)> {
    let given: Vec<f64> = pairs.iter().map(|p| p.weight).collect();
    let mut found = kabsch(pairs)?;
    for _ in 0..ROUNDS {
        let (turn, shift) = found;
        let distance = |p: &Pair| (turn * p.model + shift - p.seen).norm();
        let mut sorted: Vec<f64> = pairs.iter().map(distance).collect();
        sorted.sort_by(f64::total_cmp);
        let scale = (2.0 * sorted[sorted.len() / 2]).max(LEAST_ERROR);
        for (pair, given) in pairs.iter_mut().zip(&given) {
            let doubt = 1.0 + (distance(pair) / scale).powi(2);
            pair.weight = given / (doubt * doubt);
        }
        found = kabsch(pairs)?;
    }
    Some(found)
}

/// The rigid motion that takes the model onto the seen points (Kabsch 1976), least squares.
///
/// `None` when the points do not fix a rotation: fewer than three, or all on one line.
fn kabsch(pairs: &[Pair]) -> Option<(Matrix3<f64>, Vector3<f64>)> {
    let total: f64 = pairs.iter().map(|p| p.weight).sum();
    if pairs.len() < 3 || total <= 0.0 {
        return None;
    }
    let mean = |of: fn(&Pair) -> Vector3<f64>| {
        pairs.iter().map(|p| of(p) * p.weight).sum::<Vector3<f64>>() / total
    };
    let (model, seen) = (mean(|p| p.model), mean(|p| p.seen));
    let covariance: Matrix3<f64> = pairs
        .iter()
        .map(|p| (p.seen - seen) * (p.model - model).transpose() * p.weight)
        .sum();
    let svd = covariance.svd(true, true);
    let (u, vt) = (svd.u?, svd.v_t?);
    let spread = svd.singular_values;
    let mut sorted = [spread[0], spread[1], spread[2]];
    sorted.sort_by(f64::total_cmp);
    if sorted[1] < 1e-4 * sorted[2] || !sorted[2].is_finite() {
        return None;
    }
    let least = spread.imin();
    let mut signs = Vector3::repeat(1.0);
    signs[least] = (u * vt).determinant().signum();
    let turn = u * Matrix3::from_diagonal(&signs) * vt;
    Some((turn, seen - turn * model))
}
