//! Left and right points that exchange their labels in some frames of a recording.

use nalgebra::Vector3;
use ndarray::s;

use crate::data::Observations;

/// How far two points have to jump together before it is asked whether they changed places, metres.
const JUMP: f64 = 0.12;

/// What may be left of the jump with the labels exchanged.
const FAR_LESS: f64 = 0.4;

/// Frames that a point may be unseen before nothing is said of where it was.
const PATIENCE: usize = 5;

/// Exchanges labels back where a pair changes places from one frame to the next and back; says the frames
/// of each pair, which are fewer than those in which it stays.
pub(crate) fn mend(
    observed: &mut Observations,
    pairs: &[(usize, usize)],
) -> Vec<((usize, usize), Vec<usize>)> {
    let mut found = Vec::new();
    for &pair in pairs {
        let frames = exchanged(observed, pair);
        for &f in &frames {
            for k in 0..3 {
                observed.values.swap([f, 0, pair.0, k], [f, 0, pair.1, k]);
            }
            observed.confidence.swap([f, 0, pair.0], [f, 0, pair.1]);
        }
        if !frames.is_empty() {
            found.push((pair, frames));
        }
    }
    found
}

/// The frames in which a pair is the other way round than in most.
fn exchanged(observed: &Observations, (left, right): (usize, usize)) -> Vec<usize> {
    let point = |f: usize, p: usize| {
        let x = observed.values.slice(s![f, 0usize, p, ..]);
        (observed.confidence[[f, 0, p]] > 0.0).then(|| Vector3::new(x[0], x[1], x[2]))
    };
    let both = |f: usize| Some((f, [point(f, left)?, point(f, right)?]));
    let seen: Vec<_> = (0..observed.frames()).filter_map(both).collect();
    let step = |w: &[(usize, [Vector3<f64>; 2])]| {
        let ((_, [a, b]), (_, [l, r])) = (w[0], w[1]);
        let (stays, changes) = (
            (l - a).norm() + (r - b).norm(),
            (l - b).norm() + (r - a).norm(),
        );
        (stays, changes, w[1].0 - w[0].0)
    };
    let steps: Vec<(f64, f64, usize)> = seen.windows(2).map(step).collect();
    let mut small: Vec<f64> = steps.iter().map(|s| s.0.min(s.1)).collect();
    small.sort_by(f64::total_cmp);
    let usual = small.get(small.len() / 2).copied().unwrap_or(0.0);
    // Frames that do not follow each other, or that nothing is known of in between, say nothing.
    if usual > JUMP || steps.iter().any(|s| s.2 > PATIENCE) {
        return Vec::new();
    }
    let mut other = false;
    let mut states: Vec<(usize, bool)> = seen.first().map(|s| (s.0, false)).into_iter().collect();
    for (&(stays, changes, _), (f, _)) in steps.iter().zip(seen.iter().skip(1)) {
        let near = changes < FAR_LESS * stays && changes < 3.0 * usual + 0.25 * JUMP;
        other ^= stays > 2.0 * JUMP && near;
        states.push((*f, other));
    }
    let count = states.iter().filter(|s| s.1).count();
    let rare = 2 * count <= states.len();
    let wrong = states.into_iter().filter(|s| s.1 == rare);
    match count {
        0 => Vec::new(),
        _ => wrong.map(|s| s.0).collect(),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Array4};

    use super::*;
    use crate::spec::Dimension;

    #[test]
    fn a_pair_that_changes_places_and_back_is_mended() {
        let place = |(f, _, p, k): (usize, usize, usize, usize)| {
            let side = if p == 0 { 0.15 } else { -0.15 };
            [side, 0.9, 0.03 * f as f64][k]
        };
        let right = Observations {
            labels: vec!["left_hip".into(), "right_hip".into()],
            views: vec![String::new()],
            values: Array4::from_shape_fn((10, 1, 2, 3), place),
            confidence: Array3::ones((10, 1, 2)),
            dimension: Dimension::LENGTH,
            rate: None,
            frame_numbers: (0..10).collect(),
        };
        let mut given = right.clone();
        assert_eq!(mend(&mut given, &[(0, 1)]), []);
        for f in [3, 4, 9] {
            for k in 0..3 {
                given.values.swap([f, 0, 0, k], [f, 0, 1, k]);
            }
        }
        assert_eq!(mend(&mut given, &[(0, 1)]), [((0, 1), vec![3, 4, 9])]);
        assert_eq!(given.values, right.values);
    }
}
