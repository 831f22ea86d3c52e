//! Numpy's `.npz` archives, or a single `.npy`, read without trusting what they claim about their size.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{Array, ArrayD, Dimension, IxDyn, ShapeBuilder};

use super::error::{FileError, listed, shape_text};
use super::memory::Arrays;
use super::npy::Header;
use super::npy_element::Element;
use super::npz_source::{CountingReader, Source};
pub(crate) use super::npz_writer::NpzWriter;

/// An opened file: the headers of its arrays are read, the numbers only when asked for.
#[derive(Debug)]
pub(crate) struct Npz {
    path: PathBuf,
    source: Source,
    members: Vec<Member>,
    /// Of each member: its place in the archive, and its header.
    entries: Vec<(usize, Header)>,
}

/// What a file says about one of its arrays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub name: String,
    pub shape: Vec<usize>,
    pub kind: ArrayKind,
    /// As the file writes it, such as `<f4`.
    pub dtype: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArrayKind {
    Float,
    Integer,
    Bool,
    Text,
    /// Pickled objects, records, complex numbers, dates: listed but never read.
    Object,
}

type Result<T> = std::result::Result<T, FileError>;

impl Npz {
    pub(crate) fn open(path: impl AsRef<Path>) -> Result<Npz> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| FileError::reading(path, &error))?;
        Npz::from_bytes(path, bytes)
    }

    /// As [`Npz::open`], of a file in memory; `path` is what messages call it.
    pub(crate) fn from_bytes(path: impl AsRef<Path>, bytes: impl Into<Arc<[u8]>>) -> Result<Npz> {
        let (path, bytes) = (path.as_ref(), bytes.into());
        Npz::of(path, Source::open(path, bytes)?)
    }

    /// As [`Npz::open`], of arrays in memory; `path` is what messages call them.
    pub(crate) fn in_memory(path: impl AsRef<Path>, arrays: Arc<Arrays>) -> Result<Npz> {
        Npz::of(path.as_ref(), Source::Memory(arrays))
    }

    fn of(path: &Path, source: Source) -> Result<Npz> {
        let mut npz = Npz {
            path: path.to_path_buf(),
            source,
            members: Vec::new(),
            entries: Vec::new(),
        };
        npz.read_headers()?;
        Ok(npz)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.name == name)
    }

    /// What the file says about one array; an error that lists the others where it is not there.
    pub(crate) fn member(&self, name: &str) -> Result<&Member> {
        let member = self.members.iter().find(|member| member.name == name);
        member.ok_or_else(|| self.missing(name))
    }

    /// Numbers of any real dtype, in C order.
    pub(crate) fn floats(&self, name: &str) -> Result<ArrayD<f64>> {
        let (header, bytes) = self.data(name)?;
        match kind_of(header.element) {
            ArrayKind::Text => Err(self.unexpected(name, header, "numbers")),
            _ => self.shaped(name, header, &bytes, |element, bytes| {
                Some(element.real(bytes))
            }),
        }
    }

    /// As [`Npz::floats`], of a known rank.
    pub(crate) fn floats_of<D: Dimension>(&self, name: &str) -> Result<Array<f64, D>> {
        let array = self.floats(name)?;
        let (rank, found) = (D::NDIM.unwrap_or_default(), shape_text(array.shape()));
        array.into_dimensionality().map_err(|_| {
            self.error(format!(
                "array `{name}`: expected {rank} dims, found {found}"
            ))
        })
    }

    pub(crate) fn integers(&self, name: &str) -> Result<ArrayD<i64>> {
        let (header, bytes) = self.data(name)?;
        match kind_of(header.element) {
            ArrayKind::Integer | ArrayKind::Bool => {
                self.shaped(name, header, &bytes, Element::whole)
            }
            _ => Err(self.unexpected(name, header, "integers")),
        }
    }

    /// Booleans, or integers of which zero means false.
    pub(crate) fn bools(&self, name: &str) -> Result<ArrayD<bool>> {
        let (header, bytes) = self.data(name)?;
        match kind_of(header.element) {
            ArrayKind::Integer | ArrayKind::Bool => {
                self.shaped(name, header, &bytes, |_, bytes| {
                    Some(bytes.iter().any(|&byte| byte != 0))
                })
            }
            _ => Err(self.unexpected(name, header, "booleans")),
        }
    }

    /// Strings in C order, whatever the shape; a 0-d array gives one.
    pub(crate) fn strings(&self, name: &str) -> Result<Vec<String>> {
        let (header, bytes) = self.data(name)?;
        match kind_of(header.element) {
            ArrayKind::Text => {
                let texts = self.shaped(name, header, &bytes, |element, bytes| {
                    Some(element.text(bytes))
                })?;
                Ok(texts.into_iter().collect())
            }
            _ => Err(self.unexpected(name, header, "strings")),
        }
    }

    /// An error that names this file.
    pub(crate) fn error(&self, message: impl Into<String>) -> FileError {
        FileError::new(&self.path, message)
    }

    fn read_headers(&mut self) -> Result<()> {
        let mut source = self.source.clone();
        for place in 0..source.len() {
            let Some((name, _, mut stream)) = source.member(place, &self.path)? else {
                continue;
            };
            let header = Header::read(&mut stream).map_err(|message| {
                self.error(format!("array `{name}` cannot be read: {message}"))
            })?;
            self.members.push(Member {
                name,
                shape: header.shape.clone(),
                kind: kind_of(header.element),
                dtype: header.dtype.clone(),
            });
            self.entries.push((place, header));
        }
        Ok(())
    }

    /// The header and the bytes of an array, of exactly the size that the header claims.
    fn data(&self, name: &str) -> Result<(&Header, Vec<u8>)> {
        let place = self.members.iter().position(|member| member.name == name);
        let place = place.ok_or_else(|| self.missing(name))?;
        let (place, header) = &self.entries[place];
        if header.element.size() == 0 {
            return Err(self.unreadable(name, header));
        }
        let mut source = self.source.clone();
        let (_, size, mut stream) = source
            .member(*place, &self.path)?
            .ok_or_else(|| self.missing(name))?;
        let damaged =
            |message: String| self.error(format!("array `{name}` cannot be read: {message}"));
        let mut before = CountingReader {
            inner: &mut stream,
            read: 0,
        };
        Header::read(&mut before).map_err(damaged)?;
        let held = size.saturating_sub(before.read);

        let claimed = header
            .count()
            .and_then(|count| count.checked_mul(header.element.size()));
        let claimed = claimed.filter(|&bytes| bytes as u64 <= held);
        let claimed = claimed.ok_or_else(|| self.too_short(name, header, held))?;
        let mut bytes = Vec::new();
        // Only at its end does the archive compare the checksum.
        let read = stream.by_ref().take(claimed as u64).read_to_end(&mut bytes);
        read.and_then(|_| std::io::copy(&mut stream, &mut std::io::sink()))
            .map_err(|error| damaged(format!("{error}").to_lowercase()))?;
        if bytes.len() < claimed {
            return Err(self.too_short(name, header, bytes.len() as u64));
        }
        Ok((header, bytes))
    }

    fn shaped<T: Clone>(
        &self,
        name: &str,
        header: &Header,
        bytes: &[u8],
        decode: impl Fn(Element, &[u8]) -> Option<T>,
    ) -> Result<ArrayD<T>> {
        let element = header.element;
        let values: Option<Vec<T>> = bytes
            .chunks_exact(element.size())
            .map(|bytes| decode(element, bytes))
            .collect();
        let values = values.ok_or_else(|| {
            self.error(format!(
                "array `{name}` holds an integer past the range of 64 bits"
            ))
        })?;
        let shape = IxDyn(&header.shape).set_f(header.fortran);
        let array = ArrayD::from_shape_vec(shape, values).map_err(|_| {
            let shape = shape_text(&header.shape);
            self.error(format!(
                "array `{name}` claims the impossible shape {shape}"
            ))
        })?;
        match header.fortran {
            true => Ok(array.as_standard_layout().into_owned()),
            false => Ok(array),
        }
    }

    fn missing(&self, name: &str) -> FileError {
        let names: Vec<&str> = self
            .members
            .iter()
            .map(|member| member.name.as_str())
            .collect();
        match names.is_empty() {
            true => self.error(format!("there is no array `{name}`; the file holds none")),
            false => self.error(format!(
                "there is no array `{name}`; the file holds {}",
                listed(&names)
            )),
        }
    }

    fn unreadable(&self, name: &str, header: &Header) -> FileError {
        match header.element {
            Element::Pickled => self
                .error(format!("array `{name}` is a pickled object, which fitrun does not read"))
                .with_hint("save it from Python as a plain numeric or string array"),
            _ => self.error(format!(
                "array `{name}` is of dtype `{}`, which fitrun does not read; expected numbers, booleans or strings",
                header.dtype
            )),
        }
    }

    fn unexpected(&self, name: &str, header: &Header, expected: &str) -> FileError {
        self.error(format!(
            "array `{name}`: expected {expected}, found dtype `{}`",
            header.dtype
        ))
    }

    fn too_short(&self, name: &str, header: &Header, held: u64) -> FileError {
        let what = match kind_of(header.element) {
            ArrayKind::Text => "strings",
            _ => "numbers",
        };
        let claimed = match header.count() {
            Some(count) => format!("{count} {what}"),
            None => format!("the shape {}", shape_text(&header.shape)),
        };
        self.error(format!(
            "array `{name}` claims {claimed} but holds {held} bytes"
        ))
    }
}

