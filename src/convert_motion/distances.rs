//! How far two bodies are apart, in words that fit a table.

use nalgebra::{Matrix3, Vector3};
use rayon::prelude::*;
use serde::Serialize;

use super::Source;
use super::correspond::Place;
use super::follow::Followed;
use super::identity::Identity;
use super::skin::{Posed, Samples};
use crate::body::{BodyModel, Transforms, pose_feature};
use crate::report::metrics::Summary;

/// Distances of points over frames, mm; NaN where there are none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Distances {
    pub mean: f64,
    pub median: f64,
    /// 95 of 100 are below.
    pub p95: f64,
    pub largest: f64,
    /// The joint whose skin, or which itself, is furthest off.
    pub at: String,
    /// The number of the frame where; none at rest.
    pub frame: Option<u64>,
}

/// A distance, and where it is.
pub(super) struct Measured {
    millimetres: f64,
    part: String,
    frame: Option<u64>,
}

impl Measured {
    pub fn at_rest(metres: f64, part: &str) -> Self {
        Self {
            millimetres: 1e3 * metres,
            part: part.into(),
            frame: None,
        }
    }
}

impl Distances {
    fn none() -> Self {
        Self {
            mean: f64::NAN,
            median: f64::NAN,
            p95: f64::NAN,
            largest: f64::NAN,
            at: String::new(),
            frame: None,
        }
    }

    pub(super) fn of(measured: Vec<Measured>) -> Self {
        let values: Vec<f64> = measured.iter().map(|m| m.millimetres).collect();
        let furthest = measured
            .into_iter()
            .max_by(|a, b| a.millimetres.total_cmp(&b.millimetres));
        let (Some(summary), Some(furthest)) = (Summary::of(&values), furthest) else {
            return Self::none();
        };
        Self {
            mean: summary.mean,
            median: summary.median,
            p95: summary.p95,
            largest: furthest.millimetres,
            at: furthest.part,
            frame: furthest.frame,
        }
    }
}

impl Source {
    /// The joint that moves a vertex most.
    pub(super) fn main_joint(&self, vertex: usize) -> &str {
        &self.body.joint_names[self.body.main_joint(vertex)]
    }
}

/// Of points that were not fitted, and of joints.
pub(super) fn of_motion(
    source: &Source,
    (samples, seen): (&Samples, &[Posed]),
    identity: &Identity,
    followed: &Followed,
) -> (Distances, Distances) {
    let Some(body) = &followed.checked.inputs.body else {
        return (Distances::none(), Distances::none());
    };
    let judged: Vec<(usize, Place)> = (samples.fitted()..samples.vertices.len())
        .filter_map(|i| Some((i, identity.places[i]?)))
        .collect();
    let target = Target::new(body, &identity.betas, &judged);
    let of_frame = |f: usize| {
        let (points, _) = seen[f].as_ref()?;
        let (own, _) = target.posed(followed, f)?;
        let skin = judged.iter().zip(own).map(|((i, _), own)| {
            let part = source.main_joint(samples.vertices[*i]);
            followed.measured(f, (points[*i] - own).norm(), part)
        });
        Some(skin.collect())
    };
    let betas = &identity.betas;
    (
        over_frames(seen.len(), of_frame),
        of_joints(source, seen, (betas, followed)),
    )
}

/// Between the joints that both bodies have.
pub(super) fn of_joints(
    source: &Source,
    seen: &[Posed],
    (betas, followed): (&[f64], &Followed),
) -> Distances {
    let Some(body) = &followed.checked.inputs.body else {
        return Distances::none();
    };
    let target = Target::new(body, betas, &[]);
    over_frames(seen.len(), |f| {
        let (_, joints) = seen[f].as_ref()?;
        let (_, transforms) = target.posed(followed, f)?;
        let joints = joints.iter().zip(&transforms).zip(&source.body.joint_names);
        let measured =
            joints.map(|((seen, (_, own)), name)| followed.measured(f, (seen - own).norm(), name));
        Some(measured.collect())
    })
}

fn over_frames(
    frames: usize,
    of_frame: impl Fn(usize) -> Option<Vec<Measured>> + Sync + Send,
) -> Distances {
    let frames = (0..frames).into_par_iter().filter_map(of_frame);
    Distances::of(frames.flatten().collect())
}

impl Followed {
    fn measured(&self, frame: usize, metres: f64, part: &str) -> Measured {
        Measured {
            frame: Some(self.checked.problem.frame_numbers[frame]),
            ..Measured::at_rest(metres, part)
        }
    }
}

/// The body that takes the motion on, as far as it is judged.
struct Target<'a> {
    body: &'a BodyModel,
    rest: Vec<Vector3<f64>>,
    corners: Vec<Corners<'a>>,
}

/// The vertices around a place.
struct Corners<'a> {
    numbers: [usize; 3],
    at_rest: [Vector3<f64>; 3],
    place: &'a Place,
}

impl<'a> Target<'a> {
    fn new(body: &'a BodyModel, betas: &[f64], judged: &'a [(usize, Place)]) -> Self {
        let all = body.rest_vertices(betas);
        let corners = |(_, place): &'a (usize, Place)| {
            let numbers = [0, 1, 2].map(|k| body.faces[[place.face, k]] as usize);
            Corners {
                at_rest: numbers.map(|v| all[v]),
                numbers,
                place,
            }
        };
        Self {
            body,
            rest: body.rest_joints(betas),
            corners: judged.iter().map(corners).collect(),
        }
    }

    /// Its points and joints in a frame that was solved.
    fn posed(&self, followed: &Followed, frame: usize) -> Option<(Vec<Vector3<f64>>, Transforms)> {
        let (problem, fit) = (&followed.checked.problem, &followed.fit);
        if !fit.solved[frame] {
            return None;
        }
        let of = |name: &str| fit.variable(problem, name, frame).unwrap_or_default();
        let (root, pose) = (Matrix3::from_row_slice(of("root_orient")), of("pose_body"));
        let trans = Vector3::from_column_slice(of("trans"));
        let transforms = self.body.transforms(&self.rest, &root, pose, &trans);
        let feature = pose_feature(pose);
        let point = |corners: &Corners<'_>| {
            let [a, b, c] = [0, 1, 2].map(|k| {
                let at = (corners.numbers[k], &corners.at_rest[k]);
                self.body
                    .skinned_vertex(at, &self.rest, &feature, &transforms)
            });
            let normal = (b - a).cross(&(c - a)).try_normalize(0.0);
            let [u, v, w] = corners.place.barycentric;
            a * u + b * v + c * w + normal.unwrap_or_default() * corners.place.outside
        };
        Some((self.corners.iter().map(point).collect(), transforms))
    }
}
