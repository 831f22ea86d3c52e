//! The skeleton: 24 joints in SMPL's order, laid out on a stature of 1.70 m.
//!
//! Heights follow Drillis & Contini (1966), as printed in Winter (2009), fig. 4.1: ankle 0.039 H,
//! knee 0.285 H, hip 0.530 H, chin 0.870 H. Hip and shoulder centres lie inside the landmarks as
//! in Dumas et al. (2007); upper arm and forearm follow de Leva (1996), 0.16 H and 0.15 H; hand
//! and span are round figures near ANSUR II (2012), means of women and men averaged.

use nalgebra::Vector3;

pub type V3 = Vector3<f64>;

pub const COUNT: usize = 24;

/// Name, parent, position (m): pelvis at the origin, y up, facing +z, left = +x.
type Joint = (&'static str, Option<usize>, [f64; 3]);

#[rustfmt::skip]
pub const JOINTS: [Joint; COUNT] = [
    ("pelvis", None, [0.0, 0.0, 0.0]),
    ("left_hip", Some(0), [0.085, -0.050, 0.0]),
    ("right_hip", Some(0), [-0.085, -0.050, 0.0]),
    ("spine1", Some(0), [0.0, 0.105, -0.015]),
    ("left_knee", Some(1), [0.100, -0.4655, 0.002]),
    ("right_knee", Some(2), [-0.100, -0.4655, 0.002]),
    ("spine2", Some(3), [0.0, 0.225, -0.020]),
    ("left_ankle", Some(4), [0.105, -0.880, -0.030]),
    ("right_ankle", Some(5), [-0.105, -0.880, -0.030]),
    ("spine3", Some(6), [0.0, 0.330, -0.025]),
    ("left_foot", Some(7), [0.116, -0.930, 0.095]),
    ("right_foot", Some(8), [-0.116, -0.930, 0.095]),
    ("neck", Some(9), [0.0, 0.500, -0.040]),
    ("left_collar", Some(9), [0.065, 0.425, -0.030]),
    ("right_collar", Some(9), [-0.065, 0.425, -0.030]),
    ("head", Some(12), [0.0, 0.590, -0.010]),
    ("left_shoulder", Some(13), [0.172, 0.420, -0.030]),
    ("right_shoulder", Some(14), [-0.172, 0.420, -0.030]),
    ("left_elbow", Some(16), [0.440, 0.420, -0.035]),
    ("right_elbow", Some(17), [-0.440, 0.420, -0.035]),
    ("left_wrist", Some(18), [0.685, 0.420, -0.030]),
    ("right_wrist", Some(19), [-0.685, 0.420, -0.030]),
    ("left_hand", Some(20), [0.770, 0.416, -0.025]),
    ("right_hand", Some(21), [-0.770, 0.416, -0.025]),
];

pub fn position(joint: usize) -> V3 {
    V3::from(JOINTS[joint].2)
}

pub fn parent(joint: usize) -> Option<usize> {
    JOINTS[joint].1
}

/// The joint on the other side; the joint itself where it lies in the middle.
pub fn mirror(joint: usize) -> usize {
    let name = JOINTS[joint].0;
    let other = match name.split_once('_') {
        Some(("left", part)) => format!("right_{part}"),
        Some(("right", part)) => format!("left_{part}"),
        _ => return joint,
    };
    JOINTS
        .iter()
        .position(|j| j.0 == other)
        .expect("every side joint has a twin")
}
