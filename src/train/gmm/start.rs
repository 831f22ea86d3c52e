//! The start of a mixture: k-means from a k-means++ seeding (Arthur & Vassilvitskii 2007).

use nalgebra::{DMatrix, DMatrixView};
use rayon::prelude::*;

use super::mirror::Pairs;
use crate::random::SplitMix64;

const LLOYD_ITERATIONS: usize = 10;

/// Assignments of columns to clusters as ones in `(rows, clusters)`, else zeros.
pub(super) fn k_means(
    samples: DMatrixView<f64>,
    clusters: usize,
    pairs: Option<&Pairs>,
    random: &mut SplitMix64,
) -> DMatrix<f64> {
    let mut centres = spread_centres(samples, clusters, pairs, random);
    let mut assigned = nearest(samples, &centres);
    for _ in 0..LLOYD_ITERATIONS {
        move_centres(samples, &assigned, &mut centres);
        if let Some(pairs) = pairs {
            pairs.even_centres(&mut centres);
        }
        assigned = nearest(samples, &centres);
    }
    let mut ones = DMatrix::zeros(samples.ncols(), clusters);
    for (row, (cluster, _)) in assigned.into_iter().enumerate() {
        ones[(row, cluster)] = 1.0;
    }
    ones
}

/// Draws each next centre with a probability proportional to its squared distance from the others; a
/// mirror image follows from its counterpart.
fn spread_centres(
    samples: DMatrixView<f64>,
    clusters: usize,
    pairs: Option<&Pairs>,
    random: &mut SplitMix64,
) -> DMatrix<f64> {
    let mut squared = vec![1.0; samples.ncols()];
    let mut centres: DMatrix<f64> = DMatrix::zeros(samples.nrows(), clusters);
    for cluster in 0..clusters {
        let image = pairs.and_then(|p| p.image_of_drawn(cluster, &centres));
        let chosen = image.unwrap_or_else(|| samples.column(draw(&squared, random)).into_owned());
        centres.set_column(cluster, &chosen);
        for (distance, sample) in squared.iter_mut().zip(samples.column_iter()) {
            let fresh = (sample - &chosen).norm_squared();
            *distance = if cluster == 0 {
                fresh
            } else {
                fresh.min(*distance)
            };
        }
    }
    centres
}

/// An index drawn by weight; the last one where every weight is zero.
fn draw(weights: &[f64], random: &mut SplitMix64) -> usize {
    let mut left = random.uniform() * weights.iter().sum::<f64>();
    for (index, weight) in weights.iter().enumerate() {
        if left < *weight {
            return index;
        }
        left -= weight;
    }
    weights.len() - 1
}

/// Each column's nearest centre and its squared distance.
fn nearest(samples: DMatrixView<f64>, centres: &DMatrix<f64>) -> Vec<(usize, f64)> {
    (0..samples.ncols())
        .into_par_iter()
        .map(|row| {
            let sample = samples.column(row);
            (0..centres.ncols())
                .map(|cluster| {
                    (
                        cluster,
                        squared_distance(sample.as_slice(), centres.column(cluster).as_slice()),
                    )
                })
                .min_by(|a, b| a.1.total_cmp(&b.1))
                .expect("there is at least one centre")
        })
        .collect()
}

/// Moves centres to the means of their columns; an empty one to the column farthest from its own.
fn move_centres(samples: DMatrixView<f64>, assigned: &[(usize, f64)], centres: &mut DMatrix<f64>) {
    let mut counts = vec![0.0; centres.ncols()];
    centres.fill(0.0);
    for (sample, &(cluster, _)) in samples.column_iter().zip(assigned) {
        let mut centre = centres.column_mut(cluster);
        centre += sample;
        counts[cluster] += 1.0;
    }
    let farthest = (0..assigned.len()).max_by(|&a, &b| assigned[a].1.total_cmp(&assigned[b].1));
    for (mut centre, count) in centres.column_iter_mut().zip(counts) {
        match farthest {
            Some(row) if count == 0.0 => centre.copy_from(&samples.column(row)),
            _ => centre /= count,
        }
    }
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
