//! A stage that is one problem: its frames share unknowns, or pull on each other.

use rayon::prelude::*;

use super::linear::Products;
use super::objective::{Chunk, CompiledObjective};
use super::program::{ChunkResult, Program, Source};
use crate::graph::{Host, LANES, Scalar};
use crate::normal::{Chain, Links, Normal, Window};
use crate::objective::{Evaluation, Want};
use crate::term::residuals::Rows;

/// Chunks whose products are held at a time.
pub(super) const WAVE: usize = 16;

/// What is shared by all frames, worked off once in the first lane.
pub(super) const FIRST: Chunk = Chunk {
    first: 0,
    core: 1,
    used: 1,
};
pub(super) const ONE: Rows<'_> = Rows {
    frames: &[0; LANES],
    core: 1,
    used: 1,
};

impl<E: Scalar, D: Host<E>> CompiledObjective<'_, E, D> {
    pub(super) fn evaluate_joint(&self, x: &[f64], want: Want, out: &mut Evaluation) {
        if matches!(want, Want::Normal | Want::Promising) {
            return match &self.tables {
                Some(tables) => self.normal_linked(tables, x, want, out),
                None => self.normal_joint(x, want, out),
            };
        }
        let columns = self.names.len();
        let differentiate = want == Want::Gradient;
        out.gradient.resize(self.layout.ambient(), 0.0);
        out.terms.resize(columns, 0.0);
        let results = self.on_chunks(&self.frames, |rows, slots, frames| {
            let leaf = |s: &Source, out: &mut [E]| self.leaf(s, x, slots, frames, out);
            self.program.run::<D>(rows, differentiate, leaf)
        });
        for (chunk, result) in &results {
            self.add_joint(&self.program, chunk, result, out);
        }
        let shared = self
            .shared
            .run::<D>(ONE, differentiate, |source: &Source, out: &mut [E]| {
                self.leaf(source, x, &[0], &[0], out);
            });
        self.add_joint(&self.shared, &FIRST, &shared, out);
        for over in self.tables.iter().flat_map(|t| &t.over) {
            let results = self.on(&over.chunks(), &over.rows, |rows, slots, frames| {
                let leaf = |s: &Source, out: &mut [E]| self.leaf(s, x, slots, frames, out);
                over.program.run::<D>(rows, differentiate, leaf)
            });
            for (chunk, result) in &results {
                self.add_joint(&over.program, chunk, result, out);
            }
        }
        out.costs.push(out.terms.iter().sum());
    }

    fn add_joint(
        &self,
        program: &Program<E>,
        chunk: &Chunk,
        result: &ChunkResult<E>,
        out: &mut Evaluation,
    ) {
        add_terms(&result.costs, out);
        for (step, gradient) in &result.gradients {
            let (free, source) = self.find(program, *step);
            for (d, lanes) in gradient.chunks_exact(LANES).enumerate() {
                for (k, g) in lanes[..chunk.used].iter().enumerate() {
                    let element = source.element(chunk.first + k);
                    out.gradient[self.place(free, element) + d] += g.wide();
                }
            }
        }
    }

    fn normal_joint(&self, x: &[f64], want: Want, out: &mut Evaluation) {
        let mut excess = 0.0;
        let mut chain = match std::mem::take(&mut out.normal) {
            Normal::Chain(spare) => *spare,
            _ => Chain::default(),
        };
        chain.begin(self.links());
        out.terms.resize(self.names.len(), 0.0);
        // In waves, so that few products wait to be added.
        let mut waiting: Vec<Lanewise<E>> = Vec::new();
        waiting.resize_with(WAVE, Lanewise::default);
        for wave in self.chunks(self.frames.len()).chunks(WAVE) {
            let chunks = wave.par_iter().zip(&mut waiting);
            chunks.for_each(|(chunk, to)| {
                self.of_chunk(chunk, &self.frames, |rows, slots, frames| {
                    let leaf = |s: &Source, out: &mut [E]| self.leaf(s, x, slots, frames, out);
                    let products =
                        self.products(&self.program, &self.linear, rows, want, leaf, &mut []);
                    to.take(products, rows.core);
                });
            });
            let mut windows = Vec::new();
            for (chunk, of) in wave.iter().zip(&waiting) {
                add_terms(&of.costs, out);
                excess += of.excess[..chunk.core].iter().sum::<f64>();
                let numbers = (0..chunk.core).zip(of.squares.chunks_exact(of.entries()));
                windows.extend(numbers.map(|(k, square)| Window {
                    first: chunk.first + k,
                    square,
                    slope: of.slope(k),
                }));
            }
            chain.add_all(&windows);
        }
        let leaf = |s: &Source, out: &mut [E]| self.leaf(s, x, &[0], &[0], out);
        let shared = self.products(&self.shared, &self.linear_shared, ONE, want, leaf, &mut []);
        add_terms(&shared.costs, out);
        let mut of = Lanewise::default();
        of.take(shared, 1);
        chain.add_all(&[Window {
            first: 0,
            square: &of.squares,
            slope: &of.slopes,
        }]);
        out.excess.push(excess);
        out.normal = Normal::Chain(Box::new(chain));
        out.costs.push(out.terms.iter().sum());
    }

    /// How the frames of a joint stage hang together.
    fn links(&self) -> Links {
        Links {
            frames: self.frames.len(),
            shared: self.linear.shared,
            parts: self.parts.clone(),
            width: self.program.reach,
        }
    }
}

/// Products of a chunk, one lane after the other.
struct Lanewise<E> {
    costs: Vec<f64>,
    excess: [f64; LANES],
    squares: Vec<E>,
    slopes: Vec<E>,
    lanes: usize,
}

impl<E> Default for Lanewise<E> {
    fn default() -> Self {
        Self {
            costs: Vec::new(),
            excess: [0.0; LANES],
            squares: Vec::new(),
            slopes: Vec::new(),
            lanes: 1,
        }
    }
}

impl<E: Scalar> Lanewise<E> {
    fn take(&mut self, products: Products<E>, lanes: usize) {
        part(&products.square, lanes, &mut self.squares);
        part(&products.slope, lanes, &mut self.slopes);
        (self.costs, self.excess, self.lanes) = (products.costs, products.excess, lanes);
    }

    /// Entries of a lane's square.
    fn entries(&self) -> usize {
        (self.squares.len() / self.lanes).max(1)
    }

    fn slope(&self, k: usize) -> &[E] {
        let len = self.slopes.len() / self.lanes;
        &self.slopes[k * len..(k + 1) * len]
    }
}

/// The numbers of each of the first lanes, one lane after the other.
fn part<E: Scalar>(data: &[E], lanes: usize, to: &mut Vec<E>) {
    let len = data.len() / LANES;
    to.resize(lanes * len, E::zero());
    for (first, tile) in data.chunks(LANES * LANES).enumerate() {
        for k in 0..lanes {
            let numbers = tile.iter().skip(k).step_by(LANES);
            let to = &mut to[k * len + first * LANES..];
            to.iter_mut().zip(numbers).for_each(|(to, x)| *to = *x);
        }
    }
}

/// Adds the terms of all lanes to those of the one problem.
pub(super) fn add_terms(costs: &[f64], out: &mut Evaluation) {
    for row in costs.chunks_exact(out.terms.len().max(1)) {
        let sums = out.terms.iter_mut().zip(row);
        sums.for_each(|(sum, cost)| *sum += cost);
    }
}
