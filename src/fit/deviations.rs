//! How sure a solution over tables is: standard deviations of its unknowns, by the inverse of JᵀJ.

use dfdx::prelude::Cpu;

use super::influence::{Influence, influence};
use super::open;
use crate::compile::CompiledObjective;
use crate::ir::{Per, Problem, Residual, Stage, Term, Values, VariableId};
use crate::manifold::Manifold;
use crate::normal::{Dense, Normal};
use crate::objective::{Evaluation, Objective, Want};

/// Unknowns that are left after elimination up to which deviations are computed.
const MOST: usize = 1500;

/// Elements of a batch whose normal equations are held at a time.
const AT_A_TIME: usize = 1024;

/// Standard deviations at a solution, to first order.
#[derive(Clone, Debug)]
pub struct Deviations {
    /// For each variable its unknowns, (copies, tangent), in the variable's unit: of rotations in rad about
    /// the axes of their own frame, of numbers above zero in their unit. Zero of what is held or stands at
    /// its bound. Empty where nothing was free, NaN
    /// where the data leave an unknown open.
    pub of_variables: Vec<Vec<f64>>,
    /// Residuals less unknowns, of which only those count that the residuals decide.
    pub degrees_of_freedom: i64,
    /// √(E/degrees of freedom): what residuals, in units of sigma, are by their spread; NaN where a term
    /// is an energy.
    pub residual: f64,
    /// Whether the deviations are in units of that spread, since no term says its sigma.
    pub scaled: bool,
    /// How well the data pin it down, where there are few unknowns.
    pub influence: Option<Influence>,
}

/// Residuals beyond so many sigmas are no chance.
const MANY: f64 = 3.0;

impl Deviations {
    /// What residuals that are many sigmas say of a solution.
    pub(crate) fn remark(&self) -> Option<String> {
        let many = !self.scaled && self.degrees_of_freedom > 0 && self.residual > MANY;
        many.then(|| {
            format!(
                "residuals are {:.1} times as large as their sigmas say: a sigma is too small, the model \
                 does not hold, or there is a better solution, which other starts may find \
                 (`solve.starts`), or a stage that frees less at first",
                self.residual
            )
        })
    }
}

/// Those of a problem over tables, where it is small enough.
pub(super) fn deviations(
    problem: &Problem,
    stage: &Stage,
    values: &Values,
    frames: &[usize],
) -> Option<Deviations> {
    let of_rows = |per: Per| matches!(per, Per::Row(_));
    let of_terms = stage.terms.iter().map(|t| problem.nodes[t.node.0].per);
    let of_variables = stage.free.iter().map(|v| problem.variables[v.0].per);
    if !of_terms.chain(of_variables).any(of_rows) {
        return None;
    }
    let objective =
        CompiledObjective::<f64, Cpu>::new(problem, stage, values, frames.to_vec(), true);
    if objective.left() > MOST {
        return None;
    }
    let mut out = Evaluation::default();
    objective.evaluate(&objective.start(), &[0], Want::Normal, &mut out);
    let Normal::Linked(linked) = &mut out.normal else {
        return None;
    };
    let layout = objective.layout();
    // What no residual reads is open on its own, and takes nothing from the others.
    let diagonal = linked.diagonal();
    let mut open: Vec<bool> = diagonal.iter().map(|d| *d == 0.0).collect();
    let unread: Vec<usize> = (0..open.len()).filter(|i| open[*i]).collect();
    // What stands at a bound does not move either.
    let at_rest = layout.blocked(&objective.start(), |i| -linked.slope[i]);
    linked.hold(&unread);
    linked.hold(&at_rest);
    let mut held = vec![false; open.len()];
    for &place in &at_rest {
        (held[place], open[place]) = (true, false);
    }
    let variances = linked.variances(MOST)?;
    let loose = open::count(linked);
    let still = unread.iter().chain(&at_rest);
    let still = still.collect::<std::collections::BTreeSet<_>>().len();
    let unknowns = layout.degrees_of_freedom().saturating_sub(still + loose);
    let count: usize = stage.terms.iter().map(|t| residuals(problem, t)).sum();
    let degrees = count as i64 - unknowns as i64;
    let residual = (out.costs[0] / degrees.max(1) as f64).sqrt();
    let scaled = !stage.terms.iter().any(|t| t.sigma_stated);
    let unit = match (scaled, degrees > 0) {
        (true, true) => residual * residual,
        // Nothing is left that could spread.
        (true, false) => f64::NAN,
        (false, _) => 1.0,
    };
    let still: Vec<usize> = unread.iter().chain(&at_rest).copied().collect();
    let around = (values, frames);
    let influence = match layout.normals(&objective.start()).is_empty() {
        true => influence(problem, stage, around, (&*linked, &still)),
        // Along the normal of a sphere nothing moves.
        false => None,
    };
    let mut of_variables = vec![Vec::new(); problem.variables.len()];
    for (id, places) in objective.places() {
        let of_place = |place: usize| match (held[place], open[place]) {
            (true, _) => 0.0,
            (_, true) => f64::NAN,
            _ => (variances[place] * unit).sqrt(),
        };
        let found: Vec<f64> = places.map(of_place).collect();
        let deviations = match problem.variables[id.0].per {
            Per::Frame => of_all_frames(problem, id, frames, &found),
            _ => found,
        };
        of_variables[id.0] = in_units(problem, values, id, deviations);
    }
    Some(Deviations {
        of_variables,
        degrees_of_freedom: degrees,
        residual,
        scaled,
        influence,
    })
}

