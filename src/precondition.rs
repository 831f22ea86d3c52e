//! An approximate inverse Hessian of frames that pull on their neighbours in time.

/// A positive definite matrix along frames, the same for every coordinate of a frame, as its banded
/// Cholesky factor.
#[derive(Clone, Debug, PartialEq)]
pub struct Preconditioner {
    /// Where the coordinates of frames stand: first place, and coordinates of a frame.
    parts: Vec<(usize, usize)>,
    frames: usize,
    /// (frames, BAND + 1): row f holds L[f][f], L[f][f−1], L[f][f−2].
    factor: Vec<[f64; BAND + 1]>,
}

/// Neighbours on each side that a second difference reaches.
pub const BAND: usize = 2;

impl Preconditioner {
    /// Factors the matrix whose row f holds the entries (f, f), (f, f−1), (f, f−2); `None` when it is
    /// not positive definite.
    ///
    /// `parts` are the places of frames in the tangent vector: the first coordinate of the first
    /// frame, and the coordinates of one frame, which stand frame after frame.
    pub fn new(parts: Vec<(usize, usize)>, rows: &[[f64; BAND + 1]]) -> Option<Self> {
        let mut factor: Vec<[f64; BAND + 1]> = rows.to_vec();
        for f in 0..rows.len() {
            for k in (0..=BAND.min(f)).rev() {
                let mut sum = rows[f][k];
                // L[f][f−j] L[f−k][f−j] for the columns that both rows have.
                for j in k + 1..=BAND.min(f) {
                    sum -= factor[f][j] * factor[f - k][j - k];
                }
                factor[f][k] = match k {
                    0 if sum > 0.0 => sum.sqrt(),
                    0 => return None,
                    _ => sum / factor[f - k][0],
                };
            }
        }
        Some(Self {
            parts,
            frames: rows.len(),
            factor,
        })
    }

    /// Solves with the matrix in place; coordinates of no frame stay as they are.
    pub fn apply(&self, vector: &mut [f64]) {
        for &(first, dims) in &self.parts {
            let part = &mut vector[first..first + self.frames * dims];
            for f in 0..self.frames {
                let (before, row) = part.split_at_mut(f * dims);
                for k in 1..=BAND.min(f) {
                    let from = &before[(f - k) * dims..(f - k + 1) * dims];
                    subtract(self.factor[f][k], from, row);
                }
                row[..dims].iter_mut().for_each(|x| *x /= self.factor[f][0]);
            }
            for f in (0..self.frames).rev() {
                let (row, after) = part[f * dims..].split_at_mut(dims);
                for k in 1..=BAND.min(self.frames - 1 - f) {
                    let from = &after[(k - 1) * dims..k * dims];
                    subtract(self.factor[f + k][k], from, row);
                }
                row.iter_mut().for_each(|x| *x /= self.factor[f][0]);
            }
        }
    }
}

fn subtract(factor: f64, from: &[f64], to: &mut [f64]) {
    to.iter_mut()
        .zip(from)
        .for_each(|(to, x)| *to -= factor * x);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Data of varying strength and second differences, on five frames.
    const ROWS: [[f64; 3]; 5] = [
        [1.0 + 3.0, 0.0, 0.0],
        [0.2 + 15.0, -6.0, 0.0],
        [0.5 + 18.0, -12.0, 3.0],
        [2.0 + 15.0, -12.0, 3.0],
        [1.0 + 3.0, -6.0, 3.0],
    ];

    #[test]
    fn applying_it_solves_with_the_banded_matrix() {
        let (first, dims) = (1, 2);
        let entry = |i: usize, j: usize| match i.abs_diff(j) {
            k if k <= BAND => ROWS[i.max(j)][k],
            _ => 0.0,
        };
        let solution: Vec<f64> = (0..10).map(|i| (i as f64 * 1.3).sin()).collect();
        let mut vector = vec![7.0];
        for f in 0..5 {
            for c in 0..dims {
                let products = (0..5).map(|g| entry(f, g) * solution[g * dims + c]);
                vector.push(products.sum());
            }
        }
        let preconditioner = Preconditioner::new(vec![(first, dims)], &ROWS).unwrap();
        preconditioner.apply(&mut vector);
        assert_eq!(vector[0], 7.0);
        for (found, expected) in vector[1..].iter().zip(&solution) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_is_refused() {
        assert_eq!(
            Preconditioner::new(vec![], &[[1.0, 0.0, 0.0], [1.0, 2.0, 0.0]]),
            None
        );
    }
}
