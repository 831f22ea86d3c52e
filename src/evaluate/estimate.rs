//! A mean with its 95 % interval by the percentile bootstrap (Efron 1979).

use crate::random::SplitMix64;

/// Resamples of a bootstrap.
const RESAMPLES: usize = 1000;

/// A figure of a measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub value: f64,
    /// The 95 % interval; both ends are the value where nothing is resampled.
    pub low: f64,
    pub high: f64,
    /// What was averaged: poses, pairs or problems.
    pub n: usize,
}

impl Estimate {
    /// The mean of independent values; values that are not finite are left out.
    pub(crate) fn mean(values: &[f64], seed: u64) -> Option<Self> {
        Self::of(values, seed, |v| v.iter().sum::<f64>() / v.len() as f64)
    }

    pub(crate) fn median(values: &[f64], seed: u64) -> Option<Self> {
        Self::of(values, seed, median)
    }

    /// A share of independent cases, percent, with Wilson's interval, which has a width at 0 and 100 too.
    pub(crate) fn share(hits: usize, n: usize) -> Option<Self> {
        const Z: f64 = 1.96;
        if n == 0 {
            return None;
        }
        let (p, n_) = (hits as f64 / n as f64, n as f64);
        let scale = 1.0 / (1.0 + Z * Z / n_);
        let centre = scale * (p + Z * Z / (2.0 * n_));
        let half = scale * Z * (p * (1.0 - p) / n_ + Z * Z / (4.0 * n_ * n_)).sqrt();
        Some(Self {
            value: 100.0 * p,
            low: 100.0 * (centre - half).max(0.0),
            high: 100.0 * (centre + half).min(1.0),
            n,
        })
    }

    fn of(values: &[f64], seed: u64, figure: impl Fn(&mut [f64]) -> f64) -> Option<Self> {
        let mut values: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
        if values.is_empty() {
            return None;
        }
        let mut random = SplitMix64(seed);
        let n = values.len();
        let mut resample = |_| {
            let mut drawn: Vec<f64> = (0..n).map(|_| values[random.below(n)]).collect();
            figure(&mut drawn)
        };
        let mut figures: Vec<f64> = (0..RESAMPLES).map(&mut resample).collect();
        figures.sort_by(f64::total_cmp);
        let quantile = |q: f64| figures[(q * (RESAMPLES - 1) as f64).round() as usize];
        Some(Self {
            low: quantile(0.025),
            high: quantile(0.975),
            value: figure(&mut values),
            n,
        })
    }
}

fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_none_may_still_be_three_in_n() {
        let found = Estimate::share(0, 200).unwrap();
        assert_eq!((found.value, found.low), (0.0, 0.0));
        assert!((found.high - 1.885).abs() < 0.005, "{found:?}");
        let half = Estimate::share(50, 100).unwrap();
        assert!((half.low - 40.38).abs() < 0.01 && (half.high - 59.62).abs() < 0.01);
    }

    #[test]
    fn the_interval_of_a_mean_is_two_standard_errors_to_each_side() {
        let mut random = SplitMix64(4);
        let values: Vec<f64> = (0..400).map(|_| 3.0 + random.normal()).collect();
        let found = Estimate::mean(&values, 1).unwrap();
        let half = 0.5 * (found.high - found.low);
        assert!((half - 1.96 / 20.0).abs() < 0.015, "{found:?}");
        assert!(found.low < found.value && found.value < found.high && found.n == 400);
        assert_eq!(Estimate::mean(&values, 1), Some(found));
        assert_eq!(Estimate::mean(&[f64::NAN], 1), None);
    }
}
