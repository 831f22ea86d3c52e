//! The distance between two poses of a body, and its gradient with respect to the second.

use rayon::prelude::*;

use super::blocks::{Block, blocks, sign, take_signs};
use crate::body::{BODY_JOINTS, BodyModel};
use crate::graph::Real;
use crate::graph::linear3::{
    add_a_bt, add_at_b, add_outer, add_scaled, multiply, rotate, rotate_back, sub, v3,
};

/// Frames whose vertices are made at once; a constant, so that no sum depends on the threads.
const CHUNK: usize = 32;
/// Rotation (9) and position (3) of each moving joint.
const ROTATIONS: usize = 9 * BODY_JOINTS;
/// Joints whose positions count: the pelvis, which does not move, and those of `pose_body`.
const JOINTS: usize = 1 + BODY_JOINTS;
/// Weights of the mean absolute differences of vertices and joints, m, and of the mean angle, rad.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Distances {
    pub vertices: f64,
    pub geodesic: f64,
    pub joints: f64,
}

/// A body with its root at rest and the neutral shape; pose correctives are left out, being of
/// second order in a difference of poses.
///
/// A vertex is Σ_j w_j (A_j (x − c_j) + p_j), linear in the joints' world rotations A and
/// positions p. So the difference of two poses' vertices is one product with the difference of
/// their transforms, made in blocks of vertices that share few joints.
pub(crate) struct BodyLoss<E> {
    rest: Vec<[E; 3]>,
    parents: Vec<usize>,
    blocks: Vec<Block<E>>,
    vertices: usize,
}

impl<E: Real> BodyLoss<E> {
    pub fn new(body: &BodyModel) -> Self {
        let rest = body.joints.rows().into_iter();
        Self {
            rest: rest.map(|r| std::array::from_fn(|k| E::of(r[k]))).collect(),
            parents: body.parents.clone(),
            blocks: blocks(body),
            vertices: body.template.nrows(),
        }
    }

    /// The three mean distances between rotations (rows, 189), and the gradient of their weighted
    /// sum with respect to `predicted`.
    pub fn evaluate(
        &self,
        predicted: &[E],
        target: &[E],
        weights: Distances,
    ) -> (Distances, Vec<E>) {
        let rows = predicted.len() / ROTATIONS;
        let mut gradient = vec![E::zero(); predicted.len()];
        let size = CHUNK * ROTATIONS;
        let parts = predicted.par_chunks(size).zip(target.par_chunks(size));
        let sums: Vec<Distances> = parts
            .zip(gradient.par_chunks_mut(size))
            .map(|((p, t), g)| self.chunk(p, t, weights, rows, g))
            .collect();
        let share = 1.0 / rows.max(1) as f64;
        let mean = |of: fn(&Distances) -> f64, count: usize| {
            sums.iter().map(of).sum::<f64>() * share / count as f64
        };
        let distances = Distances {
            vertices: mean(|d| d.vertices, 3 * self.vertices),
            geodesic: mean(|d| d.geodesic, BODY_JOINTS),
            joints: mean(|d| d.joints, 3 * JOINTS),
        };
        (distances, gradient)
    }

    /// Mean distances between corresponding vertices and joints, m, and mean angle, rad.
    pub fn measure(&self, predicted: &[E], target: &[E]) -> Distances {
        let rows = predicted.len() / ROTATIONS;
        let size = CHUNK * ROTATIONS;
        let parts = predicted.par_chunks(size).zip(target.par_chunks(size));
        let sums: Vec<Distances> = parts.map(|(p, t)| self.lengths(p, t)).collect();
        let mean = |of: fn(&Distances) -> f64, count: usize| {
            sums.iter().map(of).sum::<f64>() / (rows.max(1) * count) as f64
        };
        Distances {
            vertices: mean(|d| d.vertices, self.vertices),
            geodesic: mean(|d| d.geodesic, BODY_JOINTS),
            joints: mean(|d| d.joints, JOINTS),
        }
    }

