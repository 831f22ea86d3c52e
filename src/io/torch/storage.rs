//! The numbers of a checkpoint: blocks of bytes under keys, of which tensors are views.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::npy_element::Element;
use super::super::pickle::{Id, Pickle};

/// Where the bytes of a checkpoint's storages are.
pub(crate) trait Storages {
    fn bytes(&mut self, key: &str) -> Result<Cow<'_, [u8]>, String>;

    /// Whether numbers are big-endian.
    fn big(&self) -> bool;
}

/// A checkpoint without any: a plain pickle.
pub(crate) struct NoStorages;

impl Storages for NoStorages {
    fn bytes(&mut self, key: &str) -> Result<Cow<'_, [u8]>, String> {
        Err(format!("there is no storage `{key}`"))
    }

    fn big(&self) -> bool {
        false
    }
}

/// Slices of the file.
pub(super) struct Slices<'a> {
    pub of: HashMap<String, &'a [u8]>,
}

impl Storages for Slices<'_> {
    fn bytes(&mut self, key: &str) -> Result<Cow<'_, [u8]>, String> {
        let found = self.of.get(key).copied().map(Cow::Borrowed);
        found.ok_or_else(|| format!("there is no storage `{key}`"))
    }

    fn big(&self) -> bool {
        false
    }
}

/// What the pickle says of a storage: `('storage', type, key, device, count, view)`.
pub(super) struct Reference {
    pub key: String,
    /// `None` where it is raw bytes.
    pub dtype: Option<Dtype>,
    /// Numbers before the view of it.
    pub before: usize,
}

impl Reference {
    pub fn of(pickle: &Pickle<'_>, id: Id) -> Result<Self, String> {
        let damaged = "names a damaged storage";
        let &[word, kind, key, _, _, ref view @ ..] = pickle.items(id).ok_or(damaged)? else {
            return Err(damaged.into());
        };
        if pickle.text(word).as_deref() != Some("storage") {
            return Err(damaged.into());
        }
        let (_, kind) = pickle.global(kind).ok_or(damaged)?;
        let dtype = match kind {
            "UntypedStorage" => None,
            kind => Some(Dtype::named(kind.trim_end_matches("Storage"))?),
        };
        // PyTorch before 0.4 wrote views of storages: their key, offset and size.
        let view = view.first().and_then(|&view| pickle.items(view));
        let before = match view {
            Some(&[_, before, _]) => pickle.size(before).ok_or(damaged)?,
            _ => 0,
        };
        let key = match pickle.int(key) {
            Some(number) => number.to_string(),
            None => pickle.text(key).ok_or(damaged)?.into_owned(),
        };
        Ok(Self { key, dtype, before })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dtype {
    Plain(Element),
    Bfloat16,
}

impl Dtype {
    /// By the names of storages (`Float`) and of dtypes (`float32`).
    pub fn named(name: &str) -> Result<Self, String> {
        let big = false;
        let plain = match name {
            "Half" | "half" | "float16" => Element::Float { size: 2, big },
            "Float" | "float" | "float32" => Element::Float { size: 4, big },
            "Double" | "double" | "float64" => Element::Float { size: 8, big },
            "BFloat16" | "bfloat16" => return Ok(Self::Bfloat16),
            "Char" | "char" | "int8" => Element::Signed { size: 1, big },
            "Short" | "short" | "int16" => Element::Signed { size: 2, big },
            "Int" | "int" | "int32" => Element::Signed { size: 4, big },
            "Long" | "long" | "int64" => Element::Signed { size: 8, big },
            "Byte" | "uint8" => Element::Unsigned { size: 1, big },
            "uint16" => Element::Unsigned { size: 2, big },
            "uint32" => Element::Unsigned { size: 4, big },
            "uint64" => Element::Unsigned { size: 8, big },
            "Bool" | "bool" => Element::Bool,
            other => {
                return Err(format!(
                    "is of PyTorch's type `{other}`, but should be real numbers"
                ));
            }
        };
        Ok(Self::Plain(plain))
    }

    pub fn size(self) -> usize {
        match self {
            Self::Plain(element) => element.size(),
            Self::Bfloat16 => 2,
        }
    }

    /// Whether single precision is too little for its numbers.
    pub fn is_double(self) -> bool {
        match self {
            Self::Plain(Element::Float { size, .. }) => size == 8,
            Self::Plain(element) => element.size() >= 4,
            Self::Bfloat16 => false,
        }
    }

    pub fn number(self, bytes: &[u8], big_endian: bool) -> f64 {
        let word = |b: &[u8]| match big_endian {
            true => u16::from_be_bytes([b[0], b[1]]),
            false => u16::from_le_bytes([b[0], b[1]]),
        };
        match self {
            Self::Bfloat16 => f32::from_bits(u32::from(word(bytes)) << 16).into(),
            Self::Plain(Element::Float { size, .. }) => {
                let big = big_endian;
                Element::Float { size, big }.real(bytes)
            }
            Self::Plain(Element::Signed { size, .. }) => {
                let big = big_endian;
                Element::Signed { size, big }.real(bytes)
            }
            Self::Plain(Element::Unsigned { size, .. }) => {
                let big = big_endian;
                Element::Unsigned { size, big }.real(bytes)
            }
            Self::Plain(element) => element.real(bytes),
        }
    }
}
