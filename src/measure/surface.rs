//! The neutral body in a pose, its root at rest: vertices in f32, and means of groups of them.

use nalgebra::{Matrix3, Vector3};
use rayon::prelude::*;

use crate::body::{BODY_JOINTS, BodyModel};

/// Vertices of one pose: x of all, then y, then z, metres.
pub(crate) type Skin = Vec<f32>;

/// What posing a body needs, laid out for speed.
pub(crate) struct Surface {
    pub joints: Vec<Vector3<f64>>,
    parents: Vec<usize>,
    template: Vec<[f32; 3]>,
    /// For each vertex its joints and weights.
    weights: Vec<Vec<(usize, f32)>>,
    /// (vertices, 3, features), where the model has pose correctives.
    correctives: Option<Vec<f32>>,
}

impl Surface {
    pub fn new(body: &BodyModel) -> Self {
        let vertices = body.template.nrows();
        let row = |v: usize| std::array::from_fn(|k| body.template[[v, k]] as f32);
        let skin = |v: usize| {
            body.skin(v)
                .into_iter()
                .map(|(j, w)| (j, w as f32))
                .collect()
        };
        let correctives = body.posedirs.as_ref();
        Self {
            joints: body.rest_joints(&[]),
            parents: body.parents.clone(),
            template: (0..vertices).map(row).collect(),
            weights: (0..vertices).map(skin).collect(),
            correctives: correctives.map(|p| {
                let body = p.slice(ndarray::s![.., .., ..9 * BODY_JOINTS]);
                body.iter().map(|x| *x as f32).collect()
            }),
        }
    }

    pub fn vertices(&self) -> usize {
        self.template.len()
    }

    /// World rotations and positions of all joints; `rotations` are 21 row-major matrices.
    pub fn transforms(&self, rotations: &[f64]) -> Vec<(Matrix3<f64>, Vector3<f64>)> {
        let mut done: Vec<(Matrix3<f64>, Vector3<f64>)> =
            vec![(Matrix3::identity(), Vector3::zeros())];
        for j in 1..self.parents.len() {
            let parent = self.parents[j];
            let (turn, at) = done[parent];
            let local = match j <= BODY_JOINTS {
                true => Matrix3::from_row_slice(&rotations[9 * (j - 1)..9 * j]),
                false => Matrix3::identity(),
            };
            let bone = self.joints[j] - self.joints[parent];
            done.push((turn * local, at + turn * bone));
        }
        done
    }

    /// All vertices of a pose, the pelvis at the origin.
    pub fn pose(&self, rotations: &[f64]) -> Skin {
        let transforms = self.transforms(rotations);
        let flat = |(j, (turn, at)): (usize, &(Matrix3<f64>, Vector3<f64>))| {
            let shift = at - turn * self.joints[j];
            let row = |i: usize| [turn[(i, 0)], turn[(i, 1)], turn[(i, 2)], shift[i]];
            [row(0), row(1), row(2)].map(|r| r.map(|x| x as f32))
        };
        let matrices: Vec<[[f32; 4]; 3]> = transforms.iter().enumerate().map(flat).collect();
        let n = self.vertices();
        let feature = self.correctives.is_some().then(|| feature(rotations));
        let mut skin = vec![0.0; 3 * n];
        for (v, weights) in self.weights.iter().enumerate() {
            let mut x = self.template[v];
            if let (Some(directions), Some(feature)) = (&self.correctives, &feature) {
                let rows = directions[3 * v * feature.len()..].chunks_exact(feature.len());
                for (x, row) in x.iter_mut().zip(rows) {
                    *x += row.iter().zip(feature).map(|(d, f)| d * f).sum::<f32>();
                }
            }
            for &(j, w) in weights {
                for (i, m) in matrices[j].iter().enumerate() {
                    skin[i * n + v] += w * (m[0] * x[0] + m[1] * x[1] + m[2] * x[2] + m[3]);
                }
            }
        }
        skin
    }

