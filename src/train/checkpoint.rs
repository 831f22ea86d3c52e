//! The file that a training goes on from: the network's state, the best weights and the course so far.

use std::path::Path;

use serde_json::Value;

use super::course::{Best, Course, EpochRow};
use super::trainee::Trainee;
use crate::io::FileError;
use crate::io::tensors::{Tensor, Tensors};
use crate::random::SplitMix64;

pub(crate) const FILE: &str = "checkpoint.safetensors";

/// What a checkpoint belongs to: the resolved spec, and the digests of the data's files.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Identity {
    pub spec: Value,
    pub files: Vec<(String, String)>,
}

/// Floats travel as tensors, since a decimal text might lose their last bit.
pub(crate) fn write(
    path: &Path,
    identity: &Identity,
    trainee: &dyn Trainee,
    course: &Course,
) -> Result<(), FileError> {
    let mut file = Tensors::default();
    put(&mut file, "state.", &trainee.state());
    let mut numbers = vec![course.factor, course.seconds];
    numbers.extend(&course.sums);
    file.insert("course.numbers", Tensor::double(&[numbers.len()], numbers));
    let rows: Vec<Vec<f64>> = course.history.iter().map(row_numbers).collect();
    let width = rows.first().map_or(0, Vec::len);
    file.insert(
        "course.history",
        Tensor::double(&[rows.len(), width], rows.concat()),
    );
    let counts = [
        ("epoch", course.epoch as u64),
        ("step", course.step as u64),
        ("since_best", course.since_best as u64),
        ("since_lowered", course.since_lowered as u64),
        ("random", course.random.0),
    ];
    for (name, count) in counts {
        file.metadata.insert(name.into(), count.to_string());
    }
    if let Some(best) = &course.best {
        put(&mut file, "best.", &best.weights);
        file.metadata.insert("best".into(), best.epoch.to_string());
    }
    file.metadata
        .insert("spec".into(), identity.spec.to_string());
    let files = serde_json::to_string(&identity.files);
    file.metadata
        .insert("files".into(), files.unwrap_or_default());
    file.write(path)
}

/// Restores the network and returns the course; refuses what another spec or other data left.
pub(crate) fn read(
    path: &Path,
    identity: &Identity,
    trainee: &mut dyn Trainee,
) -> Result<Course, FileError> {
    let error = |message: String| FileError::new(path, message);
    let file = Tensors::read(path)?;
    let changes = changes(&file, identity);
    if !changes.is_empty() {
        return Err(error(format!(
            "was left by another training; changed since: {}",
            changes.join(", ")
        )));
    }
    let course = course(&file, trainee).ok_or_else(|| error("is damaged".into()))?;
    trainee.restore(&taken(&file, "state.")).map_err(error)?;
    Ok(course)
}

/// Keys of the spec that differ, and files.
fn changes(file: &Tensors, identity: &Identity) -> Vec<String> {
    let json =
        |name: &str| -> Option<Value> { serde_json::from_str(file.metadata.get(name)?).ok() };
    let mut changed = Vec::new();
    differences(
        "",
        &json("spec").unwrap_or_default(),
        &identity.spec,
        &mut changed,
    );
    let files: Vec<(String, String)> = json("files")
        .and_then(|files| serde_json::from_value(files).ok())
        .unwrap_or_default();
    let digests = |files: &[(String, String)]| -> Vec<String> {
        files.iter().map(|(_, digest)| digest.clone()).collect()
    };
    let (before, now) = (digests(&files), digests(&identity.files));
    if before != now {
        let new = identity.files.iter().filter(|(_, d)| !before.contains(d));
        let gone = files.iter().filter(|(_, d)| !now.contains(d));
        let mut names: Vec<String> = new.chain(gone).map(|(name, _)| name.clone()).collect();
        names.dedup();
        changed.push(match names.is_empty() {
            true => "the order of the files".into(),
            false => format!("the data ({})", crate::diagnostic::list(&names)),
        });
    }
    changed
}

fn differences(path: &str, before: &Value, now: &Value, found: &mut Vec<String>) {
    let nothing = serde_json::Map::new();
    if !before.is_object() && !now.is_object() {
        if before != now {
            found.push(format!("`{path}` (was {before}, is {now})"));
        }
        return;
    }
    let (a, b) = (
        before.as_object().unwrap_or(&nothing),
        now.as_object().unwrap_or(&nothing),
    );
    let only_new = b.keys().filter(|key| !a.contains_key(*key));
    for key in a.keys().chain(only_new) {
        let path = match path {
            "" => key.clone(),
            _ => format!("{path}.{key}"),
        };
        let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
        differences(&path, &of(a), &of(b), found);
    }
}

fn course(file: &Tensors, trainee: &dyn Trainee) -> Option<Course> {
    let count = |name: &str| file.metadata.get(name)?.parse::<u64>().ok();
    let size = |name: &str| usize::try_from(count(name)?).ok();
    let (losses, measures) = (trainee.losses().len(), trainee.measures().len());
    let numbers = file.get("course.numbers", &[2 + losses]).ok()?;
    let rows = size("epoch")?;
    let width = if rows == 0 { 0 } else { 3 + losses + measures };
    let history = file.get("course.history", &[rows, width]).ok()?;
    let row = |row: &[f64]| EpochRow {
        steps: row[0],
        seconds: row[1],
        factor: row[2],
        losses: row[3..3 + losses].to_vec(),
        measures: row[3 + losses..].to_vec(),
    };
    let best = match file.metadata.contains_key("best") {
        true => Some(Best {
            epoch: size("best").filter(|epoch| *epoch < rows)?,
            weights: taken(file, "best."),
        }),
        false => None,
    };
    Some(Course {
        epoch: rows,
        step: size("step")?,
        random: SplitMix64(count("random")?),
        factor: numbers.data[0],
        seconds: numbers.data[1],
        sums: numbers.data[2..].to_vec(),
        history: history.data.chunks_exact(width.max(1)).map(row).collect(),
        since_best: size("since_best")?,
        since_lowered: size("since_lowered")?,
        best,
    })
}

fn row_numbers(row: &EpochRow) -> Vec<f64> {
    let mut numbers = vec![row.steps, row.seconds, row.factor];
    numbers.extend(&row.losses);
    numbers.extend(&row.measures);
    numbers
}

fn put(file: &mut Tensors, prefix: &str, tensors: &Tensors) {
    for (name, tensor) in &tensors.arrays {
        file.insert(format!("{prefix}{name}"), tensor.clone());
    }
    for (name, text) in &tensors.metadata {
        file.metadata
            .insert(format!("{prefix}{name}"), text.clone());
    }
}

fn taken(file: &Tensors, prefix: &str) -> Tensors {
    let named = |name: &String| name.strip_prefix(prefix).map(String::from);
    let arrays = file.arrays.iter();
    let arrays = arrays.filter_map(|(name, tensor)| Some((named(name)?, tensor.clone())));
    let metadata = file.metadata.iter();
    let metadata = metadata.filter_map(|(name, text)| Some((named(name)?, text.clone())));
    Tensors {
        arrays: arrays.collect(),
        metadata: metadata.collect(),
    }
}
