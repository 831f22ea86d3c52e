//! Starts of a prior's codes: a decoder has valleys, so each frame tries some.

use super::start::Start;
use crate::compile::CompiledObjective;
use crate::graph::{Backend, Scalar};
use crate::ir::{Problem, Stage, Values, VariableId};
use crate::objective::{Evaluation, Objective};

/// Codes that a frame is solved from.
const TRIED: usize = 8;

/// Where the stage is the first that frees a variable with several starts: for each frame the present
/// value, and those of the others that cost least where the frame stands.
pub(super) fn starts<E: Scalar, D: Backend<E>>(
    problem: &Problem,
    index: usize,
    stage: &Stage,
    values: &Values,
    frames: &[usize],
) -> Option<Vec<Start>> {
    let fresh = |id: &&VariableId| {
        let earlier = problem.stages[..index].iter();
        !problem.variables[id.0].starts.is_empty() && earlier.clone().all(|s| !s.free.contains(id))
    };
    let id = *stage.free.iter().find(fresh)?;
    let codes = &problem.variables[id.0].starts;
    let objective = CompiledObjective::<E, D>::new(problem, stage, values, frames.to_vec(), false);
    let offset = objective.offset(id)?;
    let stride = objective.layout().ambient();
    let all: Vec<usize> = (0..frames.len()).collect();
    let (mut x, mut out) = (objective.start(), Evaluation::default());
    let mut costs: Vec<Vec<f64>> = Vec::new();
    for code in codes.iter() {
        for row in x.chunks_exact_mut(stride) {
            row[offset..offset + code.len()].copy_from_slice(code);
        }
        objective.evaluate(&x, &all, &mut out);
        costs.push(out.costs.clone());
    }
    let mut starts = Vec::new();
    for (slot, &frame) in frames.iter().enumerate() {
        let mut order: Vec<usize> = (0..codes.len()).collect();
        order.sort_by(|a, b| costs[*a][slot].total_cmp(&costs[*b][slot]));
        let start = |numbers: Vec<f64>| Start {
            frame,
            copies: vec![(id, numbers)],
        };
        starts.push(start(values.get(id, frame).to_vec()));
        let best = order.iter().take(TRIED - 1);
        starts.extend(best.map(|k| start(codes[*k].clone())));
    }
    Some(starts)
}
