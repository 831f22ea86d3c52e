//! Matrix products and sweeps over rows, shared among threads in a fixed number of parts.

use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::graph::Real;
use crate::graph::matmul::matmul;

/// A constant, and no part adds to another's numbers: no result depends on the threads.
const PARTS: usize = 4;

/// Rows that each part gets.
fn share(rows: usize) -> usize {
    rows.div_ceil(PARTS).max(1)
}

/// `out = x·wᵀ`, of which `finish` then gets each row; `x` is (rows, inner), `w` (dims, inner).
pub(crate) fn x_wt<E: Real>(
    out: &mut [E],
    x: &[E],
    w: &[E],
    inner: usize,
    finish: impl Fn(&mut [E]) + Sync,
) {
    let dims = w.len() / inner;
    let step = share(x.len() / inner);
    let parts = out.par_chunks_mut(step * dims);
    parts.zip(x.par_chunks(step * inner)).for_each(|(out, x)| {
        let rows = x.len() / inner;
        let x = MatRef::from_row_major_slice(x, rows, inner);
        let w = MatRef::from_row_major_slice(w, dims, inner);
        let to = MatMut::from_row_major_slice_mut(out, rows, dims);
        matmul(to, Accum::Replace, x, w.transpose(), E::one(), Par::Seq);
        out.chunks_exact_mut(dims).for_each(&finish);
    });
}

/// `out += g·w`; `g` is (rows, dims), `w` (dims, inner).
pub(crate) fn add_g_w<E: Real>(out: &mut [E], g: &[E], w: &[E], inner: usize) {
    let dims = w.len() / inner;
    let step = share(g.len() / dims);
    let parts = out.par_chunks_mut(step * inner);
    parts.zip(g.par_chunks(step * dims)).for_each(|(out, g)| {
        let rows = g.len() / dims;
        let g = MatRef::from_row_major_slice(g, rows, dims);
        let w = MatRef::from_row_major_slice(w, dims, inner);
        let out = MatMut::from_row_major_slice_mut(out, rows, inner);
        matmul(out, Accum::Add, g, w, E::one(), Par::Seq);
    });
}

/// `out += gᵀ·x`; `g` is (rows, dims), `x` (rows, inner), `out` (dims, inner).
pub(crate) fn add_gt_x<E: Real>(out: &mut [E], g: &[E], x: &[E], inner: usize) {
    let dims = out.len() / inner;
    let rows = x.len() / inner;
    let step = share(dims);
    let parts = out.par_chunks_mut(step * inner).enumerate();
    parts.for_each(|(part, out)| {
        let count = out.len() / inner;
        let g = MatRef::from_row_major_slice(g, rows, dims).subcols(part * step, count);
        let x = MatRef::from_row_major_slice(x, rows, inner);
        let out = MatMut::from_row_major_slice_mut(out, count, inner);
        matmul(out, Accum::Add, g.transpose(), x, E::one(), Par::Seq);
    });
}

/// Calls `work` with each part's rows of `out` and `x`, both `dims` wide.
pub(crate) fn sweep<E: Real>(
    out: &mut [E],
    x: &[E],
    dims: usize,
    work: impl Fn(&mut [E], &[E]) + Sync,
) {
    let step = share(x.len() / dims) * dims;
    let parts = out.par_chunks_mut(step).zip(x.par_chunks(step));
    parts.for_each(|(out, x)| work(out, x));
}

/// `out += ` the sums of the columns of `x`.
pub(crate) fn add_column_sums<E: Real>(out: &mut [E], x: &[E]) {
    let dims = out.len();
    columns(out, |first, out| {
        for row in x.chunks_exact(dims) {
            for (sum, x) in out.iter_mut().zip(&row[first..]) {
                *sum += *x;
            }
        }
    });
}

/// Calls `work` with the first column of each part of `out`, a number per column, and that part.
/// Every sum over rows keeps their order.
pub(crate) fn columns<E: Real>(out: &mut [E], work: impl Fn(usize, &mut [E]) + Sync) {
    let step = share(out.len());
    let parts = out.par_chunks_mut(step).enumerate();
    parts.for_each(|(part, out)| work(part * step, out));
}
