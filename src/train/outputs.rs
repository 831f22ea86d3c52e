//! What a training leaves behind: weights, `train.json`, and the curves as numbers and as a picture.

use serde_json::{Map, Value, json};

use super::course::{Course, Ending};
use super::gmm::{MixtureFit, MixtureSettings};
use super::run::Job;
use super::{Trainee, folder};
use crate::io::tensors::{Tensor, Tensors};
use crate::io::{FileError, atomic};
use crate::prior::CODES;
use crate::report::plot::losses::{self, Curve, LossPanel};
use crate::report::{peak_memory_mb, sha256};

/// What was learned, and how it went.
pub(super) struct Learned {
    weights: Tensors,
    /// Final figures by name.
    validation: Map<String, Value>,
    /// More for the record.
    facts: Map<String, Value>,
    header: Vec<String>,
    rows: Vec<Vec<f64>>,
    panels: Vec<LossPanel>,
}

impl Learned {
    /// The best weights of the course, or the `current` ones where no epoch was finished.
    pub fn network(trainee: &dyn Trainee, course: Course, current: Option<Tensors>) -> Self {
        let kept = course.best.as_ref().map(|best| best.epoch);
        let row = kept.map(|epoch| &course.history[epoch]);
        let named = |names: &[&str], values: Option<&Vec<f64>>| -> Map<String, Value> {
            let values = values.map_or(&[][..], Vec::as_slice);
            let pairs = names.iter().zip(values);
            pairs
                .map(|(name, value)| (name.to_string(), json!(value)))
                .collect()
        };
        let steps: f64 = course.history.iter().map(|row| row.steps).sum();
        let facts = [
            ("epochs", json!(course.history.len())),
            ("best_epoch", json!(kept.map(|epoch| epoch + 1))),
            ("steps", json!(steps as u64 + course.step as u64)),
            (
                "losses",
                Value::Object(named(trainee.losses(), row.map(|r| &r.losses))),
            ),
            ("best_by_epoch", best_by_epoch(&course)),
            ("training_seconds", json!(course.seconds)),
        ];
        let curves = |names: &[&str], values: fn(&super::course::EpochRow) -> &Vec<f64>| {
            let curve = |(i, name): (usize, &&str)| Curve {
                name: name.to_string(),
                points: (1..)
                    .map(f64::from)
                    .zip(course.history.iter().map(|r| values(r)[i]))
                    .collect(),
            };
            names.iter().enumerate().map(curve).collect()
        };
        let panel = |y_title, curves, kept| LossPanel {
            x_title: "epoch",
            y_title,
            curves,
            kept,
        };
        let panels = vec![
            panel(
                "losses in training",
                curves(trainee.losses(), |r| &r.losses),
                None,
            ),
            panel(
                "validation",
                curves(trainee.measures(), |r| &r.measures),
                kept.map(|epoch| epoch as f64 + 1.0),
            ),
        ];
        let fixed = ["epoch", "steps", "seconds", "rate_factor"].map(String::from);
        let losses = trainee.losses().iter().map(|name| name.to_string());
        let measures = trainee.measures().iter().map(|name| format!("val_{name}"));
        let rows = course.history.iter().enumerate().map(|(i, row)| {
            let mut cells = vec![i as f64 + 1.0, row.steps, row.seconds, row.factor];
            cells.extend(row.losses.iter().chain(&row.measures));
            cells
        });
        Self {
            validation: named(trainee.measures(), row.map(|r| &r.measures)),
            facts: facts.map(|(k, v)| (k.to_string(), v)).into_iter().collect(),
            header: fixed.into_iter().chain(losses).chain(measures).collect(),
            rows: rows.collect(),
            panels,
            weights: course
                .best
                .map(|b| b.weights)
                .or(current)
                .unwrap_or_default(),
        }
    }

    /// Of networks that nobody trained here.
    pub fn kept(weights: Tensors) -> Self {
        Self {
            weights,
            validation: Map::new(),
            facts: Map::new(),
            header: Vec::new(),
            rows: Vec::new(),
            panels: Vec::new(),
        }
    }

