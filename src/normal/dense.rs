//! The normal equations of a problem on its own: a packed lower triangle, solved in lanes of problems.

use crate::graph::number::{Lanes, Work, dispatch};
use crate::graph::{LANES, Number};

/// JᵀJ and Jᵀr of one problem, in whitened tangent coordinates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dense {
    /// The lower triangle: entry (i, j) at i(i + 1)/2 + j.
    pub square: Vec<f64>,
    /// Half the gradient of E.
    pub slope: Vec<f64>,
}

impl Dense {
    pub fn unknowns(&self) -> usize {
        self.slope.len()
    }

    /// The diagonal of JᵀJ.
    pub fn diagonal(&self) -> Vec<f64> {
        let at = |i: usize| self.square[i * (i + 1) / 2 + i];
        (0..self.unknowns()).map(at).collect()
    }

    /// δᵀ JᵀJ δ.
    pub fn curvature(&self, step: &[f64]) -> f64 {
        let mut total = 0.0;
        let mut start = 0;
        for (i, x) in step.iter().enumerate() {
            let row = &self.square[start..start + i];
            let below: f64 = row.iter().zip(step).map(|(a, b)| a * b).sum();
            total += x * (2.0 * below + self.square[start + i] * x);
            start += i + 1;
        }
        total
    }

    /// Takes unknowns out: they keep still.
    pub fn hold(&mut self, held: &[usize]) {
        for &h in held {
            self.slope[h] = 0.0;
            for i in 0..self.unknowns() {
                let (row, column) = (i.max(h), i.min(h));
                let at = row * (row + 1) / 2 + column;
                self.square[at] = if i == h { 1.0 } else { 0.0 };
            }
        }
    }
}

/// A system to be solved: (JᵀJ + diag(damping)) δ = −Jᵀr.
pub struct Damped<'a> {
    pub system: &'a Dense,
    pub damping: Vec<f64>,
}

/// Steps of up to [`LANES`] problems of one size; `None` where a matrix is not positive definite.
///
/// Each problem's arithmetic is its own, so its step has the same bits in any company.
pub fn solve_batch(systems: &[Damped<'_>]) -> Vec<Option<Vec<f64>>> {
    let mut steps = Vec::with_capacity(systems.len());
    for part in systems.chunks(LANES) {
        steps.extend(dispatch(Batch(part)));
    }
    steps
}

struct Batch<'a, 'b>(&'a [Damped<'b>]);

impl Work for Batch<'_, '_> {
    type Out = Vec<Option<Vec<f64>>>;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> Self::Out {
        let n = self.0[0].system.unknowns();
        let last = self.0.len() - 1;
        let lane = |k: usize| &self.0[k.min(last)];
        let mut a = vec![Lanes::<f64, FUSED>::splat(0.0); n * (n + 1) / 2];
        let mut x = vec![Lanes::<f64, FUSED>::splat(0.0); n];
        for k in 0..LANES {
            let Damped { system, damping } = lane(k);
            a.iter_mut()
                .zip(&system.square)
                .for_each(|(a, s)| a.0[k] = *s);
            x.iter_mut()
                .zip(&system.slope)
                .for_each(|(x, s)| x.0[k] = -*s);
            for i in 0..n {
                a[i * (i + 1) / 2 + i].0[k] += damping[i];
            }
        }
        let least = factor(&mut a, n);
        forward(&a, &mut x);
        backward(&a, &mut x);
        let step = |k: usize| x.iter().map(|x| x.0[k]).collect::<Vec<f64>>();
        let good = |k: usize| least.0[k] > 0.0;
        (0..self.0.len())
            .map(|k| Some(step(k)).filter(|x| good(k) && x.iter().all(|x| x.is_finite())))
            .collect()
    }
}

/// Cholesky's factor in place, with the inverse of its diagonal; returns the least pivot, which is
/// not above zero where there is none.
#[inline(always)]
fn factor<const FUSED: bool>(a: &mut [Lanes<f64, FUSED>], n: usize) -> Lanes<f64, FUSED> {
    let zero = Lanes::splat(0.0);
    let mut least = Lanes::splat(f64::INFINITY);
    for i in 0..n {
        let (above, rows) = a.split_at_mut(i * (i + 1) / 2);
        let row = &mut rows[..i + 1];
        for j in 0..i {
            let other = &above[j * (j + 1) / 2..][..j + 1];
            row[j] = (row[j] - product(&row[..j], &other[..j])) * other[j];
        }
        let pivot = row[i] - product(&row[..i], &row[..i]);
        // What is NaN is less than nothing.
        least = zero.less(pivot, pivot.less(least, pivot, least), zero);
        row[i] = Lanes::splat(1.0) / pivot.root();
    }
    least
}

/// Σ a b; sixteen numbers are four vectors, so that no sum waits for itself.
#[inline(always)]
fn product<const FUSED: bool>(
    a: &[Lanes<f64, FUSED>],
    b: &[Lanes<f64, FUSED>],
) -> Lanes<f64, FUSED> {
    let mut sum = Lanes::splat(0.0);
    for (a, b) in a.iter().zip(b) {
        sum = a.fused(*b, sum);
    }
    sum
}

#[inline(always)]
fn forward<const FUSED: bool>(l: &[Lanes<f64, FUSED>], x: &mut [Lanes<f64, FUSED>]) {
    for i in 0..x.len() {
        let row = &l[i * (i + 1) / 2..][..i + 1];
        x[i] = (x[i] - product(&row[..i], &x[..i])) * row[i];
    }
}

#[inline(always)]
fn backward<const FUSED: bool>(l: &[Lanes<f64, FUSED>], x: &mut [Lanes<f64, FUSED>]) {
    for i in (0..x.len()).rev() {
        let row = &l[i * (i + 1) / 2..][..i + 1];
        let solved = x[i] * row[i];
        x[i] = solved;
        for (x, a) in x[..i].iter_mut().zip(row) {
            *x = (-*a).fused(solved, *x);
        }
    }
}
