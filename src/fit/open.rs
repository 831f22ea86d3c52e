//! Unknowns of which no term says anything: the null space of JᵀJ, in words.

use std::collections::BTreeSet;

use dfdx::prelude::Cpu;

use super::frames;
use crate::compile::CompiledObjective;
use crate::ir::{Coupling, Problem, Stage, Values};
use crate::normal::eigen::{Eigen, symmetric};
use crate::normal::{Linked, Normal};
use crate::objective::{Evaluation, Objective, Want};

/// Frames that are looked at: what is open, is so in all of them.
const LOOKED_AT: usize = 4;
/// What is open that is shown of it.
const SHOWN: usize = 3;
/// Eigenvalues of JᵀJ, over the largest, below which a direction is open.
const OPEN: f64 = 1e-11;
/// The same where unknowns are in units of what they move the residuals by.
const OPEN_IN_UNITS: f64 = 1e-13;
/// Unknowns up to which rows of tables are looked at.
const MOST: usize = 600;
/// What stands in JᵀJ for the direction off a sphere, in which nothing moves.
const OFF_SPHERE: f64 = 1.0;
/// Unknowns that a direction is named by at most, and their least share of it.
const NAMED: usize = 4;
const SHARE: f64 = 0.2;

/// What a stage frees and its terms leave open at the given values: unknowns, and after them
/// combinations of unknowns of which only the sum is open.
pub(super) fn open(problem: &Problem, stage: &Stage, values: &Values, of: &[usize]) -> Vec<String> {
    // Of an energy no residuals say what moves it.
    if stage.has_energies() {
        return Vec::new();
    }
    let looked_at = match stage.terms.iter().any(|t| t.couples()) {
        true => of[..of.len().min(LOOKED_AT)].to_vec(),
        false => spread(of),
    };
    let joint = stage.coupling != Coupling::Independent;
    let groups: Vec<Vec<usize>> = match joint {
        true => vec![looked_at],
        false => looked_at.into_iter().map(|f| vec![f]).collect(),
    };
    let mut of_groups = groups
        .iter()
        .map(|frames| of_frames(problem, stage, values, frames));
    let Some(mut open) = of_groups.next() else {
        return Vec::new();
    };
    for other in of_groups {
        open.retain(|name| other.contains(name));
    }
    open
}

fn spread(frames: &[usize]) -> Vec<usize> {
    let count = frames.len().min(LOOKED_AT);
    (0..count)
        .map(|i| frames[i * frames.len() / count])
        .collect()
}

fn of_frames(problem: &Problem, stage: &Stage, values: &Values, frames: &[usize]) -> Vec<String> {
    let joint = problem.batch.is_none();
    let objective =
        CompiledObjective::<f64, Cpu>::new(problem, stage, values, frames.to_vec(), joint);
    if objective.left() > MOST {
        return Vec::new();
    }
    let mut out = Evaluation::default();
    let start = objective.start();
    objective.evaluate(&start, &[0], Want::Normal, &mut out);
    let layout = objective.layout();
    out.normal = std::mem::take(&mut out.normal).apart();
    let chain = match &mut out.normal {
        Normal::Chain(chain) => {
            chain.hold(&layout.held);
            chain
        }
        Normal::Linked(linked) => {
            linked.hold(&layout.held);
            let Some((lower, places)) = linked.left(MOST) else {
                return Vec::new();
            };
            return of_rows(&objective, &lower, &places, &linked.diagonal());
        }
        Normal::Dense(dense) => {
            let Some(dense) = dense.first_mut() else {
                return Vec::new();
            };
            dense.hold(&layout.held);
            let places: Vec<usize> = (0..dense.unknowns()).collect();
            return of_rows(&objective, &dense.lower(), &places, &dense.diagonal());
        }
        _ => return Vec::new(),
    };
    let unknowns = layout.tangent();
    let mut square = chain.square();
    for (first, normal) in layout.normals(&start) {
        for (i, a) in normal.iter().enumerate() {
            for (j, b) in normal.iter().enumerate() {
                square[(first + i) * unknowns + first + j] += a * b * OFF_SPHERE;
            }
        }
    }
    let Some(Eigen { values, vectors }) = symmetric(&square, unknowns) else {
        return Vec::new();
    };
    let most = values.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let pairs = values.iter().zip(vectors.chunks_exact(unknowns.max(1)));
    let null = pairs.filter(|(value, _)| **value <= OPEN * most);
    let null: Vec<&[f64]> = null.map(|(_, vector)| vector).collect();
    let places: Vec<usize> = (0..unknowns).collect();
    named(&objective, &null, &places)
}

