//! Checkpoints of PyTorch before 1.6: five pickles one after another, then the storages' bytes.

use std::collections::HashMap;

use super::super::pickle::{Pickle, Value};
use super::super::tensors::Tensors;
use super::storage::{Reference, Slices};
use super::walk::flat;

/// The first pickle of such a file.
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
/// The second one: the only version that ever was.
const VERSION: i128 = 1001;

/// Whether the file begins with the magic number, whatever follows.
pub(crate) fn is_legacy(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(64)];
    Pickle::parse(head).is_ok_and(|pickle| pickle.int(pickle.root) == Some(MAGIC))
}

pub(super) fn read(bytes: &[u8]) -> Result<Tensors, String> {
    let mut rest = bytes;
    let magic = next(&mut rest)?;
    if magic.int(magic.root) != Some(MAGIC) {
        return Err("not a checkpoint of PyTorch".into());
    }
    let version = next(&mut rest)?;
    if version.int(version.root) != Some(VERSION) {
        return Err("a checkpoint of PyTorch in an unknown version".into());
    }
    next(&mut rest)?;
    let object = next(&mut rest)?;
    let keys = next(&mut rest)?;
    let keys = keys.items(keys.root).map(|items| {
        let texts = items.iter().filter_map(|&key| match keys.int(key) {
            Some(number) => Some(number.to_string()),
            None => keys.text(key).map(|text| text.into_owned()),
        });
        texts.collect::<Vec<String>>()
    });
    let keys = keys.ok_or("the list of its storages is damaged")?;
    let mut storages = slices(&keys, &sizes(&object), rest)?;
    flat(&object, &mut storages, bytes.len())
}

fn next<'a>(rest: &mut &'a [u8]) -> Result<Pickle<'a>, String> {
    let pickle = Pickle::parse(rest)?;
    *rest = &rest[pickle.length..];
    Ok(pickle)
}

/// Bytes per number of each storage that the object mentions.
fn sizes(object: &Pickle<'_>) -> HashMap<String, usize> {
    let mentioned = object.values().iter().filter_map(|value| match value {
        Value::Persistent(id) => Reference::of(object, *id).ok(),
        _ => None,
    });
    let sizes = mentioned.map(|r| (r.key, r.dtype.map_or(1, |dtype| dtype.size())));
    sizes.collect()
}

/// Each storage is its count of numbers in eight bytes, then the numbers, always little-endian.
fn slices<'a>(
    keys: &[String],
    sizes: &HashMap<String, usize>,
    mut rest: &'a [u8],
) -> Result<Slices<'a>, String> {
    let mut of = HashMap::new();
    for key in keys {
        let cut = || format!("the file is cut short in its storage `{key}`");
        let (count, after) = rest.split_first_chunk::<8>().ok_or_else(cut)?;
        let size = sizes
            .get(key)
            .ok_or_else(|| format!("its storage `{key}` belongs to no tensor"))?;
        let count = usize::try_from(u64::from_le_bytes(*count)).ok();
        let length = count
            .and_then(|count| count.checked_mul(*size))
            .ok_or_else(cut)?;
        let (bytes, after) = after.split_at_checked(length).ok_or_else(cut)?;
        of.insert(key.clone(), bytes);
        rest = after;
    }
    Ok(Slices { of })
}
