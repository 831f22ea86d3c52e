//! JᵀJ and Jᵀr in the storage that a stage's structure asks for, and damped steps from them.

mod arms;
mod blocks;
mod chain;
mod dense;
pub(crate) mod eigen;
pub(crate) mod lanes;
mod linked;
mod network;
mod sparse;

use std::sync::Arc;

pub(crate) use crate::graph::number::{Work, dispatch};
pub(crate) use chain::Window;
pub use chain::{Chain, Links};
pub use dense::Dense;
pub use linked::Linked;
pub(crate) use linked::Part;
pub(crate) use network::{Kind, Network};

/// The normal equations of the problems that an evaluation was asked about, in their order.
#[derive(Clone, Debug, PartialEq)]
pub enum Normal {
    /// Problems without structure, each on its own.
    Dense(Vec<Dense>),
    /// The same, sixteen of them side by side, with first steps.
    Lanes(Vec<Lane>),
    /// One problem of linked frames.
    Chain(Box<Chain>),
    /// One problem of blocks that residuals read together.
    Linked(Box<Linked>),
}

/// One of sixteen problems.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    pub(crate) batch: Arc<lanes::Batch>,
    pub(crate) k: usize,
}

impl Default for Normal {
    fn default() -> Self {
        Self::Dense(Vec::new())
    }
}

impl Normal {
    /// With lanes taken apart.
    pub(crate) fn apart(self) -> Self {
        match self {
            Self::Lanes(all) => Self::Dense(all.iter().map(Lane::dense).collect()),
            other => other,
        }
    }
}

impl Lane {
    /// Whether its step is that for a damping, in units of the diagonal.
    pub(crate) fn is_for(&self, damping: f64) -> bool {
        self.batch.damping(self.k) == damping
    }

    /// The damped step; `None` where the matrix is not positive definite.
    pub(crate) fn step(&self) -> Option<Vec<f64>> {
        let step = self.batch.step(self.k);
        step.iter().all(|x| x.is_finite()).then_some(step)
    }

    pub(crate) fn dense(&self) -> Dense {
        self.batch.dense(self.k)
    }

    /// δᵀ JᵀJ δ; `dampings` is what the diagonal was damped by.
    pub(crate) fn curvature(&self, step: &[f64], dampings: &[f64]) -> f64 {
        if self.batch.step(self.k) != step {
            return self.dense().curvature(step);
        }
        // (JᵀJ + D) δ = −Jᵀr says it without the matrix.
        let slope = self.batch.slope(self.k);
        let parts = step.iter().zip(&slope).zip(dampings);
        parts.map(|((x, s), d)| -x * (s + d * x)).sum()
    }
}
