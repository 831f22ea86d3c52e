//! The stage loop: an objective for each stage, solved, its values carried on to the next.

mod bridge;
mod checkpoint;
mod codes;
mod curvature;
mod descend;
mod deviations;
mod frames;
mod influence;
mod many;
pub(crate) mod open;
mod outcome;
mod plan;
mod soft;
mod start;
mod windows;

pub use checkpoint::Checkpoint;
pub use deviations::Deviations;
pub use influence::Influence;
pub use outcome::{Fit, FitProgress, StageOutcome, Status};
pub use plan::{StagePlan, plan};
pub(crate) use start::place;

use std::sync::Arc;
use std::time::{Duration, Instant};

use dfdx::prelude::Cpu;

use crate::compile::CompiledObjective;
use crate::graph::{Host, Scalar};
use crate::ir::{Coupling, Precision, Problem, Stage, Values, VariableId};
use crate::objective::{Evaluation, Objective, Want};
use crate::solve::{MethodKind, Solution, SolveSettings, Termination, minimize_with};

/// Solves all stages of a problem; `report` hears of every round and returns false to stop early.
pub fn fit(problem: &Problem, report: &mut dyn FnMut(FitProgress<'_>) -> bool) -> Fit {
    fit_from(problem, None, report)
}

/// Like [`fit`], from where an earlier one was interrupted.
pub fn fit_from(
    problem: &Problem,
    checkpoint: Option<Checkpoint>,
    report: &mut dyn FnMut(FitProgress<'_>) -> bool,
) -> Fit {
    fit_saving(problem, checkpoint, report, &mut |_| {})
}

/// Like [`fit_from`]; `save` is given what a run that is killed can go on from, after stages.
pub(crate) fn fit_saving(
    problem: &Problem,
    checkpoint: Option<Checkpoint>,
    report: &mut dyn FnMut(FitProgress<'_>) -> bool,
    save: &mut dyn FnMut(&Checkpoint),
) -> Fit {
    match problem.settings.precision {
        Precision::F32 => Fitter::<f32, Cpu>::new(problem, report).run(checkpoint, save),
        Precision::F64 => Fitter::<f64, Cpu>::new(problem, report).run(checkpoint, save),
    }
}

/// Work that is worth a checkpoint.
const SAVED_EVERY: Duration = Duration::from_millis(500);

struct Fitter<'a, E, D> {
    problem: &'a Problem,
    report: &'a mut dyn FnMut(FitProgress<'_>) -> bool,
    values: Arc<Values>,
    status: Vec<Status>,
    outcomes: Vec<StageOutcome>,
    /// (frames): whether it was part of a stage.
    touched: Vec<bool>,
    /// (frames): whether the running stage has solved it.
    done: Vec<bool>,
    compile_seconds: f64,
    /// Frames that joint stages left out, since their cost would have drowned the others'.
    drowning: Vec<usize>,
    interrupted: bool,
    /// Which window of how many is solved, where a stage has several.
    window: Option<(usize, usize)>,
    precision: std::marker::PhantomData<(E, D)>,
}

impl<'a, E: Scalar, D: Host<E>> Fitter<'a, E, D> {
    fn new(problem: &'a Problem, report: &'a mut dyn FnMut(FitProgress<'_>) -> bool) -> Self {
        let status = |f: usize| match problem.observed[f] {
            true if frames::representable(problem, f) => Status::Unsolved,
            true => Status::Invalid,
            false => Status::NoData,
        };
        Self {
            problem,
            report,
            values: Values::initial(problem).into(),
            status: (0..problem.frames).map(status).collect(),
            outcomes: Vec::new(),
            touched: vec![false; problem.frames],
            done: vec![false; problem.frames],
            compile_seconds: 0.0,
            drowning: Vec::new(),
            interrupted: false,
            window: None,
            precision: std::marker::PhantomData,
        }
    }

    fn run(mut self, checkpoint: Option<Checkpoint>, save: &mut dyn FnMut(&Checkpoint)) -> Fit {
        let mut saved = Instant::now();
        let mut next = checkpoint.map_or(0, |c| self.go_back_to(c));
        let good = |f: &usize| self.status[*f] == Status::Unsolved && !self.done[*f];
        let placed: Vec<usize> = (0..self.problem.frames).filter(good).collect();
        let mut starts = match next {
            0 => self.starts(&placed),
            _ => None,
        };
        let mut checkpoint = None;
        while let Some(stage) = self.problem.stages.get(next) {
            let before = Arc::clone(&self.values);
            match starts.take() {
                Some(starts) => self.place(stage, next, starts, false),
                None if many::begins(self.problem, next) => self.solve_from_many(stage, next),
                None => self.solve(stage, next),
            }
            if self.interrupted {
                checkpoint = Some(self.checkpoint(next, before));
                break;
            }
            self.done.fill(false);
            next += 1;
            if next < self.problem.stages.len() && saved.elapsed() > SAVED_EVERY {
                save(&self.checkpoint(next, Arc::clone(&self.values)));
                saved = Instant::now();
            }
        }
        self.finish(checkpoint)
    }

    /// Where frames, or elements, begin the first stage: several starts for each, if there are several.
    fn starts(&self, placed: &[usize]) -> Option<Vec<start::Start>> {
        let (problem, values) = (self.problem, Values::initial(self.problem));
        let stage = problem.stages.first()?;
        match problem.batch.is_some() && many::begins(problem, 0) {
            true => Some(many::of_elements(problem, stage, &values, placed)),
            false => start::starts(problem, &values, placed),
        }
    }

    /// Takes up what was solved; returns the stage that was under way.
    fn go_back_to(&mut self, checkpoint: Checkpoint) -> usize {
        self.values = checkpoint.values.into();
        self.touched = checkpoint.touched;
        self.done = checkpoint.done;
        self.status = checkpoint.status;
        let open = |s: &&mut Status| **s == Status::Interrupted;
        let open = self.status.iter_mut().filter(open);
        open.for_each(|s| *s = Status::Unsolved);
        checkpoint.stage
    }

    /// Where to go on, so that the end is the same as without the interruption: frames that the stage had
    /// not done begin it anew, and so does a joint stage.
    fn checkpoint(&self, index: usize, before: Arc<Values>) -> Checkpoint {
        let mut values = before;
        for (i, variable) in self.problem.variables.iter().enumerate() {
            let of_frames = (0..self.problem.frames).filter(|&f| self.done[f]);
            for frame in of_frames.filter(|_| self.problem.is_own(variable)) {
                let copy = Arc::make_mut(&mut values).get_mut(VariableId(i), frame);
                copy.copy_from_slice(self.values.get(VariableId(i), frame));
            }
        }
        Checkpoint {
            stage: index,
            done: self.done.clone(),
            touched: self.touched.clone(),
            status: self.status.clone(),
            values: Arc::unwrap_or_clone(values),
        }
    }

    /// Several starts of a frame are problems of one batch, the best one stays; where they are `many`, of
    /// every frame the same number, only some go on to the end.
    fn place(&mut self, stage: &Stage, index: usize, starts: Vec<start::Start>, many: bool) {
        let alone = stage.coupling == Coupling::Independent;
        let frames: Vec<usize> = starts.iter().map(|s| s.frame).collect();
        let values = Arc::clone(&self.values);
        let objective = CompiledObjective::<E, D>::new(self.problem, stage, &values, frames, false);
        let x = start::begin(&objective, &starts);
        let mut settings = self.settings(stage);
        if !alone {
            settings.max_iter = 0;
        }
        let solution = match many {
            true => self.race(&objective, &starts, x, &settings, stage, index),
            false => self.descend(&objective, x, &settings, stage, index),
        };
        let best = start::best_of_each_frame(&starts, &solution.costs);
        for &p in &best {
            objective.store(&solution.x, p, Arc::make_mut(&mut self.values));
            for (variable, numbers) in &starts[p].copies {
                if objective.offset(*variable).is_none() {
                    let values = Arc::make_mut(&mut self.values);
                    let copy = values.get_mut(*variable, starts[p].frame);
                    copy.copy_from_slice(numbers);
                }
            }
        }
        match alone {
            true => {
                let frames = starts.iter().map(|s| s.frame).collect();
                self.keep(stage, frames, false, solution, &best);
            }
            false => self.solve(stage, index),
        }
    }

    fn solve(&mut self, stage: &Stage, index: usize) {
        let joint = stage.coupling != Coupling::Independent;
        if stage.terms.iter().any(|t| t.couples()) {
            let values = Arc::make_mut(&mut self.values);
            bridge::fill(self.problem, stage, &self.touched, values);
        }
        let mut frames = frames::of_stage(self.problem, stage, &self.usable_frames(stage));
        if !joint {
            frames.retain(|&f| !self.done[f]);
        }
        if frames.is_empty() {
            return;
        }
        let fresh = codes::fresh(self.problem, index).filter(|_| !joint);
        if let Some(id) = fresh.filter(|_| stage.method != MethodKind::Lm)
            && let Some(starts) =
                codes::starts::<E, D>(self.problem, id, stage, &self.values, &frames)
        {
            let many = stage.method == MethodKind::Lbfgs;
            return self.place(stage, index, starts, many);
        }
        let windows = windows::of_stage(self.problem, stage, &frames);
        if windows.len() > 1 {
            return self.solve_in_windows(stage, index, frames, &windows);
        }
        let values = Arc::clone(&self.values);
        let begun = Instant::now();
        let objective =
            CompiledObjective::<E, D>::new(self.problem, stage, &values, frames.clone(), joint);
        self.compile_seconds += begun.elapsed().as_secs_f64();
        let settings = self.settings(stage);
        let solution = self.descend(&objective, objective.start(), &settings, stage, index);
        for slot in 0..frames.len() {
            objective.store(&solution.x, slot, Arc::make_mut(&mut self.values));
        }
        let best: Vec<usize> = (0..frames.len()).collect();
        match fresh {
            Some(id) => self.try_others(id, stage, index, (frames, solution), &values),
            None => self.keep(stage, frames, joint, solution, &best),
        }
    }

    /// Frames that take part: their cost is a number where they stand, and in a joint stage, once they
    /// were solved on their own, not so large that it would drown all others. One that is left out stays
    /// out.
    fn usable_frames(&mut self, stage: &Stage) -> Vec<bool> {
        let frames: Vec<usize> = (0..self.problem.frames).collect();
        let terms = self.frame_terms::<E, D>(stage, &frames);
        let rows = terms.chunks_exact(stage.terms.len().max(1));
        let costs: Vec<f64> = rows.map(|row| row.iter().sum()).collect();
        let limit = match stage.coupling {
            Coupling::Independent => f64::INFINITY,
            _ => frames::DROWNING * frames::median(&costs).max(1.0),
        };
        for (frame, cost) in costs.iter().enumerate() {
            let drowns = *cost > limit && self.touched[frame] && self.problem.observed[frame];
            if drowns {
                self.drowning.push(frame);
            }
            if !cost.is_finite() || drowns {
                self.status[frame] = Status::Invalid;
            }
        }
        self.status.iter().map(|s| *s != Status::Invalid).collect()
    }

    /// (frames, terms): what each frame's own terms cost at the present values.
    fn frame_terms<F: Scalar, B: Host<F>>(&self, stage: &Stage, frames: &[usize]) -> Vec<f64> {
        if frames.is_empty() {
            return Vec::new();
        }
        let fixed = Stage {
            free: Vec::new(),
            ..stage.clone()
        };
        let objective = CompiledObjective::<F, B>::new(
            self.problem,
            &fixed,
            &self.values,
            frames.to_vec(),
            false,
        );
        let all: Vec<usize> = (0..frames.len()).collect();
        let mut out = Evaluation::default();
        objective.evaluate(&[], &all, Want::Cost, &mut out);
        out.terms
    }

    fn minimize(
        &mut self,
        objective: &CompiledObjective<'_, E, D>,
        x: Vec<f64>,
        settings: &SolveSettings,
        stage: &Stage,
        index: usize,
    ) -> Solution {
        let (report, interrupted) = (&mut self.report, &mut self.interrupted);
        let window = self.window;
        let stages = self.problem.stages.len();
        minimize_with(objective, x, settings, &mut |progress| {
            let go_on = report(FitProgress {
                stage: &stage.name,
                stage_index: index,
                stages,
                window,
                progress,
            });
            *interrupted |= !go_on;
            go_on
        })
    }

    fn settings(&self, stage: &Stage) -> SolveSettings {
        let settings = &self.problem.settings;
        SolveSettings {
            method: stage.method,
            learning_rate: settings.learning_rate,
            max_iter: stage.max_iter,
            tolerance_grad: settings.tolerance_grad,
            tolerance_cost: settings.tolerance_cost,
            history: settings.history,
            noise: match settings.precision {
                Precision::F32 => 1e-7,
                Precision::F64 => 1e-15,
            },
            polish: settings.polish,
        }
    }

    /// Records a solved stage; `best` are the problems that stand for their frames.
    fn keep(
        &mut self,
        stage: &Stage,
        frames: Vec<usize>,
        joint: bool,
        mut solution: Solution,
        best: &[usize],
    ) {
        for &p in best {
            self.touched[frames[p]] = true;
            let termination = &solution.terminations[if joint { 0 } else { p }];
            self.done[frames[p]] = *termination != Termination::Interrupted;
            let status = &mut self.status[frames[p]];
            if *status != Status::NoData {
                *status = Status::of(termination);
            }
        }
        // What it found stands in the values.
        solution.x = Vec::new();
        self.outcomes.push(StageOutcome {
            name: stage.name.clone(),
            joint,
            method: stage.method,
            frames,
            term_names: stage.terms.iter().map(|t| t.name.clone()).collect(),
            solution,
            starts: Vec::new(),
        });
    }

    /// Final costs in f64, whatever the precision of the stages.
    fn finish(mut self, checkpoint: Option<Checkpoint>) -> Fit {
        let ended = |s: &Status| matches!(s, Status::NoData | Status::Invalid);
        if self.interrupted {
            // What the last stage has solved keeps how it ended.
            let last = checkpoint.as_ref().map(|c| c.stage + 1) == Some(self.problem.stages.len());
            let pairs = self.status.iter_mut().zip(&self.done);
            let open = pairs.filter(|(s, done)| !(ended(s) || last && **done));
            open.for_each(|(s, _)| *s = Status::Interrupted);
        }
        let usable: Vec<bool> = self.status.iter().map(|s| *s != Status::Invalid).collect();
        let mut solved = vec![false; self.problem.frames];
        let mut frame_costs = vec![f64::NAN; self.problem.frames];
        let mut term_costs = Vec::new();
        let mut found = None;
        if let Some(stage) = self.problem.stages.last() {
            let whole = Stage {
                free: Vec::new(),
                coupling: Coupling::Joint,
                ..stage.clone()
            };
            let mut frames = frames::of_stage(self.problem, &whole, &usable);
            frames.retain(|&f| self.touched[f]);
            let terms = self.frame_terms::<f64, Cpu>(stage, &frames);
            let rows = terms.chunks_exact(stage.terms.len().max(1));
            for (&frame, row) in frames.iter().zip(rows) {
                solved[frame] = self.touched[frame];
                if self.status[frame] != Status::NoData {
                    frame_costs[frame] = row.iter().sum();
                }
            }
            if !frames.is_empty() && !self.interrupted {
                let of = frames.clone();
                found = match self.problem.batch {
                    _ if stage.has_energies() => {
                        curvature::deviations(self.problem, stage, &self.values, &of)
                    }
                    Some(_) => deviations::of_batch(self.problem, stage, &self.values, &of),
                    None => deviations::deviations(self.problem, stage, &self.values, &of),
                };
            }
            let names = stage.terms.iter().map(|t| t.name.clone());
            if self.problem.batch.is_some() {
                // An element that is no number has no part in the sum of the others.
                let sum = |column: usize| {
                    let of_term = terms.iter().skip(column).step_by(stage.terms.len());
                    of_term.sum::<f64>()
                };
                term_costs = names.enumerate().map(|(t, name)| (name, sum(t))).collect();
            } else if !frames.is_empty() {
                let (problem, values) = (self.problem, &self.values);
                let total =
                    CompiledObjective::<f64, Cpu>::new(problem, &whole, values, frames, true);
                let mut out = Evaluation::default();
                total.evaluate(&[], &[0], Want::Cost, &mut out);
                term_costs = names.zip(out.terms).collect();
            }
        }
        Fit {
            values: Arc::unwrap_or_clone(self.values),
            stages: self.outcomes,
            status: self.status,
            compile_seconds: self.compile_seconds,
            drowning: self.drowning,
            checkpoint,
            solved,
            frame_costs,
            term_costs,
            deviations: found,
        }
    }
}
