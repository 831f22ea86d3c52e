use std::path::{Path, PathBuf};

use super::kind::Kind;
use super::run::train_with;
use super::{Ending, TrainOptions, TrainProgress, Trained, Trainee};
use crate::body::BodyModel;
use crate::error::Error;
use crate::io::npz::NpzWriter;
use crate::io::tensors::{Tensor, Tensors};
use crate::random::SplitMix64;

/// A pose's 63 numbers rebuilt from one code, w (w·x), with noise on its input and momentum.
struct Linear {
    w: Vec<f32>,
    velocity: Vec<f32>,
    rate: f64,
    factor: f64,
}

impl Linear {
    fn make(kind: &Kind, _: &BodyModel, _: &[f32], seed: u64) -> Option<Box<dyn Trainee>> {
        let Kind::Vposer(settings) = kind else {
            return None;
        };
        let mut random = SplitMix64(seed);
        Some(Box::new(Self {
            w: (0..63).map(|_| 0.1 * random.normal() as f32).collect(),
            velocity: vec![0.0; 63],
            rate: settings.learning_rate,
            factor: 1.0,
        }))
    }

    fn error(&self, pose: &[f32]) -> (f32, Vec<f32>) {
        let code: f32 = pose.iter().zip(&self.w).map(|(x, w)| x * w).sum();
        let error = pose.iter().zip(&self.w).map(|(x, w)| code * w - x);
        (code, error.collect())
    }
}

impl Trainee for Linear {
    fn losses(&self) -> &'static [&'static str] {
        &["total"]
    }

    fn measures(&self) -> &'static [&'static str] {
        &["error"]
    }

    fn begin_epoch(&mut self, _: usize) {}

    fn scale_learning_rate(&mut self, factor: f64) {
        self.factor = factor;
    }

    fn step(&mut self, batch: &[f32], random: &mut SplitMix64) -> Vec<f64> {
        let mut gradient = vec![0.0; 63];
        let mut total = 0.0;
        for pose in batch.chunks_exact(63) {
            let noisy: Vec<f32> = pose
                .iter()
                .map(|x| x + 0.01 * random.normal() as f32)
                .collect();
            let (code, error) = self.error(&noisy);
            let along: f32 = error.iter().zip(&self.w).map(|(e, w)| e * w).sum();
            for i in 0..63 {
                gradient[i] += 2.0 * (error[i] * code + along * noisy[i]);
            }
            total += f64::from(error.iter().map(|e| e * e).sum::<f32>());
        }
        let rows = (batch.len() / 63) as f32;
        for i in 0..63 {
            self.velocity[i] = 0.9 * self.velocity[i] + gradient[i] / rows;
            self.w[i] -= (self.rate * self.factor) as f32 * self.velocity[i];
        }
        vec![total / f64::from(rows)]
    }

    fn validate(&mut self, poses: &[f32]) -> Vec<f64> {
        let of = |pose: &[f32]| f64::from(self.error(pose).1.iter().map(|e| e * e).sum::<f32>());
        vec![poses.chunks_exact(63).map(of).sum::<f64>() / (poses.len() / 63) as f64]
    }

    fn state(&self) -> Tensors {
        let mut state = self.weights();
        state.insert("velocity", Tensor::single(&[63], self.velocity.clone()));
        state
    }

    fn restore(&mut self, state: &Tensors) -> Result<(), String> {
        let single = |name: &str| -> Result<Vec<f32>, String> {
            Ok(state
                .get(name, &[63])?
                .data
                .iter()
                .map(|x| *x as f32)
                .collect())
        };
        (self.w, self.velocity) = (single("w")?, single("velocity")?);
        Ok(())
    }

    fn weights(&self) -> Tensors {
        let mut weights = Tensors::default();
        weights.insert("w", Tensor::single(&[63], self.w.clone()));
        weights
    }
}

/// Poses that vary along one direction, and a spec over them.
fn spec(folder: &Path, more: &str) -> PathBuf {
    for (name, rows, seed) in [("train", 300, 1), ("val", 50, 2)] {
        let mut random = SplitMix64(seed);
        let mut values = Vec::new();
        for _ in 0..rows {
            let along = random.normal();
            values.extend((0..63).map(|i| 0.1 * along * f64::from(i % 5) + 0.01 * random.normal()));
        }
        let mut file = NpzWriter::create(folder.join(format!("{name}.npz")));
        file.floats64("pose_body", &[rows, 63], &values).unwrap();
        file.finish().unwrap();
    }
    let path = folder.join("prior.toml");
    let text = format!(
        "fitrun = 1\nprior = \"vposer\"\n[data]\ntrain = \"train.npz\"\nval = \"val.npz\"\n\
         near_duplicates = \"0 deg\"\nmirror = false\n[train]\nbatch = 32\nepochs = 6\n{more}"
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn to(folder: &Path, name: &str) -> TrainOptions {
    TrainOptions {
        out: Some(folder.join(name)),
        ..TrainOptions::default()
    }
}

/// Trains until this many steps were reported, or to the end.
fn train(spec: &Path, options: &TrainOptions, stop: Option<usize>) -> Result<Trained, Error> {
    let mut steps = 0;
    let mut progress = |_: &TrainProgress<'_>| {
        steps += 1;
        stop != Some(steps)
    };
    train_with(spec, options, Linear::make, &mut progress)
}

fn weights(trained: &Trained) -> Vec<u8> {
    std::fs::read(trained.dir.join("prior.safetensors")).unwrap()
}

fn arrays(trained: &Trained) -> Tensors {
    let mut tensors = Tensors::read(&trained.dir.join("prior.safetensors")).unwrap();
    tensors.metadata.clear();
    tensors
}

#[test]
fn interrupted_and_resumed_gives_the_bits_of_an_uninterrupted_training() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(folder.path(), "");
    let whole = train(&spec, &to(folder.path(), "whole"), None).unwrap();
    assert_eq!(whole.ending, Ending::Completed);
    assert!(!weights(&whole).is_empty() && !whole.dir.join("checkpoint.safetensors").exists());
    let options = to(folder.path(), "broken");
    let resume = TrainOptions {
        resume: true,
        ..options.clone()
    };
    // Within the first epoch, at its end, and later; nine steps make an epoch.
    let mut broken = train(&spec, &options, Some(4)).unwrap();
    for stop in [5, 11, 13] {
        assert_eq!(broken.ending, Ending::Interrupted);
        assert!(broken.dir.join("checkpoint.safetensors").is_file());
        broken = train(&spec, &resume, Some(stop)).unwrap();
    }
    let resumed = train(&spec, &resume, None).unwrap();
    assert_eq!(resumed.ending, Ending::Completed);
    assert_eq!(arrays(&resumed), arrays(&whole));
    for key in ["validation", "result"] {
        let mut pair = [&whole, &resumed].map(|t| t.record[key].clone());
        pair.iter_mut()
            .for_each(|v| v["training_seconds"] = 0.into());
        assert_eq!(pair[0], pair[1], "{key}");
    }
    let first = whole.record["result"]["best_by_epoch"][0].as_f64().unwrap();
    let last = whole.record["validation"]["error"].as_f64().unwrap();
    assert!(last < 0.5 * first, "{first} → {last}");
}

