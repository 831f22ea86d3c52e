//! How deep limbs lie in one another: a capsule for each bone, compared with the rest pose.

use nalgebra::Vector3;

use super::surface::Surface;

/// Joints from which a bone leads to the next; the trunk's bones are those of the spine.
const BONES: [(usize, usize); 15] = [
    (1, 4),
    (4, 7),
    (7, 10),
    (2, 5),
    (5, 8),
    (8, 11),
    (3, 6),
    (6, 9),
    (12, 15),
    (16, 18),
    (18, 20),
    (20, 22),
    (17, 19),
    (19, 21),
    (21, 23),
];

/// Capsules of a body, and how deep each pair lies in the rest pose.
pub(crate) struct Capsules {
    bones: Vec<(usize, usize)>,
    radii: Vec<f64>,
    pairs: Vec<(usize, usize, f64)>,
}

impl Capsules {
    /// A radius is the median distance of the vertices that the bone moves most from its line.
    pub fn new(surface: &Surface) -> Self {
        let bones: Vec<(usize, usize)> = BONES
            .into_iter()
            .filter(|(_, end)| *end < surface.joints.len())
            .collect();
        let radii = bones.iter().map(|b| radius(surface, *b)).collect();
        let mut capsules = Self {
            bones,
            radii,
            pairs: Vec::new(),
        };
        let rest = surface.joints.clone();
        let apart = |a: (usize, usize), b: (usize, usize)| {
            let near = |x: usize, y: usize| (rest[x] - rest[y]).norm() < 0.15;
            !(near(a.0, b.0) || near(a.0, b.1) || near(a.1, b.0) || near(a.1, b.1))
        };
        for i in 0..capsules.bones.len() {
            for k in i + 1..capsules.bones.len() {
                if apart(capsules.bones[i], capsules.bones[k]) {
                    let depth = capsules.depth(i, k, &rest).max(0.0);
                    capsules.pairs.push((i, k, depth));
                }
            }
        }
        capsules
    }

    /// The depth of the deepest pair of a pose beyond its depth in the rest pose, metres.
    pub fn deepest(&self, joints: &[Vector3<f64>]) -> f64 {
        let depths = self
            .pairs
            .iter()
            .map(|(i, k, rest)| self.depth(*i, *k, joints) - rest);
        depths.fold(0.0, f64::max)
    }

    fn depth(&self, i: usize, k: usize, joints: &[Vector3<f64>]) -> f64 {
        let segment = |(from, to): (usize, usize)| (joints[from], joints[to]);
        self.radii[i] + self.radii[k] - between(segment(self.bones[i]), segment(self.bones[k]))
    }
}

fn radius(surface: &Surface, (from, to): (usize, usize)) -> f64 {
    let (a, b) = (surface.joints[from], surface.joints[to]);
    let mut distances: Vec<f64> = surface
        .moved_by(from)
        .map(|x| between((a, b), (x, x)))
        .collect();
    distances.sort_by(f64::total_cmp);
    distances.get(distances.len() / 2).copied().unwrap_or(0.0)
}

type Segment = (Vector3<f64>, Vector3<f64>);

/// The least distance of two segments (Ericson 2005, section 5.1.9).
fn between((p1, q1): Segment, (p2, q2): Segment) -> f64 {
    const SHORT: f64 = 1e-12;
    let (d1, d2, r) = (q1 - p1, q2 - p2, p1 - p2);
    let (a, e, f) = (d1.norm_squared(), d2.norm_squared(), d2.dot(&r));
    let unit = |x: f64| x.clamp(0.0, 1.0);
    let (s, t) = if a <= SHORT && e <= SHORT {
        (0.0, 0.0)
    } else if a <= SHORT {
        (0.0, unit(f / e))
    } else {
        let c = d1.dot(&r);
        if e <= SHORT {
            (unit(-c / a), 0.0)
        } else {
            let b = d1.dot(&d2);
            let across = a * e - b * b;
            let s = if across > SHORT {
                unit((b * f - c * e) / across)
            } else {
                0.0
            };
            match (b * s + f) / e {
                t if t < 0.0 => (unit(-c / a), 0.0),
                t if t > 1.0 => (unit((b - c) / a), 1.0),
                t => (s, t),
            }
        }
    };
    (p1 + d1 * s - p2 - d2 * t).norm()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::BodyModel;
    use crate::prior::Prior;

    #[test]
    fn segments_have_their_least_distance_inside_or_at_an_end() {
        let v = Vector3::new;
        let x = (v(-1.0, 0.0, 0.0), v(1.0, 0.0, 0.0));
        assert_eq!(between(x, (v(0.0, -1.0, 2.0), v(0.0, 1.0, 2.0))), 2.0);
        assert_eq!(between(x, (v(4.0, 4.0, 0.0), v(4.0, 8.0, 0.0))), 5.0);
    }

    #[test]
    fn a_thigh_swung_through_the_other_penetrates_and_the_rest_pose_does_not() {
        let surface = Surface::new(&BodyModel::builtin(None).unwrap());
        let capsules = Capsules::new(&surface);
        let deepest = |pose: &[f64]| {
            let transforms = surface.transforms(&Prior::None.rotations(pose));
            let joints: Vec<_> = transforms.iter().map(|t| t.1).collect();
            capsules.deepest(&joints)
        };
        assert!(deepest(&[0.0; 63]) < 1e-9);
        let mut pose = [0.0; 63];
        // The left thigh turns inwards until it crosses the right one.
        pose[2] = -0.6;
        assert!(deepest(&pose) > 0.03, "{}", deepest(&pose));
    }
}
