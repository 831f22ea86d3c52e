//! A straight-line program over the nodes that some terms need, run on sixteen frames at a time.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::operations;
use crate::graph::{Host, LANES, Operation, Pass, Scalar, Traced};
use crate::ir::{Node, NodeId, NodeKind, Per, Problem, Stage, Term, Values, VariableId};
use crate::term::residuals::{Residuals, Rows};

pub(super) struct Program<E> {
    pub steps: Vec<Step<E>>,
    pub terms: Vec<ProgramTerm<E>>,
    /// Terms of the stage.
    pub columns: usize,
    /// Frames after a frame that its terms read.
    pub reach: usize,
}

pub(super) struct Step<E> {
    pub node: NodeId,
    pub action: Action<E>,
}

pub(super) enum Action<E> {
    Leaf(Source),
    /// What the free variables do not move, nor the frame.
    Constant(Vec<E>),
    Apply {
        operation: Arc<dyn Operation<E>>,
        /// Positions of earlier steps.
        inputs: Vec<usize>,
    },
}

/// Where the numbers of a leaf come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// The row's own copy of a variable.
    Own(VariableId),
    /// The copies that rows refer to.
    Taken(VariableId, Arc<Vec<u32>>),
    /// Numbers of a table.
    Column(Arc<Vec<f64>>, usize),
}

impl Source {
    pub fn of(node: &Node) -> Option<Self> {
        Some(match &node.kind {
            NodeKind::Variable(id) => Self::Own(*id),
            NodeKind::Taken { of, rows, .. } => Self::Taken(*of, Arc::clone(rows)),
            NodeKind::Column { values, .. } => Self::Column(Arc::clone(values), node.dims),
            _ => return None,
        })
    }

    pub fn variable(&self) -> Option<VariableId> {
        match self {
            Self::Own(id) | Self::Taken(id, _) => Some(*id),
            Self::Column(..) => None,
        }
    }

    /// The element that a row of it is about.
    pub fn element(&self, row: usize) -> usize {
        match self {
            Self::Taken(_, rows) => rows[row] as usize,
            _ => row,
        }
    }
}

pub(super) struct ProgramTerm<E> {
    /// Position of the step that it reads.
    pub step: usize,
    /// Column among the stage's terms.
    pub column: usize,
    pub residuals: Residuals<E>,
    /// Operations of which the step's is the one that is smallest at a point; mostly none.
    pub alternatives: Vec<Arc<dyn Operation<E>>>,
}

/// A chunk's numbers for one variable, (dims, LANES).
pub(super) struct Leaf<E> {
    pub data: Vec<E>,
    pub free: bool,
}

/// The steps that hold free variables.
type FreeLeaves = Vec<usize>;

/// Costs and gradients of one chunk.
pub(super) struct ChunkResult<E> {
    /// (core lanes, terms).
    pub costs: Vec<f64>,
    /// For each step that holds a free variable its gradient, (dims, LANES).
    pub gradients: Vec<(usize, Vec<E>)>,
}

impl<E: Scalar> Program<E> {
    /// The program of the stage's terms, numbered by their position in the stage.
    pub fn new<'a, D: Host<E>>(
        problem: &Problem,
        stage: &Stage,
        values: &Values,
        terms: impl Iterator<Item = (usize, &'a Term)>,
    ) -> Self {
        let terms: Vec<(usize, &Term)> = terms.collect();
        let wanted = terms.iter().map(|(_, t)| t.node);
        let mut program = Self::of_nodes(problem, wanted, stage.softness);
        program.columns = stage.terms.len();
        for (column, term) in terms {
            let node = &problem.nodes[term.node.0];
            let residuals = operations::residuals(term, node);
            program.reach = program.reach.max(term.reach);
            program.terms.push(ProgramTerm {
                step: program.position(term.node),
                column,
                residuals,
                alternatives: operations::alternatives(&node.kind),
            });
        }
        program.fold::<D>(problem, &stage.free, values);
        program
    }