    /// Rest places of the vertices that a joint moves most.
    pub fn moved_by(&self, joint: usize) -> impl Iterator<Item = Vector3<f64>> + '_ {
        let most = |w: &Vec<(usize, f32)>| w.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|w| w.0);
        let pairs = self.template.iter().zip(&self.weights);
        let moved = pairs.filter(move |(_, w)| most(w) == Some(joint));
        moved.map(|(x, _)| Vector3::from(x.map(f64::from)))
    }

    /// All poses of (rows, 21·9).
    pub fn poses(&self, rotations: &[f64]) -> Vec<Skin> {
        let rows = rotations.par_chunks_exact(9 * BODY_JOINTS);
        rows.map(|r| self.pose(r)).collect()
    }

    /// Vertices in groups that move together: by their strongest joint, then halved across the longest
    /// side until none has more than `most`.
    pub fn groups(&self, most: usize) -> Vec<Vec<usize>> {
        let mut by_joint = vec![Vec::new(); self.parents.len()];
        for (v, weights) in self.weights.iter().enumerate() {
            let strongest = weights.iter().max_by(|a, b| a.1.total_cmp(&b.1));
            by_joint[strongest.map_or(0, |(j, _)| *j)].push(v);
        }
        let mut done = Vec::new();
        for part in by_joint {
            self.halve(part, most, &mut done);
        }
        done
    }

    fn halve(&self, mut part: Vec<usize>, most: usize, done: &mut Vec<Vec<usize>>) {
        if part.is_empty() {
            return;
        }
        if part.len() <= most {
            return done.push(part);
        }
        let extent = |k: usize| {
            let along = part.iter().map(|&v| self.template[v][k]);
            along.clone().fold(f32::MIN, f32::max) - along.fold(f32::MAX, f32::min)
        };
        let extents = [0, 1, 2].map(extent);
        let k = (0..3)
            .max_by(|a, b| extents[*a].total_cmp(&extents[*b]))
            .unwrap_or(0);
        part.sort_by(|a, b| self.template[*a][k].total_cmp(&self.template[*b][k]));
        let rest = part.split_off(part.len() / 2);
        self.halve(part, most, done);
        self.halve(rest, most, done);
    }
}

/// flatten(R − I), row-major.
fn feature(rotations: &[f64]) -> Vec<f32> {
    let entries = rotations.iter().enumerate();
    entries
        .map(|(k, r)| if k % 9 % 4 == 0 { r - 1.0 } else { *r } as f32)
        .collect()
}

/// The mean distance between vertices of the same number, metres.
pub(crate) fn distance(a: &[f32], b: &[f32]) -> f64 {
    weighted(a, b, None) / (a.len() / 3) as f64
}

/// Σ wᵢ ‖aᵢ − bᵢ‖ of points that are laid out as in [`Skin`], eight at a time.
pub(crate) fn weighted(a: &[f32], b: &[f32], weights: Option<&[f32]>) -> f64 {
    const LANES: usize = 8;
    const BLOCK: usize = 64;
    let n = a.len() / 3;
    let (ax, ay, az) = (&a[..n], &a[n..2 * n], &a[2 * n..]);
    let (bx, by, bz) = (&b[..n], &b[n..2 * n], &b[2 * n..]);
    let length = |i: usize| {
        let (x, y, z) = (ax[i] - bx[i], ay[i] - by[i], az[i] - bz[i]);
        let length = (x * x + y * y + z * z).sqrt();
        weights.map_or(length, |w| w[i] * length)
    };
    let mut total = 0.0;
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        let mut lanes = [0.0f32; LANES];
        for first in (start..end).step_by(LANES) {
            for (lane, i) in lanes.iter_mut().zip(first..end) {
                *lane += length(i);
            }
        }
        total += lanes.iter().map(|x| f64::from(*x)).sum::<f64>();
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prior::Prior;

    #[test]
    fn the_fast_surface_is_the_body_model_s() {
        let body = BodyModel::builtin(None).unwrap();
        let pose = Prior::builtin("gmm").unwrap().sample(1, 3).unwrap();
        let rotations = Prior::None.rotations(&pose);
        let skin = Surface::new(&body).pose(&rotations);
        let rest = body.rest_joints(&[]);
        let origin = -rest[0];
        let transforms = body.transforms(&rest, &Matrix3::identity(), &pose, &origin);
        let expected = body.skinned(&body.rest_vertices(&[]), &rest, &pose, &transforms);
        let n = expected.len();
        for (v, x) in expected.iter().enumerate() {
            assert!((0..3).all(|k| (f64::from(skin[k * n + v]) - x[k]).abs() < 2e-6));
        }
    }
}
