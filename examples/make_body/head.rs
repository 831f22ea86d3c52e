//! Head and neck: the skull and jaw as one loft, then the features of the face.
//!
//! Head breadth 0.150 m, length 0.194 m, chin to vertex 0.221 m, face breadth 0.138 m, neck
//! circumference 0.36 m (near ANSUR II, women and men averaged); eyes at 0.936 H (Drillis & Contini).

use crate::field::Part;
use crate::figure::midline;
use crate::loft::{ALONG_Y, loft};
use crate::solid::{cone, ellipsoid, turned};

pub fn parts() -> Vec<Part> {
    let mut parts = vec![
        loft(ALONG_Y, 2.0, [0.02, 0.02], &NECK.map(midline)).add(0.03),
        loft(ALONG_Y, 2.1, [0.012, 0.0730], &HEAD.map(midline)).add(0.02),
    ];
    parts.extend(face());
    parts.extend(ears());
    parts
}

#[rustfmt::skip]
const NECK: [[f64; 5]; 5] = [
    [0.400, -0.040, 0.072, 0.015, -0.100],
    [0.450, -0.036, 0.060, 0.014, -0.093],
    [0.490, -0.029, 0.053, 0.022, -0.083],
    [0.530, -0.020, 0.051, 0.034, -0.075],
    [0.590, -0.018, 0.052, 0.042, -0.074],
];

#[rustfmt::skip]
const HEAD: [[f64; 5]; 9] = [
    [0.532, 0.030, 0.032, 0.080, -0.010],
    [0.545, 0.024, 0.041, 0.088, -0.035],
    [0.560, 0.016, 0.049, 0.088, -0.055],
    [0.580, 0.008, 0.056, 0.092, -0.073],
    [0.600, 0.002, 0.062, 0.091, -0.086],
    [0.620, -0.002, 0.067, 0.087, -0.092],
    [0.645, -0.006, 0.071, 0.086, -0.096],
    [0.665, -0.008, 0.0735, 0.093, -0.097],
    [0.678, -0.008, 0.0750, 0.094, -0.097],
];

fn face() -> Vec<Part> {
    let mut parts = vec![
        ellipsoid([0.044, 0.619, 0.051], [0.021, 0.017, 0.020])
            .add(0.03)
            .pair(),
        ellipsoid([0.0, 0.542, 0.074], [0.020, 0.013, 0.016]).add(0.02),
        ellipsoid([0.0, 0.573, 0.069], [0.030, 0.024, 0.027]).add(0.02),
        cone([0.010, 0.660, 0.086], 0.008, [0.046, 0.660, 0.065], 0.008)
            .add(0.015)
            .pair(),
        ellipsoid([0.033, 0.640, 0.090], [0.019, 0.012, 0.018])
            .carve(0.012)
            .pair(),
        ellipsoid([0.0325, 0.639, 0.069], [0.0125, 0.0125, 0.0125])
            .add(0.003)
            .pair(),
    ];
    parts.extend(nose());
    parts.extend(mouth());
    parts
}

fn nose() -> Vec<Part> {
    vec![
        cone([0.0, 0.647, 0.084], 0.0072, [0.0, 0.611, 0.104], 0.0095).add(0.014),
        ellipsoid([0.0, 0.6065, 0.1075], [0.0108, 0.0098, 0.0115]).add(0.006),
        ellipsoid([0.0, 0.6000, 0.099], [0.008, 0.006, 0.014]).add(0.006),
        ellipsoid([0.0120, 0.6015, 0.096], [0.0068, 0.0072, 0.0115])
            .add(0.009)
            .pair(),
    ]
}

fn mouth() -> Vec<Part> {
    vec![
        ellipsoid([0.0, 0.5785, 0.091], [0.021, 0.0055, 0.0085]).add(0.006),
        ellipsoid([0.0, 0.5668, 0.090], [0.018, 0.0060, 0.0085]).add(0.006),
        cone(
            [0.0, 0.5728, 0.1035],
            0.0038,
            [0.022, 0.5722, 0.093],
            0.0030,
        )
        .carve(0.005)
        .pair(),
    ]
}

fn ears() -> Vec<Part> {
    vec![
        turned(
            [0.076, 0.623, -0.008],
            [0.006, 0.031, 0.018],
            [-0.2, -0.4, 0.0],
        )
        .add(0.008)
        .pair(),
        turned(
            [0.082, 0.625, -0.004],
            [0.005, 0.016, 0.009],
            [-0.2, -0.4, 0.0],
        )
        .carve(0.006)
        .pair(),
    ]
}
