//! Minimises a batched objective in argmin's executor; a file per method.

mod adam;
mod adapter;
mod lbfgs;
mod line_search;
mod lm;
mod lockstep;
mod outcome;
mod state;

use argmin::core::{Executor, IterState};

use crate::objective::Objective;
use lockstep::{Batch, Lockstep};

pub use adapter::Single;
pub use outcome::{Progress, Solution, Termination, TraceRow};

/// The algorithm that minimises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MethodKind {
    #[default]
    Lbfgs,
    Adam,
    /// Levenberg and Marquardt's, for costs that are squares of residuals; an objective without them
    /// is solved by L-BFGS instead.
    Lm,
}

impl MethodKind {
    pub const NAMES: [(&str, Self); 3] = [
        ("lm", Self::Lm),
        ("lbfgs", Self::Lbfgs),
        ("adam", Self::Adam),
    ];

    pub fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, kind)| *kind == self);
        found.map_or("", |(name, _)| name)
    }
}

/// How a batch of problems is minimised.
#[derive(Clone, Debug, PartialEq)]
pub struct SolveSettings {
    pub method: MethodKind,
    /// Accepted steps of one problem.
    pub max_iter: usize,
    /// Converged when the largest whitened gradient entry is at most this times max(1, E).
    pub tolerance_grad: f64,
    /// Converged when three iterations lower E by at most this times max(1, E).
    pub tolerance_cost: f64,
    /// Pairs of steps and gradient changes that L-BFGS keeps.
    pub history: usize,
    /// Largest whitened change of a coordinate in one of Adam's steps.
    pub learning_rate: f64,
    /// Rounding error of a cost, relative to it: 1e-15 in f64, 1e-7 in f32.
    pub noise: f64,
    /// Whether costs are measured against themselves, however small, and `lm` goes on to the last digit
    /// of x; else against max(1, E).
    pub polish: bool,
}

impl Default for SolveSettings {
    fn default() -> Self {
        Self {
            method: MethodKind::default(),
            max_iter: 500,
            tolerance_grad: 1e-4,
            tolerance_cost: 1e-9,
            history: 60,
            learning_rate: 0.05,
            noise: 1e-15,
            polish: false,
        }
    }
}

/// Minimises every problem of the batch from `x0`, (problems, ambient).
///
/// Problems advance in lockstep: one batched evaluation serves all their line searches, and those
/// that are done take no further part. Each has its own history, step and tests.
pub fn minimize(objective: &dyn Objective, x0: Vec<f64>, settings: &SolveSettings) -> Solution {
    minimize_with(objective, x0, settings, &mut |_| true)
}

/// Like [`minimize`]; `report` hears of every round and returns false to stop early.
pub fn minimize_with(
    objective: &dyn Objective,
    x0: Vec<f64>,
    settings: &SolveSettings,
    report: &mut dyn FnMut(Progress) -> bool,
) -> Solution {
    let solver = Lockstep::new(objective, x0, settings, report);
    let batch = Batch { objective };
    let executor = Executor::new(batch, solver)
        .configure(|state: IterState<Vec<f64>, (), (), (), (), f64>| state.max_iters(u64::MAX))
        .timer(false);
    match executor.run() {
        Ok(result) => result.solver.into_solution(),
        Err(error) => unreachable!("a round of the lockstep reports no errors: {error}"),
    }
}
