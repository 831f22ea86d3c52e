//! Turns a rest pose so that arms and legs point as the built-in body's do.
//!
//! Vertices, joints and shapes are carried by linear blend skinning, which is linear in them. What follows one
//! joint then poses exactly as the rig would have; what follows several is blended twice.

use nalgebra::{Matrix3, Rotation3, Vector3};
use ndarray::{Array3, ArrayViewMut1, Axis};

use super::place::row;
use crate::body::BodyModel;
use crate::io::body_fields::BodyArrays;

/// Joints that are turned, and those that they point at.
const LIMBS: [(&str, &str); 4] = [
    ("hip", "knee"),
    ("knee", "ankle"),
    ("shoulder", "elbow"),
    ("elbow", "wrist"),
];

pub(super) fn straighten(body: &mut BodyArrays) {
    let turns = turns(body);
    let joints = body.joints.clone();
    let moved = Moved {
        turns: &turns,
        parents: &body.parents,
        weights: &body.weights,
    };
    let heads = moved.heads(&joints);
    let at: Vec<Vector3<f64>> = (0..joints.nrows()).map(|j| row(&joints, j)).collect();
    moved.skin(body.v_template.rows_mut().into_iter(), |j, x| {
        turns[j] * (x - at[j]) + heads[j]
    });
    for s in 0..body.shapedirs.dim().2 {
        let of_joint = body.joint_shapedirs.index_axis(Axis(2), s).to_owned();
        let new = moved.heads(&of_joint);
        let old: Vec<Vector3<f64>> = (0..of_joint.nrows()).map(|j| row(&of_joint, j)).collect();
        let mut of_vertex = body.shapedirs.index_axis_mut(Axis(2), s);
        moved.skin(of_vertex.rows_mut().into_iter(), |j, x| {
            turns[j] * (x - old[j]) + new[j]
        });
        write(&mut body.joint_shapedirs, s, &new);
    }
    for (mut to, head) in body.joints.rows_mut().into_iter().zip(&heads) {
        (0..3).for_each(|k| to[k] = head[k]);
    }
}

fn write(to: &mut Array3<f64>, s: usize, from: &[Vector3<f64>]) {
    for (j, x) in from.iter().enumerate() {
        (0..3).for_each(|k| to[[j, k, s]] = x[k]);
    }
}

/// The world rotation of each joint.
fn turns(body: &BodyArrays) -> Vec<Matrix3<f64>> {
    let model = BodyModel::builtin(None).expect("the embedded body is valid");
    let names = body.joint_names.iter().flatten();
    let place = |name: &str| names.clone().position(|n| n == name);
    let there = |name: &str| {
        let at = model.joint_names.iter().position(|n| n == name);
        row(&model.joints, at.unwrap_or(0))
    };
    let limbs: Vec<(usize, usize, Vector3<f64>)> = LIMBS
        .iter()
        .flat_map(|limb| ["left", "right"].map(|side| (side, limb)))
        .filter_map(|(side, (from, to))| {
            let (from, to) = (format!("{side}_{from}"), format!("{side}_{to}"));
            Some((place(&from)?, place(&to)?, there(&to) - there(&from)))
        })
        .collect();
    let mut turns: Vec<Matrix3<f64>> = Vec::with_capacity(body.parents.len());
    for (joint, parent) in body.parents.iter().enumerate() {
        let above = parent.map_or(Matrix3::identity(), |p| turns[p]);
        let limb = limbs.iter().find(|limb| limb.0 == joint);
        let swing = limb.and_then(|(from, to, wanted)| {
            let points = above * (row(&body.joints, *to) - row(&body.joints, *from));
            Rotation3::rotation_between(&points, wanted)
        });
        turns.push(swing.map_or(above, |swing| swing.matrix() * above));
    }
    turns
}

struct Moved<'a> {
    turns: &'a [Matrix3<f64>],
    parents: &'a [Option<usize>],
    weights: &'a ndarray::Array2<f64>,
}

impl Moved<'_> {
    /// Joints, or what shapes do to them, along the turned skeleton.
    fn heads(&self, joints: &ndarray::Array2<f64>) -> Vec<Vector3<f64>> {
        let mut heads: Vec<Vector3<f64>> = Vec::with_capacity(self.parents.len());
        for (joint, parent) in self.parents.iter().enumerate() {
            let own = row(joints, joint);
            heads.push(match parent {
                None => own,
                Some(p) => heads[*p] + self.turns[*p] * (own - row(joints, *p)),
            });
        }
        heads
    }

    /// Each vertex where its joints take it.
    fn skin<'b>(
        &self,
        vertices: impl Iterator<Item = ArrayViewMut1<'b, f64>>,
        carry: impl Fn(usize, Vector3<f64>) -> Vector3<f64>,
    ) {
        for (mut vertex, weights) in vertices.zip(self.weights.rows()) {
            let x = Vector3::new(vertex[0], vertex[1], vertex[2]);
            let used = weights.iter().enumerate().filter(|(_, w)| **w != 0.0);
            let sum = used.fold(Vector3::zeros(), |sum, (j, w)| sum + carry(j, x) * *w);
            (0..3).for_each(|k| vertex[k] = sum[k]);
        }
    }
}
