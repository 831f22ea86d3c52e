//! A thin floor over dfdx: the numbers, the device, and how an operation joins a tape.

pub(crate) mod affine;
mod backend;
pub(crate) mod concat;
pub(crate) mod directions;
pub(crate) mod formula;
pub(crate) mod linear3;
pub(crate) mod matmul;
pub(crate) mod neighbours;
pub(crate) mod number;
mod operation;
pub(crate) mod product;
pub(crate) mod rodrigues;
pub(crate) mod rotation_log;
pub(crate) mod scratch;
pub(crate) mod six_d;
pub(crate) mod swing_twist;
mod tape;
mod vectors;

pub(crate) use backend::{Host, Real, Scalar};
pub(crate) use number::{LANES, Number};
pub(crate) use operation::{At, Few, Kernel, Operation};
pub(crate) use tape::{Pass, Traced};
