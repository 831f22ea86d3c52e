//! What the tests of the readers share: damaged copies of a file, and the folder of real data.

use std::path::{Path, PathBuf};

use super::markers::Markers;
use super::npz::Npz;

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

/// Holds a recording against what others converted it to: metres, y up, NaN where it is missing.
pub(super) fn converted_markers(
    data: &Path,
    name: &str,
    markers: &Markers,
    turn: impl Fn([f64; 3]) -> [f64; 3],
) {
    let npz = Npz::open(data.join(format!("markers/{name}.npz"))).unwrap();
    let expected: ndarray::Array3<f64> = npz.floats_of("markers").unwrap();
    let metres = markers.metres().unwrap();
    assert_eq!(markers.rate, npz.floats("rate").unwrap().first().copied());
    assert_eq!(markers.values.dim().0, expected.dim().0, "{name}");
    for (column, label) in npz.strings("marker_names").unwrap().iter().enumerate() {
        let place = markers.labels.iter().position(|l| l == label).unwrap();
        for frame in 0..expected.dim().0 {
            let point = |a: &ndarray::Array3<f64>, p| [0, 1, 2].map(|axis| a[[frame, p, axis]]);
            let found = turn(point(&markers.values, place)).map(|x| x * metres);
            for (a, b) in found.into_iter().zip(point(&expected, column)) {
                let same = a.is_nan() && b.is_nan() || (a - b).abs() < 1e-5;
                assert!(same, "{name}, {label}, row {frame}: {a} m, expected {b} m");
            }
        }
    }
}
