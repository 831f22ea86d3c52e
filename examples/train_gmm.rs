//! Trains the built-in Gaussian-mixture pose prior on the poses under `FITRUN_DATA`.

use fitrun::ndarray::Axis;
use fitrun::train::{MixtureFit, MixtureSettings, fit_mixture};
use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

const ACKNOWLEDGEMENT: &str = "The data used in this project was obtained from mocap.cs.cmu.edu. \
    The database was created with funding from NSF EIA-0196217.";

const DIM: usize = 63;

fn main() -> Result<(), Box<dyn Error>> {
    let data = env::var("FITRUN_DATA").map_err(|_| "set `FITRUN_DATA` to the data folder")?;
    let target = PathBuf::from(env::args().nth(1).unwrap_or("assets/priors".to_owned()));
    let train_file = Path::new(&data).join("poses/train.npz");
    let val_file = Path::new(&data).join("poses/val.npz");
    let train = read_poses(&train_file)?;
    let val = read_poses(&val_file)?;

    let settings = MixtureSettings::default();
    let fit = fit_mixture(&train, DIM, &settings, &mut |iteration, objective| {
        println!("{iteration:4} {objective:.5}");
        true
    })?;
    let train_nll = fit.mean_negative_log_likelihood(&train)?;
    let val_nll = fit.mean_negative_log_likelihood(&val)?;
    println!("mean negative log-likelihood: train {train_nll:.3}, val {val_nll:.3} nats");

    let mut record = record(&fit, &settings);
    record["data"]["train.npz"] = describe(&train_file, &train, train_nll)?;
    record["data"]["val.npz"] = describe(&val_file, &val, val_nll)?;
    fs::create_dir_all(&target)?;
    fs::write(
        target.join("gmm.safetensors"),
        weights_file(&fit, &settings)?,
    )?;
    fs::write(target.join("gmm.json"), format!("{record:#}\n"))?;
    Ok(())
}

/// The rows of `pose_body` that `unique_idx` names, flat.
fn read_poses(path: &Path) -> Result<Vec<f64>, Box<dyn Error>> {
    let poses = fitrun::read_array(path, "pose_body")?;
    let unique = fitrun::read_array(path, "unique_idx")?;
    let rows = unique
        .iter()
        .map(|&row| poses.index_axis(Axis(0), row as usize));
    Ok(rows
        .flat_map(|pose| pose.iter().copied().collect::<Vec<f64>>())
        .collect())
}

/// What it takes to train these weights again, but for the data.
fn record(fit: &MixtureFit, settings: &MixtureSettings) -> Value {
    json!({
        "kind": "gmm",
        "command": "FITRUN_DATA=<folder> cargo run --example train_gmm",
        "settings": {
            "components": settings.components,
            "floor": settings.floor,
            "restarts": settings.restarts,
            "max_iter": settings.max_iter,
            "tolerance": settings.tolerance,
            "seed": settings.seed,
        },
        "data": { "field": "pose_body at unique_idx, every pose with the same weight" },
        "result": {
            "iterations": fit.iterations,
            "converged": fit.converged,
            "objective": fit.trace.last(),
            "weights": fit.weights,
        },
        "acknowledgement": ACKNOWLEDGEMENT,
    })
}

fn describe(path: &Path, samples: &[f64], nll: f64) -> Result<Value, Box<dyn Error>> {
    let digest = Sha256::digest(fs::read(path)?);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(json!({
        "sha256": hex,
        "poses": samples.len() / DIM,
        "mean_negative_log_likelihood": nll,
    }))
}

/// Weights stay f64: they span many orders of magnitude once they are divided by √det Σ.
fn weights_file(fit: &MixtureFit, settings: &MixtureSettings) -> Result<Vec<u8>, Box<dyn Error>> {
    let components = fit.weights.len();
    let weights: Vec<u8> = fit.weights.iter().flat_map(|w| w.to_le_bytes()).collect();
    let single = |values: &[f64]| -> Vec<u8> {
        values
            .iter()
            .flat_map(|&v| (v as f32).to_le_bytes())
            .collect()
    };
    let (means, covariances) = (single(&fit.means), single(&fit.covariances));
    let tensors = [
        (
            "weights",
            TensorView::new(Dtype::F64, vec![components], &weights)?,
        ),
        (
            "means",
            TensorView::new(Dtype::F32, vec![components, DIM], &means)?,
        ),
        (
            "covariances",
            TensorView::new(Dtype::F32, vec![components, DIM, DIM], &covariances)?,
        ),
    ];
    let metadata = HashMap::from([
        ("kind".to_owned(), "gmm".to_owned()),
        ("components".to_owned(), components.to_string()),
        ("floor".to_owned(), settings.floor.to_string()),
        ("seed".to_owned(), settings.seed.to_string()),
        ("acknowledgement".to_owned(), ACKNOWLEDGEMENT.to_owned()),
    ]);
    Ok(safetensors::serialize(tensors, Some(metadata))?)
}
