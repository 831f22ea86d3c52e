//! Calibrated cameras: pinhole with Brown's or the rational distortion, and fisheye.

mod brown;
mod distortion;
mod fisheye;
mod group;
pub(crate) mod lens;
mod part;
pub(crate) mod people;
pub(crate) mod project;
pub(crate) mod relative;
pub(crate) mod sides;
mod track;
pub(crate) mod trial;
pub(crate) mod triangulate;
mod undistort;

use nalgebra::{Matrix3, Vector2, Vector3};

pub use distortion::Distortion;
pub use part::CameraPart;

/// Intrinsics in pixels and `camera_from_world`: x_camera = rotation · x_world + translation.
#[derive(Clone, Debug, PartialEq)]
pub struct Camera {
    pub name: String,
    /// Width and height in pixels.
    pub size: [f64; 2],
    /// fx, fy, cx, cy, skew.
    pub intrinsics: [f64; 5],
    pub distortion: Distortion,
    pub rotation: Matrix3<f64>,
    /// Metres.
    pub translation: Vector3<f64>,
}

/// Below this depth the inverse depth goes on as a straight line, so that a point behind a pinhole
/// camera has a finite residual that pulls it forward. Metres.
pub const NEAR: f64 = 0.05;

impl Camera {
    pub fn to_camera(&self, world: &Vector3<f64>) -> Vector3<f64> {
        self.rotation * world + self.translation
    }

    /// Whether the camera can see a world point at all, if its image were large enough.
    pub(crate) fn can_see(&self, world: &Vector3<f64>) -> bool {
        match self.distortion {
            Distortion::Fisheye(_) => true,
            Distortion::Brown(_) | Distortion::Rational(_) => self.to_camera(world).z > NEAR,
        }
    }

    /// Of the image, in pixels.
    pub(crate) fn diagonal(&self) -> f64 {
        self.size[0].hypot(self.size[1])
    }

    /// The camera's centre in the world.
    pub(crate) fn centre(&self) -> Vector3<f64> {
        -(self.rotation.transpose() * self.translation)
    }

    /// The same camera with images so many times as wide and as high; pixels are counted from the
    /// middle of the first, as OpenCV does.
    pub(crate) fn scaled(&self, [x, y]: [f64; 2]) -> Self {
        let [fx, fy, cx, cy, skew] = self.intrinsics;
        let centre = |c: f64, factor: f64| (c + 0.5) * factor - 0.5;
        Self {
            size: [self.size[0] * x, self.size[1] * y],
            intrinsics: [fx * x, fy * y, centre(cx, x), centre(cy, y), skew * x],
            ..self.clone()
        }
    }

    /// Pixel of a world point, whatever its depth.
    pub fn project(&self, world: &Vector3<f64>) -> Vector2<f64> {
        let mut pixel = [0.0; 2];
        lens::Lens::<f64>::new(self).project(self.to_camera(world).into(), &mut pixel);
        pixel.into()
    }
}

#[cfg(test)]
mod tests;
