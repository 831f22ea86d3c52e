//! Hands, jaw, eyes and expressions of SMPL+H and SMPL-X bodies.

mod common;

use std::path::Path;

use common::{check, fit};
use fitrun::{BodyModel, NpzWriter};

/// Betas and expressions of the made SMPL-X body.
const SHAPES: usize = 20;

/// Entry of a hand's component, none a multiple of another.
fn component(hand: usize, row: usize, k: usize) -> f64 {
    0.15 * (0.9 * (row + 1) as f64 * k as f64 + hand as f64).sin()
}

/// A body with the joints of SMPL-X (or SMPL+H): the built-in one's skeleton with short fingers, one
/// vertex at each joint, uneven shape directions, and pose correctives.
fn body(path: &Path, joints: usize) {
    let model = BodyModel::builtin(None).unwrap();
    let wave = |i: usize| (1.3 * i as f64 + 0.4).sin();
    let mut parents: Vec<i32> = model.parents[..22].iter().map(|p| *p as i32).collect();
    parents[0] = -1;
    let mut rest: Vec<[f64; 3]> = (0..22)
        .map(|j| std::array::from_fn(|k| model.joints[[j, k]]))
        .collect();
    let mut add = |parent: usize, offset: [f64; 3]| {
        let from = rest[parent];
        rest.push(std::array::from_fn(|k| from[k] + offset[k]));
        parents.push(parent as i32);
    };
    if joints == 55 {
        add(15, [0.0, 0.02, 0.05]);
        add(15, [0.03, 0.08, 0.07]);
        add(15, [-0.03, 0.08, 0.07]);
    }
    for (wrist, side) in [(20, 1.0), (21, -1.0)] {
        for finger in 0..5 {
            let across = 0.02 * (finger as f64 - 2.0);
            for bone in 0..3 {
                let first = if joints == 55 { 25 } else { 22 };
                let hand = first + if wrist == 20 { 0 } else { 15 };
                let parent = if bone == 0 {
                    wrist
                } else {
                    hand + 3 * finger + bone - 1
                };
                add(
                    parent,
                    [side * 0.03, 0.0, if bone == 0 { across } else { 0.0 }],
                );
            }
        }
    }
    let flat: Vec<f64> = rest.iter().flatten().copied().collect();
    let unit = |i: usize| f64::from(u8::from(i % joints == i / joints));
    let eye: Vec<f64> = (0..joints * joints).map(unit).collect();
    let shapes: Vec<f64> = (0..joints * 3 * SHAPES).map(|i| 0.004 * wave(i)).collect();
    let features = 9 * (joints - 1);
    let correctives: Vec<f64> = (0..joints * 3 * features)
        .map(|i| 0.002 * wave(3 * i))
        .collect();
    parents.extend(0..joints as i32);
    let mut file = NpzWriter::create(path);
    file.floats64("v_template", &[joints, 3], &flat).unwrap();
    file.floats64("shapedirs", &[joints, 3, SHAPES], &shapes)
        .unwrap();
    file.floats64("posedirs", &[joints, 3, features], &correctives)
        .unwrap();
    file.floats64("J_regressor", &[joints, joints], &eye)
        .unwrap();
    file.floats64("weights", &[joints, joints], &eye).unwrap();
    file.integers("kintree_table", &[2, joints], &parents)
        .unwrap();
    file.integers("f", &[1, 3], &[0, 1, 2]).unwrap();
    for (k, side) in ["l", "r"].into_iter().enumerate() {
        let mean: Vec<f64> = (0..45).map(|i| 0.1 * wave(i + k)).collect();
        let rows: Vec<f64> = (0..45 * 45).map(|i| component(k, i / 45, i % 45)).collect();
        file.floats64(&format!("hands_mean{side}"), &[45], &mean)
            .unwrap();
        file.floats64(&format!("hands_components{side}"), &[45, 45], &rows)
            .unwrap();
    }
    file.finish().unwrap();
}

/// Joints of five frames in which body, fingers, jaw and face move; and the pose that made them.
fn recorded(path: &Path, body: &Path, joints: usize) -> Vec<Vec<f64>> {
    let model = BodyModel::from_file(body, None).unwrap();
    let mut poses = Vec::new();
    let mut points = Vec::new();
    for f in 0..5 {
        let pose: Vec<f64> = (0..3 * (joints - 1))
            .map(|i| {
                let size = if i < 63 { 0.1 } else { 0.25 };
                size * (0.7 * i as f64 + 0.3 * f as f64).sin()
            })
            .collect();
        let shape = [vec![0.0; 10], vec![0.5; model.num_expressions]].concat();
        let rest = model.rest_joints(&shape);
        let root = fitrun::nalgebra::Matrix3::identity();
        let trans = fitrun::nalgebra::Vector3::new(0.1, 1.0, 0.2);
        for (_, position) in model.transforms(&rest, &root, &pose, &trans) {
            points.extend(position.iter().copied());
        }
        poses.push(pose);
    }
    let names: Vec<&str> = model.joint_names.iter().map(String::as_str).collect();
    let mut file = NpzWriter::create(path);
    file.floats64("joints", &[5, joints, 3], &points).unwrap();
    file.strings("joint_names", &[joints], &names).unwrap();
    file.finish().unwrap();
    poses
}

