//! Who is who: picks the same person in every view of every frame.

use nalgebra::Vector2;
use ndarray::{Array3, Array4};

use super::Camera;
use super::triangulate::triangulate_robust;
use crate::data::{Observations, People};
use crate::spec::Dimension;

/// Pixels by which views of one point may disagree before they count as different people.
const AGREEMENT: f64 = 60.0;

/// Confidence below which a keypoint has no say in who is who.
const CONFIDENT: f64 = 0.2;

type Person = Vec<[f64; 3]>;

/// The observations of one person; `index` picks by position in the file instead.
///
/// With several cameras the combination of people whose points triangulate best wins, frame by
/// frame; with one camera the largest and most confident person does.
pub(crate) fn associate(people: &People, cameras: &[Camera], index: Option<usize>) -> Observations {
    let (frames, views, points) = (people.people.len(), people.views.len(), people.labels.len());
    let mut observations = Observations {
        labels: people.labels.clone(),
        views: people.views.clone(),
        values: Array4::from_elem((frames, views, points, 2), f64::NAN),
        confidence: Array3::zeros((frames, views, points)),
        dimension: Dimension::PIXEL,
        rate: people.rate,
        frame_numbers: people.frame_numbers.clone(),
    };
    for (f, views) in people.people.iter().enumerate() {
        let chosen = match index {
            Some(i) => views.iter().map(|v| v.get(i)).collect(),
            None => choose(views, cameras),
        };
        for (v, person) in chosen.into_iter().enumerate() {
            for (p, [x, y, confidence]) in person.into_iter().flatten().enumerate() {
                let inside = |u: f64, size: f64| u > 0.0 && u < size - 1.0;
                let size = cameras[v].size;
                // Detectors clamp what leaves the image to its border, with a high confidence.
                if inside(*x, size[0]) && inside(*y, size[1]) && *confidence > 0.0 {
                    observations.values[[f, v, p, 0]] = *x;
                    observations.values[[f, v, p, 1]] = *y;
                    observations.confidence[[f, v, p]] = confidence.min(1.0);
                }
            }
        }
    }
    observations.mask_missing();
    observations
}

fn choose<'a>(views: &'a [Vec<Person>], cameras: &[Camera]) -> Vec<Option<&'a Person>> {
    let largest = |view: &'a Vec<Person>| {
        view.iter()
            .max_by(|a, b| prominence(a).total_cmp(&prominence(b)))
    };
    let start: Vec<Option<&Person>> = views.iter().map(largest).collect();
    if views.len() < 2 || views.iter().all(|v| v.len() < 2) {
        return start;
    }
    // The best pair of people of two views grows by the best fitting person of each other view.
    let mut best = (start, f64::NEG_INFINITY);
    for a in 0..views.len() {
        for b in a + 1..views.len() {
            for p in &views[a] {
                for q in &views[b] {
                    let mut chosen = vec![None; views.len()];
                    chosen[a] = Some(p);
                    chosen[b] = Some(q);
                    let score = grow(&mut chosen, views, cameras);
                    if score > best.1 {
                        best = (chosen, score);
                    }
                }
            }
        }
    }
    best.0
}

/// Adds to each empty view the person that agrees best, if one does; returns the final agreement.
fn grow<'a>(
    chosen: &mut [Option<&'a Person>],
    views: &'a [Vec<Person>],
    cameras: &[Camera],
) -> f64 {
    let mut score = agreement(chosen, cameras);
    for v in 0..views.len() {
        if chosen[v].is_some() {
            continue;
        }
        let mut best = None;
        for person in &views[v] {
            chosen[v] = Some(person);
            let with = agreement(chosen, cameras);
            if with > score {
                (score, best) = (with, Some(person));
            }
        }
        chosen[v] = best;
    }
    score
}

/// Confidence of the keypoints that triangulate, counted once for each view that agrees.
fn agreement(chosen: &[Option<&Person>], cameras: &[Camera]) -> f64 {
    let points = chosen.iter().flatten().map(|p| p.len()).max().unwrap_or(0);
    let mut total = 0.0;
    for p in 0..points {
        let seen: Vec<(&Camera, Vector2<f64>, f64)> = chosen
            .iter()
            .zip(cameras)
            .filter_map(|(person, camera)| {
                let [x, y, confidence] = *(*person)?.get(p)?;
                let good = confidence > CONFIDENT && x > 0.0 && y > 0.0;
                good.then(|| (camera, Vector2::new(x, y), confidence))
            })
            .collect();
        let Some(point) = triangulate_robust(&seen, AGREEMENT) else {
            continue;
        };
        for (camera, pixel, confidence) in &seen {
            let error = (camera.project(&point) - pixel).norm() / AGREEMENT;
            total += confidence * (1.0 - error).max(-1.0);
        }
    }
    total
}

/// Height in pixels times the sum of confidences.
fn prominence(person: &Person) -> f64 {
    let seen = || person.iter().filter(|k| k[2] > CONFIDENT && k[1] > 0.0);
    let low = seen().map(|k| k[1]).fold(f64::INFINITY, f64::min);
    let high = seen().map(|k| k[1]).fold(f64::NEG_INFINITY, f64::max);
    let confidence: f64 = seen().map(|k| k[2]).sum();
    (high - low).max(0.0) * confidence
}
