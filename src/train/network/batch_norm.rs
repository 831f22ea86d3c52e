//! Batch normalisation (Ioffe & Szegedy 2015) with running statistics, as PyTorch's.

use super::parameters::{fill, tensor};
use super::product::{add_column_sums, columns, sweep};
use super::{Batch, Forward, Parameters};
use crate::graph::Real;
use crate::io::tensors::{Tensor, Tensors};

const EPSILON: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

/// y = w·(x − mean)/√(variance + ε) + b for each column.
#[derive(Clone)]
pub(crate) struct BatchNorm<E> {
    name: String,
    weight: usize,
    bias: usize,
    /// Columns that vary less are treated as if they had this variance, so that a column that is
    /// constant in training does not amplify by 1/√ε ≈ 316 what it meets later.
    least_variance: f64,
    mean: Vec<E>,
    variance: Vec<E>,
    batches: u64,
}

impl<E: Real> BatchNorm<E> {
    /// Adds `name.weight` of ones and `name.bias` of zeros.
    pub fn new(
        parameters: &mut Parameters<E>,
        name: &str,
        dims: usize,
        least_variance: f64,
    ) -> Self {
        let mut add =
            |part: &str, x: E| parameters.add(format!("{name}.{part}"), &[dims], vec![x; dims]);
        Self {
            weight: add("weight", E::one()),
            bias: add("bias", E::zero()),
            name: name.into(),
            least_variance,
            mean: vec![E::zero(); dims],
            variance: vec![E::one(); dims],
            batches: 0,
        }
    }

    /// Sets the running statistics to those of `x`, (rows, dims).
    pub fn start_from(&mut self, x: &[E]) {
        if !x.is_empty() {
            (self.mean, self.variance) = statistics(x, self.mean.len());
            let floor = E::of(self.least_variance);
            for v in self.variance.iter_mut().filter(|v| **v < floor) {
                *v = floor;
            }
        }
    }

    /// With the batch's statistics, which the running ones follow.
    pub fn train(
        &mut self,
        parameters: &Parameters<E>,
        pass: &mut Forward<E>,
        x: &Batch<E>,
    ) -> Batch<E> {
        let (rows, dims) = (x.rows(), self.mean.len());
        let (mean, mut variance) = statistics(x.numbers(), dims);
        let unbiased = rows as f64 / (rows.max(2) - 1) as f64;
        let floor = E::of(self.least_variance);
        let new = E::of(MOMENTUM);
        // A floored variance does not depend on the batch, and neither does its gradient.
        let floored: Vec<bool> = variance.iter().map(|v| *v < floor).collect();
        for c in 0..dims {
            let measured = variance[c] * E::of(unbiased);
            let measured = if floored[c] { floor } else { measured };
            self.mean[c] = self.mean[c] + new * (mean[c] - self.mean[c]);
            self.variance[c] = self.variance[c] + new * (measured - self.variance[c]);
            variance[c] = if floored[c] { floor } else { variance[c] };
        }
        self.batches += 1;
        let (w, b) = (parameters.batch(self.weight), parameters.batch(self.bias));
        let inverse = inverse_deviations(&variance);
        let mut normal = vec![E::zero(); x.numbers().len()];
        sweep(&mut normal, x.numbers(), dims, |normal, x| {
            for (normal, x) in normal.chunks_exact_mut(dims).zip(x.chunks_exact(dims)) {
                for c in 0..dims {
                    normal[c] = (x[c] - mean[c]) * inverse[c];
                }
            }
        });
        let out = scaled(&normal, w.numbers(), b.numbers());
        pass.join(&[x, w, b], out, rows, move |whole| {
            let (g, w) = (&*whole.out_gradient, whole.inputs[1]);
            let (mut sum, mut along) = (vec![E::zero(); dims], vec![E::zero(); dims]);
            add_column_sums(&mut sum, g);
            columns(&mut along, |first, along| {
                for (g, n) in g.chunks_exact(dims).zip(normal.chunks_exact(dims)) {
                    for ((along, g), n) in along.iter_mut().zip(&g[first..]).zip(&n[first..]) {
                        *along += *g * *n;
                    }
                }
            });
            let [dx, dw, db] = whole.gradients.try_into().unwrap_or([None, None, None]);
            if let Some(dx) = dx {
                let share = E::of(1.0 / rows as f64);
                let factor: Vec<E> = (0..dims).map(|c| w[c] * inverse[c]).collect();
                let level: Vec<E> = sum.iter().map(|s| *s * share).collect();
                let slope = (0..dims).map(|c| {
                    if floored[c] {
                        E::zero()
                    } else {
                        along[c] * share
                    }
                });
                let slope: Vec<E> = slope.collect();
                let mut pulled = normal;
                sweep(&mut pulled, g, dims, |n, g| {
                    for (n, g) in n.chunks_exact_mut(dims).zip(g.chunks_exact(dims)) {
                        for c in 0..dims {
                            n[c] = factor[c] * (g[c] - level[c] - slope[c] * n[c]);
                        }
                    }
                });
                sweep(dx, &pulled, dims, |dx, pulled| {
                    for (dx, x) in dx.iter_mut().zip(pulled) {
                        *dx += *x;
                    }
                });
            }
            add(dw, &along);
            add(db, &sum);
        })
    }

