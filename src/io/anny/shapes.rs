//! Adults' shapes as a mean and principal components, from phenotypes spread evenly.

use nalgebra::{DMatrix, DVector};

use super::Mesh;
use super::targets::{PHENOTYPES, Target};

/// Adults that are looked at, and the components that are kept.
const ADULTS: usize = 200;
const KEPT: usize = 20;
/// Where adults' heights lie between the ends, which are rarer than other phenotypes': 1.70 m with a deviation of
/// a tenth.
const HEIGHT: usize = 4;
const HEIGHTS: [f64; 2] = [0.38, 0.5];
/// Uniform numbers whose mean is a phenotype between its ends; its standard deviation is a sixth.
const SPREAD: usize = 3;

/// The mean of vertices and joints, (3·(skin + spots)), and what a standard deviation of each component
/// moves, decimetres.
pub(super) fn adults(
    targets: &[Target],
    mesh: &Mesh,
    skin: &[usize],
    spots: &[Vec<usize>],
) -> Result<(Vec<f64>, Vec<Vec<f64>>), String> {
    let rows = 3 * (skin.len() + spots.len());
    let mut all = DMatrix::zeros(rows, ADULTS);
    for k in 0..ADULTS {
        let vertices = shaped(targets, mesh, &weights(k));
        let points = skin.iter().map(|v| vertices[*v]);
        let points = points.chain(spots.iter().map(|s| mean(&vertices, s)));
        let numbers: Vec<f64> = points.flatten().collect();
        all.set_column(k, &DVector::from_vec(numbers));
    }
    let middle = all.column_mean();
    for mut column in all.column_iter_mut() {
        column -= &middle;
    }
    let gram = all.tr_mul(&all) / (ADULTS - 1) as f64;
    let eigen = gram.symmetric_eigen();
    let mut order: Vec<usize> = (0..ADULTS).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    let component = |k: &usize| {
        // A unit vector times the deviation along it; its sign makes the top of the head rise.
        let way = &all * eigen.eigenvectors.column(*k) / ((ADULTS - 1) as f64).sqrt();
        let tall: f64 = way
            .iter()
            .skip(1)
            .step_by(3)
            .zip(middle.iter().skip(1).step_by(3))
            .map(|(w, y)| w * y)
            .sum();
        (way * tall.signum()).as_slice().to_vec()
    };
    let shapes: Vec<Vec<f64>> = order.iter().take(KEPT).map(component).collect();
    match shapes.iter().flatten().all(|x| x.is_finite()) {
        true => Ok((middle.as_slice().to_vec(), shapes)),
        false => Err("its targets hold displacements that are no numbers".into()),
    }
}

fn shaped(targets: &[Target], mesh: &Mesh, weights: &[Vec<f64>]) -> Vec<[f64; 3]> {
    let mut vertices = mesh.vertices.clone();
    for target in targets {
        let share: f64 = target
            .anchors
            .iter()
            .map(|(p, a)| weights[*p][*a])
            .product();
        if share != 0.0 {
            for (vertex, by) in &target.moves {
                (0..3).for_each(|k| vertices[*vertex][k] += share * by[k]);
            }
        }
    }
    vertices
}

fn mean(vertices: &[[f64; 3]], of: &[usize]) -> [f64; 3] {
    let sum = |axis: usize| of.iter().map(|v| vertices[*v][axis]).sum::<f64>();
    [0, 1, 2].map(|axis| sum(axis) / of.len() as f64)
}

/// The weights of all anchors of the k-th adult: of those between which a phenotype lies, sums of 1.
fn weights(k: usize) -> Vec<Vec<f64>> {
    let count: usize = PHENOTYPES.len() * SPREAD;
    let mut numbers = (0..count).map(|dim| even(k, dim, count));
    let mut draw = || numbers.next().unwrap_or(0.5);
    let of = |(phenotype, names): (usize, &&[&str])| -> Vec<f64> {
        let drawn: Vec<f64> = (0..SPREAD).map(|_| draw()).collect();
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        match phenotype {
            // Sexes and ages are even, and people of mixed origin too.
            0 | 1 => vec![1.0 - drawn[0], drawn[0]],
            6 => {
                let sum: f64 = drawn.iter().sum::<f64>().max(1e-9);
                drawn.iter().map(|x| x / sum).collect()
            }
            HEIGHT => between(HEIGHTS[0] + HEIGHTS[1] * (mean(&drawn) - 0.5), names.len()),
            _ => between(mean(&drawn), names.len()),
        }
    };
    PHENOTYPES.iter().enumerate().map(of).collect()
}

/// Weights of anchors spread evenly over 0…1.
fn between(x: f64, anchors: usize) -> Vec<f64> {
    let at = x * (anchors - 1) as f64;
    (0..anchors)
        .map(|k| (1.0 - (at - k as f64).abs()).max(0.0))
        .collect()
}

/// The k-th of numbers in 0…1 that fill a cube of many dimensions evenly: an additive recurrence by the root of
/// x^(d+1) = x + 1 (Roberts 2018).
fn even(k: usize, dim: usize, dims: usize) -> f64 {
    let mut root = 1.5f64;
    for _ in 0..64 {
        root = (1.0 + root).powf(1.0 / (dims as f64 + 1.0));
    }
    (0.5 + (k + 1) as f64 * root.powi(-(dim as i32 + 1))).fract()
}
