//! Reads finished runs back: their record and what they measured.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::CompareRun;
use super::cases::Question;
use crate::error::Error;
use crate::io::FileError;

/// A measure of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measure {
    pub name: String,
    pub unit: String,
    pub axis: String,
    /// Element, recording, value.
    pub values: Vec<(String, String, f64)>,
}

const RECORD: &str = "run.json";
const MEASURES: &str = "measures.csv";
const CHECKPOINT: &str = "resume.npz";

/// Records larger than this are none of ours, bytes.
const LARGEST: u64 = 1 << 30;

/// Whether a run ended here.
pub(super) fn is_whole(dir: &Path) -> bool {
    !is_interrupted(dir) && read(dir).is_ok()
}

pub(super) fn is_interrupted(dir: &Path) -> bool {
    dir.join(CHECKPOINT).is_file()
}

pub(super) fn read(dir: &Path) -> Result<(Value, Vec<Measure>), FileError> {
    let record = record(&dir.join(RECORD))?;
    let path = dir.join(MEASURES);
    if !path.is_file() {
        let message = "there is no such file: an older fitrun made the run; run its spec again";
        return Err(FileError::new(&path, message));
    }
    Ok((record, measures(&path)?))
}

fn record(path: &Path) -> Result<Value, FileError> {
    let size = std::fs::metadata(path).map_err(|e| FileError::reading(path, &e))?;
    if size.len() > LARGEST {
        return Err(FileError::new(
            path,
            "this is too large for a record of a run",
        ));
    }
    let text = std::fs::read_to_string(path).map_err(|e| FileError::reading(path, &e))?;
    let record: Value =
        serde_json::from_str(&text).map_err(|e| FileError::new(path, format!("damaged: {e}")))?;
    match record["fitrun"].is_string() && record["spec"].is_object() {
        true => Ok(record),
        false => Err(FileError::new(path, "this is no record of a run of fitrun")),
    }
}

fn measures(path: &Path) -> Result<Vec<Measure>, FileError> {
    let broken = |e: csv::Error| FileError::new(path, format!("damaged: {e}"));
    let mut reader = csv::Reader::from_path(path).map_err(broken)?;
    let mut all: Vec<Measure> = Vec::new();
    for (row, line) in reader.records().enumerate() {
        let line = line.map_err(broken)?;
        let value = line.get(5).and_then(|v| v.parse::<f64>().ok());
        let (Some(value), true) = (value.filter(|v| v.is_finite()), line.len() == 6) else {
            let message = format!(
                "damaged: row {} is no measure, unit, axis, element, sequence, value",
                row + 2
            );
            return Err(FileError::new(path, message));
        };
        if all.last().is_none_or(|m| m.name != line[0]) {
            all.push(Measure {
                name: line[0].into(),
                unit: line[1].into(),
                axis: line[2].into(),
                values: Vec::new(),
            });
        }
        if let Some(measure) = all.last_mut() {
            measure.values.push((line[3].into(), line[4].into(), value));
        }
    }
    Ok(all)
}

/// Runs that are finished, as methods by their folders' names; all that is wrong with them at once.
pub(super) fn runs(dirs: &[PathBuf]) -> Result<(Question, Vec<CompareRun>), Error> {
    let mut wrong = Vec::new();
    let mut runs = Vec::new();
    for (dir, method) in dirs.iter().zip(names(dirs)) {
        match read(dir) {
            Ok((record, measures)) => runs.push(CompareRun {
                method,
                data: String::new(),
                seed: None,
                tuned: String::new(),
                dir: Ok(dir.clone()),
                kept: true,
                record,
                measures,
            }),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    if let Some(first) = runs.first() {
        wrong.extend(runs[1..].iter().filter_map(|run| unlike(first, run)));
    }
    if !wrong.is_empty() {
        return Err(Error::Compare { mistakes: wrong });
    }
    let question = Question {
        name: names(&dirs[..1]).concat(),
        methods: runs.iter().map(|r| r.method.clone()).collect(),
        baseline: None,
        measure: None,
        command: match dirs {
            [one] => format!("fitrun report {}", one.display()),
            several => format!("fitrun compare {}", list(several)),
        },
    };
    Ok((question, runs))
}

fn list(dirs: &[PathBuf]) -> String {
    let shown = dirs.iter().map(|d| d.display().to_string());
    shown.collect::<Vec<_>>().join(" ")
}

/// The folders' last names, or whole paths where these are alike.
fn names(dirs: &[PathBuf]) -> Vec<String> {
    let last = |d: &PathBuf| {
        let d = d.canonicalize().unwrap_or(d.clone());
        d.file_name()
            .map_or(String::new(), |n| n.to_string_lossy().into_owned())
    };
    let short: Vec<String> = dirs.iter().map(last).collect();
    let unique = |name: &String| short.iter().filter(|n| *n == name).count() == 1;
    let shown = dirs.iter().zip(&short);
    shown
        .map(|(d, name)| match unique(name) {
            true => name.clone(),
            false => d.display().to_string(),
        })
        .collect()
}

/// Why two runs cannot stand side by side.
fn unlike(a: &CompareRun, b: &CompareRun) -> Option<String> {
    let (of_a, of_b) = (a.data_digests(), b.data_digests());
    let said = |what: String| Some(format!("`{}` and `{}` {what}", a.method, b.method));
    if !of_a.is_empty() && !of_b.is_empty() && of_a != of_b {
        let only = |x: &[String], y: &[String]| -> Vec<String> {
            let apart = x.iter().filter(|d| !y.contains(d));
            apart
                .map(|d| d.split(' ').next().unwrap_or("").to_string())
                .collect()
        };
        let files = [only(&of_a, &of_b), only(&of_b, &of_a)].concat().join(", ");
        return said(format!("are of different data: {files}"));
    }
    let shared = |m: &Measure| {
        b.measures
            .iter()
            .any(|n| n.name == m.name && n.unit == m.unit)
    };
    if !a.measures.iter().any(shared) {
        return said("have no measure in common".into());
    }
    let held = |r: &CompareRun| -> Vec<String> {
        let names = r.measures.iter().map(|m| m.name.clone());
        names.filter(|n| n.contains("held_out_")).collect()
    };
    if held(a) != held(b) {
        return said("hold out different data".into());
    }
    None
}

impl CompareRun {
    /// Path and digest of each file of data, the body and the prior aside.
    fn data_digests(&self) -> Vec<String> {
        let spec = &self.record["spec"];
        let sets = spec["data"].as_object();
        let sets = sets.into_iter().flat_map(|d| d.values());
        let files: Vec<&str> = sets.filter_map(|d| d["file"].as_str()).collect();
        let inputs = self.record["inputs"].as_array();
        let mut found: Vec<String> = inputs
            .into_iter()
            .flatten()
            .filter_map(|i| {
                let path = i["path"].as_str().filter(|p| files.contains(p))?;
                let name = Path::new(path).file_name()?.to_string_lossy().into_owned();
                Some(format!("{name} {}", i["sha256"].as_str()?))
            })
            .collect();
        found.sort();
        found
    }
}