/// The variances of one problem's unknowns: zero of what is at rest, and none along the normals of spheres.
pub(super) fn variances(
    normal: &mut Dense,
    at_rest: &[usize],
    normals: &[(usize, Vec<f64>)],
) -> Vec<f64> {
    let diagonal = normal.diagonal();
    let unread: Vec<usize> = (0..diagonal.len())
        .filter(|i| diagonal[*i] == 0.0)
        .collect();
    normal.hold(&unread);
    normal.hold(at_rest);
    for (first, along) in normals {
        normal.stiffen(*first, along);
    }
    let mut variances = normal.variances();
    for (first, along) in normals {
        let own = variances[*first..].iter_mut().zip(along);
        own.for_each(|(variance, x)| *variance = (*variance - x * x).max(0.0));
    }
    unread.iter().for_each(|i| variances[*i] = f64::NAN);
    at_rest.iter().for_each(|i| variances[*i] = 0.0);
    variances
}

/// Those of a batch: every element has residuals and unknowns of its own.
pub(super) fn of_batch(
    problem: &Problem,
    stage: &Stage,
    values: &Values,
    elements: &[usize],
) -> Option<Deviations> {
    let objective =
        CompiledObjective::<f64, Cpu>::new(problem, stage, values, elements.to_vec(), false);
    let layout = objective.layout();
    let unknowns = layout.degrees_of_freedom();
    let counts = objective.residuals_of(elements);
    let scaled = !stage.terms.iter().any(|t| t.sigma_stated);
    let mut of_variables: Vec<Vec<f64>> = vec![Vec::new(); problem.variables.len()];
    for id in &stage.free {
        let numbers = problem.frames * problem.variables[id.0].unknowns();
        of_variables[id.0] = vec![f64::NAN; numbers];
    }
    let places: Vec<_> = objective.places().collect();
    let (x, stride) = (objective.start(), layout.ambient());
    let (mut out, mut total) = (Evaluation::default(), 0.0);
    let all: Vec<usize> = (0..elements.len()).collect();
    for slots in all.chunks(AT_A_TIME) {
        let x = &x[slots[0] * stride..(slots[0] + slots.len()) * stride];
        objective.evaluate(x, slots, Want::Normal, &mut out);
        out.normal = std::mem::take(&mut out.normal).apart();
        let Normal::Dense(normals) = &mut out.normal else {
            return None;
        };
        total += out.costs.iter().sum::<f64>();
        for (i, normal) in normals.iter_mut().enumerate() {
            let of_element = &x[i * stride..(i + 1) * stride];
            let at_rest = layout.blocked(of_element, |j| -normal.slope[j]);
            let degrees = counts[slots[i]] as f64 - (unknowns - at_rest.len()) as f64;
            let unit = match (scaled, degrees > 0.0) {
                (true, true) => out.costs[i] / degrees,
                (true, false) => f64::NAN,
                (false, _) => 1.0,
            };
            let variances = variances(normal, &at_rest, &layout.normals(of_element));
            for (id, places) in &places {
                let (n, element) = (places.len(), elements[slots[i]]);
                let to = &mut of_variables[id.0][element * n..(element + 1) * n];
                for (to, variance) in to.iter_mut().zip(&variances[places.clone()]) {
                    // What is at rest has none, in whatever unit.
                    *to = match *variance == 0.0 {
                        true => 0.0,
                        false => (variance * unit).sqrt(),
                    };
                }
            }
        }
    }
    for (id, _) in places {
        of_variables[id.0] = in_units(problem, values, id, std::mem::take(&mut of_variables[id.0]));
    }
    let degrees = counts
        .iter()
        .map(|count| count.saturating_sub(unknowns) as i64);
    let degrees = degrees.sum::<i64>();
    Some(Deviations {
        of_variables,
        degrees_of_freedom: degrees,
        residual: (total / degrees.max(1) as f64).sqrt(),
        scaled,
        influence: None,
    })
}

/// Those of some frames among those of all: NaN where a frame took no part.
fn of_all_frames(problem: &Problem, id: VariableId, frames: &[usize], found: &[f64]) -> Vec<f64> {
    let n = problem.variables[id.0].unknowns();
    let mut all = vec![f64::NAN; problem.frames * n];
    for (frame, found) in frames.iter().zip(found.chunks_exact(n.max(1))) {
        all[frame * n..(frame + 1) * n].copy_from_slice(found);
    }
    all
}

/// From whitened tangent coordinates to the variable's unit.
pub(super) fn in_units(
    problem: &Problem,
    values: &Values,
    id: VariableId,
    mut of: Vec<f64>,
) -> Vec<f64> {
    let variable = &problem.variables[id.0];
    of.iter_mut().for_each(|d| *d *= variable.scale);
    if let Manifold::Positive(_) = variable.manifold {
        of.iter_mut().zip(values.all(id)).for_each(|(d, x)| *d *= x);
    }
    of
}

/// Numbers that a term compares.
fn residuals(problem: &Problem, term: &Term) -> usize {
    match &term.residual {
        Residual::Rows { weights, .. } => {
            let dims = problem.nodes[term.node.0].dims;
            dims * weights.iter().filter(|w| **w > 0.0).count()
        }
        Residual::Value { .. } => {
            let node = &problem.nodes[term.node.0];
            let copies = match node.per {
                Per::Subject => 1,
                Per::Frame => problem.frames,
                Per::Row(set) => problem.sets[set.0].ids.len(),
            };
            copies * node.dims
        }
        points => (0..problem.frames).map(|f| points.observed(f)).sum(),
    }
}
