//! People followed from frame to frame.

use nalgebra::Vector3;

use super::Camera;
use super::group::{Group, off};
use super::people::{Points, keypoint, seen};
use crate::data::{People, median};

/// How far a person may be from where the last frames say, metres: at once, and more with every
/// second, up to a limit.
const NEAR: f64 = 0.35;
const FASTER: f64 = 2.0;
const FAR: f64 = 1.5;

/// Frames a second where nothing says.
const RATE: f64 = 30.0;

/// Seconds after which the last speed says nothing any more.
const FORGET: f64 = 0.3;

/// Frames in which what is seen may be nobody.
const MOMENT: usize = 5;

/// Someone through the frames.
#[derive(Clone, Debug)]
pub(super) struct Track {
    /// Frames by position, each with the place in every view.
    pub places: Vec<(usize, Vec<Option<usize>>)>,
    evidence: f64,
    points: Points,
    /// Metres a frame.
    speed: Vector3<f64>,
    /// The number of the last frame.
    last: u64,
}

/// The people of all frames, those who are seen most first.
pub(super) fn follow(people: &People, cameras: &[Camera], frames: &[Vec<Group>]) -> Vec<Track> {
    let rate = people.rate.unwrap_or(RATE);
    let mut tracks: Vec<Track> = Vec::new();
    for (frame, groups) in frames.iter().enumerate() {
        let number = people.frame_numbers.get(frame).copied();
        let number = number.unwrap_or(frame as u64);
        let mut taken = vec![None; groups.len()];
        for (track, group) in matches(&tracks, groups, (number, rate)) {
            taken[group] = Some(track);
        }
        for (group, track) in groups.iter().zip(&taken) {
            match track {
                Some(track) => tracks[*track].go_on(frame, number, rate, group),
                None => tracks.push(Track::new(frame, number, group)),
            }
        }
        if cameras.len() > 1 {
            lone(
                &mut tracks,
                (people, cameras),
                groups,
                (frame, number, rate),
            );
        }
    }
    tracks.sort_by(|a, b| b.evidence.total_cmp(&a.evidence));
    tracks
}

/// Pairs of a track and a group, the nearest first.
fn matches(tracks: &[Track], groups: &[Group], when: (u64, f64)) -> Vec<(usize, usize)> {
    let mut near = Vec::new();
    let followed = tracks.iter().enumerate().filter(|(_, t)| !t.is_gone(when));
    for (t, track) in followed {
        for (g, group) in groups.iter().enumerate() {
            if let Some(distance) = track.distance(group, when) {
                near.push((distance, t, g));
            }
        }
    }
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (_, t, g) in near {
        if found
            .iter()
            .all(|(track, group)| *track != t && *group != g)
        {
            found.push((t, g));
        }
    }
    found
}

impl Track {
    fn new(frame: usize, number: u64, group: &Group) -> Self {
        Self {
            places: vec![(frame, group.places.clone())],
            evidence: group.evidence,
            points: group.points.clone(),
            speed: Vector3::zeros(),
            last: number,
        }
    }

    /// Frames since the person was last seen, and how far it may have come since.
    fn since(&self, (number, rate): (u64, f64)) -> (f64, f64) {
        let frames = number.saturating_sub(self.last).max(1) as f64;
        (frames, (NEAR + FASTER * frames / rate).min(FAR))
    }

    /// Whether it was seen for a moment alone, and that is long ago.
    fn is_gone(&self, when: (u64, f64)) -> bool {
        self.places.len() < MOMENT && self.since(when).0 > when.1
    }

    /// Where the person should be by now.
    fn expected(&self, when: (u64, f64)) -> Vector3<f64> {
        let (frames, _) = self.since(when);
        self.speed * frames.min(FORGET * when.1)
    }

    /// The median distance of the points from where they should be; nothing where it is too far.
    fn distance(&self, group: &Group, when: (u64, f64)) -> Option<f64> {
        let moved = self.expected(when);
        let both = self.points.iter().zip(&group.points);
        let distances = both.filter_map(|(a, b)| Some(((*a)? + moved - (*b)?).norm()));
        let distance = median(distances)?;
        (distance < self.since(when).1).then_some(distance)
    }

    fn go_on(&mut self, frame: usize, number: u64, rate: f64, group: &Group) {
        let (frames, _) = self.since((number, rate));
        let both = self.points.iter().zip(&group.points);
        let steps: Vec<Vector3<f64>> = both.filter_map(|(a, b)| Some((*b)? - (*a)?)).collect();
        if !steps.is_empty() {
            let speed = steps.iter().sum::<Vector3<f64>>() / (steps.len() as f64 * frames);
            self.speed = 0.5 * (self.speed + speed);
        }
        // What is hidden now is where it was, moved along.
        let moved = self.speed * frames;
        for (old, new) in self.points.iter_mut().zip(&group.points) {
            *old = new.or_else(|| old.map(|x| x + moved));
        }
        self.places.push((frame, group.places.clone()));
        self.evidence += group.evidence;
        self.last = number;
    }
}

/// Gives detections that only one view has to those who should be there and are in no group.
fn lone(
    tracks: &mut [Track],
    (people, cameras): (&People, &[Camera]),
    groups: &[Group],
    (frame, number, rate): (usize, u64, f64),
) {
    for (view, detections) in people.people[frame].iter().enumerate() {
        let grouped = |place: usize| groups.iter().any(|g| g.places[view] == Some(place));
        let free = detections.iter().enumerate();
        for (place, person) in free.filter(|(place, p)| !grouped(*place) && seen(p)) {
            let fit = |track: &Track| {
                let moved = track.expected((number, rate));
                let errors = (0..person.len()).filter_map(|p| {
                    let (pixel, _) = keypoint(person, p)?;
                    let point = (*track.points.get(p)?)? + moved;
                    Some(off(&cameras[view], &point, &pixel))
                });
                median(errors).unwrap_or(f64::INFINITY)
            };
            let absent = |t: &&mut Track| {
                if t.is_gone((number, rate)) {
                    return false;
                }
                let of_frame = t.places.last().filter(|(f, _)| *f == frame);
                of_frame.is_none_or(|(_, places)| places[view].is_none())
                    && t.since((number, rate)).0 < FORGET * rate
            };
            let candidates = tracks.iter_mut().filter(absent);
            let best = candidates
                .map(|t| (fit(t), t))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((error, track)) = best
                && error < 1.0
            {
                track.see(frame, cameras.len(), (view, place));
            }
        }
    }
}

impl Track {
    /// One view alone saw the person; where it is in space, nobody knows anew.
    fn see(&mut self, frame: usize, views: usize, (view, place): (usize, usize)) {
        match self.places.last_mut().filter(|(f, _)| *f == frame) {
            Some((_, places)) => places[view] = Some(place),
            None => {
                let mut places = vec![None; views];
                places[view] = Some(place);
                self.places.push((frame, places));
            }
        }
    }
}