    /// `nll` is the mean negative log-likelihood of training and validation; the objective of every start.
    pub fn mixture(
        fit: MixtureFit,
        settings: &MixtureSettings,
        starts: Vec<Vec<f64>>,
        nll: [f64; 2],
    ) -> Self {
        let mut weights = Tensors::default();
        insert(&mut weights, "", &fit);
        let said = [
            ("components", settings.components.to_string()),
            ("floor", settings.floor.to_string()),
        ];
        weights
            .metadata
            .extend(said.map(|(k, v)| (k.to_string(), v)));
        let rows = starts.iter().enumerate().flat_map(|(i, start)| {
            let cells =
                move |(k, objective): (usize, &f64)| vec![i as f64 + 1.0, k as f64, *objective];
            start.iter().enumerate().map(cells)
        });
        Self {
            weights,
            validation: figures([("negative_log_likelihood", json!(nll[1]))]),
            facts: figures([
                ("iterations", json!(fit.iterations)),
                ("converged", json!(fit.converged)),
                ("objective", json!(fit.trace.last())),
                ("weights", json!(fit.weights)),
                ("training_negative_log_likelihood", json!(nll[0])),
            ]),
            header: ["start", "iteration", "objective"]
                .map(String::from)
                .to_vec(),
            rows: rows.collect(),
            panels: vec![iterations(&starts, "objective / nats per pose")],
        }
    }

    /// Adds the mixture over codes to a network's weights; `nll` as for a mixture of poses.
    pub fn add_codes(&mut self, fit: MixtureFit, starts: Vec<Vec<f64>>, nll: [f64; 2]) {
        insert(&mut self.weights, CODES, &fit);
        self.validation
            .extend(figures([("codes_negative_log_likelihood", json!(nll[1]))]));
        let facts = json!({
            "iterations": fit.iterations,
            "converged": fit.converged,
            "objectives": fit.trace,
            "training_negative_log_likelihood": nll[0],
        });
        self.facts.insert("codes".into(), facts);
        self.panels
            .push(iterations(&starts, "mixture over codes / nats per pose"));
    }

    /// Where a mixture's iterations ended before they had converged.
    pub fn unfinished(&self) -> Option<String> {
        let of = |facts: &Map<String, Value>| facts.get("converged") == Some(&json!(false));
        let codes = self.facts.get("codes").and_then(Value::as_object);
        let (key, tolerance) = match codes {
            Some(codes) if of(codes) => ("codes.max_iter", "codes.tolerance"),
            None if of(&self.facts) => ("train.max_iter", "train.tolerance"),
            _ => return None,
        };
        Some(format!(
            "the mixture still gained more than `{tolerance}` in its last iteration; \
             raise `{key}` to go further"
        ))
    }

    pub fn weights(&self) -> &Tensors {
        &self.weights
    }
}

fn figures<const N: usize>(named: [(&str, Value); N]) -> Map<String, Value> {
    named.map(|(k, v)| (k.to_string(), v)).into_iter().collect()
}

fn insert(weights: &mut Tensors, prefix: &str, fit: &MixtureFit) {
    let (m, dim) = (fit.weights.len(), fit.dim);
    let single = |values: &[f64]| values.iter().map(|x| *x as f32).collect::<Vec<_>>();
    let means = Tensor::single(&[m, dim], single(&fit.means));
    let covariances = Tensor::single(&[m, dim, dim], single(&fit.covariances));
    // They stay f64: they span many orders of magnitude once they are divided by √det Σ.
    let shares = Tensor::double(&[m], fit.weights.clone());
    weights.insert(format!("{prefix}weights"), shares);
    weights.insert(format!("{prefix}means"), means);
    weights.insert(format!("{prefix}covariances"), covariances);
}

fn iterations(starts: &[Vec<f64>], y_title: &'static str) -> LossPanel {
    let curve = |(i, start): (usize, &Vec<f64>)| Curve {
        name: format!("start {}", i + 1),
        points: (0..).map(f64::from).zip(start.iter().copied()).collect(),
    };
    LossPanel {
        x_title: "iteration",
        y_title,
        curves: starts.iter().enumerate().map(curve).collect(),
        kept: None,
    }
}

