//! How much work an evaluation of a stage is, counted from how its directions hang together.

use super::linear::Linear;
use super::objective::CompiledObjective;
use crate::graph::{Host, Scalar};

/// Counts for one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    /// Unknowns of a frame, and those that all frames share.
    pub unknowns: (usize, usize),
    /// Neighbours on each side that a residual reads.
    pub width: usize,
    /// Numbers of all directions of all nodes.
    pub directions: usize,
    /// Multiply-adds of JᵀJ.
    pub square: usize,
    /// Multiply-adds of its factor.
    pub factor: usize,
    /// Of a problem over tables the unknowns that are eliminated block by block, and those that are left
    /// for a factor of their own, and whether that is sparse.
    pub tables: Option<(usize, usize, bool)>,
}

impl<E: Scalar, D: Host<E>> CompiledObjective<'_, E, D> {
    /// Unknowns of a joint problem over tables that are left after elimination.
    pub fn left(&self) -> usize {
        self.tables.as_ref().map_or(0, |tables| tables.work().1)
    }

    pub fn work(&self) -> Work {
        let Linear { own, shared, .. } = self.linear;
        let width = self.program.reach;
        // A frame's own factor, its rows of the neighbours and of what is shared, and what they take
        // from each other's.
        let below = width * own + shared;
        // Of an element: what each of its rows takes.
        let of_rows = self.elements.iter().flatten();
        let square = of_rows.map(|o| o.rows_each() * o.linear.square_products());
        Work {
            tables: self.tables.as_ref().map(|t| t.work()),
            unknowns: (own, shared),
            width,
            directions: self.linear.directions_len(),
            square: self.linear.square_products() + square.sum::<usize>(),
            factor: own * own * own / 6 + below * own * own / 2 + below * below * own / 2,
        }
    }
}
