//! What a solve leaves: final values, why each problem stopped, and the record of iterations.

/// Why a problem stopped, with the measured value and the tolerance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Termination {
    /// The largest whitened gradient entry over max(1, E) is small enough.
    Gradient {
        value: f64,
        tolerance: f64,
    },
    /// Three iterations lowered E by so little, relative to max(1, E).
    Cost {
        value: f64,
        tolerance: f64,
    },
    /// The decrease that the last direction promises, relative to max(1, E), is lost in rounding.
    Precision {
        value: f64,
        tolerance: f64,
    },
    MaxIter {
        iterations: usize,
    },
    /// No step along the steepest descent lowers the cost, though the gradient is not small.
    Stalled {
        gradient: f64,
        tolerance: f64,
    },
    /// The cost is not a finite number where the problem starts.
    Invalid,
    Interrupted,
}

impl Termination {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gradient { .. } => "gradient",
            Self::Cost { .. } => "cost",
            Self::Precision { .. } => "precision",
            Self::MaxIter { .. } => "max_iter",
            Self::Stalled { .. } => "stalled",
            Self::Invalid => "invalid",
            Self::Interrupted => "interrupted",
        }
    }

    pub fn converged(&self) -> bool {
        matches!(
            self,
            Self::Gradient { .. } | Self::Cost { .. } | Self::Precision { .. }
        )
    }

    /// The measured value and the tolerance that it was held against.
    pub fn measured(&self) -> Option<(f64, f64)> {
        match *self {
            Self::Gradient { value, tolerance }
            | Self::Cost { value, tolerance }
            | Self::Precision { value, tolerance } => Some((value, tolerance)),
            Self::Stalled {
                gradient,
                tolerance,
            } => Some((gradient, tolerance)),
            _ => None,
        }
    }
}

/// One accepted iteration of one problem.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceRow {
    pub problem: usize,
    pub iteration: usize,
    pub evaluations: usize,
    pub seconds: f64,
    pub cost: f64,
    pub terms: Vec<f64>,
    /// Largest entry of the whitened gradient.
    pub gradient: f64,
    /// Largest entry of the whitened step.
    pub step: f64,
}

/// How far a solve has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub problems: usize,
    pub done: usize,
    /// Batched evaluations so far.
    pub rounds: usize,
    /// Sum of the costs.
    pub cost: f64,
}

/// The result of [`minimize`](super::minimize).
#[derive(Clone, Debug, Default)]
pub struct Solution {
    /// (problems, ambient).
    pub x: Vec<f64>,
    pub costs: Vec<f64>,
    /// (problems, terms).
    pub terms: Vec<f64>,
    pub terminations: Vec<Termination>,
    pub iterations: Vec<usize>,
    pub evaluations: Vec<usize>,
    /// At most a few hundred problems, evenly spread.
    pub trace: Vec<TraceRow>,
    pub seconds: f64,
}

impl Solution {
    /// Counts in what the same problems took before.
    pub(crate) fn follow(&mut self, before: &Self) {
        let add = |to: &mut [usize], from: &[usize]| {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        };
        add(&mut self.iterations, &before.iterations);
        add(&mut self.evaluations, &before.evaluations);
        for row in &mut self.trace {
            row.iteration += before.iterations[row.problem];
            row.evaluations += before.evaluations[row.problem];
            row.seconds += before.seconds;
        }
        self.seconds += before.seconds;
    }

    /// Puts problem `q` of another solution, which went on from problem `p`, in its place.
    pub(crate) fn replace(&mut self, p: usize, other: &Self, q: usize, stride: usize) {
        let columns = self.terms.len() / self.costs.len().max(1);
        self.iterations[p] += other.iterations[q];
        self.evaluations[p] += other.evaluations[q];
        if other.costs[q] <= self.costs[p] {
            let x = &other.x[q * stride..(q + 1) * stride];
            self.x[p * stride..(p + 1) * stride].copy_from_slice(x);
            let terms = &other.terms[q * columns..(q + 1) * columns];
            self.terms[p * columns..(p + 1) * columns].copy_from_slice(terms);
            self.costs[p] = other.costs[q];
            self.terminations[p] = other.terminations[q];
        }
    }

    /// Puts further problems after the `count` of this solution.
    pub(crate) fn append(&mut self, more: Self, count: usize) {
        self.x.extend(more.x);
        self.costs.extend(more.costs);
        self.terms.extend(more.terms);
        self.terminations.extend(more.terminations);
        self.iterations.extend(more.iterations);
        self.evaluations.extend(more.evaluations);
        let later = self.seconds;
        let rows = more.trace.into_iter().map(|row| TraceRow {
            problem: row.problem + count,
            seconds: row.seconds + later,
            ..row
        });
        self.trace.extend(rows);
        self.seconds += more.seconds;
    }
}
