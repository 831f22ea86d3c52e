//! How sure a solution is where a term is an energy: by half the Hessian of E, from differences of its
//! gradient.

use dfdx::prelude::Cpu;

use super::deviations::{Deviations, in_units};
use crate::compile::CompiledObjective;
use crate::ir::{Per, Problem, Stage, Values};
use crate::normal::Dense;
use crate::objective::{Evaluation, Objective, Want};

/// Unknowns up to which it is computed: each takes two gradients.
const MOST: usize = 300;
/// A difference, over the size of an unknown's variable.
const SHARE: f64 = 1e-4;

/// Those of a problem over tables; E is taken for −2 log likelihood.
pub(super) fn deviations(
    problem: &Problem,
    stage: &Stage,
    values: &Values,
    frames: &[usize],
) -> Option<Deviations> {
    if problem.sets.is_empty() {
        return None;
    }
    let objective =
        CompiledObjective::<f64, Cpu>::new(problem, stage, values, frames.to_vec(), true);
    let layout = objective.layout();
    if layout.tangent() > MOST {
        return None;
    }
    let x = objective.start();
    let mut normal = half_hessian(&objective, &x);
    let unread: Vec<bool> = normal.diagonal().iter().map(|d| *d == 0.0).collect();
    let open = (0..unread.len()).filter(|i| unread[*i]);
    normal.hold(&open.collect::<Vec<_>>());
    normal.hold(&layout.held);
    for (first, along) in layout.normals(&x) {
        normal.stiffen(first, &along);
    }
    let variances = normal.variances();
    let mut of_variables = vec![Vec::new(); problem.variables.len()];
    for (id, places) in objective.places() {
        let of_place = |place: usize| match (layout.held.contains(&place), unread[place]) {
            (true, _) => 0.0,
            (_, true) => f64::NAN,
            _ => variances[place].sqrt(),
        };
        if problem.variables[id.0].per != Per::Frame {
            of_variables[id.0] = in_units(problem, values, id, places.map(of_place).collect());
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

fn half_hessian(objective: &CompiledObjective<'_, f64, Cpu>, x: &[f64]) -> Dense {
    let layout = objective.layout();
    let n = layout.tangent();
    let mut out = Evaluation::default();
    let mut gradient = |step: &[f64]| {
        let mut to = x.to_vec();
        layout.retract(x, step, 1.0, &mut to);
        objective.evaluate(&to, &[0], Want::Gradient, &mut out);
        let mut tangent = vec![0.0; n];
        layout.pull_back(&to, &out.gradient, &mut tangent);
        tangent
    };
    let mut step = vec![0.0; n];
    let mut whole = Vec::with_capacity(n * n);
    for (i, size) in layout.sizes(x).iter().enumerate() {
        let h = SHARE * size;
        step[i] = h;
        let ahead = gradient(&step);
        step[i] = -h;
        let behind = gradient(&step);
        step[i] = 0.0;
        whole.extend(ahead.iter().zip(behind).map(|(a, b)| (a - b) / (4.0 * h)));
    }
    let both = |i: usize, j: usize| 0.5 * (whole[i * n + j] + whole[j * n + i]);
    let square = (0..n).flat_map(|i| (0..=i).map(move |j| (i, j)));
    Dense {
        square: square.map(|(i, j)| both(i, j)).collect(),
        slope: vec![0.0; n],
    }
}
