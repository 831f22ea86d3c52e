//! Elements of a batch side by side: each in a lane of its own, and their rows one after the other.

use std::sync::Arc;

use rayon::prelude::*;

use super::elements::OfElements;
use super::forward::{lanes, numbers};
use super::linear::Products;
use super::objective::CompiledObjective;
use super::program::{Computed, Source};
use crate::graph::scratch::{Either, Scratch};
use crate::graph::{Host, LANES, Scalar};
use crate::normal::Lane;
use crate::normal::lanes::{Batch, start};
use crate::objective::Evaluation;
use crate::term::residuals::Rows;

/// Rows that are summed up in the graph's precision before they go to sums in f64.
const CARRIED: usize = 64;

/// What was asked about some elements.
pub(super) struct Asked<'a> {
    pub x: &'a [f64],
    pub elements: &'a [usize],
    /// The positions among these that are answered here.
    pub slots: &'a [usize],
}

/// The lanes of a chunk: those with most rows first, so that lanes that still have some are neighbours.
struct InLanes<'a, E: Scalar> {
    over: &'a OfElements<E>,
    /// The place in the chunk of each lane, its slot and its rows.
    places: Vec<usize>,
    slots: Vec<usize>,
    rows: Vec<&'a [usize]>,
}

impl<'a, E: Scalar> InLanes<'a, E> {
    fn new(over: &'a OfElements<E>, elements: &[usize], slots: &[usize]) -> Self {
        let rows = |place: &usize| over.rows_of(elements[slots[*place]]);
        let mut places: Vec<usize> = (0..slots.len()).collect();
        places.sort_by_key(|place| std::cmp::Reverse(rows(place).len()));
        Self {
            over,
            slots: places.iter().map(|p| slots[*p]).collect(),
            rows: places.iter().map(rows).collect(),
            places,
        }
    }

    /// Goes through the rows; `work` is given the values of each in its lane.
    fn for_each<D: Host<E>>(
        &self,
        objective: &CompiledObjective<'_, E, D>,
        x: &[f64],
        mut work: impl FnMut(Rows<'_>, &Computed<'_, E>),
    ) {
        let mut values = self.over.program.begin();
        for j in 0..self.rows.first().map_or(0, |rows| rows.len()) {
            let core = self.rows.partition_point(|rows| rows.len() > j);
            let of_lanes = std::array::from_fn(|k| self.rows[k.min(core - 1)][j]);
            self.over.program.fill(&mut values, |source, out| {
                match objective.is_free(source) {
                    // It is the same in all rows.
                    true if j > 0 => {}
                    true => objective.leaf(source, x, &self.slots, &[], out),
                    false => lanes(
                        &of_lanes[..core],
                        |row| numbers(source, objective.values, row),
                        out,
                    ),
                }
            });
            let rows = Rows {
                frames: &of_lanes,
                core,
                used: core,
            };
            work(rows, &values);
        }
    }

    /// Adds numbers of lanes to those of the chunk, in its order.
    fn put_back<A: Scalar>(&self, from: &[A], to: &mut [f64]) {
        for (from, to) in from.chunks_exact(LANES).zip(to.chunks_exact_mut(LANES)) {
            for (from, place) in from.iter().zip(&self.places) {
                to[*place] += from.wide();
            }
        }
    }
}

/// How much the first steps of some lanes are to be damped.
pub(super) fn dampings(all: &[f64], slots: &[usize]) -> [f64; LANES] {
    let of_lane = |k: usize| all.get(*slots.get(k)?).copied();
    std::array::from_fn(|k| of_lane(k).unwrap_or(1.0))
}

/// Gives each of some slots its lane.
pub(super) fn hand_out(batch: Batch, slots: &[usize], all: &mut [Option<Lane>]) {
    let batch = Arc::new(batch);
    for (k, slot) in slots.iter().enumerate() {
        let batch = Arc::clone(&batch);
        all[*slot] = Some(Lane { batch, k });
    }
}

impl<E: Scalar, D: Host<E>> CompiledObjective<'_, E, D> {
    /// The terms of elements.
    pub(super) fn costs_side_by_side(
        &self,
        over: &[OfElements<E>],
        asked: &Asked<'_>,
        out: &mut Evaluation,
    ) {
        let columns = self.names.len();
        let results = asked.slots.par_chunks(LANES).map(|slots| {
            let mut terms = vec![0.0; slots.len() * columns];
            for over in over {
                let chunk = InLanes::new(over, asked.elements, slots);
                chunk.for_each(self, asked.x, |rows, values| {
                    for term in &over.program.terms {
                        let weighed = term.residuals.weigh(rows, values.of(term.step));
                        for (cost, place) in weighed.costs.iter().zip(&chunk.places) {
                            terms[place * columns + term.column] += cost;
                        }
                    }
                });
            }
            (slots, terms)
        });
        let results: Vec<_> = results.collect();
        for (slots, terms) in results {
            for (slot, terms) in slots.iter().zip(terms.chunks_exact(columns.max(1))) {
                out.terms[slot * columns..(slot + 1) * columns].copy_from_slice(terms);
            }
        }
    }

    /// The terms and the normal equations of elements; `all` has a place for each that was asked for.
    pub(super) fn normals_side_by_side(
        &self,
        over: &[OfElements<E>],
        asked: &Asked<'_>,
        (out, all): (&mut Evaluation, &mut [Option<Lane>]),
    ) {
        let (columns, n) = (self.names.len(), self.linear.own);
        let damping = &out.damping;
        let results = asked.slots.par_chunks(LANES).map(|slots| {
            let mut square = Scratch::zeros(start(n) * LANES);
            let mut slope = vec![0.0; n * LANES];
            let mut terms = vec![0.0; LANES * columns];
            for over in over {
                let chunk = InLanes::new(over, asked.elements, slots);
                let mut directions = over.linear.begin();
                let mut products = over.linear.none(&over.program, LANES);
                let mut carried = 0;
                let flush = |products: &mut Products<E>, square: &mut [f64], slope: &mut [f64]| {
                    chunk.put_back(&products.square, square);
                    chunk.put_back(&products.slope, slope);
                    products.square.fill(E::zero());
                    products.slope.fill(E::zero());
                };
                chunk.for_each(self, asked.x, |rows, values| {
                    let at = (self.problem, &over.program, values, rows);
                    over.linear
                        .add_products(at, false, &mut [], &mut directions, &mut products);
                    carried += 1;
                    if carried % CARRIED == 0 {
                        flush(&mut products, &mut square, &mut slope);
                    }
                });
                flush(&mut products, &mut square, &mut slope);
                let of_lanes = products.costs.chunks_exact(columns.max(1));
                for (from, place) in of_lanes.zip(&chunk.places) {
                    let to = &mut terms[place * columns..(place + 1) * columns];
                    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
                }
            }
            let damping = dampings(damping, slots);
            (
                slots,
                terms,
                Batch::new(Either::F64(square), slope, damping),
            )
        });
        let results: Vec<_> = results.collect();
        for (slots, terms, batch) in results {
            let of_slots = terms.chunks_exact(columns.max(1));
            for (slot, terms) in slots.iter().zip(of_slots) {
                out.terms[slot * columns..(slot + 1) * columns].copy_from_slice(terms);
            }
            hand_out(batch, slots, all);
        }
    }

    fn is_free(&self, source: &Source) -> bool {
        let variable = source.variable();
        variable.is_some_and(|v| self.free.iter().any(|f| f.variable == v))
    }
}
