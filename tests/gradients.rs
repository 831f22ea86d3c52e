//! Every term × robustifier × source against central differences in f64.

mod common;

use common::{check, example};

const TOLERANCE: f64 = 1e-6;

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

fn spec() -> String {
    let data = example("walk.npz");
    let data = data.display();
    let cameras = example("calibration.toml");
    let cameras = cameras.display();
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
    ];
    for robust in ROBUSTIFIERS {
        let settings: Vec<String> = terms
            .iter()
            .map(|(term, scale)| format!("terms.{term}.robust={}", robust.replace("SCALE", scale)))
            .collect();
        let sets: Vec<&str> = settings.iter().map(String::as_str).collect();
        let rows = fitrun::gradcheck(&check(&spec(), &sets).problem);
        assert_eq!(rows.len(), 8, "six terms, prior and shape");
        for row in rows {
            assert!(row.largest > 0.0, "{}: the gradient is zero", row.term);
            assert!(row.error <= TOLERANCE, "{robust} {row:?}");
        }
    }
}
