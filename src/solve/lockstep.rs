//! The rounds that the problems of a batch share, as an argmin solver.

use std::time::Instant;

use argmin::core::{
    Error, IterState, KV, Problem, Solver, State, TerminationReason, TerminationStatus,
};
use rayon::prelude::*;

use super::adam::Adam;
use super::lbfgs::Lbfgs;
use super::lm::{Lm, System};
use super::outcome::{Progress, Solution, Termination, TraceRow};
use super::state::{Method, Terrain};
use super::{MethodKind, SolveSettings};
use crate::normal::Normal;
use crate::objective::{Evaluation, Objective, Want};

/// Problems that a thread works on at a time: enough for a chunk of the objective, few enough that
/// the memory for their histories is bounded. Results do not depend on it.
const WINDOW: usize = 128;

/// Problems whose iterations are recorded at most.
const TRACED: usize = 256;

/// The operator that argmin counts the evaluations of.
pub(super) struct Batch<'a> {
    pub objective: &'a dyn Objective,
}

type Iteration = IterState<Vec<f64>, (), (), (), (), f64>;

/// The method at work on one problem.
struct Run {
    problem: usize,
    method: Box<dyn Method>,
}

/// A run of the method for each problem under way; an argmin iteration is one batched evaluation.
pub(super) struct Lockstep<'a> {
    /// Starts of problems that have not begun, and what is known of those that have ended.
    solution: Solution,
    active: Vec<Run>,
    /// The first problem that has not begun.
    next: usize,
    problems: usize,
    begin: Begin,
    terrain: Terrain,
    /// Terms of the objective.
    columns: usize,
    report: &'a mut dyn FnMut(Progress) -> bool,
    started: Instant,
    rounds: usize,
    finished_cost: f64,
    buffers: (Vec<f64>, Evaluation),
}

/// What the method of a problem is made of, besides its start.
struct Begin {
    kind: MethodKind,
    alternatives: bool,
}

impl Begin {
    fn method(&self, x: Vec<f64>, settings: &SolveSettings) -> Box<dyn Method> {
        match self.kind {
            MethodKind::Adam => Box::new(Adam::new(x)),
            MethodKind::Lm => Box::new(Lm::new(x, self.alternatives, settings)),
            MethodKind::Lbfgs => Box::new(Lbfgs::new(x)),
        }
    }
}

impl<'a> Lockstep<'a> {
    pub fn new(
        objective: &dyn Objective,
        x0: Vec<f64>,
        settings: &SolveSettings,
        report: &'a mut dyn FnMut(Progress) -> bool,
    ) -> Self {
        let kind = match settings.method {
            MethodKind::Lm if !objective.has_residuals() => MethodKind::Lbfgs,
            kind => kind,
        };
        let (problems, columns) = (objective.problems(), objective.term_names().len());
        let mut lockstep = Self {
            solution: Solution {
                x: x0,
                costs: vec![0.0; problems],
                terms: vec![f64::NAN; problems * columns],
                terminations: vec![Termination::Interrupted; problems],
                iterations: vec![0; problems],
                evaluations: vec![0; problems],
                ..Solution::default()
            },
            active: Vec::new(),
            next: 0,
            problems,
            begin: Begin {
                kind,
                alternatives: objective.has_alternatives(),
            },
            terrain: Terrain {
                layout: objective.layout(),
                settings: settings.clone(),
                preconditioner: objective.preconditioner(),
            },
            columns,
            report,
            started: Instant::now(),
            rounds: 0,
            finished_cost: 0.0,
            buffers: Default::default(),
        };
        lockstep.begin(WINDOW * rayon::current_num_threads());
        lockstep
    }

    /// Begins so many further problems.
    fn begin(&mut self, count: usize) {
        let stride = self.terrain.layout.ambient();
        let end = (self.next + count).min(self.problems);
        for problem in self.next..end {
            let x = self.solution.x[problem * stride..(problem + 1) * stride].to_vec();
            let method = self.begin.method(x, &self.terrain.settings);
            self.active.push(Run { problem, method });
        }
        self.next = end;
    }

    fn round(&mut self, problem: &mut Problem<Batch<'_>>) -> Result<(), Error> {
        let mut stepped = vec![false; self.active.len()];
        for want in [Want::Cost, Want::Gradient, Want::Normal, Want::Promising] {
            let asks = |at: &usize| self.active[*at].method.asks() == want;
            let asking: Vec<usize> = (0..self.active.len()).filter(asks).collect();
            if !asking.is_empty() {
                self.ask(problem, want, &asking)?;
            }
        }
        self.rounds += 1;
        self.go_on(&mut stepped);
        self.record(&stepped);
        self.make_room();
        let costs = self
            .active
            .iter()
            .map(|run| run.method.state().current.cost);
        let cost = self.finished_cost + costs.sum::<f64>();
        let progress = Progress {
            problems: self.problems,
            done: self.next - self.active.len(),
            rounds: self.rounds,
            cost,
        };
        if !(self.report)(progress) {
            for mut run in std::mem::take(&mut self.active) {
                run.method.state_mut().interrupt();
                self.end(&run);
            }
            self.next = self.problems;
        }
        Ok(())
    }

