//! Writes compressed `.npz` archives that numpy opens.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::error::FileError;
use super::npy;

type Result<T> = std::result::Result<T, FileError>;

/// Collects arrays in memory; [`NpzWriter::finish`] writes the compressed file at once.
pub struct NpzWriter {
    path: PathBuf,
    archive: ZipWriter<Cursor<Vec<u8>>>,
}

impl NpzWriter {
    /// Nothing touches the disk before [`NpzWriter::finish`].
    pub fn create(path: impl AsRef<Path>) -> NpzWriter {
        NpzWriter {
            path: path.as_ref().to_path_buf(),
            archive: ZipWriter::new(Cursor::new(Vec::new())),
        }
    }

    pub fn floats32(&mut self, name: &str, shape: &[usize], values: &[f32]) -> Result<()> {
        self.array(
            name,
            "<f4",
            shape,
            values.iter().map(|value| value.to_le_bytes()),
        )
    }

    pub fn floats64(&mut self, name: &str, shape: &[usize], values: &[f64]) -> Result<()> {
        self.array(
            name,
            "<f8",
            shape,
            values.iter().map(|value| value.to_le_bytes()),
        )
    }

    pub fn integers(&mut self, name: &str, shape: &[usize], values: &[i32]) -> Result<()> {
        self.array(
            name,
            "<i4",
            shape,
            values.iter().map(|value| value.to_le_bytes()),
        )
    }

    pub fn bools(&mut self, name: &str, shape: &[usize], values: &[bool]) -> Result<()> {
        self.array(
            name,
            "|b1",
            shape,
            values.iter().map(|&value| [u8::from(value)]),
        )
    }

    /// Strings as numpy's `<U`; the shape `[]` makes the 0-d array that AMASS uses for a single one.
    pub fn strings<S: AsRef<str>>(
        &mut self,
        name: &str,
        shape: &[usize],
        values: &[S],
    ) -> Result<()> {
        let letters: Vec<Vec<char>> = values
            .iter()
            .map(|text| text.as_ref().chars().collect())
            .collect();
        let width = letters.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let padded = letters.iter().map(|text| {
            let padding = std::iter::repeat_n('\0', width - text.len());
            let letters = text.iter().copied().chain(padding);
            letters
                .flat_map(|letter| u32::from(letter).to_le_bytes())
                .collect::<Vec<u8>>()
        });
        self.array(name, &format!("<U{width}"), shape, padded)
    }

    pub fn finish(self) -> Result<()> {
        let NpzWriter { path, archive } = self;
        let bytes = archive.finish().map_err(|error| failed(&path, error))?;
        super::atomic::write(&path, bytes.get_ref())
    }

    fn array<B: AsRef<[u8]>>(
        &mut self,
        name: &str,
        dtype: &str,
        shape: &[usize],
        values: impl ExactSizeIterator<Item = B>,
    ) -> Result<()> {
        assert_eq!(
            values.len(),
            shape.iter().product::<usize>(),
            "the values of `{name}` do not fill its shape"
        );
        let mut bytes = npy::header_bytes(dtype, shape);
        values.for_each(|value| bytes.extend(value.as_ref()));
        let options = SimpleFileOptions::default().large_file(bytes.len() > u32::MAX as usize);
        self.archive
            .start_file(format!("{name}.npy"), options)
            .map_err(|error| failed(&self.path, error))?;
        self.archive
            .write_all(&bytes)
            .map_err(|error| FileError::writing(&self.path, &error))
    }
}

fn failed(path: &Path, error: zip::result::ZipError) -> FileError {
    FileError::writing(path, &std::io::Error::other(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut writer = NpzWriter::create(&path);
        writer.floats32("x", &[100, 3], &[0.5; 300]).unwrap();
        writer.floats64("rate", &[], &[120.0]).unwrap();
        writer.integers("i", &[2], &[-1, i32::MAX]).unwrap();
        writer.bools("ok", &[1, 2], &[true, false]).unwrap();
        writer.strings("names", &[2], &["pelvis", "fuß"]).unwrap();
        writer.strings("gender", &[], &["neutral"]).unwrap();
        writer.floats32("empty", &[0, 63], &[]).unwrap();
        writer.finish().unwrap();
        std::fs::read(path).unwrap()
    }

    #[test]
    fn the_same_arrays_give_the_same_compressed_bytes() {
        let bytes = written("a.npz");
        assert!(bytes.len() < 1800, "{}", bytes.len());
        assert_eq!(bytes, written("b.npz"));
    }
}
