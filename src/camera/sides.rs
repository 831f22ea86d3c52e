//! Left and right exchanged in some views of some frames, as detectors do from behind and from aside.

use std::collections::VecDeque;

use nalgebra::{Vector2, Vector3};
use ndarray::s;
use rayon::prelude::*;

use super::Camera;
use super::triangulate::{Sight, meet_robust, ray};
use crate::data::{Observations, median};

/// Pixels by which a view may be off before it is asked whether its sides are exchanged.
const LEAST: f64 = 4.0;

/// What may be left of the disagreement with the sides exchanged, to say that they are.
const FAR_BETTER: f64 = 0.5;

/// How many times the noise of the frames a frame's disagreement has to be.
const CLEAR: f64 = 3.0;

/// How much nearer to the frame beside it one way has to be than the other, to decide between them.
const NEARER: f64 = 0.7;

/// The share of an image's diagonal beyond which an error says no more than that it is one.
const MOST: f64 = 0.05;

/// A view of a frame, by position, in which some pairs of labels are exchanged.
pub(crate) type Exchanged = (usize, usize);

/// Exchanges labels back where views agree far better then; `groups` are pairs of labels, left and
/// right, that change sides together. Says which views of which frames, and the frames in which views
/// contradict each other and nothing says which half of them is right.
pub(crate) fn mend(
    observed: &mut Observations,
    cameras: &[Camera],
    groups: &[Vec<(usize, usize)>],
) -> (Vec<Exchanged>, Vec<usize>) {
    let mut undecided = Vec::new();
    let mut exchanged = vec![vec![vec![false; cameras.len()]; observed.frames()]; groups.len()];
    // Whole people first: where few points of a group are seen, the others decide.
    let whole: Vec<usize> = (0..groups.len()).collect();
    let each = whole.iter().map(std::slice::from_ref);
    for together in std::iter::once(&whole[..]).chain(each) {
        let pairs: Vec<(usize, usize)> = together.iter().flat_map(|g| groups[*g].clone()).collect();
        let frames = (0..observed.frames()).into_par_iter();
        let found: Vec<Flips> = frames
            .map(|f| flips(observed, cameras, &pairs, f))
            .collect();
        // What good frames, or mended ones, leave is noise; by chance it is twice as much.
        let noise = median(found.iter().map(|f| f.left)).unwrap_or(0.0);
        let clear = |f: Flips| match f.given > CLEAR * noise {
            true => f.views,
            false => vec![false; cameras.len()],
        };
        let mut flips: Vec<Vec<bool>> = found.into_iter().map(clear).collect();
        let open = settle(observed, cameras, &pairs, &mut flips);
        if together.len() == 1 {
            undecided.extend(open);
        }
        for (f, views) in flips.iter().enumerate() {
            for v in (0..cameras.len()).filter(|&v| views[v]) {
                exchange(observed, &pairs, (f, v));
                together.iter().for_each(|g| exchanged[*g][f][v] ^= true);
            }
        }
    }
    let views = (0..observed.frames()).flat_map(|f| (0..cameras.len()).map(move |v| (f, v)));
    let found = views.filter(|&(f, v)| exchanged.iter().any(|group| group[f][v]));
    let found = found.collect();
    undecided.sort_unstable();
    undecided.dedup();
    (found, undecided)
}

fn exchange(observed: &mut Observations, pairs: &[(usize, usize)], (f, v): Exchanged) {
    for &(left, right) in pairs {
        for k in 0..2 {
            observed.values.swap([f, v, left, k], [f, v, right, k]);
        }
        observed.confidence.swap([f, v, left], [f, v, right]);
    }
}

/// What exchanged sides would mend of a frame.
struct Flips {
    /// Those whose sides are the other way round than most.
    views: Vec<bool>,
    /// Pixels of disagreement for each that is seen, as it is and with the views exchanged.
    given: f64,
    left: f64,
}

