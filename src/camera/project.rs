//! Projection of world points through every camera of a set, whose own numbers may be free.

use std::marker::PhantomData;
use std::sync::Arc;

use super::lens::{Lens, LensGradient};
use super::{Camera, CameraPart};
use crate::graph::directions::Directions;
use crate::graph::linear3::{add, dot, v3};
use crate::graph::{At, Kernel, Number, Scalar};

/// Input (3·points), output (2·cameras·points) with cameras outermost, pixels.
pub(crate) struct Projection<E> {
    pub cameras: Arc<Vec<Camera>>,
    pub points: usize,
    pub free: Vec<FreePart>,
    pub precision: PhantomData<E>,
}

/// Input 1 + i of the operation, (cameras·dims), holds this part of some cameras.
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
    /// The cameras, with the numbers of their free parts.
    #[inline(always)]
    fn lenses<T: Number<Scalar = E>>(&self, x: &[&[T]]) -> Vec<Lens<T>> {
        let mut lenses: Vec<Lens<T>> = self.cameras.iter().map(Lens::new).collect();
        for (free, row) in self.free.iter().zip(&x[1..]) {
            for (c, lens) in lenses.iter_mut().enumerate() {
                if let Some(at) = free.of(c) {
                    lens.set(free.part, &row[at]);
                }
            }
        }
        lenses
    }

    /// Whether any part of a camera moves, as the inputs after the points say.
    fn is_free(&self, camera: usize, moves: impl Fn(usize) -> bool) -> bool {
        let mut parts = self.free.iter().enumerate();
        parts.any(|(i, free)| moves(i) && free.cameras.contains(&camera))
    }

    /// Jᵀ g of a point's pixel, added to what wants it.
    #[inline(always)]
    fn pull_back<T: Number<Scalar = E>>(
        &self,
        (c, lens): (usize, &Lens<T>),
        points: &[T],
        pixels: &[T],
        gx: &mut [Option<&mut [T]>],
    ) {
        let Some((of_points, of_parts)) = gx.split_first_mut() else {
            return;
        };
        let free = self.is_free(c, |i| of_parts[i].is_some());
        let mut own = LensGradient::zero();
        let rows = points.chunks_exact(3).zip(pixels.chunks_exact(2));
        for (j, (point, g)) in rows.enumerate() {
            let (point, g) = (v3(point), [g[0], g[1]]);
            let of_point = match free {
                true => lens.pull_back_own(point, g, &mut own),
                false => lens.pull_back(point, g),
            };
            if let Some(to) = of_points {
                add(seen(of_point, g), &mut to[3 * j..3 * j + 3]);
            }
        }
        for (free, gradient) in self.free.iter().zip(of_parts) {
            if let (Some(gradient), Some(at)) = (gradient, free.of(c)) {
                own.add_to(lens, free.part, &mut gradient[at]);
            }
        }
    }
}

/// A point's gradient, or none in lanes whose pixel nothing is held against, also where it has no slope.
#[inline(always)]
fn seen<T: Number>(of_point: [T; 3], g: [T; 2]) -> [T; 3] {
    let size = g[0].magnitude() + g[1].magnitude();
    of_point.map(|x| T::zero().less(size, x, T::zero() * size))
}

impl<E: Scalar> Kernel<E> for Projection<E> {
    fn out_dims(&self) -> usize {
        2 * self.cameras.len() * self.points
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        let lenses = self.lenses(x);
        let pixels = y.chunks_exact_mut(2 * self.points);
        for (lens, pixels) in lenses.iter().zip(pixels) {
            for (point, pixel) in x[0].chunks_exact(3).zip(pixels.chunks_exact_mut(2)) {
                lens.project(lens.in_camera(v3(point)), pixel);
            }
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let lenses = self.lenses(at.x);
        let pixels = gy.chunks_exact(2 * self.points);
        for (lens, pixels) in lenses.iter().enumerate().zip(pixels) {
            self.pull_back(lens, at.x[0], pixels, gx);
        }
    }

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        let part_moves = |c: usize| {
            let mut parts = self.free.iter().zip(&moved[1..]);
            parts.any(|(free, moved)| {
                let own = free.of(c).zip(*moved);
                own.is_some_and(|(at, moved)| moved[at].contains(&true))
            })
        };
        let point_moves = |j: usize| moved[0].is_some_and(|m| m[3 * j..3 * j + 3].contains(&true));
        let cameras = 0..self.cameras.len();
        let reached = cameras.flat_map(|c| {
            let all = part_moves(c);
            (0..self.points).flat_map(move |j| [all || point_moves(j); 2])
        });
        reached.collect()
    }

    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, at: At<'_, T>, directions: Directions<'_, T>) {
        let lenses = self.lenses(at.x);
        let jacobians = self.jacobians(&lenses, at.x[0], directions.dx);
        let points = self.points;
        directions.for_each(
            Kernel::<E>::out_dims(self),
            #[inline(always)]
            |dx, active, dy| {
                for i in active {
                    let (c, j) = (i / 2 / points, i / 2 % points);
                    let row = &jacobians[*i];
                    let mut sum = dx[0].map_or(T::zero(), |dx| dot(row.point, v3(&dx[3 * j..])));
                    for ((free, dx), part) in self.free.iter().zip(&dx[1..]).zip(&row.parts) {
                        if let (Some(dx), Some(at)) = (dx, free.of(c)) {
                            let pairs = part.iter().zip(&dx[at]);
                            sum = pairs.fold(sum, |sum, (a, x)| a.fused(*x, sum));
                        }
                    }
                    dy[*i] = sum;
                }
            },
        );
    }
}

/// The slopes of one coordinate of a pixel.
struct PixelRow<T> {
    point: [T; 3],
    /// For each free part those of its camera's own numbers.
    parts: Vec<Vec<T>>,
}

impl<E: Scalar> Projection<E> {
    /// One row for each number of the output.
    #[inline(always)]
    fn jacobians<T: Number<Scalar = E>>(
        &self,
        lenses: &[Lens<T>],
        points: &[T],
        dx: &[Option<&[T]>],
    ) -> Vec<PixelRow<T>> {
        let mut rows = Vec::with_capacity(2 * lenses.len() * self.points);
        for (c, lens) in lenses.iter().enumerate() {
            let free = self.is_free(c, |i| dx[1 + i].is_some());
            for point in points.chunks_exact(3) {
                for g in [[T::one(), T::zero()], [T::zero(), T::one()]] {
                    let mut own = LensGradient::zero();
                    let point = match free {
                        true => lens.pull_back_own(v3(point), g, &mut own),
                        false => lens.pull_back(v3(point), g),
                    };
                    let part = |part: &FreePart| {
                        let mut slopes = vec![T::zero(); part.dims];
                        own.add_to(lens, part.part, &mut slopes);
                        slopes
                    };
                    let parts = match free {
                        true => self.free.iter().map(part).collect(),
                        false => Vec::new(),
                    };
                    rows.push(PixelRow { point, parts });
                }
            }
        }
        rows
    }
}
