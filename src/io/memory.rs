//! Arrays in memory, which are read as those of an npz.

use super::npy;

/// Named arrays, as an npz holds them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrays {
    /// Of each its name, and what a `.npy` of it holds.
    pub(super) entries: Vec<(String, Vec<u8>)>,
}

impl Arrays {
    /// Adds an array of numbers, in C order; a shape of no axes has one.
    ///
    /// # Panics
    /// If there are not as many numbers as the shape says.
    pub fn numbers(self, name: &str, shape: &[usize], values: &[f64]) -> Self {
        self.with(name, "<f8", shape, values.iter().map(|x| x.to_le_bytes()))
    }

    /// Adds an array of truth values, such as which points were seen.
    ///
    /// # Panics
    /// If there are not as many as the shape says.
    pub fn flags(self, name: &str, shape: &[usize], values: &[bool]) -> Self {
        self.with(name, "|b1", shape, values.iter().map(|x| [u8::from(*x)]))
    }

    /// Adds a list of texts, such as labels.
    pub fn texts<S: AsRef<str>>(self, name: &str, values: &[S]) -> Self {
        let (width, rows) = npy::texts(values);
        let dtype = format!("<U{width}");
        self.with(name, &dtype, &[values.len()], rows.into_iter())
    }

    fn with<B: AsRef<[u8]>>(
        mut self,
        name: &str,
        dtype: &str,
        shape: &[usize],
        values: impl ExactSizeIterator<Item = B>,
    ) -> Self {
        let count: usize = shape.iter().product();
        assert_eq!(
            values.len(),
            count,
            "the values of `{name}` do not fill its shape"
        );
        let mut bytes = npy::header_bytes(dtype, shape);
        for value in values {
            bytes.extend(value.as_ref());
        }
        self.entries.retain(|(known, _)| known != name);
        self.entries.push((name.into(), bytes));
        self
    }

    /// Of every array its name and bytes, for the record.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.entries.iter().map(|(n, b)| (n.as_str(), b.as_slice()))
    }
}