/// The views of a frame whose sides are exchanged, by what the others see.
fn flips(
    observed: &Observations,
    cameras: &[Camera],
    pairs: &[(usize, usize)],
    frame: usize,
) -> Flips {
    let views = cameras.len();
    let mut flipped = vec![false; views];
    let (given, seen) = cost(observed, cameras, pairs, frame, &flipped);
    let mut least = given;
    let each = |sum: f64| match seen {
        0 => f64::NAN,
        _ => sum / seen as f64,
    };
    if seen == 0 || least <= LEAST * seen as f64 {
        return Flips {
            views: flipped,
            given: each(given),
            left: each(given),
        };
    }
    loop {
        let with = |v: usize| {
            let mut other = flipped.clone();
            other[v] = !other[v];
            (v, cost(observed, cameras, pairs, frame, &other).0)
        };
        let best = (0..views).map(with).min_by(|a, b| a.1.total_cmp(&b.1));
        match best {
            Some((v, cost)) if cost < 0.999 * least => {
                flipped[v] = !flipped[v];
                least = cost;
            }
            _ => break,
        }
    }
    if least > FAR_BETTER * given {
        flipped.fill(false);
        least = given;
    }
    // As few as may be.
    if 2 * flipped.iter().filter(|f| **f).count() > views {
        flipped.iter_mut().for_each(|f| *f = !*f);
    }
    Flips {
        views: flipped,
        given: each(given),
        left: each(least),
    }
}

/// The sum of the pixels between points and what the views see of them, and how many were seen.
fn cost(
    observed: &Observations,
    cameras: &[Camera],
    pairs: &[(usize, usize)],
    frame: usize,
    flipped: &[bool],
) -> (f64, usize) {
    let (mut sum, mut count) = (0.0, 0);
    for &(left, right) in pairs {
        for (own, other) in [(left, right), (right, left)] {
            let seen = sights(observed, cameras, (own, other), frame, flipped);
            let Some(point) = meet(&seen) else {
                continue;
            };
            for (camera, _, pixel, _) in &seen {
                let most = MOST * camera.diagonal();
                let error = match camera.can_see(&point) {
                    true => (camera.project(&point) - pixel).norm(),
                    false => most,
                };
                sum += error.min(most);
                count += 1;
            }
        }
    }
    (sum, count)
}

fn meet(seen: &[Sight<'_>]) -> Option<Vector3<f64>> {
    meet_robust(seen, |_| f64::INFINITY)
}

fn sights<'c>(
    observed: &Observations,
    cameras: &'c [Camera],
    (own, other): (usize, usize),
    frame: usize,
    flipped: &[bool],
) -> Vec<Sight<'c>> {
    let view = |(v, camera): (usize, &'c Camera)| {
        let p = if flipped[v] { other } else { own };
        let confidence = observed.confidence[[frame, v, p]];
        let x = observed.values.slice(s![frame, v, p, ..]);
        let pixel = Vector2::new(x[0], x[1]);
        (confidence > 0.0).then(|| (camera, ray(camera, &pixel), pixel, confidence))
    };
    cameras.iter().enumerate().filter_map(view).collect()
}

/// As many views one way as the other: what the frames beside say decides, from those that are sure on. Says
/// in which frames nothing does; they stay as they are.
fn settle(
    observed: &Observations,
    cameras: &[Camera],
    pairs: &[(usize, usize)],
    flips: &mut [Vec<bool>],
) -> Vec<usize> {
    let tie = |f: &Vec<bool>| 2 * f.iter().filter(|f| **f).count() == f.len();
    let points = |frame: usize, flipped: &[bool]| -> Vec<Option<Vector3<f64>>> {
        let both = pairs.iter().flat_map(|&(l, r)| [(l, r), (r, l)]);
        both.map(|pair| meet(&sights(observed, cameras, pair, frame, flipped)))
            .collect()
    };
    let mut sure: Vec<bool> = flips.iter().map(|f| !tie(f)).collect();
    let mut open: VecDeque<usize> = (0..flips.len()).filter(|&f| sure[f]).collect();
    while let Some(near) = open.pop_front() {
        for frame in [near.wrapping_sub(1), near + 1] {
            if sure.get(frame) != Some(&false) {
                continue;
            }
            let there = points(near, &flips[near]);
            let apart = |flipped: &[bool]| -> f64 {
                let here = points(frame, flipped);
                let both = here.iter().zip(&there);
                both.filter_map(|(a, b)| Some(((*a)? - (*b)?).norm())).sum()
            };
            let other: Vec<bool> = flips[frame].iter().map(|f| !f).collect();
            let (as_is, turned) = (apart(&flips[frame]), apart(&other));
            match (turned < NEARER * as_is, as_is < NEARER * turned) {
                (true, _) => flips[frame] = other,
                (_, true) => {}
                _ => continue,
            }
            sure[frame] = true;
            open.push_back(frame);
        }
    }
    let undecided: Vec<usize> = (0..flips.len()).filter(|&f| !sure[f]).collect();
    undecided.iter().for_each(|&f| flips[f].fill(false));
    undecided
}

