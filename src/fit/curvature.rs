//! How sure a solution is where a term is an energy: by half the Hessian of E, from differences of its
//! gradient.

use dfdx::prelude::Cpu;

use super::deviations::{Deviations, in_units, variances};
use crate::compile::CompiledObjective;
use crate::ir::{Per, Problem, Stage, Values};
use crate::normal::Dense;
use crate::objective::{Evaluation, Objective, Want};

/// Unknowns of a problem up to which it is computed: each takes two gradients.
const MOST: usize = 300;
/// A difference, over the size of an unknown's variable.
const SHARE: f64 = 1e-4;

/// Those of a problem over tables, or of every element of a batch; E is taken for −2 log likelihood.
pub(super) fn deviations(
    problem: &Problem,
    stage: &Stage,
    values: &Values,
    of: &[usize],
) -> Option<Deviations> {
    let joint = problem.batch.is_none();
    if problem.sets.is_empty() {
        return None;
    }
    let objective = CompiledObjective::<f64, Cpu>::new(problem, stage, values, of.to_vec(), joint);
    let layout = objective.layout();
    if layout.tangent() > MOST {
        return None;
    }
    let x = objective.start();
    let stride = layout.ambient();
    let mut of_variables = vec![Vec::new(); problem.variables.len()];
    for (id, places) in objective.places() {
        let copies = if joint { 1 } else { problem.frames };
        of_variables[id.0] = vec![f64::NAN; copies * places.len()];
    }
    for (p, (mut normal, slope)) in half_hessians(&objective, &x).into_iter().enumerate() {
        let x = &x[p * stride..(p + 1) * stride];
        let at_rest = layout.blocked(x, |i| -slope[i]);
        let variances = variances(&mut normal, &at_rest, &layout.normals(x));
        for (id, places) in objective.places() {
            let first = if joint { 0 } else { of[p] * places.len() };
            let to = &mut of_variables[id.0][first..first + places.len()];
            let found = variances[places].iter().map(|v| v.sqrt());
            to.iter_mut().zip(found).for_each(|(to, sd)| *to = sd);
        }
    }
    for (id, _) in objective.places() {
        let found = std::mem::take(&mut of_variables[id.0]);
        if problem.variables[id.0].per != Per::Frame {
            of_variables[id.0] = in_units(problem, values, id, found);
        }
    }
    Some(Deviations {
        of_variables,
        degrees_of_freedom: 0,
        residual: f64::NAN,
        scaled: false,
        influence: None,
    })
}

/// Half the Hessian of every problem, and its gradient.
fn half_hessians(objective: &CompiledObjective<'_, f64, Cpu>, x: &[f64]) -> Vec<(Dense, Vec<f64>)> {
    let layout = objective.layout();
    let (n, stride) = (layout.tangent(), layout.ambient());
    let problems: Vec<usize> = (0..objective.problems()).collect();
    let mut out = Evaluation::default();
    let own = |p: usize| p * stride..(p + 1) * stride;
    let sizes: Vec<Vec<f64>> = problems.iter().map(|p| layout.sizes(&x[own(*p)])).collect();
    // The gradients of all problems, each moved along one unknown by so many of its differences.
    let mut gradients = |unknown: usize, differences: f64| -> Vec<Vec<f64>> {
        let mut to = x.to_vec();
        for &p in &problems {
            let mut step = vec![0.0; n];
            step[unknown] = differences * SHARE * sizes[p][unknown];
            layout.retract(&x[own(p)], &step, 1.0, &mut to[own(p)]);
        }
        objective.evaluate(&to, &problems, Want::Gradient, &mut out);
        let of = |p: &usize| {
            let mut tangent = vec![0.0; n];
            layout.pull_back(&to[own(*p)], &out.gradient[own(*p)], &mut tangent);
            tangent
        };
        problems.iter().map(of).collect()
    };
    let here = match n {
        0 => vec![Vec::new(); problems.len()],
        _ => gradients(0, 0.0),
    };
    let mut whole = vec![Vec::with_capacity(n * n); problems.len()];
    for unknown in 0..n {
        let (ahead, behind) = (gradients(unknown, 1.0), gradients(unknown, -1.0));
        for (p, (ahead, behind)) in ahead.iter().zip(&behind).enumerate() {
            let width = 4.0 * SHARE * sizes[p][unknown];
            whole[p].extend(ahead.iter().zip(behind).map(|(a, b)| (a - b) / width));
        }
    }
    let dense = |whole: Vec<f64>| {
        let both = |i: usize, j: usize| 0.5 * (whole[i * n + j] + whole[j * n + i]);
        let square = (0..n).flat_map(|i| (0..=i).map(move |j| (i, j)));
        Dense {
            square: square.map(|(i, j)| both(i, j)).collect(),
            slope: vec![0.0; n],
        }
    };
    whole.into_iter().map(dense).zip(here).collect()
}
