//! What the readers of XML calibrations share: elements with numbers as attributes.

use std::path::Path;

use roxmltree::{Document, Node};

use super::camera_record::{Calibration, Field};
use super::error::{FileError, read_text};

/// Hands the outermost element of a file to `cameras`.
pub(super) fn read(
    path: &Path,
    cameras: impl Fn(Node) -> Result<Calibration, String>,
    expected: &str,
) -> Result<Calibration, FileError> {
    parse(path, &read_text(path)?, cameras, expected)
}

pub(super) fn parse(
    path: &Path,
    text: &str,
    cameras: impl Fn(Node) -> Result<Calibration, String>,
    expected: &str,
) -> Result<Calibration, FileError> {
    let document = Document::parse(text).map_err(|error| {
        let message = format!("it is not valid XML: {error}");
        FileError::new(path, message)
    })?;
    let found = cameras(document.root_element());
    let found = found.map_err(|message| FileError::new(path, message))?;
    found.checked(path, expected)
}

/// An element of a camera.
pub(super) struct Element<'a, 'd> {
    pub node: Node<'a, 'd>,
    /// The camera's name.
    pub camera: &'a str,
}

impl<'a, 'd> Element<'a, 'd> {
    pub fn inner(&self, name: &str) -> Option<Element<'a, 'd>> {
        let node = self.node.descendants().find(|n| n.has_tag_name(name))?;
        let camera = self.camera;
        Some(Element { node, camera })
    }

    pub fn required(&self, name: &str) -> Result<Element<'a, 'd>, String> {
        let missing = || format!("camera `{}`: the element `{name}` is missing", self.camera);
        self.inner(name).ok_or_else(missing)
    }

    /// All numbers of an attribute, which spaces separate.
    pub fn field(&self, key: &str) -> Result<Option<Field>, String> {
        let Some(text) = self.node.attribute(key) else {
            return Ok(None);
        };
        let number = |word: &str| word.parse().ok().filter(|x: &f64| x.is_finite());
        let numbers: Option<Vec<f64>> = text.split_whitespace().map(number).collect();
        let numbers = numbers.ok_or_else(|| {
            let camera = self.camera;
            format!("camera `{camera}`, `{key}`: expected numbers, found `{text}`")
        })?;
        let key = key.into();
        Ok(Some(Field { key, numbers }))
    }

    /// The numbers of an attribute, which are as many as expected.
    pub fn numbers<const N: usize>(&self, key: &str) -> Result<[f64; N], String> {
        let camera = self.camera;
        let field = self.field(key)?;
        let field = field.ok_or_else(|| format!("camera `{camera}`: `{key}` is missing"))?;
        let found = field.numbers.len();
        let wrong = |_| format!("camera `{camera}`, `{key}`: expected {N} numbers, found {found}");
        field.numbers.try_into().map_err(wrong)
    }

    /// A number that is 0 where it is not written.
    pub fn optional(&self, key: &str) -> Result<f64, String> {
        match self.node.attribute(key) {
            None => Ok(0.0),
            Some(_) => self.numbers::<1>(key).map(|[number]| number),
        }
    }
}
