//! Starts of the frames that say little of themselves: between those of their neighbours in time.

use super::frames::evidence;
use crate::ir::{Per, Problem, Stage, Values, VariableId};

/// Below this share of the usual evidence a frame's own solution may be anything.
const WEAK: f64 = 0.35;

/// Moves the frames of a stage along frames that no stage has solved, or that are weakly observed,
/// to where their nearest well-observed neighbours say.
pub(super) fn fill(problem: &Problem, stage: &Stage, solved: &[bool], values: &mut Values) {
    let evidence: Vec<f64> = (0..problem.frames)
        .map(|f| {
            if solved[f] {
                evidence(problem, stage, f)
            } else {
                0.0
            }
        })
        .collect();
    let mut seen: Vec<f64> = evidence.iter().copied().filter(|e| *e > 0.0).collect();
    seen.sort_by(f64::total_cmp);
    let Some(usual) = seen.get(seen.len() / 2) else {
        return;
    };
    let firm: Vec<usize> = (0..problem.frames)
        .filter(|&f| evidence[f] > 0.0 && evidence[f] >= WEAK * usual)
        .collect();
    for frame in (0..problem.frames).filter(|f| firm.binary_search(f).is_err()) {
        let after = firm.partition_point(|&f| f < frame);
        let (left, right) = match (after.checked_sub(1).map(|i| firm[i]), firm.get(after)) {
            (Some(left), Some(&right)) => (left, right),
            (Some(only), None) | (None, Some(&only)) => (only, only),
            (None, None) => return,
        };
        let along = match right - left {
            0 => 0.0,
            gap => (frame - left) as f64 / gap as f64,
        };
        for &id in &stage.free {
            if problem.variables[id.0].per == Per::Frame {
                let before = values.get(id, frame).to_vec();
                set_between(problem, values, id, (left, right, along), frame);
                let after = values.get_mut(id, frame);
                stage.held(id).iter().for_each(|&c| after[c] = before[c]);
            }
        }
    }
}

fn set_between(
    problem: &Problem,
    values: &mut Values,
    id: VariableId,
    (left, right, along): (usize, usize, f64),
    frame: usize,
) {
    let manifold = problem.variables[id.0].manifold;
    let (a, b) = (
        values.get(id, left).to_vec(),
        values.get(id, right).to_vec(),
    );
    let n = manifold.ambient();
    let copies = values.get_mut(id, frame).chunks_exact_mut(n);
    for ((a, b), to) in a.chunks_exact(n).zip(b.chunks_exact(n)).zip(copies) {
        manifold.between(a, b, along, to);
    }
}
