//! A mean with its 95 % interval by the percentile bootstrap (Efron 1979).

use std::collections::BTreeMap;

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
        let clusters: Vec<usize> = (0..values.len()).collect();
        Self::mean_of_clusters(values, &clusters, seed)
    }

    /// The mean of values of which those of a cluster are alike: whole clusters are drawn again (Field and
    /// Welsh 2007).
    pub(crate) fn mean_of_clusters(values: &[f64], clusters: &[usize], seed: u64) -> Option<Self> {
        let mut by_cluster: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
        for (x, cluster) in values.iter().zip(clusters).filter(|(x, _)| x.is_finite()) {
            let entry = by_cluster.entry(*cluster).or_default();
            *entry = (entry.0 + x, entry.1 + 1);
        }
        let groups: Vec<(f64, usize)> = by_cluster.into_values().collect();
        let add = |a: (f64, usize), b: &(f64, usize)| (a.0 + b.0, a.1 + b.1);
        let (sum, n) = groups.iter().fold((0.0, 0), add);
        let mut random = SplitMix64(seed);
        let mut resample = |_| {
            let drawn = (0..groups.len()).map(|_| &groups[random.below(groups.len())]);
            let (sum, n) = drawn.fold((0.0, 0), add);
            sum / n as f64
        };
        let figures: Vec<f64> = (0..RESAMPLES).map(&mut resample).collect();
        (n > 0).then(|| Self::between(sum / n as f64, figures, n))
    }

    /// A value with the interval of its resamples.
    fn between(value: f64, mut resamples: Vec<f64>, n: usize) -> Self {
        resamples.sort_by(f64::total_cmp);
        let quantile = |q: f64| resamples[(q * (RESAMPLES - 1) as f64).round() as usize];
        Self {
            value,
            low: quantile(0.025),
            high: quantile(0.975),
            n,
        }
    }

    pub(crate) fn median(values: &[f64], seed: u64) -> Option<Self> {
        let values: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
        let n = values.len();
        let mut random = SplitMix64(seed);
        let mut resample = |_| {
            let mut drawn: Vec<f64> = (0..n).map(|_| values[random.below(n)]).collect();
            median(&mut drawn)
        };
        if n == 0 {
            return None;
        }
        let figures: Vec<f64> = (0..RESAMPLES).map(&mut resample).collect();
        Some(Self::between(median(&mut values.clone()), figures, n))
    }

    /// The share of cases in clusters that are hits, percent; of no or only hits Wilson's interval.
    pub(crate) fn share_of_clusters(hits: &[bool], clusters: &[usize], seed: u64) -> Option<Self> {
        let count = hits.iter().filter(|h| **h).count();
        if count == 0 || count == hits.len() {
            return Self::share(count, hits.len());
        }
        let percent: Vec<f64> = hits
            .iter()
            .map(|h| f64::from(u8::from(*h)) * 100.0)
            .collect();
        Self::mean_of_clusters(&percent, clusters, seed)
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

    #[test]
    fn the_interval_of_clusters_is_as_wide_as_their_number_allows() {
        let mut random = SplitMix64(7);
        let shared: Vec<f64> = (0..25).map(|_| random.normal()).collect();
        let clusters: Vec<usize> = (0..500).map(|i| i / 20).collect();
        let values: Vec<f64> = clusters.iter().map(|c| shared[*c]).collect();
        let width = |e: Estimate| e.high - e.low;
        let alone = width(Estimate::mean(&values, 1).unwrap());
        let together = width(Estimate::mean_of_clusters(&values, &clusters, 1).unwrap());
        // √20 times as wide.
        assert!(
            (3.6..5.4).contains(&(together / alone)),
            "{}",
            together / alone
        );
    }
}
