//! Facts about the mixture trainer.

use super::*;
use crate::random::SplitMix64;

const TRUE_MEANS: [[f64; 2]; 2] = [[-1.0, 2.0], [2.0, 0.0]];
/// Lower Cholesky factors of the two covariances: rows (a, 0) and (b, c).
const TRUE_FACTORS: [[f64; 3]; 2] = [[0.5, 0.3, 0.4], [0.8, -0.5, 0.6]];

/// `(rows, 2)` from 0.3 of the first Gaussian with 0.7 of the second.
fn two_gaussians(rows: usize) -> Vec<f64> {
    let mut random = SplitMix64(7);
    (0..rows)
        .flat_map(|_| {
            let which = usize::from(random.uniform() > 0.3);
            let [u, v] = normal_pair(&mut random);
            let [a, b, c] = TRUE_FACTORS[which];
            let [x, y] = TRUE_MEANS[which];
            [x + a * u, y + b * u + c * v]
        })
        .collect()
}

/// Box–Muller.
fn normal_pair(random: &mut SplitMix64) -> [f64; 2] {
    let radius = (-2.0 * (1.0 - random.uniform()).ln()).sqrt();
    let angle = std::f64::consts::TAU * random.uniform();
    [radius * angle.cos(), radius * angle.sin()]
}

fn settings(components: usize, floor: f64) -> MixtureSettings {
    MixtureSettings {
        components,
        floor,
        restarts: 1,
        ..MixtureSettings::default()
    }
}

fn fit(samples: &[f64], dim: usize, settings: &MixtureSettings) -> MixtureFit {
    fit_mixture(samples, dim, None, settings, &mut |_, _| true).unwrap()
}

fn failure(samples: &[f64], dim: usize, settings: &MixtureSettings) -> String {
    fit_mixture(samples, dim, None, settings, &mut |_, _| true)
        .unwrap_err()
        .to_string()
}

fn close(actual: f64, expected: f64, tolerance: f64) {
    assert!(
        (actual - expected).abs() <= tolerance,
        "{actual} is not {expected} ± {tolerance}"
    );
}

#[test]
fn a_known_mixture_is_recovered() {
    let fit = fit(&two_gaussians(20_000), 2, &settings(2, 0.0));
    assert!(fit.converged);
    let order = if fit.means[0] < fit.means[2] {
        [0, 1]
    } else {
        [1, 0]
    };
    for (truth, found) in order.into_iter().enumerate() {
        close(fit.weights[found], [0.3, 0.7][truth], 0.01);
        let [a, b, c] = TRUE_FACTORS[truth];
        let covariance = [a * a, a * b, a * b, b * b + c * c];
        for (mean, truth) in fit.means[found * 2..].iter().zip(TRUE_MEANS[truth]) {
            close(*mean, truth, 0.03);
        }
        for (entry, truth) in fit.covariances[found * 4..].iter().zip(covariance) {
            close(*entry, truth, 0.03);
        }
    }
}

#[test]
fn no_iteration_lowers_the_objective_with_or_without_a_floor() {
    for floor in [0.0, 0.4, 2.0] {
        let settings = MixtureSettings {
            tolerance: 0.0,
            max_iter: 60,
            ..settings(4, floor)
        };
        let trace = fit(&two_gaussians(1000), 2, &settings).trace;
        for (iteration, pair) in trace.windows(2).enumerate() {
            let gain = pair[1] - pair[0];
            assert!(
                gain > -1e-12,
                "floor {floor}, iteration {iteration}: gain {gain:e}"
            );
        }
    }
}

#[test]
fn without_a_floor_the_objective_is_the_mean_log_likelihood() {
    let samples = two_gaussians(3000);
    let fit = fit(&samples, 2, &settings(3, 0.0));
    let nll = fit.mean_negative_log_likelihood(&samples).unwrap();
    close(*fit.trace.last().unwrap(), -nll, 1e-12);
}

#[test]
fn the_objective_bounds_the_log_likelihood_of_jittered_samples_from_below() {
    let (samples, floor) = (two_gaussians(3000), 0.5);
    // Four points with mean zero and covariance floor² I: they make the expectation exact.
    let step = floor * 2f64.sqrt();
    let jitter = [[step, 0.0], [-step, 0.0], [0.0, step], [0.0, -step]];
    let jittered: Vec<f64> = samples
        .chunks(2)
        .flat_map(|x| jitter.map(|j| [x[0] + j[0], x[1] + j[1]]))
        .flatten()
        .collect();
    let gap = |components| {
        let fit = fit(&samples, 2, &settings(components, floor));
        let nll = fit.mean_negative_log_likelihood(&jittered).unwrap();
        -nll - fit.trace.last().unwrap()
    };
    close(gap(1), 0.0, 1e-12);
    assert!(gap(2) > 1e-3 && gap(2) < 0.5, "{}", gap(2));
}

#[test]
fn the_negative_log_likelihood_is_that_of_the_weighted_sum_of_densities() {
    let fit = MixtureFit {
        dim: 1,
        weights: vec![0.25, 0.75],
        means: vec![-1.0, 3.0],
        covariances: vec![1.0, 4.0],
        trace: vec![0.0],
        iterations: 0,
        converged: true,
    };
    let root = std::f64::consts::TAU.sqrt();
    let density = 0.25 * (-0.5f64).exp() / root + 0.75 * (-9.0f64 / 8.0).exp() / (2.0 * root);
    close(
        fit.mean_negative_log_likelihood(&[0.0]).unwrap(),
        -density.ln(),
        1e-14,
    );
    let far = fit.mean_negative_log_likelihood(&[1e6]).unwrap();
    close(far / ((1e6f64 - 3.0).powi(2) / 8.0), 1.0, 1e-9);
}

