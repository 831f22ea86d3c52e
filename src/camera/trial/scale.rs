//! Numbers that make cameras agree best: the size of images, focal lengths, shifts of pixels.

use super::{Camera, Cause, Sighting, without};
use nalgebra::{Matrix3, Vector2};

/// Octaves to each side, and tries in one.
const OCTAVES: i32 = 3;
const TRIES: i32 = 4;

/// Widths of images as cameras and programs make them.
const WIDTHS: [f64; 22] = [
    320.0, 360.0, 480.0, 540.0, 600.0, 640.0, 720.0, 768.0, 800.0, 848.0, 960.0, 1000.0, 1024.0,
    1080.0, 1280.0, 1440.0, 1600.0, 1920.0, 2048.0, 2560.0, 2704.0, 3840.0,
];

/// How far a factor may be from a usual one to be it, and how much worse that may be.
const USUAL: f64 = 0.04;
const AS_GOOD: f64 = 1.15;

/// How far each number of scaled and shifted pixels is tried, octaves and shares of the width; and how
/// often all of them.
const OCTAVE: f64 = 0.7;
const SHARE: f64 = 0.6;
const ROUNDS: usize = 4;

/// The factor other than 1 with which the cameras agree best, a usual one where that is as good.
pub(super) fn of_images(cameras: &[Camera], sightings: &[Sighting]) -> f64 {
    let factor = best(cameras, sightings, Cause::ImageScale);
    let error = |f: f64| {
        without(
            &Cause::ImageScale(f),
            cameras,
            sightings,
            &Matrix3::identity(),
        )
    };
    let least = error(factor);
    let off = |other: &f64| (other / factor - 1.0).abs();
    let mut near = usual(cameras[0].size[0]);
    near.retain(|f| off(f) < USUAL && *f != 1.0);
    near.sort_by(|a, b| off(a).total_cmp(&off(b)));
    let good = near.into_iter().find(|f| error(*f) < AS_GOOD * least);
    good.unwrap_or(factor)
}

/// Pixels scaled and shifted, along each axis by its own, so that the cameras agree best.
pub(super) fn of_pixels(cameras: &[Camera], sightings: &[Sighting]) -> Cause {
    let pixels = || sightings.iter().flatten().map(|(_, x, _)| x);
    let middle = pixels().sum::<Vector2<f64>>() / pixels().count().max(1) as f64;
    // About the middle of what is seen, scale and shift do not depend on each other.
    let cause = |[x, y, right, down]: [f64; 4]| {
        let (scale, to) = ([x.exp2(), y.exp2()], middle + Vector2::new(right, down));
        let shift = [middle.x - scale[0] * to.x, middle.y - scale[1] * to.y];
        Cause::Pixels { scale, shift }
    };
    let error = |at: [f64; 4]| without(&cause(at), cameras, sightings, &Matrix3::identity());
    let whole = best(cameras, sightings, Cause::ImageScale);
    let away = middle / whole - middle;
    let starts = [[0.0; 4], [whole.log2(), whole.log2(), away.x, away.y]];
    let width = cameras[0].size[0];
    let from = |mut at: [f64; 4]| {
        for round in 0..ROUNDS {
            // Shifts first: they are the larger part.
            for k in [2, 3, 0, 1] {
                let reach = if k < 2 { OCTAVE } else { SHARE * width } / (1 << round) as f64;
                at[k] = least(at[k], reach, |x| {
                    let mut other = at;
                    other[k] = x;
                    error(other)
                });
            }
        }
        at
    };
    let ends = starts.map(|start| {
        let end = from(start);
        (end, error(end))
    });
    let best = if ends[0].1 <= ends[1].1 {
        ends[0].0
    } else {
        ends[1].0
    };
    cause(best)
}

/// The same for the focal lengths.
pub(super) fn of_focals(cameras: &[Camera], sightings: &[Sighting]) -> f64 {
    best(cameras, sightings, Cause::Focal)
}

fn best(cameras: &[Camera], sightings: &[Sighting], cause: fn(f64) -> Cause) -> f64 {
    let error = |octaves: f64| {
        let cause = cause(octaves.exp2());
        without(&cause, cameras, sightings, &Matrix3::identity())
    };
    let tries = (-OCTAVES * TRIES..=OCTAVES * TRIES).filter(|k| *k != 0);
    let tries = tries.map(|k| (k, error(f64::from(k) / f64::from(TRIES))));
    let best = tries.min_by(|a, b| a.1.total_cmp(&b.1));
    let best = best.map_or(1.0, |(k, _)| f64::from(k) / f64::from(TRIES));
    least(best, 1.0 / f64::from(TRIES), error).exp2()
}

/// Golden section about a place.
fn least(about: f64, reach: f64, error: impl Fn(f64) -> f64) -> f64 {
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    let (mut low, mut high) = (about - reach, about + reach);
    for _ in 0..14 {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        match error(a) < error(b) {
            true => high = b,
            false => low = a,
        }
    }
    0.5 * (low + high)
}

/// Factors that make usual widths, and ratios of small numbers.
fn usual(width: f64) -> Vec<f64> {
    let ratios = (1..=6).flat_map(|p| (1..=6).map(move |q| f64::from(p) / f64::from(q)));
    ratios.chain(WIDTHS.iter().map(|w| w / width)).collect()
}