    /// Sums over a chunk; adds to `gradient` that of the weighted means over `rows`.
    fn chunk(
        &self,
        p: &[E],
        t: &[E],
        weights: Distances,
        rows: usize,
        gradient: &mut [E],
    ) -> Distances {
        let frames = p.len() / ROTATIONS;
        let per = |weight: f64, count: usize| E::of(weight / (rows * count) as f64);
        let worlds = self.worlds(p);
        let difference = self.difference(&worlds, &self.worlds(t), frames);
        let mut sums = Distances::default();
        let mut slope = vec![E::zero(); difference.len()];
        let step = per(weights.vertices, 3 * self.vertices);
        if weights.vertices != 0.0 {
            for block in &self.blocks {
                let mut moved = block.product(&difference, frames);
                sums.vertices += take_signs(&mut moved, step);
                block.add_back(&moved, frames, &mut slope);
            }
        }
        let step = per(weights.joints, 3 * JOINTS);
        for j in 1..JOINTS {
            for at in self.position(j, frames) {
                sums.joints += difference[at].wide().abs();
                slope[at] += sign(difference[at]) * step;
            }
        }
        self.pull_back(p, &worlds, &slope, gradient);
        let step = per(weights.geodesic, BODY_JOINTS);
        let pairs = p.chunks_exact(9).zip(t.chunks_exact(9));
        for ((p, t), g) in pairs.zip(gradient.chunks_exact_mut(9)) {
            sums.geodesic += geodesic(p, t, step, g).wide();
        }
        sums
    }

    fn lengths(&self, p: &[E], t: &[E]) -> Distances {
        let frames = p.len() / ROTATIONS;
        let difference = self.difference(&self.worlds(p), &self.worlds(t), frames);
        let length = |x: [E; 3]| x.iter().map(|x| x.wide() * x.wide()).sum::<f64>().sqrt();
        let mut sums = Distances::default();
        for block in &self.blocks {
            let moved = block.product(&difference, frames);
            sums.vertices += moved.chunks_exact(3).map(|x| length(v3(x))).sum::<f64>();
        }
        for j in 1..JOINTS {
            let at = self.position(j, frames);
            sums.joints += difference[at]
                .chunks_exact(3)
                .map(|x| length(v3(x)))
                .sum::<f64>();
        }
        for (p, t) in p.chunks_exact(9).zip(t.chunks_exact(9)) {
            sums.geodesic += geodesic(p, t, E::zero(), &mut [E::zero(); 9]).wide();
        }
        sums
    }

    /// Where a joint's positions lie in the difference of transforms.
    fn position(&self, joint: usize, frames: usize) -> std::ops::Range<usize> {
        (4 * joint + 3) * 3 * frames..(4 * joint + 4) * 3 * frames
    }

    /// World rotations and positions, (frames, joints, 12).
    fn worlds(&self, rotations: &[E]) -> Vec<E> {
        let count = self.parents.len();
        let mut worlds = vec![E::zero(); rotations.len() / ROTATIONS * count * 12];
        let frames = worlds.chunks_exact_mut(12 * count);
        for (world, r) in frames.zip(rotations.chunks_exact(ROTATIONS)) {
            world[..9].copy_from_slice(&identity());
            world[9..12].copy_from_slice(&self.rest[0]);
            for j in 1..count {
                let (before, own) = world.split_at_mut(12 * j);
                let parent = &before[12 * self.parents[j]..][..12];
                let bone = sub(self.rest[j], self.rest[self.parents[j]]);
                match j <= BODY_JOINTS {
                    true => multiply(parent, &r[9 * (j - 1)..9 * j], own),
                    false => own[..9].copy_from_slice(&parent[..9]),
                }
                own[9..12].copy_from_slice(&rotate(parent, bone));
                add_scaled(E::one(), v3(&parent[9..]), &mut own[9..12]);
            }
        }
        worlds
    }

