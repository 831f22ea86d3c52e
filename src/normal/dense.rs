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
