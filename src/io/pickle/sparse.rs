//! scipy's compressed sparse matrices, by columns or by rows, made dense.

use super::arrays::{Array, array, count, field, index};
use super::{Id, Pickle};

/// A dense matrix may take so many bytes for each of the file, and [`BESIDES`].
const TIMES: usize = 32;
const BESIDES: usize = 16 << 20;

pub(super) fn dense(pickle: &Pickle<'_>, id: Id, by_columns: bool) -> Result<Array, String> {
    let damaged = "is a damaged sparse matrix";
    let part = |name: &str| array(pickle, field(pickle, id, name)?);
    let shape = field(pickle, id, "_shape").or_else(|_| field(pickle, id, "shape"))?;
    let shape = pickle.sizes(shape).ok_or(damaged)?;
    let &[rows, columns] = shape.as_slice() else {
        return Err(damaged.into());
    };
    let cells = count(&shape).ok_or(damaged)?;
    if cells.saturating_mul(8) > pickle.length.saturating_mul(TIMES).saturating_add(BESIDES) {
        return Err(format!(
            "is a sparse matrix of {rows} × {columns}, far more than its file can fill"
        ));
    }
    let (numbers, places, starts) = (part("data")?, part("indices")?, part("indptr")?);
    let lines = if by_columns { columns } else { rows };
    if starts.values.len() != lines + 1 || numbers.values.len() != places.values.len() {
        return Err(damaged.into());
    }
    let mut values = vec![0.0; cells];
    let mut done = 0;
    for line in 0..lines {
        let bounds = [starts.values[line], starts.values[line + 1]].map(index);
        let [Some(from), Some(to)] = bounds else {
            return Err(damaged.into());
        };
        if from != done || from > to || to > numbers.values.len() {
            return Err(damaged.into());
        }
        done = to;
        for entry in from..to {
            let across = index(places.values[entry]).ok_or(damaged)?;
            let (row, column) = if by_columns {
                (across, line)
            } else {
                (line, across)
            };
            if row >= rows || column >= columns {
                return Err(damaged.into());
            }
            // Entries that are written twice add up.
            values[row * columns + column] += numbers.values[entry];
        }
    }
    Ok(Array {
        shape,
        values,
        kind: numbers.kind,
    })
}
