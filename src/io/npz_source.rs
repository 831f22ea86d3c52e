//! Where the bytes of numpy arrays come from: the entries of a zip archive, or one bare array.

use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use zip::ZipArchive;

use super::error::FileError;
use super::memory::Arrays;
use super::{npy, zip_archive};

type Result<T> = std::result::Result<T, FileError>;

#[derive(Debug, Clone)]
pub(super) enum Source {
    /// The archive, and all its bytes.
    Zip(ZipArchive<Cursor<Arc<[u8]>>>, Arc<[u8]>),
    Npy(Cursor<Arc<[u8]>>),
    Memory(Arc<Arrays>),
}

impl Source {
    pub(super) fn open(path: &Path, bytes: Arc<[u8]>) -> Result<Source> {
        if bytes.is_empty() {
            return Err(FileError::new(path, "the file is empty"));
        }
        if bytes.starts_with(npy::MAGIC) {
            return Ok(Source::Npy(Cursor::new(bytes)));
        }
        if !zip_archive::is_zip(&bytes) {
            return Err(FileError::new(
                path,
                "expected a numpy file (`.npz` or `.npy`), found other content",
            ));
        }
        zip_archive::open(Arc::clone(&bytes))
            .map(|archive| Source::Zip(archive, bytes))
            .map_err(|message| FileError::new(path, message))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Source::Zip(archive, _) => archive.len(),
            Source::Npy(_) => 1,
            Source::Memory(arrays) => arrays.entries.len(),
        }
    }

    /// Name, uncompressed size as claimed, and content; `None` for an entry that is no array.
    #[allow(clippy::type_complexity)]
    pub(super) fn member(
        &mut self,
        place: usize,
        path: &Path,
    ) -> Result<Option<(String, u64, Box<dyn Read + '_>)>> {
        let (archive, bytes) = match self {
            Source::Zip(archive, bytes) => (archive, bytes),
            Source::Npy(cursor) => {
                let name = path
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                let size = cursor.get_ref().len() as u64;
                cursor.set_position(0);
                return Ok(Some((name, size, Box::new(cursor))));
            }
            Source::Memory(arrays) => {
                let Some((name, bytes)) = arrays.entries.get(place) else {
                    return Ok(None);
                };
                let size = bytes.len() as u64;
                return Ok(Some((name.clone(), size, Box::new(bytes.as_slice()))));
            }
        };
        let damaged =
            |error: &dyn std::fmt::Display| FileError::new(path, zip_archive::damaged(error));
        let entry = archive.by_index(place).map_err(|e| damaged(&e))?;
        if !zip_archive::named_alike(bytes, &entry) {
            return Err(damaged(&format!("`{}` has two names", entry.name())));
        }
        let name = match entry.name().strip_suffix(".npy") {
            Some(name) => name.to_string(),
            None => return Ok(None),
        };
        Ok(Some((name, entry.size(), Box::new(entry))))
    }
}

/// Tells how many bytes the header took.
pub(super) struct CountingReader<R> {
    pub inner: R,
    pub read: u64,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read += count as u64;
        Ok(count)
    }
}
