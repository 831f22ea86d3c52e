//! Levenberg and Marquardt's method on one problem of a batch, with Nielsen's damping.
//!
//! Madsen, Nielsen and Tingleff 2004, "Methods for Non-Linear Least Squares Problems", algorithm
//! 3.16, in whitened tangent coordinates, damped by the diagonal of JᵀJ.

use super::SolveSettings;
use super::outcome::Termination;
use super::state::{Method, State, Terrain, largest};
use crate::normal::lanes::LEAST_DIAGONAL;
use crate::normal::{Chain, Dense, Lane, Linked};
use crate::objective::Want;

/// Damping at the start, in units of the diagonal.
const FIRST_DAMPING: f64 = 1e-2;
/// The same where costs are measured against themselves, of few unknowns and of many.
const LOW_FIRST_DAMPING: f64 = 1e-6;
const LEAST_FIRST_DAMPING: f64 = 1e-9;
/// Damping beyond which no step is to be hoped for.
const MOST_DAMPING: f64 = 1e12;
/// Up to here a step is that of Gauss and Newton, more or less, and a small one means the end.
const FREE_DAMPING: f64 = 1.0;
/// Largest whitened change of one coordinate in a step,
const LONGEST_STEP: f64 = 10.0;
/// or, where costs are measured against themselves and nothing says what is large, share of the size of
/// its variable.
fn longest_share(unknowns: usize) -> f64 {
    if unknowns > FEW { 3.0 } else { 1.0 }
}
/// Unknowns of a formula; where there are more, they stand for many things of a kind, of which each is
/// seen well.
const FEW: usize = 50;
/// Decreases of so few rounding errors of the cost cannot be told from none.
const FAINT: f64 = 2.0;
/// What rounding can hide of a decrease that the normal equations promise, in roundings of max(1, E).
const ROUNDING: f64 = 2e3;
/// What it can add to a cost whose formula takes steep functions of large numbers, in the same.
const STEEP_ROUNDING: f64 = 1e5;

/// Decrease, over the cost, that is worth no step: of few unknowns none that shows in any digit of x; of
/// many what the last digits of the cost show.
fn least_worth(unknowns: usize) -> f64 {
    if unknowns > FEW { 1e-12 } else { 1e-22 }
}
/// Of the decrease that the last step promised, the least that is worth another step.
const SHRINKS: f64 = 0.9;
/// Steps in a row that promise no less than those before, after which nothing is left to gain.
const IDLE: usize = 4;
/// How the damping falls from one of the last steps to the next, and where a step is that of Gauss and
/// Newton.
const POLISHED: f64 = 0.01;
const UNDAMPED: f64 = 1e-14;

/// The share of a step up to a bound below which it stands at that bound.
const AT_A_BOUND: f64 = 1e-9;

/// A cost of residuals that are rounding: all of them below 1e-13 of their sigma.
const NOTHING: f64 = 1e-26;

/// It asks for the most promising of residuals until so many times they were the smallest ones,
const LOOKS: usize = 2;
/// or so many steps are taken.
const LOOKED: usize = 10;

/// The normal equations of one problem.
pub(super) enum System {
    Dense(Dense),
    Lane(Lane),
    Chain(Box<Chain>),
    Linked(Box<Linked>),
}

/// The state of one problem.
pub(super) struct Lm {
    state: State,
    asks: Want,
    system: Option<System>,
    /// Those of a trial that is not judged yet, and whether they are what it waits for.
    next: Option<System>,
    trying: bool,
    /// Memory for the factor of a chain.
    room: Vec<f64>,
    /// The diagonal of JᵀJ, none of it zero.
    diagonal: Vec<f64>,
    damping: f64,
    growth: f64,
    /// Whether the next step is to be solved for.
    open: bool,
    /// What the running step promises to lower the cost by.
    promised: f64,
    /// What the first step from the current point promised.
    hoped: Option<f64>,
    step: Vec<f64>,
    /// Whether bounds cut it short.
    cut: bool,
    /// Whether steps are damped since what lies ahead is no number.
    walled: bool,
    /// How often it still looks about for promising residuals.
    looks: usize,
    /// What the residuals of `system` cost more than the current point.
    excess: f64,
    /// What the last of the steps promised that are too small for the cost to tell.
    polished: Option<f64>,
    /// Whether the trial is such a step.
    polishing: bool,
    /// How many of them in a row promised no less than those before.
    idle: usize,
}

impl Method for Lm {
    fn state(&self) -> &State {
        &self.state
    }

    fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    fn asks(&self) -> Want {
        self.asks
    }

    fn damping(&self) -> f64 {
        self.damping
    }

    fn hear_normal(&mut self, system: System, excess: f64) {
        match self.trying {
            true => self.next = Some(system),
            false => self.system = Some(system),
        }
        self.excess = excess;
    }

