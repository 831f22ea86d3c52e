//! How long the mesh's edges should be: short on face, hands, feet, longer elsewhere.

use crate::joints::V3;

const COARSE: f64 = 0.026;
/// Growth of the edge length per metre of distance from a detail.
const GRADING: f64 = 0.22;

/// Centre, radius within which the edges are short, their length (m).
#[rustfmt::skip]
const DETAILS: [([f64; 3], f64, f64); 16] = [
    ([0.025, 0.600, 0.105], 0.045, 0.0056),
    ([0.012, 0.573, 0.097], 0.014, 0.0041),
    ([0.032, 0.640, 0.080], 0.016, 0.0046),
    ([0.790, 0.400, 0.048], 0.020, 0.0070),
    ([0.080, 0.624, -0.006], 0.030, 0.0070),
    ([0.000, 0.640, 0.000], 0.110, 0.0135),
    ([0.840, 0.414, -0.020], 0.060, 0.0074),
    ([0.770, 0.410, 0.010], 0.040, 0.0090),
    ([0.730, 0.415, -0.020], 0.030, 0.0140),
    ([0.440, 0.420, -0.035], 0.045, 0.0180),
    ([0.165, 0.400, -0.030], 0.070, 0.0210),
    ([0.100, -0.4655, 0.002], 0.070, 0.0200),
    ([0.105, -0.880, -0.030], 0.060, 0.0165),
    ([0.125, -0.940, 0.140], 0.045, 0.0088),
    ([0.060, -0.120, 0.000], 0.080, 0.0210),
    ([0.000, 0.480, -0.020], 0.060, 0.0190),
];

pub fn edge_length(p: &V3) -> f64 {
    DETAILS
        .iter()
        .fold(COARSE, |length, (centre, radius, fine)| {
            let away = (p - V3::from(*centre)).norm() - radius;
            length.min(fine + GRADING * away.max(0.0))
        })
}
