//! `run.json`: what was run, on what, how it ended, and what was measured.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::measures::Measured;
use super::metrics::{PointErrors, Summary};
use super::params::up_axis;
use crate::fit::{Deviations, Fit, StageOutcome, Status};
use crate::io::Arrays;
use crate::ir::{Per, Precision, Problem, VariableId};
use crate::manifold::Manifold;
use crate::spec::Dimension;

/// Wall time of the phases.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seconds {
    pub load: f64,
    pub compile: f64,
    pub solve: f64,
    pub write: f64,
}

/// The record of a run.
#[derive(Clone, Debug)]
pub struct Record(pub Value);

/// What a record says besides the problem and its solution.
pub(crate) struct Circumstances<'a> {
    pub spec: Value,
    /// Each with the digest of what was read.
    pub inputs: &'a [Value],
    pub warnings: Vec<String>,
    pub seconds: Seconds,
    pub measured: &'a [Measured],
}

impl Record {
    pub(crate) fn new(
        problem: &Problem,
        fit: &Fit,
        errors: &[PointErrors],
        around: Circumstances<'_>,
    ) -> Self {
        let precision = match problem.settings.precision {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        };
        let spec_hash = spec_sha256(&around.spec);
        let terms: Map<String, Value> = fit
            .term_costs
            .iter()
            .map(|(name, cost)| (name.clone(), json!(cost)))
            .collect();
        let mut record = json!({
            "fitrun": env!("CARGO_PKG_VERSION"),
            "name": problem.name,
            "spec_sha256": spec_hash,
            "inputs": around.inputs,
            "device": "cpu",
            "precision": precision,
            "threads": rayon::current_num_threads(),
            "seed": problem.settings.seed,
            "up": up_axis(problem),
            "frames": problem.frames,
            "converged": fit.status.iter().filter(|s| **s == Status::Converged).count(),
            "status": statuses(problem, fit),
            "cost": fit.cost(),
            "terms": terms,
            "metrics": metrics(problem, fit, errors),
            "stages": fit.stages.iter().map(|s| stage(problem, s)).collect::<Vec<_>>(),
            "seconds": {
                "load": around.seconds.load,
                "compile": around.seconds.compile,
                "solve": around.seconds.solve,
                "write": around.seconds.write,
            },
            "peak_memory_mb": peak_memory_mb(),
            "warnings": around.warnings,
            "spec": around.spec,
        });
        if let Value::Object(metrics) = &mut record["metrics"] {
            for held in around.measured.iter().filter(|m| m.is_held_out()) {
                insert(metrics, &held.with_unit(), &held.values);
            }
        }
        if problem.batch.is_some() {
            record["axis"] = json!(problem.axis());
        }
        if let Some(deviations) = &fit.deviations {
            if deviations.residual.is_finite() {
                record["degrees_of_freedom"] = json!(deviations.degrees_of_freedom);
                record["residual_sd"] = json!(deviations.residual);
            }
            let condition = deviations.influence.as_ref().map(|i| i.condition);
            if let Some(condition) = condition.filter(|c| c.is_finite()) {
                record["condition"] = json!(condition);
            }
        }
        let parameters = parameters(problem, fit);
        if !parameters.is_empty() {
            let rows = parameters.iter().map(|p| {
                let sd = p.deviation.filter(|d| d.is_finite());
                (
                    p.name.clone(),
                    json!({ "value": p.value, "sd": sd.filter(|_| !p.at_bound), "unit": p.unit }),
                )
            });
            record["parameters"] = Value::Object(rows.collect());
        }
        Self(record)
    }

    pub fn to_text(&self) -> String {
        format!("{:#}\n", self.0)
    }
}

/// One number that a problem over tables has found.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub name: String,
    pub value: f64,
    /// Its standard deviation, where that is known; zero at a bound.
    pub deviation: Option<f64>,
    /// Whether the data would move it beyond its bound.
    pub at_bound: bool,
    pub unit: String,
}

