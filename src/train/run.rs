//! `fitrun train`: spec → plan → poses → network or mixture → weights, record and plots.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use super::checkpoint::{self, Identity};
use super::course::{self, Course, Ending, Hooks, TrainProgress};
use super::data::{self, DataSettings, PoseData};
use super::kind::{self, Kind, Maker};
use super::mixtures::kept_network;
use super::outputs::{self, Learned};
use super::plan::{Plan, plan};
use super::{Trainee, folder};
use crate::body::BodyModel;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::error::Error;
use crate::io::FileError;
use crate::io::tensors::Tensors;
use crate::spec::{Language, Spec};

/// What the command line says besides the spec.
#[derive(Clone, Debug, Default)]
pub struct TrainOptions {
    /// `path.to.key=value`, laid over the spec.
    pub sets: Vec<String>,
    /// The training's folder, instead of the spec's.
    pub out: Option<PathBuf>,
    /// Replace an earlier training instead of taking the next number.
    pub force: bool,
    /// Go on from where the last training of this spec was interrupted.
    pub resume: bool,
}

/// A training that ended.
#[derive(Clone, Debug)]
pub struct Trained {
    pub spec: Spec,
    /// Warnings only.
    pub diagnostics: Diagnostics,
    pub ending: Ending,
    /// The folder that holds the weights, `train.json` and the plots.
    pub dir: PathBuf,
    /// What `train.json` says.
    pub record: Value,
    /// What the training itself gave reason to say.
    pub remarks: Vec<String>,
}

/// Trains a prior from its spec; `progress` hears of every step and can stop it.
///
/// ```no_run
/// use std::path::Path;
///
/// let options = fitrun::TrainOptions::default();
/// let trained = fitrun::train_prior(Path::new("prior.toml"), &options, &mut |_| true)?;
/// println!("{}", trained.dir.display());
/// # Ok::<(), fitrun::Error>(())
/// ```
pub fn train_prior(
    path: &Path,
    options: &TrainOptions,
    progress: &mut dyn FnMut(&TrainProgress<'_>) -> bool,
) -> Result<Trained, Error> {
    train_with(path, options, kind::trainee, progress)
}

/// As [`train_prior`], with networks from elsewhere.
pub(super) fn train_with(
    path: &Path,
    options: &TrainOptions,
    make: Maker,
    progress: &mut dyn FnMut(&TrainProgress<'_>) -> bool,
) -> Result<Trained, Error> {
    let begun = Instant::now();
    let job = Job::read(path, options)?;
    let mut remarks = Vec::new();
    let mut listen = |event: &TrainProgress<'_>| {
        remarks.extend(event.remark.clone());
        progress(event)
    };
    let (learned, ending) = match &job.plan.kind {
        Kind::Mixture(settings) => job.mixture(settings, options, &mut listen)?,
        Kind::VposerGmm(_, codes) => job.coded(codes, options, make, &mut listen)?,
        _ => job.network(options, make, &mut listen)?,
    };
    if let Some(remark) = learned.unfinished() {
        remarks.push(remark);
    }
    if ending == Ending::Diverged {
        remarks.push("a loss is not finite any more; the weights are the best from before: lower the learning rates".into());
    }
    let seconds = begun.elapsed().as_secs_f64();
    let record = outputs::write(&job, &learned, ending, &remarks, seconds)?;
    if matches!(ending, Ending::Completed | Ending::EarlyStop) {
        // The results are written; without this file nothing is left to resume.
        let _ = std::fs::remove_file(job.dir.join(checkpoint::FILE));
    }
    Ok(Trained {
        spec: job.spec,
        diagnostics: job.diagnostics,
        ending,
        dir: job.dir,
        record,
        remarks,
    })
}

/// A training that was read and checked.
pub(super) struct Job {
    pub spec: Spec,
    pub plan: Plan,
    pub data: PoseData,
    pub body: BodyModel,
    /// Weights of networks that are kept as they are.
    pub network: Option<Tensors>,
    pub diagnostics: Diagnostics,
    pub dir: PathBuf,
    pub identity: Identity,
}

impl Job {
    fn read(path: &Path, options: &TrainOptions) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::Spec {
            path: path.into(),
            reason: FileError::reading(path, &e).message,
        })?;
        let mut diagnostics = Diagnostics::default();
        let spec = crate::spec::parse_in(
            (Language::Train, Vec::new()),
            path,
            &text,
            &options.sets.as_slice().into(),
            &mut diagnostics,
        );
        let reject = |spec: Spec, diagnostics: Diagnostics| Error::Rejected {
            diagnostics: diagnostics.into(),
            sources: spec.sources.into(),
        };
        if diagnostics.unreadable() {
            return Err(reject(spec, diagnostics));
        }
        let plan = plan(&spec, &mut diagnostics);
        let settings = DataSettings::of(&spec, &mut diagnostics);
        let body = plan
            .as_ref()
            .and_then(|plan| read_body(plan, &mut diagnostics));
        let network = plan
            .as_ref()
            .and_then(|plan| kept_network(&plan.kind, &mut diagnostics));
        let (Some(plan), Some(settings), Some(body), false) =
            (plan, settings, body, diagnostics.has_errors())
        else {
            return Err(reject(spec, diagnostics));
        };
        let dir = folder::target(&plan.dir, options)?;
        let scratch = dir.parent().unwrap_or(Path::new(""));
        let data = data::read(&settings, plan.seed, scratch, &mut diagnostics);
        let data = data.filter(|data| enough(&plan, &settings, data, &mut diagnostics));
        match data {
            Some(data) => Ok(Self {
                identity: identity(&spec, &data),
                spec,
                plan,
                data,
                body,
                network,
                diagnostics,
                dir,
            }),
            None => Err(reject(spec, diagnostics)),
        }
    }

    pub fn weights_file(&self) -> String {
        format!("{}.safetensors", self.spec.name)
    }

    pub(super) fn network(
        &self,
        options: &TrainOptions,
        make: Maker,
        progress: &mut dyn FnMut(&TrainProgress<'_>) -> bool,
    ) -> Result<(Learned, Ending), Error> {
        const SAMPLE: usize = 100_000;
        let mut poses = self.data.train.sample(SAMPLE)?;
        if self.plan.mirror {
            let mut others = poses.clone();
            others.chunks_exact_mut(data::POSE).for_each(data::mirror);
            poses.extend(others);
        }
        let made = make(&self.plan.kind, &self.body, &poses, self.plan.seed);
        let mut trainee = made.ok_or_else(|| Error::Training {
            message: format!(
                "this build has no network of the kind `{}`",
                self.plan.kind.name()
            ),
        })?;
        let trainee: &mut dyn Trainee = trainee.as_mut();
        let path = self.dir.join(checkpoint::FILE);
        let mut course = match options.resume {
            true => {
                checkpoint::read(&path, &self.identity, trainee).map_err(|e| Error::Resume {
                    message: format!("{e}; train without `--resume` to start anew"),
                })?
            }
            false => Course::new(self.plan.seed, trainee.losses().len()),
        };
        folder::open(&self.dir, &self.weights_file(), options)?;
        let mut save = |trainee: &dyn Trainee, course: &Course| {
            let written = checkpoint::write(&path, &self.identity, trainee, course);
            written.map_err(|e| e.to_string())
        };
        let mut hooks = Hooks {
            progress,
            save: &mut save,
        };
        let settings = &self.plan.course;
        let ending = course::follow(trainee, &self.data, settings, &mut course, &mut hooks)?;
        if ending == Ending::Diverged && course.best.is_none() {
            return Err(Error::Training {
                message: "a loss is not finite in the first epoch; lower the learning rates".into(),
            });
        }
        let current = course.best.is_none().then(|| trainee.weights());
        Ok((Learned::network(trainee, course, current), ending))
    }
}

