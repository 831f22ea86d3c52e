//! A long chain of frames, solved window by window, so that its memory does not grow with its frames.
//!
//! Each window goes on some frames beyond those whose solution it keeps, and begins beside frames that
//! are solved and held. What frames farther away would change dies out over so many neighbours.

use std::ops::Range;
use std::sync::Arc;

use super::frames::evidence;
use super::{Fitter, Status};
use crate::compile::CompiledObjective;
use crate::graph::{Host, Scalar};
use crate::ir::{Coupling, Problem, Stage, VariableId};
use crate::objective::{Evaluation, Objective, Want};
use crate::solve::{Solution, Termination, TraceRow};

/// Frames that a window keeps, at most, and those that it goes on.
const KEPT: usize = 2048;
const BEYOND: usize = 256;

/// Frames to each side of a window's end that should be seen well.
const SEEN: usize = 32;

/// The windows of a stage's frames, by what each keeps; one where the frames are few or share unknowns.
pub(super) fn of_stage(problem: &Problem, stage: &Stage, frames: &[usize]) -> Vec<Range<usize>> {
    let own = |id: &VariableId| problem.is_own(&problem.variables[id.0]);
    let chain = stage.coupling == Coupling::Joint && stage.free.iter().all(own);
    let (mut first, mut windows) = (0, Vec::new());
    while chain && problem.batch.is_none() && frames.len() - first > KEPT + BEYOND {
        let end = well_seen(problem, stage, frames, first + KEPT * 3 / 4..first + KEPT);
        windows.push(first..end);
        first = end;
    }
    windows.push(first..frames.len());
    windows
}

/// Frames of the longest window.
pub(super) fn longest(problem: &Problem, stage: &Stage, frames: &[usize]) -> usize {
    let windows = of_stage(problem, stage, frames);
    let length = |kept: &Range<usize>| (kept.end + BEYOND).min(frames.len()) - kept.start;
    windows.iter().map(length).max().unwrap_or(0)
}

/// The last place in a range about which the least seen frame is seen best.
fn well_seen(problem: &Problem, stage: &Stage, frames: &[usize], range: Range<usize>) -> usize {
    let around = range.start - SEEN..range.end + SEEN;
    let seen: Vec<f64> = around
        .map(|i| evidence(problem, stage, frames[i]))
        .collect();
    let least = |at: &usize| {
        let about = &seen[at - range.start..][..2 * SEEN];
        about.iter().copied().fold(f64::INFINITY, f64::min)
    };
    let best = range.clone().max_by(|a, b| least(a).total_cmp(&least(b)));
    best.unwrap_or(range.end)
}

impl<E: Scalar, D: Host<E>> Fitter<'_, E, D> {
    /// Solves a joint stage of linked frames in windows, one after the other.
    pub(super) fn solve_in_windows(
        &mut self,
        stage: &Stage,
        index: usize,
        frames: Vec<usize>,
        windows: &[Range<usize>],
    ) {
        let settings = self.settings(stage);
        let reach = stage.terms.iter().map(|t| t.reach).max().unwrap_or(0);
        let mut solutions = Vec::new();
        for (number, kept) in windows.iter().enumerate() {
            self.window = Some((number, windows.len()));
            let values = Arc::clone(&self.values);
            let held = kept.start.min(reach);
            let to = (kept.end + BEYOND).min(frames.len());
            let of_window = frames[kept.start - held..to].to_vec();
            let mut objective =
                CompiledObjective::<E, D>::new(self.problem, stage, &values, of_window, true);
            objective.hold_first(held);
            let x = objective.start();
            let mut solution = self.descend(&objective, x, &settings, stage, index);
            for slot in held..held + kept.len() {
                objective.store(&solution.x, slot, Arc::make_mut(&mut self.values));
            }
            solution.x = Vec::new();
            solutions.push(solution);
            if self.interrupted {
                break;
            }
        }
        self.window = None;
        let ended: Vec<Termination> = solutions
            .iter()
            .flat_map(|s| s.terminations.clone())
            .collect();
        let mut whole = merged(solutions);
        (whole.costs, whole.terms) = self.cost_of(stage, &frames);
        if let (Some(last), [cost]) = (whole.trace.last_mut(), &whole.costs[..]) {
            (last.cost, last.terms) = (*cost, whole.terms.clone());
        }
        let best: Vec<usize> = (0..frames.len()).collect();
        self.keep(stage, frames.clone(), true, whole, &best);
        // Frames have ended as their own window did.
        for (kept, ended) in windows.iter().zip(&ended) {
            for frame in &frames[kept.clone()] {
                if self.status[*frame] != Status::NoData {
                    self.status[*frame] = Status::of(ended);
                }
            }
        }
    }

    /// The cost of a joint stage where the values stand, and that of its terms.
    fn cost_of(&self, stage: &Stage, frames: &[usize]) -> (Vec<f64>, Vec<f64>) {
        let objective = CompiledObjective::<E, D>::new(
            self.problem,
            stage,
            &self.values,
            frames.to_vec(),
            true,
        );
        let mut out = Evaluation::default();
        objective.evaluate(&objective.start(), &[0], Want::Cost, &mut out);
        (out.costs, out.terms)
    }
}

