//! L-BFGS on one problem of a batch: proposes a point, is told what the objective says of it.
//!
//! Nocedal and Wright 2006, algorithm 7.4, in whitened tangent coordinates, with a curvature guard,
//! a cap on the step and transported history.

use std::collections::VecDeque;

use super::line_search::{LineSearch, Verdict};
use super::outcome::Termination;
use super::state::{Method, Point, State, Terrain, largest};
use crate::manifold::{dot, dot_within};
use crate::normal::{Work, dispatch};

/// Largest whitened change of one coordinate in the first step and in any step.
const FIRST_STEP: f64 = 0.3;
const LONGEST_STEP: f64 = 10.0;

/// Pairs whose cosine is below this say nothing about curvature.
const CURVATURE_GUARD: f64 = 1e-10;

/// Promised decreases below this many rounding errors cannot be told from none.
const ROUNDING: f64 = 2e3;

/// A search that promises so few rounding errors of the cost is not begun: it could not be judged.
const FAINT: f64 = 4.0;

/// Iterations without a wall after which steps are as long as the cost says.
const CLEAR: usize = 3;

struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// 1 / stepᵀ change.
    inverse: f64,
}

/// The state of one problem.
pub(super) struct Lbfgs {
    state: State,
    /// Step length of the trial along `direction`.
    length: f64,
    /// The best point of the running line search with its step length, where one was kept.
    kept: Option<(Point, f64)>,
    direction: Vec<f64>,
    /// Coordinates that bounds hold at the current point.
    held: Vec<usize>,
    pairs: VecDeque<Pair>,
    search: Option<LineSearch>,
    recent: VecDeque<f64>,
    /// Iterations since a trial was no number: before a wall steps are short, whatever is left to gain.
    since_wall: usize,
    /// What the direction that failed last had promised, relative to max(1, E).
    lost: f64,
}

impl Method for Lbfgs {
    fn state(&self) -> &State {
        &self.state
    }

    fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    fn step(&mut self, terrain: &Terrain) -> bool {
        match self.search.take() {
            None => self.begin(terrain),
            Some(search) => self.continue_search(search, terrain),
        }
    }
}

impl Lbfgs {
    pub fn new(x: Vec<f64>) -> Self {
        Self {
            state: State::new(x),
            length: 0.0,
            kept: None,
            direction: Vec::new(),
            held: Vec::new(),
            pairs: VecDeque::new(),
            search: None,
            recent: VecDeque::new(),
            since_wall: CLEAR + 1,
            lost: f64::INFINITY,
        }
    }

    fn begin(&mut self, terrain: &Terrain) -> bool {
        let start = self.state.trial.clone();
        self.held = self.state.stand_at(start, &terrain.layout);
        self.recent.push_back(self.state.current.cost);
        if !self.state.ends_at_once(&terrain.settings) {
            self.go_on(terrain);
        }
        true
    }

    fn go_on(&mut self, terrain: &Terrain) {
        if !self.state.iterations_are_used_up(&terrain.settings) {
            self.set_out(terrain);
        }
    }

    fn continue_search(&mut self, mut search: LineSearch, terrain: &Terrain) -> bool {
        let slope = self.slope(terrain);
        if !self.state.trial.cost.is_finite() {
            self.since_wall = 0;
        }
        match search.judge(self.state.trial.cost, slope) {
            Verdict::Accept => {
                let reached = std::mem::take(&mut self.state.trial);
                self.accept((reached, self.length), terrain);
                true
            }
            Verdict::GiveUp => {
                let good = self.state.trial.cost.is_finite()
                    && self.state.trial.cost < self.state.current.cost;
                let trial = good.then(|| (self.state.trial.clone(), self.length));
                match self.kept.take().or(trial) {
                    Some(reached) => {
                        self.accept(reached, terrain);
                        true
                    }
                    None => self.restart(&search, terrain),
                }
            }
            verdict => {
                if verdict == Verdict::Keep {
                    self.kept = Some((self.state.trial.clone(), self.length));
                }
                self.propose(search.step, terrain);
                self.search = Some(search);
                false
            }
        }
    }

