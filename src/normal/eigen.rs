//! Eigenvalues of small symmetric matrices.

use faer::{MatRef, Side};

use crate::graph::matmul::clear_wide_registers;

/// Ascending eigenvalues, and their vectors one after the other.
pub(crate) struct Eigen {
    pub values: Vec<f64>,
    pub vectors: Vec<f64>,
}

/// Of a matrix (n, n); `None` where it holds what is no number.
pub(crate) fn symmetric(matrix: &[f64], n: usize) -> Option<Eigen> {
    if n == 0 || !matrix.iter().all(|x| x.is_finite()) {
        return None;
    }
    let found = MatRef::from_column_major_slice(matrix, n, n).self_adjoint_eigen(Side::Lower);
    clear_wide_registers();
    let found = found.ok()?;
    let vectors = (0..n).flat_map(|j| (0..n).map(move |i| (i, j)));
    Some(Eigen {
        values: found.S().column_vector().iter().copied().collect(),
        vectors: vectors.map(|(i, j)| found.U()[(i, j)]).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_those_of_their_values() {
        let matrix = [2.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0];
        let Some(found) = symmetric(&matrix, 3) else {
            panic!("all entries are numbers");
        };
        let expected = [0.0, 1.0, 3.0];
        let pairs = found.values.iter().zip(expected);
        assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-12));
        for (value, vector) in found.values.iter().zip(found.vectors.chunks_exact(3)) {
            for row in 0..3 {
                let product: f64 = (0..3).map(|k| matrix[3 * row + k] * vector[k]).sum();
                assert!((product - value * vector[row]).abs() < 1e-12);
            }
        }
        assert!(symmetric(&[f64::NAN], 1).is_none());
    }
}
