//! Small dense algebra on column-major blocks.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, MatMut, MatRef, Par};

use crate::graph::matmul::{clear_wide_registers, matmul};
use crate::graph::number::{Work, dispatch};

/// δᵀ A δ of a lower triangle, column-major.
pub(super) fn triangle(a: &[f64], x: &[f64]) -> f64 {
    let n = x.len();
    let column = |j: usize| {
        let below = (j + 1..n).map(|i| a[i + j * n] * x[i]).sum::<f64>();
        x[j] * (a[j + j * n] * x[j] + 2.0 * below)
    };
    (0..n).map(column).sum()
}

/// The same of an upper triangle.
pub(super) fn upper(a: &[f64], x: &[f64]) -> f64 {
    let column = |(j, a): (usize, &[f64])| {
        let above: f64 = a[..j].iter().zip(x).map(|(a, x)| a * x).sum();
        x[j] * (a[j] * x[j] + 2.0 * above)
    };
    a.chunks_exact(x.len().max(1)).enumerate().map(column).sum()
}

/// xᵀ A y, column-major.
pub(super) fn bilinear(a: &[f64], x: &[f64], y: &[f64]) -> f64 {
    let columns = a.chunks_exact(x.len().max(1)).zip(y);
    columns
        .map(|(a, y)| y * a.iter().zip(x).map(|(a, x)| a * x).sum::<f64>())
        .sum()
}

/// A column-major block of so many rows.
pub(super) fn matrix(block: &[f64], rows: usize) -> MatRef<'_, f64> {
    MatRef::from_column_major_slice(block, rows, block.len() / rows.max(1))
}

pub(super) fn matrix_mut(block: &mut [f64], rows: usize) -> MatMut<'_, f64> {
    let columns = block.len() / rows.max(1);
    MatMut::from_column_major_slice_mut(block, rows, columns)
}

/// The first columns of `to` −= aᵀ b, where a and b have so many rows.
pub(super) fn subtract_transposed_product(to: &mut [f64], rows: usize, a: &[f64], b: &[f64]) {
    let (a, b) = (matrix(a, rows), matrix(b, rows));
    let to = &mut to[..a.ncols() * b.ncols()];
    if !to.is_empty() {
        let to = matrix_mut(to, a.ncols());
        matmul(to, Accum::Add, a.transpose(), b, -1.0, Par::Seq);
    }
}

/// The lower triangle of `to` −= aᵀ a, where a has so many rows.
pub(super) fn subtract_square(to: &mut [f64], rows: usize, a: &[f64]) {
    let a = matrix(a, rows);
    let to = matrix_mut(to, a.ncols());
    let (whole, lower) = (BlockStructure::Rectangular, BlockStructure::TriangularLower);
    let (left, right) = (a.transpose(), a);
    triangular::matmul(
        to,
        lower,
        Accum::Add,
        left,
        whole,
        right,
        whole,
        -1.0,
        Par::Seq,
    );
    clear_wide_registers();
}

/// Order up to which a factor is made in place without more ado.
const SMALL: usize = 96;

/// The lower factor in place; `None` where the matrix is not positive definite.
pub(super) fn cholesky(block: &mut [f64], n: usize) -> Option<()> {
    if n <= SMALL {
        return dispatch(Small { block, n });
    }
    let mut memory = MemBuffer::new(cholesky_in_place_scratch::<f64>(
        n,
        Par::Seq,
        Default::default(),
    ));
    let a = matrix_mut(block, n);
    let stack = MemStack::new(&mut memory);
    let found = cholesky_in_place(a, Default::default(), Par::Seq, stack, Default::default());
    clear_wide_registers();
    found.ok()?;
    let positive = |i: usize| block[i + i * n] > 0.0;
    (0..n).all(positive).then_some(())
}

/// A block that stays in the nearest cache.
struct Small<'a> {
    block: &'a mut [f64],
    n: usize,
}

impl Work for Small<'_> {
    type Out = Option<()>;

    #[inline(always)]
    fn run<const WIDTH: u8>(self) -> Option<()> {
        let n = self.n;
        for j in 0..n {
            let (done, rest) = self.block.split_at_mut(j * n);
            let column = &mut rest[j..n];
            // Two columns at a time, so that this one is read and written half as often.
            let mut pairs = done.chunks_exact(2 * n);
            for before in &mut pairs {
                let (a, b) = (&before[j..n], &before[n + j..]);
                let (by_a, by_b) = (a[0], b[0]);
                for ((x, a), b) in column.iter_mut().zip(a).zip(b) {
                    *x = *x - a * by_a - b * by_b;
                }
            }
            if let before @ [_, ..] = pairs.remainder() {
                let by = before[j];
                for (x, a) in column.iter_mut().zip(&before[j..]) {
                    *x -= a * by;
                }
            }
            if !(column[0] > 0.0 && column[0].is_finite()) {
                return None;
            }
            let inverse = 1.0 / column[0].sqrt();
            for x in column {
                *x *= inverse;
            }
        }
        Some(())
    }
}

/// to −= A x.
pub(super) fn subtract_product(a: &[f64], x: &[f64], to: &mut [f64]) {
    for (column, x) in a.chunks_exact(to.len().max(1)).zip(x) {
        to.iter_mut().zip(column).for_each(|(to, a)| *to -= a * x);
    }
}

/// to −= Aᵀ x.
pub(super) fn subtract_transposed(a: &[f64], x: &[f64], to: &mut [f64]) {
    for (to, column) in to.iter_mut().zip(a.chunks_exact(x.len().max(1))) {
        *to -= column.iter().zip(x).map(|(a, x)| a * x).sum::<f64>();
    }
}

pub(super) fn solve_lower(l: &[f64], n: usize, x: &mut [f64]) {
    for j in 0..n {
        x[j] /= l[j + j * n];
        let (head, tail) = x.split_at_mut(j + 1);
        let column = &l[j * n + j + 1..(j + 1) * n];
        tail.iter_mut()
            .zip(column)
            .for_each(|(x, a)| *x -= a * head[j]);
    }
}

pub(super) fn solve_upper(l: &[f64], n: usize, x: &mut [f64]) {
    for j in (0..n).rev() {
        let column = &l[j * n + j + 1..(j + 1) * n];
        let below: f64 = column.iter().zip(&x[j + 1..]).map(|(a, x)| a * x).sum();
        x[j] = (x[j] - below) / l[j + j * n];
    }
}
