//! Starts of a prior's codes: a decoder has valleys, so each frame tries some, also facing backwards.

use super::start::Start;
use crate::compile::CompiledObjective;
use crate::graph::{Host, Scalar};
use crate::ir::{Problem, Stage, Values, VariableId};
use crate::objective::{Evaluation, Objective, Want};

/// Starts that a frame is solved from.
const TRIED: usize = 8;
/// The cost of an observed number that is three sigma off.
const FAR: f64 = 9.0;

/// A code, and whether the body is turned by half a turn about the vertical.
#[derive(Clone, Copy)]
struct Trial {
    code: Option<usize>,
    turned: bool,
}

/// The variable with several starts that a stage is the first to free.
pub(super) fn fresh(problem: &Problem, index: usize) -> Option<VariableId> {
    let (stage, earlier) = (&problem.stages[index], &problem.stages[..index]);
    let fresh = |id: &&VariableId| {
        let freed = earlier.iter().any(|s| s.free.contains(id));
        !problem.variables[id.0].starts.is_empty() && !freed
    };
    stage.free.iter().find(fresh).copied()
}

/// Frames whose cost says that another start may be better: residuals are three times their sigma. What
/// is asked of a frame does not depend on the others.
pub(super) fn doubtful(stage: &Stage, frames: &[usize], costs: &[f64]) -> Vec<usize> {
    let observed = |frame: usize| -> usize {
        let of_terms = stage.terms.iter().map(|t| t.residual.observed(frame));
        of_terms.sum()
    };
    let pairs = frames.iter().zip(costs);
    let doubtful = pairs.filter(|(f, cost)| **cost > FAR * observed(**f) as f64);
    doubtful.map(|(frame, _)| *frame).collect()
}

/// For each frame the present value, and those of a variable's starts that cost least where the frame
/// stands.
pub(super) fn starts<E: Scalar, D: Host<E>>(
    problem: &Problem,
    id: VariableId,
    stage: &Stage,
    values: &Values,
    frames: &[usize],
) -> Option<Vec<Start>> {
    let codes = &problem.variables[id.0].starts;
    let rotation = problem.placement.as_ref().map(|p| p.rotation);
    let rotation = rotation.filter(|r| stage.free.contains(r));
    let objective = CompiledObjective::<E, D>::new(problem, stage, values, frames.to_vec(), false);
    let start = objective.start();
    let stride = objective.layout().ambient();
    let all: Vec<usize> = (0..frames.len()).collect();
    let mut out = Evaluation::default();
    let mut trials: Vec<(Trial, Vec<f64>)> = Vec::new();
    for turned in [false, true] {
        if turned && rotation.is_none() {
            continue;
        }
        for code in std::iter::once(None).chain((0..codes.len()).map(Some)) {
            let trial = Trial { code, turned };
            let mut x = start.clone();
            for (&frame, row) in frames.iter().zip(x.chunks_exact_mut(stride)) {
                for (variable, numbers) in copies(values, frame, trial, id, codes, rotation) {
                    let at = objective.offset(variable)?;
                    row[at..at + numbers.len()].copy_from_slice(&numbers);
                }
            }
            objective.evaluate(&x, &all, Want::Cost, &mut out);
            trials.push((trial, out.costs.clone()));
        }
    }
    let mut starts = Vec::new();
    for (slot, &frame) in frames.iter().enumerate() {
        let mut order: Vec<&(Trial, Vec<f64>)> = trials.iter().skip(1).collect();
        order.sort_by(|a, b| a.1[slot].total_cmp(&b.1[slot]));
        let best = order.iter().take(TRIED - 1);
        for (trial, _) in std::iter::once(&trials[0]).chain(best.copied()) {
            let copies = copies(values, frame, *trial, id, codes, rotation);
            starts.push(Start { frame, copies });
        }
    }
    Some(starts)
}

/// What a trial sets.
fn copies(
    values: &Values,
    frame: usize,
    trial: Trial,
    id: VariableId,
    codes: &[Vec<f64>],
    rotation: Option<VariableId>,
) -> Vec<(VariableId, Vec<f64>)> {
    let code = match trial.code {
        Some(k) => codes[k].clone(),
        None => values.get(id, frame).to_vec(),
    };
    let mut copies = vec![(id, code)];
    if let (true, Some(rotation)) = (trial.turned, rotation) {
        // Half a turn about y changes the signs of the rows x and z.
        let mut rows = values.get(rotation, frame).to_vec();
        for k in [0, 1, 2, 6, 7, 8] {
            rows[k] = -rows[k];
        }
        copies.push((rotation, rows));
    }
    copies
}
