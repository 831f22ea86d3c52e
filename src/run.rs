//! The table of contents: parse → read → check → fit → report.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::diagnostic::{Diagnostics, Sources};
use crate::error::Error;
use crate::fit::{Fit, FitProgress, fit};
use crate::io::FileError;
use crate::io::atomic::AtomicDir;
use crate::ir::Problem;
use crate::read::Inputs;
use crate::report::metrics::{PointErrors, point_errors};
use crate::report::{Circumstances, Record, Seconds, write};
use crate::spec::Spec;

/// What the command line says besides the spec.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// `path.to.key=value`, laid over the spec.
    pub sets: Vec<String>,
    /// The run's folder, instead of the spec's.
    pub out: Option<PathBuf>,
    /// Replace an existing run instead of taking the next number.
    pub force: bool,
}

/// A spec that was read and checked.
#[derive(Clone, Debug)]
pub struct Checked {
    pub spec: Spec,
    pub inputs: Inputs,
    pub problem: Problem,
    /// Warnings only.
    pub diagnostics: Diagnostics,
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub checked: Checked,
    pub fit: Fit,
    pub errors: Vec<PointErrors>,
    pub record: Record,
    /// The folder that holds the results.
    pub dir: PathBuf,
}

/// Reads and checks a spec; all mistakes come back at once.
pub fn check(path: &Path, options: &RunOptions) -> Result<Checked, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::Spec {
        path: path.into(),
        reason: FileError::reading(path, &e).message,
    })?;
    let mut diagnostics = Diagnostics::default();
    let spec = crate::spec::parse(path, &text, &options.sets, &mut diagnostics);
    let reject = |spec: Spec, diagnostics: Diagnostics| Error::Rejected {
        diagnostics: diagnostics.into(),
        sources: spec.sources.into(),
    };
    // What a text that is not TOML means can only be guessed.
    if diagnostics.list.iter().any(|d| d.code == "F0101") {
        return Err(reject(spec, diagnostics));
    }
    let inputs = crate::read::read(&spec, &mut diagnostics);
    match crate::check::check(&spec, &inputs, &mut diagnostics) {
        Some(problem) => Ok(Checked {
            spec,
            inputs,
            problem,
            diagnostics,
        }),
        None => Err(reject(spec, diagnostics)),
    }
}

/// Runs a spec from its file to its results; `report` hears of every round and can stop it.
pub fn run(
    path: &Path,
    options: &RunOptions,
    report: &mut dyn FnMut(FitProgress<'_>) -> bool,
) -> Result<Outcome, Error> {
    let begun = Instant::now();
    let checked = check(path, options)?;
    let folder = open_folder(&checked.problem, options)?;
    let loaded = begun.elapsed().as_secs_f64();
    let found = fit(&checked.problem, report);
    let solved = begun.elapsed().as_secs_f64();
    let errors = point_errors(&checked.problem, &found);
    let model = checked.inputs.body.as_ref();
    let remarks = write(folder.path(), &checked.problem, &found, model, &errors)?;
    let seconds = Seconds {
        load: loaded,
        solve: solved - loaded,
        write: begun.elapsed().as_secs_f64() - solved,
    };
    let record = record(&checked, &found, &errors, remarks, seconds);
    let dir = close_folder(folder, &record, options)?;
    Ok(Outcome {
        checked,
        fit: found,
        errors,
        record,
        dir,
    })
}

fn record(
    checked: &Checked,
    fit: &Fit,
    errors: &[PointErrors],
    remarks: Vec<String>,
    seconds: Seconds,
) -> Record {
    let said = checked.diagnostics.warnings().map(|d| d.message.clone());
    let circumstances = Circumstances {
        spec: checked.spec.to_json(),
        files: &checked.inputs.files,
        warnings: said.chain(remarks).collect(),
        seconds,
    };
    Record::new(&checked.problem, fit, errors, circumstances)
}

/// The folder is made before the solve, so that a place that cannot be written costs no time.
fn open_folder(problem: &Problem, options: &RunOptions) -> Result<AtomicDir, Error> {
    let wanted = options
        .out
        .clone()
        .unwrap_or(problem.output.dir.clone().into());
    let target = if options.force {
        wanted
    } else {
        free_name(wanted)
    };
    Ok(AtomicDir::create(target)?)
}

fn close_folder(
    folder: AtomicDir,
    record: &Record,
    options: &RunOptions,
) -> Result<PathBuf, Error> {
    let path = folder.path().join("run.json");
    crate::io::atomic::write(path, record.to_text().as_bytes())?;
    let target = folder.target().to_path_buf();
    match options.force {
        true => folder.replace()?,
        false => folder.commit()?,
    }
    Ok(target)
}

/// `walk`, else `walk-2`, `walk-3`, …
fn free_name(wanted: PathBuf) -> PathBuf {
    let name = wanted.file_name().unwrap_or_default().to_os_string();
    let numbered = (2..).map(|n| {
        let mut name = name.clone();
        name.push(format!("-{n}"));
        wanted.with_file_name(name)
    });
    let mut names = std::iter::once(wanted.clone()).chain(numbered);
    names
        .find(|path| path.symlink_metadata().is_err())
        .unwrap_or(wanted)
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        Self::Output {
            message: error.to_string(),
        }
    }
}

impl Checked {
    /// The texts that diagnostics point into.
    pub fn sources(&self) -> &Sources {
        &self.spec.sources
    }
}
