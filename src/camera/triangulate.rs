//! Points in space from pixels of several calibrated cameras.

use nalgebra::{Matrix3, Vector2, Vector3};

use super::Camera;

/// The point nearest to all rays, weighted by confidence; needs two rays that are not parallel.
///
/// Minimises Σ w ‖(I − d dᵀ)(x − c)‖² over the cameras' centres c and ray directions d.
pub(crate) fn triangulate(seen: &[(&Camera, Vector2<f64>, f64)]) -> Option<Vector3<f64>> {
    if seen.len() < 2 {
        return None;
    }
    let mut normal = Matrix3::zeros();
    let mut right = Vector3::zeros();
    for (camera, pixel, weight) in seen {
        let across = Matrix3::identity() - {
            let d = ray(camera, pixel);
            d * d.transpose()
        };
        normal += across * *weight;
        right += across * camera.centre() * *weight;
    }
    let eigenvalues = normal.symmetric_eigenvalues();
    if eigenvalues.min() < 1e-4 * eigenvalues.max() {
        return None;
    }
    normal.cholesky().map(|c| c.solve(&right))
}

/// Direction of a pixel in the world, of length one.
pub(crate) fn ray(camera: &Camera, pixel: &Vector2<f64>) -> Vector3<f64> {
    (camera.rotation.transpose() * camera.undistort(pixel)).normalize()
}

/// Triangulates after leaving out, one by one, views that disagree by more than `limit` pixels.
pub(crate) fn triangulate_robust(
    seen: &[(&Camera, Vector2<f64>, f64)],
    limit: f64,
) -> Option<Vector3<f64>> {
    let mut kept = seen.to_vec();
    loop {
        let point = triangulate(&kept)?;
        let error = |(camera, pixel, _): &(&Camera, Vector2<f64>, f64)| match camera.can_see(&point)
        {
            true => (camera.project(&point) - pixel).norm(),
            false => f64::INFINITY,
        };
        let errors: Vec<f64> = kept.iter().map(error).collect();
        let worst = (0..kept.len()).max_by(|&a, &b| errors[a].total_cmp(&errors[b]))?;
        if errors[worst] <= limit {
            return Some(point);
        }
        kept.remove(worst);
    }
}
