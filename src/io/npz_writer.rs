//! Writes compressed `.npz` archives that numpy opens.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::atomic::Pending;
use super::error::FileError;
use super::npy;

type Result<T> = std::result::Result<T, FileError>;

/// Numbers hardly grow smaller by more effort.
const EFFORT: i64 = 1;

/// Writes array after array beside the file's place; [`NpzWriter::finish`] gives it its name.
pub struct NpzWriter {
    path: PathBuf,
    open: Option<Open>,
}

struct Open {
    pending: Pending,
    archive: ZipWriter<BufWriter<File>>,
}

impl NpzWriter {
    /// Nothing touches the disk before the first array.
    pub fn create(path: impl AsRef<Path>) -> NpzWriter {
        NpzWriter {
            path: path.as_ref().to_path_buf(),
            open: None,
        }
    }

    fn open(&mut self) -> Result<&mut Open> {
        if self.open.is_none() {
            let (pending, file) = Pending::create(&self.path)?;
            let archive = ZipWriter::new(BufWriter::new(file));
            return Ok(self.open.insert(Open { pending, archive }));
        }
        self.open
            .as_mut()
            .ok_or_else(|| FileError::new(&self.path, "is not open"))
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
        self.stream64(name, shape, values.iter().copied())
    }

    /// As [`NpzWriter::floats64`], one number after the other.
    pub fn stream64(
        &mut self,
        name: &str,
        shape: &[usize],
        values: impl Iterator<Item = f64>,
    ) -> Result<()> {
        self.array(name, "<f8", shape, values.map(f64::to_le_bytes))
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
        let (width, rows) = npy::texts(values);
        self.array(name, &format!("<U{width}"), shape, rows.into_iter())
    }

    pub fn finish(mut self) -> Result<()> {
        self.open()?;
        let Some(Open { pending, archive }) = self.open else {
            return Ok(());
        };
        let buffer = archive.finish().map_err(|e| failed(&self.path, e))?;
        let file = buffer.into_inner();
        let file = file.map_err(|e| FileError::writing(&self.path, e.error()))?;
        pending.commit(&file)
    }

    fn array<B: AsRef<[u8]>>(
        &mut self,
        name: &str,
        dtype: &str,
        shape: &[usize],
        values: impl Iterator<Item = B>,
    ) -> Result<()> {
        let path = self.path.clone();
        let header = npy::header_bytes(dtype, shape);
        let count = shape.iter().product::<usize>();
        let options = SimpleFileOptions::default()
            .compression_level(Some(EFFORT))
            .large_file(count.saturating_mul(64) > u32::MAX as usize);
        let archive = &mut self.open()?.archive;
        archive
            .start_file(format!("{name}.npy"), options)
            .map_err(|error| failed(&path, error))?;
        let mut buffer = BufWriter::with_capacity(1 << 16, archive);
        let mut seen = 0;
        let written = buffer.write_all(&header).and_then(|()| {
            for value in values {
                buffer.write_all(value.as_ref())?;
                seen += 1;
            }
            buffer.flush()
        });
        assert_eq!(seen, count, "the values of `{name}` do not fill its shape");
        written.map_err(|error| FileError::writing(&path, &error))
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
