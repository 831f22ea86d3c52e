//! Stages of which every element of a set is a problem: rows of tables, gathered by the element that they
//! read.

use std::sync::Arc;

use super::linear::Linear;
use super::objective::CompiledObjective;
use super::program::{Program, Source};
use super::rows::whole_chunks;
use super::side_by_side::{Asked, dampings, hand_out};
use crate::graph::scratch::{Either, Scratch};
use crate::graph::{Host, LANES, Scalar};
use crate::ir::{Per, Problem, Residual, SetId, Stage, batch};
use crate::normal::lanes::{Batch, start};
use crate::normal::{Dense, Lane, Normal};
use crate::objective::{Evaluation, Want};

/// Rows up to which an element is one of sixteen side by side.
const SHORT: usize = 256;

/// The terms over one index set, and which of its rows belong to each element.
pub(super) struct OfElements<E> {
    pub program: Program<E>,
    pub linear: Linear,
    /// Where each element's rows begin, and where the last ones end.
    first: Vec<usize>,
    rows: Vec<usize>,
    /// Of each term the numbers of a row, and the rows that have them.
    known: Vec<(usize, Arc<Vec<bool>>)>,
}

/// The rows of some elements, and whose they are.
struct Gathered {
    rows: Vec<usize>,
    /// Positions among the elements that were asked for.
    slots: Vec<usize>,
}