#[test]
fn equal_seeds_give_equal_bits_with_any_number_of_threads() {
    let samples = two_gaussians(3 * CHUNK + 17);
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| fit(&samples, 2, &settings(3, 0.1)))
    };
    let once = with_threads(1);
    assert_eq!(once, with_threads(1));
    assert_eq!(once, with_threads(3));
    let other = fit(
        &samples,
        2,
        &MixtureSettings {
            seed: 1,
            ..settings(3, 0.1)
        },
    );
    assert_ne!(once.means, other.means);
}

#[test]
fn a_constant_dimension_gets_the_floor_as_its_standard_deviation() {
    let floor = 0.05;
    let samples: Vec<f64> = two_gaussians(2000)
        .chunks(2)
        .flat_map(|x| [x[0], 0.7, x[1]])
        .collect();
    let fit = fit(&samples, 3, &settings(2, floor));
    for covariance in fit.covariances.chunks(9) {
        close(covariance[4], floor * floor, 1e-15);
        let matrix = DMatrix::from_row_slice(3, 3, covariance);
        assert_eq!(matrix, matrix.transpose());
        let smallest = matrix.symmetric_eigenvalues().min();
        close(smallest, floor * floor, 1e-12);
    }
}

#[test]
fn the_best_restart_is_kept_and_progress_counts_from_zero_in_each() {
    let mut finals: Vec<f64> = Vec::new();
    let settings = MixtureSettings {
        max_iter: 3,
        restarts: 4,
        ..settings(6, 0.1)
    };
    let best = fit_mixture(
        &two_gaussians(1000),
        2,
        None,
        &settings,
        &mut |iteration, objective| {
            match iteration {
                0 => finals.push(objective),
                _ => *finals.last_mut().unwrap() = objective,
            }
            true
        },
    )
    .unwrap();
    assert_eq!(finals.len(), 4);
    assert!(finals[0] != finals[1]);
    let highest = finals.into_iter().max_by(f64::total_cmp);
    assert_eq!(best.trace.last().copied(), highest);
    assert_eq!(best.iterations, 3);
}

#[test]
fn equal_samples_make_one_point_of_every_component() {
    let fit = fit(&[0.5; 20], 2, &settings(3, 0.1));
    close(fit.weights.iter().sum(), 1.0, 1e-12);
    for (weight, covariance) in fit.weights.iter().zip(fit.covariances.chunks(4)) {
        assert!(weight.is_finite());
        close(covariance[0], 0.01, 1e-15);
        close(covariance[1], 0.0, 1e-15);
    }
}

#[test]
fn what_cannot_be_fitted_is_named() {
    let plain = settings(2, 0.1);
    assert_eq!(
        failure(&[1.0; 5], 2, &plain),
        "5 numbers are not rows of dimension 2"
    );
    assert_eq!(
        failure(&[1.0; 4], 0, &plain),
        "4 numbers are not rows of dimension 0"
    );
    assert_eq!(
        failure(&[], 2, &plain),
        "0 numbers are not rows of dimension 2"
    );
    assert_eq!(
        failure(&[0.0, 1.0, 2.0, f64::NAN], 2, &plain),
        "sample 1 is not finite in column 1"
    );
    assert_eq!(
        failure(&[1.0; 2], 2, &plain),
        "1 samples are too few for 2 components"
    );
    assert_eq!(
        failure(&[1.0; 8], 2, &settings(0, 0.1)),
        "`components` must be at least 1"
    );
    assert_eq!(
        failure(&[1.0; 8], 2, &settings(2, -0.1)),
        "`floor` must be finite and not negative"
    );
    assert_eq!(
        failure(&[1.0; 8], 2, &settings(1, 0.0)),
        "the covariance of component 0 is not positive definite; raise `floor`"
    );
}

#[test]
fn a_mirrored_mixture_is_its_own_image_to_the_last_bit() {
    let mirror: Mirror = |sample| sample[0] = -sample[0];
    let mut samples = two_gaussians(1000);
    let images: Vec<f64> = samples.chunks(2).flat_map(|x| [-x[0], x[1]]).collect();
    samples.extend(images);
    let flipped = |fit: &MixtureFit, k: usize| {
        let mut mean = fit.means[2 * k..][..2].to_vec();
        mirror(&mut mean);
        let c = &fit.covariances[4 * k..][..4];
        (fit.weights[k], mean, vec![c[0], -c[1], -c[2], c[3]])
    };
    let own = |fit: &MixtureFit, k: usize| {
        let (mean, c) = (&fit.means[2 * k..][..2], &fit.covariances[4 * k..][..4]);
        (fit.weights[k], mean.to_vec(), c.to_vec())
    };
    for (components, restarts) in [(4, 1), (4, 3), (3, 1), (1, 2)] {
        let settings = MixtureSettings {
            restarts,
            ..settings(components, 0.1)
        };
        let fit = fit_mixture(&samples, 2, Some(mirror), &settings, &mut |_, _| true).unwrap();
        for k in 0..components {
            let image = flipped(&fit, k);
            assert!(
                (0..components).any(|other| own(&fit, other) == image),
                "{components}: {fit:?}"
            );
        }
    }
}