    /// Those of the point that it leaves, unless it may come back.
    fn spare(&mut self) -> Option<System> {
        let asks = matches!(self.asks, Want::Normal | Want::Promising);
        self.system.take_if(|_| asks && !self.trying)
    }

    fn step(&mut self, terrain: &Terrain) -> bool {
        let completed = match self.asks {
            Want::Cost => self.judge(terrain),
            _ if self.trying => self.judge_and_arrive(terrain),
            _ => self.arrive(terrain),
        };
        self.find_step(terrain);
        completed
    }
}

impl Lm {
    /// `alternatives`: whether residuals are some of several.
    pub fn new(x: Vec<f64>, alternatives: bool, settings: &SolveSettings) -> Self {
        let first_damping = match settings.polish {
            true if x.len() > FEW => LEAST_FIRST_DAMPING,
            true => LOW_FIRST_DAMPING,
            false => FIRST_DAMPING,
        };
        let looks = if alternatives { LOOKS } else { 0 };
        Self {
            state: State::new(x),
            asks: asks_at(looks),
            looks,
            excess: 0.0,
            system: None,
            next: None,
            trying: false,
            room: Vec::new(),
            diagonal: Vec::new(),
            damping: first_damping,
            growth: 2.0,
            open: false,
            promised: 0.0,
            hoped: None,
            step: Vec::new(),
            cut: false,
            walled: false,
            polished: None,
            polishing: false,
            idle: 0,
        }
    }

    /// At a point whose normal equations are known.
    fn arrive(&mut self, terrain: &Terrain) -> bool {
        if std::mem::take(&mut self.polishing) && !self.is_polished(terrain) {
            return true;
        }
        let point = self.state.trial.clone();
        let held = self.state.stand_at(point, &terrain.layout);
        let settings = &terrain.settings;
        self.look();
        // Where another residual was chosen, its slope is not the cost's.
        let chosen = self.excess > 0.0;
        if !chosen && self.state.ends_at_once(settings)
            || self.state.iterations_are_used_up(settings)
        {
            return true;
        }
        let Some(system) = &mut self.system else {
            return true;
        };
        system.hold(&held);
        let before = std::mem::take(&mut self.diagonal);
        self.diagonal = system.diagonal();
        if settings.polish {
            // Moré 1978: what has moved the residuals once may not run away where it moves them no more.
            let shrunk = self.diagonal.iter().zip(&before).any(|(d, b)| d < b);
            self.diagonal
                .iter_mut()
                .zip(before)
                .for_each(|(d, before)| *d = d.max(before));
            if shrunk {
                system.stand_alone();
            }
        }
        let least = LEAST_DIAGONAL * largest(&self.diagonal);
        let least = least.max(f64::from(f32::MIN_POSITIVE));
        self.diagonal.iter_mut().for_each(|d| *d = d.max(least));
        (self.open, self.hoped) = (true, None);
        true
    }

    /// Solves for steps, shorter and shorter ones, until one can be tried.
    fn find_step(&mut self, terrain: &Terrain) {
        while self.open {
            match self.solve() {
                Some(step) if self.is_short(&step, terrain) => self.set_out(step, terrain),
                _ => {
                    self.damp_more(terrain);
                }
            }
        }
    }

    /// Whether a step is no longer than linearisations are good for.
    fn is_short(&self, step: &[f64], terrain: &Terrain) -> bool {
        if largest(step) <= LONGEST_STEP || !terrain.settings.polish {
            return largest(step) <= LONGEST_STEP;
        }
        let sizes = terrain.layout.sizes(&self.state.current.x);
        let share = longest_share(step.len());
        step.iter()
            .zip(sizes)
            .all(|(s, size)| s.abs() <= share * size)
    }

    /// As `judge`, of a trial whose normal equations are known already.
    fn judge_and_arrive(&mut self, terrain: &Terrain) -> bool {
        let before = self.state.iterations;
        self.trying = false;
        let ended = self.judge(terrain);
        let next = self.next.take();
        if self.state.iterations == before {
            return ended;
        }
        self.system = next;
        self.arrive(terrain)
    }

