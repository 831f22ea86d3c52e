//! What poses are measured by, whatever made them.

pub(crate) mod penetration;
pub(crate) mod plausibility;
pub(crate) mod surface;
