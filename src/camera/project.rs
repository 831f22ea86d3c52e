//! Projection of world points through every camera of a set, whose own numbers may be free.

use std::borrow::Cow;

use super::CameraPart;
use super::lens::{Lens, LensGradient};
use crate::graph::linear3::{add_scaled, v3};
use crate::graph::{Gradient, Operation, Scalar, Value};

/// Input (rows, 3·points), output (rows, 2·cameras·points) with cameras outermost, pixels.
pub(crate) struct Projection<E> {
    pub lenses: Vec<Lens<E>>,
    pub points: usize,
    pub free: Vec<FreePart>,
}

/// Input 1 + i of the operation, (rows, cameras·dims), holds this part of some cameras.
pub(crate) struct FreePart {
    pub part: CameraPart,
    /// The camera of each copy.
    pub cameras: Vec<usize>,
    pub dims: usize,
}

impl FreePart {
    /// Where the numbers of a camera stand in a row.
    fn of(&self, camera: usize) -> Option<std::ops::Range<usize>> {
        let copy = self.cameras.iter().position(|&c| c == camera)?;
        Some(copy * self.dims..(copy + 1) * self.dims)
    }
}

impl<E: Scalar> Projection<E> {
    /// The cameras of a row.
    fn lenses(&self, i: usize, inputs: &[Value<'_, E>]) -> Cow<'_, [Lens<E>]> {
        if self.free.is_empty() {
            return Cow::Borrowed(&self.lenses);
        }
        let mut lenses = self.lenses.clone();
        for (free, input) in self.free.iter().zip(&inputs[1..]) {
            let row = input.row(i);
            for (c, lens) in lenses.iter_mut().enumerate() {
                if let Some(at) = free.of(c) {
                    lens.set(free.part, &row[at]);
                }
            }
        }
        Cow::Owned(lenses)
    }
}

impl<E: Scalar> Operation<E> for Projection<E> {
    fn out_dims(&self) -> usize {
        2 * self.lenses.len() * self.points
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        let points = inputs[0].row(i);
        let lenses = self.lenses(i, inputs);
        let pixels = out.chunks_exact_mut(2 * self.points);
        for (lens, pixels) in lenses.iter().zip(pixels) {
            for (point, pixel) in points.chunks_exact(3).zip(pixels.chunks_exact_mut(2)) {
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
        let Some((of_points, of_parts)) = gradients.split_first_mut() else {
            return;
        };
        let points = inputs[0].row(i);
        let lenses = self.lenses(i, inputs);
        let pixels = out_gradient.chunks_exact(2 * self.points);
        for (c, (lens, pixels)) in lenses.iter().zip(pixels).enumerate() {
            let mut to = of_points.as_mut().map(|g| g.row(i));
            let mut own = self.is_free(c, of_parts).then(LensGradient::zero);
            let rows = points.chunks_exact(3).zip(pixels.chunks_exact(2));
            for (j, (point, g)) in rows.enumerate() {
                if g[0] == E::zero() && g[1] == E::zero() {
                    continue;
                }
                let (point, g) = (v3(point), [g[0], g[1]]);
                let of_point = match &mut own {
                    Some(own) => lens.pull_back_own(point, g, own),
                    None => lens.pull_back(point, g),
                };
                if let Some(to) = &mut to {
                    add_scaled(E::one(), of_point, &mut to[3 * j..3 * j + 3]);
                }
            }
            if let Some(own) = own {
                self.add_parts(i, c, &own, of_parts);
            }
        }
    }
}

impl<E: Scalar> Projection<E> {
    /// Whether the gradient of any part of a camera is wanted.
    fn is_free(&self, camera: usize, gradients: &[Option<Gradient<'_, E>>]) -> bool {
        let mut parts = self.free.iter().zip(gradients);
        parts.any(|(free, gradient)| gradient.is_some() && free.cameras.contains(&camera))
    }

    fn add_parts(
        &self,
        i: usize,
        camera: usize,
        own: &LensGradient<E>,
        gradients: &mut [Option<Gradient<'_, E>>],
    ) {
        for (free, gradient) in self.free.iter().zip(gradients) {
            if let (Some(gradient), Some(at)) = (gradient, free.of(camera)) {
                own.add_to(&self.lenses[camera], free.part, &mut gradient.row(i)[at]);
            }
        }
    }
}
