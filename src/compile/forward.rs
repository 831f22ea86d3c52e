//! Values of a node in f64, for starts, metrics and outputs.

use rayon::prelude::*;

use super::program::{Program, Source};
use crate::graph::{LANES, Scalar};
use crate::ir::{NodeId, Problem, Values};

/// (rows, dims) of a node for the given frames or elements, one row each also where it is shared.
pub(crate) fn forward(
    problem: &Problem,
    node: NodeId,
    values: &Values,
    frames: &[usize],
) -> Vec<f64> {
    let program = Program::<f64>::of_nodes(problem, std::iter::once(node), 0.0);
    let at = program.position(node);
    let rows = frames.par_chunks(LANES).flat_map_iter(|frames| {
        let computed = program.values(|source, out| {
            lanes(frames, |row| numbers(source, values, row), out);
        });
        let numbers = computed.of(at);
        let dims = numbers.len() / LANES;
        let row = |k: usize| (0..dims).map(move |d| numbers[d * LANES + k]);
        (0..frames.len()).flat_map(row).collect::<Vec<f64>>()
    });
    rows.collect()
}

/// What a leaf holds of a row at given values.
pub(super) fn numbers<'v>(source: &'v Source, values: &'v Values, row: usize) -> &'v [f64] {
    match source {
        Source::Own(variable) | Source::Taken(variable, _) => {
            values.get(*variable, source.element(row))
        }
        Source::Column(values, dims) => &values[row * dims..(row + 1) * dims],
    }
}

/// Writes rows of up to [`LANES`] frames as (dims, LANES); lanes that are left over repeat the last frame.
pub(super) fn lanes<'v, E: Scalar>(
    frames: &[usize],
    row: impl Fn(usize) -> &'v [f64],
    out: &mut [E],
) {
    let last = frames.len() - 1;
    let rows: [&[f64]; LANES] = std::array::from_fn(|k| row(frames[k.min(last)]));
    for (d, to) in out.chunks_exact_mut(LANES).enumerate() {
        for (to, row) in to.iter_mut().zip(rows) {
            *to = E::of(row[d]);
        }
    }
}
