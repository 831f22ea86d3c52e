//! −log p of poses under a mixture of Gaussians, nats.

use nalgebra::{DMatrix, DVector};

use crate::prior::Mixture;

/// −log Σ_m w_m N(θ; μ_m, Σ_m) of each pose; nothing where a covariance is not positive definite.
pub(super) fn negative_log(mixture: &Mixture, poses: &[Vec<f64>]) -> Option<Vec<f64>> {
    let d = mixture.dims;
    let factors: Option<Vec<_>> = (0..mixture.means.len())
        .map(|m| DMatrix::from_row_slice(d, d, &mixture.covariance(m)).cholesky())
        .collect();
    let factors: Vec<DMatrix<f64>> = factors?.into_iter().map(|c| c.l()).collect();
    let constants: Vec<f64> = mixture
        .weights()
        .iter()
        .zip(&factors)
        .map(|(w, l)| {
            let half_log_det: f64 = l.diagonal().iter().map(|x| x.ln()).sum();
            w.ln() - half_log_det - 0.5 * d as f64 * std::f64::consts::TAU.ln()
        })
        .collect();
    let of = |pose: &Vec<f64>| {
        let log = |m: usize| {
            let pairs = pose.iter().zip(&mixture.means[m]);
            let difference = DVector::from_iterator(d, pairs.map(|(x, mean)| x - mean));
            let white = factors[m].solve_lower_triangular(&difference);
            constants[m] - 0.5 * white.map_or(f64::INFINITY, |y| y.norm_squared())
        };
        let logs: Vec<f64> = (0..factors.len()).map(log).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        -most - logs.iter().map(|l| (l - most).exp()).sum::<f64>().ln()
    };
    Some(poses.iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixture_of_two_lines_has_the_density_written_by_hand() {
        let mixture = Mixture::new(&[0.25, 0.75], &[0.0, 2.0], &[1.0, 4.0], 1).unwrap();
        let found = negative_log(&mixture, &[vec![1.0]]).unwrap()[0];
        let normal = |x: f64, s: f64| (-0.5 * (x / s).powi(2)).exp() / (s * 2.506628274631);
        let expected = -(0.25 * normal(1.0, 1.0) + 0.75 * normal(1.0, 2.0)).ln();
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }
}
