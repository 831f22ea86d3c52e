//! A dense layer whose numbers lie in a network's flat vector, and the activation between layers.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::traits::ComplexField;
use faer::{Accum, MatMut, MatRef, Par};

use crate::graph::Scalar;
use crate::random::SplitMix64;

/// Leakage of the activation, in VPoser v1 and in the discriminator.
const SLOPE: f64 = 0.2;

/// The precision of a network.
pub(super) trait Number: Scalar + ComplexField {}

impl Number for f32 {}
impl Number for f64 {}

/// y = x·Wᵀ + b; W (outputs, inputs) row-major lies at `start`, b (outputs) after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dense {
    pub inputs: usize,
    pub outputs: usize,
    pub start: usize,
}

impl Dense {
    pub fn end(&self) -> usize {
        self.bias().end
    }

    pub fn weight(&self) -> Range<usize> {
        self.start..self.start + self.inputs * self.outputs
    }

    pub fn bias(&self) -> Range<usize> {
        self.weight().end..self.weight().end + self.outputs
    }

    /// Uniform within ±1/√inputs, for weights and biases.
    pub fn draw<E: Number>(&self, numbers: &mut [E], random: &mut SplitMix64) {
        let bound = 1.0 / (self.inputs as f64).sqrt();
        for number in &mut numbers[self.start..self.end()] {
            *number = E::of(bound * (2.0 * random.uniform() - 1.0));
        }
    }

    /// (rows, inputs) to (rows, outputs).
    pub fn forward<E: Number>(&self, numbers: &[E], x: &[E], rows: usize) -> Vec<E> {
        let mut y = numbers[self.bias()].repeat(rows);
        let weight = &numbers[self.weight()];
        matmul(
            MatMut::from_row_major_slice_mut(&mut y, rows, self.outputs),
            Accum::Add,
            MatRef::from_row_major_slice(x, rows, self.inputs),
            MatRef::from_row_major_slice(weight, self.outputs, self.inputs).transpose(),
            E::one(),
            Par::Seq,
        );
        y
    }

    /// Adds to `to`, shaped like the network's numbers, what the gradient `g` of y means for W and b.
    pub fn add_gradient<E: Number>(&self, x: &[E], g: &[E], rows: usize, to: &mut [E]) {
        let weight = &mut to[self.weight()];
        matmul(
            MatMut::from_row_major_slice_mut(weight, self.outputs, self.inputs),
            Accum::Add,
            MatRef::from_row_major_slice(g, rows, self.outputs).transpose(),
            MatRef::from_row_major_slice(x, rows, self.inputs),
            E::one(),
            Par::Seq,
        );
        let bias = &mut to[self.bias()];
        for row in g.chunks_exact(self.outputs) {
            for (to, g) in bias.iter_mut().zip(row) {
                *to += *g;
            }
        }
    }

    /// The gradient of x, (rows, inputs).
    pub fn backward<E: Number>(&self, numbers: &[E], g: &[E], rows: usize) -> Vec<E> {
        let mut x = vec![E::zero(); rows * self.inputs];
        matmul(
            MatMut::from_row_major_slice_mut(&mut x, rows, self.inputs),
            Accum::Replace,
            MatRef::from_row_major_slice(g, rows, self.outputs),
            MatRef::from_row_major_slice(&numbers[self.weight()], self.outputs, self.inputs),
            E::one(),
            Par::Seq,
        );
        x
    }
}

/// Layers of these sizes, one after the other from `start` on.
pub(super) fn layers<const N: usize>(start: usize, sizes: [(usize, usize); N]) -> [Dense; N] {
    let mut start = start;
    sizes.map(|(inputs, outputs)| {
        let layer = Dense {
            inputs,
            outputs,
            start,
        };
        start = layer.end();
        layer
    })
}

/// x where it is positive, else 0.2 x.
pub(super) fn leaky<E: Number>(mut x: Vec<E>) -> Vec<E> {
    let slope = E::of(SLOPE);
    for x in &mut x {
        *x = if *x < E::zero() { slope * *x } else { *x };
    }
    x
}

/// The gradient before the activation, from that after it; `out` has the sign of what went in.
pub(super) fn leaky_back<E: Number>(out: &[E], mut g: Vec<E>) -> Vec<E> {
    let slope = E::of(SLOPE);
    for (g, out) in g.iter_mut().zip(out) {
        *g = if *out < E::zero() { slope * *g } else { *g };
    }
    g
}