    /// Has some trials evaluated, and tells each problem what is said of its own.
    fn ask(
        &mut self,
        problem: &mut Problem<Batch<'_>>,
        want: Want,
        asking: &[usize],
    ) -> Result<(), Error> {
        let (x, evaluation) = &mut self.buffers;
        x.clear();
        let mut problems = Vec::with_capacity(asking.len());
        for &at in asking {
            let run = &self.active[at];
            x.extend(&run.method.state().trial.x);
            problems.push(run.problem);
        }
        evaluation.damping.clear();
        let dampings = asking.iter().map(|&at| self.active[at].method.damping());
        evaluation.damping.extend(dampings);
        evaluation.memory.clear();
        for &at in asking {
            let method = &mut self.active[at].method;
            evaluation
                .memory
                .push(std::mem::take(&mut method.state_mut().memory));
            if let Some(System::Chain(chain)) = method.spare() {
                evaluation.normal = Normal::Chain(chain);
            }
        }
        problem.problem("evaluation_count", |batch| {
            batch.objective.evaluate(x, &problems, want, evaluation);
            Ok(())
        })?;
        let (layout, columns) = (&self.terrain.layout, self.columns);
        let stride = layout.ambient();
        let systems = match (want, std::mem::take(&mut evaluation.normal)) {
            (Want::Cost | Want::Gradient, _) => Vec::new(),
            (_, Normal::Dense(all)) => all.into_iter().map(System::Dense).collect(),
            (_, Normal::Lanes(all)) => all.into_iter().map(System::Lane).collect(),
            (_, Normal::Chain(chain)) => vec![System::Chain(chain)],
            (_, Normal::Linked(linked)) => vec![System::Linked(linked)],
        };
        for (&at, memory) in asking.iter().zip(evaluation.memory.drain(..)) {
            self.active[at].method.state_mut().memory = memory;
        }
        let mut systems = systems.into_iter();
        for (i, &at) in asking.iter().enumerate() {
            let method = &mut self.active[at].method;
            let state = method.state_mut();
            let terms = &evaluation.terms[i * columns..(i + 1) * columns];
            state.hear(evaluation.costs[i], terms);
            if want == Want::Gradient {
                state.hear_gradient(layout, &evaluation.gradient[i * stride..(i + 1) * stride]);
            }
            if let Some(system) = systems.next() {
                state.hear_slope(&system.slope());
                let excess = evaluation.excess.get(i).copied().unwrap_or(0.0);
                method.hear_normal(system, excess);
            }
        }
        Ok(())
    }

    /// Every active problem goes on; each minds only its own.
    fn go_on(&mut self, stepped: &mut [bool]) {
        let terrain = &self.terrain;
        let pairs = self.active.par_iter_mut().zip(stepped);
        pairs.with_min_len(4).for_each(|(run, stepped)| {
            *stepped = run.method.step(terrain);
        });
    }

    /// Ends the finished problems and begins as many others.
    fn make_room(&mut self) {
        let window = self.active.len();
        for run in std::mem::take(&mut self.active) {
            match run.method.state().termination {
                Some(_) => self.end(&run),
                None => self.active.push(run),
            }
        }
        self.begin(window - self.active.len());
    }

    /// Notes how a problem has ended.
    fn end(&mut self, run: &Run) {
        let (state, p) = (run.method.state(), run.problem);
        let solution = &mut self.solution;
        let stride = state.current.x.len();
        solution.x[p * stride..(p + 1) * stride].copy_from_slice(&state.current.x);
        solution.costs[p] = state.current.cost;
        // A problem that was interrupted before it was evaluated has no terms yet.
        if state.current.terms.len() == self.columns {
            let to = &mut solution.terms[p * self.columns..(p + 1) * self.columns];
            to.copy_from_slice(&state.current.terms);
        }
        solution.iterations[p] = state.iterations;
        solution.evaluations[p] = state.evaluations;
        solution.terminations[p] = state.termination.unwrap_or(Termination::Interrupted);
        self.finished_cost += state.current.cost;
    }

    fn record(&mut self, stepped: &[bool]) {
        let seconds = self.started.elapsed().as_secs_f64();
        let spacing = self.problems.div_ceil(TRACED).max(1);
        for (run, stepped) in self.active.iter().zip(stepped) {
            let state = run.method.state();
            if *stepped && run.problem % spacing == 0 {
                self.solution.trace.push(TraceRow {
                    problem: run.problem,
                    iteration: state.iterations,
                    evaluations: state.evaluations,
                    seconds,
                    cost: state.current.cost,
                    terms: state.current.terms.clone(),
                    gradient: state.gradient,
                    step: state.last_step,
                });
            }
        }
    }

    pub fn into_solution(self) -> Solution {
        Solution {
            seconds: self.started.elapsed().as_secs_f64(),
            ..self.solution
        }
    }
}

impl Solver<Batch<'_>, Iteration> for Lockstep<'_> {
    fn name(&self) -> &str {
        "a method in lockstep"
    }

    fn next_iter(
        &mut self,
        problem: &mut Problem<Batch<'_>>,
        state: Iteration,
    ) -> Result<(Iteration, Option<KV>), Error> {
        if !self.active.is_empty() {
            self.round(problem)?;
        }
        let cost = self.finished_cost;
        Ok((state.cost(cost), None))
    }

    /// Nothing but the problems' own tests ends a solve.
    fn terminate_internal(&mut self, state: &Iteration) -> TerminationStatus {
        match self.active.is_empty() {
            true => TerminationStatus::Terminated(TerminationReason::SolverConverged),
            false if state.get_iter() >= state.get_max_iters() => {
                TerminationStatus::Terminated(TerminationReason::MaxItersReached)
            }
            false => TerminationStatus::NotTerminated,
        }
    }
}
