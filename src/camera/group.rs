//! The people of a frame: detections of several views that are of one person.

use nalgebra::{Vector2, Vector3};
use rayon::prelude::*;

use super::Camera;
use super::people::{Person, Points, height, keypoint, prominence, seen};
use super::triangulate::{Ray, meet_robust, ray};
use crate::data::{People, median};

/// The share of an image's diagonal by which views of one point may disagree before they count as
/// different people: 60 px of a full HD image.
pub(super) const AGREEMENT: f64 = 0.027;

/// Over the share of [`AGREEMENT`] at which a keypoint says nothing either way.
const EVEN: f64 = 2.5;

/// The share of the keypoints that two views of a person see, which must agree.
const MOST: f64 = 0.5;

/// How tall a person is, for what an image alone says of distances, metres.
const TALL: f64 = 1.7;

/// A person of a frame.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// For each view the place of its detection.
    pub places: Vec<Option<usize>>,
    /// Metres; of a single camera in its image, as if all were equally far away.
    pub points: Points,
    /// How much was seen.
    pub evidence: f64,
}

/// The people of every frame.
pub(super) fn groups(people: &People, cameras: &[Camera]) -> Vec<Vec<Group>> {
    if let [_] = cameras {
        let scale = TALL / usual_height(people);
        let frames = people.people.iter();
        return frames.map(|views| of_one_view(&views[0], scale)).collect();
    }
    let frames = people.people.par_iter();
    frames.map(|views| of_frame(views, cameras)).collect()
}

fn usual_height(people: &People) -> f64 {
    let everyone = people.people.iter().flatten().flatten();
    median(everyone.map(height).filter(|h| *h > 0.0)).unwrap_or(1.0)
}

fn of_one_view(people: &[Person], scale: f64) -> Vec<Group> {
    let group = |(place, person): (usize, &Person)| {
        let point = |p: usize| keypoint(person, p).map(|(x, _)| x.push(0.0) * scale);
        seen(person).then(|| Group {
            places: vec![Some(place)],
            points: (0..person.len()).map(point).collect(),
            evidence: prominence(person) * scale,
        })
    };
    people.iter().enumerate().filter_map(group).collect()
}

/// A detection with the rays of its keypoints.
struct Sighted {
    view: usize,
    place: usize,
    /// For each keypoint its ray, pixel and confidence.
    points: Vec<Option<(Ray, Vector2<f64>, f64)>>,
}

/// Takes the best combination of detections, then the best of the rest.
fn of_frame(views: &[Vec<Person>], cameras: &[Camera]) -> Vec<Group> {
    let mut left = Vec::new();
    for (view, people) in views.iter().enumerate() {
        for (place, person) in people.iter().enumerate().filter(|(_, p)| seen(p)) {
            let point = |p: usize| {
                let (pixel, confidence) = keypoint(person, p)?;
                Some((ray(&cameras[view], &pixel), pixel, confidence))
            };
            let points = (0..person.len()).map(point).collect();
            left.push(Sighted {
                view,
                place,
                points,
            });
        }
    }
    let mut found = Vec::new();
    while let Some((chosen, agreed)) = best(&left, cameras) {
        let mut places = vec![None; views.len()];
        for &at in &chosen {
            places[left[at].view] = Some(left[at].place);
        }
        found.push(Group {
            places,
            points: agreed.points,
            evidence: agreed.score,
        });
        let mut at = 0;
        left.retain(|_| {
            at += 1;
            !chosen.contains(&(at - 1))
        });
    }
    found
}

/// The detections, at most one of each view, that agree best on where their keypoints are.
///
/// The best pair of two views grows by the best fitting detection of each other view.
fn best(left: &[Sighted], cameras: &[Camera]) -> Option<(Vec<usize>, Agreed)> {
    let mut best: Option<(Vec<usize>, Agreed)> = None;
    for a in 0..left.len() {
        for b in a + 1..left.len() {
            if left[a].view == left[b].view {
                continue;
            }
            let pair = vec![a, b];
            let Some(agreed) = agreement(&pair, left, cameras) else {
                continue;
            };
            let (chosen, agreed) = grow(pair, agreed, left, cameras);
            if best.as_ref().is_none_or(|(_, b)| agreed.score > b.score) {
                best = Some((chosen, agreed));
            }
        }
    }
    best
}

fn grow(
    mut chosen: Vec<usize>,
    mut agreed: Agreed,
    left: &[Sighted],
    cameras: &[Camera],
) -> (Vec<usize>, Agreed) {
    for view in 0..cameras.len() {
        if chosen.iter().any(|&c| left[c].view == view) {
            continue;
        }
        let mut better = None;
        for one in (0..left.len()).filter(|&d| left[d].view == view) {
            let with: Vec<usize> = chosen.iter().copied().chain([one]).collect();
            if let Some(found) = agreement(&with, left, cameras)
                && found.score > agreed.score
            {
                (agreed, better) = (found, Some(one));
            }
        }
        chosen.extend(better);
    }
    (chosen, agreed)
}

/// What detections of several views say together.
struct Agreed {
    points: Points,
    /// Confidence of the keypoints that triangulate, counted once for each view that agrees.
    score: f64,
}

/// Nothing where most of the keypoints that two views see do not agree.
fn agreement(chosen: &[usize], left: &[Sighted], cameras: &[Camera]) -> Option<Agreed> {
    let count = chosen.iter().map(|&c| left[c].points.len()).max()?;
    let (mut points, mut score, mut shared): (Points, f64, usize) = (Vec::new(), 0.0, 0);
    for p in 0..count {
        let seen: Vec<_> = chosen
            .iter()
            .filter_map(|&c| {
                let (ray, pixel, confidence) = (*left[c].points.get(p)?)?;
                Some((&cameras[left[c].view], ray, pixel, confidence))
            })
            .collect();
        shared += usize::from(seen.len() > 1);
        let point = meet_robust(&seen, |camera| AGREEMENT * camera.diagonal());
        for (camera, _, pixel, confidence) in point.iter().flat_map(|_| &seen) {
            let error = point.map_or(0.0, |x| off(camera, &x, pixel));
            score += confidence * gain(error);
        }
        points.push(point);
    }
    let met = points.iter().flatten().count();
    let agrees = met > 0 && met as f64 >= MOST * shared as f64 && score > 0.0;
    agrees.then_some(Agreed { points, score })
}

/// What a keypoint that is so far off, in units of what may be, says for being of one person: from 1 where
/// it fits to −1.
fn gain(error: f64) -> f64 {
    2.0 / (1.0 + (EVEN * error).powi(2)) - 1.0
}

/// How far a point is from a pixel, in units of what may be.
pub(super) fn off(camera: &Camera, point: &Vector3<f64>, pixel: &Vector2<f64>) -> f64 {
    match camera.can_see(point) {
        true => (camera.project(point) - pixel).norm() / (AGREEMENT * camera.diagonal()),
        false => f64::INFINITY,
    }
}
