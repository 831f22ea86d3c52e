//! What a fit leaves: values, how each frame ended, and the stages' records.

use super::{Checkpoint, Deviations, many};
use crate::ir::{Problem, Values};
use crate::solve::{MethodKind, Progress, Solution, Termination};

/// How one frame ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Observed, but part of no stage.
    Unsolved,
    Converged,
    MaxIter,
    Stalled,
    NoData,
    Invalid,
    Interrupted,
}

impl Status {
    pub const ALL: [Self; 7] = [
        Self::Unsolved,
        Self::Converged,
        Self::MaxIter,
        Self::Stalled,
        Self::NoData,
        Self::Invalid,
        Self::Interrupted,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Unsolved => "unsolved",
            Self::Converged => "converged",
            Self::MaxIter => "max_iter",
            Self::Stalled => "stalled",
            Self::NoData => "no_data",
            Self::Invalid => "invalid",
            Self::Interrupted => "interrupted",
        }
    }

    pub(super) fn of(termination: &Termination) -> Self {
        match termination {
            converged if converged.converged() => Self::Converged,
            Termination::MaxIter { .. } => Self::MaxIter,
            Termination::Stalled { .. } => Self::Stalled,
            Termination::Invalid => Self::Invalid,
            _ => Self::Interrupted,
        }
    }
}

/// One solved stage.
#[derive(Clone, Debug)]
pub struct StageOutcome {
    pub name: String,
    /// Whether its frames were one problem.
    pub joint: bool,
    pub method: MethodKind,
    /// The frame of each problem, or the frames of the joint one.
    pub frames: Vec<usize>,
    pub term_names: Vec<String>,
    pub solution: Solution,
    /// What a joint stage with `solve.starts` came to from each; NaN where it could not begin.
    pub starts: Vec<f64>,
}

impl StageOutcome {
    /// How many of several starts came to the lowest cost, and the next above it.
    pub fn agreeing_starts(&self) -> Option<(usize, Option<f64>)> {
        (!self.starts.is_empty()).then(|| many::lowest(&self.starts))
    }
}

/// Everything that a fit found.
#[derive(Clone, Debug)]
pub struct Fit {
    pub values: Values,
    pub stages: Vec<StageOutcome>,
    /// (frames).
    pub status: Vec<Status>,
    /// (frames): whether a stage found values for it, observed or bridged by its neighbours.
    pub solved: Vec<bool>,
    /// (frames): E of the terms that belong to a frame, as the last stage weighs them.
    pub frame_costs: Vec<f64>,
    /// Where to go on, when the fit was interrupted.
    pub checkpoint: Option<Checkpoint>,
    /// Time that went into making the stages' objectives.
    pub compile_seconds: f64,
    /// Frames that joint stages left out, since their cost would have drowned the others'.
    pub drowning: Vec<usize>,
    /// E of each term over all frames, in the order of the last stage's terms.
    pub term_costs: Vec<(String, f64)>,
    /// How sure the values are, of a problem over tables.
    pub deviations: Option<Deviations>,
}

impl Fit {
    /// A variable's copy for a frame, in stored numbers (rotations as row-major matrices).
    pub fn variable(&self, problem: &Problem, name: &str, frame: usize) -> Option<&[f64]> {
        let id = problem.variable(name)?;
        Some(self.values.get(id, frame))
    }

    /// The scalar total E.
    pub fn cost(&self) -> f64 {
        // Of nothing that was solved there is no cost.
        match self.term_costs.is_empty() {
            true => f64::NAN,
            false => self.term_costs.iter().map(|(_, cost)| cost).sum(),
        }
    }
}

/// How far a fit has come.
#[derive(Clone, Debug)]
pub struct FitProgress<'a> {
    pub stage: &'a str,
    pub stage_index: usize,
    pub stages: usize,
    /// Which window of how many, where a long stage is solved in windows.
    pub window: Option<(usize, usize)>,
    pub progress: Progress,
}
