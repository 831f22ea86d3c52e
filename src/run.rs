//! The table of contents: parse → read → check → fit → report.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use crate::diagnostic::{self, Diagnostics, Sources};
use crate::error::Error;
use crate::fit::{Checkpoint, Deviations, Fit, FitProgress, fit_saving, open};
use crate::io::FileError;
use crate::io::atomic::AtomicDir;
use crate::ir::{PlotKind, Problem};
use crate::manifold::Manifold;
use crate::own::Registry;
use crate::read::{Inputs, ReadOnce};
use crate::report::judge::judge;
use crate::report::measures::{Judged, Measured};
use crate::report::metrics::PointErrors;
use crate::report::one_camera;
use crate::report::{Circumstances, Record, Seconds, digests, identity, spec_sha256, write};
use crate::spec::{Overrides, Spec};

/// What the command line says besides the spec.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// `path.to.key=value`, laid over the spec.
    pub sets: Vec<String>,
    /// The same, beneath `sets`, with paths relative to the spec: what a comparison varies.
    pub varied: Vec<String>,
    /// The run's folder, instead of the spec's.
    pub out: Option<PathBuf>,
    /// Replace an existing run instead of taking the next number.
    pub force: bool,
    /// Go on from where the last run of this spec was interrupted, and replace its folder.
    pub resume: bool,
    /// What a program adds to the language.
    pub registry: Registry,
    /// Data sets that were read already: runs with clones of one read each file once.
    pub once: ReadOnce,
}

impl RunOptions {
    /// What is laid over the spec's text.
    pub(crate) fn layers(&self) -> Overrides<'_> {
        Overrides {
            varied: &self.varied,
            sets: &self.sets,
        }
    }
}

impl From<Registry> for RunOptions {
    fn from(registry: Registry) -> Self {
        Self {
            registry,
            ..Self::default()
        }
    }
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
    /// What the run is judged by: a number for each frame or row.
    pub measured: Vec<Measured>,
    pub record: Record,
    /// What the solution itself gives reason to say.
    pub remarks: Vec<String>,
    /// The folder that holds the results.
    pub dir: PathBuf,
}

/// Reads and checks a spec; all mistakes come back at once.
pub fn check(path: &Path, options: &RunOptions) -> Result<Checked, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::Spec {
        path: path.into(),
        reason: FileError::reading(path, &e).message,
    })?;
    check_text(path, &text, options)
}

