//! L-BFGS on one problem of a batch: proposes a point, is told what the objective says of it.
//!
//! Nocedal and Wright 2006, algorithm 7.4, in whitened tangent coordinates, with a curvature guard,
//! a cap on the step and transported history.

use std::collections::VecDeque;

use super::SolveSettings;
use super::line_search::{LineSearch, Verdict};
use super::outcome::Termination;
use crate::objective::Layout;

/// Largest whitened change of one coordinate in the first step and in any step.
const FIRST_STEP: f64 = 0.3;
const LONGEST_STEP: f64 = 10.0;

/// Pairs whose cosine is below this say nothing about curvature.
const CURVATURE_GUARD: f64 = 1e-10;

/// A point with what the objective says of it; the gradient is whitened and tangent.
#[derive(Clone, Debug, Default)]
pub(super) struct Point {
    pub x: Vec<f64>,
    pub cost: f64,
    pub terms: Vec<f64>,
    pub gradient: Vec<f64>,
}

/// Promised decreases below this many rounding errors cannot be told from none.
const ROUNDING: f64 = 2e3;

struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// 1 / stepᵀ change.
    inverse: f64,
}

/// The state of one problem.
pub(super) struct Lbfgs {
    pub current: Point,
    trial: Point,
    /// Step length of the trial along `direction`.
    length: f64,
    /// The best point of the running line search with its step length, where one was kept.
    kept: Option<(Point, f64)>,
    direction: Vec<f64>,
    pairs: VecDeque<Pair>,
    search: Option<LineSearch>,
    recent: VecDeque<f64>,
    /// What the direction that failed last had promised, relative to max(1, E).
    lost: f64,
    pub iterations: usize,
    pub evaluations: usize,
    /// Largest entry of the last whitened step.
    pub last_step: f64,
    pub termination: Option<Termination>,
}

impl Lbfgs {
    pub fn new(x: Vec<f64>) -> Self {
        Self {
            trial: Point {
                x,
                ..Point::default()
            },
            current: Point::default(),
            length: 0.0,
            kept: None,
            direction: Vec::new(),
            pairs: VecDeque::new(),
            search: None,
            recent: VecDeque::new(),
            lost: f64::INFINITY,
            iterations: 0,
            evaluations: 0,
            last_step: 0.0,
            termination: None,
        }
    }

    /// Ends the problem where it stands, also before it has begun.
    pub fn interrupt(&mut self) {
        if self.evaluations == 0 {
            self.current = std::mem::take(&mut self.trial);
        }
        self.termination = Some(Termination::Interrupted);
    }

    /// Frees what a finished problem needs no more.
    pub fn forget(&mut self) {
        self.pairs = VecDeque::new();
        self.trial = Point::default();
        self.direction = Vec::new();
    }

    /// The point that it wants to hear about.
    pub fn proposal(&self) -> &[f64] {
        &self.trial.x
    }

    /// Takes what the objective says of the proposal; true when an iteration was completed.
    pub fn absorb(
        &mut self,
        layout: &Layout,
        settings: &SolveSettings,
        cost: f64,
        terms: &[f64],
        ambient_gradient: &[f64],
    ) -> bool {
        self.evaluations += 1;
        self.trial.cost = cost;
        self.trial.terms.clear();
        self.trial.terms.extend(terms);
        self.trial.gradient.resize(layout.tangent(), 0.0);
        layout.pull_back(&self.trial.x, ambient_gradient, &mut self.trial.gradient);
        match self.search.take() {
            None => self.begin(layout, settings),
            Some(search) => self.continue_search(search, layout, settings),
        }
    }

    fn begin(&mut self, layout: &Layout, settings: &SolveSettings) -> bool {
        self.current = self.trial.clone();
        if !self.current.cost.is_finite() || !norm(&self.current.gradient).is_finite() {
            self.termination = Some(Termination::Invalid);
            return true;
        }
        self.recent.push_back(self.current.cost);
        if !self.has_converged(settings) {
            self.go_on(layout, settings);
        }
        true
    }

    fn go_on(&mut self, layout: &Layout, settings: &SolveSettings) {
        match self.iterations >= settings.max_iter {
            true => {
                let iterations = self.iterations;
                self.termination = Some(Termination::MaxIter { iterations });
            }
            false => self.set_out(layout, settings),
        }
    }

    fn continue_search(
        &mut self,
        mut search: LineSearch,
        layout: &Layout,
        settings: &SolveSettings,
    ) -> bool {
        let slope = self.slope(layout);
        match search.judge(self.trial.cost, slope) {
            Verdict::Accept => {
                let reached = std::mem::take(&mut self.trial);
                self.accept((reached, self.length), layout, settings);
                true
            }
            Verdict::GiveUp => {
                let good = self.trial.cost.is_finite() && self.trial.cost < self.current.cost;
                let trial = good.then(|| (self.trial.clone(), self.length));
                match self.kept.take().or(trial) {
                    Some(reached) => {
                        self.accept(reached, layout, settings);
                        true
                    }
                    None => self.restart(&search, layout, settings),
                }
            }
            verdict => {
                if verdict == Verdict::Keep {
                    self.kept = Some((self.trial.clone(), self.length));
                }
                self.propose(search.step, layout);
                self.search = Some(search);
                false
            }
        }
    }

    /// The derivative of the cost along the curve of the search, at the trial.
    fn slope(&self, layout: &Layout) -> f64 {
        let mut velocity = self.direction.clone();
        layout.transport(&self.current.x, &self.trial.x, &mut velocity);
        dot(&self.trial.gradient, &velocity)
    }

