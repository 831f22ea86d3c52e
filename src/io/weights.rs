//! Weights in whatever file they come: told by its bytes, never by its name.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use super::body_fields::is_pickle;
use super::error::listed;
use super::pickle::Pickle;
use super::tensors::Tensors;
use super::torch::NoStorages;
use super::zip_archive::is_zip;
use super::{FileError, body_pkl, mixture_pkl, read_bytes, torch};

/// What a file of weights may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    Safetensors,
    Torch,
    Pickle,
}

/// All tensors of a safetensors file, a checkpoint of PyTorch or a pickle; or of the last snapshot of a folder.
///
/// Names are those of the file, joined with dots where dictionaries are nested. The metadata `file` says which
/// snapshot of a folder was taken.
pub(crate) fn read(path: &Path) -> Result<Tensors, FileError> {
    if !path.is_dir() {
        return read_file(path);
    }
    let snapshot = last_snapshot(path)?;
    let mut found = read_file(&snapshot)?;
    let name = snapshot.strip_prefix(path).unwrap_or(&snapshot);
    found
        .metadata
        .insert("file".into(), name.display().to_string());
    Ok(found)
}

/// Whether the folder is laid out as VPoser's.
pub(crate) fn is_folder(path: &Path) -> bool {
    path.is_dir() && path.join("snapshots").is_dir()
}

/// Whether a file is a pickled body model.
pub(crate) fn is_body(path: &Path) -> bool {
    let is = |bytes: Vec<u8>| Pickle::parse(&bytes).is_ok_and(|pickle| body_pkl::is_body(&pickle));
    read_bytes(path).is_ok_and(|bytes| is_pickle(&bytes) && is(bytes))
}

/// As far as the first bytes tell.
pub(crate) fn container(path: &Path) -> Result<Container, FileError> {
    let bytes = read_bytes(path)?;
    container_of(&bytes).map_err(|message| FileError::new(path, message))
}

fn read_file(path: &Path) -> Result<Tensors, FileError> {
    parse(path, &read_bytes(path)?)
}

/// As [`read`], of a file in memory, which messages call `path`.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Tensors, FileError> {
    let found = container_of(bytes).and_then(|container| match container {
        Container::Safetensors => Tensors::parse(bytes),
        Container::Torch => torch::parse(bytes),
        Container::Pickle => pickled(bytes),
    });
    found.map_err(|message| {
        let refused = message.starts_with("the pickle asks for");
        let error = FileError::new(path, message);
        match refused {
            true => error.with_hint(
                "if it is a whole Python object, save its `state_dict()` or its arrays from Python instead",
            ),
            false => error,
        }
    })
}

fn container_of(bytes: &[u8]) -> Result<Container, String> {
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    if is_zip(bytes) || torch::is_legacy(bytes) {
        return Ok(Container::Torch);
    }
    // A safetensors file begins with the length of its header, in JSON.
    if bytes.get(8) == Some(&b'{') && bytes[4..8] == [0; 4] {
        return Ok(Container::Safetensors);
    }
    match is_pickle(bytes) {
        true => Ok(Container::Pickle),
        false => Err(
            "expected safetensors, a checkpoint of PyTorch or a pickle, found other content".into(),
        ),
    }
}

fn pickled(bytes: &[u8]) -> Result<Tensors, String> {
    let pickle = Pickle::parse(bytes)?;
    if body_pkl::is_body(&pickle) {
        return Err("a body model, not weights; it belongs to `[body]` as its `model`".into());
    }
    if let Some(mixture) = mixture_pkl::mixture(&pickle) {
        return mixture;
    }
    let names = pickle.names(pickle.root);
    let found = match pickle.entries(pickle.root) {
        Some(_) => torch::flat(&pickle, &mut NoStorages, bytes.len())?,
        None => Tensors::default(),
    };
    match (found.arrays.is_empty(), names.is_empty()) {
        (false, _) => Ok(found),
        (true, false) => Err(format!(
            "a pickle of another thing: expected arrays, a mixture or a body model, found {} with {}",
            pickle.describe(pickle.root),
            listed(&names)
        )),
        (true, true) => Err(format!(
            "a pickle of another thing: expected arrays, a mixture or a body model, found {}",
            pickle.describe(pickle.root)
        )),
    }
}

/// VPoser's version 2 has `snapshots/*.ckpt`, version 1 `snapshots/*.pt`; of several the last by name.
fn last_snapshot(folder: &Path) -> Result<PathBuf, FileError> {
    let snapshots = folder.join("snapshots");
    let entries = std::fs::read_dir(&snapshots).map_err(|_| {
        FileError::new(
            folder,
            "expected a file, found a folder without `snapshots` in it",
        )
    })?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort_by(|a, b| by_number(&a.to_string_lossy(), &b.to_string_lossy()));
    let last = |extension: &str| {
        let of = |path: &&PathBuf| path.extension().is_some_and(|e| e == extension);
        files.iter().rfind(of).cloned()
    };
    last("ckpt").or_else(|| last("pt")).ok_or_else(|| {
        FileError::new(
            folder,
            "its `snapshots` hold neither a `.ckpt` (VPoser v2) nor a `.pt` (v1)",
        )
    })
}

/// Numbers in names count as numbers: `epoch=9` stands before `epoch=10`.
fn by_number(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !a.is_empty() && !b.is_empty() {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (da, db) = (digits(a), digits(b));
        let (na, nb) = match da.min(db) {
            0 => (letter(a), letter(b)),
            _ => (da, db),
        };
        let (ha, hb) = (&a[..na], &b[..nb]);
        let order = match da.min(db) {
            0 => ha.cmp(hb),
            _ => {
                let (ha, hb) = (ha.trim_start_matches('0'), hb.trim_start_matches('0'));
                ha.len().cmp(&hb.len()).then(ha.cmp(hb))
            }
        };
        if order.is_ne() {
            return order;
        }
        (a, b) = (&a[na..], &b[nb..]);
    }
    a.len().cmp(&b.len())
}

fn letter(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_are_ordered_by_the_numbers_in_their_names() {
        let mut names = [
            "E10.pt", "E9.pt", "E09_b.pt", "E010.pt", "D99.pt", "E9é.pt", "E9",
        ];
        names.sort_by(|a, b| by_number(a, b));
        assert_eq!(
            names,
            [
                "D99.pt", "E9", "E9.pt", "E09_b.pt", "E9é.pt", "E10.pt", "E010.pt"
            ]
        );
    }
}
