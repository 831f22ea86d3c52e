//! Every term × robustifier × source against central differences in f64.

mod common;

use std::path::Path;

use common::{check, example};
use fitrun::{BodyModel, NpzWriter};

const TOLERANCE: f64 = 1e-6;

/// Shape directions of the uneven body.
const BETAS: usize = 3;

/// Robustifiers in the words of a spec; `SCALE` is in the unit of the residual.
const ROBUSTIFIERS: [&str; 9] = [
    "{ kind = \"none\" }",
    "{ kind = \"huber\", scale = SCALE }",
    "{ kind = \"cauchy\", scale = SCALE }",
    "{ kind = \"geman_mcclure\", scale = SCALE }",
    "{ kind = \"welsch\", scale = SCALE }",
    "{ kind = \"tukey\", scale = SCALE }",
    "{ kind = \"l1\", scale = SCALE }",
    "{ kind = \"barron\", alpha = -1.0, scale = SCALE }",
    "{ kind = \"geman_mcclure\", scale = SCALE, on = \"coordinate\" }",
];

/// A body of one vertex for each joint and landmark whose shapes are uneven, as no smooth term may be zero.
fn uneven_body(path: &Path) {
    let body = BodyModel::builtin(None).unwrap();
    let joints = body.num_joints();
    let surface: Vec<usize> = body.landmarks.values().copied().collect();
    let vertices = joints + surface.len();
    let row = |v: usize| match v < joints {
        true => body.joints.row(v).to_vec(),
        false => body.template.row(surface[v - joints]).to_vec(),
    };
    let template: Vec<f64> = (0..vertices).flat_map(row).collect();
    let shapes = (0..vertices * 3 * BETAS).map(|i| 0.02 * (1.7 * i as f64).sin());
    let shapes: Vec<f64> = shapes.collect();
    let unit = |v: usize, j: usize| f64::from(u8::from(v == j));
    let regressor: Vec<f64> = (0..joints * vertices)
        .map(|i| unit(i % vertices, i / vertices))
        .collect();
    let weight = |i: usize| match i / joints < joints {
        true => unit(i / joints, i % joints),
        false => body.weights[[surface[i / joints - joints], i % joints]],
    };
    let weights: Vec<f64> = (0..vertices * joints).map(weight).collect();
    let mut parents: Vec<i32> = body.parents.iter().map(|p| *p as i32).collect();
    parents[0] = -1;
    parents.extend(0..joints as i32);
    let mut npz = NpzWriter::create(path);
    npz.floats64("v_template", &[vertices, 3], &template)
        .unwrap();
    npz.floats64("shapedirs", &[vertices, 3, BETAS], &shapes)
        .unwrap();
    npz.floats64("J_regressor", &[joints, vertices], &regressor)
        .unwrap();
    npz.floats64("weights", &[vertices, joints], &weights)
        .unwrap();
    npz.integers("kintree_table", &[2, joints], &parents)
        .unwrap();
    npz.integers("f", &[1, 3], &[0, 1, 2]).unwrap();
    npz.finish().unwrap();
}

fn spec(body: &Path) -> String {
    let data = example("walk.npz");
    let data = data.display();
    let cameras = example("calibration.toml");
    let cameras = cameras.display();
    let body = body.display();
    format!(
        r#"
fitrun = 1
prior = "gmm"
[data.points]
file = "{data}"
array = "joints"
axes = ["frame", "joint", "xyz"]
names = "joint_names"
[data.pixels]
file = "{data}"
array = "keypoints"
axes = ["camera", "frame", "keypoint", "uvc"]
views = "cameras"
keypoints = "BODY_25"
[data.cameras]
file = "{cameras}"
up = "y"
[sources.body25]
kind = "joints"
keypoints = "BODY_25"
[sources.seen]
kind = "project"
of = "body25"
cameras = "cameras"
[terms.joints]
source = "joints"
target = "points"
sigma = "2 cm"
conf_power = 2
weights = {{ left_knee = 0.5, default = 1.5 }}
[terms.reproj]
source = "seen"
target = "pixels"
sigma = "20 px"
reduce = "mean"
[terms.velocity]
kind = "difference"
of = "joints"
order = 1
sigma = "1 m/s"
[terms.surface]
kind = "difference"
of = "body25"
sigma = "30 m/s^2"
[terms.turning]
kind = "difference"
of = "pose_body"
order = 1
sigma = "3 rad/s"
[terms.small]
kind = "l2"
of = "pose_body"
sigma = "0.5 rad"
[terms.limits]
kind = "joint_limits"
limits.left_knee = {{ x = ["30 deg", "40 deg"], y = ["2 deg", "4 deg"], z = ["-50 deg", "-5 deg"] }}
limits.right_shoulder = {{ x = ["-10 deg", "-5 deg"], y = ["1 deg", "3 deg"], z = ["-1 deg", "1 deg"] }}
[terms.bending]
kind = "bending"
[terms.ground]
kind = "ground"
height = "30 cm"
sigma = "1 cm"
[terms.even]
kind = "symmetry"
[body]
model = "{body}"
"#
    )
}

#[test]
fn every_gradient_meets_central_differences_under_every_robustifier() {
    let terms = [
        ("joints", "\"6 cm\""),
        ("reproj", "\"60 px\""),
        ("velocity", "\"3 m/s\""),
        ("surface", "\"300 m/s^2\""),
        ("turning", "\"40 rad/s\""),
        ("small", "\"20 rad\""),
        ("limits", "\"40 deg\""),
        ("bending", "3.0"),
        ("ground", "\"50 cm\""),
        ("even", "\"30 cm\""),
    ];
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("uneven.npz");
    uneven_body(&body);
    let text = spec(&body);
    for robust in ROBUSTIFIERS {
        let settings: Vec<String> = terms
            .iter()
            .map(|(term, scale)| format!("terms.{term}.robust={}", robust.replace("SCALE", scale)))
            .collect();
        let sets: Vec<&str> = settings.iter().map(String::as_str).collect();
        let rows = fitrun::gradcheck(&check(&text, &sets).problem);
        assert_eq!(rows.len(), 12, "ten terms, prior and shape");
        for row in rows {
            assert!(row.largest > 0.0, "{}: the gradient is zero", row.term);
            assert!(row.error <= TOLERANCE, "{robust} {row:?}");
        }
    }
}
