//! Which frames take part in a stage.

use crate::ir::{Coupling, Problem, Residual, Stage};

/// Observed frames with finite costs; a term along frames bridges those without observations.
pub(super) fn of_stage(problem: &Problem, stage: &Stage, finite: &[bool]) -> Vec<usize> {
    let bridges = stage.terms.iter().any(|t| t.residual.couples());
    let timeless = problem.observed.iter().all(|seen| !seen);
    let takes_part = |f: &usize| (problem.observed[*f] || bridges || timeless) && finite[*f];
    let frames: Vec<usize> = (0..problem.frames).filter(takes_part).collect();
    match stage.coupling {
        Coupling::Subset(count) if count < frames.len() => spread(problem, stage, &frames, count),
        _ => frames,
    }
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
fn evidence(problem: &Problem, stage: &Stage, frame: usize) -> f64 {
    let targets = stage.terms.iter().filter_map(|t| match &t.residual {
        Residual::Points(targets) => Some(targets),
        _ => None,
    });
    targets
        .map(|t| {
            let n = t.weights.len() / problem.frames;
            t.weights[frame * n..(frame + 1) * n].iter().sum::<f64>()
        })
        .sum()
}
