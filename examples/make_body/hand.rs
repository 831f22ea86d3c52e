//! The hand: a palm facing down, four fingers, a thumb pointing forward.
//!
//! Hand length 0.187 m and breadth 0.080 m (near ANSUR II, women and men averaged).

use crate::field::Part;
use crate::loft::{ALONG_X, Station, loft};
use crate::solid::cone;

pub fn parts() -> Vec<Part> {
    let mut parts = vec![loft(ALONG_X, 2.3, [0.02, 0.012], &PALM).add(0.015).pair()];
    parts.extend(THUMB.windows(2).map(|bone| phalanx(bone, 0.010)));
    for finger in &FINGERS {
        parts.extend(finger.windows(2).map(|bone| phalanx(bone, 0.005)));
    }
    parts
}

/// Place along x, centre (y, z), radii: up, down, front, back (m).
#[rustfmt::skip]
const PALM: [Station; 4] = [
    [0.685, 0.420, -0.030, 0.018, 0.018, 0.029, 0.027],
    [0.715, 0.418, -0.028, 0.016, 0.018, 0.035, 0.033],
    [0.750, 0.416, -0.026, 0.0145, 0.0165, 0.040, 0.037],
    [0.780, 0.415, -0.025, 0.0125, 0.0135, 0.040, 0.038],
];

/// Centre and radius where a phalanx starts or the finger ends (m).
type Knot = ([f64; 3], f64);

const THUMB: [Knot; 4] = [
    ([0.712, 0.410, -0.002], 0.017),
    ([0.745, 0.403, 0.029], 0.0125),
    ([0.772, 0.400, 0.044], 0.0105),
    ([0.797, 0.399, 0.051], 0.0085),
];

#[rustfmt::skip]
const FINGERS: [[Knot; 3]; 4] = [
    [([0.775, 0.4160, 0.0050], 0.0100), ([0.815, 0.4145, 0.0098], 0.0092), ([0.852, 0.411, 0.0130], 0.0080)],
    [([0.778, 0.4170, -0.0155], 0.0100), ([0.823, 0.4155, -0.0142], 0.0092), ([0.865, 0.411, -0.0128], 0.0080)],
    [([0.776, 0.4160, -0.0360], 0.0096), ([0.818, 0.4145, -0.0385], 0.0088), ([0.857, 0.410, -0.0395], 0.0077)],
    [([0.768, 0.4150, -0.0545], 0.0088), ([0.802, 0.4130, -0.0610], 0.0080), ([0.832, 0.409, -0.0650], 0.0070)],
];

fn phalanx(bone: &[Knot], blend: f64) -> Part {
    cone(bone[0].0, bone[0].1, bone[1].0, bone[1].1)
        .add(blend)
        .pair()
}
