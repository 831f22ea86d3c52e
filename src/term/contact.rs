//! r = v max(0, 1 − (d/fade)²)²: the velocity of points, the less it counts the higher they are above a
//! level plane, d = max(0, y − height). A foot on the ground should not slide.

use crate::graph::linear3::{V3, dot, sub, v3};
use crate::graph::{At, Kernel, Number, Scalar};

/// Points of a frame and of the next one, (2·3·points), y up, to weighed velocities, (3·points), m/s.
pub(crate) struct Sliding<E> {
    pub points: usize,
    /// Of the plane, m.
    pub height: E,
    /// Distance from the plane from which on a velocity counts nothing, m.
    pub fade: E,
    /// Frames per second.
    pub rate: E,
}

/// What a point's velocity counts, and how that changes with its y.
#[inline(always)]
fn weight<E: Scalar, T: Number<Scalar = E>>(term: &Sliding<E>, y: T) -> (T, T) {
    let fade = T::splat(E::one() / term.fade);
    let above = (y - T::splat(term.height)) * fade;
    let above = above.less(T::zero(), T::zero(), above);
    let root = T::one() - above * above;
    let root = root.less(T::zero(), T::zero(), root);
    let four = T::splat(E::of(4.0));
    (root * root, -(four * above * fade * root))
}

impl<E: Scalar> Sliding<E> {
    /// A point's velocity.
    #[inline(always)]
    fn velocity<T: Number<Scalar = E>>(&self, x: &[T], point: usize) -> V3<T> {
        let next = 3 * self.points;
        let step = sub(v3(&x[next + 3 * point..]), v3(&x[3 * point..]));
        [0, 1, 2].map(|k| step[k] * T::splat(self.rate))
    }
}

impl<E: Scalar> Kernel<E> for Sliding<E> {
    fn out_dims(&self) -> usize {
        3 * self.points
    }

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        let moved = moved[0].unwrap_or_default();
        let (here, next) = moved.split_at(moved.len() / 2);
        let points = here.chunks_exact(3).zip(next.chunks_exact(3));
        points
            .flat_map(|(a, b)| vec![a.contains(&true) || b.contains(&true); 3])
            .collect()
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        for (point, y) in y.chunks_exact_mut(3).enumerate() {
            let (weight, _) = weight(self, x[0][3 * point + 1]);
            let velocity = self.velocity(x[0], point);
            for (y, v) in y.iter_mut().zip(velocity) {
                *y = weight * v;
            }
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let Some(gx) = &mut gx[0] else { return };
        let next = 3 * self.points;
        for (point, g) in gy.chunks_exact(3).enumerate() {
            let (weight, slope) = weight(self, at.x[0][3 * point + 1]);
            let velocity = self.velocity(at.x[0], point);
            let factor = weight * T::splat(self.rate);
            for (k, g) in g.iter().enumerate() {
                gx[next + 3 * point + k] += factor * *g;
                gx[3 * point + k] -= factor * *g;
            }
            gx[3 * point + 1] += slope * dot(velocity, v3(g));
        }
    }

    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(
        &self,
        at: At<'_, T>,
        directions: crate::graph::directions::Directions<'_, T>,
    ) {
        directions.for_each(
            3 * self.points,
            #[inline(always)]
            |dx, active, dy| {
                let dx = dx[0].unwrap_or_default();
                for &d in active.iter().step_by(3) {
                    let point = d / 3;
                    let (weight, slope) = weight(self, at.x[0][3 * point + 1]);
                    let velocity = self.velocity(at.x[0], point);
                    let along = self.velocity(dx, point);
                    let change = slope * dx[3 * point + 1];
                    for k in 0..3 {
                        dy[d + k] = weight.fused(along[k], change * velocity[k]);
                    }
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foot_on_the_ground_counts_and_one_in_the_air_hardly() {
        let sliding = Sliding {
            points: 3,
            height: 0.01,
            fade: 0.04,
            rate: 10.0,
        };
        let here = [0.0, 0.0, 0.0, 0.0, 0.03, 0.0, 0.0, 0.21, 0.0];
        let next: Vec<f64> = here.iter().map(|x| x + 0.1).collect();
        let x: Vec<f64> = here.iter().copied().chain(next).collect();
        let mut y = [0.0; 9];
        sliding.forward::<f64>(&[&x], &mut y);
        for (speed, expected) in y.iter().step_by(3).zip([1.0, 0.5625, 0.0]) {
            assert!((speed - expected).abs() < 1e-12, "{speed} {expected}");
        }
    }
}