    /// a − b as (4·joints, frames, 3): for each joint the columns of its rotation, then its position.
    fn difference(&self, a: &[E], b: &[E], frames: usize) -> Vec<E> {
        let count = self.parents.len();
        let mut out = vec![E::zero(); a.len()];
        for (f, (a, b)) in a
            .chunks_exact(12 * count)
            .zip(b.chunks_exact(12 * count))
            .enumerate()
        {
            for j in 0..count {
                for column in 0..4 {
                    let to = ((4 * j + column) * frames + f) * 3;
                    for k in 0..3 {
                        let from = 12 * j + if column < 3 { 3 * k + column } else { 9 + k };
                        out[to + k] = a[from] - b[from];
                    }
                }
            }
        }
        out
    }

    /// Adds to the gradient of local rotations what that of the transforms means, from the tips
    /// of the skeleton to its root.
    fn pull_back(&self, rotations: &[E], worlds: &[E], slope: &[E], gradient: &mut [E]) {
        let count = self.parents.len();
        let frames = rotations.len() / ROTATIONS;
        let mut own = vec![E::zero(); 12 * count];
        for f in 0..frames {
            for j in 0..count {
                for column in 0..4 {
                    for k in 0..3 {
                        let to = 12 * j + if column < 3 { 3 * k + column } else { 9 + k };
                        own[to] = slope[((4 * j + column) * frames + f) * 3 + k];
                    }
                }
            }
            let world = &worlds[12 * count * f..][..12 * count];
            for j in (1..count).rev() {
                let parent = self.parents[j];
                let (before, from) = own.split_at_mut(12 * j);
                let to = &mut before[12 * parent..][..12];
                let bone = sub(self.rest[j], self.rest[parent]);
                add_outer(E::one(), v3(&from[9..]), bone, to);
                add_scaled(E::one(), v3(&from[9..]), &mut to[9..12]);
                if j > BODY_JOINTS {
                    add_scaled_9(from, to);
                    continue;
                }
                let at = f * ROTATIONS + 9 * (j - 1);
                add_a_bt(from, &rotations[at..at + 9], to);
                add_at_b(&world[12 * parent..], from, &mut gradient[at..at + 9]);
            }
        }
    }
}

fn add_scaled_9<E: Real>(from: &[E], to: &mut [E]) {
    for (to, from) in to.iter_mut().zip(&from[..9]) {
        *to += *from;
    }
}

fn identity<E: Real>() -> [E; 9] {
    std::array::from_fn(|i| if i % 4 == 0 { E::one() } else { E::zero() })
}

/// The angle of P Tᵀ as atan2(‖vee‖, trace − 1), which is sound at 0 and π; adds `weight` times
/// its gradient with respect to P, which is finite everywhere and zero where P = T.
fn geodesic<E: Real>(p: &[E], t: &[E], weight: E, gradient: &mut [E]) -> E {
    let mut m = [E::zero(); 9];
    add_a_bt(p, t, &mut m);
    let vee = [m[7] - m[5], m[2] - m[6], m[3] - m[1]];
    let square = vee[0] * vee[0] + vee[1] * vee[1] + vee[2] * vee[2];
    let sine = num_traits::Float::sqrt(square);
    let cosine = m[0] + m[4] + m[8] - E::one();
    let scale = weight / (square + cosine * cosine);
    let along = match sine > E::of(1e-12) {
        true => scale * cosine / sine,
        false => E::zero(),
    };
    let [x, y, z] = vee.map(|v| v * along);
    let d = -(scale * sine);
    let slope = [d, -z, y, z, d, -x, -y, x, d];
    for i in 0..3 {
        let row = v3(&slope[3 * i..]);
        let turned = rotate_back(t, row);
        add_scaled(E::one(), turned, &mut gradient[3 * i..3 * i + 3]);
    }
    num_traits::Float::atan2(sine, cosine)
}