/// The numbers that all rows of a problem over tables share, by name; rotations as axis-angle vectors,
/// with deviations about the axes of their own frame.
pub fn parameters(problem: &Problem, fit: &Fit) -> Vec<Parameter> {
    let mut found = Vec::new();
    if problem.sets.is_empty() {
        return found;
    }
    for (i, variable) in problem.variables.iter().enumerate() {
        if variable.per != Per::Subject || variable.copies > 1 {
            continue;
        }
        let values = match variable.manifold {
            Manifold::So3 => super::params::axis_angle_of_rows(fit.values.all(VariableId(i))),
            _ => fit.values.all(VariableId(i)).to_vec(),
        };
        let known = |d: &&Deviations| !d.scaled || d.degrees_of_freedom > 0;
        let deviations = fit.deviations.as_ref().filter(known);
        let deviations = deviations.map(|d| &d.of_variables[i]);
        for (c, value) in values.iter().enumerate() {
            let name = match values.len() {
                1 => variable.name.clone(),
                _ => format!("{}[{c}]", variable.name),
            };
            let deviation = deviations.and_then(|d| d.get(c).copied());
            let at_bound = match variable.manifold {
                Manifold::Box { low, high, .. } => *value == low || *value == high,
                _ => false,
            };
            found.push(Parameter {
                name,
                value: *value,
                deviation,
                at_bound: at_bound && deviation == Some(0.0),
                unit: match (variable.manifold, variable.dimension) {
                    (Manifold::So3, _) => Dimension::ANGLE.to_string(),
                    (_, Dimension::NONE) => String::new(),
                    (_, dimension) => dimension.to_string(),
                },
            });
        }
    }
    found
}

/// What a fit depends on: the resolved spec without its outputs, and the bytes of the inputs.
pub(crate) fn identity(spec: &Value, inputs: &[Value]) -> String {
    let mut spec = spec.clone();
    if let Some(tables) = spec.as_object_mut() {
        for apart in ["output", "name", "compare"] {
            tables.remove(apart);
        }
    }
    let mut hasher = Sha256::new();
    hasher.update(spec.to_string());
    for input in inputs {
        hasher.update(input.to_string());
    }
    hex(&hasher.finalize())
}

/// The count of each status, with the frames of those that a user has to know about.
fn statuses(problem: &Problem, fit: &Fit) -> Value {
    let mut result = Map::new();
    for status in Status::ALL {
        let frames: Vec<u64> = (0..problem.frames)
            .filter(|&f| fit.status[f] == status)
            .map(|f| problem.frame_numbers[f])
            .collect();
        let value = match status {
            Status::Converged | Status::MaxIter => json!(frames.len()),
            _ => json!({ "count": frames.len(), "frames": frames }),
        };
        result.insert(status.name().into(), value);
    }
    Value::Object(result)
}

/// By name, over all terms of a kind, and for each term where there are several.
fn metrics(problem: &Problem, fit: &Fit, errors: &[PointErrors]) -> Value {
    let mut all = Map::new();
    let calibrated = calibration_frames(problem, fit);
    for metric in ["mpjpe", "marker", "reprojection"] {
        let of_kind: Vec<&PointErrors> = errors.iter().filter(|e| e.metric == metric).collect();
        let Some(unit) = of_kind.first().map(|e| e.unit) else {
            continue;
        };
        let name = format!("{metric}_{unit}");
        let together: Vec<f64> = of_kind.iter().flat_map(|e| e.all()).collect();
        insert(&mut all, &name, &together);
        if !calibrated.is_empty() {
            let others = of_kind
                .iter()
                .flat_map(|e| e.in_frames(|f| !calibrated.contains(&f)));
            let others: Vec<f64> = others.collect();
            insert(&mut all, &format!("{name}_other_frames"), &others);
        }
        if metric == "mpjpe" {
            let aligned: Vec<f64> = of_kind.iter().flat_map(|e| e.aligned.clone()).collect();
            insert(&mut all, &format!("pa_{name}"), &aligned);
        }
        if errors.len() > 1 {
            for error in of_kind {
                insert(&mut all, &format!("{}.{name}", error.term), &error.all());
            }
        }
    }
    Value::Object(all)
}

/// Frames on which a stage solved jointly for what all frames share.
fn calibration_frames(problem: &Problem, fit: &Fit) -> BTreeSet<usize> {
    let subset = |s: &&StageOutcome| s.joint && s.frames.len() < problem.frames;
    let stages = fit.stages.iter().filter(subset);
    stages.flat_map(|s| s.frames.iter().copied()).collect()
}

