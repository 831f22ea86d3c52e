//! Which bone a point of the skin belongs to: planes through the joints cut the body in pieces.

use crate::joints::{self, V3};

struct Cut {
    joint: usize,
    point: [f64; 3],
    /// Towards the joint's own side; tilted to follow the groin, the jaw, the knuckles.
    normal: [f64; 3],
    /// How far the skin on both sides shares the bend (m).
    spread: f64,
}

/// The spine stands before the hip: the hip's plane, prolonged, would claim the hands.
#[rustfmt::skip]
const CUTS: [Cut; 13] = [
    Cut { joint: 3, point: [0.0, 0.105, 0.0], normal: [0.0, 1.0, 0.0], spread: 0.045 },
    Cut { joint: 1, point: [0.085, -0.050, 0.0], normal: [0.150, -0.175, 0.050], spread: 0.040 },
    Cut { joint: 4, point: [0.100, -0.4655, 0.002], normal: [0.0, -1.0, 0.0], spread: 0.026 },
    Cut { joint: 7, point: [0.105, -0.880, -0.030], normal: [0.0, -1.0, 0.35], spread: 0.020 },
    Cut { joint: 10, point: [0.116, -0.930, 0.095], normal: [0.0, 0.0, 1.0], spread: 0.013 },
    Cut { joint: 6, point: [0.0, 0.225, 0.0], normal: [0.0, 1.0, 0.0], spread: 0.045 },
    Cut { joint: 9, point: [0.0, 0.330, 0.0], normal: [0.0, 1.0, 0.0], spread: 0.040 },
    Cut { joint: 12, point: [0.0, 0.490, -0.040], normal: [0.0, 1.0, 0.55], spread: 0.025 },
    Cut { joint: 15, point: [0.0, 0.570, -0.010], normal: [0.0, 1.0, 0.75], spread: 0.020 },
    Cut { joint: 13, point: [0.060, 0.400, -0.030], normal: [1.0, 0.35, 0.0], spread: 0.035 },
    Cut { joint: 16, point: [0.165, 0.400, -0.030], normal: [1.0, 0.0, 0.0], spread: 0.040 },
    Cut { joint: 18, point: [0.440, 0.420, -0.035], normal: [1.0, 0.0, 0.0], spread: 0.027 },
    Cut { joint: 20, point: [0.685, 0.420, -0.030], normal: [1.0, 0.0, 0.0], spread: 0.018 },
];

/// The fingers bend along the knuckles, an oblique line that leaves the thumb with the palm.
const KNUCKLES: Cut = Cut {
    joint: 22,
    point: [0.770, 0.416, -0.025],
    normal: [1.0, 0.0, -0.6],
    spread: 0.010,
};

/// Walks from the pelvis outwards as long as the point lies beyond the next joint's cut.
pub fn bone(p: &V3) -> usize {
    let left = V3::new(p.x.abs(), p.y, p.z);
    let mut bone = 0;
    while let Some(next) = cuts().find(|c| joints::parent(c.joint) == Some(bone) && c.passed(&left))
    {
        bone = next.joint;
    }
    if p.x < 0.0 {
        joints::mirror(bone)
    } else {
        bone
    }
}

/// The spread of the nearest cut, told by its joint.
pub fn spread(p: &V3) -> f64 {
    let left = V3::new(p.x.abs(), p.y, p.z);
    let distance = |c: &Cut| (left - V3::from(c.point)).norm();
    let nearest = cuts().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    nearest.expect("the table is not empty").spread
}

fn cuts() -> impl Iterator<Item = &'static Cut> {
    CUTS.iter().chain([&KNUCKLES])
}

impl Cut {
    fn passed(&self, p: &V3) -> bool {
        (p - V3::from(self.point)).dot(&V3::from(self.normal)) > 0.0
    }
}