fn spec(folder: &Path, joints: usize, preset: &str, more: &str) -> String {
    let (model, data) = (folder.join("body.npz"), folder.join("joints.npz"));
    body(&model, joints);
    recorded(&data, &model, joints);
    format!(
        "fitrun = 1\nextends = \"presets/{preset}.toml\"\nprior = \"none\"\n[body]\nmodel = \"{}\"\n{more}\n\
         [data.targets]\nfile = \"{}\"\narray = \"joints\"\naxes = [\"frame\", \"joint\", \"xyz\"]\n\
         unit = \"m\"\nnames = \"joint_names\"\n\
         [terms.data]\nsource = \"joints\"\ntarget = \"targets\"\nsigma = \"1 mm\"\n",
        model.display(),
        data.display()
    )
}

#[test]
fn fingers_are_found_from_their_joints() {
    let folder = tempfile::tempdir().unwrap();
    for (joints, preset) in [(52, "hands"), (55, "whole-body")] {
        let checked = check(&spec(folder.path(), joints, preset, ""), &[]);
        let found = fit(&checked);
        let errors = fitrun::point_errors(&checked.problem, &found);
        let all = errors[0].all();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!(mean < 0.5, "{joints} joints: {mean} mm");
    }
}

#[test]
fn gradients_of_hands_and_face_meet_central_differences() {
    let folder = tempfile::tempdir().unwrap();
    let checked = check(&spec(folder.path(), 55, "whole-body", ""), &[]);
    for row in fitrun::gradcheck(&checked.problem) {
        assert!(row.largest > 0.0, "{}: the gradient is zero", row.term);
        assert!(row.error <= 1e-6, "{row:?}");
    }
}

/// What a model with `hands_mean + components[:n]` says of weights, written out.
fn pose_hand(weights: &[f64]) -> Vec<f64> {
    let n = weights.len() / 2;
    let of = |hand: usize, k: usize| {
        let mean = 0.1 * (1.3 * (k + hand) as f64 + 0.4).sin();
        let parts = (0..n).map(|c| weights[hand * n + c] * component(hand, c, k));
        mean + parts.sum::<f64>()
    };
    (0..90).map(|i| of(i / 45, i % 45)).collect()
}

#[test]
fn principal_components_turn_fingers_as_the_model_says() {
    let folder = tempfile::tempdir().unwrap();
    for (joints, first) in [(52, 22), (55, 25)] {
        let text = spec(folder.path(), joints, "hands-pca", "");
        let checked = check(&text, &[]);
        let found = fit(&checked);
        let weights = found.variable(&checked.problem, "hand_pca", 3).unwrap();
        assert_eq!(weights.len(), 12);
        assert!(weights.iter().any(|w| w.abs() > 0.05), "{weights:?}");
        let path = folder.path().join("spec.toml");
        std::fs::write(&path, &text).unwrap();
        let options = fitrun::RunOptions {
            out: Some(folder.path().join(format!("run{joints}"))),
            ..Default::default()
        };
        let outcome = fitrun::run(&path, &options, &mut |_| true).unwrap();
        let poses = fitrun::read_array(outcome.dir.join("params.npz"), "poses").unwrap();
        for (i, expected) in pose_hand(weights).into_iter().enumerate() {
            let written = poses[[3, 3 * first + i]];
            assert!((written - expected).abs() < 1e-9, "{joints}: {i}");
        }
        for row in fitrun::gradcheck(&checked.problem) {
            assert!(row.largest > 0.0 && row.error <= 1e-6, "{row:?}");
        }
    }
}

#[test]
fn hands_are_turned_by_one_variable_of_an_even_size() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |preset: &str, more: &str| {
        let path = folder.path().join("spec.toml");
        std::fs::write(&path, spec(folder.path(), 52, preset, more)).unwrap();
        let error = fitrun::check(&path, &Default::default()).unwrap_err();
        error.to_string()
    };
    let both = "[vars.hand_pca]\nper = \"frame\"\n";
    let said = refused("hands", both);
    assert!(said.contains("both turn the fingers"), "{said}");
    let said = refused("hands-pca", "[vars.hand_pca]\ndim = 7\n");
    assert!(said.contains("an even number from 2 to 90"), "{said}");
}

#[test]
fn a_body_without_hands_refuses_their_variable() {
    let folder = tempfile::tempdir().unwrap();
    let text = spec(
        folder.path(),
        52,
        "hands",
        "[vars.pose_jaw]\nper = \"frame\"\n",
    );
    let path = folder.path().join("spec.toml");
    std::fs::write(&path, text).unwrap();
    let error = fitrun::check(&path, &Default::default())
        .unwrap_err()
        .to_string();
    let said = "has no `pose_jaw`: it has 52 joints and 0 expressions";
    assert!(error.contains(said), "{error}");
}
