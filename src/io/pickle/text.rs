//! Texts as the protocols of several Pythons write them.

use std::borrow::Cow;

/// Python 2's strings: UTF-8 where they are, else Latin-1.
pub(super) fn of_bytes(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()),
    }
}

/// The bytes that a text of Latin-1 stands for.
pub(super) fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars()
        .map(|letter| u8::try_from(u32::from(letter)).ok())
        .collect()
}

/// The bytes of a string as Python 2's `repr` writes it, with its quotes.
pub(super) fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.trim_ascii();
    let (&first, &last) = (line.first()?, line.last()?);
    if line.len() < 2 || first != last || !matches!(first, b'\'' | b'"') {
        return None;
    }
    let mut rest = &line[1..line.len() - 1];
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'\\' => rest = escape(rest, &mut bytes)?,
            byte => bytes.push(byte),
        }
    }
    Some(bytes)
}

/// What follows a backslash.
fn escape<'a>(rest: &'a [u8], bytes: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (&kind, after) = rest.split_first()?;
    let plain = match kind {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'v' => 0x0b,
        b'\\' | b'\'' | b'"' => kind,
        b'x' => {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            return Some(&after[2..]);
        }
        b'0'..=b'7' => {
            let digits = rest
                .iter()
                .take(3)
                .take_while(|b| (b'0'..=b'7').contains(b));
            let count = digits.count();
            let value = rest[..count]
                .iter()
                .fold(0u32, |n, b| 8 * n + u32::from(b - b'0'));
            bytes.push(value as u8);
            return Some(&rest[count..]);
        }
        other => {
            bytes.extend([b'\\', other]);
            return Some(after);
        }
    };
    bytes.push(plain);
    Some(after)
}

/// Text in Latin-1 with `\uXXXX` and `\UXXXXXXXX`.
pub(super) fn raw_unicode(mut rest: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        let digits = match (byte, after.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(byte));
                rest = after;
                continue;
            }
        };
        let code = std::str::from_utf8(after.get(1..1 + digits)?).ok()?;
        let code = u32::from_str_radix(code, 16).ok()?;
        text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = &after[1 + digits..];
    }
    Some(text)
}
