//! From the checked problem to tensor operations: a program per stage, without what nobody reads.

mod along_frames;
mod choose;
mod elements;
mod fixed;
mod forward;
mod joint;
mod linear;
mod names;
mod objective;
mod operations;
mod program;
mod rows;
mod seeds;
mod side_by_side;
mod transposes;
pub(crate) mod work;

pub(crate) use forward::forward;
pub(crate) use objective::CompiledObjective;
