//! How many times as large as the calibration's the images are.

use super::{Camera, Cause, Sighting, without};
use nalgebra::Matrix3;

/// Octaves to each side, and tries in one.
const OCTAVES: i32 = 3;
const TRIES: i32 = 4;

/// Widths of images as cameras and programs make them.
const WIDTHS: [f64; 22] = [
    320.0, 360.0, 480.0, 540.0, 600.0, 640.0, 720.0, 768.0, 800.0, 848.0, 960.0, 1000.0, 1024.0,
    1080.0, 1280.0, 1440.0, 1600.0, 1920.0, 2048.0, 2560.0, 2704.0, 3840.0,
];

/// How far a factor may be from a usual one to be it.
const USUAL: f64 = 0.01;

/// The factor other than 1 with which the cameras agree best.
pub(super) fn of_images(cameras: &[Camera], sightings: &[Sighting]) -> f64 {
    let factor = best(cameras, sightings, Cause::ImageScale);
    usual(factor, cameras[0].size[0])
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

/// The nearest factor that makes a usual width, or is a ratio of small numbers.
fn usual(factor: f64, width: f64) -> f64 {
    let ratios = (1..=6).flat_map(|p| (1..=6).map(move |q| f64::from(p) / f64::from(q)));
    let widths = WIDTHS.iter().map(|w| w / width);
    let off = |other: &f64| (other / factor - 1.0).abs();
    let near = ratios.chain(widths).filter(|f| off(f) < USUAL && *f != 1.0);
    near.min_by(|a, b| off(a).total_cmp(&off(b)))
        .unwrap_or(factor)
}
