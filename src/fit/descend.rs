//! How a stage's problems are solved: with rounded kinks first, from other starts where they fit badly, by
//! short steps where they stall.

use std::sync::Arc;

use super::start::Start;
use super::{Fitter, codes, soft, start};
use crate::compile::CompiledObjective;
use crate::graph::{Host, Scalar};
use crate::ir::{Stage, Values, VariableId};
use crate::objective::Objective;
use crate::solve::{MethodKind, Solution, SolveSettings, Termination};

/// Starts of a frame that go on to the end, and the iterations that all are given before.
const FINALISTS: usize = 4;
const HEAT: usize = 250;

impl<E: Scalar, D: Host<E>> Fitter<'_, E, D> {
    /// Solves frames again whose cost is doubtful, from other starts of a variable; the best stays.
    pub(super) fn try_others(
        &mut self,
        id: VariableId,
        stage: &Stage,
        index: usize,
        (mut frames, mut solution): (Vec<usize>, Solution),
        before: &Values,
    ) {
        let mut best: Vec<usize> = (0..frames.len()).collect();
        let doubtful = codes::doubtful(stage, &frames, &solution.costs);
        if self.interrupted {
            reopen(&frames, &doubtful, &mut solution);
        }
        let starts = match self.interrupted || doubtful.is_empty() {
            true => None,
            false => codes::starts::<E, D>(self.problem, id, stage, before, &doubtful),
        };
        if let Some(starts) = starts {
            let first = frames.len();
            let others: Vec<usize> = starts.iter().map(|s| s.frame).collect();
            let (problem, again) = (self.problem, others.clone());
            let objective = CompiledObjective::<E, D>::new(problem, stage, before, again, false);
            let x = start::begin(&objective, &starts);
            let more = self.descend(&objective, x, &self.settings(stage), stage, index);
            // What was interrupted may have been judged with rounded kinks.
            if self.interrupted {
                reopen(&frames, &doubtful, &mut solution);
                return self.keep(stage, frames, false, solution, &best);
            }
            for p in start::best_of_each_frame(&starts, &more.costs) {
                let own = frames[..first].binary_search(&others[p]);
                if let Some(own) = own.ok().filter(|own| more.costs[p] < solution.costs[*own]) {
                    objective.store(&more.x, p, Arc::make_mut(&mut self.values));
                    best[own] = first + p;
                }
            }
            frames.extend(others);
            solution.append(more, first);
        }
        self.keep(stage, frames, false, solution, &best);
    }

    /// Minimises all starts of frames for some iterations, then the best ones of each to the end.
    pub(super) fn race(
        &mut self,
        objective: &CompiledObjective<'_, E, D>,
        starts: &[Start],
        x: Vec<f64>,
        settings: &SolveSettings,
        stage: &Stage,
        index: usize,
    ) -> Solution {
        let within = |max_iter: usize| SolveSettings {
            max_iter,
            ..settings.clone()
        };
        let heat = within(HEAT.min(settings.max_iter));
        let mut solution = self.minimize(objective, x, &heat, stage, index);
        let (mut finalists, mut at) = (Vec::new(), 0);
        for starts in starts.chunk_by(|a, b| a.frame == b.frame) {
            let mut order: Vec<usize> = (at..at + starts.len()).collect();
            order.sort_by(|a, b| solution.costs[*a].total_cmp(&solution.costs[*b]));
            order.truncate(FINALISTS);
            order.retain(|p| !solution.terminations[*p].converged());
            order.sort_unstable();
            finalists.extend(order);
            at += starts.len();
        }
        let rest = within(settings.max_iter.saturating_sub(HEAT));
        if !self.interrupted && rest.max_iter > 0 {
            self.go_on(objective, &finalists, &mut solution, &rest, stage, index);
        }
        // What is best so far need not be so in the end: the frames begin anew.
        if self.interrupted {
            solution.terminations.fill(Termination::Interrupted);
        }
        solution
    }

    /// Minimises, first with rounded kinks where the stage has any.
    pub(super) fn descend(
        &mut self,
        objective: &CompiledObjective<'_, E, D>,
        mut x: Vec<f64>,
        settings: &SolveSettings,
        stage: &Stage,
        index: usize,
    ) -> Solution {
        let mut before: Option<Solution> = None;
        for softer in soft::stages(self.problem, stage) {
            let rounded = objective.like(&softer);
            let mut solution = self.minimize(&rounded, x, &soft::settings(settings), stage, index);
            x = std::mem::take(&mut solution.x);
            if let Some(before) = &before {
                solution.follow(before);
            }
            if self.interrupted {
                solution.x = x;
                solution.terminations.fill(Termination::Interrupted);
                return solution;
            }
            before = Some(solution);
        }
        let Some(before) = before else {
            return self.minimize(objective, x, settings, stage, index);
        };
        let rest = soft::rest(settings, self.problem.settings.tolerance_of_codes);
        let mut solution = self.minimize(objective, x, &rest, stage, index);
        solution.follow(&before);
        self.unstick(objective, &mut solution, &rest, stage, index);
        solution
    }

    /// Takes problems on by L-BFGS that stalled at a kink.
    fn unstick(
        &mut self,
        objective: &CompiledObjective<'_, E, D>,
        solution: &mut Solution,
        settings: &SolveSettings,
        stage: &Stage,
        index: usize,
    ) {
        let stalled = |t: &Termination| matches!(t, Termination::Stalled { .. });
        let numbered = solution.terminations.iter().enumerate();
        let stuck: Vec<usize> = numbered
            .filter(|(_, t)| stalled(t))
            .map(|(p, _)| p)
            .collect();
        if self.interrupted {
            let all = &mut solution.terminations;
            stuck
                .iter()
                .for_each(|p| all[*p] = Termination::Interrupted);
        }
        if stuck.is_empty() || self.interrupted {
            return;
        }
        let settings = SolveSettings {
            method: MethodKind::Lbfgs,
            ..settings.clone()
        };
        self.go_on(objective, &stuck, solution, &settings, stage, index);
    }

    /// Minimises some of the problems on from where they ended.
    fn go_on(
        &mut self,
        objective: &CompiledObjective<'_, E, D>,
        some: &[usize],
        solution: &mut Solution,
        settings: &SolveSettings,
        stage: &Stage,
        index: usize,
    ) {
        let stride = objective.layout().ambient();
        let rows = some
            .iter()
            .map(|p| &solution.x[p * stride..(p + 1) * stride]);
        let x: Vec<f64> = rows.flatten().copied().collect();
        let part = objective.part(stage, some);
        let more = self.minimize(&part, x, settings, stage, index);
        solution.seconds += more.seconds;
        for (i, p) in some.iter().enumerate() {
            solution.replace(*p, &more, i, stride);
        }
    }
}

/// Leaves some frames to be solved when the run goes on.
fn reopen(frames: &[usize], some: &[usize], solution: &mut Solution) {
    let problems = frames.iter().zip(&mut solution.terminations);
    for (_, termination) in problems.filter(|(f, _)| some.contains(f)) {
        *termination = Termination::Interrupted;
    }
}
