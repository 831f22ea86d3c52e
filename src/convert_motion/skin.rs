//! Points of a body's skin that are followed: vertices far from each other, wherever the body's own joints
//! move them.

use nalgebra::Vector3;
use rayon::prelude::*;

use crate::body::{BODY_JOINTS, BodyModel, pose_part};
use crate::data::Motion;

/// Points that are followed, of which as many are fitted as the first say; the others judge.
const POINTS: usize = 480;
const FITTED: usize = 160;

pub(super) struct Samples {
    /// In the order in which each is the furthest from all before it.
    pub vertices: Vec<usize>,
    /// At rest in the body's shape, m.
    pub rest: Vec<Vector3<f64>>,
    /// Outward, at rest.
    pub normals: Vec<Vector3<f64>>,
    /// The body's joints 0 to 21 at rest, m.
    pub joints: Vec<Vector3<f64>>,
}

/// Points and joints of a frame, m.
pub(super) type Points = (Vec<Vector3<f64>>, Vec<Vector3<f64>>);

/// None where the motion does not know the frame.
pub(super) type Posed = Option<Points>;

impl Samples {
    pub fn of(body: &BodyModel, betas: &[f64]) -> Self {
        let all = body.rest_vertices(betas);
        let follows = |v: &usize| body.main_joint(*v) <= BODY_JOINTS;
        let among: Vec<usize> = (0..all.len()).filter(follows).collect();
        let vertices = furthest(&all, &among);
        let normals = normals(body, &all);
        let joints = body.rest_joints(betas);
        Self {
            rest: vertices.iter().map(|v| all[*v]).collect(),
            normals: vertices.iter().map(|v| normals[*v]).collect(),
            joints: joints[..=BODY_JOINTS].to_vec(),
            vertices,
        }
    }

    pub fn fitted(&self) -> usize {
        FITTED.min(self.vertices.len())
    }

    /// Points and joints in every frame of a motion, metres, y up.
    pub fn posed(&self, body: &BodyModel, motion: &Motion) -> Vec<Posed> {
        let frames = 0..motion.trans.len();
        let known = |f: usize| {
            let mut numbers = motion.pose_body[f].iter().chain(&motion.root_orient[f]);
            numbers.all(|x| x.is_finite()) && motion.trans[f].iter().all(|x| x.is_finite())
        };
        let of_frame = |f: usize| {
            let (points, transforms) = pose_part(body, motion, (&self.vertices, &self.rest), f);
            let joints = transforms[..=BODY_JOINTS].iter().map(|(_, at)| *at);
            (points, joints.collect())
        };
        frames
            .into_par_iter()
            .map(|f| known(f).then(|| of_frame(f)))
            .collect()
    }
}

/// Farthest point sampling (Eldar et al. 1997), from the highest point on.
fn furthest(all: &[Vector3<f64>], among: &[usize]) -> Vec<usize> {
    let first = among
        .iter()
        .copied()
        .max_by(|a, b| all[*a].y.total_cmp(&all[*b].y));
    let mut taken: Vec<usize> = first.into_iter().collect();
    let mut distance = vec![f64::INFINITY; among.len()];
    while let Some(&last) = taken.last() {
        for (d, v) in distance.iter_mut().zip(among) {
            *d = d.min((all[*v] - all[last]).norm_squared());
        }
        let next = (0..among.len()).max_by(|a, b| distance[*a].total_cmp(&distance[*b]));
        match next.filter(|n| distance[*n] > 0.0 && taken.len() < POINTS) {
            Some(next) => taken.push(among[next]),
            None => break,
        }
    }
    taken
}

/// Of every vertex the mean normal of its faces, weighted by area.
pub(super) fn normals(body: &BodyModel, vertices: &[Vector3<f64>]) -> Vec<Vector3<f64>> {
    let mut sums = vec![Vector3::zeros(); vertices.len()];
    for face in body.faces.rows() {
        let [a, b, c] = [face[0], face[1], face[2]].map(|v| v as usize);
        let normal = (vertices[b] - vertices[a]).cross(&(vertices[c] - vertices[a]));
        [a, b, c].into_iter().for_each(|v| sums[v] += normal);
    }
    let unit = |n: Vector3<f64>| n.try_normalize(0.0).unwrap_or_default();
    sums.into_iter().map(unit).collect()
}
