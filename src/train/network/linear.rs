//! A dense layer fused with its leaky rectifier.

use super::product::{add_column_sums, add_g_w, add_gt_x, sweep, x_wt};
use super::{Batch, Forward, Parameters};
use crate::graph::Real;
use crate::random::SplitMix64;

/// y = leaky(x·Wᵀ + b), (rows, inputs) to (rows, outputs).
///
/// A row that is n times as long counts as n rows side by side, which share the weights as in a
/// convolution of width 1: (rows, n·inputs) to (rows, n·outputs).
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    weight: usize,
    bias: usize,
    dims: [usize; 2],
    slope: f64,
}

impl Linear {
    /// Adds `name.weight` (outputs, inputs) and `name.bias`, both uniform in ±1/√inputs as
    /// PyTorch draws them; a `slope` of 1 leaves the rectifier out, and it must be positive.
    pub fn new<E: Real>(
        parameters: &mut Parameters<E>,
        name: &str,
        [inputs, outputs]: [usize; 2],
        slope: f64,
        random: &mut SplitMix64,
    ) -> Self {
        let bound = 1.0 / (inputs as f64).sqrt();
        let mut draw = |count: usize| -> Vec<E> {
            let draws = (0..count).map(|_| E::of(bound * (2.0 * random.uniform() - 1.0)));
            draws.collect()
        };
        let (weight, bias) = (draw(inputs * outputs), draw(outputs));
        Self {
            weight: parameters.add(format!("{name}.weight"), &[outputs, inputs], weight),
            bias: parameters.add(format!("{name}.bias"), &[outputs], bias),
            dims: [inputs, outputs],
            slope,
        }
    }

    pub fn forward<E: Real>(
        &self,
        parameters: &Parameters<E>,
        pass: &mut Forward<E>,
        x: &Batch<E>,
    ) -> Batch<E> {
        let [inputs, outputs] = self.dims;
        let (w, b) = (parameters.batch(self.weight), parameters.batch(self.bias));
        let slope = E::of(self.slope);
        let mut y = vec![E::zero(); x.numbers().len() / inputs * outputs];
        let shifts = b.numbers();
        x_wt(&mut y, x.numbers(), w.numbers(), inputs, |row| {
            for (y, b) in row.iter_mut().zip(shifts) {
                let sum = *y + *b;
                // Not `max`, which would hide NaN.
                *y = if sum < E::zero() { slope * sum } else { sum };
            }
        });
        pass.join(&[x, w, b], y, x.rows(), move |whole| {
            let g = whole.out_gradient;
            if slope != E::one() {
                sweep(g, whole.out, outputs, |g, y| {
                    for (g, y) in g.iter_mut().zip(y) {
                        let below = slope * *g;
                        *g = if *y < E::zero() { below } else { *g };
                    }
                });
            }
            let [x, w] = [whole.inputs[0], whole.inputs[1]];
            let [dx, dw, db] = whole.gradients.try_into().unwrap_or([None, None, None]);
            if let Some(dx) = dx {
                add_g_w(dx, g, w, inputs);
            }
            if let Some(dw) = dw {
                add_gt_x(dw, g, x, inputs);
            }
            if let Some(db) = db {
                add_column_sums(db, g);
            }
        })
    }
}
