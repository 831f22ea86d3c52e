//! The folder of a training: an earlier one is kept, replaced or gone on with.

use std::path::{Path, PathBuf};

use super::checkpoint;
use super::run::TrainOptions;
use crate::error::Error;
use crate::io::FileError;
use crate::io::atomic::taken_names;

pub(super) const RECORD: &str = "train.json";
const PLOTS: [&str; 2] = ["losses.csv", "losses.svg"];

/// Where the training goes, before anything is written.
pub(super) fn target(wanted: &Path, options: &TrainOptions) -> Result<PathBuf, Error> {
    let wanted = options.out.as_deref().unwrap_or(wanted);
    let is_run = |dir: &Path| dir.join(RECORD).is_file() || dir.join(checkpoint::FILE).is_file();
    if options.force && wanted.symlink_metadata().is_ok() && !is_run(wanted) && !is_empty(wanted) {
        let message = format!(
            "`--force` replaces earlier trainings, and this is none: it holds no `{RECORD}`"
        );
        return Err(FileError::new(wanted, message).into());
    }
    let taken = taken_names(wanted);
    if options.resume {
        let interrupted = |dir: &PathBuf| dir.join(checkpoint::FILE).is_file();
        return taken.into_iter().rfind(interrupted).ok_or_else(|| {
            let message = format!(
                "`{}` holds no `{}` of an interrupted training; train without `--resume`, or name \
                 the training's folder with `--out`",
                wanted.display(),
                checkpoint::FILE
            );
            Error::Resume { message }
        });
    }
    if options.force || taken.is_empty() {
        return Ok(wanted.to_path_buf());
    }
    let name = wanted.file_name().unwrap_or_default().to_string_lossy();
    Ok(wanted.with_file_name(format!("{name}-{}", taken.len() + 1)))
}

/// Makes the folder; with `--force` what an earlier training left there goes.
pub(super) fn open(dir: &Path, weights: &str, options: &TrainOptions) -> Result<(), FileError> {
    if options.force {
        let named = [RECORD, checkpoint::FILE, weights];
        for file in named.iter().chain(&PLOTS) {
            let path = dir.join(file);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(FileError::writing(&path, &error));
                }
                _ => {}
            }
        }
    }
    std::fs::create_dir_all(dir).map_err(|error| FileError::writing(dir, &error))
}

fn is_empty(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}