#[cfg(test)]
mod tests {
    use nalgebra::Rotation3;
    use ndarray::{Array3, Array4};

    use super::*;
    use crate::camera::Distortion;
    use crate::spec::Dimension;

    fn around(count: usize) -> Vec<Camera> {
        let camera = |c: usize| {
            let turn = Rotation3::new(Vector3::y() * (1.3 * c as f64));
            Camera {
                name: format!("c{c}"),
                size: [1000.0, 800.0],
                intrinsics: [900.0, 900.0, 500.0, 400.0, 0.0],
                distortion: Distortion::Brown([0.0; 5]),
                rotation: *turn.matrix(),
                translation: Vector3::new(0.0, 0.0, 4.0),
            }
        };
        (0..count).map(camera).collect()
    }

    /// Two pairs of points that walk, seen by all cameras.
    fn walk(cameras: &[Camera], frames: usize) -> Observations {
        let point = |f: usize, p: usize| {
            let side = if p.is_multiple_of(2) { 0.15 } else { -0.15 };
            let along = 0.02 * f as f64;
            Vector3::new(side, -0.4 * (p / 2) as f64, along + 0.1 * side.signum())
        };
        let pixel =
            |(f, v, p, k): (usize, usize, usize, usize)| cameras[v].project(&point(f, p))[k];
        Observations {
            labels: ["lh", "rh", "lk", "rk"].map(String::from).into(),
            views: cameras.iter().map(|c| c.name.clone()).collect(),
            values: Array4::from_shape_fn((frames, cameras.len(), 4, 2), pixel),
            confidence: Array3::ones((frames, cameras.len(), 4)),
            dimension: Dimension::PIXEL,
            rate: None,
            frame_numbers: (0..frames as u64).collect(),
        }
    }

    #[test]
    fn views_with_their_sides_exchanged_are_found_and_mended() {
        let cameras = around(4);
        let right = walk(&cameras, 8);
        let pairs = vec![(0, 1), (2, 3)];
        let mut given = right.clone();
        // One of four, then two of four, which the frame before decides.
        let wrong = [(2, 1), (3, 1), (3, 2), (4, 1), (4, 2)];
        for at in wrong {
            exchange(&mut given, &pairs, at);
        }
        let (found, undecided) = mend(&mut given, &cameras, &[pairs]);
        assert_eq!((found.as_slice(), undecided.len()), (&wrong[..], 0));
        assert_eq!(given.values, right.values);
    }

    #[test]
    fn of_two_views_that_contradict_each_other_all_the_time_neither_is_changed() {
        let mut cameras = around(2);
        // Of cameras at one height the rays of left and right meet either way.
        let tilt = Rotation3::new(Vector3::x() * 0.7) * Rotation3::new(Vector3::z() * 0.4);
        cameras[1].rotation = tilt.matrix() * cameras[1].rotation;
        let pairs = vec![(0, 1), (2, 3)];
        let mut given = walk(&cameras, 5);
        (0..5).for_each(|f| exchange(&mut given, &pairs, (f, 1)));
        let same = given.clone();
        let (found, undecided) = mend(&mut given, &cameras, &[pairs]);
        assert_eq!((found.len(), undecided), (0, vec![0, 1, 2, 3, 4]));
        assert_eq!(given.values, same.values);
    }

    #[test]
    fn what_agrees_as_it_is_stays() {
        let cameras = around(3);
        let mut given = walk(&cameras, 4);
        given.confidence[[1, 2, 0]] = 0.0;
        let same = given.clone();
        let (found, undecided) = mend(&mut given, &cameras, &[vec![(0, 1), (2, 3)]]);
        assert!(found.is_empty() && undecided.is_empty());
        assert_eq!(given.values, same.values);
    }
}
