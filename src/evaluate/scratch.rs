//! A folder for the specs of problems, removed with them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::io::FileError;

pub(super) struct Scratch(pub PathBuf);

static MADE: AtomicUsize = AtomicUsize::new(0);

impl Scratch {
    pub fn new() -> Result<Self, FileError> {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("fitrun-evaluate-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).map_err(|e| FileError::writing(&path, &e))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