/// The lowest first measure up to each epoch.
fn best_by_epoch(course: &Course) -> Value {
    let measures = course.history.iter().map(|row| row.measures[0]);
    let best = measures.scan(f64::INFINITY, |best, x| {
        *best = best.min(x);
        Some(*best)
    });
    best.collect()
}

/// Writes all files, the record last, and returns what it says.
pub(super) fn write(
    job: &Job,
    learned: &Learned,
    ending: Ending,
    remarks: &[String],
    seconds: f64,
) -> Result<Value, FileError> {
    let dir = &job.dir;
    let spec = job.spec.to_json();
    let spec_hash = sha256(spec.to_string().as_bytes());
    let mut weights = learned.weights.clone();
    let said = [
        ("kind", Some(job.plan.kind.name().to_string())),
        ("name", Some(job.spec.name.clone())),
        ("seed", Some(job.plan.seed.to_string())),
        ("spec_sha256", Some(spec_hash.clone())),
        ("fitrun", Some(env!("CARGO_PKG_VERSION").to_string())),
        ("acknowledgement", job.plan.acknowledgement.clone()),
    ];
    let said = said
        .into_iter()
        .filter_map(|(k, v)| Some((k.to_string(), v?)));
    weights.metadata.extend(said);
    weights.write(&dir.join(job.weights_file()))?;
    atomic::write(dir.join("losses.csv"), csv(learned).as_bytes())?;
    let picture = losses::plot(&learned.panels);
    let picture = picture.map_err(|e| FileError::new(dir.join("losses.svg"), e.to_string()))?;
    atomic::write(dir.join("losses.svg"), picture.as_bytes())?;
    let warnings = job.diagnostics.warnings().map(|d| d.message.clone());
    let mut record = json!({
        "fitrun": env!("CARGO_PKG_VERSION"),
        "kind": job.plan.kind.name(),
        "name": job.spec.name,
        "spec_sha256": spec_hash,
        "seed": job.plan.seed,
        "ending": ending.name(),
        "validation": learned.validation,
        "result": learned.facts,
        "data": data(job),
        "seconds": seconds,
        "threads": rayon::current_num_threads(),
        "peak_memory_mb": peak_memory_mb(),
        "warnings": warnings.chain(remarks.iter().cloned()).collect::<Vec<_>>(),
        "spec": spec,
    });
    if let Some(text) = &job.plan.acknowledgement {
        record["acknowledgement"] = json!(text);
    }
    atomic::write(dir.join(folder::RECORD), format!("{record:#}\n").as_bytes())?;
    Ok(record)
}

fn data(job: &Job) -> Value {
    let counts = &job.data.counts;
    let file = |f: &super::data::DataFile| {
        let path = f.path.display().to_string();
        json!({ "path": path, "sha256": f.sha256, "poses": f.poses })
    };
    json!({
        "files": job.data.files.iter().map(file).collect::<Vec<_>>(),
        "skipped_files": counts.skipped,
        "rows": counts.rows,
        "not_taken": counts.not_taken,
        "not_finite": counts.not_finite,
        "near_duplicates": counts.near_duplicates,
        "train": counts.train,
        "val": counts.val,
        "train_subjects": counts.train_subjects,
        "val_subjects": counts.val_subjects,
        "drawn_from_disk": job.data.train.on_disk(),
    })
}

fn csv(learned: &Learned) -> String {
    let rows = learned.rows.iter().map(|row| {
        let cells: Vec<String> = row.iter().map(|x| format!("{x}")).collect();
        cells.join(",")
    });
    let lines: Vec<String> = std::iter::once(learned.header.join(","))
        .chain(rows)
        .collect();
    lines.join("\n") + "\n"
}

impl Ending {
    /// Its name in `train.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::EarlyStop => "early_stop",
            Self::TimeLimit => "time_limit",
            Self::Interrupted => "interrupted",
            Self::Diverged => "diverged",
        }
    }
}
