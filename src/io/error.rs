//! The one error of the readers and writers of files.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What is wrong with a file, in words that its owner can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}`: {message}", path.display())]
pub struct FileError {
    pub path: PathBuf,
    pub message: String,
    pub hint: Option<String>,
}

impl FileError {
    pub(crate) fn new(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        FileError {
            path: path.as_ref().to_path_buf(),
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn reading(path: impl AsRef<Path>, error: &std::io::Error) -> Self {
        let message = match error.kind() {
            ErrorKind::NotFound => "there is no such file".to_string(),
            ErrorKind::PermissionDenied => "no permission to read it".to_string(),
            ErrorKind::IsADirectory => "expected a file, found a folder".to_string(),
            ErrorKind::InvalidData => "expected text in UTF-8, found other bytes".to_string(),
            _ => format!("cannot be read: {}", lower_case_fragment(error)),
        };
        FileError::new(path, message)
    }

    /// What went wrong with writing, in words.
    pub fn writing(path: impl AsRef<Path>, error: &std::io::Error) -> Self {
        let path = path.as_ref();
        let message = match error.kind() {
            ErrorKind::NotFound => match path.parent() {
                Some(folder) => format!("the folder `{}` does not exist", folder.display()),
                None => "the folder does not exist".to_string(),
            },
            ErrorKind::PermissionDenied => "no permission to write it".to_string(),
            ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_string(),
            ErrorKind::StorageFull => "the disk is full".to_string(),
            ErrorKind::QuotaExceeded => "the disk quota is used up".to_string(),
            ErrorKind::IsADirectory => "a folder of this name exists".to_string(),
            ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                "a part of the path is a file, not a folder".to_string()
            }
            _ => format!("cannot be written: {}", lower_case_fragment(error)),
        };
        FileError::new(path, message)
    }
}

/// The system's words without the capital and without "(os error 5)".
fn lower_case_fragment(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => "unknown cause".to_string(),
    }
}

/// Reads a whole text file.
pub(crate) fn read_text(path: &Path) -> Result<String, FileError> {
    let text = std::fs::read_to_string(path).map_err(|error| FileError::reading(path, &error))?;
    if text.trim().is_empty() {
        return Err(FileError::new(path, "the file is empty"));
    }
    Ok(text)
}

/// "`a`, `b` and 3 more": names for a message, cut to a readable number.
pub(super) fn listed<S: AsRef<str>>(names: &[S]) -> String {
    const SHOWN: usize = 8;
    let quoted: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    match names.len().saturating_sub(SHOWN) {
        0 => quoted.join(", "),
        more => format!("{} and {more} more", quoted.join(", ")),
    }
}

/// "(24, 3)", as numpy writes a shape.
pub(crate) fn shape_text(shape: &[usize]) -> String {
    let dims: Vec<String> = shape.iter().map(|dim| dim.to_string()).collect();
    format!("({})", dims.join(", "))
}
