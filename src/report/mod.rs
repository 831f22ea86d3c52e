//! From a solved problem to what a person reads: numbers, files, plots, pictures.

mod bodies;
pub mod metrics;
mod outputs;
mod params;
mod picture;
mod plot;
mod plots;
mod record;
mod render;
mod trace;

pub(crate) use outputs::write;
pub use record::Record;
pub(crate) use record::{Circumstances, Seconds, identity};
