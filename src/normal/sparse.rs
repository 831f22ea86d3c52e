//! The factor of a large sparse matrix, by faer, with an ordering that keeps it sparse.

use faer::Side;
use faer::linalg::solvers::Solve;
use faer::sparse::linalg::solvers::{Llt, SymbolicLlt};
use faer::sparse::{SparseColMatRef, SymbolicSparseColMat};

use super::network::Network;
use crate::graph::matmul::clear_wide_registers;

/// Where the numbers of blocks stand in the columns of a lower triangle.
#[derive(Debug)]
pub(crate) struct Pattern {
    matrix: SymbolicSparseColMat<usize>,
    symbolic: SymbolicLlt<usize>,
    /// For each pair of what is left the rows of its column that come before it.
    rows_before: Vec<usize>,
}

impl Pattern {
    pub fn new(network: &Network) -> Option<Self> {
        let (first, n) = (network.first_left(), network.unknowns());
        let (mut columns, mut rows) = (vec![0], Vec::new());
        let mut rows_before = vec![0; network.pairs.len()];
        for block in network.eliminated..network.blocks() {
            let own = network.begins[block]..network.begins[block + 1];
            for column in own.clone() {
                rows.extend((column..own.end).map(|i| i - first));
                let mut before = 0;
                for pair in network.after[block].clone() {
                    rows_before[pair] = before;
                    let other = network.pairs[pair].0 as usize;
                    let of_other = network.begins[other]..network.begins[other + 1];
                    before += of_other.len();
                    rows.extend(of_other.map(|i| i - first));
                }
                columns.push(rows.len());
            }
        }
        let size = n - first;
        let matrix = SymbolicSparseColMat::new_checked(size, size, columns, None, rows);
        let symbolic = SymbolicLlt::try_new(matrix.as_ref(), Side::Lower).ok()?;
        Some(Self {
            matrix,
            symbolic,
            rows_before,
        })
    }

    /// x = A⁻¹ x of the matrix of these squares and pairs; `None` where it is not positive definite.
    pub fn solve(
        &self,
        network: &Network,
        squares: &[f64],
        pairs: &[f64],
        x: &mut [f64],
    ) -> Option<()> {
        let first = network.first_left();
        let columns = self.matrix.col_ptr();
        let mut numbers = vec![0.0; self.matrix.row_idx().len()];
        for block in network.eliminated..network.blocks() {
            let width = network.width(block);
            let square = &squares[network.square_begins[block]..];
            for j in 0..width {
                let at = columns[network.begins[block] - first + j];
                let own = &square[j * width + j..(j + 1) * width];
                numbers[at..at + own.len()].copy_from_slice(own);
                for pair in network.after[block].clone() {
                    let rows = network.width(network.pairs[pair].0 as usize);
                    let from = &pairs[network.pair_begins[pair] + j * rows..][..rows];
                    let to = at + own.len() + self.rows_before[pair];
                    numbers[to..to + rows].copy_from_slice(from);
                }
            }
        }
        let matrix = SparseColMatRef::new(self.matrix.as_ref(), &numbers);
        let factor = Llt::try_new_with_symbolic(self.symbolic.clone(), matrix, Side::Lower);
        let found = factor.ok().map(|factor| {
            let count = x.len();
            factor.solve_in_place(faer::MatMut::from_column_major_slice_mut(x, count, 1));
        });
        clear_wide_registers();
        found
    }
}
