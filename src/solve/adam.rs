//! Adam on one problem of a batch (Kingma and Ba 2015, algorithm 1), in whitened tangent coordinates.
//!
//! The best point is kept. When it has not improved for a while the rate is halved, and after enough
//! halvings the problem has converged.

use super::SolveSettings;
use super::outcome::Termination;
use super::state::{Method, Point, State, Terrain, largest};
use crate::objective::Layout;

const FIRST_DECAY: f64 = 0.9;
const SECOND_DECAY: f64 = 0.999;
const FLOOR: f64 = 1e-12;

/// Steps without progress before the rate is halved, and halvings before it is enough.
const PATIENCE: usize = 15;
const HALVINGS: u32 = 8;

/// The state of one problem.
pub(super) struct Adam {
    state: State,
    /// The point that the next step starts from.
    at: Point,
    first: Vec<f64>,
    second: Vec<f64>,
    steps: i32,
    halvings: u32,
    /// Those after a point that was no number.
    walls: u32,
    /// The best cost when progress was last made, and the steps since.
    mark: (f64, usize),
}

impl Adam {
    pub fn new(x: Vec<f64>) -> Self {
        Self {
            state: State::new(x),
            at: Point::default(),
            first: Vec::new(),
            second: Vec::new(),
            steps: 0,
            halvings: 0,
            walls: 0,
            mark: (f64::INFINITY, 0),
        }
    }

    fn set_out(&mut self, layout: &Layout, settings: &SolveSettings) {
        let n = self.at.gradient.len();
        self.first.resize(n, 0.0);
        self.second.resize(n, 0.0);
        self.steps += 1;
        let rate = settings.learning_rate * 0.5f64.powi(self.halvings as i32);
        let first_bias = 1.0 - FIRST_DECAY.powi(self.steps);
        let second_bias = 1.0 - SECOND_DECAY.powi(self.steps);
        let moments = self.first.iter_mut().zip(&mut self.second);
        let step: Vec<f64> = moments
            .zip(&self.at.gradient)
            .map(|((m, v), g)| {
                *m = FIRST_DECAY * *m + (1.0 - FIRST_DECAY) * g;
                *v = SECOND_DECAY * *v + (1.0 - SECOND_DECAY) * g * g;
                -rate * (*m / first_bias) / ((*v / second_bias).sqrt() + FLOOR)
            })
            .collect();
        let mut step = layout.tangent_part(&self.at.x, step);
        layout.held.iter().for_each(|&i| step[i] = 0.0);
        self.state.last_step = largest(&step);
        self.state.trial.x.resize(self.at.x.len(), 0.0);
        layout.retract(&self.at.x, &step, 1.0, &mut self.state.trial.x);
    }

    /// From a point that is no number, back to the best one with a smaller rate.
    fn step_back(&mut self) {
        self.at = self.state.current.clone();
        self.first.fill(0.0);
        self.second.fill(0.0);
        self.steps = 0;
        self.halvings += 1;
        self.walls += 1;
    }

    fn go_on_from_trial(&mut self, layout: &Layout) {
        let reached = std::mem::take(&mut self.state.trial);
        layout.transport(&self.at.x, &reached.x, &mut self.first);
        if reached.cost < self.state.current.cost {
            self.state.stand_at(reached.clone(), layout);
        }
        self.at = reached;
    }

    /// Whether steps still lower the best cost; halves the rate when they do not.
    fn has_converged(&mut self, settings: &SolveSettings) -> bool {
        let (mark, since) = self.mark;
        let decrease = (mark - self.state.current.cost) / self.state.unit();
        if decrease > settings.tolerance_cost {
            self.mark = (self.state.current.cost, 0);
        } else if since + 1 < PATIENCE {
            self.mark.1 += 1;
        } else {
            self.mark = (self.state.current.cost, 0);
            self.halvings += 1;
        }
        let enough = self.halvings > HALVINGS;
        if enough {
            let tolerance = settings.tolerance_cost;
            // Where walls halved the rate, short steps say nothing.
            self.state.termination = Some(match 2 * self.walls > self.halvings {
                true => Termination::Stalled {
                    gradient: self.state.gradient / self.state.unit(),
                    tolerance: settings.tolerance_grad,
                },
                false => Termination::Cost {
                    value: decrease.max(0.0),
                    tolerance,
                },
            });
        }
        enough
    }
}

impl Method for Adam {
    fn state(&self) -> &State {
        &self.state
    }

    fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    fn step(&mut self, terrain: &Terrain) -> bool {
        let (layout, settings) = (&terrain.layout, &terrain.settings);
        if self.state.evaluations == 1 {
            self.at = self.state.trial.clone();
            self.state.stand_at(self.at.clone(), layout);
            self.mark.0 = self.at.cost;
            if !self.state.ends_at_once(settings) && !self.state.iterations_are_used_up(settings) {
                self.set_out(layout, settings);
            }
            return true;
        }
        let finite = self.state.trial.cost.is_finite()
            && self.state.trial.gradient.iter().all(|g| g.is_finite());
        match finite {
            true => self.go_on_from_trial(layout),
            false => self.step_back(),
        }
        self.state.iterations += 1;
        if !self.state.gradient_is_small(settings)
            && !self.has_converged(settings)
            && !self.state.iterations_are_used_up(settings)
        {
            self.set_out(layout, settings);
        }
        true
    }
}