/// What rows of tables leave open of some unknowns, whose JᵀJ has a lower triangle, by columns; each in
/// units of what it moves the residuals by.
fn of_rows(
    objective: &CompiledObjective<'_, f64, Cpu>,
    lower: &[f64],
    places: &[usize],
    diagonal: &[f64],
) -> Vec<String> {
    let null = null_of(lower, places, diagonal);
    let null: Vec<&[f64]> = null.iter().map(Vec::as_slice).collect();
    named(objective, &null, places)
}

/// How many directions of its unknowns rows of tables leave open; zero where there are too many unknowns to
/// look.
pub(super) fn count(linked: &Linked) -> usize {
    let left = linked.left(MOST);
    left.map_or(0, |(lower, places)| {
        null_of(&lower, &places, &linked.diagonal()).len()
    })
}

/// The directions in which JᵀJ is nothing, of length 1.
fn null_of(lower: &[f64], places: &[usize], diagonal: &[f64]) -> Vec<Vec<f64>> {
    let n = places.len();
    let unit: Vec<f64> = places.iter().map(|p| diagonal[*p].sqrt()).collect();
    let still = |i: usize| unit[i] == 0.0;
    let mut square = vec![0.0; n * n];
    for j in 0..n {
        for i in j..n {
            let x = match still(i) || still(j) {
                true => 0.0,
                false => lower[j * n + i] / (unit[i] * unit[j]),
            };
            (square[i * n + j], square[j * n + i]) = (x, x);
        }
    }
    let Some(Eigen { values, vectors }) = symmetric(&square, n) else {
        return Vec::new();
    };
    let pairs = values.iter().zip(vectors.chunks_exact(n.max(1)));
    let null = pairs.filter(|(value, _)| **value <= OPEN_IN_UNITS);
    let in_places = |(_, vector): (&f64, &[f64])| {
        let x = vector.iter().zip(&unit).enumerate();
        let x = x.map(|(i, (x, unit))| if still(i) { *x } else { x / unit });
        let x: Vec<f64> = x.collect();
        let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        x.iter().map(|x| x / length).collect::<Vec<f64>>()
    };
    null.map(in_places).collect()
}

/// The directions of some unknowns in words.
fn named(
    objective: &CompiledObjective<'_, f64, Cpu>,
    null: &[&[f64]],
    places: &[usize],
) -> Vec<String> {
    let unknowns = places.len();
    let in_order = |mut of: Vec<usize>| {
        of.sort_unstable();
        of.into_iter().map(|i| places[i]).collect::<Vec<usize>>()
    };
    let share = |i: usize| null.iter().map(|v| v[i] * v[i]).sum::<f64>();
    let alone: Vec<usize> = (0..unknowns).filter(|&i| share(i) > 0.99).collect();
    let mut names = objective.name_components(&in_order(alone.clone()));
    for vector in null {
        let most = (0..unknowns).fold(0.0, |most: f64, i| most.max(vector[i].abs()));
        let shares = |i: &usize| !alone.contains(i) && vector[*i].abs() > SHARE * most;
        let mut parts: Vec<usize> = (0..unknowns).filter(shares).collect();
        if parts.len() > NAMED {
            let moved = objective.variables_at(&in_order(parts));
            names.push(format!("a change of {} as a whole", moved.join(" and ")));
            continue;
        }
        parts.sort_by(|a, b| vector[*b].abs().total_cmp(&vector[*a].abs()));
        if parts.len() > 1 {
            let names_of = objective.name_components(&in_order(parts));
            names.push(format!("some sum of {}", names_of.join(" and ")));
        }
    }
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// The first few of what is open, and how many there are besides, in words.
pub fn in_words(open: &[String]) -> String {
    let shown = open[..open.len().min(SHOWN)].join(", ");
    match open.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}, and {more} more sums of some"),
    }
}

/// The remark on what a finished fit left open.
pub(crate) fn remark(problem: &Problem, values: &Values, solved: &[bool]) -> Option<String> {
    let stage = problem.stages.last()?;
    let frames: Vec<usize> = frames::of_stage(problem, stage, solved);
    let open = open(problem, stage, values, &frames);
    (!open.is_empty()).then(|| {
        format!(
            "no term says anything of {}: they stay where they began, or anywhere; {} or a term of the \
             kind `l2` decides them",
            in_words(&open),
            match problem.sets.is_empty() {
                true => "a prior",
                false => "`[[gauge]]`, which holds elements,",
            }
        )
    })
}
