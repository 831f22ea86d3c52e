//! Which files belong to a data set: single ones, and those below a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::io::FileError;

/// A file that may hold poses.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub path: PathBuf,
    /// The folders between the one that was named and the file, as AMASS sorts its subjects.
    pub subject: Option<String>,
    pub from_folder: bool,
}

/// Folders deeper than this are not searched, so that a circle of links ends.
const DEPTH: usize = 16;

/// In the order in which they were named; folders by name. What is passed over is counted by its reason.
pub(super) fn find(
    paths: &[PathBuf],
    skipped: &mut BTreeMap<String, usize>,
) -> Result<Vec<Found>, FileError> {
    let mut found = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => search(path, path, DEPTH, skipped, &mut found)?,
            false => found.push(Found {
                path: path.clone(),
                subject: None,
                from_folder: false,
            }),
        }
    }
    Ok(found)
}

fn search(
    root: &Path,
    folder: &Path,
    depth: usize,
    skipped: &mut BTreeMap<String, usize>,
    found: &mut Vec<Found>,
) -> Result<(), FileError> {
    let failed = |error: std::io::Error| FileError::reading(folder, &error);
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let entries = entries.map(|entry| Ok(entry.map_err(failed)?.path()));
    let mut entries: Vec<PathBuf> = entries.collect::<Result<_, FileError>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if depth > 0 {
                search(root, &path, depth - 1, skipped, found)?;
            }
            continue;
        }
        match reason_to_skip(&path) {
            Some(reason) => *skipped.entry(reason.into()).or_default() += 1,
            None => found.push(Found {
                subject: subject(root, &path),
                path,
                from_folder: true,
            }),
        }
    }
    Ok(())
}

/// AMASS keeps the shapes of its subjects beside their motions.
fn reason_to_skip(path: &Path) -> Option<&'static str> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    if path.extension().is_none_or(|e| e != "npz") {
        return Some("not an npz");
    }
    let shape = stem == "shape" || stem.ends_with("_shape") || stem.ends_with("_stagei");
    shape.then_some("with a subject's shape")
}

fn subject(root: &Path, file: &Path) -> Option<String> {
    let between = file.parent()?.strip_prefix(root).ok()?;
    let parts: Vec<_> = between.iter().map(|p| p.to_string_lossy()).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}
