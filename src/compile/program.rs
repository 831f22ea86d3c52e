//! A straight-line program over the nodes that some terms need, run on sixteen frames at a time.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::operations;
use crate::graph::scratch::Scratch;
use crate::graph::{Few, Host, LANES, Operation, Pass, Scalar, Traced};
use crate::ir::{Node, NodeId, NodeKind, Per, Problem, Stage, Term, Values, VariableId};
use crate::term::residuals::{Residuals, Rows};

pub(super) struct Program<E> {
    pub steps: Vec<Step<E>>,
    pub terms: Vec<ProgramTerm<E>>,
    /// Terms of the stage.
    pub columns: usize,
    /// Frames after a frame that its terms read.
    pub reach: usize,
    /// Where each step's numbers begin among those of all, and where the last ones end.
    places: Vec<usize>,
}

pub(super) struct Step<E> {
    pub node: NodeId,
    pub action: Action<E>,
    /// Whether it holds a free variable.
    pub free: bool,
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

/// The values of all steps for one chunk.
pub(super) struct Computed<'p, E: Scalar> {
    program: &'p Program<E>,
    numbers: Scratch<E>,
}

impl<E: Scalar> Computed<'_, E> {
    /// A step's numbers, (dims, LANES).
    pub fn of(&self, step: usize) -> &[E] {
        self.program.value(&self.numbers, step)
    }
}

/// Costs and gradients of one chunk.
pub(super) struct ChunkResult<E> {
    /// (core lanes, terms).
    pub costs: Vec<f64>,
    /// For each step that holds a free variable its gradient, (dims, LANES).
    pub gradients: Vec<(usize, Vec<E>)>,
}

impl<E: Scalar> Program<E> {
    /// Values of what a step reads.
    pub fn inputs<'c>(&self, step: usize, values: &'c Computed<'_, E>) -> Few<&'c [E]> {
        match &self.steps[step].action {
            Action::Apply { inputs, .. } => inputs.iter().map(|i| values.of(*i)).collect(),
            _ => Few::new(),
        }
    }

    /// How many steps and terms read a step.
    pub fn readers(&self, step: usize) -> usize {
        let reads = |action: &Action<E>| match action {
            Action::Apply { inputs, .. } => inputs.iter().filter(|i| **i == step).count(),
            _ => 0,
        };
        let of_steps: usize = self.steps.iter().map(|s| reads(&s.action)).sum();
        of_steps + self.terms.iter().filter(|t| t.step == step).count()
    }

