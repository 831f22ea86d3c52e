//! What detectors saw, whatever the format: people in pixels, by view and frame.

use std::path::Path;

use super::error::FileError;

/// What every view saw.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Detections {
    pub views: Vec<View>,
    /// Files that could not be read; their frames are missing from the views.
    pub damaged: Vec<FileError>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    pub name: String,
    /// By ascending number; numbers may be missing.
    pub frames: Vec<ViewFrame>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ViewFrame {
    pub number: u64,
    pub people: Vec<Person>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Person {
    /// x and y in pixels, confidence; a keypoint at exactly (0, 0) has confidence 0, since that is how a missing one is written.
    pub keypoints: Vec<[f64; 3]>,
}

impl Person {
    /// From x, y and confidence of one keypoint after the other.
    pub(super) fn flat(numbers: &[f64]) -> Self {
        Person {
            keypoints: numbers.chunks_exact(3).map(keypoint).collect(),
        }
    }
}

fn keypoint(numbers: &[f64]) -> [f64; 3] {
    match *numbers {
        [0.0, 0.0, _] => [0.0; 3],
        [x, y, confidence] => [x, y, confidence],
        _ => [0.0; 3],
    }
}

/// The last run of digits of a name without its extension.
pub(super) fn last_number(name: &Path) -> Option<u64> {
    let stem = name.file_stem()?.to_string_lossy();
    let mut runs = stem.split(|letter: char| !letter.is_ascii_digit());
    runs.rfind(|run| !run.is_empty())?.parse().ok()
}

/// The frame that a file is of.
pub(super) fn frame_number(path: &Path) -> Result<u64, FileError> {
    let error = || FileError::new(path, "expected a frame number in the name of the file");
    last_number(path).ok_or_else(error)
}
