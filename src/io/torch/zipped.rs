//! Checkpoints of PyTorch from 1.6 on: a zip archive of a pickle and a file for each storage.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Cursor, Read};

use zip::{CompressionMethod, ZipArchive};

use super::super::error::listed;
use super::super::pickle::Pickle;
use super::super::tensors::Tensors;
use super::super::zip_archive;
use super::storage::Storages;
use super::walk::flat;

pub(super) fn read(bytes: &[u8]) -> Result<Tensors, String> {
    let archive = zip_archive::open(bytes)?;
    let folder = folder(&archive)?;
    let mut storages = Zipped {
        bytes,
        archive,
        folder,
        left: bytes.len(),
        held: HashMap::new(),
        big: false,
    };
    let names = ["data.pkl", "byteorder"].map(|name| format!("{}{name}", storages.folder));
    if storages.archive.index_for_name(&names[1]).is_some() {
        storages.big = storages.entry(&names[1])?.trim_ascii() == b"big";
    }
    let pickled = storages.entry(&names[0])?;
    flat(&Pickle::parse(&pickled)?, &mut storages, bytes.len())
}

/// What stands before `data.pkl`: the archive's folder may have any name.
fn folder(archive: &ZipArchive<Cursor<&[u8]>>) -> Result<String, String> {
    let names: Vec<&str> = archive.file_names().collect();
    let scripted = names.iter().any(|name| name.ends_with("/constants.pkl"));
    if scripted {
        return Err(
            "a TorchScript program, not a checkpoint; save the network's `state_dict()`".into(),
        );
    }
    let mut folders = names.iter().filter_map(|name| {
        let folder = name.strip_suffix("data.pkl")?;
        (folder.is_empty() || folder.ends_with('/')).then(|| folder.to_string())
    });
    folders.next().ok_or_else(|| {
        let mut names = names.clone();
        names.sort_unstable();
        let holds = match names.is_empty() {
            true => "nothing".to_string(),
            false => listed(&names),
        };
        format!("a zip archive, but not PyTorch's: expected `data.pkl` in it, found {holds}")
    })
}

struct Zipped<'a> {
    bytes: &'a [u8],
    archive: ZipArchive<Cursor<&'a [u8]>>,
    folder: String,
    /// Bytes that entries may still have: together no more than the file, whatever they claim.
    left: usize,
    held: HashMap<String, Vec<u8>>,
    big: bool,
}

impl Zipped<'_> {
    /// The bytes of an entry, held against their checksum.
    fn entry(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let damaged = |error: String| {
            format!("the zip archive is damaged at `{name}`: {error}").to_lowercase()
        };
        let entry = self
            .archive
            .by_name(name)
            .map_err(|e| damaged(e.to_string()))?;
        if entry.compression() != CompressionMethod::Stored {
            return Err(format!(
                "`{name}` is compressed, which PyTorch's checkpoints never are"
            ));
        }
        if !zip_archive::named_alike(self.bytes, &entry) {
            return Err(damaged("it has two names".into()));
        }
        let mut bytes = Vec::new();
        let mut within = entry.take(self.left as u64 + 1);
        within
            .read_to_end(&mut bytes)
            .map_err(|e| damaged(e.to_string()))?;
        let left = self.left.checked_sub(bytes.len());
        self.left = left.ok_or_else(|| damaged("its entries overlap".into()))?;
        Ok(bytes)
    }
}

impl Storages for Zipped<'_> {
    fn bytes(&mut self, key: &str) -> Result<Cow<'_, [u8]>, String> {
        let name = format!("{}data/{key}", self.folder);
        if !self.held.contains_key(key) {
            if self.archive.index_for_name(&name).is_none() {
                return Err(format!(
                    "has its numbers in `{name}`, which the archive does not hold"
                ));
            }
            let bytes = self.entry(&name)?;
            self.held.insert(key.into(), bytes);
        }
        Ok(Cow::Borrowed(self.held.get(key).map_or(&[], Vec::as_slice)))
    }

    fn big(&self) -> bool {
        self.big
    }
}