fn kind_of(element: Element) -> ArrayKind {
    match element {
        Element::Float { .. } => ArrayKind::Float,
        Element::Signed { .. } | Element::Unsigned { .. } => ArrayKind::Integer,
        Element::Bool => ArrayKind::Bool,
        Element::Bytes { .. } | Element::Unicode { .. } => ArrayKind::Text,
        Element::Pickled | Element::Unknown => ArrayKind::Object,
    }
}

#[cfg(test)]
mod tests {
    use super::super::npy;
    use super::super::testing::{damage, real_data};
    use super::*;
    use ndarray::arr2;
    use std::io::{Cursor, Write};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn written(fill: impl FnOnce(&mut NpzWriter)) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let mut writer = NpzWriter::create(&path);
        fill(&mut writer);
        writer.finish().unwrap();
        std::fs::read(path).unwrap()
    }

    fn sample() -> Vec<u8> {
        written(|writer| {
            writer
                .floats32("x", &[2, 3], &[1.0, 2.5, -3.0, f32::NAN, 0.0, 6.0])
                .unwrap();
            writer.floats64("y", &[], &[120.0]).unwrap();
            writer.integers("i", &[2], &[-1, 7]).unwrap();
            writer.bools("ok", &[3], &[true, false, true]).unwrap();
            writer.strings("names", &[2], &["pelvis", "fuß"]).unwrap();
            writer.strings("gender", &[], &["neutral"]).unwrap();
            writer.floats32("empty", &[0, 63], &[]).unwrap();
        })
    }

    fn npy(dict: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = npy::MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((dict.len() as u16).to_le_bytes());
        bytes.extend(dict.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn read_all(bytes: &[u8]) {
        let Ok(npz) = Npz::from_bytes("a.npz", bytes) else {
            return;
        };
        for member in npz.members() {
            let _ = npz.floats(&member.name);
            let _ = npz.integers(&member.name);
            let _ = npz.bools(&member.name);
            let _ = npz.strings(&member.name);
        }
    }

    fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let npz = Npz::from_bytes("a.npz", sample()).unwrap();
        let x: ndarray::Array2<f64> = npz.floats_of("x").unwrap();
        assert_eq!(x.shape(), [2, 3]);
        assert_eq!((x[[0, 1]], x[[1, 2]]), (2.5, 6.0));
        assert!(x[[1, 0]].is_nan());
        assert_eq!(
            npz.floats("y").unwrap().into_iter().collect::<Vec<_>>(),
            [120.0]
        );
        assert_eq!(
            npz.integers("i").unwrap().into_iter().collect::<Vec<_>>(),
            [-1, 7]
        );
        assert_eq!(
            npz.bools("ok").unwrap().into_iter().collect::<Vec<_>>(),
            [true, false, true]
        );
        assert_eq!(npz.strings("names").unwrap(), ["pelvis", "fuß"]);
        assert_eq!(npz.strings("gender").unwrap(), ["neutral"]);
        assert_eq!(npz.floats("empty").unwrap().shape(), [0, 63]);
        assert_eq!(npz.members()[4].kind, ArrayKind::Text);
        assert_eq!(npz.members()[4].dtype, "<U6");
    }

    #[test]
    fn fortran_order_and_big_endian_give_the_same_numbers() {
        let data: Vec<u8> = [1.0f64, 4.0, 2.0, 5.0, 3.0, 6.0]
            .iter()
            .flat_map(|x| x.to_be_bytes())
            .collect();
        let bytes = npy(
            "{'descr': '>f8', 'fortran_order': True, 'shape': (2, 3), }",
            &data,
        );
        let npz = Npz::from_bytes("motion/x.npy", bytes).unwrap();
        let x: ndarray::Array2<f64> = npz.floats_of("x").unwrap();
        assert_eq!(x, arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]));
        assert!(x.is_standard_layout());
    }

    #[test]
    fn messages_say_what_is_wrong() {
        let sample = sample();
        let open = |bytes: &[u8]| message(Npz::from_bytes("a.npz", bytes));
        assert_eq!(open(b""), "`a.npz`: the file is empty");
        assert_eq!(
            open(&sample[..sample.len() / 2]),
            "`a.npz`: the zip archive is truncated"
        );
        assert_eq!(
            open(b"hello"),
            "`a.npz`: expected a numpy file (`.npz` or `.npy`), found other content"
        );
        assert_eq!(
            message(Npz::open("/nowhere/b.npz")),
            "`/nowhere/b.npz`: there is no such file"
        );
        let npz = Npz::from_bytes("a.npz", sample).unwrap();
        assert_eq!(
            message(npz.floats("z")),
            "`a.npz`: there is no array `z`; the file holds `x`, `y`, `i`, `ok`, `names`, `gender`, `empty`"
        );
        assert_eq!(
            message(npz.integers("x")),
            "`a.npz`: array `x`: expected integers, found dtype `<f4`"
        );
        assert_eq!(
            message(npz.floats("names")),
            "`a.npz`: array `names`: expected numbers, found dtype `<U6`"
        );
        assert_eq!(
            message(npz.floats_of::<ndarray::Ix3>("x")),
            "`a.npz`: array `x`: expected 3 dims, found (2, 3)"
        );
    }

    #[test]
    fn a_claim_beyond_the_bytes_is_refused_without_allocating() {
        let claims = [
            ("(1000000000000,)", "1000000000000 numbers"),
            (
                "(1099511627776, 1099511627776)",
                "the shape (1099511627776, 1099511627776)",
            ),
            ("(33,)", "33 numbers"),
        ];
        for (shape, claim) in claims {
            let dict = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
            let npz = Npz::from_bytes("x.npy", npy(&dict, &[0; 128])).unwrap();
            assert_eq!(
                message(npz.floats("x")),
                format!("`x.npy`: array `x` claims {claim} but holds 128 bytes")
            );
        }
    }

    #[test]
    fn a_directory_that_lies_about_sizes_is_found_out() {
        let dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,), }";
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        archive
            .start_file("x.npy", SimpleFileOptions::default())
            .unwrap();
        archive.write_all(&npy(dict, &[0; 128])).unwrap();
        let mut lying = archive.finish().unwrap().into_inner();
        // The uncompressed size stands 24 bytes into the entry of the directory.
        let signature = |four: &[u8]| four == b"PK\x01\x02";
        let entry = lying.windows(4).position(signature).unwrap();
        lying[entry + 24..entry + 28].copy_from_slice(&(u32::MAX - 1).to_le_bytes());
        let npz = Npz::from_bytes("x.npz", lying).unwrap();
        assert_eq!(
            message(npz.floats("x")),
            "`x.npz`: array `x` claims 1000000000 numbers but holds 128 bytes"
        );
    }

    #[test]
    fn an_archive_with_a_flipped_bit_is_refused_or_read_as_it_was() {
        let values: Vec<f64> = (0..900).map(|n| f64::from(n % 37) * 0.125).collect();
        let bytes = deflated(&[("x", &values), ("y", &values[..40])]);
        let read = |bytes: &[u8], name: &str| {
            let npz = Npz::from_bytes("a.npz", bytes)?;
            Ok::<_, FileError>(npz.floats(name)?.into_iter().collect::<Vec<_>>())
        };
        let mut named = 0;
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            for (name, expected) in [("x", &values[..]), ("y", &values[..40])] {
                match read(&flipped, name) {
                    Ok(found) => assert_eq!(found, expected, "bit {bit}"),
                    Err(error) => {
                        let message = error.message;
                        assert!(
                            !message.contains("there is no array"),
                            "bit {bit}: {message}"
                        );
                        named += usize::from(message.contains(&format!("`{name}`")));
                    }
                }
            }
        }
        assert!(named > 100, "{named}");
    }

    /// As numpy's `savez_compressed` writes arrays of one axis.
    fn deflated(arrays: &[(&str, &[f64])]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, values) in arrays {
            let options = SimpleFileOptions::default();
            archive.start_file(format!("{name}.npy"), options).unwrap();
            let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            let shape = values.len();
            let dict = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape},), }}");
            archive.write_all(&npy(&dict, &data)).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn pickled_arrays_are_named_and_not_read() {
        let bytes = npy(
            "{'descr': '|O', 'fortran_order': False, 'shape': (), }",
            b"\x80\x04N.",
        );
        let npz = Npz::from_bytes("x.npy", bytes).unwrap();
        assert_eq!(npz.members()[0].kind, ArrayKind::Object);
        let text = "`x.npy`: array `x` is a pickled object, which fitrun does not read";
        assert_eq!(message(npz.floats("x")), text);
        assert_eq!(message(npz.strings("x")), text);
        let bytes = npy(
            "{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }",
            &[0; 16],
        );
        assert_eq!(
            message(Npz::from_bytes("x.npy", bytes).unwrap().floats("x")),
            "`x.npy`: array `x` is of dtype `<c16`, which fitrun does not read; expected numbers, booleans or strings"
        );
    }

    #[test]
    fn damage_never_panics() {
        damage(&sample(), read_all);
        let fields = "{'descr': '<U3', 'fortran_order': True, 'shape': (2, 1), }";
        damage(&npy(fields, &[0; 24]), read_all);
    }

    #[test]
    fn real_files_have_the_shapes_beside_them() {
        let Some(data) = real_data() else { return };
        let npz = Npz::open(data.join("motion/cmu_16_01.npz")).unwrap();
        assert_eq!(npz.floats("poses").unwrap().shape(), [81, 72]);
        assert_eq!(npz.strings("gender").unwrap(), ["neutral"]);
        assert_eq!(npz.strings("joint_names").unwrap()[15], "head");
        assert_eq!(
            npz.bools("joints_src_ok")
                .unwrap()
                .iter()
                .filter(|ok| !**ok)
                .count(),
            6
        );
    }
}
