//! A camera's numbers in the graph's precision: a world point to its pixel, and gradients back.

use super::Camera;
use super::distortion::{Distortion, MOST};
use super::part::{self, CameraPart};
use crate::graph::Number;
use crate::graph::linear3::{add_outer, add_scaled, rotate, rotate_back};

#[derive(Clone)]
pub(crate) struct Lens<E> {
    rotation: [E; 9],
    translation: [E; 3],
    /// fx, fy, cx, cy, skew.
    intrinsics: [E; 5],
    distortion: Distortion<E>,
}

/// What a cost means for a camera's own numbers.
pub(super) struct LensGradient<E> {
    rotation: [E; 9],
    translation: [E; 3],
    /// fx, fy, cx, cy.
    intrinsics: [E; 4],
    distortion: [E; MOST],
}

impl<E: Number> Lens<E> {
    pub fn new(camera: &Camera) -> Self {
        let mut rotation = [E::zero(); 9];
        for i in 0..9 {
            rotation[i] = E::of(camera.rotation[(i / 3, i % 3)]);
        }
        Self {
            rotation,
            translation: std::array::from_fn(|i| E::of(camera.translation[i])),
            intrinsics: camera.intrinsics.map(E::of),
            distortion: Distortion::of(&camera.distortion),
        }
    }

    #[inline(always)]
    pub fn project(&self, in_camera: [E; 3], pixel: &mut [E]) {
        let [fx, fy, cx, cy, skew] = self.intrinsics;
        let [x, y] = E::apart(
            #[inline(always)]
            || self.distortion.bend(in_camera),
        );
        pixel[0] = fx * x + skew * y + cx;
        pixel[1] = fy * y + cy;
    }

    #[inline(always)]
    pub(super) fn in_camera(&self, world: [E; 3]) -> [E; 3] {
        let turned = rotate(&self.rotation, world);
        std::array::from_fn(|k| turned[k] + self.translation[k])
    }

    /// The gradient of a world point, from that of its pixel.
    #[inline(always)]
    pub(super) fn pull_back(&self, world: [E; 3], pixel: [E; 2]) -> [E; 3] {
        E::apart(
            #[inline(always)]
            || {
                let bent = self.of_bent(pixel);
                let g = self.distortion.pull_back(self.in_camera(world), bent);
                rotate_back(&self.rotation, g)
            },
        )
    }

    /// As [`Lens::pull_back`]; also adds the gradient of the camera's own numbers.
    #[inline(always)]
    pub(super) fn pull_back_own(
        &self,
        world: [E; 3],
        pixel: [E; 2],
        own: &mut LensGradient<E>,
    ) -> [E; 3] {
        E::apart(
            #[inline(always)]
            || {
                let p = self.in_camera(world);
                let [x, y] = self.distortion.bend(p);
                let of_intrinsics = [pixel[0] * x, pixel[1] * y, pixel[0], pixel[1]];
                for (own, g) in own.intrinsics.iter_mut().zip(of_intrinsics) {
                    *own += g;
                }
                let bent = self.of_bent(pixel);
                self.distortion.pull_back_own(p, bent, &mut own.distortion);
                let g = self.distortion.pull_back(p, bent);
                add_outer(E::one(), g, world, &mut own.rotation);
                add_scaled(E::one(), g, &mut own.translation);
                rotate_back(&self.rotation, g)
            },
        )
    }

    /// The gradient of bent coordinates, from that of their pixel.
    #[inline(always)]
    fn of_bent(&self, pixel: [E; 2]) -> [E; 2] {
        let [fx, fy, _, _, skew] = self.intrinsics;
        [fx * pixel[0], skew * pixel[0] + fy * pixel[1]]
    }

    #[inline(always)]
    pub(super) fn set(&mut self, part: CameraPart, numbers: &[E]) {
        match part {
            CameraPart::Focal => part::set_focal(&mut self.intrinsics, numbers),
            CameraPart::Principal => self.intrinsics[2..4].copy_from_slice(numbers),
            CameraPart::Distortion => self.distortion.coefficients_mut().copy_from_slice(numbers),
            CameraPart::Rotation => self.rotation.copy_from_slice(numbers),
            CameraPart::Translation => self.translation.copy_from_slice(numbers),
        }
    }
}

impl<E: Number> LensGradient<E> {
    pub fn zero() -> Self {
        Self {
            rotation: [E::zero(); 9],
            translation: [E::zero(); 3],
            intrinsics: [E::zero(); 4],
            distortion: [E::zero(); MOST],
        }
    }

    /// Adds the gradient of one part of `lens`.
    #[inline(always)]
    pub fn add_to(&self, lens: &Lens<E>, part: CameraPart, to: &mut [E]) {
        let [fx, fy, ..] = lens.intrinsics;
        let one_focal = [self.intrinsics[0] + self.intrinsics[1] * (fy / fx)];
        let from: &[E] = match part {
            CameraPart::Focal if to.len() == 1 => &one_focal,
            CameraPart::Focal => &self.intrinsics[..2],
            CameraPart::Principal => &self.intrinsics[2..],
            CameraPart::Distortion => &self.distortion,
            CameraPart::Rotation => &self.rotation,
            CameraPart::Translation => &self.translation,
        };
        for (to, from) in to.iter_mut().zip(from) {
            *to += *from;
        }
    }
}
