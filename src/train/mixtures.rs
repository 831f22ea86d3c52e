//! Trainings of mixtures: over poses, and over the codes of a VPoser once its networks are there.

use std::time::Instant;

use rayon::prelude::*;

use super::course::{Ending, TrainProgress};
use super::gmm::{Mirror, MixtureError, MixtureFit, MixtureSettings, fit_mixture};
use super::kind::{Kind, Maker};
use super::outputs::Learned;
use super::run::{Job, TrainOptions};
use super::settings::CodesSettings;
use super::{data, folder};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::error::Error;
use crate::io::published::published;
use crate::io::tensors::Tensors;
use crate::io::{FileError, weights};
use crate::prior::Prior;

/// The networks of a mixture over codes are those of this kind.
const VPOSER: &str = "vposer";

/// Poses that codes are taken of, at most; their mirror images come on top.
const CODED: usize = 100_000;
/// Poses that are encoded at once.
const ROWS: usize = 1024;

type Progress<'a> = &'a mut dyn FnMut(&TrainProgress<'_>) -> bool;

/// A mixture with the objective of each start's iterations.
struct Run {
    fit: MixtureFit,
    starts: Vec<Vec<f64>>,
}

impl Job {
    pub(super) fn mixture(
        &self,
        settings: &MixtureSettings,
        options: &TrainOptions,
        progress: Progress<'_>,
    ) -> Result<(Learned, Ending), Error> {
        let samples = self.poses(self.data.train.len())?;
        let mirror: Option<Mirror> = self.plan.mirror.then_some(data::mirror);
        let run = run(&samples, data::POSE, mirror, settings, progress)?;
        let Run { fit, starts } = run.ok_or_else(interrupted)?;
        let nll = [nll(&fit, &samples)?, nll(&fit, &wide(&self.data.val))?];
        folder::open(&self.dir, &self.weights_file(), options)?;
        let learned = Learned::mixture(fit, settings, starts, nll);
        Ok((learned, Ending::Completed))
    }

    /// VPoser's networks, in training or as a file holds them, and then the mixture over the codes
    /// of the training's poses: ex-post density estimation (Ghosh et al. 2020).
    pub(super) fn coded(
        &self,
        settings: &CodesSettings,
        options: &TrainOptions,
        make: Maker,
        progress: Progress<'_>,
    ) -> Result<(Learned, Ending), Error> {
        let (mut learned, ending) = match &self.network {
            Some(_) if options.resume => {
                let message = "only a mixture is trained, which has no checkpoints; \
                               train without `--resume`";
                return Err(Error::Resume {
                    message: message.into(),
                });
            }
            Some(network) => (Learned::kept(network.clone()), Ending::Completed),
            None => self.network(options, make, progress)?,
        };
        if ending == Ending::Interrupted {
            return Ok((learned, ending));
        }
        let prior = Prior::from_tensors(VPOSER, learned.weights());
        let prior = prior.map_err(|message| Error::Training { message })?;
        let coded = codes(&prior, &self.poses(CODED)?);
        let run = run(
            &coded,
            prior.latent_dim(),
            None,
            &settings.mixture,
            progress,
        )?;
        let Run { fit, starts } = match run {
            None if self.network.is_some() => return Err(interrupted()),
            None => return Ok((learned, Ending::Interrupted)),
            Some(run) => run,
        };
        let nll = [
            nll(&fit, &coded)?,
            nll(&fit, &codes(&prior, &wide(&self.data.val)))?,
        ];
        if self.network.is_some() {
            folder::open(&self.dir, &self.weights_file(), options)?;
        }
        learned.add_codes(fit, starts, nll);
        Ok((learned, ending))
    }

    /// Evenly spaced poses of the training, and where the spec wants it each in a mirror too.
    fn poses(&self, most: usize) -> Result<Vec<f64>, Error> {
        let mut poses = self.data.train.sample(most)?;
        if self.plan.mirror {
            let mut others = poses.clone();
            others.chunks_exact_mut(data::POSE).for_each(data::mirror);
            poses.extend(others);
        }
        Ok(wide(&poses))
    }
}

/// The weights of a VPoser that a spec keeps as it is; what is wrong with them goes to `diagnostics`.
pub(super) fn kept_network(kind: &Kind, diagnostics: &mut Diagnostics) -> Option<Tensors> {
    let Kind::VposerGmm(
        _,
        CodesSettings {
            network: Some((path, origin)),
            ..
        },
    ) = kind
    else {
        return None;
    };
    let read = weights::read(path).map(|tensors| published(&tensors));
    let checked = read.and_then(|tensors| match Prior::from_tensors(VPOSER, &tensors) {
        Ok(_) => Ok(tensors),
        Err(message) => Err(FileError::new(path, message)),
    });
    let told =
        |error: FileError| diagnostics.push(Diagnostic::error("F0401", error.to_string(), origin));
    checked.map_err(told).ok()
}

/// `None` where the caller stopped it.
fn run(
    samples: &[f64],
    dims: usize,
    mirror: Option<Mirror>,
    settings: &MixtureSettings,
    progress: Progress<'_>,
) -> Result<Option<Run>, Error> {
    let mut starts: Vec<Vec<f64>> = Vec::new();
    let begun = Instant::now();
    let mut rounds = 0;
    let mut listen = |iteration: usize, objective: f64| {
        if iteration == 0 {
            starts.push(Vec::new());
        }
        if let Some(start) = starts.last_mut() {
            start.push(objective);
        }
        rounds += 1;
        let rate = rounds as f64 / begun.elapsed().as_secs_f64().max(1e-9);
        let left = (settings.restarts - starts.len() + 1) * (settings.max_iter + 1) - iteration - 1;
        progress(&TrainProgress {
            epoch: starts.len() - 1,
            epochs: settings.restarts,
            step: iteration,
            steps: settings.max_iter,
            losses: vec![("objective", objective)],
            measures: Vec::new(),
            steps_per_second: rate,
            remaining: left as f64 / rate,
            remark: None,
        })
    };
    match fit_mixture(samples, dims, mirror, settings, &mut listen) {
        Ok(fit) => Ok(Some(Run { fit, starts })),
        Err(MixtureError::Stopped) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// The mean negative log-likelihood, nats.
fn nll(fit: &MixtureFit, samples: &[f64]) -> Result<f64, Error> {
    fit.mean_negative_log_likelihood(samples).map_err(failed)
}

fn interrupted() -> Error {
    let message = "interrupted; a mixture has no checkpoints".into();
    Error::Training { message }
}

fn failed(error: MixtureError) -> Error {
    let message = error.to_string();
    Error::Training { message }
}

/// Codes of poses, (rows, 63) to (rows, latent).
fn codes(prior: &Prior, poses: &[f64]) -> Vec<f64> {
    let parts = poses.par_chunks(ROWS * data::POSE);
    let parts: Vec<Vec<f64>> = parts.map(|p| prior.encode(p).unwrap_or_default()).collect();
    parts.concat()
}

fn wide(poses: &[f32]) -> Vec<f64> {
    poses.iter().map(|x| f64::from(*x)).collect()
}
