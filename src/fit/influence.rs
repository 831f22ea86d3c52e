//! How well the data pin a solution over tables down, and which rows weigh most.

use dfdx::prelude::Cpu;

use crate::compile::CompiledObjective;
use crate::ir::{Coupling, Problem, Residual, Stage, Values};
use crate::normal::Linked;
use crate::normal::eigen::symmetric;

/// Unknowns up to which it is computed.
const MOST: usize = 300;

/// What JᵀJ says of a solution.
#[derive(Clone, Debug)]
pub struct Influence {
    /// The condition number of J, its columns scaled to the same length: 1 where every unknown has data of
    /// its own, 1e8 where eight digits are lost.
    pub condition: f64,
    /// By the name of a term the leverage of each row, 0 to the number of its residuals: how far the row
    /// pulls the solution to itself. All leverages add up to the number of unknowns.
    pub leverage: Vec<(String, Vec<f64>)>,
}

/// Of a stage's normal equations, in which what is held or unread keeps still.
pub(super) fn influence(
    problem: &Problem,
    stage: &Stage,
    (values, frames): (&Values, &[usize]),
    (linked, still): (&Linked, &[usize]),
) -> Option<Influence> {
    let square = linked.whole(MOST)?;
    let n = linked.slope.len();
    let moving: Vec<usize> = (0..n).filter(|i| !still.contains(i)).collect();
    let scale: Vec<f64> = moving.iter().map(|i| square[i * n + i].sqrt()).collect();
    let m = moving.len();
    if m == 0 {
        return None;
    }
    let mut scaled = vec![0.0; m * m];
    for (a, i) in moving.iter().enumerate() {
        for (b, j) in moving.iter().enumerate() {
            scaled[a * m + b] = square[i * n + j] / (scale[a] * scale[b]);
        }
    }
    let eigen = symmetric(&scaled, m)?;
    let (least, most) = eigen
        .values
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(l, h), x| (l.min(*x), h.max(*x)));
    // What is open altogether has no covariance.
    if least.is_nan() || least <= most * f64::EPSILON {
        return Some(Influence {
            condition: f64::INFINITY,
            leverage: Vec::new(),
        });
    }
    // The inverse, in the places of all unknowns.
    let mut inverse = vec![0.0; n * n];
    for (value, vector) in eigen.values.iter().zip(eigen.vectors.chunks_exact(m)) {
        for (a, i) in moving.iter().enumerate() {
            let part = vector[a] / (value * scale[a]);
            for (b, j) in moving.iter().enumerate() {
                inverse[i * n + j] += part * vector[b] / scale[b];
            }
        }
    }
    let of_rows = stage.terms.iter().filter_map(|term| {
        let Residual::Rows { weights, .. } = &term.residual else {
            return None;
        };
        let alone = Stage {
            terms: vec![term.clone()],
            coupling: Coupling::Joint,
            ..stage.clone()
        };
        let objective =
            CompiledObjective::<f64, Cpu>::new(problem, &alone, values, frames.to_vec(), true);
        let mut leverage = vec![0.0; weights.len()];
        objective.for_each_row(&objective.start(), |row, places, square| {
            for (a, i) in places {
                for (b, j) in places {
                    leverage[row] += inverse[i * n + j] * square(*a, *b);
                }
            }
        });
        Some((term.name.clone(), leverage))
    });
    Some(Influence {
        condition: (most / least).sqrt(),
        leverage: of_rows.collect(),
    })
}
