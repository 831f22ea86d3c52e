//! `fitrun train` through the command line: what is refused with which words, and what a training leaves.
//!
//! `UPDATE=1 cargo test --test training` writes the messages anew.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fitrun::NpzWriter;
use serde_json::Value;

const POSE: usize = 63;

/// Poses whose numbers are waves of their row and column.
fn poses(path: &Path, rows: usize, phase: f64, scale: f64) {
    let value = |i: usize| {
        let (row, column) = ((i / POSE) as f64, (i % POSE) as f64);
        scale * (0.37 * row + 1.7 * column + phase).sin() + 0.1 * (1.3 * row * column).cos()
    };
    let values: Vec<f64> = (0..rows * POSE).map(value).collect();
    let mut file = NpzWriter::create(path);
    file.floats64("pose_body", &[rows, POSE], &values).unwrap();
    file.finish().unwrap();
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    poses(&at("train.npz"), 300, 0.0, 0.5);
    poses(&at("val.npz"), 60, 2.0, 0.5);
    poses(&at("degrees.npz"), 60, 1.0, 40.0);
    std::fs::create_dir(at("shapes")).unwrap();
    poses(&at("shapes/shape.npz"), 5, 0.0, 0.5);
    folder
}

fn fitrun(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fitrun"));
    command.args(arguments).current_dir(folder);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_rejected_training_has_its_whole_message() {
    let folder = folder();
    let mut specs: Vec<PathBuf> = std::fs::read_dir(root().join("tests/rejected_training"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    specs.sort();
    assert!(specs.len() >= 7, "{specs:?}");
    for spec in specs {
        let name = spec.file_name().unwrap().to_str().unwrap();
        std::fs::copy(&spec, folder.path().join(name)).unwrap();
        let output = fitrun(folder.path(), &["train", name]);
        let found = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {found}");
        let beside = spec.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&beside, &found).unwrap();
        }
        assert_eq!(
            found,
            std::fs::read_to_string(&beside).unwrap_or_default(),
            "{name}"
        );
    }
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn a_mixture_is_trained_recorded_and_can_be_read_again() {
    let folder = folder();
    let spec = root().join("specs/train/gmm.toml");
    let sets = [
        "--set",
        "data.train=train.npz",
        "--set",
        "data.val=val.npz",
        "--set",
        "prior.components=2",
        "--set",
        "train.restarts=2",
        "--set",
        "train.max_iter=5",
    ];
    let run = |more: &[&str]| {
        let output = fitrun(
            folder.path(),
            &[
                &["train", spec.to_str().unwrap(), "--json"],
                &sets[..],
                more,
            ]
            .concat(),
        );
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let record = run(&[]);
    let dir = folder.path().join("runs/train/gmm");
    assert_eq!(record["data"]["train"], 300);
    assert_eq!(record["data"]["val"], 60);
    assert!(record["validation"]["negative_log_likelihood"].is_number());
    for file in ["gmm.safetensors", "train.json", "losses.csv", "losses.svg"] {
        assert!(dir.join(file).is_file(), "{file}");
    }
    let fitrun::Prior::Mixture(mixture) =
        fitrun::Prior::from_file("gmm", &dir.join("gmm.safetensors")).unwrap()
    else {
        panic!("no mixture was written");
    };
    assert_eq!((mixture.dims, mixture.means.len()), (63, 2));
    let again = run(&[]);
    assert!(folder.path().join("runs/train/gmm-2/train.json").is_file());
    assert_eq!(again["result"], record["result"]);
}

#[test]
fn a_mixture_over_codes_is_added_to_networks_in_training_or_from_a_file() {
    let folder = folder();
    let train = |head: &str, name: &str| {
        let data = "[data]\ntrain = \"train.npz\"\nval = \"val.npz\"\n[codes]\ncomponents = 3\n";
        let spec = format!("fitrun = 1\n{head}{data}");
        std::fs::write(folder.path().join(name), spec).unwrap();
        let output = fitrun(folder.path(), &["train", name, "--json"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let small = "[train]\nepochs = 2\nbatch = 64\n";
    let whole = train(
        &format!("prior = {{ kind = \"vposer-gmm\", latent_dim = 4, hidden = 16 }}\n{small}"),
        "whole.toml",
    );
    assert!(whole["validation"]["vertices_mm"].is_number());
    let weights = folder.path().join("runs/train/whole/whole.safetensors");
    let network = format!("network = \"{}\"", weights.display());
    let added = train(
        &format!("prior = {{ kind = \"vposer-gmm\", {network} }}\n"),
        "added.toml",
    );
    // The same networks, poses and seed make the same mixture.
    assert_eq!(added["result"]["codes"], whole["result"]["codes"]);
    let code = "codes_negative_log_likelihood";
    assert_eq!(added["validation"][code], whole["validation"][code]);
    let again = folder.path().join("runs/train/added/added.safetensors");
    let poses = |file: &Path| {
        let prior = fitrun::Prior::from_file("vposer-gmm", file).unwrap();
        prior.pose_body(&prior.sample(5, 1).unwrap())
    };
    assert_eq!(poses(&weights), poses(&again));
    let plain = fitrun::Prior::from_file("vposer", &again).unwrap();
    assert_ne!(
        plain.pose_body(&plain.sample(5, 1).unwrap()),
        poses(&again),
        "the samples do not come from the mixture"
    );
}

#[test]
fn every_example_of_a_training_is_in_order() {
    for entry in std::fs::read_dir(root().join("specs/train")).unwrap() {
        let spec = entry.unwrap().path();
        let folder = folder();
        let arguments = [
            "train",
            spec.to_str().unwrap(),
            "--set",
            "data.train=none.npz",
        ];
        let said = text(&fitrun(folder.path(), &arguments).stderr);
        let only = "`none.npz`: there is no such file";
        assert!(
            said.contains(only) && said.ends_with("1 mistake\n"),
            "{}: {said}",
            spec.display()
        );
    }
}
