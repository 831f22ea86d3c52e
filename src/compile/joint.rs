//! A stage that is one problem: its frames share unknowns, or pull on each other.

use super::objective::{Chunk, CompiledObjective};
use super::program::{ChunkResult, Program, Source};
use crate::graph::{Host, LANES, Scalar};
use crate::normal::{Chain, Links, Normal};
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
        let links = self.links();
        let mut chain = Chain::new(links);
        out.terms.resize(self.names.len(), 0.0);
        // In waves, so that few products wait to be added.
        for wave in self.chunks(self.frames.len()).chunks(WAVE) {
            let results = self.on(wave, &self.frames, |rows, slots, frames| {
                let leaf = |s: &Source, out: &mut [E]| self.leaf(s, x, slots, frames, out);
                let products =
                    self.products(&self.program, &self.linear, rows, want, leaf, &mut []);
                let square = of_lanes(&products.square, rows.core);
                let slope = of_lanes(&products.slope, rows.core);
                (products.costs, products.excess, square, slope)
            });
            for (chunk, (costs, excesses, squares, slopes)) in results {
                add_terms(&costs, out);
                excess += excesses[..chunk.core].iter().sum::<f64>();
                for (k, (square, slope)) in squares.iter().zip(&slopes).enumerate() {
                    chain.add(chunk.first + k, square, slope);
                }
            }
        }
        let leaf = |s: &Source, out: &mut [E]| self.leaf(s, x, &[0], &[0], out);
        let shared = self.products(&self.shared, &self.linear_shared, ONE, want, leaf, &mut []);
        add_terms(&shared.costs, out);
        let [square, slope] = [&shared.square[..], &shared.slope].map(|data| of_lanes(data, 1));
        chain.add(0, &square[0], &slope[0]);
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

/// The numbers of each of the first lanes.
fn of_lanes<E: Scalar>(data: &[E], count: usize) -> Vec<Vec<f64>> {
    let mut all = vec![Vec::with_capacity(data.len() / LANES); count];
    for row in data.chunks_exact(LANES) {
        for (to, x) in all.iter_mut().zip(row) {
            to.push(x.wide());
        }
    }
    all
}

/// Adds the terms of all lanes to those of the one problem.
pub(super) fn add_terms(costs: &[f64], out: &mut Evaluation) {
    for row in costs.chunks_exact(out.terms.len().max(1)) {
        let sums = out.terms.iter_mut().zip(row);
        sums.for_each(|(sum, cost)| *sum += cost);
    }
}
