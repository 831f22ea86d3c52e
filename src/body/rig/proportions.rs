//! Shapes for a body that has none: its size, the lengths of its bones, its girth; a unit of each is about what
//! adults of one sex differ by.

use nalgebra::Vector3;
use ndarray::{Array2, Array3};

use super::place::row;
use crate::io::body_fields::BodyArrays;

/// All of the body grows by this share, beside its pelvis.
const SIZE: f64 = 0.04;
const GIRTH: f64 = 0.08;
/// Bones, by the joints at their ends, that become longer by a share together.
const STRETCHES: [(&[&str], f64); 8] = [
    (&["left_knee", "right_knee"], 0.04),
    (&["left_ankle", "right_ankle"], 0.04),
    (&["left_elbow", "right_elbow"], 0.04),
    (&["left_wrist", "right_wrist"], 0.04),
    (&["spine1", "spine2", "spine3", "neck"], 0.04),
    (
        &[
            "left_shoulder",
            "right_shoulder",
            "left_collar",
            "right_collar",
        ],
        0.06,
    ),
    (&["left_hip", "right_hip"], 0.06),
    (&["head"], 0.08),
];
/// The joint that a joint's bone points at.
const CHAIN: [(&str, &str); 17] = [
    ("pelvis", "spine1"),
    ("spine1", "spine2"),
    ("spine2", "spine3"),
    ("spine3", "neck"),
    ("neck", "head"),
    ("left_hip", "left_knee"),
    ("right_hip", "right_knee"),
    ("left_knee", "left_ankle"),
    ("right_knee", "right_ankle"),
    ("left_ankle", "left_foot"),
    ("right_ankle", "right_foot"),
    ("left_collar", "left_shoulder"),
    ("right_collar", "right_shoulder"),
    ("left_shoulder", "left_elbow"),
    ("right_shoulder", "right_elbow"),
    ("left_elbow", "left_wrist"),
    ("right_elbow", "right_wrist"),
];

pub(super) fn add(body: &mut BodyArrays) {
    let bones = Bones::new(body);
    let mut vertices: Vec<Vec<Vector3<f64>>> = Vec::new();
    let mut joints: Vec<Vec<Vector3<f64>>> = Vec::new();
    let grown = |x: &Array2<f64>| -> Vec<Vector3<f64>> {
        (0..x.nrows())
            .map(|k| SIZE * (row(x, k) - bones.at[0]))
            .collect()
    };
    vertices.push(grown(&body.v_template));
    joints.push(grown(&body.joints));
    for (ends, share) in STRETCHES {
        let moved = bones.stretched(ends, share);
        vertices.push(bones.skinned(body, |j, x| {
            let next = bones.next[j].map_or(Vector3::zeros(), |n| moved[n] - moved[j]);
            moved[j] + bones.along(j, x).0 * next
        }));
        joints.push(moved);
    }
    vertices.push(bones.skinned(body, |j, x| GIRTH * bones.along(j, x).1));
    joints.push(vec![Vector3::zeros(); bones.at.len()]);
    body.shapedirs = stacked(&vertices);
    body.joint_shapedirs = stacked(&joints);
}

/// (rows, 3, directions).
fn stacked(directions: &[Vec<Vector3<f64>>]) -> Array3<f64> {
    let rows = directions.first().map_or(0, Vec::len);
    Array3::from_shape_fn((rows, 3, directions.len()), |(k, axis, s)| {
        directions[s][k][axis]
    })
}

struct Bones {
    names: Vec<String>,
    parents: Vec<Option<usize>>,
    at: Vec<Vector3<f64>>,
    next: Vec<Option<usize>>,
}

impl Bones {
    fn new(body: &BodyArrays) -> Self {
        let names: Vec<String> = body.joint_names.iter().flatten().cloned().collect();
        let place = |name: &str| names.iter().position(|n| n == name);
        let mut next = vec![None; body.parents.len()];
        for (from, to) in CHAIN {
            if let Some((from, to)) = place(from).zip(place(to)) {
                next[from] = Some(to);
            }
        }
        Self {
            parents: body.parents.clone(),
            at: (0..body.parents.len())
                .map(|j| row(&body.joints, j))
                .collect(),
            next,
            names,
        }
    }

    /// How far joints move when the bones that end at some of them become longer.
    fn stretched(&self, ends: &[&str], share: f64) -> Vec<Vector3<f64>> {
        let mut moved: Vec<Vector3<f64>> = Vec::with_capacity(self.at.len());
        for (joint, parent) in self.parents.iter().enumerate() {
            let longer = ends.contains(&self.names[joint].as_str());
            moved.push(parent.map_or(Vector3::zeros(), |p| {
                let bone = self.at[joint] - self.at[p];
                moved[p]
                    + if longer {
                        share * bone
                    } else {
                        Vector3::zeros()
                    }
            }));
        }
        moved
    }

    /// How far along a joint's bone a point is, as a share of it, and what of it lies aside.
    fn along(&self, joint: usize, x: Vector3<f64>) -> (f64, Vector3<f64>) {
        let off = x - self.at[joint];
        let bone = self.next[joint].map(|n| self.at[n] - self.at[joint]);
        match bone.filter(|b| b.norm() > 1e-3) {
            None => (0.0, Vector3::zeros()),
            Some(bone) => {
                let share = off.dot(&bone) / bone.norm_squared();
                (share.clamp(0.0, 1.0), off - share * bone)
            }
        }
    }

    fn skinned(
        &self,
        body: &BodyArrays,
        moved: impl Fn(usize, Vector3<f64>) -> Vector3<f64>,
    ) -> Vec<Vector3<f64>> {
        let vertex = |v: usize| {
            let x = row(&body.v_template, v);
            let weights = body.weights.row(v);
            let used = weights.iter().enumerate().filter(|(_, w)| **w != 0.0);
            used.fold(Vector3::zeros(), |sum, (j, w)| sum + moved(j, x) * *w)
        };
        (0..body.v_template.nrows()).map(vertex).collect()
    }
}
