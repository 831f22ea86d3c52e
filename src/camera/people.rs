//! Who is who: people in the views of every frame, followed through all frames.

use nalgebra::{Vector2, Vector3};
use ndarray::{Array3, Array4};

use super::Camera;
use super::group::{Group, groups};
use super::track::{Track, follow};
use crate::data::{Observations, People};
use crate::spec::Dimension;

pub(super) type Person = Vec<[f64; 3]>;

/// Which person is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wanted {
    /// By the place in the files, the same in every view and frame.
    Place(usize),
    /// Of those who are followed through the frames; 0 is the one who is seen most.
    Followed(usize),
}

/// The observations of one person, and the people there are, those who are seen most first.
pub(crate) struct Association {
    pub observations: Observations,
    /// For each person that was followed the frames in which it was seen, by position.
    pub followed: Vec<Vec<usize>>,
}

/// Chooses a person in every view of every frame.
///
/// With several cameras people are those whose points triangulate, with one camera those who are
/// near each other from frame to frame. Where no view ever sees two, there is nothing to choose.
pub(crate) fn associate(people: &People, cameras: &[Camera], wanted: Wanted) -> Association {
    let everyone = || people.people.iter().flatten();
    let several = everyone().any(|view| view.iter().filter(|p| seen(p)).count() > 1);
    let (choices, followed) = match wanted {
        Wanted::Place(place) => (at_place(people, place), Vec::new()),
        Wanted::Followed(0) if !several => (at_place(people, 0), Vec::new()),
        Wanted::Followed(rank) => followed(people, cameras, rank),
    };
    Association {
        observations: observations(people, cameras, &choices),
        followed,
    }
}

/// In every view the person who is seen largest and most surely, without asking whether views mean the same.
pub(crate) fn most_prominent(people: &People, cameras: &[Camera]) -> Observations {
    let place = |view: &Vec<Person>| {
        let seen = (0..view.len()).filter(|p| seen(&view[*p]));
        seen.max_by(|a, b| prominence(&view[*a]).total_cmp(&prominence(&view[*b])))
    };
    let frame = |views: &Vec<Vec<Person>>| views.iter().map(place).collect();
    let choices: Choices = people.people.iter().map(frame).collect();
    observations(people, cameras, &choices)
}

/// For each frame and view the person's place there.
type Choices = Vec<Vec<Option<usize>>>;

fn at_place(people: &People, place: usize) -> Choices {
    let view = |view: &Vec<Person>| Some(place).filter(|p| *p < view.len());
    let frame = |views: &Vec<Vec<Person>>| views.iter().map(view).collect();
    people.people.iter().map(frame).collect()
}

fn followed(people: &People, cameras: &[Camera], rank: usize) -> (Choices, Vec<Vec<usize>>) {
    let of_frames: Vec<Vec<Group>> = groups(people, cameras);
    let tracks = follow(people, cameras, &of_frames);
    let frames = |t: &Track| t.places.iter().map(|(f, _)| *f).collect();
    let mut choices = vec![vec![None; people.views.len()]; people.people.len()];
    if let Some(track) = tracks.get(rank) {
        for (frame, places) in &track.places {
            choices[*frame].clone_from(places);
        }
    }
    (choices, tracks.iter().map(frames).collect())
}

fn observations(people: &People, cameras: &[Camera], choices: &Choices) -> Observations {
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
    for (f, chosen) in choices.iter().enumerate() {
        for (v, place) in chosen.iter().enumerate() {
            let person = place.and_then(|p| people.people[f][v].get(p));
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

/// Confidence below which a keypoint has no say in who is who.
const CONFIDENT: f64 = 0.2;

/// A keypoint that has a say.
pub(super) fn keypoint(person: &Person, at: usize) -> Option<(Vector2<f64>, f64)> {
    let [x, y, confidence] = *person.get(at)?;
    let good = confidence > CONFIDENT && x > 0.0 && y > 0.0;
    good.then(|| (Vector2::new(x, y), confidence.min(1.0)))
}

/// Whether anything of a person has a say.
pub(super) fn seen(person: &Person) -> bool {
    (0..person.len()).any(|p| keypoint(person, p).is_some())
}

/// Pixels between the highest and the lowest keypoint.
pub(super) fn height(person: &Person) -> f64 {
    let rows = || (0..person.len()).filter_map(|p| Some(keypoint(person, p)?.0.y));
    let (low, high) = (
        rows().fold(f64::INFINITY, f64::min),
        rows().fold(f64::NEG_INFINITY, f64::max),
    );
    (high - low).max(0.0)
}

/// Height in pixels times the sum of confidences.
pub(super) fn prominence(person: &Person) -> f64 {
    let all = (0..person.len()).filter_map(|p| keypoint(person, p));
    height(person) * all.map(|k| k.1).sum::<f64>()
}

/// Where a keypoint of a person is, as far as views say it.
pub(super) type Points = Vec<Option<Vector3<f64>>>;
