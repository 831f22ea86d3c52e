//! Where a comparison lies, and which of its runs are there already.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::CompareOptions;
use super::cases::Plan;
use crate::error::Error;
use crate::io::FileError;
use crate::report::sha256;
use crate::run::Checked;

/// The file that says that a folder is a comparison.
pub(super) const RECORD: &str = "compare.json";
const RUNS: &str = "runs";

/// Says so before there is a record.
const MARK: &str = ".fitrun-compare";
const MARKED: &str =
    "The fits of `fitrun compare`, by what they depend on; this folder may be removed.\n";
const DIGITS: usize = 16;

pub(super) fn folder(plan: &Plan, options: &CompareOptions) -> Result<PathBuf, Error> {
    folder_named(&plan.question.name, options)
}

/// The comparison's folder, which is made; one that holds something else is refused.
pub(super) fn folder_named(name: &str, options: &CompareOptions) -> Result<PathBuf, Error> {
    let usual = || PathBuf::from(format!("runs/{name}-compare"));
    let dir = options.out.clone().unwrap_or_else(usual);
    let ours = |dir: &Path| dir.join(MARK).is_file() || dir.join(RECORD).is_file();
    let empty = |dir: &Path| std::fs::read_dir(dir).is_ok_and(|mut d| d.next().is_none());
    if dir.exists() && !ours(&dir) && !empty(&dir) {
        let message =
            "this holds something other than a comparison; name another folder with `--out`";
        return Err(FileError::new(&dir, message).into());
    }
    let failed = |e: std::io::Error| FileError::writing(&dir, &e);
    if options.fresh {
        for run in std::fs::read_dir(dir.join(RUNS)).into_iter().flatten() {
            let path = run.map_err(failed)?.path();
            if is_key(&path) {
                std::fs::remove_dir_all(path).map_err(failed)?;
            }
        }
    }
    std::fs::create_dir_all(dir.join(RUNS)).map_err(failed)?;
    crate::io::atomic::write(dir.join(MARK), MARKED.as_bytes())?;
    Ok(dir)
}

/// Where a case's run lies: by all that decides its numbers, the program included.
pub(super) fn run_folder(dir: &Path, checked: &Checked) -> PathBuf {
    let key = sha256(format!("{} {}", checked.identity(), build()).as_bytes());
    dir.join(RUNS).join(&key[..DIGITS])
}

/// Whether a folder is named as runs are.
fn is_key(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.len() == DIGITS && name.chars().all(|c| c.is_ascii_hexdigit())
}

/// The digest of the program, so that another build fits again.
fn build() -> &'static str {
    static BUILD: OnceLock<String> = OnceLock::new();
    BUILD.get_or_init(|| {
        let program = std::env::current_exe().and_then(std::fs::read);
        let digest = program.map(|bytes| sha256(&bytes));
        digest.unwrap_or_else(|_| env!("CARGO_PKG_VERSION").into())
    })
}
