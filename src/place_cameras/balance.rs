//! The vertical as a person has it who does not fall: from the feet that stand to the centre of mass.

use nalgebra::Vector3;

use crate::body::BodyModel;
use crate::body::figure::{Figure, Frame};

/// Segments from one joint to another: how far along their centre is, and their share of the mass (Winter,
/// *Biomechanics and Motor Control of Human Movement*, 2009, table 4.1). The first is trunk, head and neck,
/// between the middles of hips and shoulders.
const SEGMENTS: [([usize; 2], [usize; 2], f64, f64); 9] = [
    ([1, 2], [16, 17], 0.66, 0.578),
    ([16, 16], [18, 18], 0.436, 0.028),
    ([17, 17], [19, 19], 0.436, 0.028),
    ([18, 18], [20, 20], 0.682, 0.022),
    ([19, 19], [21, 21], 0.682, 0.022),
    ([1, 1], [4, 4], 0.433, 0.1),
    ([2, 2], [5, 5], 0.433, 0.1),
    ([4, 4], [7, 7], 0.606, 0.061),
    ([5, 5], [8, 8], 0.606, 0.061),
];
/// Mass without which the centre is not known.
const KNOWN: f64 = 0.85;
/// How far from a joint a label may be, at rest, m.
const BESIDE: f64 = 0.1;
/// Labels that are so low on the body at rest are feet, and feet so little above the lowest one stand, m.
const LOW: f64 = 0.13;
const STANDS: f64 = 0.08;
const FEW: usize = 10;
const ROUNDS: usize = 20;

/// The mean direction over frames, which of one who moves slowly, or walks on, is the vertical.
pub(super) fn vertical(
    figure: &Figure,
    body: &BodyModel,
    larger: f64,
    stands: &Vector3<f64>,
) -> Option<Vector3<f64>> {
    let lowest = figure.model.iter().map(|p| p.y);
    let lowest = lowest.fold(f64::INFINITY, f64::min);
    let feet: Vec<usize> = (0..figure.model.len())
        .filter(|l| figure.model[*l].y - lowest < LOW)
        .collect();
    let labels: Vec<Option<usize>> = (0..22).map(|j| beside(figure, body, j)).collect();
    let bodies = figure.frames.iter().filter_map(|frame| {
        let soles: Vec<Vector3<f64>> = feet.iter().filter_map(|l| frame[*l]).collect();
        Some((centre(frame, &labels)?, soles)).filter(|(_, soles)| !soles.is_empty())
    });
    let bodies: Vec<(Vector3<f64>, Vec<Vector3<f64>>)> = bodies.collect();
    if bodies.len() < FEW {
        return None;
    }
    let mut up = *stands;
    for _ in 0..ROUNDS {
        let direction = |(centre, soles): &(Vector3<f64>, Vec<Vector3<f64>>)| {
            let heights = soles.iter().map(|s| s.dot(&up));
            let lowest = heights.fold(f64::INFINITY, f64::min);
            let low = |s: &&Vector3<f64>| s.dot(&up) - lowest < STANDS * larger;
            let standing: Vec<&Vector3<f64>> = soles.iter().filter(low).collect();
            let support = standing.iter().copied().sum::<Vector3<f64>>() / standing.len() as f64;
            (centre - support).normalize()
        };
        up = bodies
            .iter()
            .map(direction)
            .sum::<Vector3<f64>>()
            .try_normalize(1e-9)?;
    }
    Some(up)
}

/// The label next to a joint at rest.
fn beside(figure: &Figure, body: &BodyModel, joint: usize) -> Option<usize> {
    let place = Vector3::from_fn(|k, _| body.joints[[joint, k]]);
    let off = |l: &usize| (figure.model[*l] - place).norm();
    let nearest = (0..figure.model.len()).min_by(|a, b| off(a).total_cmp(&off(b)));
    nearest.filter(|l| off(l) < BESIDE)
}

fn centre(frame: &Frame, labels: &[Option<usize>]) -> Option<Vector3<f64>> {
    let at = |joints: [usize; 2]| {
        let [a, b] = joints.map(|j| frame[labels[j]?]);
        Some((a? + b?) * 0.5)
    };
    let (mut sum, mut mass) = (Vector3::zeros(), 0.0);
    for (from, to, along, share) in SEGMENTS {
        if let (Some(from), Some(to)) = (at(from), at(to)) {
            sum += (from + (to - from) * along) * share;
            mass += share;
        }
    }
    (mass > KNOWN).then(|| sum / mass)
}