    fn accept(&mut self, reached: (Point, f64), layout: &Layout, settings: &SolveSettings) {
        self.kept = None;
        self.remember(&reached, layout, settings);
        self.current = reached.0;
        self.lost = f64::INFINITY;
        self.iterations += 1;
        self.recent.push_back(self.current.cost);
        if self.recent.len() > 4 {
            self.recent.pop_front();
        }
        if !self.has_converged(settings) {
            self.go_on(layout, settings);
        }
    }

    /// Adds the step and the change of gradient to the history, all carried to the new point.
    fn remember(
        &mut self,
        (reached, length): &(Point, f64),
        layout: &Layout,
        settings: &SolveSettings,
    ) {
        let (from, to) = (&self.current.x, &reached.x);
        let mut old_gradient = self.current.gradient.clone();
        layout.transport(from, to, &mut old_gradient);
        for pair in &mut self.pairs {
            layout.transport(from, to, &mut pair.step);
            layout.transport(from, to, &mut pair.change);
        }
        let mut step = std::mem::take(&mut self.direction);
        layout.transport(from, to, &mut step);
        step.iter_mut().for_each(|s| *s *= length);
        self.last_step = largest(&step);
        let gradients = reached.gradient.iter().zip(&old_gradient);
        let change: Vec<f64> = gradients.map(|(new, old)| new - old).collect();
        let curvature = dot(&step, &change);
        if curvature > CURVATURE_GUARD * norm(&step) * norm(&change) {
            if self.pairs.len() == settings.history {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair {
                inverse: 1.0 / curvature,
                step,
                change,
            });
        }
    }

    fn has_converged(&mut self, settings: &SolveSettings) -> bool {
        let unit = self.current.cost.abs().max(1.0);
        let gradient = largest(&self.current.gradient) / unit;
        if gradient <= settings.tolerance_grad {
            self.termination = Some(Termination::Gradient {
                value: gradient,
                tolerance: settings.tolerance_grad,
            });
            return true;
        }
        if self.recent.len() == 4 {
            let decrease = (self.recent[0] - self.current.cost) / unit;
            if decrease <= settings.tolerance_cost {
                self.termination = Some(Termination::Cost {
                    value: decrease,
                    tolerance: settings.tolerance_cost,
                });
                return true;
            }
        }
        false
    }

    /// Chooses a direction and the first step along it.
    fn set_out(&mut self, layout: &Layout, settings: &SolveSettings) {
        self.direction = self.two_loops();
        let mut slope = dot(&self.direction, &self.current.gradient);
        if slope >= 0.0 || !slope.is_finite() {
            self.pairs.clear();
            self.direction = self.current.gradient.iter().map(|g| -g).collect();
            slope = -dot(&self.current.gradient, &self.current.gradient);
        }
        let cap = match self.pairs.is_empty() {
            true => FIRST_STEP,
            false => LONGEST_STEP,
        };
        let first = (cap / largest(&self.direction)).min(1.0);
        let noise = settings.noise * self.current.cost.abs();
        let search = LineSearch::new(self.current.cost, slope, first, noise);
        self.propose(first, layout);
        self.search = Some(search);
    }

    /// Without a better point along the direction: forget the history, or stop.
    fn restart(&mut self, search: &LineSearch, layout: &Layout, settings: &SolveSettings) -> bool {
        let unit = self.current.cost.abs().max(1.0);
        if !self.pairs.is_empty() {
            self.lost = search.promised() / unit;
            self.pairs.clear();
            self.set_out(layout, settings);
            return false;
        }
        let tolerance = ROUNDING * settings.noise;
        if self.lost <= tolerance {
            self.termination = Some(Termination::Precision {
                value: self.lost,
                tolerance,
            });
            return true;
        }
        self.termination = Some(Termination::Stalled {
            gradient: largest(&self.current.gradient) / unit,
            tolerance: settings.tolerance_grad,
        });
        true
    }

    fn propose(&mut self, step: f64, layout: &Layout) {
        self.length = step;
        self.trial.x.resize(self.current.x.len(), 0.0);
        layout.retract(&self.current.x, &self.direction, step, &mut self.trial.x);
    }

    /// −H g by the two-loop recursion.
    fn two_loops(&self) -> Vec<f64> {
        let mut q: Vec<f64> = self.current.gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let alpha = pair.inverse * dot(&pair.step, &q);
            add_scaled(-alpha, &pair.change, &mut q);
            alphas.push(alpha);
        }
        if let Some(last) = self.pairs.back() {
            let scale = 1.0 / (last.inverse * dot(&last.change, &last.change));
            q.iter_mut().for_each(|q| *q *= scale);
        }
        for (pair, alpha) in self.pairs.iter().zip(alphas.into_iter().rev()) {
            let beta = pair.inverse * dot(&pair.change, &q);
            add_scaled(alpha - beta, &pair.step, &mut q);
        }
        q
    }
}

/// In eight lanes, so that the sum does not wait for itself; the order is fixed by the length.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = a8.remainder().iter().zip(b8.remainder());
    let rest: f64 = rest.map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        for k in 0..8 {
            lanes[k] += a[k] * b[k];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

pub(super) fn largest(a: &[f64]) -> f64 {
    a.iter().fold(0.0, |most, x| f64::max(most, x.abs()))
}

fn add_scaled(factor: f64, a: &[f64], to: &mut [f64]) {
    to.iter_mut().zip(a).for_each(|(to, a)| *to += factor * a);
}
