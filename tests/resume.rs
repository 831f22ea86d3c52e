//! Interrupted runs: what they leave, and that they go on from there.

mod common;

use std::path::{Path, PathBuf};

use common::example;
use fitrun::{Outcome, RunOptions, Status};

/// A spec over the example's markers in a folder of its own.
fn spec(folder: &Path, more: &str) -> PathBuf {
    let path = folder.join("walk.toml");
    let text = format!(
        "fitrun = 1\nextends = \"presets/markers.toml\"\n[data.markers]\nfile = {:?}\n\
         array = \"markers\"\naxes = [\"frame\", \"marker\", \"xyz\"]\nnames = \"marker_names\"\n\
         [output]\nwrite = [\"params.npz\"]\nplots = []\n[solve]\nmax_iter = 3000\n{more}",
        example("walk.npz")
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// Runs until the stage of this name has gone `rounds` rounds, or to the end.
fn run_until(spec: &Path, options: &RunOptions, stop: Option<(&str, usize)>) -> Outcome {
    let report = &mut |p: fitrun::FitProgress<'_>| match stop {
        Some((stage, rounds)) => !(p.stage == stage && p.progress.rounds >= rounds),
        None => true,
    };
    fitrun::run(spec, options, report).unwrap_or_else(|e| panic!("{e}"))
}

fn to(folder: &Path, name: &str) -> RunOptions {
    RunOptions {
        out: Some(folder.join(name)),
        ..RunOptions::default()
    }
}

/// Largest difference of all joints of all frames.
fn difference(a: &Path, b: &Path) -> f64 {
    let joints = |run: &Path| fitrun::read_array(run.join("params.npz"), "joints").unwrap();
    let (a, b) = (joints(a), joints(b));
    let pairs = a.iter().zip(&b).map(|(a, b)| (a - b).abs());
    pairs.fold(0.0, |most, d| {
        if d.is_nan() {
            f64::INFINITY
        } else {
            most.max(d)
        }
    })
}

#[test]
fn a_run_goes_on_from_any_stage_where_it_was_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(folder.path(), "");
    let whole = run_until(&spec, &to(folder.path(), "whole"), None);
    for (stage, rounds, close) in [
        ("place", 3, 0.0),
        ("reach", 8, 0.0),
        ("shape", 3, 0.0),
        ("pose", 4, 0.0),
    ] {
        let options = to(folder.path(), stage);
        let broken = run_until(&spec, &options, Some((stage, rounds)));
        assert!(broken.fit.status.contains(&Status::Interrupted), "{stage}");
        assert!(broken.dir.join("resume.npz").is_file(), "{stage}");
        assert!(broken.dir.join("params.npz").is_file(), "{stage}");
        let again = RunOptions {
            resume: true,
            ..options
        };
        let resumed = run_until(&spec, &again, None);
        assert_eq!(resumed.dir, broken.dir, "{stage}");
        let converged = |s: &Status| *s == Status::Converged;
        assert!(
            resumed.fit.status.iter().all(converged),
            "{stage}: {:?}",
            resumed.fit.status
        );
        assert!(!resumed.dir.join("resume.npz").exists(), "{stage}");
        let distance = difference(&resumed.dir, &whole.dir);
        assert!(distance <= close, "{stage}: {distance} m");
    }
}

#[test]
fn frames_that_were_done_keep_their_bits() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(folder.path(), "");
    let options = to(folder.path(), "run");
    let broken = run_until(&spec, &options, Some(("pose", 8)));
    let done = broken.fit.checkpoint.clone().unwrap().done;
    assert!(done.contains(&true) && done.contains(&false), "{done:?}");
    let again = RunOptions {
        resume: true,
        ..options
    };
    let resumed = run_until(&spec, &again, None);
    for frame in (0..60).filter(|&f| done[f]) {
        let pose = |o: &Outcome| {
            let found = o.fit.variable(&o.checked.problem, "pose_body", frame);
            found.unwrap().to_vec()
        };
        assert_eq!(pose(&broken), pose(&resumed), "frame {frame}");
    }
}

#[test]
fn a_checkpoint_of_anything_else_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = spec(folder.path(), "");
    let options = RunOptions {
        resume: true,
        ..to(folder.path(), "run")
    };
    let refused = |path: &Path| {
        let error = fitrun::run(path, &options, &mut |_| true).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error
            .to_string()
            .replace(&folder.path().display().to_string(), "DIR")
    };
    assert_eq!(
        refused(&path),
        "cannot resume: `DIR/run` holds no `resume.npz` of an interrupted run; run without `--resume`, or name the run's folder with `--out`"
    );
    let broken = run_until(&path, &to(folder.path(), "run"), Some(("reach", 5)));
    let changed = spec(folder.path(), "[terms.shape]\nweight = 2.0\n");
    let other = "cannot resume: `DIR/run/resume.npz`: was left by another spec, or its input \
                 files have changed since; run without `--resume` to start anew";
    assert_eq!(refused(&changed), other);
    let checkpoint = broken.dir.join("resume.npz");
    let bytes = std::fs::read(&checkpoint).unwrap();
    let path = spec(folder.path(), "");
    std::fs::write(&checkpoint, &bytes[..bytes.len() / 2]).unwrap();
    assert!(refused(&path).starts_with("cannot resume: `DIR/run/resume.npz`"));
    assert!(broken.dir.join("params.npz").is_file());
    std::fs::write(&checkpoint, &bytes).unwrap();
    let resumed = fitrun::run(&path, &options, &mut |_| true).unwrap();
    assert!(resumed.fit.status.iter().all(|s| *s == Status::Converged));
}

#[test]
fn what_a_killed_run_left_is_taken_up_or_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(folder.path(), "");
    let whole = run_until(&spec, &to(folder.path(), "whole"), None);
    let options = to(folder.path(), "run");
    // A process that is killed leaves its folder under the temporary name, with a lock that nobody holds.
    let killed = folder.path().join(".run.1-0.tmp");
    let kill = || {
        let broken = run_until(&spec, &to(folder.path(), "run"), Some(("shape", 2)));
        std::fs::rename(&broken.dir, &killed).unwrap();
        std::fs::write(killed.join(".alive"), "").unwrap();
    };
    kill();
    let again = RunOptions {
        resume: true,
        ..options.clone()
    };
    let resumed = run_until(&spec, &again, None);
    assert_eq!(difference(&resumed.dir, &whole.dir), 0.0);
    assert!(!killed.exists() && !resumed.dir.join(".alive").exists());
    std::fs::remove_dir_all(&resumed.dir).unwrap();
    kill();
    let fresh = run_until(&spec, &options, None);
    assert!(!killed.exists());
    let said = |r: &String| r.contains("`--resume` would have gone on");
    assert!(fresh.remarks.iter().any(said), "{:?}", fresh.remarks);
}
