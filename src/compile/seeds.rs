//! How a variable's stored numbers move with its unknowns: the first directions of a linearisation.

use crate::graph::directions::Columns;
use crate::graph::{LANES, Scalar};
use crate::ir::Variable;
use crate::manifold::Manifold;

/// The directions of a variable whose unknowns begin at `first`.
pub(super) fn columns(variable: &Variable, first: usize) -> Columns {
    let (m, mut columns) = (variable.manifold, Columns::default());
    let (ambient, tangent) = (m.ambient(), m.tangent());
    for copy in 0..variable.copies {
        for t in 0..tangent {
            let dims = match m {
                Manifold::So3 | Manifold::Sphere(_) => (0..ambient).collect(),
                _ => vec![t],
            };
            let dims: Vec<usize> = dims.iter().map(|d| copy * ambient + d).collect();
            columns.add(first + copy * tangent + t, dims);
        }
    }
    columns
}

/// Writes the numbers of [`columns`] at x, (dims, LANES): derivatives of [`Manifold::retract`], times the
/// variable's scale, so that all unknowns are whitened.
pub(super) fn directions<E: Scalar>(variable: &Variable, x: &[E], out: &mut [E]) {
    let (m, scale) = (variable.manifold, E::of(variable.scale));
    let ambient = m.ambient();
    let mut rows = out.chunks_exact_mut(LANES);
    for copy in x.chunks_exact(ambient * LANES) {
        let number = |d: usize, lane: usize| copy[d * LANES + lane];
        let mut push = |of: &dyn Fn(usize) -> E| {
            for (k, to) in rows.next().into_iter().flatten().enumerate() {
                *to = of(k) * scale;
            }
        };
        for t in 0..m.tangent() {
            match m {
                Manifold::Euclidean(_) | Manifold::Box { .. } => push(&|_| E::one()),
                Manifold::Positive(_) => push(&|k| number(t, k)),
                Manifold::Sphere(_) => {
                    for d in 0..ambient {
                        let same = if d == t { E::one() } else { E::zero() };
                        push(&|k| same - number(d, k) * number(t, k));
                    }
                }
                Manifold::So3 => {
                    // R [e]×: the columns after t and before it trade places.
                    let (next, last) = ((t + 1) % 3, (t + 2) % 3);
                    for d in 0..9 {
                        let (row, column) = (d / 3, d % 3);
                        match column {
                            c if c == next => push(&|k| number(3 * row + last, k)),
                            c if c == last => push(&|k| -number(3 * row + next, k)),
                            _ => push(&|_| E::zero()),
                        }
                    }
                }
            }
        }
    }
}
