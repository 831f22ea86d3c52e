//! Numbers as the three kinds of processors wrote them.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Processor {
    Intel,
    /// Words as Intel's, floats in the VAX's F format.
    Dec,
    /// Big endian.
    Mips,
}

impl Processor {
    pub(super) fn from_code(code: u8) -> Option<Processor> {
        match code {
            84 => Some(Processor::Intel),
            85 => Some(Processor::Dec),
            86 => Some(Processor::Mips),
            _ => None,
        }
    }

    /// The first two bytes.
    pub(super) fn word(self, bytes: &[u8]) -> Option<u16> {
        let pair = [*bytes.first()?, *bytes.get(1)?];
        Some(match self {
            Processor::Intel | Processor::Dec => u16::from_le_bytes(pair),
            Processor::Mips => u16::from_be_bytes(pair),
        })
    }

    /// The first four bytes.
    pub(super) fn float(self, bytes: &[u8]) -> Option<f32> {
        let four = [
            *bytes.first()?,
            *bytes.get(1)?,
            *bytes.get(2)?,
            *bytes.get(3)?,
        ];
        Some(match self {
            Processor::Intel => f32::from_le_bytes(four),
            Processor::Mips => f32::from_be_bytes(four),
            // The halves are swapped, the exponent's bias is 129 and not 127.
            Processor::Dec => f32::from_le_bytes([four[2], four[3], four[0], four[1]]) / 4.0,
        })
    }
}