#[test]
fn another_spec_or_other_data_is_refused_by_name_and_the_checkpoint_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = spec(folder.path(), "");
    let options = to(folder.path(), "run");
    let broken = train(&path, &options, Some(4)).unwrap();
    let resume = TrainOptions {
        resume: true,
        ..options
    };
    let refused = |options: &TrainOptions| {
        let error = train(&path, options, None).unwrap_err();
        error
            .to_string()
            .replace(&folder.path().display().to_string(), "DIR")
    };
    let changed = TrainOptions {
        sets: vec!["train.batch=16".into()],
        ..resume.clone()
    };
    assert_eq!(
        refused(&changed),
        "cannot resume: `DIR/run/checkpoint.safetensors`: was left by another training; changed since: \
         `train.batch` (was 32, is 16); train without `--resume` to start anew"
    );
    std::fs::copy(
        folder.path().join("val.npz"),
        folder.path().join("kept.npz"),
    )
    .unwrap();
    let mut file = NpzWriter::create(folder.path().join("val.npz"));
    file.floats64("pose_body", &[40, 63], &[0.25; 40 * 63])
        .unwrap();
    file.finish().unwrap();
    let said = refused(&resume);
    assert!(
        said.contains("changed since: the data (`DIR/val.npz`"),
        "{said}"
    );
    std::fs::copy(
        folder.path().join("kept.npz"),
        folder.path().join("val.npz"),
    )
    .unwrap();
    let resumed = train(&path, &resume, None).unwrap();
    assert_eq!(
        (resumed.ending, &resumed.dir),
        (Ending::Completed, &broken.dir)
    );
}

#[test]
fn losses_that_explode_keep_the_best_weights_or_say_that_there_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let wild = spec(folder.path(), "learning_rate = 1e30\n");
    let error = train(&wild, &to(folder.path(), "wild"), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot train: a loss is not finite in the first epoch; lower the learning rates"
    );
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_a_remark_and_the_training_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(folder.path(), "");
    let blocked = folder.path().join("run");
    let mut first = true;
    let mut progress = |_: &TrainProgress<'_>| {
        if std::mem::take(&mut first) {
            std::fs::create_dir(blocked.join("checkpoint.safetensors")).unwrap();
        }
        true
    };
    let trained = train_with(
        &spec,
        &to(folder.path(), "run"),
        Linear::make,
        &mut progress,
    )
    .unwrap();
    assert_eq!(trained.ending, Ending::Completed);
    assert!(
        trained.remarks[0].ends_with("a checkpoint from before stays as it is"),
        "{:?}",
        trained.remarks
    );
    assert!(!weights(&trained).is_empty());
}

#[test]
fn a_second_training_takes_the_next_name_and_force_replaces_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(folder.path(), "");
    let options = to(folder.path(), "run");
    assert_eq!(
        train(&spec, &options, None).unwrap().dir,
        folder.path().join("run")
    );
    assert_eq!(
        train(&spec, &options, None).unwrap().dir,
        folder.path().join("run-2")
    );
    let force = TrainOptions {
        force: true,
        ..options
    };
    assert_eq!(
        train(&spec, &force, None).unwrap().dir,
        folder.path().join("run")
    );
    let other = TrainOptions {
        out: Some(folder.path().to_path_buf()),
        ..force
    };
    let said = train(&spec, &other, None).unwrap_err().to_string();
    assert!(said.contains("it holds no `train.json`"), "{said}");
}

#[test]
fn a_training_without_gain_stops_early_and_keeps_the_best_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(folder.path(), "patience = 2\nlearning_rate = 1e-30\n");
    let trained = train(&spec, &to(folder.path(), "run"), None).unwrap();
    assert_eq!(trained.ending, Ending::EarlyStop);
    assert_eq!(trained.record["result"]["epochs"], 3);
    assert_eq!(trained.record["result"]["best_epoch"], 1);
}
