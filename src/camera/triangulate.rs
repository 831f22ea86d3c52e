//! Points in space from pixels of several calibrated cameras.

use nalgebra::{Matrix3, Vector2, Vector3};

use super::Camera;

/// Where the light of a pixel came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ray {
    pub centre: Vector3<f64>,
    /// Of length one.
    pub direction: Vector3<f64>,
}

/// The point nearest to all rays, weighted by confidence; needs two rays that are not parallel.
///
/// Minimises Σ w ‖(I − d dᵀ)(x − c)‖² over the cameras' centres c and ray directions d.
fn meet(rays: impl Iterator<Item = (Ray, f64)>) -> Option<Vector3<f64>> {
    let (mut normal, mut right, mut count) = (Matrix3::zeros(), Vector3::zeros(), 0);
    for (Ray { centre, direction }, weight) in rays {
        let across = Matrix3::identity() - direction * direction.transpose();
        normal += across * weight;
        right += across * centre * weight;
        count += 1;
    }
    if count < 2 {
        return None;
    }
    // Of parallel rays the least eigenvalue is zero, and the others are half the trace.
    if normal.determinant() < 1e-4 * (0.5 * normal.trace()).powi(3) {
        return None;
    }
    normal.cholesky().map(|c| c.solve(&right))
}

/// As [`meet`], of pixels.
pub(crate) fn triangulate(seen: &[(&Camera, Vector2<f64>, f64)]) -> Option<Vector3<f64>> {
    let rays = seen
        .iter()
        .map(|(camera, pixel, w)| (ray(camera, pixel), *w));
    meet(rays)
}

/// The largest sine of the angle between two rays of these.
pub(crate) fn spread(seen: &[(&Camera, Vector2<f64>, f64)]) -> f64 {
    let rays: Vec<Ray> = seen.iter().map(|(c, pixel, _)| ray(c, pixel)).collect();
    let sine = |(i, a): (usize, &Ray)| {
        let others = rays[..i].iter();
        others
            .map(|b| a.direction.cross(&b.direction).norm())
            .fold(0.0, f64::max)
    };
    rays.iter().enumerate().map(sine).fold(0.0, f64::max)
}

/// The ray of a pixel.
pub(crate) fn ray(camera: &Camera, pixel: &Vector2<f64>) -> Ray {
    Ray {
        centre: camera.centre(),
        direction: (camera.rotation.transpose() * camera.undistort(pixel)).normalize(),
    }
}

/// A pixel of a camera with its ray and confidence.
pub(crate) type Sight<'a> = (&'a Camera, Ray, Vector2<f64>, f64);

/// Triangulates after leaving out, one by one, views that disagree by more than `limit` pixels.
pub(crate) fn triangulate_robust(
    seen: &[(&Camera, Vector2<f64>, f64)],
    limit: f64,
) -> Option<Vector3<f64>> {
    let sight = |&(camera, pixel, weight): &(_, _, _)| (camera, ray(camera, &pixel), pixel, weight);
    let seen: Vec<Sight<'_>> = seen.iter().map(sight).collect();
    meet_robust(&seen, |_| limit)
}

/// As [`triangulate_robust`], with rays that are known and a limit for each camera.
pub(crate) fn meet_robust(
    seen: &[Sight<'_>],
    limit: impl Fn(&Camera) -> f64,
) -> Option<Vector3<f64>> {
    let mut kept = seen.to_vec();
    loop {
        let point = meet(kept.iter().map(|s| (s.1, s.3)))?;
        let error = |(camera, _, pixel, _): &Sight<'_>| match camera.can_see(&point) {
            true => (camera.project(&point) - pixel).norm() / limit(camera),
            false => f64::INFINITY,
        };
        let errors: Vec<f64> = kept.iter().map(error).collect();
        let worst = (0..kept.len()).max_by(|&a, &b| errors[a].total_cmp(&errors[b]))?;
        if errors[worst] <= 1.0 {
            return Some(point);
        }
        kept.remove(worst);
    }
}
