//! What every method knows of one problem: where it stands, what it asks, why it stopped.

use super::SolveSettings;
use super::lm::System;
use super::outcome::Termination;
use crate::memory::Memory;
use crate::objective::{Layout, Want};
use crate::precondition::Preconditioner;

/// Share of the first cost below which a cost is nothing but rounding.
const LEAST_LEFT: f64 = 1e-26;

/// A point with what the objective says of it; the gradient is whitened and tangent.
#[derive(Clone, Debug, Default)]
pub(super) struct Point {
    pub x: Vec<f64>,
    pub cost: f64,
    pub terms: Vec<f64>,
    pub gradient: Vec<f64>,
}

/// The state of one problem that the lockstep reads.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub current: Point,
    /// The point that the method wants to hear about.
    pub trial: Point,
    pub iterations: usize,
    pub evaluations: usize,
    /// Largest entry of the current gradient that no bound holds.
    pub gradient: f64,
    /// Largest entry of the last whitened step.
    pub last_step: f64,
    pub termination: Option<Termination>,
    /// The least that decreases are measured against.
    least_unit: f64,
    /// The first cost, where costs are measured against themselves.
    first: f64,
    /// What the objective keeps of the problem.
    pub memory: Memory,
}

/// What the problems of a batch have in common.
pub(super) struct Terrain {
    pub layout: Layout,
    pub settings: SolveSettings,
    pub preconditioner: Option<Preconditioner>,
}

/// A method at work on one problem: asks about `state.trial`, is told, and goes on.
pub(super) trait Method: Send {
    fn state(&self) -> &State;

    fn state_mut(&mut self) -> &mut State;

    /// What it wants to know of the trial.
    fn asks(&self) -> Want {
        Want::Gradient
    }

    /// How much a step from the trial is to be damped, in units of the diagonal.
    fn damping(&self) -> f64 {
        0.0
    }

    /// Takes the trial's normal equations, where it asked for them, and what their residuals cost more
    /// than the trial does.
    fn hear_normal(&mut self, _system: System, _excess: f64) {}

    /// Normal equations that it needs no more, for their memory.
    fn spare(&mut self) -> Option<System> {
        None
    }

    /// Goes on after the objective has said what the trial is; true when an iteration is completed.
    fn step(&mut self, terrain: &Terrain) -> bool;
}

impl State {
    pub fn new(x: Vec<f64>) -> Self {
        Self {
            trial: Point {
                x,
                ..Point::default()
            },
            current: Point::default(),
            iterations: 0,
            evaluations: 0,
            gradient: f64::INFINITY,
            last_step: 0.0,
            termination: None,
            least_unit: 1.0,
            first: 0.0,
            memory: Memory::default(),
        }
    }

    /// Notes what the trial costs.
    pub fn hear(&mut self, cost: f64, terms: &[f64]) {
        self.evaluations += 1;
        self.trial.cost = cost;
        self.trial.terms.clear();
        self.trial.terms.extend(terms);
    }

    /// Notes the trial's gradient with respect to the stored numbers.
    pub fn hear_gradient(&mut self, layout: &Layout, ambient: &[f64]) {
        self.trial.gradient.resize(layout.tangent(), 0.0);
        layout.pull_back(&self.trial.x, ambient, &mut self.trial.gradient);
    }

    /// Notes the trial's gradient from half of it in whitened tangent coordinates.
    pub fn hear_slope(&mut self, slope: &[f64]) {
        self.trial.gradient.clear();
        self.trial.gradient.extend(slope.iter().map(|s| 2.0 * s));
    }

    /// Makes a point the current one; returns the coordinates that bounds hold there.
    pub fn stand_at(&mut self, point: Point, layout: &Layout) -> Vec<usize> {
        self.current = point;
        let held = layout.blocked(&self.current.x, |i| -self.current.gradient[i]);
        let mut free = self.current.gradient.clone();
        held.iter().for_each(|&i| free[i] = 0.0);
        self.gradient = largest(&free);
        held
    }

    /// Whether the start is no number, or the gradient is small enough.
    pub fn ends_at_once(&mut self, settings: &SolveSettings) -> bool {
        if settings.polish && self.iterations == 0 {
            // Residuals of which so little is left are rounding errors.
            self.first = self.current.cost.abs();
            self.least_unit = (LEAST_LEFT * self.first).max(f64::MIN_POSITIVE);
        }
        let finite = self.current.gradient.iter().all(|g| g.is_finite());
        if !self.current.cost.is_finite() || !finite {
            self.termination = Some(Termination::Invalid);
            return true;
        }
        self.gradient_is_small(settings)
    }

    pub fn gradient_is_small(&mut self, settings: &SolveSettings) -> bool {
        let value = self.gradient / self.unit();
        let tolerance = settings.tolerance_grad;
        if value <= tolerance {
            self.termination = Some(Termination::Gradient { value, tolerance });
        }
        value <= tolerance
    }

    /// What decreases and gradients are measured against.
    pub fn unit(&self) -> f64 {
        self.current.cost.abs().max(self.least_unit)
    }

    /// The rounding error of the current cost; residuals round with what they were made of, of which the
    /// first cost tells.
    pub fn rounding(&self, settings: &SolveSettings) -> f64 {
        let cost = self.current.cost.abs();
        settings.noise * (cost + (cost * self.first).sqrt())
    }

    pub fn iterations_are_used_up(&mut self, settings: &SolveSettings) -> bool {
        let iterations = self.iterations;
        let used_up = iterations >= settings.max_iter;
        if used_up {
            self.termination = Some(Termination::MaxIter { iterations });
        }
        used_up
    }

    /// Ends the problem where it stands, also before it has begun.
    pub fn interrupt(&mut self) {
        if self.evaluations == 0 {
            self.current = std::mem::take(&mut self.trial);
        }
        self.termination = Some(Termination::Interrupted);
    }
}

pub(super) fn largest(a: &[f64]) -> f64 {
    a.iter().fold(0.0, |most, x| f64::max(most, x.abs()))
}