    /// The derivative of the cost along the curve of the search, at the trial.
    fn slope(&self, terrain: &Terrain) -> f64 {
        let mut velocity = self.direction.clone();
        terrain
            .layout
            .transport(&self.state.current.x, &self.state.trial.x, &mut velocity);
        for i in terrain
            .layout
            .blocked(&self.state.trial.x, |i| self.direction[i])
        {
            velocity[i] = 0.0;
        }
        dot(&self.state.trial.gradient, &velocity)
    }

    fn accept(&mut self, reached: (Point, f64), terrain: &Terrain) {
        self.kept = None;
        self.remember(&reached, terrain);
        self.held = self.state.stand_at(reached.0, &terrain.layout);
        self.lost = f64::INFINITY;
        self.state.iterations += 1;
        self.since_wall += 1;
        self.recent.push_back(self.state.current.cost);
        if self.recent.len() > 4 {
            self.recent.pop_front();
        }
        if !self.has_converged(terrain) {
            self.go_on(terrain);
        }
    }

    /// Adds the step and the change of gradient to the history, all carried to the new point.
    fn remember(&mut self, (reached, length): &(Point, f64), terrain: &Terrain) {
        let (from, to) = (&self.state.current.x, &reached.x);
        let mut old_gradient = self.state.current.gradient.clone();
        terrain.layout.transport(from, to, &mut old_gradient);
        let mut pairs: Vec<&mut [f64]> = Vec::with_capacity(2 * self.pairs.len());
        for Pair { step, change, .. } in &mut self.pairs {
            pairs.extend([&mut step[..], &mut change[..]]);
        }
        terrain.layout.transport_all(from, to, &mut pairs);
        let mut step = std::mem::take(&mut self.direction);
        terrain.layout.transport(from, to, &mut step);
        step.iter_mut().for_each(|s| *s *= length);
        terrain.layout.cut_short(from, to, &mut step);
        self.state.last_step = largest(&step);
        let gradients = reached.gradient.iter().zip(&old_gradient);
        let change: Vec<f64> = gradients.map(|(new, old)| new - old).collect();
        let curvature = dot(&step, &change);
        if curvature > CURVATURE_GUARD * norm(&step) * norm(&change) {
            if self.pairs.len() == terrain.settings.history {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair {
                inverse: 1.0 / curvature,
                step,
                change,
            });
        }
    }

    fn has_converged(&mut self, terrain: &Terrain) -> bool {
        if self.state.gradient_is_small(&terrain.settings) {
            return true;
        }
        if self.recent.len() == 4 && self.since_wall > CLEAR {
            let value = (self.recent[0] - self.state.current.cost) / self.state.unit();
            let tolerance = terrain.settings.tolerance_cost;
            if value <= tolerance {
                self.state.termination = Some(Termination::Cost { value, tolerance });
                return true;
            }
        }
        false
    }

    /// Chooses a direction and the first step along it.
    fn set_out(&mut self, terrain: &Terrain) {
        let mut slope = self.aim(terrain, |lbfgs| lbfgs.two_loops(terrain));
        if slope >= 0.0 || !slope.is_finite() {
            self.pairs.clear();
            slope = self.aim(terrain, |lbfgs| lbfgs.downhill());
        }
        let cap = match self.pairs.is_empty() {
            true => FIRST_STEP,
            false => LONGEST_STEP,
        };
        let first = (cap / largest(&self.direction)).min(1.0);
        let noise = terrain.settings.noise * self.state.current.cost.abs();
        if !self.pairs.is_empty() && -slope * first <= FAINT * noise {
            let unit = self.state.unit();
            self.state.termination = Some(Termination::Precision {
                value: -slope * first / unit,
                tolerance: FAINT * noise / unit,
            });
            return;
        }
        let search = LineSearch::new(self.state.current.cost, slope, first, noise);
        self.propose(first, terrain);
        self.search = Some(search);
    }

    /// Takes a direction, less what bounds forbid, and returns its slope.
    fn aim(&mut self, terrain: &Terrain, direction: impl Fn(&Self) -> Vec<f64>) -> f64 {
        self.direction = direction(self);
        let mut still = terrain
            .layout
            .blocked(&self.state.current.x, |i| self.direction[i]);
        still.extend(&self.held);
        still.iter().for_each(|&i| self.direction[i] = 0.0);
        dot(&self.direction, &self.state.current.gradient)
    }

