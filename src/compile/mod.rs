//! From the checked problem to tensor operations: a program per stage, without what nobody reads.

mod along_frames;
mod forward;
mod objective;
mod operations;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::graph::{Backend, CostOperation, Operation, Pass, Rows, Scalar, Traced};
use crate::ir::{Node, NodeId, NodeKind, Per, Problem, Residual, Term, VariableId};

pub(crate) use forward::forward;
pub(crate) use objective::CompiledObjective;

/// A straight-line program over the nodes that some terms need.
struct Program<E> {
    steps: Vec<Step<E>>,
    terms: Vec<ProgramTerm<E>>,
    /// Frames after a frame that its terms read.
    reach: usize,
}

struct Step<E> {
    node: NodeId,
    action: Action<E>,
    per: Per,
}

enum Action<E> {
    Leaf(VariableId),
    Apply {
        operation: Arc<dyn Operation<E>>,
        /// Positions of earlier steps.
        inputs: Vec<usize>,
    },
}

struct ProgramTerm<E> {
    /// Position of the step that it reads.
    step: usize,
    /// Column among the stage's terms.
    column: usize,
    operation: Box<dyn CostOperation<E>>,
}

/// Free variables with the steps that hold them.
type FreeLeaves = Vec<(VariableId, usize)>;

/// A chunk's numbers for one variable.
struct Leaf<E> {
    data: Vec<E>,
    rows: usize,
    free: bool,
}

/// Costs and gradients of one chunk.
struct ChunkResult<E> {
    /// (core rows, terms).
    costs: Vec<f64>,
    /// For each free variable of the program its gradient, shaped like its leaf.
    gradients: Vec<(VariableId, Vec<E>)>,
}

impl<E: Scalar> Program<E> {
    /// The program of the terms, numbered by their position in the stage.
    fn new<'a>(problem: &Problem, terms: impl Iterator<Item = (usize, &'a Term)>) -> Self {
        let terms: Vec<(usize, &Term)> = terms.collect();
        let wanted = terms.iter().map(|(_, t)| t.node);
        let mut program = Self::of_nodes(problem, wanted);
        for (column, term) in terms {
            if let Residual::Difference { order, .. } = term.residual {
                program.reach = program.reach.max(order);
            }
            program.terms.push(ProgramTerm {
                step: program.position(term.node),
                column,
                operation: operations::cost(term, &problem.nodes[term.node.0]),
            });
        }
        program
    }

    fn of_nodes(problem: &Problem, wanted: impl Iterator<Item = NodeId>) -> Self {
        let mut program = Self {
            steps: Vec::new(),
            terms: Vec::new(),
            reach: 0,
        };
        for id in live(&problem.nodes, wanted) {
            let node = &problem.nodes[id.0];
            let action = match &node.kind {
                NodeKind::Variable(variable) => Action::Leaf(*variable),
                kind => Action::Apply {
                    inputs: kind.inputs().iter().map(|n| program.position(*n)).collect(),
                    operation: operations::operation(kind, &problem.nodes),
                },
            };
            program.steps.push(Step {
                node: id,
                action,
                per: node.per,
            });
        }
        program
    }

    fn position(&self, node: NodeId) -> usize {
        let found = self.steps.iter().position(|s| s.node == node);
        found.expect("a node comes after those that it reads")
    }

    /// Runs one chunk: values forward, costs, gradients back to the free leaves.
    fn run<D: Backend<E>>(
        &self,
        device: &D,
        rows: Rows<'_>,
        columns: usize,
        leaf: impl Fn(VariableId) -> Leaf<E>,
    ) -> ChunkResult<E> {
        let mut pass = Pass::new(device);
        let (values, free) = self.forward(&mut pass, rows.frames.len(), leaf);
        let mut costs = vec![0.0; rows.core * columns];
        let mut column = vec![0.0; rows.core];
        for term in &self.terms {
            column.fill(0.0);
            let input = &values[term.step];
            pass.cost(term.operation.as_ref(), rows, input, &mut column);
            for (i, cost) in column.iter().enumerate() {
                costs[i * columns + term.column] += cost;
            }
        }
        let leaves: Vec<_> = free.iter().map(|(_, at)| &values[*at]).collect();
        let gradients = pass.backward(&leaves);
        let names = free.iter().map(|(variable, _)| *variable);
        ChunkResult {
            costs,
            gradients: names.zip(gradients).collect(),
        }
    }

    /// The value of every step, and which steps are free leaves.
    fn forward<D: Backend<E>>(
        &self,
        pass: &mut Pass<E, D>,
        rows: usize,
        leaf: impl Fn(VariableId) -> Leaf<E>,
    ) -> (Vec<Traced<E, D>>, FreeLeaves) {
        let mut values: Vec<Traced<E, D>> = Vec::with_capacity(self.steps.len());
        let mut free = Vec::new();
        for (at, step) in self.steps.iter().enumerate() {
            let value = match &step.action {
                Action::Leaf(variable) => {
                    let leaf = leaf(*variable);
                    if leaf.free {
                        free.push((*variable, at));
                    }
                    pass.leaf(leaf.data, leaf.rows, leaf.free)
                }
                Action::Apply { operation, inputs } => {
                    let inputs: Vec<_> = inputs.iter().map(|i| &values[*i]).collect();
                    let rows = if step.per == Per::Frame { rows } else { 1 };
                    pass.apply(operation, rows, &inputs)
                }
            };
            values.push(value);
        }
        (values, free)
    }
}

/// The wanted nodes and all that they read, in order.
fn live(nodes: &[Node], wanted: impl Iterator<Item = NodeId>) -> BTreeSet<NodeId> {
    let mut live = BTreeSet::new();
    let mut open: Vec<NodeId> = wanted.collect();
    while let Some(id) = open.pop() {
        if live.insert(id) {
            open.extend(nodes[id.0].kind.inputs());
        }
    }
    live
}
