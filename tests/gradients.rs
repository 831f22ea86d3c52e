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
[terms.sliding]
kind = "contact"
height = "2 cm"
fade = "60 cm"
sigma = "20 cm/s"
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
        ("sliding", "\"3 m/s\""),
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
        assert_eq!(rows.len(), 13, "eleven terms, prior and shape");
        for row in rows {
            assert!(row.largest > 0.0, "{}: the gradient is zero", row.term);
            assert!(row.error <= TOLERANCE, "{robust} {row:?}");
        }
    }
}

/// Markers on skin and at a joint, with free offsets, in space and in images; cameras with every
/// part free; variables on every manifold held near where they start.
fn markers_and_cameras(folder: &Path, distortion: &str, focal: &str) -> String {
    let layout = folder.join("layout.toml");
    let text = "offset = \"9.5 mm\"\n[markers]\nLANK = { joint = \"left_ankle\", offset = [0.05, 0.0, 0.01] }\n\
        LKNE = { vertex = 900 }\nC7 = { face = 40, barycentric = [0.2, 0.3, 0.5] }\n\
        CLAV = { from = \"neck\", toward = \"+z\" }\n";
    std::fs::write(&layout, text).unwrap();
    let calibration = folder.join("cameras.toml");
    let cameras = std::fs::read_to_string(example("calibration.toml")).unwrap();
    let lines = cameras
        .lines()
        .map(|line| match line.starts_with("distortions") {
            true => format!("distortions = {distortion}"),
            false => line.replace("fisheye = false", ""),
        });
    let fisheye = distortion.matches(',').count() == 3;
    let lines = lines.flat_map(|line| match line.starts_with("distortions") {
        true => vec![line, format!("fisheye = {fisheye}")],
        false => vec![line],
    });
    let cameras: Vec<String> = lines.collect();
    std::fs::write(&calibration, cameras.join("\n")).unwrap();
    let (data, layout) = (example("walk.npz"), layout.display());
    let (data, calibration) = (data.display(), calibration.display());
    format!(
        r#"
fitrun = 1
prior = "none"
[data.markers]
file = "{data}"
array = "markers"
axes = ["frame", "marker", "xyz"]
names = "marker_names"
[data.pixels]
file = "{data}"
array = "keypoints"
axes = ["camera", "frame", "keypoint", "uvc"]
views = "cameras"
keypoints = "BODY_25"
[data.cameras]
file = "{calibration}"
up = "y"
[sources.skin]
kind = "surface"
layout = "{layout}"
offset = "own"
[sources.body25]
kind = "joints"
keypoints = "BODY_25"
[sources.seen]
kind = "project"
of = "body25"
cameras = "cameras"
focal = "focal"
principal = "principal"
distortion = "distortion"
rotation = "rotation"
translation = "translation"
[vars]
own = {{ per = "marker", dim = 3, unit = "m", scale = 0.03 }}
focal = {{ per = "camera", {focal} }}
principal = {{ per = "camera" }}
distortion = {{ per = "camera", cameras = ["cam1", "cam3"] }}
rotation = {{ per = "camera", kind = "so3" }}
translation = {{ per = "camera" }}
boxed = {{ bounds = [-5.0, 5.0], init = [0.5, -0.5] }}
direction = {{ kind = "sphere", dim = 3, init = [1.0, 2.0, -1.0] }}
factor = {{ kind = "positive", init = 2.0 }}
[terms.markers]
source = "skin"
target = "markers"
sigma = "2 cm"
[terms.reproj]
source = "seen"
target = "pixels"
sigma = "20 px"
[terms.own]
kind = "l2"
of = "own"
sigma = "2 cm"
[terms.focal]
kind = "l2"
of = "focal"
about = "init"
sigma = "50 px"
[terms.rotation]
kind = "l2"
of = "rotation"
about = "init"
sigma = "5 deg"
[terms.boxed]
kind = "l2"
of = "boxed"
[terms.direction]
kind = "l2"
of = "direction"
about = "init"
[terms.factor]
kind = "l2"
of = "factor"
"#
    )
}

#[test]
fn gradients_of_markers_free_cameras_and_all_manifolds_meet_central_differences() {
    let lenses = [
        (
            "[-0.08, 0.02, 0.0005, -0.0004, 0.01]",
            "kind = \"positive\"",
        ),
        (
            "[-0.08, 0.02, 0.0005, -0.0004, 0.01, 0.02, -0.01, 0.003]",
            "dim = 1",
        ),
        ("[-0.02, 0.01, -0.003, 0.001]", "dim = 2"),
    ];
    let scales = [
        ("markers", "\"20 cm\""),
        ("reproj", "\"300 px\""),
        ("own", "\"10 cm\""),
        ("focal", "\"300 px\""),
        ("rotation", "\"90 deg\""),
        ("boxed", "3.0"),
        ("direction", "4.0"),
        ("factor", "9.0"),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (distortion, focal) in lenses {
        let text = markers_and_cameras(folder.path(), distortion, focal);
        for robust in ROBUSTIFIERS {
            let settings = scales.map(|(term, scale)| {
                format!("terms.{term}.robust={}", robust.replace("SCALE", scale))
            });
            let sets: Vec<&str> = settings.iter().map(String::as_str).collect();
            let rows = fitrun::gradcheck(&check(&text, &sets).problem);
            assert_eq!(rows.len(), 9, "eight terms and shape");
            for row in rows {
                assert!(row.largest > 0.0, "{}: the gradient is zero", row.term);
                assert!(row.error <= TOLERANCE, "{distortion} {robust} {row:?}");
            }
        }
    }
}
