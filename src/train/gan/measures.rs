//! How well samples cover held-out poses, how close they stay to them, and how many are impossible.

use rayon::prelude::*;

use crate::body::BODY_JOINTS;
use crate::body::BodyModel;
use crate::body::kinematics::Kinematics;
use crate::graph::Kernel;
use crate::graph::linear3::dot;

/// Distances to the nearest in mm, of poses among samples and of samples among poses; the share of
/// samples with impossible knees or elbows.
pub(super) struct Measures {
    pub recall: f64,
    pub precision: f64,
    pub impossible: f64,
}

/// At most this many are compared with all of the other side.
const ASKED: usize = 1000;

/// A skeleton of joints 0 to 21 with its pelvis at rest.
#[derive(Clone, Debug)]
pub(super) struct Skeleton {
    parents: Vec<usize>,
    rest: Vec<f32>,
}

impl Skeleton {
    pub fn new(body: &BodyModel) -> Self {
        let joints = body.num_joints().min(BODY_JOINTS + 1);
        Self {
            parents: body.parents[..joints].to_vec(),
            rest: body
                .joints
                .iter()
                .map(|&x| x as f32)
                .take(3 * joints)
                .collect(),
        }
    }

    /// `known` are real poses beside the held-out `poses`; all are (rows, 9·21).
    pub fn measure(&self, poses: &[f32], known: &[f32], samples: &[f32]) -> Measures {
        let (poses_at, samples_at) = (self.positions(poses), self.positions(samples));
        let real_at = [poses_at.as_slice(), &self.positions(known)].concat();
        Measures {
            recall: self.nearest(&poses_at, &samples_at),
            precision: self.nearest(&samples_at, &real_at),
            impossible: impossible(samples),
        }
    }

    /// Mean distance of joints between poses and others, row by row, mm.
    pub fn apart(&self, poses: &[f32], others: &[f32]) -> f64 {
        let (a, b) = (self.positions(poses), self.positions(others));
        let moving = self.parents.len().saturating_sub(1).max(1);
        let pairs = a.chunks_exact(3).zip(b.chunks_exact(3));
        let distance = |(a, b): (&[f32], &[f32])| {
            let off: [f32; 3] = std::array::from_fn(|k| a[k] - b[k]);
            f64::from(dot(off, off).sqrt())
        };
        let count = a.len() / (3 * self.parents.len()).max(1) * moving;
        1e3 * pairs.map(distance).sum::<f64>() / count.max(1) as f64
    }

    /// Rotations (rows, 9·21) to positions (rows, 3·joints), m.
    fn positions(&self, rotations: &[f32]) -> Vec<f32> {
        let kinematics = Kinematics {
            parents: self.parents.clone(),
        };
        let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let place = |pose: &[f32]| {
            let mut out = vec![0.0; 12 * self.parents.len()];
            let inputs: [&[f32]; 4] = [&identity, pose, &self.rest, &[0.0; 3]];
            Kernel::forward::<f32>(&kinematics, &inputs, &mut out);
            out.chunks_exact(12)
                .flat_map(|j| [j[9], j[10], j[11]])
                .collect::<Vec<_>>()
        };
        rotations
            .par_chunks_exact(9 * BODY_JOINTS)
            .flat_map_iter(place)
            .collect()
    }

    /// Mean over some of `asked` of the smallest mean distance of joints to one of `others`, mm.
    fn nearest(&self, asked: &[f32], others: &[f32]) -> f64 {
        let dims = 3 * self.parents.len();
        let joints = self.parents.len().saturating_sub(1).max(1) as f64;
        let asked: Vec<&[f32]> = evenly(asked.chunks_exact(dims).collect(), ASKED);
        // Coordinate by coordinate, so that the loop below runs over neighbouring numbers.
        let count = others.len() / dims;
        let columns: Vec<Vec<f32>> = (0..dims)
            .map(|k| others.iter().skip(k).step_by(dims).copied().collect())
            .collect();
        let smallest = |pose: &&[f32]| {
            let mut sums = vec![0.0f32; count];
            for (p, axes) in pose.chunks_exact(3).zip(columns.chunks_exact(3)).skip(1) {
                let (x, y, z) = (&axes[0][..count], &axes[1][..count], &axes[2][..count]);
                for i in 0..count {
                    let (dx, dy, dz) = (x[i] - p[0], y[i] - p[1], z[i] - p[2]);
                    sums[i] += (dx * dx + dy * dy + dz * dz).sqrt();
                }
            }
            f64::from(sums.into_iter().fold(f32::INFINITY, f32::min)) / joints
        };
        let distances: Vec<f64> = asked.par_iter().map(smallest).collect();
        1e3 * distances.iter().sum::<f64>() / distances.len().max(1) as f64
    }
}

/// At most `most` of `items`, spread evenly.
pub(super) fn evenly<T: Copy>(items: Vec<T>, most: usize) -> Vec<T> {
    let count = items.len().min(most);
    (0..count).map(|i| items[i * items.len() / count]).collect()
}

/// The share of poses with a knee that bends forwards by more than 0.2 rad, by more than 2.7 rad
/// backwards or by 0.35 rad off its axis, or an elbow that bends the wrong way by 0.35 rad.
fn impossible(rotations: &[f32]) -> f64 {
    let poses = rotations.chunks_exact(9 * BODY_JOINTS);
    let count = poses.len().max(1);
    let wrong = poses.filter(|pose| {
        let angles = |joint: usize| angles(&pose[9 * (joint - 1)..9 * joint]);
        let knee = |[x, y, z]: [f32; 3]| !(-0.2..=2.7).contains(&x) || y.hypot(z) > 0.35;
        let elbow = |y: f32| y < -0.35;
        knee(angles(4)) || knee(angles(5)) || elbow(-angles(18)[1]) || elbow(angles(19)[1])
    });
    wrong.count() as f64 / count as f64
}

/// The axis-angle vector of a rotation by less than π.
fn angles(r: &[f32]) -> [f32; 3] {
    let vee = [r[7] - r[5], r[2] - r[6], r[3] - r[1]];
    let sine = dot(vee, vee).sqrt();
    let angle = sine.atan2(r[0] + r[4] + r[8] - 1.0);
    vee.map(|x| x * angle / sine.max(1e-9))
}
