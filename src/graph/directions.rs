//! Derivatives in many directions at once, of each only the numbers that move.

use super::Scalar;
use super::number::Number;
use super::operation::{At, Kernel};
use crate::memory::Kept;

/// The numbers of a node that move in one direction, and where they lie among those of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Column {
    /// The direction's place among the unknowns.
    pub unknown: usize,
    /// Ascending.
    pub dims: Vec<usize>,
    pub at: usize,
}

/// Every direction in which a node moves, ascending by unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Columns {
    pub columns: Vec<Column>,
    /// Numbers of all columns.
    pub len: usize,
}

/// How an operation's directions hang together; made once for a stage.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub out: Columns,
    pub inputs: Vec<Columns>,
    /// For each column of `out` the column of each input with the same unknown.
    pub from: Vec<Vec<Option<usize>>>,
    /// Numbers of each input.
    pub dims: Vec<usize>,
}

/// The directions of an operation's inputs and of its output, column after column.
pub(crate) struct Directions<'a, T> {
    pub plan: &'a Plan,
    /// None: the input does not move.
    pub dx: &'a [Option<&'a [T]>],
    pub dy: &'a mut [T],
    /// Frames that are asked about: the leading lanes. What the others' directions are is all one.
    pub used: usize,
    /// What the operation kept of each of them; empty where nothing is to be kept.
    pub memory: &'a mut [Kept],
}

impl Columns {
    pub fn add(&mut self, unknown: usize, dims: Vec<usize>) {
        let at = self.len;
        self.len += dims.len();
        self.columns.push(Column { unknown, dims, at });
    }

    fn find(&self, unknown: usize) -> Option<usize> {
        self.columns
            .binary_search_by_key(&unknown, |c| c.unknown)
            .ok()
    }
}

impl Plan {
    /// From the directions of an operation's inputs and its `reach`.
    pub fn new(
        inputs: Vec<Columns>,
        dims: Vec<usize>,
        reach: impl Fn(&[Option<&[bool]>]) -> Vec<bool>,
    ) -> Self {
        let all = inputs.iter().flat_map(|c| &c.columns);
        let mut unknowns: Vec<usize> = all.map(|c| c.unknown).collect();
        unknowns.sort_unstable();
        unknowns.dedup();
        let (mut out, mut all_from) = (Columns::default(), Vec::new());
        for unknown in unknowns {
            let from: Vec<Option<usize>> = inputs.iter().map(|c| c.find(unknown)).collect();
            let moved = from.iter().zip(&inputs).zip(&dims);
            let moved: Vec<Option<Vec<bool>>> = moved
                .map(|((from, columns), dims)| {
                    let mut moved = vec![false; *dims];
                    let column = &columns.columns[(*from)?];
                    column.dims.iter().for_each(|&d| moved[d] = true);
                    Some(moved)
                })
                .collect();
            let moved: Vec<Option<&[bool]>> = moved.iter().map(Option::as_deref).collect();
            let reached = reach(&moved);
            let reached: Vec<usize> = (0..reached.len()).filter(|&d| reached[d]).collect();
            if !reached.is_empty() {
                out.add(unknown, reached);
                all_from.push(from);
            }
        }
        Self {
            out,
            inputs,
            from: all_from,
            dims,
        }
    }
}

impl Plan {
    /// For each column of the output that of the first input, where it moves.
    pub fn pairs(&self) -> impl Iterator<Item = (&Column, &Column)> {
        let columns = self.out.columns.iter().zip(&self.from);
        columns.filter_map(|(out, from)| Some((out, &self.inputs[0].columns[from[0]?])))
    }

    /// Of `count` frames side by side, of which each moves with its own unknowns, which come frame after
    /// frame, `own` of each; those from `shared` on move all.
    pub fn of_neighbours(
        input: Columns,
        dims: usize,
        count: usize,
        (own, shared): (usize, usize),
    ) -> Self {
        let (mut out, mut from) = (Columns::default(), Vec::new());
        let numbered = || input.columns.iter().enumerate();
        let blocks = |column: &Column, of: std::ops::Range<usize>| -> Vec<usize> {
            of.flat_map(|j| column.dims.iter().map(move |d| j * dims + d))
                .collect()
        };
        for j in 0..count {
            for (at, column) in numbered().filter(|(_, c)| c.unknown < own) {
                out.add(j * own + column.unknown, blocks(column, j..j + 1));
                from.push(vec![Some(at)]);
            }
        }
        for (at, column) in numbered().filter(|(_, c)| c.unknown >= shared) {
            out.add(column.unknown, blocks(column, 0..count));
            from.push(vec![Some(at)]);
        }
        Self {
            out,
            inputs: vec![input],
            from,
            dims: vec![dims],
        }
    }
}

