//! The parts of a camera that can be free: what they are as numbers, and a camera with others.

use nalgebra::{Matrix3, Vector3};

use super::Camera;
use crate::graph::Number;

/// A group of a camera's numbers that is solved for together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CameraPart {
    /// fx and fy, or fx alone: fy then keeps its ratio to fx.
    Focal,
    /// cx, cy.
    Principal,
    /// As many coefficients as the lens model has.
    Distortion,
    /// The 3×3 matrix of `camera_from_world`, row-major.
    Rotation,
    /// Of `camera_from_world`, metres.
    Translation,
}

impl Camera {
    /// The numbers of a part; of the focal length always fx and fy.
    pub fn part(&self, part: CameraPart) -> Vec<f64> {
        match part {
            CameraPart::Focal => self.intrinsics[..2].to_vec(),
            CameraPart::Principal => self.intrinsics[2..4].to_vec(),
            CameraPart::Distortion => self.distortion.coefficients().to_vec(),
            CameraPart::Rotation => self.rotation.transpose().as_slice().to_vec(),
            CameraPart::Translation => self.translation.as_slice().to_vec(),
        }
    }

    /// This camera with other numbers in a part; what `numbers` is too short for stays.
    #[must_use]
    pub fn with(&self, part: CameraPart, numbers: &[f64]) -> Self {
        let mut camera = self.clone();
        let mut all = self.part(part);
        for (to, from) in all.iter_mut().zip(numbers) {
            *to = *from;
        }
        match part {
            CameraPart::Focal => set_focal(&mut camera.intrinsics, numbers),
            CameraPart::Principal => camera.intrinsics[2..4].copy_from_slice(&all),
            CameraPart::Distortion => camera.distortion.coefficients_mut().copy_from_slice(&all),
            CameraPart::Rotation => camera.rotation = Matrix3::from_row_slice(&all),
            CameraPart::Translation => camera.translation = Vector3::from_column_slice(&all),
        }
        camera
    }
}

/// A single focal length is fx, and fy keeps its ratio to it.
pub(super) fn set_focal<E: Number>(intrinsics: &mut [E; 5], numbers: &[E]) {
    let aspect = intrinsics[1] / intrinsics[0];
    match numbers {
        [] => {}
        [f] => (intrinsics[0], intrinsics[1]) = (*f, *f * aspect),
        [fx, fy, ..] => (intrinsics[0], intrinsics[1]) = (*fx, *fy),
    }
}
