//! Specs are checked and run; Ctrl-C ends a run between two iterations.

use std::path::{Path, PathBuf};

use fitrun::{Error, RunOptions};
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyKeyboardInterrupt};
use pyo3::prelude::*;

create_exception!(
    _fitrun,
    FitError,
    PyException,
    "A spec that cannot be run; its second argument holds the mistakes as JSON."
);

fn options(sets: Vec<String>) -> RunOptions {
    RunOptions {
        sets,
        ..RunOptions::default()
    }
}

/// Runs a spec and returns its folder and `run.json`.
#[pyfunction]
pub(super) fn run(
    py: Python<'_>,
    spec: PathBuf,
    sets: Vec<String>,
    out: Option<PathBuf>,
    force: bool,
    resume: bool,
) -> PyResult<(PathBuf, String)> {
    let options = RunOptions {
        out,
        force,
        resume,
        ..options(sets)
    };
    let mut stopped = None;
    let outcome = py.detach(|| {
        fitrun::run(&spec, &options, &mut |_| {
            stopped = Python::attach(|py| py.check_signals()).err();
            stopped.is_none()
        })
    });
    if let Some(stopped) = stopped {
        return Err(stopped);
    }
    match outcome {
        Ok(outcome) => Ok((outcome.dir, outcome.record.to_text())),
        Err(Error::Interrupted { .. }) => Err(PyKeyboardInterrupt::new_err(())),
        Err(error) => Err(failed(&error)),
    }
}

/// The warnings and mistakes of a spec as JSON, and whether it can be run.
#[pyfunction]
pub(super) fn check(
    py: Python<'_>,
    path: PathBuf,
    text: Option<String>,
    sets: Vec<String>,
) -> PyResult<(bool, String)> {
    let found = py.detach(|| checked(&path, text.as_deref(), &options(sets)));
    match found {
        Ok(checked) => {
            let said = checked.diagnostics.to_json(checked.sources());
            Ok((true, said.to_string()))
        }
        Err(Error::Rejected {
            diagnostics,
            sources,
        }) => Ok((false, diagnostics.to_json(&sources).to_string())),
        Err(error) => Err(failed(&error)),
    }
}

fn checked(
    path: &Path,
    text: Option<&str>,
    options: &RunOptions,
) -> Result<fitrun::Checked, Error> {
    match text {
        Some(text) => fitrun::check_text(path, text, options),
        None => fitrun::check(path, options),
    }
}

fn failed(error: &Error) -> PyErr {
    match error {
        Error::Rejected {
            diagnostics,
            sources,
        } => {
            let said = diagnostics.to_json(sources).to_string();
            FitError::new_err((diagnostics.render(sources), said))
        }
        other => FitError::new_err((other.to_string(), "[]")),
    }
}
