//! Values of a node in f64, for starts, metrics and outputs.

use dfdx::prelude::Cpu;

use super::{Leaf, Program};
use crate::graph::Pass;
use crate::ir::{NodeId, Per, Problem, Values, VariableId};

/// (frames, dims) of a node for the given frames, one row each also where it is shared.
pub(crate) fn forward(
    problem: &Problem,
    node: NodeId,
    values: &Values,
    frames: &[usize],
) -> Vec<f64> {
    if frames.is_empty() {
        return Vec::new();
    }
    let program = Program::<f64>::of_nodes(problem, std::iter::once(node));
    let device = Cpu::default();
    let leaf = |variable: VariableId| {
        let data: Vec<f64> = match problem.variables[variable.0].per {
            Per::Subject => values.all(variable).to_vec(),
            Per::Frame => frames
                .iter()
                .flat_map(|&f| values.get(variable, f).iter().copied())
                .collect(),
        };
        let rows = match problem.variables[variable.0].per {
            Per::Subject => 1,
            Per::Frame => frames.len(),
        };
        Leaf {
            data,
            rows,
            free: false,
        }
    };
    let mut pass = Pass::new(&device);
    let (steps, _) = program.forward(&mut pass, frames.len(), leaf);
    let row = steps[program.position(node)].tensor.as_vec();
    match problem.nodes[node.0].per {
        Per::Frame => row,
        Per::Subject => row.repeat(frames.len()),
    }
}
