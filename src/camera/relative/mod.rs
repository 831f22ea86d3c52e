//! Where cameras stand to each other, from nothing but points that they see at the same time.

mod essential;
mod resection;

use nalgebra::{Matrix3, Vector2, Vector3};

use essential::Pair;

/// A pinhole at x_camera = rotation · x + translation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pose {
    pub rotation: Matrix3<f64>,
    pub translation: Vector3<f64>,
}

/// For each camera the points that it sees, in its plane at depth 1, by their place in a list of all.
pub(crate) type Seen = Vec<Vec<Option<Vector2<f64>>>>;

/// Points in space; none where cameras do not agree on one.
pub(crate) type Points = Vec<Option<Vector3<f64>>>;

/// Points that two cameras see together, below which they say nothing of each other.
const FEW: usize = 80;
/// Sine of the angle between two rays that says how far a point is.
const PARALLAX: f64 = 0.05;

/// The poses of all cameras and the points, up to where the world is and how large; `off` is the distance in
/// the plane at depth 1 up to which a point counts as seen where it should be.
///
/// The pair that says most begins (Longuet-Higgins 1981, Hartley 1997), and every other camera is put where it
/// sees the points that are known so far.
///
/// # Errors
/// The cameras that share too little with the others.
pub(crate) fn place(seen: &Seen, off: f64) -> Result<(Vec<Pose>, Points), Vec<usize>> {
    let cameras = seen.len();
    let mut best: Option<(usize, usize, Pair)> = None;
    for a in 0..cameras {
        for b in a + 1..cameras {
            let pair = essential::pair(&together(&seen[a], &seen[b]), off);
            if let Some(pair) = pair
                && best
                    .as_ref()
                    .is_none_or(|(.., known)| pair.says() > known.says())
            {
                best = Some((a, b, pair));
            }
        }
    }
    let Some((a, b, pair)) = best else {
        return Err((0..cameras).collect());
    };
    let mut poses: Vec<Option<Pose>> = vec![None; cameras];
    poses[a] = Some(Pose {
        rotation: Matrix3::identity(),
        translation: Vector3::zeros(),
    });
    poses[b] = Some(pair.pose);
    let mut points = triangulated(seen, &poses, off);
    while poses.iter().any(Option::is_none) {
        let known = |c: &usize| {
            let both = seen[*c].iter().zip(&points);
            both.filter(|(s, p)| s.is_some() && p.is_some()).count()
        };
        let open = (0..cameras).filter(|c| poses[*c].is_none());
        let next = open.max_by_key(known).filter(|c| known(c) >= FEW);
        let found = next.and_then(|c| Some((c, resection::resect(&seen[c], &points, off)?)));
        let Some((camera, pose)) = found else {
            return Err((0..cameras).filter(|c| poses[*c].is_none()).collect());
        };
        poses[camera] = Some(pose);
        points = triangulated(seen, &poses, off);
    }
    Ok((poses.into_iter().flatten().collect(), points))
}

/// What two cameras see at once.
fn together(
    a: &[Option<Vector2<f64>>],
    b: &[Option<Vector2<f64>>],
) -> Vec<(Vector2<f64>, Vector2<f64>)> {
    let both = a.iter().zip(b);
    both.filter_map(|(a, b)| Some(((*a)?, (*b)?))).collect()
}

/// The points that two or more of the known cameras see from different sides, where they agree on them.
fn triangulated(seen: &Seen, poses: &[Option<Pose>], off: f64) -> Vec<Option<Vector3<f64>>> {
    let count = seen.first().map_or(0, Vec::len);
    let of_point = |p: usize| {
        let rays = poses.iter().zip(seen);
        let rays = rays.filter_map(|(pose, seen)| Some(((*pose)?, seen[p]?)));
        let rays: Vec<(Pose, Vector2<f64>)> = rays.collect();
        let point = meet(&rays)?;
        let agree = rays
            .iter()
            .all(|(pose, at)| pose.off(&point, at) < 2.0 * off);
        agree.then_some(point)
    };
    (0..count).map(of_point).collect()
}

