//! The normal equations of sixteen problems side by side: lower triangles packed by rows, their factors
//! by Cholesky, and damped steps.

use super::Dense;
use crate::graph::number::{Lanes, Work, dispatch};
use crate::graph::scratch::Either;
use crate::graph::{LANES, Number};

/// The least of the diagonal that damps, over its largest entry: directions of which the data say
/// nothing.
pub(crate) const LEAST_DIAGONAL: f64 = 1e-6;

/// Sixteen problems, in whitened tangent coordinates.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Batch {
    /// (entries, LANES).
    square: Either,
    /// (unknowns, LANES).
    slope: Vec<f64>,
    /// (unknowns, LANES): damped steps; not finite where the matrix is not positive definite.
    steps: Vec<f64>,
    damping: [f64; LANES],
}

impl Batch {
    /// With steps for these dampings, in units of the diagonal.
    pub fn new(square: Either, slope: Vec<f64>, damping: [f64; LANES]) -> Self {
        let steps = dispatch(Steps {
            square: &square,
            slope: &slope,
            damping,
        });
        Self {
            square,
            slope,
            steps,
            damping,
        }
    }

    pub fn slope(&self, k: usize) -> Vec<f64> {
        lane(&self.slope, k)
    }

    pub fn diagonal(&self, k: usize) -> Vec<f64> {
        let unknowns = self.slope.len() / LANES;
        let at = |i: usize| self.square.at((start(i) + i) * LANES + k);
        (0..unknowns).map(at).collect()
    }

    /// What the step was damped by, in units of the diagonal.
    pub fn damping(&self, k: usize) -> f64 {
        self.damping[k]
    }

    pub fn step(&self, k: usize) -> Vec<f64> {
        lane(&self.steps, k)
    }

    pub fn dense(&self, k: usize) -> Dense {
        Dense {
            square: (0..start(self.slope.len() / LANES))
                .map(|i| self.square.at(i * LANES + k))
                .collect(),
            slope: self.slope(k),
        }
    }
}

fn lane(data: &[f64], k: usize) -> Vec<f64> {
    data.chunks_exact(LANES).map(|row| row[k]).collect()
}

struct Steps<'a> {
    square: &'a Either,
    slope: &'a [f64],
    damping: [f64; LANES],
}

impl Work for Steps<'_> {
    type Out = Vec<f64>;

    #[inline(always)]
    fn run<const WIDTH: u8>(self) -> Vec<f64> {
        let mut steps = self.slope.to_vec();
        let mut square = self.square.wide();
        let a: &mut [Lanes<f64, WIDTH>] = Lanes::of_row_mut(&mut square);
        let x: &mut [Lanes<f64, WIDTH>] = Lanes::of_row_mut(&mut steps);
        damp(a, x.len(), Lanes(self.damping));
        factor(a, x.len());
        solve_lower(a, x);
        solve_upper(a, x);
        for x in x {
            *x = -*x;
        }
        steps
    }
}

/// Adds to the diagonal so much of itself, or of its least.
#[inline(always)]
pub(crate) fn damp<T: Number>(square: &mut [T], n: usize, damping: T) {
    let mut most = T::zero();
    for i in 0..n {
        most = square[start(i) + i].at_least(most);
    }
    let least = (T::of(LEAST_DIAGONAL) * most).at_least(T::of(f64::from(f32::MIN_POSITIVE)));
    for i in 0..n {
        let diagonal = &mut square[start(i) + i];
        *diagonal = damping.fused(diagonal.at_least(least), *diagonal);
    }
}

/// Factors A = L Lᵀ in place: rows of L, with one over L's diagonal on the diagonal. A lane that is
/// not positive definite holds NaN or infinity from there on.
#[inline(always)]
pub(crate) fn factor<T: Number>(a: &mut [T], n: usize) {
    for i in (0..n).step_by(2) {
        let (done, rest) = a.split_at_mut(start(i));
        let (row, rest) = rest.split_at_mut(i + 1);
        let next = &mut rest[..if i + 1 < n { i + 2 } else { 0 }];
        if next.is_empty() {
            for j in 0..i {
                let above = &done[start(j)..start(j + 1)];
                row[j] = (row[j] - sum(&above[..j], &row[..j])) * above[j];
            }
        } else if T::FOUR_FIT {
            // `i` is even, so that the rows above come in pairs.
            for j in (0..i).step_by(2) {
                factor_four(&done[start(j)..start(j + 2)], j, row, next);
            }
        } else {
            for j in 0..i {
                factor_two(&done[start(j)..start(j + 1)], j, row, next);
            }
        }
        let square = row[i] - product(&row[..i], &row[..i]);
        row[i] = T::one() / square.root();
        if let Some(last) = next.len().checked_sub(1) {
            next[i] = (next[i] - product(&row[..i], &next[..i])) * row[i];
            let square = next[last] - product(&next[..last], &next[..last]);
            next[last] = T::one() / square.root();
        }
    }
}

/// Column `j` of two neighbouring rows of the factor, from row `j` above them.
#[inline(always)]
fn factor_two<T: Number>(above: &[T], j: usize, row: &mut [T], next: &mut [T]) {
    let (mut one, mut other) = (T::zero(), T::zero());
    for ((a, x), y) in above[..j].iter().zip(&row[..j]).zip(&next[..j]) {
        one = a.fused(*x, one);
        other = a.fused(*y, other);
    }
    row[j] = (row[j] - one) * above[j];
    next[j] = (next[j] - other) * above[j];
}

