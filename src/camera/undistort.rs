//! Pixels back to directions, by damped Newton steps on the lens model.

use nalgebra::{Matrix2, Vector2, Vector3};

use super::{Camera, Distortion, fisheye};

const STEPS: usize = 50;
const HALVINGS: usize = 10;

impl Camera {
    /// Direction in the camera of a pixel, of length one.
    ///
    /// A pixel that no direction is seen at gives the one that is seen nearest to it.
    pub(crate) fn undistort(&self, pixel: &Vector2<f64>) -> Vector3<f64> {
        let [fx, fy, cx, cy, skew] = self.intrinsics;
        let y = (pixel.y - cy) / fy;
        let seen = Vector2::new((pixel.x - cx - skew * y) / fx, y);
        match &self.distortion {
            Distortion::Fisheye(k) => round(k, &seen),
            flat => on_plane(flat, &seen).normalize(),
        }
    }
}

/// The point at depth one that is seen at `seen`.
fn on_plane(distortion: &Distortion, seen: &Vector2<f64>) -> Vector3<f64> {
    let left = |p: &Vector3<f64>| seen - Vector2::from(distortion.bend((*p).into()));
    let step = |p: &Vector3<f64>, left: &Vector2<f64>| {
        let [a, b] = [[1.0, 0.0], [0.0, 1.0]].map(|g| distortion.pull_back((*p).into(), g));
        let step = Matrix2::new(a[0], a[1], b[0], b[1]).try_inverse()? * left;
        Some(Vector3::new(step.x, step.y, 0.0))
    };
    newton(Vector3::new(seen.x, seen.y, 1.0), left, step)
}

/// The direction at the angle θ that θd(θ) = ‖seen‖ gives.
fn round(k: &[f64; 4], seen: &Vector2<f64>) -> Vector3<f64> {
    use std::f64::consts::{FRAC_PI_2, PI};
    let bent = seen.norm();
    if bent == 0.0 {
        return Vector3::z();
    }
    let left = |theta: &f64| Vector2::new(bent - fisheye::bent_angle(k, *theta).0, 0.0);
    let step = |theta: &f64, left: &Vector2<f64>| {
        let (_, slope) = fisheye::bent_angle(k, *theta);
        Some((left.x / slope).clamp(-*theta, PI - *theta))
    };
    let theta = newton(bent.min(FRAC_PI_2), left, step);
    let across = seen * (theta.sin() / bent);
    Vector3::new(across.x, across.y, theta.cos())
}

/// Steps that are halved until they lower what is left.
fn newton<T: Copy + std::ops::Add<Output = T> + std::ops::Mul<f64, Output = T>>(
    mut at: T,
    left: impl Fn(&T) -> Vector2<f64>,
    step: impl Fn(&T, &Vector2<f64>) -> Option<T>,
) -> T {
    let mut rest = left(&at);
    for _ in 0..STEPS {
        let Some(step) = step(&at, &rest) else {
            break;
        };
        let better = (0..HALVINGS).find_map(|i| {
            let next = at + step * 0.5_f64.powi(i as i32);
            let after = left(&next);
            (after.norm() < rest.norm()).then_some((next, after))
        });
        match better {
            Some(found) => (at, rest) = found,
            None => break,
        }
    }
    at
}