    /// Without a better point along the direction: forget the history, or stop.
    fn restart(&mut self, search: &LineSearch, terrain: &Terrain) -> bool {
        let unit = self.state.unit();
        if !self.pairs.is_empty() {
            self.lost = search.promised() / unit;
            self.pairs.clear();
            self.set_out(terrain);
            return false;
        }
        let tolerance = ROUNDING * terrain.settings.noise;
        let value = self.lost.min(search.attainable() / unit);
        if value <= tolerance && self.since_wall > CLEAR {
            self.state.termination = Some(Termination::Precision { value, tolerance });
            return true;
        }
        self.state.termination = Some(Termination::Stalled {
            gradient: self.state.gradient / unit,
            tolerance: terrain.settings.tolerance_grad,
        });
        true
    }

    fn propose(&mut self, step: f64, terrain: &Terrain) {
        self.length = step;
        self.state.trial.x.resize(self.state.current.x.len(), 0.0);
        terrain.layout.retract(
            &self.state.current.x,
            &self.direction,
            step,
            &mut self.state.trial.x,
        );
    }

    fn downhill(&self) -> Vec<f64> {
        self.state.current.gradient.iter().map(|g| -g).collect()
    }

    /// −H g by the two-loop recursion, in the coordinates that no bound holds.
    fn two_loops(&self, terrain: &Terrain) -> Vec<f64> {
        let first = |q: &mut Vec<f64>| {
            if let Some(preconditioner) = &terrain.preconditioner {
                preconditioner.apply(q);
            }
        };
        let free: Vec<Pair> = match self.held.is_empty() {
            true => Vec::new(),
            false => {
                let free = self.pairs.iter().filter_map(|p| p.without(&self.held));
                free.collect()
            }
        };
        dispatch(TwoLoops {
            pairs: match self.held.is_empty() {
                true => self.pairs.iter().collect(),
                false => free.iter().collect(),
            },
            q: without(&self.held, self.downhill()),
            first: &first,
        })
    }
}

impl Pair {
    /// The pair in a subspace, where it still says something about curvature there.
    fn without(&self, held: &[usize]) -> Option<Self> {
        let step = without(held, self.step.clone());
        let change = without(held, self.change.clone());
        let curvature = dot(&step, &change);
        (curvature > CURVATURE_GUARD * norm(&step) * norm(&change)).then(|| Self {
            inverse: 1.0 / curvature,
            step,
            change,
        })
    }
}

fn without(held: &[usize], mut vector: Vec<f64>) -> Vec<f64> {
    held.iter().for_each(|&i| vector[i] = 0.0);
    vector
}

/// H q by the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4), with a first inverse
/// Hessian that is scaled by the last pair.
struct TwoLoops<'a> {
    pairs: Vec<&'a Pair>,
    q: Vec<f64>,
    first: &'a dyn Fn(&mut Vec<f64>),
}

impl Work for TwoLoops<'_> {
    type Out = Vec<f64>;

    #[inline(always)]
    fn run<const WIDTH: u8>(self) -> Vec<f64> {
        let Self {
            pairs,
            mut q,
            first,
        } = self;
        let mut alphas = Vec::with_capacity(pairs.len());
        for pair in pairs.iter().rev() {
            let alpha = pair.inverse * dot_within(&pair.step, &q);
            add_scaled(-alpha, &pair.change, &mut q);
            alphas.push(alpha);
        }
        first(&mut q);
        if let Some(last) = pairs.last() {
            let mut turned = last.change.clone();
            first(&mut turned);
            let scale = 1.0 / (last.inverse * dot_within(&last.change, &turned));
            for q in &mut q {
                *q *= scale;
            }
        }
        for (pair, alpha) in pairs.iter().zip(alphas.iter().rev()) {
            let beta = pair.inverse * dot_within(&pair.change, &q);
            add_scaled(alpha - beta, &pair.step, &mut q);
        }
        q
    }
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

#[inline(always)]
fn add_scaled(factor: f64, a: &[f64], to: &mut [f64]) {
    for (to, a) in to.iter_mut().zip(a) {
        *to += factor * a;
    }
}