    /// Whether a trial lowers the cost, and by how much of what it promised.
    fn judge(&mut self, terrain: &Terrain) -> bool {
        let decrease = self.state.current.cost - self.state.trial.cost;
        let gain = decrease / self.promised;
        self.walled |= !self.state.trial.cost.is_finite();
        if !(decrease > 0.0 && gain > 1e-4) {
            self.damp_more(terrain);
            return self.state.termination.is_some();
        }
        self.state.iterations += 1;
        self.state.last_step = largest(&self.step);
        let free = self.damping <= FREE_DAMPING && !self.cut;
        self.walled &= !free;
        self.damping *= (1.0 - (2.0 * gain - 1.0).powi(3)).max(1.0 / 3.0);
        self.growth = 2.0;
        let value = decrease / self.state.unit();
        let tolerance = terrain.settings.tolerance_cost;
        if free && value <= tolerance && self.excess <= 0.0 && !terrain.settings.polish {
            let gradient = std::mem::take(&mut self.state.current.gradient);
            self.state.trial.gradient = gradient;
            self.state.current = self.state.trial.clone();
            self.state.termination = Some(Termination::Cost { value, tolerance });
            return true;
        }
        self.asks = asks_at(self.looks);
        false
    }

    /// Counts how often nothing else promised more.
    fn look(&mut self) {
        if self.state.iterations >= LOOKED {
            self.looks = 0;
        } else if self.excess <= 0.0 {
            self.looks = self.looks.saturating_sub(1);
        }
    }

    /// Asks for the smallest residuals where it stands: those that were chosen promise nothing.
    fn settle(&mut self) {
        self.looks = 0;
        self.open = false;
        self.state.trial = self.state.current.clone();
        self.asks = Want::Normal;
    }

    /// Takes a shorter step next; false where none is left to try.
    fn damp_more(&mut self, terrain: &Terrain) -> bool {
        self.damping *= self.growth;
        self.growth *= 2.0;
        self.open = self.damping <= MOST_DAMPING;
        if !self.open {
            self.end(self.hoped.unwrap_or(f64::INFINITY), 0.0, terrain);
        }
        self.open
    }

    /// Proposes the point that a step leads to, unless it promises too little to be judged.
    fn set_out(&mut self, step: Vec<f64>, terrain: &Terrain) {
        self.open = false;
        let step = terrain.layout.tangent_part(&self.state.current.x, step);
        self.cut = self.propose(step.clone(), terrain);
        let unit = self.state.unit();
        let tolerance = terrain.settings.tolerance_cost;
        let noise = FAINT * terrain.settings.noise * self.state.current.cost.abs() / unit;
        let least = tolerance.max(noise) * unit;
        if self.cut && self.promised <= least && !self.goes_along(&step, least, terrain) {
            return;
        }
        self.hoped.get_or_insert(self.promised);
        if self.excess > 0.0 && self.promised <= tolerance.max(noise) * unit {
            return self.settle();
        }
        if self.damping <= FREE_DAMPING && self.promised <= tolerance * unit {
            let shrinks = self
                .polished
                .is_none_or(|least| self.promised < SHRINKS * least);
            let idle = self.idle + usize::from(self.damping < UNDAMPED);
            self.idle = if shrinks { 0 } else { idle };
            let worth = self.promised > least_worth(self.step.len()) * unit;
            if terrain.settings.polish && self.idle < IDLE && worth {
                let least = self.polished.unwrap_or(f64::INFINITY);
                self.polished = Some(least.min(self.promised));
                self.polishing = true;
                self.asks = Want::Normal;
                return;
            }
            let value = self.promised / unit;
            self.state.termination = Some(Termination::Cost { value, tolerance });
            return;
        }
        if self.promised <= noise * unit {
            self.end(self.hoped.unwrap_or(self.promised), noise, terrain);
            return;
        }
        // Of many unknowns the normal equations are as quickly told as the cost, and most steps are taken.
        self.trying = terrain.settings.polish && self.step.len() > FEW;
        self.asks = if self.trying {
            Want::Normal
        } else {
            Want::Cost
        };
    }

    /// Takes a step as the trial, cut off at the bounds, and what it promises; true where it was cut.
    fn propose(&mut self, mut step: Vec<f64>, terrain: &Terrain) -> bool {
        let layout = &terrain.layout;
        self.state.trial.x.resize(self.state.current.x.len(), 0.0);
        let (from, to) = (&self.state.current.x, &mut self.state.trial.x);
        layout.retract(from, &step, 1.0, to);
        let cut = layout.cut_short(from, to, &mut step);
        let gradient = &self.state.current.gradient;
        let slope: f64 = gradient.iter().zip(&step).map(|(g, s)| g * s).sum();
        let damping = self.dampings();
        let system = self.system.as_ref();
        let curvature = system.map_or(0.0, |s| s.curvature(&step, &damping));
        self.promised = -slope - curvature - self.excess;
        self.step = step;
        cut
    }