impl<E: Scalar> OfElements<E> {
    pub fn new(
        problem: &Problem,
        (set, stage): (SetId, &Stage),
        program: Program<E>,
        linear: Linear,
    ) -> Self {
        let elements = problem.sets[set.0].ids.len();
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        let mut all_known = Vec::new();
        for term in &program.terms {
            let term = &stage.terms[term.column];
            let (nodes, variables) = (&problem.nodes, &problem.variables);
            let reads = batch::reads(nodes, variables, term.node, set);
            let node = &nodes[term.node.0];
            let known: Arc<Vec<bool>> = match (&term.residual, node.per) {
                (Residual::Rows { weights, .. }, _) => {
                    let known = weights.iter().map(|w| *w > 0.0);
                    Arc::new(known.collect())
                }
                (_, Per::Row(rows)) => vec![true; problem.sets[rows.0].ids.len()].into(),
                _ => continue,
            };
            if let Some(reads) = reads {
                let rows = (0..known.len()).filter(|r| known[*r]);
                pairs.extend(rows.map(|row| (reads.element(row), row)));
                all_known.push((node.dims, known));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        let first = (0..=elements).map(|e| pairs.partition_point(|p| p.0 < e));
        Self {
            first: first.collect(),
            rows: pairs.into_iter().map(|p| p.1).collect(),
            known: all_known,
            program,
            linear,
        }
    }

    /// Rows of an element, on average.
    pub fn rows_each(&self) -> usize {
        self.rows.len() / (self.first.len() - 1).max(1)
    }

    fn residuals_of(&self, element: usize) -> usize {
        let rows = self.rows_of(element);
        let of_row = |row: &usize| {
            let terms = self.known.iter();
            let known = terms.filter(|(_, known)| known[*row]);
            known.map(|(k, _)| k).sum::<usize>()
        };
        rows.iter().map(of_row).sum()
    }

    /// The rows of an element.
    pub fn rows_of(&self, element: usize) -> &[usize] {
        &self.rows[self.first[element]..self.first[element + 1]]
    }

    fn gather(&self, asked: &Asked<'_>) -> Gathered {
        let (mut rows, mut slots) = (Vec::new(), Vec::new());
        for &slot in asked.slots {
            let of = self.rows_of(asked.elements[slot]);
            rows.extend(of);
            slots.extend(std::iter::repeat_n(slot, of.len()));
        }
        Gathered { rows, slots }
    }
}

impl<E: Scalar, D: Host<E>> CompiledObjective<'_, E, D> {
    /// Evaluates the problems of some elements; each sums its own rows in their order. Those of few rows
    /// stand in lanes side by side, of the others the rows do.
    pub(super) fn evaluate_elements(
        &self,
        over: &[OfElements<E>],
        x: &[f64],
        elements: &[usize],
        want: Want,
        out: &mut Evaluation,
    ) {
        let columns = self.names.len();
        out.terms.resize(elements.len() * columns, 0.0);
        if want == Want::Gradient {
            out.gradient
                .resize(elements.len() * self.layout.ambient(), 0.0);
        }
        let is_short = |slot: &usize| {
            let mut rows = over.iter().map(|o| o.rows_of(elements[*slot]).len());
            want != Want::Gradient && rows.all(|rows| rows <= SHORT)
        };
        let (short, long): (Vec<usize>, Vec<usize>) = (0..elements.len()).partition(is_short);
        let asked = |slots| Asked { x, elements, slots };
        if !matches!(want, Want::Normal | Want::Promising) {
            self.costs_side_by_side(over, &asked(&short), out);
            for over in over {
                self.add_costs(over, &asked(&long), want, out);
            }
            return;
        }
        let mut all: Vec<Option<Lane>> = vec![None; elements.len()];
        self.normals_side_by_side(over, &asked(&short), (out, &mut all));
        self.normals_of_rows(over, &asked(&long), want, (out, &mut all));
        out.excess.resize(elements.len(), 0.0);
        out.normal = Normal::Lanes(all.into_iter().flatten().collect());
    }

    /// The normal equations of elements of many rows.
    fn normals_of_rows(
        &self,
        over: &[OfElements<E>],
        asked: &Asked<'_>,
        want: Want,
        (out, all): (&mut Evaluation, &mut [Option<Lane>]),
    ) {
        if asked.slots.is_empty() {
            return;
        }
        let n = self.linear.own;
        let empty = || Dense {
            square: vec![0.0; start(n)],
            slope: vec![0.0; n],
        };
        let mut normals: Vec<Dense> = asked.elements.iter().map(|_| empty()).collect();
        for over in over {
            self.add_normals(over, asked, want, (out, &mut normals));
        }
        for slots in asked.slots.chunks(LANES) {
            let mut square = Scratch::zeros(start(n) * LANES);
            let mut slope = vec![0.0; n * LANES];
            for (k, slot) in slots.iter().enumerate() {
                let fill = |to: &mut [f64], from: &[f64]| {
                    let to = to.iter_mut().skip(k).step_by(LANES);
                    to.zip(from).for_each(|(to, from)| *to = *from);
                };
                fill(&mut square, &normals[*slot].square);
                fill(&mut slope, &normals[*slot].slope);
            }
            let square = Either::F64(square);
            let batch = Batch::new(square, slope, dampings(&out.damping, slots));
            hand_out(batch, slots, all);
        }
    }

    fn add_costs(&self, over: &OfElements<E>, asked: &Asked<'_>, want: Want, out: &mut Evaluation) {
        let (x, gathered) = (asked.x, over.gather(asked));
        let stride = self.layout.ambient();
        let chunks = whole_chunks(gathered.rows.len());
        let results = self.on(&chunks, &gathered.rows, |lanes, at, rows| {
            let slots = &gathered.slots[at[0]..at[0] + at.len()];
            let leaf = |s: &Source, out: &mut [E]| self.leaf(s, x, slots, rows, out);
            over.program.run::<D>(lanes, want == Want::Gradient, leaf)
        });
        for (chunk, result) in &results {
            let slots = &gathered.slots[chunk.first..];
            self.add_terms_of(slots, &result.costs, out);
            for (step, gradient) in &result.gradients {
                let (free, _) = self.find(&over.program, *step);
                for (d, lanes) in gradient.chunks_exact(LANES).enumerate() {
                    for (g, slot) in lanes[..chunk.used].iter().zip(slots) {
                        out.gradient[slot * stride + free.offset + d] += g.wide();
                    }
                }
            }
        }
    }

    fn add_normals(
        &self,
        over: &OfElements<E>,
        asked: &Asked<'_>,
        want: Want,
        (out, normals): (&mut Evaluation, &mut [Dense]),
    ) {
        let (x, gathered) = (asked.x, over.gather(asked));
        let chunks = whole_chunks(gathered.rows.len());
        let results = self.on(&chunks, &gathered.rows, |lanes, at, rows| {
            let slots = &gathered.slots[at[0]..at[0] + at.len()];
            let leaf = |s: &Source, out: &mut [E]| self.leaf(s, x, slots, rows, out);
            self.products(&over.program, &over.linear, lanes, want, leaf, &mut [])
        });
        for (chunk, products) in &results {
            let slots = &gathered.slots[chunk.first..chunk.first + chunk.used];
            self.add_terms_of(slots, &products.costs, out);
            for (k, slot) in slots.iter().enumerate() {
                let add = |to: &mut [f64], from: &[E]| {
                    let from = from.iter().skip(k).step_by(LANES);
                    to.iter_mut().zip(from).for_each(|(to, x)| *to += x.wide());
                };
                add(&mut normals[*slot].square, &products.square);
                add(&mut normals[*slot].slope, &products.slope);
            }
        }
    }

    /// Numbers that the terms compare of each element.
    pub fn residuals_of(&self, elements: &[usize]) -> Vec<usize> {
        let of_element = |element: &usize| {
            let over = self.elements.iter().flatten();
            over.map(|o| o.residuals_of(*element)).sum()
        };
        elements.iter().map(of_element).collect()
    }

    /// Adds the terms of rows to those of their elements.
    fn add_terms_of(&self, slots: &[usize], costs: &[f64], out: &mut Evaluation) {
        let columns = self.names.len().max(1);
        for (row, slot) in costs.chunks_exact(columns).zip(slots) {
            let to = &mut out.terms[slot * columns..(slot + 1) * columns];
            to.iter_mut().zip(row).for_each(|(sum, cost)| *sum += cost);
        }
    }
}