    pub fn of_nodes(
        problem: &Problem,
        wanted: impl Iterator<Item = NodeId>,
        softness: f64,
    ) -> Self {
        let mut program = Self {
            steps: Vec::new(),
            terms: Vec::new(),
            columns: 0,
            reach: 0,
        };
        for id in live(&problem.nodes, wanted) {
            let node = &problem.nodes[id.0];
            let kind = &node.kind;
            let action = match Source::of(node) {
                Some(source) => Action::Leaf(source),
                None => Action::Apply {
                    inputs: kind.inputs().iter().map(|n| program.position(*n)).collect(),
                    operation: operations::operation(kind, &problem.nodes, softness),
                },
            };
            program.steps.push(Step { node: id, action });
        }
        program
    }

    pub fn position(&self, node: NodeId) -> usize {
        let found = self.steps.iter().position(|s| s.node == node);
        found.expect("a node comes after those that it reads")
    }

    /// Replaces what is the same in every evaluation by its numbers.
    fn fold<D: Host<E>>(&mut self, problem: &Problem, free: &[VariableId], values: &Values) {
        let mut pass = Pass::<E, D>::new(&D::default());
        let mut known: Vec<Option<Traced<E, D>>> = Vec::new();
        for step in &mut self.steps {
            let shared = problem.nodes[step.node.0].per == Per::Subject;
            let value = match &step.action {
                Action::Leaf(Source::Own(variable)) if shared && !free.contains(variable) => {
                    let numbers = values.all(*variable).iter();
                    let data: Vec<E> = numbers.flat_map(|x| [E::of(*x); LANES]).collect();
                    Some(pass.leaf(data, values.all(*variable).len(), false))
                }
                Action::Apply { operation, inputs } => {
                    let inputs: Option<Vec<_>> =
                        inputs.iter().map(|i| known[*i].as_ref()).collect();
                    inputs.map(|inputs| pass.apply(operation, &inputs))
                }
                _ => None,
            };
            if let Some(value) = &value {
                step.action = Action::Constant(D::numbers(&value.tensor).to_vec());
            }
            known.push(value);
        }
    }

    /// Runs one chunk: values forward, costs, and where `differentiate` gradients back to the free
    /// leaves.
    pub fn run<D: Host<E>>(
        &self,
        rows: Rows<'_>,
        differentiate: bool,
        leaf: impl Fn(&Source) -> Leaf<E>,
    ) -> ChunkResult<E> {
        let mut pass = Pass::<E, D>::new(&D::default());
        let (values, free) = self.forward(&mut pass, differentiate, leaf);
        let mut costs = vec![0.0; rows.core * self.columns];
        for term in &self.terms {
            let input = &values[term.step];
            let weighed = term.residuals.weigh(rows, D::numbers(&input.tensor));
            for (row, cost) in costs.chunks_exact_mut(self.columns).zip(weighed.costs) {
                row[term.column] += cost;
            }
            if input.wanted {
                pass.seed(input, term.residuals.gradient(&weighed));
            }
        }
        let gradients = match differentiate {
            true => {
                let leaves: Vec<_> = free.iter().map(|at| &values[*at]).collect();
                let gradients = pass.backward(&leaves);
                free.iter().copied().zip(gradients).collect()
            }
            false => Vec::new(),
        };
        ChunkResult { costs, gradients }
    }

    /// The value of every step, and which steps are free leaves.
    pub fn forward<D: Host<E>>(
        &self,
        pass: &mut Pass<E, D>,
        differentiate: bool,
        leaf: impl Fn(&Source) -> Leaf<E>,
    ) -> (Vec<Traced<E, D>>, FreeLeaves) {
        let mut values: Vec<Traced<E, D>> = Vec::with_capacity(self.steps.len());
        let mut free = Vec::new();
        for (at, step) in self.steps.iter().enumerate() {
            let value = match &step.action {
                Action::Leaf(source) => {
                    let leaf = leaf(source);
                    if leaf.free {
                        free.push(at);
                    }
                    let dims = leaf.data.len() / LANES;
                    pass.leaf(leaf.data, dims, leaf.free && differentiate)
                }
                Action::Constant(data) => pass.leaf(data.clone(), data.len() / LANES, false),
                Action::Apply { operation, inputs } => {
                    let inputs: Vec<_> = inputs.iter().map(|i| &values[*i]).collect();
                    pass.apply(operation, &inputs)
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