    /// Where a step out of the bounds promises nothing once it is cut off there: goes as far as the first
    /// bound; false where that promises nothing either, and a step that leaves the bound alone is to be
    /// solved for.
    fn goes_along(&mut self, whole: &[f64], least: f64, terrain: &Terrain) -> bool {
        let pairs = whole.iter().zip(&self.step);
        let shares: Vec<f64> = pairs
            .map(|(whole, cut)| if *whole == 0.0 { 1.0 } else { cut / whole })
            .collect();
        let first = shares.iter().fold(1.0, |least: f64, x| least.min(*x));
        if first > AT_A_BOUND {
            self.propose(whole.iter().map(|x| first * x).collect(), terrain);
            if self.promised > least {
                return true;
            }
        }
        if first >= 1.0 {
            return true;
        }
        let reach = first.max(AT_A_BOUND);
        let stuck: Vec<usize> = (0..shares.len()).filter(|i| shares[*i] <= reach).collect();
        if let Some(system) = &mut self.system {
            system.hold(&stuck);
            self.open = true;
        }
        false
    }

    /// Whether a step that was too small for the cost to tell did no harm; else the problem ends before it.
    fn is_polished(&mut self, terrain: &Terrain) -> bool {
        let unit = self.state.unit();
        let rounding = STEEP_ROUNDING * terrain.settings.noise * unit;
        if self.state.trial.cost <= self.state.current.cost + rounding {
            self.state.iterations += 1;
            self.state.last_step = largest(&self.step);
            self.damping *= POLISHED;
            self.growth = 2.0;
            return true;
        }
        let tolerance = terrain.settings.tolerance_cost;
        let value = self.polished.unwrap_or(0.0) / unit;
        self.state.termination = Some(Termination::Cost { value, tolerance });
        false
    }

    /// Ends where no step helps: at the end, if rounding hides what was hoped for, else before it.
    fn end(&mut self, hoped: f64, tolerance: f64, terrain: &Terrain) {
        let unit = self.state.unit();
        let value = hoped / unit;
        let settings = &terrain.settings;
        let rounding =
            (ROUNDING * settings.noise).max(FAINT * self.state.rounding(settings) / unit);
        // Residuals that are all nothing beside their sigma leave nothing to gain.
        let solved = self.state.current.cost <= NOTHING;
        let nothing_left = !self.walled && value <= tolerance.max(rounding);
        self.state.termination = Some(match solved || nothing_left {
            true => Termination::Precision {
                value,
                tolerance: tolerance.max(rounding),
            },
            false => Termination::Stalled {
                gradient: self.state.gradient / self.state.unit(),
                tolerance: terrain.settings.tolerance_grad,
            },
        });
    }

    fn dampings(&self) -> Vec<f64> {
        self.diagonal.iter().map(|d| d * self.damping).collect()
    }

    fn solve(&mut self) -> Option<Vec<f64>> {
        let dampings = self.dampings();
        let system = self.system.as_mut()?;
        if matches!(system, System::Lane(lane) if !lane.is_for(self.damping)) {
            system.stand_alone();
        }
        match system {
            System::Dense(dense) => dense.solve(&dampings),
            System::Lane(lane) => lane.step(),
            System::Chain(chain) => chain.solve(&dampings, &mut self.room),
            System::Linked(linked) => linked.solve(&dampings),
        }
    }
}

/// What it wants to know of a point that it moves to.
fn asks_at(looks: usize) -> Want {
    match looks {
        0 => Want::Normal,
        _ => Want::Promising,
    }
}

impl System {
    pub fn slope(&self) -> std::borrow::Cow<'_, [f64]> {
        match self {
            Self::Dense(dense) => (&dense.slope).into(),
            Self::Lane(lane) => lane.batch.slope(lane.k).into(),
            Self::Chain(chain) => (&chain.slope).into(),
            Self::Linked(linked) => (&linked.slope).into(),
        }
    }

    /// Leaves the lanes, whose step is another one.
    fn stand_alone(&mut self) {
        if let Self::Lane(lane) = self {
            *self = Self::Dense(lane.dense());
        }
    }

    fn hold(&mut self, held: &[usize]) {
        if !held.is_empty() {
            self.stand_alone();
        }
        match self {
            Self::Dense(dense) => dense.hold(held),
            Self::Lane(_) => {}
            Self::Chain(chain) => chain.hold(held),
            Self::Linked(linked) => linked.hold(held),
        }
    }

    fn diagonal(&self) -> Vec<f64> {
        match self {
            Self::Dense(dense) => dense.diagonal(),
            Self::Lane(lane) => lane.batch.diagonal(lane.k),
            Self::Chain(chain) => chain.diagonal(),
            Self::Linked(linked) => linked.diagonal(),
        }
    }

    fn curvature(&self, step: &[f64], dampings: &[f64]) -> f64 {
        match self {
            Self::Dense(dense) => dense.curvature(step),
            Self::Lane(lane) => lane.curvature(step, dampings),
            Self::Chain(chain) => chain.curvature(step),
            Self::Linked(linked) => linked.curvature(step),
        }
    }
}
