//! Vertices in blocks that few joints move, whose skinning is one matrix product.

use faer::{Accum, MatMut, MatRef, Par};

use crate::body::BodyModel;
use crate::graph::Real;
use crate::graph::matmul::matmul;

/// Vertices of a block are moved by at most this many joints.
const BLOCK_JOINTS: usize = 6;

pub(super) struct Block<E> {
    joints: Vec<usize>,
    /// (vertices, 4·joints): w (x − c) and w of each joint.
    coefficients: Vec<E>,
    vertices: usize,
}

pub(super) fn sign<E: Real>(x: E) -> E {
    if x > E::zero() {
        E::one()
    } else if x < E::zero() {
        -E::one()
    } else {
        // Zero stays zero, and NaN stays NaN.
        x
    }
}

/// Σ |x| of all numbers, which become `step` with their sign; in lanes, as vector instructions want it.
pub(super) fn take_signs<E: Real>(numbers: &mut [E], step: E) -> f64 {
    const LANES: usize = 16;
    let mut sums = [E::zero(); LANES];
    for chunk in numbers.chunks_mut(LANES) {
        for (x, sum) in chunk.iter_mut().zip(&mut sums) {
            *sum += num_traits::Float::abs(*x);
            *x = sign(*x) * step;
        }
    }
    sums.iter().map(|sum| sum.wide()).sum()
}

impl<E: Real> Block<E> {
    /// Differences of the block's vertices, (vertices, frames, 3).
    pub fn product(&self, difference: &[E], frames: usize) -> Vec<E> {
        let (columns, inner) = (3 * frames, 4 * self.joints.len());
        let size = 4 * columns;
        let mut own = Vec::with_capacity(inner * columns);
        for j in &self.joints {
            own.extend_from_slice(&difference[j * size..(j + 1) * size]);
        }
        let mut out = vec![E::zero(); self.vertices * columns];
        let a = MatRef::from_row_major_slice(&self.coefficients, self.vertices, inner);
        let b = MatRef::from_row_major_slice(&own, inner, columns);
        let to = MatMut::from_row_major_slice_mut(&mut out, self.vertices, columns);
        matmul(to, Accum::Replace, a, b, E::one(), Par::Seq);
        out
    }

    pub fn add_back(&self, moved: &[E], frames: usize, slope: &mut [E]) {
        let (columns, inner) = (3 * frames, 4 * self.joints.len());
        let size = 4 * columns;
        let mut own = vec![E::zero(); inner * columns];
        let a = MatRef::from_row_major_slice(&self.coefficients, self.vertices, inner);
        let g = MatRef::from_row_major_slice(moved, self.vertices, columns);
        let to = MatMut::from_row_major_slice_mut(&mut own, inner, columns);
        matmul(to, Accum::Replace, a.transpose(), g, E::one(), Par::Seq);
        for (j, own) in self.joints.iter().zip(own.chunks_exact(size)) {
            for (to, from) in slope[j * size..(j + 1) * size].iter_mut().zip(own) {
                *to += *from;
            }
        }
    }
}

/// Vertices in the order of the joints that move them, cut where a block would need too many.
pub(super) fn blocks<E: Real>(body: &BodyModel) -> Vec<Block<E>> {
    let mut skins: Vec<(Vec<usize>, usize)> = (0..body.template.nrows())
        .map(|v| (body.skin(v).into_iter().map(|(j, _)| j).collect(), v))
        .collect();
    skins.sort();
    let mut found: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
    for (joints, vertex) in skins {
        if let Some((union, vertices)) = found.last_mut() {
            let fresh: Vec<usize> = joints
                .iter()
                .copied()
                .filter(|j| !union.contains(j))
                .collect();
            if union.len() + fresh.len() <= BLOCK_JOINTS {
                union.extend(fresh);
                vertices.push(vertex);
                continue;
            }
        }
        found.push((joints, vec![vertex]));
    }
    found
        .into_iter()
        .map(|(joints, vertices)| block(body, joints, &vertices))
        .collect()
}

fn block<E: Real>(body: &BodyModel, joints: Vec<usize>, vertices: &[usize]) -> Block<E> {
    let mut coefficients = Vec::with_capacity(vertices.len() * 4 * joints.len());
    for &v in vertices {
        for &j in &joints {
            let w = body.weights[[v, j]];
            let arm = (0..3).map(|k| E::of(w * (body.template[[v, k]] - body.joints[[j, k]])));
            coefficients.extend(arm);
            coefficients.push(E::of(w));
        }
    }
    Block {
        joints,
        coefficients,
        vertices: vertices.len(),
    }
}
