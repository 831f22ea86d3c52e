//! Every spec under `specs/` runs, and the examples find what they were made from.

mod common;

use common::{check_file, example, fit};
use fitrun::{Checked, Fit, RunOptions};

#[test]
fn every_spec_is_in_order() {
    let mut count = 0;
    for entry in std::fs::read_dir(example("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".toml") && name != "calibration.toml" {
            let checked = check_file(&path, &[]);
            assert_eq!(checked.diagnostics.list.len(), 0, "{name} has warnings");
            count += 1;
        }
    }
    assert!(count >= 4);
}

fn fitted(name: &str) -> (Checked, Fit) {
    let checked = check_file(&example(name), &[]);
    let found = fit(&checked);
    (checked, found)
}

/// Mean distance of the fitted joints from the true ones, millimetres.
fn error_from_truth(checked: &Checked, found: &Fit) -> f64 {
    let truth = fitrun::read_array(example("walk.npz"), "true_joints").unwrap();
    let body = checked.inputs.body.as_ref().unwrap();
    let mut total = 0.0;
    for f in 0..60 {
        let get = |name| found.variable(&checked.problem, name, f).unwrap();
        let root = fitrun::nalgebra::Matrix3::from_row_slice(get("root_orient"));
        let trans = fitrun::nalgebra::Vector3::from_column_slice(get("trans"));
        let rest = body.rest_joints(get("betas"));
        let posed = body.transforms(&rest, &root, get("pose_body"), &trans);
        for j in 0..22 {
            let true_joint = |k| truth[[f, j, k]];
            let difference = (0..3).map(|k| (posed[j].1[k] - true_joint(k)).powi(2));
            total += 1000.0 * difference.sum::<f64>().sqrt();
        }
    }
    total / (60.0 * 22.0)
}

#[test]
fn joints_with_gaps_and_outliers_give_the_true_joints_within_a_centimetre() {
    let (checked, found) = fitted("joints.toml");
    let error = error_from_truth(&checked, &found);
    assert!(error < 8.0, "{error} mm");
}

#[test]
fn four_cameras_with_outliers_give_the_true_joints_within_two_centimetres() {
    let (checked, found) = fitted("cameras.toml");
    let error = error_from_truth(&checked, &found);
    assert!(error < 15.0, "{error} mm");
}

#[test]
fn one_camera_gives_a_body_that_faces_the_right_way() {
    let (checked, found) = fitted("one_camera.toml");
    let truth = fitrun::read_array(example("walk.npz"), "true_joints").unwrap();
    for f in 0..60 {
        let root = found.variable(&checked.problem, "root_orient", f).unwrap();
        let left: f64 = (0..3)
            .map(|k| root[3 * k] * (truth[[f, 1, k]] - truth[[f, 2, k]]))
            .sum();
        assert!(left > 0.0, "frame {f} faces the wrong way");
    }
}

#[test]
fn a_run_leaves_every_file_that_its_spec_names() {
    let folder = tempfile::tempdir().unwrap();
    let options = RunOptions {
        out: Some(folder.path().join("run")),
        sets: vec![
            "data.targets.frames=\"0..4\"".into(),
            "output.write=[\"params.npz\", \"convergence.csv\", \"joints.csv\", \"body.glb\", \"body.obj\"]".into(),
        ],
        ..RunOptions::default()
    };
    let outcome = fitrun::run(&example("joints.toml"), &options, &mut |_| true).unwrap();
    let mut names: Vec<String> = std::fs::read_dir(&outcome.dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "body.glb",
            "body.png",
            "body_00000.obj",
            "body_00001.obj",
            "body_00002.obj",
            "body_00003.obj",
            "convergence.csv",
            "convergence.svg",
            "convergence_band.csv",
            "joints.csv",
            "measures.csv",
            "params.npz",
            "per_joint_error.csv",
            "per_joint_error.svg",
            "run.json",
            "terms.csv",
            "terms.svg",
        ]
    );
    let shape = |name| {
        let array = fitrun::read_array(outcome.dir.join("params.npz"), name).unwrap();
        array.shape().to_vec()
    };
    assert_eq!(shape("poses"), [4, 72]);
    assert_eq!(shape("pose_body"), [4, 63]);
    assert_eq!(shape("joints"), [4, 24, 3]);
    assert_eq!(shape("betas"), [10]);
    let again = fitrun::run(&example("joints.toml"), &options, &mut |_| true).unwrap();
    assert_eq!(
        again.dir,
        folder.path().join("run-2"),
        "a run is never overwritten"
    );
}
