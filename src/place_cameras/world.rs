//! Which way is up, where the floor is and how large the world is: as the person has it.

use nalgebra::{Matrix3, Rotation3, Vector3};

use super::refine::Refined;
use super::sightings::Sightings;
use super::{Vertical, balance, floor, moved};
use crate::body::figure::{Figure, Frame};
use crate::camera::Camera;
use crate::camera::relative::Pose;
use crate::error::Error;
use crate::keypoints::combine::Part;
use crate::keypoints::{part, recipe};

/// x in the world = scale · turn (x − origin).
pub(super) struct World {
    pub scale: f64,
    pub turn: Matrix3<f64>,
    pub origin: Vector3<f64>,
    /// The person's height, m.
    pub height: f64,
    pub vertical: Vertical,
    /// By how much distances between points differ from those of a person, as a share.
    pub odd: f64,
}

/// The share of points that lie below the floor, since they are noisy.
const BELOW: f64 = 0.02;

pub(super) fn find(
    found: &Sightings,
    refined: &Refined,
    height: Option<f64>,
) -> Result<World, Error> {
    let figure = figure(found, refined);
    let column = found.body.template.column(1);
    let own = column
        .iter()
        .fold(f64::NEG_INFINITY, |most, y| most.max(*y))
        - column.iter().fold(f64::INFINITY, |least, y| least.min(*y));
    let Some(larger) = figure.scale() else {
        return Err(found.reject(
            "the person's size is not known: fewer than six of the labels are places on the body"
                .into(),
        ));
    };
    let height = height.unwrap_or(own);
    let stances = figure.stances();
    let ups = stances
        .iter()
        .flatten()
        .map(|(turn, _)| turn * Vector3::y());
    let ups: Vec<Vector3<f64>> = ups.collect();
    let stands = ups.iter().sum::<Vector3<f64>>().try_normalize(1e-9);
    let stands =
        stands.ok_or_else(|| found.reject("no frame shows which way the person stands".into()))?;
    let floor = floor::find(&figure, larger, &stands);
    let balance = balance::vertical(&figure, &found.body, larger, &stands);
    let up = floor.or(balance).unwrap_or(stands);
    let others = [floor, balance, Some(stands)];
    let differ = others.iter().flatten().map(|o| o.angle(&up).to_degrees());
    let vertical = Vertical {
        by: match (floor, balance) {
            (Some(_), _) => "floor",
            (None, Some(_)) => "balance",
            _ => "stance",
        },
        others_differ: differ.fold(0.0, f64::max),
    };
    let turn = Rotation3::rotation_between(&up, &Vector3::y()).unwrap_or_default();
    let points = || refined.points.iter().flatten();
    let mut heights: Vec<f64> = points().map(|p| p.dot(&up)).collect();
    heights.sort_by(f64::total_cmp);
    let level = heights
        .get((BELOW * heights.len() as f64) as usize)
        .copied()
        .unwrap_or(0.0);
    let mean = points().sum::<Vector3<f64>>() / points().count().max(1) as f64;
    Ok(World {
        scale: height / own / larger,
        turn: turn.into_inner(),
        origin: mean + up * (level - mean.dot(&up)),
        height,
        vertical,
        odd: figure.oddness().unwrap_or(0.0),
    })
}

impl World {
    pub fn camera(&self, camera: &Camera, pose: &Pose) -> Camera {
        let pose = moved(pose, self);
        Camera {
            rotation: pose.rotation,
            translation: pose.translation,
            ..camera.clone()
        }
    }
}

/// The labels that are places on the body, there and in the frames.
fn figure(found: &Sightings, refined: &Refined) -> Figure {
    let body = &found.body;
    let place = |(part, weight): (Part, f64)| {
        let point = match part {
            Part::Joint(j) => Vector3::from_fn(|k, _| body.joints[[j, k]]),
            Part::Vertex(v) => Vector3::from_fn(|k, _| body.template[[v, k]]),
        };
        point * weight
    };
    let recipe_of = |label: &str| match &found.convention {
        Some(convention) => recipe(body, convention, label),
        None => part(body, label).map(|part| vec![(part, 1.0)]),
    };
    let labels = found.observed.labels.iter().enumerate();
    let known = labels.filter_map(|(l, label)| {
        let at = recipe_of(label)?.into_iter().map(place).sum();
        Some((l, label.clone(), at))
    });
    let known: Vec<(usize, String, Vector3<f64>)> = known.collect();
    let frame = |f: usize| -> Frame {
        let points = known
            .iter()
            .map(|(l, ..)| refined.points[f * found.labels() + l]);
        points.collect()
    };
    Figure {
        labels: known.iter().map(|k| k.1.clone()).collect(),
        model: known.iter().map(|k| k.2).collect(),
        bones: Vec::new(),
        joints: vec![None; known.len()],
        frames: (0..found.frames()).map(frame).collect(),
    }
}
