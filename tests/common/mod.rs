//! What the tests share: specs in a folder of their own, checked and fitted through the library.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

use fitrun::{Checked, Fit, RunOptions};

/// The shipped example data.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("specs/fit")
        .join(name)
}

/// The folder of real data, where the environment names one.
pub fn real_data() -> Option<PathBuf> {
    let folder = std::env::var_os("FITRUN_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: FITRUN_DATA is not set");
    }
    folder
}

/// Checks a spec given as text; panics with the whole message where it is rejected.
pub fn check(text: &str, sets: &[&str]) -> Checked {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("spec.toml");
    std::fs::write(&path, text).expect("the spec is written");
    check_file(&path, sets)
}

pub fn check_file(path: &Path, sets: &[&str]) -> Checked {
    let options = RunOptions {
        sets: sets.iter().map(|s| s.to_string()).collect(),
        ..RunOptions::default()
    };
    fitrun::check(path, &options).unwrap_or_else(|error| panic!("{error}"))
}

pub fn fit(checked: &Checked) -> Fit {
    fitrun::fit(&checked.problem, &mut |_| true)
}
