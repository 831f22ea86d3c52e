//! One question, several answers side by side: cases, their runs, what they measure, the page.

mod cache;
mod cases;
mod export;
mod factors;
mod fail;
mod folder;
mod gather;
mod headline;
mod judge;
mod pace;
mod page;
mod pairs;
mod report;
mod runs;
mod table;
mod totals;
mod tune;
mod verdict;
mod warnings;

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::fit::FitProgress;
use crate::read::ReadOnce;
use crate::run::RunOptions;

pub use fail::FailIf;
pub use judge::{Cell, Difference, Element, MeasureTable};
pub use verdict::{Finding, Verdict};

/// What the command line says of a comparison.
#[derive(Clone, Debug, Default)]
pub struct CompareOptions {
    pub run: RunOptions,
    /// The comparison's folder; `runs/NAME-compare` by default.
    pub out: Option<PathBuf>,
    /// Fit everything again.
    pub fresh: bool,
}

/// What is being done.
pub enum CompareProgress<'a> {
    /// A case is fitted: its number, how many there are, its name.
    Case(usize, usize, &'a str),
    Fit(FitProgress<'a>),
}

/// One run of the comparison.
#[derive(Clone, Debug)]
pub struct CompareRun {
    /// The settings that it stands for; runs of a method are of several data or seeds.
    pub method: String,
    /// Which data, where several are compared; else empty.
    pub data: String,
    pub seed: Option<i64>,
    /// What `tune` set; empty where nothing is tuned.
    pub tuned: String,
    /// Its folder, or why it has none.
    pub dir: Result<PathBuf, String>,
    /// Whether an earlier call had fitted it.
    pub kept: bool,
    pub(crate) record: serde_json::Value,
    pub(crate) measures: Vec<folder::Measure>,
}

/// A comparison with its page written.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub name: String,
    pub methods: Vec<String>,
    pub baseline: usize,
    pub runs: Vec<CompareRun>,
    pub measures: Vec<MeasureTable>,
    /// Which of the measures the verdict is of.
    pub primary: Option<usize>,
    /// What is to be said of each method, in one sentence each.
    pub findings: Vec<Finding>,
    /// What limits the comparison.
    pub warnings: Vec<String>,
    /// What the fits warn of, each with those that do.
    pub fits_say: Vec<String>,
    pub(crate) pace: Option<pace::Pace>,
    /// How to repeat it.
    pub command: String,
    pub dir: PathBuf,
}

/// Fits every case of a spec's `[compare]` that is not fitted yet, and writes the page.
pub fn compare(
    spec: &Path,
    options: &CompareOptions,
    report: &mut dyn FnMut(CompareProgress<'_>) -> bool,
) -> Result<Comparison, Error> {
    let plan = cases::plan(spec, options)?;
    let once = ReadOnce::remembering();
    runs::check_all(spec, &plan, &once, options)?;
    let dir = cache::folder(&plan, options)?;
    let runs = runs::run((spec, &plan), &once, &dir, options, report)?;
    let spec = spec.display().to_string();
    let sets = options.run.sets.iter().flat_map(|s| ["--set", s]);
    let command = ["fitrun", "compare", &spec].into_iter().chain(sets);
    judge::judged(plan.question(shell(command)), runs, dir)?.write()
}

/// A line for the shell.
fn shell<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:".contains(c);
    let quoted = |word: &str| match word.chars().all(plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    };
    let words: Vec<String> = words.into_iter().map(quoted).collect();
    words.join(" ")
}

/// Compares finished runs by their folders.
pub fn compare_runs(dirs: &[PathBuf], options: &CompareOptions) -> Result<Comparison, Error> {
    let (question, runs) = folder::runs(dirs)?;
    let dir = cache::folder_named(&question.name, options)?;
    judge::judged(question, runs, dir)?.write()
}

/// The page of one finished run, written into its folder as `report.html`.
pub fn report_run(dir: &Path) -> Result<PathBuf, Error> {
    let (question, runs) = folder::runs(&[dir.to_path_buf()])?;
    let found = judge::judged(question, runs, dir.to_path_buf())?;
    let path = dir.join("report.html");
    crate::io::atomic::write(&path, page::page(&found)?.as_bytes())?;
    Ok(path)
}
