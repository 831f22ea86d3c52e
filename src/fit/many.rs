//! Starts drawn at random (`solve.starts`): the first stage is solved from each, and of every problem the
//! solution with the lowest cost stays.

use std::sync::Arc;

use nalgebra::{Quaternion, UnitQuaternion};

use super::start::Start;
use super::{Fitter, StageOutcome};
use crate::graph::{Host, Scalar};
use crate::ir::{Problem, Stage, Values, Variable, VariableId};
use crate::manifold::{Manifold, write_rows};
use crate::random::SplitMix64;

/// Costs within this share of each other are one: the earlier start stays.
const SAME: f64 = 1e-5;
/// Costs below are rounding.
const NOTHING: f64 = 1e-20;

/// Whether this stage is solved from several starts.
pub(super) fn begins(problem: &Problem, index: usize) -> bool {
    index == 0 && problem.settings.starts > 1
}

/// How many of these costs are the lowest, and the next above.
pub(super) fn lowest(costs: &[f64]) -> (usize, Option<f64>) {
    let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
    let as_low = |cost: &&f64| cost.is_finite() && **cost <= least + SAME * least.abs() + NOTHING;
    let above = costs.iter().filter(|c| c.is_finite() && !as_low(c));
    let next = above.copied().min_by(|a, b| a.total_cmp(b));
    (costs.iter().filter(as_low).count(), next)
}

/// The starts of elements that are problems of their own: their values, and for each the same draws.
pub(super) fn of_elements(
    problem: &Problem,
    stage: &Stage,
    values: &Values,
    elements: &[usize],
) -> Vec<Start> {
    let start = |&frame: &usize| {
        (0..problem.settings.starts).map(move |k| {
            let mut random = generator(problem, k);
            let drawn = |id: &VariableId| {
                let mut copy = values.get(*id, frame).to_vec();
                if k > 0 {
                    draw(&problem.variables[id.0], &mut copy, &mut random);
                }
                (*id, copy)
            };
            Start {
                frame,
                copies: stage.free.iter().map(drawn).collect(),
            }
        })
    };
    elements.iter().flat_map(start).collect()
}

/// Every free variable drawn anew, but what is held.
fn redrawn(problem: &Problem, stage: &Stage, values: &Values, k: usize) -> Values {
    let mut values = values.clone();
    let mut random = generator(problem, k);
    for id in &stage.free {
        let variable = &problem.variables[id.0];
        let elements = values.all_mut(*id).chunks_exact_mut(variable.numbers());
        for (element, copy) in elements.enumerate() {
            if !variable.held.contains(&element) {
                draw(variable, copy, &mut random);
            }
        }
    }
    values
}

fn generator(problem: &Problem, k: usize) -> SplitMix64 {
    let mut seeds = SplitMix64(problem.settings.seed);
    (0..k).for_each(|_| {
        seeds.bits();
    });
    SplitMix64(seeds.bits())
}

/// Within bounds evenly, all rotations and directions alike, above zero by a factor, else about the value
/// by as much as it is large, at least its `scale`.
fn draw(variable: &Variable, copy: &mut [f64], random: &mut SplitMix64) {
    for x in copy.chunks_exact_mut(variable.manifold.ambient()) {
        match variable.manifold {
            Manifold::Box { low, high, .. } if low.is_finite() && high.is_finite() => {
                x.fill_with(|| low + (high - low) * random.uniform());
            }
            Manifold::So3 => {
                let [w, i, j, k] = std::array::from_fn(|_| random.normal());
                let turn = UnitQuaternion::from_quaternion(Quaternion::new(w, i, j, k));
                write_rows(turn.to_rotation_matrix().matrix(), x);
            }
            Manifold::Sphere(_) => {
                x.fill_with(|| random.normal());
                let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
                x.iter_mut().for_each(|x| *x /= length);
            }
            Manifold::Positive(_) => x.iter_mut().for_each(|x| *x *= random.normal().exp()),
            manifold => {
                let size = |x: &f64| x.abs().max(variable.scale);
                let from = x.to_vec();
                let step: Vec<f64> = x.iter().map(|x| size(x) * random.normal()).collect();
                manifold.retract(&from, &step, x);
            }
        }
    }
}

impl<E: Scalar, D: Host<E>> Fitter<'_, E, D> {
    /// Solves a joint stage from every start; an interrupted one begins anew when the run goes on.
    pub(super) fn solve_from_many(&mut self, stage: &Stage, index: usize) {
        let before = (Arc::clone(&self.values), self.status.clone());
        let mut best: Option<(f64, Arc<Values>, Vec<_>, StageOutcome)> = None;
        let (mut costs, mut seconds) = (Vec::new(), 0.0);
        for k in 0..self.problem.settings.starts {
            (self.values, self.status) = (Arc::clone(&before.0), before.1.clone());
            if k > 0 {
                self.values = redrawn(self.problem, stage, &before.0, k).into();
            }
            self.solve(stage, index);
            let Some(outcome) = self.outcomes.pop() else {
                costs.push(f64::NAN);
                continue;
            };
            let cost = outcome.solution.costs[0];
            costs.push(cost);
            seconds += outcome.solution.seconds;
            let least = best.as_ref().map_or(f64::INFINITY, |b| b.0);
            let lower = cost < least - SAME * least.abs();
            if best.is_none() || lower || cost.is_finite() && !least.is_finite() {
                let values = Arc::clone(&self.values);
                best = Some((cost, values, self.status.clone(), outcome));
            }
            if self.interrupted {
                self.done.fill(false);
                break;
            }
        }
        if let Some((_, values, status, mut outcome)) = best {
            (self.values, self.status) = (values, status);
            outcome.solution.seconds = seconds;
            outcome.starts = costs;
            self.outcomes.push(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::lowest;

    #[test]
    fn the_lowest_costs_are_counted_whatever_the_others_are() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let close = 2.0 + 1e-6;
        assert_eq!(lowest(&[2.0, 1e24, close, 3.0, nan]), (2, Some(3.0)));
        assert_eq!(lowest(&[inf, nan]), (0, None));
        assert_eq!(lowest(&[1e-27, 0.0, 5.0]), (2, Some(5.0)));
    }
}
