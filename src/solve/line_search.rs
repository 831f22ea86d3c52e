//! A line search for the strong Wolfe conditions that is asked for one step length at a time.

/// Sufficient decrease and curvature (Nocedal and Wright 2006, sections 3.1 and 3.5).
const DECREASE: f64 = 1e-4;
const CURVATURE: f64 = 0.9;
const MOST_TRIALS: usize = 25;

/// Cost and slope at a step length.
#[derive(Clone, Copy, Debug)]
struct Sample {
    step: f64,
    cost: f64,
    slope: f64,
}

/// The bracket [`low`, `high`]: `low` is the best so far, `high` is unknown until a step was too long.
#[derive(Clone, Debug)]
pub(super) struct LineSearch {
    start: Sample,
    low: Sample,
    high: Option<Sample>,
    trials: usize,
    /// Absolute rounding error of a cost.
    noise: f64,
    /// The most that a parabola through the start and a trial could lower the cost.
    attainable: Option<f64>,
    pub step: f64,
}

/// What to do after a trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    /// The trial satisfies the conditions.
    Accept,
    /// The trial is the best so far, but go on with the next step length.
    Keep,
    /// Go on with the next step length.
    Next,
    /// No better step can be found; fall back on the best so far, if any was kept.
    GiveUp,
}

impl LineSearch {
    /// `slope` is the derivative along the direction at step zero, below zero.
    pub fn new(cost: f64, slope: f64, first_step: f64, noise: f64) -> Self {
        let start = Sample {
            step: 0.0,
            cost,
            slope,
        };
        Self {
            start,
            low: start,
            high: None,
            trials: 0,
            noise,
            attainable: None,
            step: first_step,
        }
    }

    /// Takes the cost and slope at `self.step`, and sets the next step unless it accepts.
    pub fn judge(&mut self, cost: f64, slope: f64) -> Verdict {
        self.trials += 1;
        let trial = Sample {
            step: self.step,
            cost,
            slope,
        };
        let promised = self.start.cost + DECREASE * trial.step * self.start.slope + self.noise;
        let finite = cost.is_finite() && slope.is_finite();
        let bend = slope - self.start.slope;
        if finite && bend > 0.0 {
            let lowest = 0.5 * self.start.slope.powi(2) * trial.step / bend;
            self.attainable = Some(self.attainable.map_or(lowest, |most| most.max(lowest)));
        }
        if !finite || cost > promised || (cost > self.low.cost + self.noise) {
            self.high = Some(trial);
            return self.advance(Verdict::Next);
        }
        if slope.abs() <= CURVATURE * self.start.slope.abs() {
            return Verdict::Accept;
        }
        let towards_high = self.high.map_or(1.0, |h| h.step - self.low.step);
        if slope * towards_high >= 0.0 {
            self.high = Some(self.low);
        }
        self.low = trial;
        self.advance(Verdict::Keep)
    }

    fn advance(&mut self, verdict: Verdict) -> Verdict {
        let next = match self.high {
            None => 3.0 * self.step,
            Some(high) => self.between(high),
        };
        let width = self.high.map_or(1.0, |h| (h.step - self.low.step).abs());
        if self.trials >= MOST_TRIALS || width <= 1e-12 * self.step.abs().max(1e-30) {
            return Verdict::GiveUp;
        }
        self.step = next;
        verdict
    }

    /// The minimum of the cubic through both ends, kept away from them.
    fn between(&self, high: Sample) -> f64 {
        let low = self.low;
        let width = high.step - low.step;
        if !(high.cost.is_finite() && high.slope.is_finite()) {
            return low.step + 0.2 * width;
        }
        let d1 = low.slope + high.slope - 3.0 * (high.cost - low.cost) / width;
        let square = d1 * d1 - low.slope * high.slope;
        let fraction = match square >= 0.0 {
            true => {
                let d2 = square.sqrt() * width.signum();
                let ratio = (high.slope + d2 - d1) / (high.slope - low.slope + 2.0 * d2);
                1.0 - ratio
            }
            false => 0.5,
        };
        let fraction = if fraction.is_finite() { fraction } else { 0.5 };
        low.step + fraction.clamp(0.1, 0.9) * width
    }

    /// What the line's curvature says can be gained along it; infinite where no trial has said so.
    pub fn attainable(&self) -> f64 {
        self.attainable.unwrap_or(f64::INFINITY)
    }

    /// The decrease that the first unit step promised.
    pub fn promised(&self) -> f64 {
        self.start.slope.abs()
    }
}
