//! The floor that feet stand on, and with it the vertical.

use nalgebra::{Matrix3, Vector3};

use crate::body::figure::Figure;
use crate::random::SplitMix64;

/// Labels that are so low on the body at rest are feet, m above its lowest one.
const LOW: f64 = 0.13;
/// How far a foot that stands is from the floor at most, and how far below it none is, m.
const ON: f64 = 0.02;
const BELOW: f64 = 0.05;
/// Points on the floor, and how far they spread across their main direction, that say how it lies, m.
const FEW: usize = 60;
const SPREAD: f64 = 0.25;
/// Cosine of the angle between the floor's normal and how the person stands at most.
const TILTED: f64 = 0.8;
const SAMPLES: usize = 2000;

/// A point of a foot, in units of the world, and how far above the sole it is.
type Sole = (Vector3<f64>, f64);

/// The normal of the plane that most points of feet stand on and next to none is under; `larger` is how many
/// times as large as the body the figure is.
pub(super) fn find(figure: &Figure, larger: f64, stands: &Vector3<f64>) -> Option<Vector3<f64>> {
    let lowest = figure
        .model
        .iter()
        .map(|p| p.y)
        .fold(f64::INFINITY, f64::min);
    let feet: Vec<usize> = (0..figure.model.len())
        .filter(|l| figure.model[*l].y - lowest < LOW)
        .collect();
    let of_frame = |frame: &Vec<Option<Vector3<f64>>>| -> Vec<Sole> {
        let points = feet
            .iter()
            .filter_map(|l| Some(((frame[*l]?), larger * (figure.model[*l].y - lowest))));
        points.collect()
    };
    let soles: Vec<Sole> = figure.frames.iter().flat_map(of_frame).collect();
    if soles.len() < FEW {
        return None;
    }
    let (on, below) = (ON * larger, BELOW * larger);
    let mut random = SplitMix64(3);
    let mut best: Option<(i64, Vector3<f64>, f64)> = None;
    for _ in 0..SAMPLES {
        let sample: [Sole; 3] = std::array::from_fn(|_| soles[random.below(soles.len())]);
        let Some((normal, level)) = plane(&sample, stands) else {
            continue;
        };
        let off = |(p, above): &Sole| normal.dot(p) - above - level;
        let standing = soles.iter().filter(|s| off(s).abs() < on).count() as i64;
        let under = soles.iter().filter(|s| off(s) < -below).count() as i64;
        let score = standing - 5 * under;
        if best.is_none_or(|(most, ..)| score > most) {
            best = Some((score, normal, level));
        }
    }
    let (_, mut normal, mut level) = best?;
    for _ in 0..4 {
        let standing: Vec<Sole> = soles
            .iter()
            .filter(|(p, above)| (normal.dot(p) - above - level).abs() < on)
            .copied()
            .collect();
        if standing.len() < FEW {
            return None;
        }
        (normal, level) = through(&standing, &normal, SPREAD * larger)?;
    }
    (normal.dot(stands) > TILTED).then_some(normal)
}

/// The plane on which three soles stand; what each is above it shifts it along `stands`.
fn plane(soles: &[Sole; 3], stands: &Vector3<f64>) -> Option<(Vector3<f64>, f64)> {
    let [a, b, c] = soles.map(|(p, above)| p - stands * above);
    let normal = (b - a).cross(&(c - a)).try_normalize(1e-12)?;
    let normal = normal * normal.dot(stands).signum();
    (normal.dot(stands) > TILTED).then_some((normal, normal.dot(&a)))
}

/// The plane nearest to points that stand on it, where they spread far enough to both sides.
fn through(soles: &[Sole], normal: &Vector3<f64>, spread: f64) -> Option<(Vector3<f64>, f64)> {
    let feet = soles.iter().map(|(p, above)| p - normal * *above);
    let feet: Vec<Vector3<f64>> = feet.collect();
    let count = feet.len() as f64;
    let mean = feet.iter().sum::<Vector3<f64>>() / count;
    let square: Matrix3<f64> = feet
        .iter()
        .map(|p| (p - mean) * (p - mean).transpose())
        .sum();
    let eigen = (square / count).symmetric_eigen();
    let mut order = [0, 1, 2];
    order.sort_by(|a, b| eigen.eigenvalues[*a].total_cmp(&eigen.eigenvalues[*b]));
    let least: Vector3<f64> = eigen.eigenvectors.column(order[0]).into_owned();
    let found = least * least.dot(normal).signum();
    (eigen.eigenvalues[order[1]].sqrt() > spread).then(|| (found, found.dot(&mean)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilted_floor_is_found_beneath_feet_of_which_one_is_lifted() {
        let model = vec![
            Vector3::new(0.1, 0.03, 0.0),
            Vector3::new(0.1, 0.0, 0.2),
            Vector3::new(0.0, 1.6, 0.0),
        ];
        let up = Vector3::new(0.15, 1.0, -0.1).normalize();
        let across = [
            up.cross(&Vector3::z()).normalize(),
            up.cross(&Vector3::x()).normalize(),
        ];
        let mut random = SplitMix64(9);
        let frames = (0..80).map(|f| {
            let at = across[0] * random.normal() * 0.3 + across[1] * random.normal() * 0.3;
            let lifted = if f % 3 == 0 {
                0.2 * random.uniform()
            } else {
                0.0
            };
            let noise = |r: &mut SplitMix64| Vector3::from_fn(|_, _| 0.003 * r.normal());
            let foot = |above: f64| Some(at + up * (above + lifted + 0.4));
            vec![
                foot(0.03).map(|p| p + noise(&mut random)),
                foot(0.0),
                foot(1.6),
            ]
        });
        let figure = Figure {
            labels: ["heel", "toe", "head"].map(String::from).to_vec(),
            model,
            bones: Vec::new(),
            joints: vec![None; 3],
            frames: frames.collect(),
        };
        let found = find(&figure, 1.0, &Vector3::y()).unwrap();
        assert!(
            found.angle(&up).to_degrees() < 0.5,
            "{}°",
            found.angle(&up).to_degrees()
        );
        let still = Figure {
            frames: vec![figure.frames[0].clone(); 80],
            ..figure
        };
        assert!(find(&still, 1.0, &Vector3::y()).is_none());
    }
}
