//! Zip archives, held against what they say of themselves twice: their directory, and beside each entry.

use std::collections::BTreeSet;
use std::io::{Cursor, Read, Seek};

use zip::ZipArchive;
use zip::read::ZipFile;

const LOCAL_FILE: &[u8] = b"PK\x03\x04";
const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";
const END_OF_DIRECTORY: &[u8] = b"PK\x05\x06";

pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(LOCAL_FILE) || bytes.starts_with(END_OF_DIRECTORY)
}

/// The archive with every entry of its directory; the error is a fragment for a message.
pub(super) fn open<T: AsRef<[u8]> + Clone>(bytes: T) -> Result<ZipArchive<Cursor<T>>, String> {
    let all = bytes.as_ref();
    let complete = all.windows(4).any(|four| four == END_OF_DIRECTORY);
    let mut archive =
        ZipArchive::new(Cursor::new(bytes.clone())).map_err(|error| match complete {
            true => damaged(&error),
            false => "the zip archive is truncated".into(),
        })?;
    let listed = listed(all, archive.central_directory_start());
    if listed != archive.len() {
        let count = archive.len();
        let reason = format!("its directory holds {listed} entries, but says {count}");
        return Err(damaged(&reason));
    }
    match unlisted(all, &mut archive)? {
        false => Ok(archive),
        true => Err(damaged(&"an entry is missing from its directory")),
    }
}

/// Whether an entry lies where the directory has none.
fn unlisted<R: Read + Seek>(bytes: &[u8], archive: &mut ZipArchive<R>) -> Result<bool, String> {
    // What may follow an entry: sizes and checksum, in 64 bits.
    const DESCRIPTOR: usize = 24;
    let mut spans = vec![(0, 0)];
    for place in 0..archive.len() {
        let entry = archive.by_index_raw(place).map_err(|e| damaged(&e))?;
        let end = entry.data_start().saturating_add(entry.compressed_size());
        spans.push((entry.header_start(), end));
    }
    spans.sort_unstable();
    let starts = spans.iter().skip(1).map(|span| span.0);
    let starts: Vec<u64> = starts.chain([archive.central_directory_start()]).collect();
    Ok(spans.iter().zip(starts).any(|(span, next)| {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        let (end, next) = (place(span.1), place(next));
        let between = bytes.get(end..next).unwrap_or_default();
        let within = between.len().min(DESCRIPTOR + LOCAL_FILE.len());
        between[..within].windows(4).any(|four| four == LOCAL_FILE)
    }))
}

pub(super) fn damaged(error: &dyn std::fmt::Display) -> String {
    format!("the zip archive is damaged: {error}").to_lowercase()
}

/// Different names in the directory.
fn listed(bytes: &[u8], start: u64) -> usize {
    let mut names = BTreeSet::new();
    let mut at = usize::try_from(start).unwrap_or(usize::MAX);
    while let Some(entry) = bytes.get(at..).filter(|b| b.starts_with(DIRECTORY_ENTRY)) {
        let lengths = [28, 30, 32].map(|place| word(entry, place));
        let [Some(name), Some(extra), Some(comment)] = lengths else {
            break;
        };
        names.insert(entry.get(46..46 + name));
        at += 46 + name + extra + comment;
    }
    names.len()
}

/// Whether an entry has the name that the directory gives it.
pub(super) fn named_alike<R: Read>(bytes: &[u8], entry: &ZipFile<'_, R>) -> bool {
    let start = usize::try_from(entry.header_start()).unwrap_or(usize::MAX);
    let header = bytes.get(start..).unwrap_or_default();
    let name = word(header, 26).and_then(|length| header.get(30..30 + length));
    name == Some(entry.name_raw())
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let pair = bytes.get(at..at + 2)?;
    Some(usize::from(u16::from_le_bytes([pair[0], pair[1]])))
}
