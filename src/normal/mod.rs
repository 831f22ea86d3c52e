//! JᵀJ and Jᵀr in the storage that a stage's structure asks for, and damped steps from them.

mod blocks;
mod chain;
mod dense;
pub(crate) mod lanes;

pub use chain::{Chain, Links};
pub use dense::Dense;

/// The normal equations of the problems that an evaluation was asked about, in their order.
#[derive(Clone, Debug, PartialEq)]
pub enum Normal {
    /// Problems without structure, each on its own.
    Dense(Vec<Dense>),
    /// One problem of linked frames.
    Chain(Box<Chain>),
}

impl Default for Normal {
    fn default() -> Self {
        Self::Dense(Vec::new())
    }
}