/// Like [`check`] of a text, as if it stood in a file at `path`, which need not exist: its name is the
/// spec's, and files are looked for beside it.
pub fn check_text(path: &Path, text: &str, options: &RunOptions) -> Result<Checked, Error> {
    let mut diagnostics = Diagnostics::default();
    let own = options.registry.kinds();
    let spec = crate::spec::parse(path, text, &options.layers(), own, &mut diagnostics);
    let reject = |spec: Spec, diagnostics: Diagnostics| Error::Rejected {
        diagnostics: diagnostics.into(),
        sources: spec.sources.into(),
    };
    if diagnostics.unreadable() {
        return Err(reject(spec, diagnostics));
    }
    let readers = (&options.registry, &options.once);
    let inputs = crate::read::read(&spec, readers, &mut diagnostics);
    match crate::check::check((&spec, &inputs), &options.registry, &mut diagnostics) {
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
    run_checked(checked, options, begun, report)
}

/// Like [`run`], of a spec that was read and checked since `begun`.
pub(crate) fn run_checked(
    checked: Checked,
    options: &RunOptions,
    begun: Instant,
    report: &mut dyn FnMut(FitProgress<'_>) -> bool,
) -> Result<Outcome, Error> {
    let inputs = &checked.inputs;
    // At once: what lies there after the fit may be something else.
    let digests = digests(&inputs.files, &inputs.given);
    let identity = checked.identity();
    let target = target(&checked.problem, options)?;
    let checkpoint = checkpoint(&target, &checked.problem, &identity, options)?;
    let left = AtomicDir::left_behind(&target);
    let folder = AtomicDir::create(&target)?;
    let loaded = begun.elapsed().as_secs_f64();
    let path = folder.path().join(Checkpoint::FILE);
    let found = fit_saving(&checked.problem, checkpoint, report, &mut |checkpoint| {
        // A run goes on without one, too.
        let _ = checkpoint.write(&path, &checked.problem, &identity);
    });
    let solved = begun.elapsed().as_secs_f64();
    let model = checked.inputs.body.as_ref();
    let of_spec = (&checked.spec, &checked.inputs);
    let revealed = crate::check::revealed(of_spec, &options.registry);
    let held = crate::check::experiments::holds_out(&checked.spec);
    let truth = crate::check::experiments::true_motion(&checked.spec, &checked.inputs);
    let judged = Judged::new(&checked.problem, revealed, &found, (model, truth));
    let mut remarks = write(folder.path(), &checked.problem, &found, model, &judged)?;
    if checked.spec.has_body {
        remarks.extend(judge(&checked.problem, &judged.errors));
    }
    let any = found.solved.contains(&true);
    if held && any && !judged.measured.iter().any(Measured::is_held_out) {
        remarks.push(NOT_JUDGED.into());
    }
    remarks.extend(left_out(&checked.problem, &found));
    remarks.extend(one_camera::remark(&checked.problem, &found, model));
    remarks.extend(unusual_shape(&checked.problem, &found));
    remarks.extend(open::remark(&checked.problem, &found.values, &found.solved));
    remarks.extend(found.deviations.as_ref().and_then(Deviations::remark));
    match &found.checkpoint {
        Some(checkpoint) => checkpoint.write(&path, &checked.problem, &identity)?,
        // Written after a stage, and done with.
        None => drop(std::fs::remove_file(&path)),
    }
    remarks.extend(clear(&left, options));
    let seconds = Seconds {
        load: loaded,
        compile: found.compile_seconds,
        solve: solved - loaded - found.compile_seconds,
        write: begun.elapsed().as_secs_f64() - solved,
    };
    let record = record(&checked, &found, (&judged, &digests), &remarks, seconds);
    let dir = close_folder(folder, &record, options)?;
    if checked.problem.output.plots.contains(&PlotKind::Report) {
        // The run is done, whatever becomes of its page.
        remarks.extend(
            crate::compare::report_run(&dir)
                .err()
                .map(|e| e.to_string()),
        );
    }
    Ok(Outcome {
        checked,
        fit: found,
        errors: judged.errors,
        measured: judged.measured,
        record,
        remarks,
        dir,
    })
}

const NOT_JUDGED: &str = "what is held out could not be judged: no term compares it with points or rows that the \
     fit knows; held-out frames are known where a term along frames bridges them";

fn left_out(problem: &Problem, fit: &Fit) -> Option<String> {
    let mut frames: Vec<u64> = fit
        .drowning
        .iter()
        .map(|f| problem.frame_numbers[*f])
        .collect();
    frames.sort_unstable();
    frames.dedup();
    (!frames.is_empty()).then(|| {
        format!(
            "{} had no part in joint stages: alone they cost more than a million times what others do, so \
             their data are of something else",
            diagnostic::frames(&frames)
        )
    })
}

/// Coefficients of shape are standard deviations; nobody is so far from the mean.
const USUAL_SHAPE: f64 = 5.0;

fn unusual_shape(problem: &Problem, fit: &Fit) -> Option<String> {
    let betas = fit.variable(problem, "betas", 0)?;
    let variable = &problem.variables[problem.variable("betas")?.0];
    let why = "see the other warnings, or the points sit elsewhere on this body";
    if let Manifold::Box { low, high, .. } = variable.manifold {
        let at = |b: &f64| (b - low).abs().min((high - b).abs()) < 1e-6 * (high - low);
        let held: Vec<String> = (0..betas.len())
            .filter(|k| at(&betas[*k]))
            .map(|k| format!("betas[{k}]"))
            .collect();
        return (!held.is_empty()).then(|| {
            format!(
                "the shape stands at a bound ({}, `vars.betas.bounds` is {low:?} to {high:?}): {why}, or it is a \
                 child's, for which the bounds can be wider",
                held.join(", ")
            )
        });
    }
    let largest = betas.iter().fold(0.0, |m: f64, b| m.max(b.abs()));
    (largest > USUAL_SHAPE).then(|| {
        format!(
            "the shape is {largest:.0} standard deviations from the mean, which no adult is: {why}; if all else \
             is right and it is no child, `vars.betas.bounds = [-5.0, 5.0]` holds it"
        )
    })
}

fn record(
    checked: &Checked,
    fit: &Fit,
    (judged, inputs): (&Judged, &[Value]),
    remarks: &[String],
    seconds: Seconds,
) -> Record {
    let said = checked.diagnostics.warnings().map(|d| d.message.clone());
    let circumstances = Circumstances {
        spec: checked.spec.to_json(),
        inputs,
        warnings: said.chain(remarks.iter().cloned()).collect(),
        seconds,
        measured: &judged.measured,
    };
    Record::new(&checked.problem, fit, &judged.errors, circumstances)
}

/// Removes what killed runs of this target left behind.
fn clear(left: &[PathBuf], options: &RunOptions) -> Option<String> {
    let resumable = left.iter().any(|f| f.join(Checkpoint::FILE).is_file());
    for folder in left {
        let _ = std::fs::remove_dir_all(folder);
    }
    let names: Vec<String> = left.iter().map(|f| format!("`{}`", f.display())).collect();
    (!left.is_empty() && !options.resume).then(|| {
        format!(
            "removed what a run that was killed had left: {}{}",
            names.join(", "),
            match resumable {
                true => "; `--resume` would have gone on from it",
                false => "",
            }
        )
    })
}

/// Where the run goes; of several interrupted runs of a name the last one goes on.
fn target(problem: &Problem, options: &RunOptions) -> Result<PathBuf, Error> {
    let target = match &options.out {
        Some(dir) => dir.clone(),
        None => PathBuf::from(&problem.output.dir),
    };
    // A link is not replaced, but what it leads to.
    let target = match target.is_symlink() {
        true => target.canonicalize().unwrap_or(target),
        false => target,
    };
    if target.exists() && !target.is_dir() {
        let message = "results are written into a folder, and this is none";
        return Err(FileError::new(&target, message).into());
    }
    if options.force && !is_replaceable(&target) {
        let message = "`--force` replaces earlier runs, and this folder is none: it has no `run.json` of fitrun";
        return Err(FileError::new(&target, message).into());
    }
    if !options.resume {
        return Ok(target);
    }
    let interrupted = |dir: &PathBuf| dir.join(Checkpoint::FILE).is_file();
    if AtomicDir::left_behind(&target).iter().any(interrupted) {
        return Ok(target);
    }
    let taken = crate::io::atomic::taken_names(&target);
    taken.into_iter().rfind(interrupted).ok_or_else(|| {
        let message = format!(
            "`{}` holds no `{}` of an interrupted run; run without `--resume`, or name the run's \
             folder with `--out`",
            target.display(),
            Checkpoint::FILE
        );
        Error::Resume { message }
    })
}

fn checkpoint(
    target: &Path,
    problem: &Problem,
    identity: &str,
    options: &RunOptions,
) -> Result<Option<Checkpoint>, Error> {
    if !options.resume {
        return Ok(None);
    }
    let of = |dir: &Path| Some(dir.join(Checkpoint::FILE)).filter(|f| f.is_file());
    let killed = AtomicDir::left_behind(target);
    let killed = killed.iter().rev().find_map(|dir| of(dir));
    let path = killed.unwrap_or(target.join(Checkpoint::FILE));
    let read = Checkpoint::read(&path, problem, identity);
    let refused = |e: FileError| Error::Resume {
        message: format!("{e}; run without `--resume` to start anew"),
    };
    read.map(Some).map_err(refused)
}

/// Nothing, an empty folder, or an earlier run.
fn is_replaceable(target: &Path) -> bool {
    match std::fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_none() || record_of(target).is_some(),
        Err(_) => target.symlink_metadata().is_err(),
    }
}

/// The `run.json` of a folder, where it is one of ours.
fn record_of(dir: &Path) -> Option<serde_json::Value> {
    let text = std::fs::read_to_string(dir.join("run.json")).ok()?;
    let record = serde_json::from_str::<serde_json::Value>(&text).ok()?;
    record.get("fitrun").is_some().then_some(record)
}

fn close_folder(
    folder: AtomicDir,
    record: &Record,
    options: &RunOptions,
) -> Result<PathBuf, Error> {
    let path = folder.path().join("run.json");
    crate::io::atomic::write(path, record.to_text().as_bytes())?;
    Ok(match options.force || options.resume {
        true => folder.replace()?,
        false => folder.commit()?,
    })
}

/// Puts another text wherever one stands as a value.
fn replace_text(value: &mut Value, text: &str, other: &str) {
    match value {
        Value::String(found) if found == text => *found = other.into(),
        Value::Array(items) => items.iter_mut().for_each(|v| replace_text(v, text, other)),
        Value::Object(table) => table
            .values_mut()
            .for_each(|v| replace_text(v, text, other)),
        _ => {}
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        Self::Output {
            message: error.to_string(),
        }
    }
}

impl Checked {
    /// Tells what is fitted from all else: the resolved spec without its outputs, and the bytes of its inputs,
    /// wherever they lie.
    pub(crate) fn identity(&self) -> String {
        let mut digests = digests(&self.inputs.files, &self.inputs.given);
        let mut spec = self.spec.to_json();
        for digest in &mut digests {
            let named = digest["path"].as_str().zip(digest["sha256"].as_str());
            if let Some((path, sha256)) = named.map(|(p, s)| (p.to_string(), s.to_string())) {
                replace_text(&mut spec, &path, &sha256);
                digest["path"] = Value::Null;
            }
        }
        identity(&spec, &digests)
    }

    /// The texts that diagnostics point into.
    pub fn sources(&self) -> &Sources {
        &self.spec.sources
    }

    /// The `run.json` of the last run of the same spec, where there is one.
    pub fn last_record(&self) -> Option<serde_json::Value> {
        let spec = spec_sha256(&self.spec.to_json());
        let taken = crate::io::atomic::taken_names(Path::new(&self.problem.output.dir));
        let records = taken.into_iter().rev().filter_map(|dir| record_of(&dir));
        let mut same = records.filter(|r| r["spec_sha256"] == spec.as_str());
        same.next()
    }
}
