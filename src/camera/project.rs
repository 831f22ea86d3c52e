//! Projection of world points through every camera of a set.

use super::{Camera, NEAR};
use crate::graph::linear3::{add_scaled, rotate, rotate_back, v3};
use crate::graph::{Gradient, Operation, Scalar, Value};

/// Input (rows, 3·points), output (rows, 2·cameras·points) with cameras outermost, pixels.
pub(crate) struct Projection<E> {
    pub lenses: Vec<Lens<E>>,
    pub points: usize,
}

/// A camera's numbers in the graph's precision.
#[derive(Clone)]
pub(crate) struct Lens<E> {
    rotation: [E; 9],
    translation: [E; 3],
    intrinsics: [E; 5],
    distortion: [E; 5],
}

impl<E: Scalar> Lens<E> {
    pub fn new(camera: &Camera) -> Self {
        let mut rotation = [E::zero(); 9];
        for i in 0..9 {
            rotation[i] = E::of(camera.rotation[(i / 3, i % 3)]);
        }
        Self {
            rotation,
            translation: std::array::from_fn(|i| E::of(camera.translation[i])),
            intrinsics: camera.intrinsics.map(E::of),
            distortion: camera.distortion.map(E::of),
        }
    }

    /// Brown's model on normalised coordinates (OpenCV's `projectPoints`):
    /// x' = x (1 + k1 r² + k2 r⁴ + k3 r⁶) + 2 p1 x y + p2 (r² + 2 x²), and likewise y'.
    #[inline]
    pub fn distort(&self, x: E, y: E) -> [E; 2] {
        let [k1, k2, p1, p2, k3] = self.distortion;
        let two = E::of(2.0);
        let r2 = x * x + y * y;
        let radial = E::one() + r2 * (k1 + r2 * (k2 + r2 * k3));
        [
            x * radial + two * p1 * x * y + p2 * (r2 + two * x * x),
            y * radial + p1 * (r2 + two * y * y) + two * p2 * x * y,
        ]
    }

    /// Inverse depth and its derivative, continued as a line below [`NEAR`].
    #[inline]
    fn inverse_depth(z: E) -> (E, E) {
        let near = E::of(NEAR);
        let slope = -E::one() / (near * near);
        match z >= near {
            true => (E::one() / z, -E::one() / (z * z)),
            false => (E::one() / near + slope * (z - near), slope),
        }
    }

    #[inline]
    pub fn project(&self, in_camera: [E; 3], pixel: &mut [E]) {
        let [fx, fy, cx, cy, skew] = self.intrinsics;
        let (w, _) = Self::inverse_depth(in_camera[2]);
        let [x, y] = self.distort(in_camera[0] * w, in_camera[1] * w);
        pixel[0] = fx * x + skew * y + cx;
        pixel[1] = fy * y + cy;
    }

    #[inline]
    fn in_camera(&self, world: [E; 3]) -> [E; 3] {
        let turned = rotate(&self.rotation, world);
        std::array::from_fn(|k| turned[k] + self.translation[k])
    }

    /// The gradient of a world point, from that of its pixel.
    #[inline]
    fn pull_back(&self, world: [E; 3], pixel: [E; 2]) -> [E; 3] {
        let [fx, fy, _, _, skew] = self.intrinsics;
        let [k1, k2, p1, p2, k3] = self.distortion;
        let two = E::of(2.0);
        let p = self.in_camera(world);
        let (w, dw) = Self::inverse_depth(p[2]);
        let (x, y) = (p[0] * w, p[1] * w);
        let r2 = x * x + y * y;
        let radial = E::one() + r2 * (k1 + r2 * (k2 + r2 * k3));
        let bend = two * (k1 + r2 * (two * k2 + E::of(3.0) * r2 * k3));
        let g = [fx * pixel[0], skew * pixel[0] + fy * pixel[1]];
        let across = bend * x * y + two * (p1 * x + p2 * y);
        let gx =
            g[0] * (radial + bend * x * x + two * p1 * y + E::of(6.0) * p2 * x) + g[1] * across;
        let gy =
            g[0] * across + g[1] * (radial + bend * y * y + E::of(6.0) * p1 * y + two * p2 * x);
        let gz = (gx * p[0] + gy * p[1]) * dw;
        rotate_back(&self.rotation, [gx * w, gy * w, gz])
    }
}

impl<E: Scalar> Operation<E> for Projection<E> {
    fn out_dims(&self) -> usize {
        2 * self.lenses.len() * self.points
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        let points = inputs[0].row(i);
        for (lens, out) in self
            .lenses
            .iter()
            .zip(out.chunks_exact_mut(2 * self.points))
        {
            for (point, pixel) in points.chunks_exact(3).zip(out.chunks_exact_mut(2)) {
                lens.project(lens.in_camera(v3(point)), pixel);
            }
        }
    }

    fn backward(
        &self,
        i: usize,
        inputs: &[Value<'_, E>],
        _out: &[E],
        out_gradient: &[E],
        gradients: &mut [Option<Gradient<'_, E>>],
    ) {
        let Some(to) = &mut gradients[0] else { return };
        let (points, to) = (inputs[0].row(i), to.row(i));
        let pixels = out_gradient.chunks_exact(2 * self.points);
        for (lens, pixels) in self.lenses.iter().zip(pixels) {
            let rows = points.chunks_exact(3).zip(pixels.chunks_exact(2));
            for ((point, g), to) in rows.zip(to.chunks_exact_mut(3)) {
                if g[0] != E::zero() || g[1] != E::zero() {
                    add_scaled(E::one(), lens.pull_back(v3(point), [g[0], g[1]]), to);
                }
            }
        }
    }
}
