//! How evenly the body moves between two samples: distances between consecutive steps.

use rayon::prelude::*;

use crate::measure::surface::{Surface, distance};
use crate::prior::{Latent, Prior};

/// Steps of one interpolation.
pub(super) const STEPS: usize = 32;

/// Steps shorter than this are no movement, metres.
const STILL: f64 = 1e-6;

pub(super) struct Interpolations {
    /// Of each pair the longest step over the shortest.
    pub ratios: Vec<f64>,
    /// (steps): the mean distance of a step over all pairs, mm.
    pub curve: Vec<f64>,
}

/// Between neighbours of `codes`, (2·pairs, dims), by the way of their latent space.
pub(super) fn interpolate(
    surface: &Surface,
    prior: &Prior,
    latent: Latent,
    codes: &[f64],
) -> Interpolations {
    let dims = prior.latent_dim();
    let pairs = codes.par_chunks_exact(2 * dims);
    let steps: Vec<Vec<f64>> = pairs
        .map(|pair| {
            let (a, b) = pair.split_at(dims);
            let at = |i: usize| latent.between(a, b, i as f64 / STEPS as f64);
            let way: Vec<f64> = (0..=STEPS).flat_map(at).collect();
            let rotations = prior.rotations(&way);
            let skins: Vec<_> = rotations
                .chunks_exact(9 * 21)
                .map(|r| surface.pose(r))
                .collect();
            skins.windows(2).map(|w| distance(&w[0], &w[1])).collect()
        })
        .collect();
    let ratio = |s: &Vec<f64>| {
        let most = s.iter().copied().fold(0.0, f64::max);
        let least = s.iter().copied().fold(f64::INFINITY, f64::min);
        most / least.max(STILL)
    };
    let mean = |i: usize| 1000.0 * steps.iter().map(|s| s[i]).sum::<f64>() / steps.len() as f64;
    Interpolations {
        ratios: steps.iter().map(ratio).collect(),
        curve: (0..STEPS).map(mean).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::BodyModel;

    #[test]
    fn a_joint_that_turns_evenly_has_equal_steps() {
        let surface = Surface::new(&BodyModel::builtin(None).unwrap());
        let mut codes = vec![0.0; 126];
        codes[63 + 9] = 1.0;
        let found = interpolate(&surface, &Prior::None, Latent::Normal, &codes);
        assert!((found.ratios[0] - 1.0).abs() < 1e-3, "{:?}", found.ratios);
        assert_eq!(found.curve.len(), STEPS);
        assert!(found.curve[0] > 0.5);
    }
}
