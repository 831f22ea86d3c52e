//! Whether a person could stand and move so: joint limits, limbs in one another, jerks, sliding feet.

use nalgebra::Vector3;
use rayon::prelude::*;

use super::Measured;
use crate::body::{BODY_JOINTS, pose_vertices};
use crate::data::Motion;
use crate::ir::Problem;
use crate::measure::penetration::Capsules;
use crate::measure::plausibility::beyond_limits;
use crate::measure::surface::Surface;
use crate::report::bodies::Bodies;

/// Joints of the body with its root.
const JOINTS: usize = BODY_JOINTS + 1;
/// Toes' joints, and the height above the lowest at which a foot stands, metres.
const FEET: [usize; 2] = [10, 11];
const STANDING: f64 = 0.03;

pub(super) fn of(problem: &Problem, bodies: &Bodies<'_>) -> Vec<Measured> {
    let frames = problem.frames;
    let joints: Vec<Option<Vec<Vector3<f64>>>> = (0..frames)
        .map(|f| bodies.known(f).then(|| places(bodies, f)))
        .collect();
    let mut all = vec![
        of_frames("joint_limits", "deg", limits(bodies, frames)),
        of_frames("penetration", "mm", depths(bodies, &joints)),
    ];
    if let Some(rate) = problem.rate {
        let motion = Moving {
            joints: &joints,
            ends: &problem.gaps,
            rate,
        };
        all.push(of_frames("acceleration", "m/s²", motion.differences(2)));
        all.push(of_frames("jerk", "m/s³", motion.differences(3)));
        all.push(of_frames("foot_sliding", "cm/s", motion.sliding()));
    }
    all
}

/// How far the skin is from that of a true motion: the mean over vertices, mm.
pub(super) fn vertices(bodies: &Bodies<'_>, truth: &Motion) -> Measured {
    let of_frame = |f: usize| {
        if !bodies.known(f) {
            return f64::NAN;
        }
        let true_ones = pose_vertices(bodies.model, truth, f);
        let pairs = bodies.vertices(f).into_iter().zip(true_ones);
        let distances: Vec<f64> = pairs.map(|(a, b)| (a - b).norm()).collect();
        1000.0 * distances.iter().sum::<f64>() / distances.len() as f64
    };
    let frames: Vec<usize> = (0..truth.trans.len()).collect();
    let values = frames.into_par_iter().map(of_frame).collect();
    of_frames("held_out_vertices", "mm", values)
}

fn of_frames(name: &str, unit: &str, values: Vec<f64>) -> Measured {
    Measured {
        name: name.into(),
        unit: unit.into(),
        axis: "frame".into(),
        values,
    }
}

fn places(bodies: &Bodies<'_>, frame: usize) -> Vec<Vector3<f64>> {
    let transforms = bodies.transforms(frame);
    transforms.iter().map(|(_, place)| *place).collect()
}

/// The mean over joints of what they turn beyond their ranges, degrees.
fn limits(bodies: &Bodies<'_>, frames: usize) -> Vec<f64> {
    let of_frame = |f: usize| match bodies.known(f) {
        true => beyond_limits(&bodies.pose(f)[..3 * BODY_JOINTS]).excess[0],
        false => f64::NAN,
    };
    (0..frames).map(of_frame).collect()
}

/// How deep the deepest pair of limbs is in each other, mm.
fn depths(bodies: &Bodies<'_>, joints: &[Option<Vec<Vector3<f64>>>]) -> Vec<f64> {
    let capsules = Capsules::new(&Surface::new(bodies.model));
    let depth = |j: &Option<Vec<Vector3<f64>>>| match j {
        Some(joints) => 1000.0 * capsules.deepest(joints),
        None => f64::NAN,
    };
    joints.iter().map(depth).collect()
}

struct Moving<'a> {
    /// (frames, joints), metres, y up.
    joints: &'a [Option<Vec<Vector3<f64>>>],
    /// Frames after which nothing goes on.
    ends: &'a [usize],
    rate: f64,
}

impl Moving<'_> {
    /// The frames from one on, where the motion goes on for so many.
    fn window(&self, frame: usize, count: usize) -> Option<Vec<&[Vector3<f64>]>> {
        let last = frame + count - 1;
        let next = self.ends.partition_point(|end| *end < frame);
        let broken = self.ends.get(next).is_some_and(|end| *end < last);
        let all = self.joints.get(frame..=last).filter(|_| !broken)?;
        all.iter().map(|j| j.as_deref()).collect()
    }

    /// The mean over joints of a finite difference of an order.
    fn differences(&self, order: usize) -> Vec<f64> {
        let weights: &[f64] = match order {
            2 => &[1.0, -2.0, 1.0],
            _ => &[-1.0, 3.0, -3.0, 1.0],
        };
        let of_frame = |f: usize| {
            let Some(window) = self.window(f, order + 1) else {
                return f64::NAN;
            };
            let of_joint = |j: usize| {
                let parts = window.iter().zip(weights).map(|(x, w)| x[j] * *w);
                parts.sum::<Vector3<f64>>().norm()
            };
            let joints = JOINTS.min(window[0].len());
            let sum: f64 = (0..joints).map(of_joint).sum();
            sum / joints as f64 * self.rate.powi(order as i32)
        };
        (0..self.joints.len()).map(of_frame).collect()
    }

    /// How fast the lower foot moves along the ground while it stands, cm/s.
    fn sliding(&self) -> Vec<f64> {
        let feet = FEET.map(|j| self.joints.iter().flatten().filter_map(move |x| x.get(j)));
        let mut heights: Vec<f64> = feet.into_iter().flatten().map(|p| p.y).collect();
        heights.sort_by(f64::total_cmp);
        // A low one that noise does not decide.
        let Some(ground) = heights.get(heights.len() / 20).copied() else {
            return vec![f64::NAN; self.joints.len()];
        };
        let of_frame = |f: usize| {
            let window = self.window(f, 2);
            let Some([now, next]) = window.as_deref() else {
                return f64::NAN;
            };
            let standing = FEET.iter().filter(|j| {
                let height = |x: &[Vector3<f64>]| x.get(**j).map_or(f64::INFINITY, |p| p.y);
                height(now).max(height(next)) < ground + STANDING
            });
            let speed = standing.map(|j| (next[*j] - now[*j]).xz().norm() * self.rate * 100.0);
            speed.reduce(f64::min).unwrap_or(f64::NAN)
        };
        (0..self.joints.len()).map(of_frame).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throw_has_the_acceleration_of_gravity_and_no_jerk_but_not_across_gaps() {
        let at = |t: f64| Some(vec![Vector3::new(t, -0.5 * 9.81 * t * t, 0.0); JOINTS]);
        let joints: Vec<_> = (0..8).map(|f| at(f as f64 / 50.0)).collect();
        let motion = Moving {
            joints: &joints,
            ends: &[3],
            rate: 50.0,
        };
        let found = motion.differences(2);
        assert!((found[0] - 9.81).abs() < 1e-9 && (found[4] - 9.81).abs() < 1e-9);
        assert!(found[2].is_nan() && found[3].is_nan() && found[6].is_nan());
        assert!(motion.differences(3)[0] < 1e-6);
    }
}
