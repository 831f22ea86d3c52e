//! Calibrated cameras: pinhole with Brown's distortion.

pub(crate) mod people;
pub(crate) mod project;
pub(crate) mod triangulate;

use nalgebra::{Matrix3, Vector2, Vector3};

/// Intrinsics in pixels and `camera_from_world`: x_camera = rotation · x_world + translation.
#[derive(Clone, Debug, PartialEq)]
pub struct Camera {
    pub name: String,
    /// Width and height in pixels.
    pub size: [f64; 2],
    /// fx, fy, cx, cy, skew.
    pub intrinsics: [f64; 5],
    /// k1, k2, p1, p2, k3 of Brown's model, as OpenCV orders them.
    pub distortion: [f64; 5],
    pub rotation: Matrix3<f64>,
    /// Metres.
    pub translation: Vector3<f64>,
}

/// Below this depth the inverse depth goes on as a straight line, so that a point behind the
/// camera has a finite residual that pulls it forward. Metres.
pub const NEAR: f64 = 0.05;

impl Camera {
    pub fn to_camera(&self, world: &Vector3<f64>) -> Vector3<f64> {
        self.rotation * world + self.translation
    }

    /// The camera's centre in the world.
    pub(crate) fn centre(&self) -> Vector3<f64> {
        -(self.rotation.transpose() * self.translation)
    }

    /// Pixel of a world point, whatever its depth.
    pub fn project(&self, world: &Vector3<f64>) -> Vector2<f64> {
        let mut pixel = [0.0; 2];
        project::Lens::<f64>::new(self).project(self.to_camera(world).into(), &mut pixel);
        pixel.into()
    }

    /// Direction (x/z, y/z) in the camera of a pixel; distortion is removed by fixed-point steps.
    pub(crate) fn undistort(&self, pixel: &Vector2<f64>) -> Vector2<f64> {
        let [fx, fy, cx, cy, skew] = self.intrinsics;
        let y = (pixel.y - cy) / fy;
        let seen = Vector2::new((pixel.x - cx - skew * y) / fx, y);
        let lens = project::Lens::<f64>::new(self);
        let mut ideal = seen;
        for _ in 0..20 {
            let bent = lens.distort(ideal.x, ideal.y);
            ideal += seen - Vector2::new(bent[0], bent[1]);
        }
        ideal
    }
}
