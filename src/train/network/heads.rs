//! A linear form for each group of a row's numbers.

use rayon::prelude::*;

use super::{Batch, Forward, Parameters};
use crate::graph::Real;
use crate::random::SplitMix64;

/// y_g = w_g·x_g + b_g, (rows, groups·inputs) to (rows, groups).
#[derive(Clone, Debug)]
pub(crate) struct Heads {
    weight: usize,
    bias: usize,
    groups: usize,
    inputs: usize,
}

/// Rows that are worked off together; none depends on another.
const ROWS: usize = 64;

impl Heads {
    /// Adds `name.weight` (groups, inputs) and `name.bias` (groups), both uniform in ±1/√inputs.
    pub fn new<E: Real>(
        parameters: &mut Parameters<E>,
        name: &str,
        [groups, inputs]: [usize; 2],
        random: &mut SplitMix64,
    ) -> Self {
        let bound = 1.0 / (inputs as f64).sqrt();
        let mut draw = |count: usize| -> Vec<E> {
            let draws = (0..count).map(|_| E::of(bound * (2.0 * random.uniform() - 1.0)));
            draws.collect()
        };
        let (weight, bias) = (draw(groups * inputs), draw(groups));
        Self {
            weight: parameters.add(format!("{name}.weight"), &[groups, inputs], weight),
            bias: parameters.add(format!("{name}.bias"), &[groups], bias),
            groups,
            inputs,
        }
    }

    pub fn forward<E: Real>(
        &self,
        parameters: &Parameters<E>,
        pass: &mut Forward<E>,
        x: &Batch<E>,
    ) -> Batch<E> {
        let (groups, inputs) = (self.groups, self.inputs);
        let (w, b) = (parameters.batch(self.weight), parameters.batch(self.bias));
        let mut y = b.numbers().repeat(x.rows());
        let parts = y.par_chunks_mut(ROWS * groups);
        let parts = parts.zip(x.numbers().par_chunks(ROWS * groups * inputs));
        let weights = w.numbers();
        parts.for_each(|(y, x)| {
            let w = weights.chunks_exact(inputs).cycle();
            for ((y, x), w) in y.iter_mut().zip(x.chunks_exact(inputs)).zip(w) {
                *y += x.iter().zip(w).map(|(x, w)| *x * *w).sum::<E>();
            }
        });
        pass.join(&[x, w, b], y, x.rows(), move |whole| {
            let g = &*whole.out_gradient;
            let [x, w] = [whole.inputs[0], whole.inputs[1]];
            let [dx, dw, db] = whole.gradients.try_into().unwrap_or([None, None, None]);
            if let Some(dx) = dx {
                let parts = dx.par_chunks_mut(ROWS * groups * inputs);
                parts.zip(g.par_chunks(ROWS * groups)).for_each(|(dx, g)| {
                    let w = w.chunks_exact(inputs).cycle();
                    for ((dx, g), w) in dx.chunks_exact_mut(inputs).zip(g).zip(w) {
                        add_scaled(dx, *g, w);
                    }
                });
            }
            if let Some(dw) = dw {
                for (x, g) in x.chunks_exact(dw.len()).zip(g.chunks_exact(groups)) {
                    let parts = dw.chunks_exact_mut(inputs).zip(x.chunks_exact(inputs));
                    for ((dw, x), g) in parts.zip(g) {
                        add_scaled(dw, *g, x);
                    }
                }
            }
            if let Some(db) = db {
                for g in g.chunks_exact(groups) {
                    add_scaled(db, E::one(), g);
                }
            }
        })
    }
}

/// to += factor·x.
fn add_scaled<E: Real>(to: &mut [E], factor: E, x: &[E]) {
    for (to, x) in to.iter_mut().zip(x) {
        *to += factor * *x;
    }
}
