//! Real motions and cameras, where `FITRUN_DATA` names the folder that holds them.

mod common;

use common::{check, fit, real_data};
use fitrun::{PointErrors, Status, Summary};

fn summary(errors: &[PointErrors]) -> Summary {
    Summary::of(&errors[0].all()).unwrap()
}

#[test]
fn real_joints_on_another_body_are_met_within_eleven_millimetres() {
    let Some(data) = real_data() else { return };
    let data = data.canonicalize().unwrap();
    for (motion, goal) in [
        ("cmu_16_15", 11.0),
        ("cmu_135_04", 11.0),
        ("cmu_14_27", 12.0),
    ] {
        let text = format!(
            r#"
fitrun = 1
prior = "gmm"
body.model = "{0}/body/body_mh_full.npz"
terms.shape.weight = 5.0
[data.targets]
file = "{0}/motion/{motion}.npz"
array = "joints_src"
axes = ["frame", "joint", "xyz"]
valid = ["joints_src_ok", "valid"]
[terms.data]
source = "joints"
target = "targets"
sigma = "4 mm"
"#,
            data.display()
        );
        let checked = check(&text, &[]);
        let found = fit(&checked);
        let errors = fitrun::point_errors(&checked.problem, &found);
        let mean = summary(&errors).mean;
        assert!(mean <= goal, "{motion}: {mean} mm");
    }
}

#[test]
fn four_real_cameras_are_met_without_being_told_the_facing_direction() {
    let Some(data) = real_data() else { return };
    let data = data.canonicalize().unwrap();
    let text = format!(
        r#"
fitrun = 1
extends = "presets/multiview.toml"
body.model = "{0}/body/body_mh_full.npz"
[data.detections]
file = "{0}/views/S00_P00_T01_BalancingTrial/pose/cam*_json/"
keypoints = "BODY_25B"
min_confidence = 0.3
[data.cameras]
file = "{0}/views/Calib.toml"
[sources.points]
keypoints = "BODY_25B"
"#,
        data.display()
    );
    let checked = check(&text, &[]);
    let found = fit(&checked);
    let errors = summary(&fitrun::point_errors(&checked.problem, &found));
    assert!(errors.median <= 14.0 && errors.p95 <= 33.0, "{errors:?}");
    assert!(found.status.iter().all(|s| *s == Status::Converged));
}