/// One solution of all windows: it ended as the worst of them did.
fn merged(windows: Vec<Solution>) -> Solution {
    let most = |of: fn(&Solution) -> &[usize]| {
        let all = windows.iter().flat_map(of);
        vec![all.copied().max().unwrap_or(0)]
    };
    let all = || windows.iter().flat_map(|w| &w.terminations).copied();
    let rank = |t: &Termination| match t {
        Termination::Interrupted => 4,
        Termination::Invalid => 3,
        Termination::Stalled { .. } => 2,
        Termination::MaxIter { .. } => 1,
        _ => 0,
    };
    Solution {
        iterations: most(|w| &w.iterations),
        evaluations: most(|w| &w.evaluations),
        terminations: all().max_by_key(rank).into_iter().collect(),
        seconds: windows.iter().map(|w| w.seconds).sum(),
        trace: traced(&windows),
        ..Solution::default()
    }
}

/// The sums over windows at each iteration; those that have ended keep their last.
fn traced(windows: &[Solution]) -> Vec<TraceRow> {
    let rows = windows.iter().map(|w| w.trace.len()).max().unwrap_or(0);
    let at = |row: usize| {
        let of = windows
            .iter()
            .filter_map(move |w| w.trace.get(row).or(w.trace.last()));
        let mut sum = of.clone().next()?.clone();
        for other in of.skip(1) {
            sum.iteration = sum.iteration.max(other.iteration);
            sum.evaluations = sum.evaluations.max(other.evaluations);
            sum.seconds += other.seconds;
            sum.cost += other.cost;
            let terms = sum.terms.iter_mut().zip(&other.terms);
            terms.for_each(|(sum, x)| *sum += x);
            sum.gradient = sum.gradient.max(other.gradient);
            sum.step = sum.step.max(other.step);
        }
        Some(sum)
    };
    (0..rows).filter_map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(iteration: usize, cost: f64) -> TraceRow {
        TraceRow {
            problem: 0,
            iteration,
            evaluations: iteration + 1,
            seconds: 0.1,
            cost,
            terms: vec![cost],
            gradient: cost,
            step: 0.0,
        }
    }

    #[test]
    fn windows_are_summed_iteration_by_iteration_and_end_as_the_worst() {
        let solution = |costs: &[f64], termination| Solution {
            terminations: vec![termination],
            iterations: vec![costs.len() - 1],
            evaluations: vec![costs.len()],
            trace: costs.iter().enumerate().map(|(i, c)| row(i, *c)).collect(),
            seconds: 1.0,
            ..Solution::default()
        };
        let (value, tolerance) = (0.0, 1.0);
        let good = solution(&[9.0, 4.0, 1.0], Termination::Cost { value, tolerance });
        let bad = solution(&[5.0, 3.0], Termination::MaxIter { iterations: 1 });
        let whole = merged(vec![good, bad]);
        let costs: Vec<f64> = whole.trace.iter().map(|r| r.cost).collect();
        assert_eq!(costs, [14.0, 7.0, 4.0]);
        assert_eq!((&whole.iterations[..], whole.seconds), (&[2][..], 2.0));
        assert!(!whole.terminations[0].converged());
    }
}
