//! Every term's gradient, by adjoints and by tangents, against central differences, in f64.

use dfdx::prelude::Cpu;

use crate::compile::CompiledObjective;
use crate::ir::{Problem, Stage, Values, VariableId};
use crate::normal::Normal;
use crate::objective::{Evaluation, Objective, Want};
use crate::solve::MethodKind;

/// The comparison for one term.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientRow {
    pub term: String,
    /// ‖g − ĝ‖∞ over max(‖ĝ‖∞, 1e-3), of the gradient by adjoints or of 2Jᵀr by tangents.
    pub error: f64,
    /// Largest entry of the gradient.
    pub largest: f64,
    /// The entry that differs most: variable, frame and component, and both its values.
    pub worst: String,
}

/// Frames that are looked at, unless a term reads more; more would only repeat the same operations.
const FRAMES: usize = 3;

/// Unknowns that are looked at of more, spread over all.
const MOST: usize = 400;

/// Half the distance of the differences, in whitened coordinates.
const STEP: f64 = 1e-4;

/// Relative difference beyond which a shorter step is tried.
const CLOSE: f64 = 1e-7;

/// Compares at a point that the seed moves away from the start, where nothing is at rest by chance.
pub fn gradcheck(problem: &Problem) -> Vec<GradientRow> {
    let observed = (0..problem.frames).filter(|&f| problem.observed[f]);
    let first = observed.clone().next().unwrap_or(0);
    let reach = problem.terms.iter().map(|t| t.reach).max().unwrap_or(0);
    let looked_at = FRAMES.max(reach + 2);
    let frames: Vec<usize> = (first..problem.frames).take(looked_at).collect();
    let rows = problem.terms.iter().map(|term| {
        let stage = Stage {
            method: MethodKind::default(),
            name: term.name.clone(),
            free: (0..problem.variables.len()).map(VariableId).collect(),
            held: Vec::new(),
            terms: vec![term.clone()],
            coupling: crate::ir::Coupling::Joint,
            max_iter: 0,
            softness: 0.0,
        };
        check_stage(problem, &stage, &frames)
    });
    rows.collect()
}

fn check_stage(problem: &Problem, stage: &Stage, frames: &[usize]) -> GradientRow {
    let values = Values::initial(problem);
    let objective =
        CompiledObjective::<f64, Cpu>::new(problem, stage, &values, frames.to_vec(), true);
    let layout = objective.layout();
    let start = moved(problem, &objective, frames, &values);
    let mut out = Evaluation::default();
    objective.evaluate(&start, &[0], Want::Gradient, &mut out);
    let mut gradient = vec![0.0; layout.tangent()];
    layout.pull_back(&start, &out.gradient, &mut gradient);
    objective.evaluate(&start, &[0], Want::Normal, &mut out);
    let by_tangents: Vec<f64> = match &out.normal {
        Normal::Chain(chain) => chain.slope.iter().map(|s| 2.0 * s).collect(),
        Normal::Linked(linked) => linked.slope.iter().map(|s| 2.0 * s).collect(),
        Normal::Dense(_) | Normal::Lanes(_) => gradient.clone(),
    };
    let mut direction = vec![0.0; layout.tangent()];
    let mut x = start.clone();
    let mut cost = |i: usize, step: f64| {
        direction.fill(0.0);
        direction[i] = 1.0;
        layout.retract(&start, &direction, step, &mut x);
        objective.evaluate(&x, &[0], Want::Cost, &mut out);
        out.costs[0]
    };
    // Richardson's extrapolation: the error falls with the fourth power of the step. A step across a
    // kink, as decoders and robustifiers have, says nothing of either side, so smaller ones are tried.
    let mut slope = |i: usize| {
        let mut central = |h: f64| (cost(i, h) - cost(i, -h)) / (2.0 * h);
        let mut best = (4.0 * central(STEP) - central(2.0 * STEP)) / 3.0;
        for shorter in [1e-1, 1e-2, 1e-3] {
            let off = |slope: f64| (gradient[i] - slope).abs();
            if off(best) <= CLOSE * best.abs().max(1e-3) {
                break;
            }
            let other = central(STEP * shorter);
            if off(other) < off(best) {
                best = other;
            }
        }
        best
    };
    let count = gradient.len();
    let looked_at: Vec<usize> = (0..count.min(MOST))
        .map(|i| i * count / count.min(MOST))
        .collect();
    let expected: Vec<f64> = looked_at.iter().map(|&i| slope(i)).collect();
    let difference = |at: usize| {
        let i = looked_at[at];
        let by_adjoints = (gradient[i] - expected[at]).abs();
        by_adjoints.max((by_tangents[i] - expected[at]).abs())
    };
    let at = (0..looked_at.len())
        .max_by(|&a, &b| difference(a).total_cmp(&difference(b)))
        .unwrap_or(0);
    let Some(&worst) = looked_at.get(at) else {
        return GradientRow {
            term: stage.name.clone(),
            error: 0.0,
            largest: 0.0,
            worst: String::new(),
        };
    };
    let largest = expected.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
    GradientRow {
        term: stage.name.clone(),
        error: difference(at) / largest.max(1e-3),
        largest,
        worst: format!(
            "{}: {:.9e} against {:.9e}",
            objective.describe(worst),
            gradient[worst],
            expected[at]
        ),
    }
}

/// A point near the closed-form start where every coordinate was moved by up to a quarter of its
/// scale.
fn moved(
    problem: &Problem,
    objective: &CompiledObjective<'_, f64, Cpu>,
    frames: &[usize],
    values: &Values,
) -> Vec<f64> {
    let mut placed = values.clone();
    crate::fit::place(problem, frames, &mut placed);
    let start = objective.start_from(&placed);
    let layout = objective.layout();
    let noise = |i: usize| {
        let phase = (i as f64 + 1.0 + problem.settings.seed as f64) * 0.754_877_666;
        (phase.fract() - 0.5) * 0.5
    };
    let direction: Vec<f64> = (0..layout.tangent()).map(noise).collect();
    let mut x = start.clone();
    layout.retract(&start, &direction, 1.0, &mut x);
    x
}
