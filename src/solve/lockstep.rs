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
use crate::memory::Memory;
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

/// One run of the method for each problem; an argmin iteration is one batched evaluation.
pub(super) struct Lockstep<'a> {
    runs: Vec<Box<dyn Method>>,
    active: Vec<usize>,
    /// The first problem that has not begun.
    next: usize,
    terrain: Terrain,
    /// Terms of the objective.
    columns: usize,
    report: &'a mut dyn FnMut(Progress) -> bool,
    started: Instant,
    rounds: usize,
    finished_cost: f64,
    trace: Vec<TraceRow>,
    buffers: (Vec<f64>, Evaluation),
}

impl<'a> Lockstep<'a> {
    pub fn new(
        objective: &dyn Objective,
        x0: Vec<f64>,
        settings: &SolveSettings,
        report: &'a mut dyn FnMut(Progress) -> bool,
    ) -> Self {
        let layout = objective.layout();
        let stride = layout.ambient();
        let run = |p: usize| -> Box<dyn Method> {
            let x = x0[p * stride..(p + 1) * stride].to_vec();
            match settings.method {
                MethodKind::Adam => Box::new(Adam::new(x)),
                MethodKind::Lm if objective.has_residuals() => {
                    Box::new(Lm::new(x, objective.has_alternatives(), settings))
                }
                _ => Box::new(Lbfgs::new(x)),
            }
        };
        let runs: Vec<_> = (0..objective.problems()).map(run).collect();
        let window = WINDOW * rayon::current_num_threads();
        let active: Vec<usize> = (0..runs.len().min(window)).collect();
        Self {
            next: active.len(),
            active,
            runs,
            terrain: Terrain {
                layout,
                settings: settings.clone(),
                preconditioner: objective.preconditioner(),
            },
            columns: objective.term_names().len(),
            report,
            started: Instant::now(),
            rounds: 0,
            finished_cost: 0.0,
            trace: Vec::new(),
            buffers: Default::default(),
        }
    }

    fn round(&mut self, problem: &mut Problem<Batch<'_>>) -> Result<(), Error> {
        let mut stepped = vec![false; self.active.len()];
        for want in [Want::Cost, Want::Gradient, Want::Normal, Want::Promising] {
            let asks = |p: &usize| self.runs[*p].asks() == want;
            let asking: Vec<usize> = self.active.iter().copied().filter(asks).collect();
            if !asking.is_empty() {
                self.ask(problem, want, &asking)?;
            }
        }
        self.rounds += 1;
        self.go_on(&mut stepped);
        self.record(&stepped);
        self.make_room();
        let under_way: f64 = self
            .active
            .iter()
            .map(|&p| self.runs[p].state().current.cost)
            .sum();
        let cost = self.finished_cost + under_way;
        let progress = Progress {
            problems: self.runs.len(),
            done: self.next - self.active.len(),
            rounds: self.rounds,
            cost,
        };
        if !(self.report)(progress) {
            let begun = self.active.iter().copied();
            for p in begun.chain(self.next..self.runs.len()) {
                self.runs[p].state_mut().interrupt();
            }
            self.next = self.runs.len();
            self.active.clear();
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
        for &p in asking {
            x.extend(&self.runs[p].state().trial.x);
        }
        evaluation.damping.clear();
        let dampings = asking.iter().map(|&p| self.runs[p].damping());
        evaluation.damping.extend(dampings);
        evaluation.memory.clear();
        for &p in asking {
            let memory = &mut self.runs[p].state_mut().memory;
            evaluation.memory.push(std::mem::take(memory));
        }
        problem.problem("evaluation_count", |batch| {
            batch.objective.evaluate(x, asking, want, evaluation);
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
        for (&p, memory) in asking.iter().zip(evaluation.memory.drain(..)) {
            self.runs[p].state_mut().memory = memory;
        }
        let mut systems = systems.into_iter();
        for (i, &p) in asking.iter().enumerate() {
            let state = self.runs[p].state_mut();
            let terms = &evaluation.terms[i * columns..(i + 1) * columns];
            state.hear(evaluation.costs[i], terms);
            if want == Want::Gradient {
                state.hear_gradient(layout, &evaluation.gradient[i * stride..(i + 1) * stride]);
            }
            if let Some(system) = systems.next() {
                state.hear_slope(&system.slope());
                let excess = evaluation.excess.get(i).copied().unwrap_or(0.0);
                self.runs[p].hear_normal(system, excess);
            }
        }
        Ok(())
    }

    /// Every active problem goes on; each minds only its own.
    fn go_on(&mut self, stepped: &mut [bool]) {
        let terrain = &self.terrain;
        let runs = chosen(&mut self.runs, &self.active);
        let pairs: Vec<_> = runs.into_iter().zip(stepped).collect();
        pairs
            .into_par_iter()
            .with_min_len(4)
            .for_each(|(run, stepped)| {
                *stepped = run.step(terrain);
            });
    }

    /// Ends the finished problems and begins as many others.
    fn make_room(&mut self) {
        let window = self.active.len();
        let runs = &mut self.runs;
        self.active.retain(|&p| {
            let goes_on = runs[p].state().termination.is_none();
            if !goes_on {
                self.finished_cost += runs[p].state().current.cost;
                runs[p].forget();
                runs[p].state_mut().memory = Memory::default();
            }
            goes_on
        });
        let free = window - self.active.len();
        let end = (self.next + free).min(self.runs.len());
        self.active.extend(self.next..end);
        self.next = end;
    }

    fn record(&mut self, stepped: &[bool]) {
        let seconds = self.started.elapsed().as_secs_f64();
        let spacing = self.runs.len().div_ceil(TRACED).max(1);
        for (&problem, stepped) in self.active.iter().zip(stepped) {
            let run = self.runs[problem].state();
            if *stepped && problem % spacing == 0 {
                self.trace.push(TraceRow {
                    problem,
                    iteration: run.iterations,
                    evaluations: run.evaluations,
                    seconds,
                    cost: run.current.cost,
                    terms: run.current.terms.clone(),
                    gradient: run.gradient,
                    step: run.last_step,
                });
            }
        }
    }

    pub fn into_solution(self) -> Solution {
        let mut solution = Solution {
            seconds: self.started.elapsed().as_secs_f64(),
            trace: self.trace,
            ..Solution::default()
        };
        for run in &self.runs {
            let run = run.state();
            solution.x.extend(&run.current.x);
            solution.costs.push(run.current.cost);
            // A problem that was interrupted before it began has no terms yet.
            let known = run.current.terms.len() == self.columns;
            let unknown = vec![f64::NAN; self.columns];
            let terms = if known { &run.current.terms } else { &unknown };
            solution.terms.extend(terms);
            solution.iterations.push(run.iterations);
            solution.evaluations.push(run.evaluations);
            let termination = run.termination.unwrap_or(Termination::Interrupted);
            solution.terminations.push(termination);
        }
        solution
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

/// Some of the runs, by their ascending indices.
fn chosen<'r>(runs: &'r mut [Box<dyn Method>], indices: &[usize]) -> Vec<&'r mut Box<dyn Method>> {
    let mut found = Vec::with_capacity(indices.len());
    let (mut rest, mut passed) = (runs, 0);
    for &index in indices {
        let Some((run, after)) = rest[index - passed..].split_first_mut() else {
            break;
        };
        found.push(run);
        rest = after;
        passed = index + 1;
    }
    found
}
