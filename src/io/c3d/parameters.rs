//! The parameter section: named values in named groups.

use super::numbers::Processor;

/// The size of a block, in which the file counts.
pub(super) const BLOCK: usize = 512;
/// The second byte of every C3D file.
const KEY: u8 = 0x50;

/// The section as it lies in the file's bytes; nothing is copied before it is asked for.
#[derive(Debug)]
pub(super) struct Parameters<'a> {
    pub processor: Processor,
    /// Whether the records end as they should.
    pub whole: bool,
    groups: Vec<(u8, &'a [u8])>,
    list: Vec<Parameter<'a>>,
}

#[derive(Debug)]
struct Parameter<'a> {
    group: u8,
    name: &'a [u8],
    /// −1 text, 1 byte, 2 word, 4 float.
    kind: i8,
    dims: &'a [u8],
    data: &'a [u8],
}

impl<'a> Parameters<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let &[block, key, ..] = bytes else {
            return Err(match bytes.is_empty() {
                true => "the file is empty".into(),
                false => "the file is cut short in its header".into(),
            });
        };
        if key != KEY || block == 0 {
            return Err("expected a C3D file, found other content".into());
        }
        let start = (usize::from(block) - 1) * BLOCK;
        let Some(&[_, _, _, code]) = bytes.get(start..start + 4) else {
            return Err("the file is cut short before its parameters".into());
        };
        let processor = Processor::from_code(code).ok_or_else(|| {
            format!("processor type {code}; known are 84 (Intel), 85 (DEC) and 86 (MIPS)")
        })?;
        let mut parameters = Parameters {
            processor,
            whole: false,
            groups: Vec::new(),
            list: Vec::new(),
        };
        let section = &bytes[..section_end(bytes, start, processor)];
        parameters.whole = parameters.walk(section, start + 4).is_some();
        Ok(parameters)
    }

    /// From record to record; each says how far away the next one is. `None` where one leaves the section.
    fn walk(&mut self, bytes: &'a [u8], mut at: usize) -> Option<()> {
        loop {
            let length = usize::from((*bytes.get(at)? as i8).unsigned_abs());
            if length == 0 {
                return Some(());
            }
            let group = *bytes.get(at + 1)? as i8;
            let name = bytes.get(at + 2..at + 2 + length)?;
            let link = at + 2 + length;
            let step = usize::from(self.processor.word(bytes.get(link..)?)?);
            let id = group.unsigned_abs();
            match group < 0 {
                true => self.groups.push((id, name)),
                false => self.list.push(parameter(bytes.get(link + 2..)?, id, name)?),
            }
            match step {
                0 => return Some(()),
                // Less than the link itself would read the same bytes again.
                1 => return None,
                _ => at = link + step,
            }
        }
    }

    /// The first number.
    pub(super) fn number(&self, group: &str, name: &str) -> Option<f64> {
        let found = self.find(group, name)?;
        match found.kind {
            1 => found.data.first().map(|&byte| f64::from(byte)),
            2 => self.processor.word(found.data).map(f64::from),
            4 => self.processor.float(found.data).map(f64::from),
            _ => None,
        }
    }

    /// A frame number, which takes two words.
    pub(super) fn field(&self, group: &str, name: &str) -> Option<u64> {
        let found = self.find(group, name).filter(|p| p.kind == 2)?;
        let low = self.processor.word(found.data)?;
        let high = found.data.get(2..).and_then(|d| self.processor.word(d));
        Some(u64::from(low) + (u64::from(high.unwrap_or(0)) << 16))
    }

    pub(super) fn text(&self, group: &str, name: &str) -> Option<String> {
        self.find(group, name)?.texts().next()
    }

    /// A list of texts, with what went on in `<name>2`, `<name>3` … because 255 are the most for one.
    pub(super) fn texts(&self, group: &str, name: &str) -> Vec<String> {
        let numbered = (2..).map(|n| format!("{name}{n}"));
        std::iter::once(name.to_string())
            .chain(numbered)
            .map_while(|name| self.find(group, &name))
            .flat_map(Parameter::texts)
            .collect()
    }

    fn find(&self, group: &str, name: &str) -> Option<&Parameter<'a>> {
        let same = |found: &[u8], name: &str| found.eq_ignore_ascii_case(name.as_bytes());
        let (id, _) = self.groups.iter().find(|g| same(g.1, group))?;
        let of_group = |p: &&Parameter<'a>| p.group == *id && same(p.name, name);
        self.list.iter().find(of_group)
    }
}

/// Where the section ends: by its own count of blocks, or where the data begin if that is later.
fn section_end(bytes: &[u8], start: usize, processor: Processor) -> usize {
    let own = start + usize::from(bytes[start + 2]) * BLOCK;
    let data = bytes.get(16..).and_then(|word| processor.word(word));
    let data = usize::from(data.unwrap_or(0)).saturating_sub(1) * BLOCK;
    match own.max(data) {
        end if end > start => end.min(bytes.len()),
        _ => bytes.len(),
    }
}

impl Parameter<'_> {
    /// The first dim is the length of a text, the others count them.
    fn texts(&self) -> impl Iterator<Item = String> {
        let length = self.dims.first().map_or(1, |&length| usize::from(length));
        let data = if self.kind == -1 { self.data } else { &[] };
        data.chunks_exact(length.max(1)).map(text)
    }
}

/// What follows a parameter's link: kind, dims, data.
fn parameter<'a>(bytes: &'a [u8], group: u8, name: &'a [u8]) -> Option<Parameter<'a>> {
    let (&[kind, rank], rest) = bytes.split_first_chunk()?;
    let (dims, rest) = rest.split_at_checked(usize::from(rank))?;
    let kind = kind as i8;
    let size = usize::from(kind.unsigned_abs());
    let length = dims
        .iter()
        .try_fold(size, |n, &dim| n.checked_mul(usize::from(dim)))?;
    Some(Parameter {
        group,
        name,
        kind,
        dims,
        data: rest.get(..length)?,
    })
}

/// UTF-8, else Latin-1; padding is left out.
fn text(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_string(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    };
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0')
        .to_string()
}
