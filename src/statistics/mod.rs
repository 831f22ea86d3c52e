//! Figures with intervals and tests, for values of which neighbours are alike.

mod clusters;
mod estimate;
mod sign_flip;

pub(crate) use clusters::clusters;
pub use estimate::Estimate;
pub(crate) use sign_flip::{holm, sign_flip};
