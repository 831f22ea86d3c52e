//! Stages that move a code through a decoder: its kinks make many shallow valleys, so that it is solved
//! with rounded kinks first.

use crate::ir::{Coupling, NodeId, NodeKind, Problem, Stage};
use crate::solve::{MethodKind, SolveSettings};

/// Widths of the kinks, over the usual size of what they are given, one solve after the other.
const SOFTNESS: [f64; 2] = [0.15, 0.03];
/// Converged, as far as rounded kinks go.
const TOLERANCE: f64 = 3e-3;
const ITERATIONS: usize = 40;

/// The same stage with rounded kinks, ever less; none where there are no kinks, where the method takes
/// short steps, which find their way among them, or where the frames are one problem.
pub(super) fn stages<'a>(
    problem: &'a Problem,
    stage: &'a Stage,
) -> impl Iterator<Item = Stage> + use<'a> {
    let bent = problem.nodes.iter().any(|node| match node.kind {
        NodeKind::Decoded { of, .. } => moves(problem, stage, of),
        _ => false,
    });
    let alone = stage.coupling == Coupling::Independent;
    let passes = match bent && alone && stage.method == MethodKind::Lm {
        true => &SOFTNESS[..],
        false => &[],
    };
    passes.iter().map(|&softness| Stage {
        softness,
        ..stage.clone()
    })
}

/// Whether a stage frees the variable that a node is.
fn moves(problem: &Problem, stage: &Stage, id: NodeId) -> bool {
    match problem.nodes[id.0].kind {
        NodeKind::Variable(variable) => stage.free.contains(&variable),
        _ => false,
    }
}

/// How it is solved with rounded kinks.
pub(super) fn settings(settings: &SolveSettings) -> SolveSettings {
    SolveSettings {
        tolerance_cost: settings.tolerance_cost.max(TOLERANCE),
        max_iter: iterations(settings),
        ..settings.clone()
    }
}

/// How it is solved afterwards, to a tolerance of its own, so that all passes together keep to its limit.
pub(super) fn rest(settings: &SolveSettings, tolerance: f64) -> SolveSettings {
    SolveSettings {
        tolerance_cost: tolerance,
        max_iter: settings.max_iter - SOFTNESS.len() * iterations(settings),
        ..settings.clone()
    }
}

/// The limit of a pass with rounded kinks.
fn iterations(settings: &SolveSettings) -> usize {
    ITERATIONS.min(settings.max_iter / (2 * SOFTNESS.len()))
}
