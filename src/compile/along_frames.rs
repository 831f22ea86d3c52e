//! What a joint stage along frames looks like to a solver: data at each frame, springs between them.

use crate::ir::{NodeKind, Per, Problem, Residual, Stage, Term};
use crate::precondition::{BAND, Preconditioner};
use crate::term::difference::stencil;

/// What a frame without data has of the usual amount, from the priors: enough to hold it in place.
const LEAST: f64 = 1e-4;

/// Distance from which a camera is taken to look, m, where pixels are compared with metres.
const DEPTH: f64 = 4.0;

/// The matrix diag(data) + Σ springs · DᵀD along the stage's frames, in units of the usual data;
/// nothing where no term ties frames. A coordinate's lever scales both alike and drops out.
pub(super) fn preconditioner(
    problem: &Problem,
    stage: &Stage,
    frames: &[usize],
    parts: Vec<(usize, usize)>,
) -> Option<Preconditioner> {
    if !stage.terms.iter().any(|t| t.couples()) {
        return None;
    }
    let mut data: Vec<f64> = frames
        .iter()
        .map(|&f| evidence(problem, stage, f))
        .collect();
    let mut sorted: Vec<f64> = data.iter().copied().filter(|d| *d > 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    let usual = *sorted.get(sorted.len() / 2)?;
    data.iter_mut().for_each(|d| *d = (*d / usual).max(LEAST));
    let mut rows: Vec<[f64; BAND + 1]> = data.iter().map(|&d| [d, 0.0, 0.0]).collect();
    for term in &stage.terms {
        let node = &problem.nodes[term.node.0];
        let (&NodeKind::Difference { order, rate, .. }, Residual::Value { k, .. }) =
            (&node.kind, &term.residual)
        else {
            continue;
        };
        let points = node.dims / k;
        let spring = points as f64 * curvature(term) * rate.powi(2 * order as i32) / usual;
        add_springs(&mut rows, (frames, &problem.gaps), order, spring);
    }
    Preconditioner::new(parts, &rows)
}

/// weight / sigma².
fn curvature(term: &Term) -> f64 {
    term.whitening.weight / term.whitening.sigma[0].powi(2)
}

/// Σ weight · conf / sigma² of the points seen in a frame, per m².
fn evidence(problem: &Problem, stage: &Stage, frame: usize) -> f64 {
    let of_term = |term: &Term| {
        let Residual::Points(targets) = &term.residual else {
            return 0.0;
        };
        let n = targets.weights.len() / problem.frames;
        let seen: f64 = targets.weights[frame * n..(frame + 1) * n].iter().sum();
        seen * curvature(term) * per_metre(problem, term).powi(2)
    };
    stage.terms.iter().map(of_term).sum()
}

/// Units of a term's residual that a metre is.
fn per_metre(problem: &Problem, term: &Term) -> f64 {
    match &problem.nodes[term.node.0].kind {
        NodeKind::Project { cameras, .. } => cameras[0].intrinsics[0] / DEPTH,
        _ => 1.0,
    }
}

/// Adds spring · DᵀD, with D over every run of neighbouring frames.
fn add_springs(
    rows: &mut [[f64; BAND + 1]],
    (frames, gaps): (&[usize], &[usize]),
    order: usize,
    spring: f64,
) {
    let stencil = stencil(order);
    for first in 0..frames.len().saturating_sub(order) {
        let (from, to) = (frames[first], frames[first + order]);
        let cut = gaps.iter().any(|g| (from..to).contains(g));
        if to != from + order || cut {
            continue;
        }
        for (i, a) in stencil.iter().enumerate() {
            for (j, b) in stencil.iter().enumerate().take(i + 1) {
                rows[first + i][i - j] += spring * a * b;
            }
        }
    }
}

/// First place and coordinates of a frame of every variable with a copy for each frame.
pub(super) fn parts(problem: &Problem, stage: &Stage, frames: usize) -> Vec<(usize, usize)> {
    let (mut parts, mut at) = (Vec::new(), 0);
    for per in [Per::Subject, Per::Frame] {
        for &id in &stage.free {
            let variable = &problem.variables[id.0];
            if variable.per == per {
                let dims = variable.copies * variable.manifold.tangent();
                if per == Per::Subject {
                    at += dims;
                } else {
                    parts.push((at, dims));
                    at += frames * dims;
                }
            }
        }
    }
    parts
}
