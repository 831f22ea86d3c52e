//! A stage that is one problem: its frames share unknowns, or pull on each other.

use super::linear::Products;
use super::objective::{Chunk, CompiledObjective, lane};
use super::program::ChunkResult;
use crate::graph::{Host, LANES, Scalar};
use crate::normal::lanes::start;
use crate::normal::{Chain, Links, Normal};
use crate::objective::{Evaluation, Want};
use crate::term::residuals::Rows;

/// Chunks whose products are held at a time.
const WAVE: usize = 32;

/// What is shared by all frames, worked off once in the first lane.
const FIRST: Chunk = Chunk {
    first: 0,
    core: 1,
    used: 1,
};
const ONE: Rows<'_> = Rows {
    frames: &[0; LANES],
    core: 1,
    used: 1,
};

impl<E: Scalar, D: Host<E>> CompiledObjective<'_, E, D> {
    pub(super) fn evaluate_joint(&self, x: &[f64], want: Want, out: &mut Evaluation) {
        if matches!(want, Want::Normal | Want::Promising) {
            return self.normal_joint(x, want, out);
        }
        let columns = self.names.len();
        let differentiate = want == Want::Gradient;
        out.gradient.resize(self.layout.ambient(), 0.0);
        out.terms.resize(columns, 0.0);
        let results = self.on_chunks(&self.frames, |rows, slots, frames| {
            let leaf = |variable| self.leaf(variable, x, slots, frames);
            self.program.run::<D>(rows, differentiate, leaf)
        });
        for (chunk, result) in &results {
            self.add_joint(chunk, result, out);
        }
        let shared = self.shared.run::<D>(ONE, differentiate, |variable| {
            self.leaf(variable, x, &[0], &[0])
        });
        self.add_joint(&FIRST, &shared, out);
        out.costs.push(out.terms.iter().sum());
    }

    fn add_joint(&self, chunk: &Chunk, result: &ChunkResult<E>, out: &mut Evaluation) {
        add_terms(&result.costs, out);
        for (variable, gradient) in &result.gradients {
            let free = self.find(*variable);
            for (d, lanes) in gradient.chunks_exact(LANES).enumerate() {
                for (k, g) in lanes[..chunk.used].iter().enumerate() {
                    out.gradient[self.place(free, chunk.first + k) + d] += g.wide();
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
                let leaf = |variable| self.leaf(variable, x, slots, frames);
                self.products(&self.program, &self.linear, rows, want, leaf, &mut [])
            });
            for (chunk, products) in results {
                add_terms(&products.costs, out);
                excess += products.excess[..chunk.core].iter().sum::<f64>();
                self.link(&chunk, &products, &mut chain);
            }
        }
        let leaf = |variable| self.leaf(variable, x, &[0], &[0]);
        let shared = self.products(&self.shared, &self.linear_shared, ONE, want, leaf, &mut []);
        add_terms(&shared.costs, out);
        let (square, slope) = (lane(&shared.square, 0), lane(&shared.slope, 0));
        chain.add_frame(0, &square, &slope, true);
        out.excess.push(excess);
        out.normal = Normal::Chain(Box::new(chain));
        out.costs.push(out.terms.iter().sum());
    }

    /// Adds the products of a chunk to those of all frames.
    fn link(&self, chunk: &Chunk, products: &Products<E>, chain: &mut Chain) {
        for k in 0..chunk.core {
            let frame = chunk.first + k;
            let (square, slope) = (lane(&products.square, k), lane(&products.slope, k));
            let left = self.frames.len() - frame;
            for i in 0..self.linear.frames.min(left) {
                let (square_of_one, slope_of_one) = self.of_one(i, &square, &slope);
                chain.add_frame(frame + i, &square_of_one, &slope_of_one, i == 0);
                for j in 0..i {
                    chain.add_across(frame + j, i - j, &self.across(i, j, &square));
                }
            }
        }
    }

    /// Of a lane's products those of the unknowns of one of its frames, and of the shared ones.
    fn of_one(&self, i: usize, square: &[f64], slope: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (own, shared) = (self.linear.own, self.linear.shared);
        let first = self.linear.frames * own;
        let unknowns: Vec<usize> = (i * own..(i + 1) * own)
            .chain(first..first + shared)
            .collect();
        let row = |(r, &row): (usize, &usize)| {
            let columns = unknowns[..r + 1].iter();
            columns.map(move |column| square[start(row) + column])
        };
        let triangle = unknowns.iter().enumerate().flat_map(row).collect();
        (triangle, unknowns.iter().map(|u| slope[*u]).collect())
    }

    /// (own, own): the rows of frame i and the columns of frame j.
    fn across(&self, i: usize, j: usize, square: &[f64]) -> Vec<f64> {
        let own = self.linear.own;
        let row = |r: usize| {
            let at = start(i * own + r) + j * own;
            square[at..at + own].iter().copied()
        };
        (0..own).flat_map(row).collect()
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

/// Adds the terms of all lanes to those of the one problem.
fn add_terms(costs: &[f64], out: &mut Evaluation) {
    for row in costs.chunks_exact(out.terms.len().max(1)) {
        let sums = out.terms.iter_mut().zip(row);
        sums.for_each(|(sum, cost)| *sum += cost);
    }
}
