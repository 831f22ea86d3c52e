//! Which frames take part in a stage.

use ndarray::Axis;

use crate::ir::{Coupling, Precision, Problem, Stage};

/// Observed frames that are usable; a term along frames bridges those without observations.
pub(super) fn of_stage(problem: &Problem, stage: &Stage, usable: &[bool]) -> Vec<usize> {
    let bridges = stage.terms.iter().any(|t| t.couples());
    let takes_part = |f: &usize| (problem.observed[*f] || bridges) && usable[*f];
    let frames: Vec<usize> = (0..problem.frames).filter(takes_part).collect();
    match stage.coupling {
        Coupling::Subset(count) if count < frames.len() => spread(problem, stage, &frames, count),
        _ => frames,
    }
}

/// A frame whose cost is this many times the median would drown all others in a joint stage.
pub(super) const DROWNING: f64 = 1e6;

/// The median of the finite costs.
pub(super) fn median(costs: &[f64]) -> f64 {
    let finite = costs.iter().copied().filter(|c| c.is_finite());
    crate::data::median(finite).unwrap_or(0.0)
}

/// Whether a frame's observations, in units of sigma, can be told apart in the precision.
pub(super) fn representable(problem: &Problem, frame: usize) -> bool {
    let most = match problem.settings.precision {
        Precision::F32 => f64::from(1u32 << 24),
        Precision::F64 => (1u64 << 53) as f64,
    };
    problem.terms.iter().all(|term| {
        let Some(targets) = term.residual.targets() else {
            return true;
        };
        let sigma = term
            .whitening
            .sigma
            .iter()
            .copied()
            .fold(f64::INFINITY, f64::min);
        let values = targets.observations.values.index_axis(Axis(0), frame);
        values
            .iter()
            .all(|x| !x.is_finite() || x.abs() / sigma <= most)
    })
}

/// Spread-out frames: the best observed one of each of `count` equal parts.
fn spread(problem: &Problem, stage: &Stage, frames: &[usize], count: usize) -> Vec<usize> {
    let observed: Vec<f64> = frames
        .iter()
        .map(|&f| evidence(problem, stage, f))
        .collect();
    let part = |i: usize| {
        let (first, end) = (i * frames.len() / count, (i + 1) * frames.len() / count);
        let middle = (first + end) / 2;
        let better = |a: &usize, b: &usize| {
            let distance = |x: usize| x.abs_diff(middle);
            observed[*a]
                .total_cmp(&observed[*b])
                .then(distance(*b).cmp(&distance(*a)))
        };
        (first..end).max_by(better).map(|at| frames[at])
    };
    (0..count).filter_map(part).collect()
}

/// Sum of the weights of what a stage sees of a frame.
pub(super) fn evidence(problem: &Problem, stage: &Stage, frame: usize) -> f64 {
    let targets = stage.terms.iter().filter_map(|t| t.residual.targets());
    targets
        .map(|t| {
            let n = t.weights.len() / problem.frames;
            t.weights[frame * n..(frame + 1) * n].iter().sum::<f64>()
        })
        .sum()
}