impl<T: Number> Directions<'_, T> {
    /// Calls `each` for every direction with all numbers of the inputs' (None: it stands still), the
    /// numbers of the output that move, and where to write them.
    #[inline(always)]
    pub fn for_each(
        self,
        out_dims: usize,
        mut each: impl FnMut(&[Option<&[T]>], &[usize], &mut [T]),
    ) {
        self.for_each_of(
            out_dims,
            #[inline(always)]
            |dx, _, active, dy| each(dx, active, dy),
        );
    }

    /// As [`Directions::for_each`]; `each` also hears which numbers of the inputs move.
    #[inline(always)]
    pub fn for_each_of(
        self,
        out_dims: usize,
        mut each: impl FnMut(&[Option<&[T]>], &[&[usize]], &[usize], &mut [T]),
    ) {
        let zeros = |n: &usize| vec![T::zero(); *n];
        let mut inputs: Vec<Vec<T>> = self.plan.dims.iter().map(zeros).collect();
        let mut out = vec![T::zero(); out_dims];
        for (column, from) in self.plan.out.columns.iter().zip(&self.plan.from) {
            let parts = || self.plan.inputs.iter().zip(from).zip(self.dx);
            for (((columns, from), dx), input) in parts().zip(&mut inputs) {
                if let (Some(from), Some(dx)) = (from, dx) {
                    let from = &columns.columns[*from];
                    for (&d, x) in from.dims.iter().zip(&dx[from.at..]) {
                        input[d] = *x;
                    }
                }
            }
            let moving = inputs.iter().zip(from);
            let moving: Vec<Option<&[T]>> =
                moving.map(|(x, from)| from.map(|_| x.as_slice())).collect();
            let dims = self.plan.inputs.iter().zip(from);
            let dims = dims.map(|(c, from)| from.map_or(&[][..], |f| &c.columns[f].dims));
            each(&moving, &dims.collect::<Vec<_>>(), &column.dims, &mut out);
            for (&d, y) in column.dims.iter().zip(&mut self.dy[column.at..]) {
                *y = out[d];
                out[d] = T::zero();
            }
            for ((columns, from), input) in self.plan.inputs.iter().zip(from).zip(&mut inputs) {
                if let Some(from) = from {
                    let dims = &columns.columns[*from].dims;
                    dims.iter().for_each(|&d| input[d] = T::zero());
                }
            }
        }
    }
}

/// The Jacobian's rows by the adjoint, then a product for each direction; for few outputs.
#[inline(always)]
pub(super) fn dense_tangents<E: Scalar, T: Number<Scalar = E>, K: Kernel<E>>(
    kernel: &K,
    at: At<'_, T>,
    directions: Directions<'_, T>,
) {
    let outs = kernel.out_dims();
    let mut rows = Vec::with_capacity(outs);
    for i in 0..outs {
        let mut gy = vec![T::zero(); outs];
        gy[i] = T::one();
        let mut gx: Vec<Vec<T>> = at.x.iter().map(|x| vec![T::zero(); x.len()]).collect();
        let mut wanted: Vec<_> = gx.iter_mut().map(|g| Some(g.as_mut_slice())).collect();
        kernel.adjoint(at, &gy, &mut wanted);
        rows.push(gx);
    }
    directions.for_each(
        outs,
        #[inline(always)]
        |dx, active, dy| {
            for &i in active {
                let mut sum = T::zero();
                for (row, dx) in rows[i].iter().zip(dx) {
                    for (a, x) in row.iter().zip(dx.unwrap_or_default()) {
                        sum = a.fused(*x, sum);
                    }
                }
                dy[i] = sum;
            }
        },
    );
}

/// As [`dense_tangents`] for an operation of blocks: one adjoint gives a row of every block.
#[inline(always)]
pub(super) fn block_tangents<E: Scalar, T: Number<Scalar = E>, K: Kernel<E>>(
    kernel: &K,
    (m, n): (usize, usize),
    at: At<'_, T>,
    directions: Directions<'_, T>,
) {
    let outs = kernel.out_dims();
    let mut rows = Vec::with_capacity(m);
    for i in 0..m {
        let mut gy = vec![T::zero(); outs];
        gy.iter_mut().skip(i).step_by(m).for_each(|g| *g = T::one());
        let mut gx = vec![T::zero(); at.x[0].len()];
        kernel.adjoint(at, &gy, &mut [Some(&mut gx)]);
        rows.push(gx);
    }
    directions.for_each(
        outs,
        #[inline(always)]
        |dx, active, dy| {
            let dx = dx[0].unwrap_or_default();
            for &i in active {
                let block = i / m * n..(i / m + 1) * n;
                let mut sum = T::zero();
                for (a, x) in rows[i % m][block.clone()].iter().zip(&dx[block]) {
                    sum = a.fused(*x, sum);
                }
                dy[i] = sum;
            }
        },
    );
}