/// The point nearest to some rays.
fn meet(rays: &[(Pose, Vector2<f64>)]) -> Option<Vector3<f64>> {
    let (mut normal, mut right) = (Matrix3::zeros(), Vector3::zeros());
    let direction = |(pose, at): &(Pose, Vector2<f64>)| {
        (pose.rotation.transpose() * Vector3::new(at.x, at.y, 1.0)).normalize()
    };
    let directions: Vec<Vector3<f64>> = rays.iter().map(direction).collect();
    let apart = directions
        .iter()
        .enumerate()
        .flat_map(|(i, a)| directions[..i].iter().map(move |b| a.cross(b).norm()));
    if apart.fold(0.0, f64::max) < PARALLAX {
        return None;
    }
    for ((pose, _), d) in rays.iter().zip(&directions) {
        let across = Matrix3::identity() - d * d.transpose();
        normal += across;
        right += across * pose.centre();
    }
    normal.cholesky().map(|c| c.solve(&right))
}

impl Pose {
    fn centre(&self) -> Vector3<f64> {
        -(self.rotation.transpose() * self.translation)
    }

    /// How far in the plane at depth 1 a point is from where it is seen; infinite behind the camera.
    pub fn off(&self, point: &Vector3<f64>, at: &Vector2<f64>) -> f64 {
        let x = self.rotation * point + self.translation;
        match x.z > 0.0 {
            true => (Vector2::new(x.x, x.y) / x.z - at).norm(),
            false => f64::INFINITY,
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Rotation3;

    use super::*;
    use crate::random::SplitMix64;

    #[test]
    fn cameras_around_a_cloud_are_found_though_a_fifth_of_what_they_see_is_wrong() {
        let mut random = SplitMix64(5);
        let points: Vec<Vector3<f64>> = (0..600)
            .map(|_| {
                Vector3::new(
                    0.3 * random.normal(),
                    0.5 * random.normal(),
                    0.3 * random.normal(),
                )
            })
            .collect();
        let pose = |angle: f64, tilt: f64| {
            let turn = Rotation3::from_euler_angles(tilt, angle, 0.05);
            Pose {
                rotation: *turn.matrix(),
                translation: Vector3::new(0.1 * angle, -0.2, 4.0 + angle),
            }
        };
        let truth = [
            pose(0.0, 0.1),
            pose(1.2, -0.1),
            pose(2.5, 0.2),
            pose(-1.4, 0.0),
        ];
        let mut see = |pose: &Pose| {
            let of_point = |p: &Vector3<f64>| {
                let x = pose.rotation * p + pose.translation;
                let noise = Vector2::new(random.normal(), random.normal()) * 0.002;
                let wrong = random.uniform() < 0.2;
                let at = if wrong {
                    noise * 100.0
                } else {
                    Vector2::new(x.x, x.y) / x.z + noise
                };
                (random.uniform() < 0.9).then_some(at)
            };
            points.iter().map(of_point).collect::<Vec<_>>()
        };
        let seen: Seen = truth.iter().map(&mut see).collect();
        let (found, _) = place(&seen, 0.008).unwrap();
        let relative = |a: &Pose, b: &Pose| b.rotation * a.rotation.transpose();
        let apart =
            |poses: &[Pose], i: usize, k: usize| (poses[i].centre() - poses[k].centre()).norm();
        for k in 1..4 {
            let turn = relative(&found[0], &found[k]) * relative(&truth[0], &truth[k]).transpose();
            let angle = Rotation3::from_matrix_unchecked(turn).angle().to_degrees();
            assert!(angle < 1.0, "camera {k} is off by {angle}°");
            let share = apart(&found, 0, k) / apart(&found, 0, 1);
            let right = apart(&truth, 0, k) / apart(&truth, 0, 1);
            assert!((share / right - 1.0).abs() < 0.03, "{share} {right}");
        }
    }

    #[test]
    fn cameras_that_share_nothing_are_named() {
        let seen: Seen = vec![vec![Some(Vector2::zeros()); 50], vec![None; 50]];
        assert_eq!(place(&seen, 0.01).unwrap_err(), [0, 1]);
    }
}
