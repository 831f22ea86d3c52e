//! Skin weights: each vertex's bone, diffused over the surface across the joints.

use crate::cuts;
use crate::joints::{self, COUNT, V3};
use crate::mesh::Mesh;

pub type Weights = Vec<[f64; COUNT]>;

const PASSES: usize = 2;
const SWEEPS: usize = 250;
/// Weights are multiples of this, so rows sum to one exactly and compress well.
const STEP: f64 = 1.0 / 2048.0;

/// Heat diffusion, (M + κL) w = M p (after Baran & Popović 2007), run twice for a softer edge.
pub fn weights(mesh: &Mesh) -> Weights {
    let graph = Graph::new(mesh);
    let mut weights: Weights = mesh
        .vertices
        .iter()
        .map(|v| one_hot(cuts::bone(v)))
        .collect();
    for _ in 0..PASSES {
        weights = graph.diffuse(&weights);
    }
    symmetrize(&mut weights, &mesh.twins);
    for (v, row) in weights.iter_mut().enumerate() {
        keep_four(row, mesh.twins[v] == v);
    }
    weights
}

fn one_hot(bone: usize) -> [f64; COUNT] {
    std::array::from_fn(|j| f64::from(u8::from(j == bone)))
}

struct Graph {
    mass: Vec<f64>,
    /// Neighbour and κ · cotangent weight.
    links: Vec<Vec<(usize, f64)>>,
}

impl Graph {
    fn new(mesh: &Mesh) -> Graph {
        let count = mesh.vertices.len();
        let mut graph = Graph {
            mass: vec![0.0; count],
            links: vec![Vec::new(); count],
        };
        let spread: Vec<f64> = mesh.vertices.iter().map(cuts::spread).collect();
        for &[a, b, c] in &mesh.faces {
            for [i, j, apex] in [[a, b, c], [b, c, a], [c, a, b]] {
                let (u, v) = (
                    mesh.vertices[i] - mesh.vertices[apex],
                    mesh.vertices[j] - mesh.vertices[apex],
                );
                let doubled_area = u.cross(&v).norm();
                let cotangent = (u.dot(&v) / doubled_area).max(0.02);
                let link = 0.25 * cotangent * (spread[i].powi(2) + spread[j].powi(2));
                graph.links[i].push((j, link));
                graph.links[j].push((i, link));
                graph.mass[apex] += doubled_area / 6.0;
            }
        }
        graph
    }

    /// Gauss–Seidel sweeps; the system is diagonally dominant.
    fn diffuse(&self, source: &Weights) -> Weights {
        let mut out = source.clone();
        for _ in 0..SWEEPS {
            for v in 0..out.len() {
                let mut row = source[v].map(|p| p * self.mass[v]);
                let mut total = self.mass[v];
                for &(other, link) in &self.links[v] {
                    total += link;
                    (0..COUNT).for_each(|j| row[j] += link * out[other][j]);
                }
                out[v] = row.map(|w| w / total);
            }
        }
        out
    }
}

fn symmetrize(weights: &mut Weights, twins: &[usize]) {
    let old = weights.clone();
    for (row, &twin) in weights.iter_mut().zip(twins) {
        let before = *row;
        *row = std::array::from_fn(|j| (before[j] + old[twin][joints::mirror(j)]) / 2.0);
    }
}

/// Keeps the four largest weights, rounded; in the middle a joint stays only beside its twin.
fn keep_four(row: &mut [f64; COUNT], in_middle: bool) {
    let mut order: Vec<usize> = (0..COUNT).collect();
    order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
    let kept = &order[..4];
    let stays = |j: usize| kept.contains(&j) && (!in_middle || kept.contains(&joints::mirror(j)));
    let total: f64 = (0..COUNT).filter(|&j| stays(j)).map(|j| row[j]).sum();
    let old = *row;
    *row = std::array::from_fn(|j| {
        if stays(j) {
            (old[j] / total / STEP).round() * STEP
        } else {
            0.0
        }
    });
    let takes_rest = order
        .iter()
        .find(|&&j| !in_middle || joints::mirror(j) == j);
    let rest = 1.0 - row.iter().sum::<f64>();
    row[*takes_rest.expect("some joint lies in the middle")] += rest;
}

/// A vertex's displacement: its bones' displacements, blended by its weights.
pub fn blend(row: &[f64; COUNT], displacement: impl Fn(usize) -> V3) -> V3 {
    (0..COUNT)
        .filter(|&j| row[j] != 0.0)
        .map(|j| row[j] * displacement(j))
        .sum()
}