fn read_body(plan: &Plan, diagnostics: &mut Diagnostics) -> Option<BodyModel> {
    let read = match plan.body.as_str() {
        "builtin" => BodyModel::builtin(None),
        path => BodyModel::from_file(Path::new(path), None),
    };
    read.map_err(|error| {
        diagnostics.push(Diagnostic::error(
            "F0401",
            error.to_string(),
            &plan.body_origin,
        ));
    })
    .ok()
}

/// A step needs a batch, and a mixture a pose for each component.
fn enough(
    plan: &Plan,
    settings: &DataSettings,
    data: &PoseData,
    diagnostics: &mut Diagnostics,
) -> bool {
    for remark in &data.remarks {
        diagnostics.push(Diagnostic::warning("F0605", remark, &settings.train_origin));
    }
    let (least, what, key) = match &plan.kind {
        Kind::Mixture(mixture) => (mixture.components, "components", "prior.components"),
        Kind::VposerGmm(_, codes) if codes.network.is_some() => {
            (codes.mixture.components, "components", "codes.components")
        }
        _ => (plan.course.batch, "poses of a batch", "train.batch"),
    };
    let found = data.train.len();
    if found < least {
        let message = format!("there are {found} poses to train on, fewer than the {least} {what}");
        let diagnostic = Diagnostic::error("F0604", message, &settings.train_origin);
        diagnostics.push(diagnostic.hint(match found {
            0 | 1 => "more poses are needed".into(),
            _ => format!("`{key}` can be at most {found}"),
        }));
    }
    found >= least
}

/// What a checkpoint is compared with: everything that the weights depend on.
fn identity(spec: &Spec, data: &PoseData) -> Identity {
    let mut json = spec.to_json();
    let mut forget = |section: &str, keys: &[&str]| {
        if let Some(table) = json.get_mut(section).and_then(Value::as_object_mut) {
            keys.iter().for_each(|key| {
                table.remove(*key);
            });
        }
    };
    forget("data", &["train", "val"]);
    forget("train", &["max_time", "checkpoint_every"]);
    if let Some(tables) = json.as_object_mut() {
        // A mixture over codes comes after all that a checkpoint holds.
        ["output", "name", "extends", "codes"]
            .iter()
            .for_each(|key| {
                tables.remove(*key);
            });
    }
    let files = data.files.iter();
    Identity {
        spec: json,
        files: files
            .map(|f| (f.path.display().to_string(), f.sha256.clone()))
            .collect(),
    }
}
