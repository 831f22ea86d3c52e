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
# The recordings' people are not of this body's kind: what is held here is how closely joints can be met.
vars.betas.bounds = [-20.0, 20.0]
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

#[test]
fn real_markers_are_calibrated_on_twenty_frames_and_tracked_in_the_others() {
    let Some(data) = real_data() else { return };
    let data = data.canonicalize().unwrap();
    let trials = [
        ("pig_rom_static.c3d", "plug-in-gait", "1..80", 10.0),
        (
            "opensim_subject01_walk1.trc",
            "opensim-subject01",
            "..",
            15.0,
        ),
    ];
    for (file, layout, frames, limit) in trials {
        for body in [
            "builtin".into(),
            format!("{}/body/body_mh_full.npz", data.display()),
        ] {
            let text = format!(
                r#"
fitrun = 1
extends = "presets/markers.toml"
body.model = "{body}"
[data.markers]
file = "{}/markers/raw/{file}"
up = "{}"
frames = "{frames}"
[sources.surface]
layout = "{layout}"
[[stages]]
name = "place"
free = ["root_orient", "trans"]
[[stages]]
name = "reach"
free = ["root_orient", "trans", "pose"]
[[stages]]
name = "calibrate"
free = ["*"]
frames = 20
[[stages]]
name = "track"
free = ["root_orient", "trans", "pose"]
"#,
                data.display(),
                if file.ends_with(".c3d") { "z" } else { "y" },
            );
            let checked = check(&text, &[]);
            let found = fit(&checked);
            let calibrated = &found.stages[2].frames;
            let errors = &fitrun::point_errors(&checked.problem, &found)[0];
            let others = errors.by_frame.outer_iter().enumerate();
            let others = others.filter(|(f, _)| !calibrated.contains(f));
            let others: Vec<f64> = others
                .flat_map(|(_, row)| row.iter().copied().collect::<Vec<_>>())
                .collect();
            let mean = fitrun::Summary::of(&others).unwrap().mean;
            assert_eq!(calibrated.len(), 20);
            assert!(mean <= limit, "{file} on {body}: {mean} mm");
        }
    }
}
