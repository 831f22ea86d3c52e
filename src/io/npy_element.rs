//! The elements of a numpy array: what a dtype means, and the number or text in its bytes.

/// Longest text element: a dtype cannot claim more, so `4 * chars` cannot overflow.
const MAX_TEXT: usize = 1 << 24;

/// How the bytes of one element are to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Float { size: usize, big: bool },
    Signed { size: usize, big: bool },
    Unsigned { size: usize, big: bool },
    Bool,
    Bytes { size: usize },
    Unicode { chars: usize, big: bool },
    Pickled,
    Unknown,
}

impl Element {
    pub(super) fn from_descr(descr: &str) -> Element {
        let Some(order) = descr.get(..1) else {
            return Element::Unknown;
        };
        let big = order == ">";
        let body = descr.strip_prefix(['<', '>', '|', '=']).unwrap_or(descr);
        let (kind, digits) = body.split_at_checked(1).unwrap_or(("", ""));
        if kind == "O" {
            return Element::Pickled;
        }
        let size: usize = digits.parse().unwrap_or(0);
        match (kind, size) {
            ("f", 2 | 4 | 8) => Element::Float { size, big },
            ("i", 1 | 2 | 4 | 8) => Element::Signed { size, big },
            ("u", 1 | 2 | 4 | 8) => Element::Unsigned { size, big },
            ("b", 1) => Element::Bool,
            ("S", 1..=MAX_TEXT) => Element::Bytes { size },
            ("U", 1..=MAX_TEXT) => Element::Unicode { chars: size, big },
            _ => Element::Unknown,
        }
    }

    /// Bytes per element; zero where fitrun cannot read it.
    pub(super) fn size(self) -> usize {
        match self {
            Element::Float { size, .. }
            | Element::Signed { size, .. }
            | Element::Unsigned { size, .. }
            | Element::Bytes { size } => size,
            Element::Bool => 1,
            Element::Unicode { chars, .. } => 4 * chars,
            Element::Pickled | Element::Unknown => 0,
        }
    }

    /// The element as a real number; NaN where it is no number.
    pub(super) fn real(self, bytes: &[u8]) -> f64 {
        match self {
            Element::Float { size, big } => match (size, word(bytes, big)) {
                (2, word) => half(word as u16),
                (4, word) => f64::from(f32::from_bits(word as u32)),
                (_, word) => f64::from_bits(word),
            },
            Element::Unsigned { big, .. } => word(bytes, big) as f64,
            Element::Signed { .. } | Element::Bool => {
                self.whole(bytes).map_or(f64::NAN, |n| n as f64)
            }
            _ => f64::NAN,
        }
    }

    /// The element as a whole number; `None` for other kinds and past the range of 64 bits.
    pub(super) fn whole(self, bytes: &[u8]) -> Option<i64> {
        match self {
            Element::Signed { size, big } => {
                let unused = 64 - 8 * size as u32;
                Some(((word(bytes, big) << unused) as i64) >> unused)
            }
            Element::Unsigned { big, .. } => i64::try_from(word(bytes, big)).ok(),
            Element::Bool => bytes.first().map(|&byte| i64::from(byte != 0)),
            _ => None,
        }
    }

    /// The element as text without its padding; bytes that are no text become U+FFFD.
    pub(super) fn text(self, bytes: &[u8]) -> String {
        let text = match self {
            Element::Unicode { big, .. } => bytes
                .chunks_exact(4)
                .map(|four| {
                    char::from_u32(word(four, big) as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
                })
                .collect(),
            _ => String::from_utf8_lossy(bytes).into_owned(),
        };
        text.trim_end_matches('\0').to_string()
    }
}

fn word(bytes: &[u8], big: bool) -> u64 {
    let push = |word: u64, &byte: &u8| (word << 8) | u64::from(byte);
    match big {
        true => bytes.iter().fold(0, push),
        false => bytes.iter().rev().fold(0, push),
    }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    sign * match exponent {
        0 => fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_floats_match_their_bit_patterns() {
        let cases = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 2f64.powi(-24)),
            (0x3555, 0.333_251_953_125),
        ];
        for (bits, value) in cases {
            assert_eq!(half(bits), value);
        }
        assert_eq!(half(0xfc00), f64::NEG_INFINITY);
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn signed_words_keep_their_sign_in_both_byte_orders() {
        let little = Element::from_descr("<i2");
        let big = Element::from_descr(">i2");
        assert_eq!(little.whole(&[0xfe, 0xff]), Some(-2));
        assert_eq!(big.whole(&[0xff, 0xfe]), Some(-2));
        assert_eq!(Element::from_descr("<u8").whole(&[0xff; 8]), None);
        assert_eq!(
            Element::from_descr("<u8").real(&[0xff; 8]),
            18_446_744_073_709_551_615.0
        );
    }
}
