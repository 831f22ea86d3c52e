//! Whether paired differences are about zero: the sign-flip test over clusters, and Holm's correction.

use std::collections::BTreeMap;

use crate::random::SplitMix64;

/// More clusters than this are flipped in neighbouring pairs, threes, …: the test stays exact, and takes a
/// moment.
const MOST: usize = 2000;

/// So few clusters are flipped in every way there is.
const EXACT: usize = 12;
const FLIPS: usize = 9999;

/// The two-sided p value that the differences of clusters are as likely above zero as below (Fisher 1935;
/// over clusters as Winkler et al. 2014). 1 where there is no cluster.
pub(crate) fn sign_flip(differences: &[f64], clusters: &[usize], seed: u64) -> f64 {
    let mut sums: BTreeMap<usize, f64> = BTreeMap::new();
    for (x, cluster) in differences.iter().zip(clusters) {
        *sums.entry(*cluster).or_default() += x;
    }
    let sums: Vec<f64> = sums.into_values().filter(|s| *s != 0.0).collect();
    let together = sums.len().div_ceil(MOST).max(1);
    let sums: Vec<f64> = sums.chunks(together).map(|c| c.iter().sum()).collect();
    let size: f64 = sums.iter().map(|s| s.abs()).sum();
    let least = sums.iter().sum::<f64>().abs() - 1e-9 * size;
    if sums.is_empty() {
        return 1.0;
    }
    if sums.len() <= EXACT {
        let ways = 1usize << sums.len();
        let flipped = |way: usize| {
            let signed = sums.iter().enumerate();
            let signed = signed.map(|(k, s)| if way >> k & 1 == 1 { -s } else { *s });
            signed.sum::<f64>().abs() >= least
        };
        return (0..ways).filter(|way| flipped(*way)).count() as f64 / ways as f64;
    }
    let mut random = SplitMix64(seed);
    let mut flipped = |_: &usize| {
        let mut bits = 0;
        let mut sum = 0.0;
        for (k, s) in sums.iter().enumerate() {
            if k % 64 == 0 {
                bits = random.bits();
            }
            sum += if bits >> (k % 64) & 1 == 1 { -s } else { *s };
        }
        sum.abs() >= least
    };
    let beyond = (0..FLIPS).filter(&mut flipped).count();
    (beyond + 1) as f64 / (FLIPS + 1) as f64
}

/// Holm's p values (1979): each as if it were alone, though several were tried.
pub(crate) fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut most: f64 = 0.0;
    for (rank, at) in order.into_iter().enumerate() {
        most = most.max((p.len() - rank) as f64 * p[at]).min(1.0);
        adjusted[at] = most;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_clusters_on_one_side_have_two_chances_in_thirty_two() {
        let clusters = [0, 0, 1, 2, 3, 4];
        let p = sign_flip(&[0.1, 0.2, 0.4, 0.3, 0.2, 0.5], &clusters, 1);
        assert_eq!(p, 2.0 / 32.0);
        assert_eq!(sign_flip(&[0.0; 4], &[0, 1, 2, 3], 1), 1.0);
    }

    #[test]
    fn the_test_of_what_is_about_zero_is_right_as_often_as_it_says() {
        let mut random = SplitMix64(2);
        let mut below = 0;
        for trial in 0..400 {
            // Ten clusters of twenty frames that share most of their difference.
            let shared: Vec<f64> = (0..20).map(|_| random.normal()).collect();
            let clusters: Vec<usize> = (0..200).map(|i| i / 10).collect();
            let x = clusters.iter().map(|c| shared[*c] + 0.2 * random.normal());
            let x: Vec<f64> = x.collect();
            below += usize::from(sign_flip(&x, &clusters, trial) < 0.05);
        }
        assert!((8..34).contains(&below), "{below} of 400");
    }

    #[test]
    fn holm_multiplies_the_smallest_by_all_and_keeps_the_order() {
        assert_eq!(holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
    }
}
