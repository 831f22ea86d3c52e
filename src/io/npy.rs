//! The header of a numpy array file.
//!
//! The header is a Python dictionary of three keys, read here by a scanner that allocates nothing from what it claims
//! (general parsers of such headers overflow or abort on a damaged one).
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use std::io::Read;

use super::npy_element::Element;

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
const MAX_HEADER: u32 = 1 << 16;
const MAX_DIMS: usize = 64;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    pub shape: Vec<usize>,
    pub fortran: bool,
    pub element: Element,
    /// As the file writes it, such as `<f4`.
    pub dtype: String,
}

impl Header {
    /// Reads the header and leaves the reader at the first byte of data; the error is a fragment for a message.
    pub(super) fn read(source: &mut impl Read) -> Result<Header, String> {
        let text = header_text(source)?;
        parse(&text).ok_or_else(|| "its numpy header is damaged".to_string())
    }

    /// How many elements the shape claims; `None` when that overflows.
    pub(super) fn count(&self) -> Option<usize> {
        let product = |a: usize, &b: &usize| a.checked_mul(b);
        self.shape.iter().try_fold(1, product)
    }
}

/// A version 1.0 file: header and nothing else; the data follow in C order.
/// Texts as numpy's `<U`: how many letters each has room for, and its bytes.
pub(super) fn texts<S: AsRef<str>>(values: &[S]) -> (usize, Vec<Vec<u8>>) {
    let lengths = values.iter().map(|text| text.as_ref().chars().count());
    let width = lengths.max().unwrap_or(0).max(1);
    let padded = |text: &S| {
        let letters = text.as_ref().chars();
        let letters = letters.chain(std::iter::repeat('\0')).take(width);
        letters.flat_map(|c| u32::from(c).to_le_bytes()).collect()
    };
    (width, values.iter().map(padded).collect())
}

pub(super) fn header_bytes(dtype: &str, shape: &[usize]) -> Vec<u8> {
    let dims: String = shape.iter().map(|dim| format!("{dim}, ")).collect();
    let dict = format!(
        "{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({}), }}",
        dims.trim_end()
    );
    let length = (10 + dict.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{dict:<width$}\n", width = length - 1).into_bytes());
    bytes
}

fn header_text(source: &mut impl Read) -> Result<String, String> {
    let too_short = |_| "its numpy header is cut short".to_string();
    let mut start = [0; 8];
    source.read_exact(&mut start).map_err(too_short)?;
    if &start[..6] != MAGIC {
        return Err("it is not a numpy array".to_string());
    }
    let mut length = [0; 4];
    let wide = if start[6] == 1 { 2 } else { 4 };
    source.read_exact(&mut length[..wide]).map_err(too_short)?;
    let length = u32::from_le_bytes(length);
    if length > MAX_HEADER {
        return Err(format!(
            "its numpy header claims {length} bytes; at most {MAX_HEADER} are read"
        ));
    }
    let mut text = vec![0; length as usize];
    source.read_exact(&mut text).map_err(too_short)?;
    String::from_utf8(text).map_err(|_| "its numpy header is damaged".to_string())
}

fn parse(text: &str) -> Option<Header> {
    let mut scanner = Scanner { rest: text };
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    scanner.take("{")?;
    while scanner.take("}").is_none() {
        let key = scanner.string()?;
        scanner.take(":")?;
        match key {
            "descr" => descr = Some(scanner.descr()?),
            "fortran_order" => fortran = Some(scanner.boolean()?),
            "shape" => shape = Some(scanner.shape()?),
            _ => return None,
        }
        if scanner.take(",").is_none() && !scanner.rest.trim_start().starts_with('}') {
            return None;
        }
    }
    let (dtype, element) = descr?;
    Some(Header {
        shape: shape?,
        fortran: fortran?,
        element,
        dtype,
    })
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn take(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(token)?;
        Some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (text, rest) = rest[1..].split_once(quote)?;
        self.rest = rest;
        Some(text)
    }

    fn boolean(&mut self) -> Option<bool> {
        match self.take("True") {
            Some(()) => Some(true),
            None => self.take("False").map(|()| false),
        }
    }

    /// A type string, or a list of fields: those are not read, but one that holds objects is told as pickled.
    fn descr(&mut self) -> Option<(String, Element)> {
        if let Some(text) = self.string() {
            return Some((text.to_string(), Element::from_descr(text)));
        }
        let rest = self.rest.trim_start();
        let end = matching_bracket(rest)?;
        let (list, after) = rest.split_at(end);
        self.rest = after;
        let element = match list.contains("'|O") {
            true => Element::Pickled,
            false => Element::Unknown,
        };
        Some((list.to_string(), element))
    }

    /// `(3, 4)`, `(3,)`, `()`; Python 2 wrote `3L`.
    fn shape(&mut self) -> Option<Vec<usize>> {
        self.take("(")?;
        let (inside, after) = self.rest.split_once(')')?;
        self.rest = after;
        let inside = inside.trim();
        let inside = inside.strip_suffix(',').unwrap_or(inside);
        if inside.is_empty() {
            return Some(Vec::new());
        }
        let dims: Option<Vec<usize>> = inside
            .split(',')
            .map(|dim| dim.trim().trim_end_matches('L').parse().ok())
            .collect();
        dims.filter(|dims| dims.len() <= MAX_DIMS)
    }
}

/// Where the list that opens `text` ends; a counter, so that deep nesting costs no stack.
fn matching_bracket(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (place, letter) in text.char_indices() {
        match letter {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return (letter == ']').then_some(place + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_python_writes_are_understood() {
        let parsed =
            parse("{'descr': '>f8', 'fortran_order': True, 'shape': (3L, 4), }  \n").unwrap();
        assert_eq!(
            (parsed.shape, parsed.fortran, parsed.dtype.as_str()),
            (vec![3, 4], true, ">f8")
        );
        let record = parse(
            "{'descr': [('a', '<f4'), ('b', '|O', (2,))], 'fortran_order': False, 'shape': (7,)}",
        )
        .unwrap();
        assert_eq!((record.element, record.shape), (Element::Pickled, vec![7]));
    }

    #[test]
    fn damaged_headers_are_refused() {
        let deep = format!("{{'descr': {}", "[".repeat(60_000));
        for text in [
            "",
            "{",
            "{'descr'",
            "{'descr': '<f4', 'shape': (-1,), 'fortran_order': False}",
            deep.as_str(),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,), }",
            "{'descr': 'é', 'shape': é",
        ] {
            assert_eq!(parse(text), None, "{text:.40}");
        }
    }

    #[test]
    fn a_written_header_is_read_back() {
        for shape in [&[][..], &[5], &[2, 0, 7]] {
            let bytes = header_bytes("<f4", shape);
            assert_eq!(bytes.len() % 64, 0);
            assert_eq!(Header::read(&mut &bytes[..]).unwrap().shape, shape);
        }
    }
}
