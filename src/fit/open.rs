//! Unknowns of which no term says anything: the null space of JᵀJ, in words.

use std::collections::BTreeSet;

use dfdx::prelude::Cpu;

use super::frames;
use crate::compile::CompiledObjective;
use crate::ir::{Coupling, Problem, Stage, Values};
use crate::normal::Normal;
use crate::normal::eigen::{Eigen, symmetric};
use crate::objective::{Evaluation, Objective, Want};

/// Frames that are looked at: what is open, is so in all of them.
const LOOKED_AT: usize = 4;
/// What is open that is shown of it.
const SHOWN: usize = 3;
/// Eigenvalues of JᵀJ, over the largest, below which a direction is open.
const OPEN: f64 = 1e-11;
/// What stands in JᵀJ for the direction off a sphere, in which nothing moves.
const OFF_SPHERE: f64 = 1.0;
/// Unknowns that a direction is named by at most, and their least share of it.
const NAMED: usize = 4;
const SHARE: f64 = 0.2;

/// What a stage frees and its terms leave open at the given values: unknowns, and after them
/// combinations of unknowns of which only the sum is open.
pub(super) fn open(problem: &Problem, stage: &Stage, values: &Values, of: &[usize]) -> Vec<String> {
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
    let objective =
        CompiledObjective::<f64, Cpu>::new(problem, stage, values, frames.to_vec(), true);
    let mut out = Evaluation::default();
    let start = objective.start();
    objective.evaluate(&start, &[0], Want::Normal, &mut out);
    let Normal::Chain(chain) = &out.normal else {
        return Vec::new();
    };
    let layout = objective.layout();
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
    let null: Vec<&[f64]> = values
        .iter()
        .zip(vectors.chunks_exact(unknowns.max(1)))
        .filter(|(value, _)| **value <= OPEN * most)
        .map(|(_, vector)| vector)
        .collect();
    let share = |i: usize| null.iter().map(|v| v[i] * v[i]).sum::<f64>();
    let alone: Vec<usize> = (0..unknowns).filter(|&i| share(i) > 0.99).collect();
    let mut names = objective.name_components(&alone);
    for vector in null {
        let mut parts: Vec<usize> = (0..unknowns)
            .filter(|i| !alone.contains(i) && vector[*i].powi(2) > SHARE * SHARE)
            .collect();
        parts.sort_by(|a, b| vector[*b].abs().total_cmp(&vector[*a].abs()));
        parts.truncate(NAMED);
        parts.sort_unstable();
        if parts.len() > 1 {
            names.push(format!(
                "some sum of {}",
                objective.name_components(&parts).join(" and ")
            ));
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
            "no term says anything of {}: they stay where they began, or anywhere; a prior or a term \
             of the kind `l2` decides them",
            in_words(&open)
        )
    })
}
