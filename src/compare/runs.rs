//! Fits the cases that were not fitted yet, one after the other: each uses all threads.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::cases::{Case, Plan};
use super::{CompareOptions, CompareProgress, CompareRun, cache, folder, verdict};
use crate::diagnostic::nearest;
use crate::error::Error;
use crate::fit::{FitProgress, Status};
use crate::io::FileError;
use crate::read::ReadOnce;
use crate::report::forget_peak_memory;
use crate::report::measures::{HELD_OUT, is_possible};
use crate::run::{Checked, RunOptions, check, run_checked};

/// What the page is made of, whatever the spec writes otherwise.
const WRITTEN: &str = "output.write = [\"params.npz\", \"convergence.csv\", \"points.csv\"]";
const WITHOUT_BODY: &str = "output.write = [\"params.npz\", \"convergence.csv\"]";
const NO_PLOTS: &str = "output.plots = []";

/// All mistakes of all cases, before anything is fitted.
pub(super) fn check_all(
    spec: &Path,
    plan: &Plan,
    once: &ReadOnce,
    options: &CompareOptions,
) -> Result<(), Error> {
    let mut mistakes: Vec<(String, Error)> = Vec::new();
    for case in &plan.cases {
        if let Err(error) = check(spec, &of_case(case, once, options)) {
            let text = error.to_string();
            if mistakes.iter().all(|(known, _)| *known != text) {
                mistakes.push((text, error));
            }
        }
    }
    if let Some(text) = plan.question.measure.as_deref().and_then(no_measure) {
        let of_it = vec![text.clone()];
        mistakes.push((text, Error::Compare { mistakes: of_it }));
    }
    match mistakes.len() {
        0 => Ok(()),
        1 => Err(mistakes.remove(0).1),
        _ => Err(Error::Compare {
            mistakes: mistakes.into_iter().map(|(text, _)| text).collect(),
        }),
    }
}

/// What is wrong with a measure that no run can have.
fn no_measure(wanted: &str) -> Option<String> {
    let known = is_possible(wanted).err()?;
    let held_out: Vec<String> = known.iter().map(|k| format!("{HELD_OUT}{k}")).collect();
    let names = known.iter().copied();
    let near = nearest(wanted, names.chain(held_out.iter().map(String::as_str)));
    Some(match near {
        Some(near) => format!("no run measures `{wanted}`; did you mean `{near}`?"),
        None => format!(
            "no run measures `{wanted}`; there are {}, and `{HELD_OUT}` before those of data",
            known.join(", ")
        ),
    })
}

pub(super) fn run(
    (spec, plan): (&Path, &Plan),
    once: &ReadOnce,
    dir: &Path,
    options: &CompareOptions,
    report: &mut dyn FnMut(CompareProgress<'_>) -> bool,
) -> Result<Vec<CompareRun>, Error> {
    let mut runs = Vec::new();
    for (k, case) in plan.cases.iter().enumerate() {
        let begun = Instant::now();
        let options = of_case(case, once, options);
        let checked = check(spec, &options)?;
        let target = cache::run_folder(dir, &checked);
        let kept = folder::is_whole(&target);
        if !kept && !report(CompareProgress::Case(k, plan.cases.len(), &case.name())) {
            return Err(stopped(dir));
        }
        let found = match kept {
            true => Ok(target),
            false => fitted(checked, target, (&options, begun), report),
        };
        match found {
            Err(Error::Interrupted { .. }) => return Err(stopped(dir)),
            found => runs.push(loaded(case, found.map_err(|e| e.to_string()), kept)),
        }
        measure_exists(plan, &runs)?;
    }
    Ok(runs)
}

/// A slip in the name of the verdict's measure is said after the first fit, not after the last.
fn measure_exists(plan: &Plan, runs: &[CompareRun]) -> Result<(), Error> {
    match &plan.question.measure {
        Some(measure) if runs.iter().any(|r| r.dir.is_ok()) => {
            let names = runs
                .iter()
                .flat_map(|r| &r.measures)
                .map(|m| m.name.as_str());
            verdict::known(measure, names)
        }
        _ => Ok(()),
    }
}

fn of_case(case: &Case, once: &ReadOnce, options: &CompareOptions) -> RunOptions {
    let written = if case.has_body { WRITTEN } else { WITHOUT_BODY };
    let output = [written, NO_PLOTS].map(String::from);
    RunOptions {
        varied: case.settings.iter().cloned().chain(output).collect(),
        once: once.clone(),
        ..options.run.clone()
    }
}

fn fitted(
    checked: Checked,
    target: PathBuf,
    (options, begun): (&RunOptions, Instant),
    report: &mut dyn FnMut(CompareProgress<'_>) -> bool,
) -> Result<PathBuf, Error> {
    if target.exists() {
        // Interrupted or damaged: a fit that goes on counts only what it did since.
        std::fs::remove_dir_all(&target).map_err(|e| FileError::writing(&target, &e))?;
    }
    let options = RunOptions {
        out: Some(target),
        force: false,
        resume: false,
        ..options.clone()
    };
    let mut on_fit = |event: FitProgress<'_>| report(CompareProgress::Fit(event));
    forget_peak_memory();
    let outcome = run_checked(checked, &options, begun, &mut on_fit)?;
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
