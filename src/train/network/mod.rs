//! Layers, their parameters and the optimiser of networks in training; dfdx carries the tape.

mod adam;
mod batch_norm;
mod dropout;
mod heads;
mod linear;
mod parameters;
mod product;
pub(crate) mod rotations;
#[cfg(test)]
mod tests;

pub(crate) use adam::{Adam, AdamSettings};
pub(crate) use batch_norm::BatchNorm;
pub(crate) use dropout::dropout;
pub(crate) use heads::Heads;
pub(crate) use linear::Linear;
pub(crate) use parameters::Parameters;

use crate::graph::{Pass, Real, Traced};

/// A forward pass of a network.
pub(crate) type Forward<E> = Pass<E, <E as Real>::Device>;

/// A batch on its way through a network, (rows, dims).
pub(crate) type Batch<E> = Traced<E, <E as Real>::Device>;
