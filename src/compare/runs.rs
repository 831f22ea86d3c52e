//! Fits the cases that were not fitted yet, one after the other: each uses all threads.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::cases::{Case, Plan};
use super::{CompareOptions, CompareProgress, CompareRun, cache, folder};
use crate::error::Error;
use crate::fit::{FitProgress, Status};
use crate::read::ReadOnce;
use crate::report::forget_peak_memory;
use crate::run::{Checked, RunOptions, check, run_checked};

/// What the page is made of, whatever the spec writes otherwise.
const WRITTEN: &str = "output.write = [\"params.npz\", \"convergence.csv\", \"points.csv\"]";
const NO_PLOTS: &str = "output.plots = []";

/// All mistakes of all cases, before anything is fitted.
pub(super) fn checked(
    spec: &Path,
    plan: &Plan,
    options: &CompareOptions,
) -> Result<Vec<(Checked, RunOptions)>, Error> {
    let once = ReadOnce::remembering();
    let check = |case: &Case| {
        let options = RunOptions {
            once: once.clone(),
            ..of_case(case, options)
        };
        Ok((check(spec, &options)?, options))
    };
    plan.cases.iter().map(check).collect()
}

pub(super) fn run(
    plan: &Plan,
    checked: Vec<(Checked, RunOptions)>,
    dir: &Path,
    report: &mut dyn FnMut(CompareProgress<'_>) -> bool,
) -> Result<Vec<CompareRun>, Error> {
    let mut runs = Vec::new();
    for (k, (case, (checked, options))) in plan.cases.iter().zip(checked).enumerate() {
        let target = cache::run_folder(dir, &checked);
        let kept = folder::is_whole(&target);
        if !kept && !report(CompareProgress::Case(k, plan.cases.len(), &case.name())) {
            return Err(stopped(dir));
        }
        let found = match kept {
            true => Ok(target),
            false => fitted(checked, target, &options, report),
        };
        match found {
            Err(Error::Interrupted { .. }) => return Err(stopped(dir)),
            found => runs.push(loaded(case, found.map_err(|e| e.to_string()), kept)),
        }
    }
    Ok(runs)
}

fn of_case(case: &Case, options: &CompareOptions) -> RunOptions {
    let output = [WRITTEN, NO_PLOTS].map(String::from);
    RunOptions {
        varied: case.settings.iter().cloned().chain(output).collect(),
        ..options.run.clone()
    }
}

/// An interrupted run leaves its checkpoint, from which the next call goes on.
fn fitted(
    checked: Checked,
    target: PathBuf,
    options: &RunOptions,
    report: &mut dyn FnMut(CompareProgress<'_>) -> bool,
) -> Result<PathBuf, Error> {
    let resume = folder::is_interrupted(&target);
    let options = RunOptions {
        out: Some(target),
        force: !resume,
        resume,
        ..options.clone()
    };
    let mut on_fit = |event: FitProgress<'_>| report(CompareProgress::Fit(event));
    forget_peak_memory();
    let outcome = run_checked(checked, &options, Instant::now(), &mut on_fit)?;
    match outcome.fit.status.contains(&Status::Interrupted) {
        true => Err(Error::Interrupted { dir: outcome.dir }),
        false => Ok(outcome.dir),
    }
}

fn stopped(dir: &Path) -> Error {
    Error::Interrupted { dir: dir.into() }
}

fn loaded(case: &Case, dir: Result<PathBuf, String>, kept: bool) -> CompareRun {
    let read = dir.and_then(|dir| match folder::read(&dir) {
        Ok(found) => Ok((dir, found)),
        Err(error) => Err(error.to_string()),
    });
    let (dir, (record, measures)) = match read {
        Ok((dir, found)) => (Ok(dir), found),
        Err(reason) => (Err(reason), Default::default()),
    };
    CompareRun {
        method: case.method.clone(),
        data: case.data.clone(),
        seed: case.seed,
        tuned: case.tuned.clone(),
        dir,
        kept,
        record,
        measures,
    }
}
