//! What the tests of the readers share: damaged copies of a file, and the folder of real data.

use std::path::PathBuf;

/// A small xorshift generator: damage is the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Hands `read` 500 copies of `bytes` with one to four bytes changed and up to 60 copies cut short.
pub(crate) fn damage(bytes: &[u8], mut read: impl FnMut(&[u8])) {
    let mut dice = Dice::new(7);
    for _ in 0..500 {
        let mut copy = bytes.to_vec();
        for _ in 0..1 + dice.below(4) {
            let place = dice.below(copy.len());
            copy[place] = dice.below(256) as u8;
        }
        read(&copy);
    }
    let step = (bytes.len() / 60).max(1);
    for length in (0..bytes.len()).step_by(step) {
        read(&bytes[..length]);
    }
}

/// The folder of real data, or a note on stderr that the test is skipped.
pub(crate) fn real_data() -> Option<PathBuf> {
    let folder = std::env::var_os("FITRUN_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: FITRUN_DATA is not set");
    }
    folder
}
