//! The foot: heel, instep and ball as one loft, then five toes.
//!
//! Foot length 0.152 H, breadth 0.055 H (Drillis & Contini 1966).

use crate::field::Part;
use crate::loft::{ALONG_Z, Station, loft};
use crate::solid::cone;

pub fn parts() -> Vec<Part> {
    let mut parts = vec![loft(ALONG_Z, 2.4, [0.027, 0.02], &SOLE).add(0.03).pair()];
    parts.extend(
        TOES.iter()
            .map(|(a, ra, b, rb)| cone(*a, *ra, *b, *rb).add(0.006).pair()),
    );
    parts
}

/// Place along z, centre (x, y), radii: lateral, medial, up, down (m).
#[rustfmt::skip]
const SOLE: [Station; 6] = [
    [-0.060, 0.105, -0.922, 0.029, 0.029, 0.046, 0.028],
    [-0.020, 0.105, -0.922, 0.029, 0.028, 0.050, 0.028],
    [0.020, 0.107, -0.922, 0.031, 0.030, 0.044, 0.027],
    [0.060, 0.111, -0.924, 0.038, 0.035, 0.034, 0.026],
    [0.095, 0.116, -0.928, 0.044, 0.041, 0.024, 0.022],
    [0.120, 0.119, -0.932, 0.044, 0.041, 0.016, 0.018],
];

type Toe = ([f64; 3], f64, [f64; 3], f64);

#[rustfmt::skip]
const TOES: [Toe; 5] = [
    ([0.092, -0.936, 0.120], 0.0140, [0.094, -0.9375, 0.160], 0.0125),
    ([0.112, -0.937, 0.125], 0.0095, [0.113, -0.9405, 0.161], 0.0085),
    ([0.128, -0.938, 0.122], 0.0090, [0.130, -0.9410, 0.153], 0.0080),
    ([0.142, -0.939, 0.116], 0.0090, [0.145, -0.9415, 0.142], 0.0080),
    ([0.154, -0.939, 0.106], 0.0095, [0.158, -0.9415, 0.128], 0.0080),
];
