//! A thin floor over dfdx: the scalar and device that everything runs on, and how an operation joins a tape.

pub(crate) mod affine;
mod backend;
pub(crate) mod concat;
pub(crate) mod linear3;
pub(crate) mod matmul;
mod operation;
pub(crate) mod product;
pub(crate) mod rodrigues;
pub(crate) mod rotation_log;
pub(crate) mod six_d;
pub(crate) mod swing_twist;
mod tape;

pub(crate) use backend::{Backend, Real, Scalar};
pub(crate) use operation::{CostOperation, Gradient, Operation, Rows, Value};
pub(crate) use tape::{Pass, Traced};
