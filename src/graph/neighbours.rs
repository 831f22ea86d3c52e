//! A frame's numbers with those of the frames after it, side by side.

use super::directions::Directions;
use super::{At, Kernel, Number, Scalar};

/// (dims) to (count·dims): those of the frame itself, then of each that follows. The last lanes, whose
/// followers are in no lane, hold zeros.
pub(crate) struct Neighbours {
    pub dims: usize,
    pub count: usize,
}

/// The number of the frame `by` lanes on, and zero where there is none.
#[inline(always)]
fn ahead<T: Number>(from: T, by: usize) -> T {
    let mut to = T::zero();
    for k in by..T::FRAMES {
        to.set_lane(k - by, from.lane(k));
    }
    to
}

/// The number of the frame `by` lanes before.
#[inline(always)]
fn behind<T: Number>(from: T, by: usize) -> T {
    let mut to = T::zero();
    for k in by..T::FRAMES {
        to.set_lane(k, from.lane(k - by));
    }
    to
}

impl<E: Scalar> Kernel<E> for Neighbours {
    fn out_dims(&self) -> usize {
        self.count * self.dims
    }

    fn neighbours(&self) -> usize {
        self.count
    }

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        moved[0].unwrap_or_default().repeat(self.count)
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        for (j, block) in y.chunks_exact_mut(self.dims).enumerate() {
            for (y, x) in block.iter_mut().zip(x[0]) {
                *y = ahead(*x, j);
            }
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(
        &self,
        _at: At<'_, T>,
        gy: &[T],
        gx: &mut [Option<&mut [T]>],
    ) {
        let Some(gx) = &mut gx[0] else { return };
        for (j, block) in gy.chunks_exact(self.dims).enumerate() {
            for (to, g) in gx.iter_mut().zip(block) {
                *to += behind(*g, j);
            }
        }
    }

    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, _at: At<'_, T>, directions: Directions<'_, T>) {
        let Some(dx) = directions.dx[0] else { return };
        for (column, from) in directions.plan.pairs() {
            let dx = &dx[from.at..from.at + from.dims.len()];
            let dy = &mut directions.dy[column.at..column.at + column.dims.len()];
            let blocks = dy.chunks_exact_mut(dx.len());
            for (block, d) in blocks.zip(column.dims.iter().step_by(dx.len())) {
                for (dy, dx) in block.iter_mut().zip(dx) {
                    *dy = ahead(*dx, d / self.dims);
                }
            }
        }
    }
}