/// Columns `j` and `j + 1` of two neighbouring rows, to the same bits, from those two rows above them.
#[inline(always)]
fn factor_four<T: Number>(above: &[T], j: usize, row: &mut [T], next: &mut [T]) {
    let (first, second) = above.split_at(j + 1);
    let mut sums = [[T::zero(); 2]; 2];
    let pairs = first[..j].iter().zip(&second[..j]);
    for ((a, b), (x, y)) in pairs.zip(row[..j].iter().zip(&next[..j])) {
        sums[0][0] = a.fused(*x, sums[0][0]);
        sums[0][1] = a.fused(*y, sums[0][1]);
        sums[1][0] = b.fused(*x, sums[1][0]);
        sums[1][1] = b.fused(*y, sums[1][1]);
    }
    for (row, k) in [(row, 0), (next, 1)] {
        row[j] = (row[j] - sums[0][k]) * first[j];
        let rest = second[j].fused(row[j], sums[1][k]);
        row[j + 1] = (row[j + 1] - rest) * second[j + 1];
    }
}

/// x = L⁻¹ x.
#[inline(always)]
pub(crate) fn solve_lower<T: Number>(l: &[T], x: &mut [T]) {
    for i in 0..x.len() {
        let row = &l[start(i)..start(i + 1)];
        x[i] = (x[i] - product(&row[..i], &x[..i])) * row[i];
    }
}

/// x = L⁻ᵀ x.
#[inline(always)]
pub(crate) fn solve_upper<T: Number>(l: &[T], x: &mut [T]) {
    for i in (0..x.len()).rev() {
        let row = &l[start(i)..start(i + 1)];
        let last = x[i] * row[i];
        x[i] = last;
        let minus = -last;
        for (x, a) in x[..i].iter_mut().zip(row) {
            *x = a.fused(minus, *x);
        }
    }
}

/// Where a row begins.
#[inline(always)]
pub(crate) fn start(i: usize) -> usize {
    i * (i + 1) / 2
}

/// Σ a x.
#[inline(always)]
fn sum<T: Number>(a: &[T], x: &[T]) -> T {
    let pairs = a.iter().zip(x);
    pairs.fold(T::zero(), |sum, (a, x)| a.fused(*x, sum))
}

/// Σ a x in two sums, so that none waits for itself.
#[inline(always)]
fn product<T: Number>(a: &[T], x: &[T]) -> T {
    let (mut even, mut odd) = (T::zero(), T::zero());
    let (pairs, rest) = a.as_chunks::<2>();
    for (a, x) in pairs.iter().zip(x.as_chunks::<2>().0) {
        even = a[0].fused(x[0], even);
        odd = a[1].fused(x[1], odd);
    }
    for (a, x) in rest.iter().zip(&x[2 * pairs.len()..]) {
        even = a.fused(*x, even);
    }
    even + odd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_of_many_unknowns_is_that_of_the_matrix() {
        for n in [1, 2, 5, 8, 23] {
            let lower = |i: usize, j: usize| match i == j {
                true => 2.0 + i as f64,
                false => ((i * 7 + j) as f64).sin(),
            };
            let entry = |i: usize, j: usize| (0..=j).map(|k| lower(i, k) * lower(j, k)).sum();
            let triangle = (0..n).flat_map(|i| (0..=i).map(move |j| (i, j)));
            let matrix: Vec<f64> = triangle.clone().map(|(i, j)| entry(i, j)).collect();
            let mut a = matrix.clone();
            factor::<f64>(&mut a, n);
            for ((i, j), found) in triangle.zip(&a) {
                let expected = if i == j {
                    1.0 / lower(i, i)
                } else {
                    lower(i, j)
                };
                assert!((found - expected).abs() < 1e-12, "{n}: {i} {j} {found}");
            }
        }
    }

    #[test]
    fn columns_have_the_same_bits_in_twos_and_in_fours() {
        let j = 4;
        let above: Vec<f64> = (0..11).map(|i| f64::from(i).cos()).collect();
        let rows = || [0.3, 1.1].map(|x: f64| (0..8).map(|i| (x * f64::from(i)).sin()).collect());
        let [mut row, mut next]: [Vec<f64>; 2] = rows();
        factor_four(&above, j, &mut row, &mut next);
        let [mut one, mut other]: [Vec<f64>; 2] = rows();
        factor_two(&above[..j + 1], j, &mut one, &mut other);
        factor_two(&above[j + 1..], j + 1, &mut one, &mut other);
        assert_eq!((row, next), (one, other));
    }

    #[test]
    fn the_factor_solves_the_system_and_what_is_not_positive_definite_is_no_number() {
        // A = L Lᵀ with L = [2; 1 3; −1 0.5 1.5].
        let mut a = [4.0, 2.0, 10.0, -2.0, 0.5, 3.5];
        factor::<f64>(&mut a, 3);
        let expected = [0.5, 1.0, 1.0 / 3.0, -1.0, 0.5, 1.0 / 1.5];
        assert!(a.iter().zip(expected).all(|(a, e)| (a - e).abs() < 1e-12));
        let mut x = [2.0, 7.0, 1.0];
        solve_lower::<f64>(&a, &mut x);
        let expected = [1.0, 2.0, (1.0 + 1.0 - 1.0) / 1.5];
        assert!(x.iter().zip(expected).all(|(x, e)| (x - e).abs() < 1e-12));
        let mut a = [1.0, 2.0, 1.0];
        factor::<f64>(&mut a, 2);
        assert!(!a[2].is_finite());
    }
}