    /// With the running statistics; no gradients.
    pub fn evaluate(&self, parameters: &Parameters<E>, x: &Batch<E>) -> Vec<E> {
        let (w, b) = (parameters.batch(self.weight), parameters.batch(self.bias));
        let inverse = inverse_deviations(&self.variance);
        let factor: Vec<E> = w
            .numbers()
            .iter()
            .zip(&inverse)
            .map(|(w, i)| *w * *i)
            .collect();
        let parts = b.numbers().iter().zip(&self.mean).zip(&factor);
        let level: Vec<E> = parts.map(|((b, m), f)| *b - *m * *f).collect();
        scaled(x.numbers(), &factor, &level)
    }

    pub fn save(&self, to: &mut Tensors) {
        let (name, shape) = (&self.name, [self.mean.len()]);
        to.insert(format!("{name}.running_mean"), tensor(&shape, &self.mean));
        to.insert(
            format!("{name}.running_var"),
            tensor(&shape, &self.variance),
        );
        let batches = Tensor::double(&[], vec![self.batches as f64]);
        to.insert(format!("{name}.num_batches_tracked"), batches);
    }

    pub fn restore(&mut self, from: &Tensors) -> Result<(), String> {
        let (name, shape) = (&self.name, [self.mean.len()]);
        fill(
            &mut self.mean,
            from.get(&format!("{name}.running_mean"), &shape)?,
        );
        fill(
            &mut self.variance,
            from.get(&format!("{name}.running_var"), &shape)?,
        );
        let batches = from.get(&format!("{name}.num_batches_tracked"), &[])?;
        self.batches = batches.data.first().map_or(0, |x| *x as u64);
        Ok(())
    }
}

/// Mean and biased variance of each column.
fn statistics<E: Real>(x: &[E], dims: usize) -> (Vec<E>, Vec<E>) {
    let share = E::of(dims as f64 / x.len().max(1) as f64);
    let (mut mean, mut variance) = (vec![E::zero(); dims], vec![E::zero(); dims]);
    add_column_sums(&mut mean, x);
    mean.iter_mut().for_each(|m| *m *= share);
    columns(&mut variance, |first, variance| {
        for row in x.chunks_exact(dims) {
            for ((variance, x), m) in variance.iter_mut().zip(&row[first..]).zip(&mean[first..]) {
                let off = *x - *m;
                *variance += off * off;
            }
        }
    });
    variance.iter_mut().for_each(|v| *v *= share);
    (mean, variance)
}

fn inverse_deviations<E: Real>(variance: &[E]) -> Vec<E> {
    let inverse = |v: &E| E::of(1.0 / (v.wide() + EPSILON).sqrt());
    variance.iter().map(inverse).collect()
}

fn scaled<E: Real>(x: &[E], factor: &[E], level: &[E]) -> Vec<E> {
    let dims = factor.len();
    let mut out = vec![E::zero(); x.len()];
    sweep(&mut out, x, dims, |out, x| {
        for (out, x) in out.chunks_exact_mut(dims).zip(x.chunks_exact(dims)) {
            for c in 0..dims {
                out[c] = x[c] * factor[c] + level[c];
            }
        }
    });
    out
}

fn add<E: Real>(to: Option<&mut [E]>, from: &[E]) {
    for (to, from) in to.into_iter().flatten().zip(from) {
        *to += *from;
    }
}