    /// The program of the stage's terms, numbered by their position in the stage.
    pub fn new<'a>(
        problem: &Problem,
        stage: &Stage,
        values: &Values,
        terms: impl Iterator<Item = (usize, &'a Term)>,
    ) -> Self {
        let terms: Vec<(usize, &Term)> = terms.collect();
        let wanted = terms.iter().map(|(_, t)| t.node);
        let mut program = Self::of_nodes(problem, wanted, stage.softness);
        program.columns = stage.terms.len();
        let gaps: Arc<[usize]> = problem.gaps.as_slice().into();
        for (column, term) in terms {
            let node = &problem.nodes[term.node.0];
            let residuals = operations::residuals(term, node, &gaps);
            program.reach = program.reach.max(term.reach);
            program.terms.push(ProgramTerm {
                step: program.position(term.node),
                column,
                residuals,
                alternatives: operations::alternatives(&node.kind),
            });
        }
        for step in &mut program.steps {
            if let Action::Leaf(source) = &step.action {
                step.free = source.variable().is_some_and(|v| stage.free.contains(&v));
            }
        }
        program.fold(problem, values);
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
            places: vec![0],
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
            program.steps.push(Step {
                node: id,
                action,
                free: false,
            });
        }
        program.arrange(&problem.nodes);
        program
    }

    pub fn position(&self, node: NodeId) -> usize {
        let found = self.steps.iter().position(|s| s.node == node);
        found.expect("a node comes after those that it reads")
    }

    /// Gives every step its place.
    fn arrange(&mut self, nodes: &[Node]) {
        self.places.truncate(1);
        let mut end = 0;
        for step in &self.steps {
            end += LANES
                * match &step.action {
                    Action::Leaf(_) => nodes[step.node.0].dims,
                    Action::Constant(_) => 0,
                    Action::Apply { operation, .. } => operation.out_dims(),
                };
            self.places.push(end);
        }
    }

    /// Replaces what is the same in every evaluation by its numbers.
    fn fold(&mut self, problem: &Problem, values: &Values) {
        for at in 0..self.steps.len() {
            let step = &self.steps[at];
            let shared = problem.nodes[step.node.0].per == Per::Subject;
            let numbers = match &step.action {
                Action::Leaf(Source::Own(variable)) if shared && !step.free => {
                    let numbers = values.all(*variable).iter();
                    numbers.flat_map(|x| [E::of(*x); LANES]).collect()
                }
                Action::Apply { operation, inputs } => {
                    let constant = |i: &usize| match &self.steps[*i].action {
                        Action::Constant(data) => Some(data.as_slice()),
                        _ => None,
                    };
                    let Some(inputs) = inputs.iter().map(constant).collect::<Option<Vec<_>>>()
                    else {
                        continue;
                    };
                    let mut out = vec![E::zero(); operation.out_dims() * LANES];
                    operation.forward(&inputs, &mut out);
                    out
                }
                _ => continue,
            };
            self.steps[at].action = Action::Constant(numbers);
        }
        self.arrange(&problem.nodes);
    }

    /// Runs one chunk: values forward, costs, and where `differentiate` gradients back to the free
    /// leaves.
    pub fn run<D: Host<E>>(
        &self,
        rows: Rows<'_>,
        differentiate: bool,
        leaf: impl Fn(&Source, &mut [E]),
    ) -> ChunkResult<E> {
        if differentiate {
            return self.differentiate::<D>(rows, leaf);
        }
        let values = self.values(leaf);
        let mut costs = vec![0.0; rows.core * self.columns];
        for term in &self.terms {
            let weighed = term.residuals.weigh(rows, values.of(term.step));
            self.add_costs(term, &weighed.costs, &mut costs);
        }
        ChunkResult {
            costs,
            gradients: Vec::new(),
        }
    }

    /// As `run`, with gradients: dfdx's tape carries them back.
    fn differentiate<D: Host<E>>(
        &self,
        rows: Rows<'_>,
        leaf: impl Fn(&Source, &mut [E]),
    ) -> ChunkResult<E> {
        let mut pass = Pass::<E, D>::new(&D::default());
        let mut values: Vec<Traced<E, D>> = Vec::with_capacity(self.steps.len());
        for (at, step) in self.steps.iter().enumerate() {
            let value = match &step.action {
                Action::Leaf(source) => {
                    let mut data = vec![E::zero(); self.places[at + 1] - self.places[at]];
                    leaf(source, &mut data);
                    let dims = data.len() / LANES;
                    pass.leaf(data, dims, step.free)
                }
                Action::Constant(data) => pass.leaf(data.clone(), data.len() / LANES, false),
                Action::Apply { operation, inputs } => {
                    let inputs: Vec<_> = inputs.iter().map(|i| &values[*i]).collect();
                    pass.apply(operation, &inputs)
                }
            };
            values.push(value);
        }
        let mut costs = vec![0.0; rows.core * self.columns];
        for term in &self.terms {
            let input = &values[term.step];
            let weighed = term.residuals.weigh(rows, D::numbers(&input.tensor));
            self.add_costs(term, &weighed.costs, &mut costs);
            if input.wanted {
                pass.seed(input, term.residuals.gradient(&weighed));
            }
        }
        let free = |at: &usize| self.steps[*at].free;
        let free: Vec<usize> = (0..self.steps.len()).filter(free).collect();
        let leaves: Vec<_> = free.iter().map(|at| &values[*at]).collect();
        let gradients = pass.backward(&leaves);
        ChunkResult {
            costs,
            gradients: free.into_iter().zip(gradients).collect(),
        }
    }

    /// Adds a term's costs of lanes to (core lanes, terms).
    pub fn add_costs(&self, term: &ProgramTerm<E>, of_lanes: &[f64], costs: &mut [f64]) {
        let rows = costs.chunks_exact_mut(self.columns.max(1));
        for (row, cost) in rows.zip(of_lanes) {
            row[term.column] += cost;
        }
    }

    /// The value of every step; `leaf` writes the numbers of a source.
    pub fn values(&self, leaf: impl Fn(&Source, &mut [E])) -> Computed<'_, E> {
        let mut computed = self.begin();
        self.fill(&mut computed, leaf);
        computed
    }

    /// Room for the values of every step.
    pub fn begin(&self) -> Computed<'_, E> {
        Computed {
            program: self,
            numbers: Scratch::zeros(self.places[self.steps.len()]),
        }
    }

    /// Computes the values anew; what `leaf` does not write stays as it was.
    pub fn fill(&self, computed: &mut Computed<'_, E>, leaf: impl Fn(&Source, &mut [E])) {
        let numbers = &mut computed.numbers;
        for (at, step) in self.steps.iter().enumerate() {
            let (done, rest) = numbers.split_at_mut(self.places[at]);
            let own = &mut rest[..self.places[at + 1] - self.places[at]];
            match &step.action {
                Action::Leaf(source) => leaf(source, own),
                Action::Constant(_) => {}
                Action::Apply { operation, inputs } => {
                    let inputs: Few<&[E]> = inputs.iter().map(|i| self.value(done, *i)).collect();
                    operation.forward(&inputs, own);
                }
            }
        }
    }

    /// A step's numbers among those of all.
    fn value<'a>(&'a self, numbers: &'a [E], at: usize) -> &'a [E] {
        match &self.steps[at].action {
            Action::Constant(data) => data,
            _ => &numbers[self.places[at]..self.places[at + 1]],
        }
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