fn insert(all: &mut Map<String, Value>, name: &str, values: &[f64]) {
    if let Some(summary) = Summary::of(values) {
        all.insert(name.into(), json!(summary.mean));
        all.insert(format!("{name}_median"), json!(summary.median));
        all.insert(format!("{name}_p95"), json!(summary.p95));
    }
}

fn stage(problem: &Problem, stage: &StageOutcome) -> Value {
    let solution = &stage.solution;
    let mut kinds: BTreeMap<&str, (usize, Vec<f64>, f64)> = BTreeMap::new();
    for termination in &solution.terminations {
        let entry = kinds.entry(termination.name()).or_default();
        entry.0 += 1;
        if let Some((value, tolerance)) = termination.measured() {
            entry.1.push(value);
            entry.2 = tolerance;
        }
    }
    let terminations: Map<String, Value> = kinds
        .into_iter()
        .map(|(kind, (count, values, tolerance))| {
            let mut value = json!({ "count": count });
            if let Some(summary) = Summary::of(&values) {
                value["median"] = json!(summary.median);
                value["tolerance"] = json!(tolerance);
            }
            (kind.to_string(), value)
        })
        .collect();
    let mut record = json!({
        "name": stage.name,
        "method": stage.method.name(),
        "coupling": if stage.joint { "joint" } else { "independent" },
        "problems": solution.costs.len(),
        "frames": stage.frames.iter().collect::<BTreeSet<_>>().len(),
        "iterations": total_and_most(&solution.iterations),
        "evaluations": total_and_most(&solution.evaluations),
        "seconds": solution.seconds,
        "terminations": terminations,
    });
    if !stage.starts.is_empty() {
        record["starts"] = json!(stage.starts);
    }
    if stage.joint && stage.frames.len() < problem.frames {
        let numbers = stage.frames.iter().map(|&f| problem.frame_numbers[f]);
        record["frame_numbers"] = numbers.collect();
    }
    record
}

fn total_and_most(counts: &[usize]) -> Value {
    json!({
        "total": counts.iter().sum::<usize>(),
        "most": counts.iter().max().copied().unwrap_or(0),
    })
}

/// Each input with its digest: a file's path, size and sha256; a folder or pattern is only named.
pub(crate) fn digests(files: &[PathBuf], given: &[(String, Arc<Arrays>)]) -> Vec<Value> {
    let in_memory = given.iter().map(|(name, arrays)| {
        let mut hasher = Sha256::new();
        for (array, bytes) in arrays.bytes() {
            hasher.update(array);
            hasher.update(bytes);
        }
        json!({ "data": name, "sha256": hex(&hasher.finalize()) })
    });
    files
        .iter()
        .map(|f| digest_of(f))
        .chain(in_memory)
        .collect()
}

fn digest_of(path: &Path) -> Value {
    let mut entry = json!({ "path": path.display().to_string() });
    if let Ok((size, sha256)) = digest(path).or_else(|_| digest_below(path)) {
        entry["size"] = json!(size);
        entry["sha256"] = json!(sha256);
    }
    entry
}

/// Of all files of a folder, or of what a pattern names: their names and their bytes.
fn digest_below(path: &Path) -> std::io::Result<(u64, String)> {
    let files = crate::io::files_below(path).map_err(|e| std::io::Error::other(e.message))?;
    let mut hasher = Sha256::new();
    let mut total = 0;
    for file in files {
        let (size, sha256) = digest(&file)?;
        total += size;
        hasher.update(file.file_name().unwrap_or_default().as_encoded_bytes());
        hasher.update(sha256);
    }
    Ok((total, hex(&hasher.finalize())))
}

fn digest(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((size, hex(&hasher.finalize())));
        }
        size += read as u64;
        hasher.update(&buffer[..read]);
    }
}

/// What tells resolved specs apart.
pub(crate) fn spec_sha256(spec: &Value) -> String {
    hex(&Sha256::digest(spec.to_string()))
}

/// In hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The process's peak resident memory, where the system says it.
pub fn peak_memory_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// Begins to measure it anew, where the system can.
pub(crate) fn forget_peak_memory() {
    // proc(5): 5 resets the peak resident set size.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
