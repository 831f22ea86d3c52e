//! Reads finished runs back: their record and what they measured.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::cases::Question;
use super::{CompareRun, cache, shell};
use crate::error::Error;
use crate::io::FileError;
use crate::io::npz::Npz;

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
const PARAMS: &str = "params.npz";
const HEAD: [&str; 6] = ["measure", "unit", "axis", "element", "sequence", "value"];
const CHECKPOINT: &str = "resume.npz";

/// Records larger than this are none of ours, bytes.
const LARGEST: u64 = 1 << 30;

/// Whether a run ended here, with all that a page is made of.
pub(super) fn is_whole(dir: &Path) -> bool {
    !is_interrupted(dir) && read(dir).is_ok() && readable(dir)
}

fn readable(dir: &Path) -> bool {
    let path = dir.join(PARAMS);
    !path.exists() || Npz::open(path).is_ok()
}

pub(super) fn is_interrupted(dir: &Path) -> bool {
    dir.join(CHECKPOINT).is_file()
}

pub(super) fn read(dir: &Path) -> Result<(Value, Vec<Measure>), FileError> {
    if dir.join(cache::RECORD).is_file() {
        let message = "this is a comparison, not a run; `fitrun compare` makes its page again";
        return Err(FileError::new(dir, message));
    }
    if !dir.join(RECORD).is_file() {
        let message = format!("this is not the folder of a finished run: it has no `{RECORD}`");
        return Err(FileError::new(dir, message));
    }
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
    let head = reader.headers().map_err(broken)?;
    if head.iter().ne(HEAD) {
        let message = format!("damaged: it does not begin with {}", HEAD.join(","));
        return Err(FileError::new(path, message));
    }
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
        let same = |m: &Measure| m.name == line[0] && m.unit == line[1] && m.axis == line[2];
        if all.last().is_none_or(|m| !same(m)) {
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
        if dir.join(RECORD).is_file() && !readable(dir) {
            wrong.push(format!("`{}` is damaged", dir.join(PARAMS).display()));
            continue;
        }
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
    let mut known: Vec<PathBuf> = Vec::new();
    for dir in dirs {
        let place = dir.canonicalize().unwrap_or(dir.clone());
        if known.contains(&place) {
            wrong.push(format!("`{}` is given twice", dir.display()));
        }
        known.push(place);
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
        command: {
            let paths: Vec<String> = dirs.iter().map(|d| d.display().to_string()).collect();
            let verb = if dirs.len() == 1 { "report" } else { "compare" };
            let words = ["fitrun", verb].into_iter();
            shell(words.chain(paths.iter().map(String::as_str)))
        },
    };
    Ok((question, runs))
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
    let said = |what: String| Some(format!("`{}` and `{}` {what}", a.method, b.method));
    let differs = difference(&a.data_sets(), &b.data_sets(), "data");
    if let Some(path) = differs {
        return said(format!("are of different data: `{path}` differs"));
    }
    let of_both = |m: &&Measure| b.measures.iter().find(|n| n.is_as(m));
    let shared: Vec<(&Measure, &Measure)> = a
        .measures
        .iter()
        .filter_map(|m| Some((m, of_both(&m)?)))
        .collect();
    if shared.is_empty() {
        return said("have no measure in common".into());
    }
    let common = |(m, n): &(&Measure, &Measure)| {
        let elements: HashSet<&str> = m.values.iter().map(|v| v.0.as_str()).collect();
        n.values.iter().any(|v| elements.contains(v.0.as_str()))
    };
    if shared.iter().any(common) {
        return None;
    }
    let (m, n) = shared[0];
    said(format!(
        "have no {} in common: {} and {}",
        m.axis,
        m.extent(),
        n.extent()
    ))
}

/// The first path at which two values differ.
fn difference(a: &Value, b: &Value, path: &str) -> Option<String> {
    let (Value::Object(x), Value::Object(y)) = (a, b) else {
        return (a != b).then(|| path.to_string());
    };
    let keys: BTreeSet<&String> = x.keys().chain(y.keys()).collect();
    keys.into_iter()
        .find_map(|key| difference(&a[key], &b[key], &format!("{path}.{key}")))
}

impl Measure {
    fn is_as(&self, other: &Self) -> bool {
        self.name == other.name && self.unit == other.unit && self.axis == other.axis
    }

    fn extent(&self) -> String {
        let ends = self.values.first().zip(self.values.last());
        ends.map_or("none".into(), |(first, last)| {
            format!("{} to {}", first.0, last.0)
        })
    }
}

impl CompareRun {
    /// The data sets of the spec: files by their digests, and without the range of frames, which pairing finds.
    fn data_sets(&self) -> Value {
        let mut sets = self.record["spec"]["data"].clone();
        for set in sets
            .as_object_mut()
            .into_iter()
            .flat_map(|d| d.values_mut())
        {
            let digest = set["file"].as_str().map(|path| self.digest(path));
            if let (Some(set), Some(digest)) = (set.as_object_mut(), digest) {
                set.insert("file".into(), digest.into());
                set.remove("frames");
            }
        }
        sets
    }

    fn digest(&self, path: &str) -> String {
        let inputs = self.record["inputs"].as_array();
        let mut of_path = inputs.into_iter().flatten().filter(|i| i["path"] == path);
        let digest = of_path.find_map(|i| i["sha256"].as_str());
        digest.map_or(path.into(), str::to_string)
    }

    /// Of all that the run read.
    pub(super) fn digests(&self) -> Vec<String> {
        let inputs = self.record["inputs"].as_array().into_iter().flatten();
        let mut found: Vec<String> = inputs
            .filter_map(|i| Some(i["sha256"].as_str()?.to_string()))
            .collect();
        found.sort();
        found
    }

    /// Of each file of data, body and prior aside.
    pub(super) fn data_digests(&self) -> Vec<String> {
        let sets = self.record["spec"]["data"].as_object();
        let sets = sets.into_iter().flat_map(|d| d.values());
        let files = sets.filter_map(|d| d["file"].as_str());
        let mut found: Vec<String> = files.map(|path| self.digest(path)).collect();
        found.sort();
        found
    }
}
