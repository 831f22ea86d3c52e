//! PyTorch's checkpoints, as zip archives and as PyTorch before 1.6 wrote them, read without PyTorch.

mod legacy;
mod storage;
mod tensor;
mod walk;
mod zipped;

use super::tensors::Tensors;
use super::zip_archive::is_zip;

pub(super) use legacy::is_legacy;
pub(super) use storage::NoStorages;
pub(super) use walk::flat;

/// All tensors of a checkpoint; the names of nested dictionaries are joined with dots.
///
/// Numbers and texts beside them become metadata; lists (such as an optimizer's state) are passed over.
pub(super) fn parse(bytes: &[u8]) -> Result<Tensors, String> {
    match is_zip(bytes) {
        true => zipped::read(bytes),
        false => legacy::read(bytes),
    }
}
