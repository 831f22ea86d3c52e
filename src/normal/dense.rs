//! The normal equations of a problem on its own: a packed lower triangle.

use super::blocks::{cholesky, solve_lower, solve_upper};

/// JᵀJ and Jᵀr of one problem, in whitened tangent coordinates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dense {
    /// The lower triangle: entry (i, j) at i(i + 1)/2 + j.
    pub square: Vec<f64>,
    /// Half the gradient of E.
    pub slope: Vec<f64>,
}

impl Dense {
    /// From J, (residuals, unknowns) row by row, in whitened tangent coordinates, and r.
    pub fn of_residuals(jacobian: &[f64], residuals: &[f64]) -> Self {
        let unknowns = jacobian.len() / residuals.len().max(1);
        let mut normal = Self {
            square: vec![0.0; unknowns * (unknowns + 1) / 2],
            slope: vec![0.0; unknowns],
        };
        for (row, r) in jacobian.chunks_exact(unknowns.max(1)).zip(residuals) {
            let mut entry = normal.square.iter_mut();
            for (i, a) in row.iter().enumerate() {
                normal.slope[i] += a * r;
                let below = row[..=i].iter().zip(&mut entry);
                below.for_each(|(b, entry)| *entry += a * b);
            }
        }
        normal
    }

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

    /// The lower triangle by columns, (n, n).
    pub fn lower(&self) -> Vec<f64> {
        let n = self.unknowns();
        let mut lower = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                lower[j * n + i] = self.square[i * (i + 1) / 2 + j];
            }
        }
        lower
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

    /// Adds what holds the unknowns from `first` on still along a direction.
    pub(crate) fn stiffen(&mut self, first: usize, along: &[f64]) {
        for (i, a) in along.iter().enumerate() {
            let row = first + i;
            for (j, b) in along[..=i].iter().enumerate() {
                self.square[row * (row + 1) / 2 + first + j] += a * b;
            }
        }
    }

    /// The diagonal of (JᵀJ)⁻¹; NaN where no residual says anything, everywhere where that is so of a sum.
    pub fn variances(&self) -> Vec<f64> {
        let n = self.unknowns();
        let diagonal = self.diagonal();
        // In units of what each moves the residuals by, so that rounding minds no unit.
        let unit: Vec<f64> = diagonal.iter().map(|d| d.sqrt()).collect();
        let mut factor = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..i {
                let entry = self.square[i * (i + 1) / 2 + j] / (unit[i] * unit[j]);
                factor[i + j * n] = if entry.is_finite() { entry } else { 0.0 };
            }
            factor[i + i * n] = 1.0;
        }
        if cholesky(&mut factor, n).is_none() {
            return vec![f64::NAN; n];
        }
        let variance = |i: usize| {
            let mut column = vec![0.0; n];
            column[i] = 1.0;
            solve_lower(&factor, n, &mut column);
            // 0/0 where nothing moves.
            column.iter().map(|x| x * x).sum::<f64>() / diagonal[i]
        };
        let variances = (0..n).map(variance);
        variances
            .map(|v| if v.is_finite() { v } else { f64::NAN })
            .collect()
    }

    /// The δ with (JᵀJ + diag(damping)) δ = −Jᵀr; `None` where the matrix is not positive definite.
    pub fn solve(&self, damping: &[f64]) -> Option<Vec<f64>> {
        let n = self.unknowns();
        let mut factor = vec![0.0; n * n];
        let mut start = 0;
        for i in 0..n {
            for j in 0..=i {
                factor[i + j * n] = self.square[start + j];
            }
            factor[i + i * n] += damping[i];
            start += i + 1;
        }
        cholesky(&mut factor, n)?;
        let mut step: Vec<f64> = self.slope.iter().map(|s| -s).collect();
        solve_lower(&factor, n, &mut step);
        solve_upper(&factor, n, &mut step);
        step.iter().all(|x| x.is_finite()).then_some(step)
    }
}
