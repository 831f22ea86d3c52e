//! Motions as starts and as what terms stay near.

mod common;

use std::path::{Path, PathBuf};

use common::{example, fit};
use fitrun::{Checked, NpzWriter, RunOptions, Status};

/// A run of the walk, its cost, and the folder of its results.
fn earlier(folder: &Path, sets: &[&str]) -> (f64, PathBuf) {
    let options = RunOptions {
        sets: sets.iter().map(|s| s.to_string()).collect(),
        out: Some(folder.join("earlier")),
        ..RunOptions::default()
    };
    let outcome = fitrun::run(&example("joints.toml"), &options, &mut |_| true).unwrap();
    (outcome.fit.cost(), outcome.dir)
}

/// The same fit, begun at a motion.
fn refined(folder: &Path, motion: &Path, more: &str, sets: &[&str]) -> Result<Checked, String> {
    let text = format!(
        r#"
extends = ["{}"]
[data.earlier]
file   = "{}"
format = "amass"
[vars]
root_orient.init = "earlier.root_orient"
trans.init       = "earlier.trans"
betas.init       = "earlier.betas"
{more}
"#,
        example("joints.toml").display(),
        motion.display()
    );
    let spec = folder.join("refined.toml");
    std::fs::write(&spec, text).unwrap();
    let options = RunOptions {
        sets: sets.iter().map(|s| s.to_string()).collect(),
        ..RunOptions::default()
    };
    fitrun::check(&spec, &options).map_err(|e| e.to_string())
}

const QUIET: [&str; 2] = ["output.write=[\"params.npz\"]", "output.plots=[]"];
const POSE: &str = "pose_body.init = \"earlier.pose_body\"";

#[test]
fn a_run_starts_where_an_earlier_one_ended_whatever_axis_is_up() {
    for up in ["y", "z"] {
        let folder = tempfile::tempdir().unwrap();
        let set = format!("data.targets.up=\"{up}\"");
        let sets = [QUIET[0], QUIET[1], &set, "solve.precision=\"f64\""];
        let (cost, dir) = earlier(folder.path(), &sets);
        let still = [
            &sets[..],
            &[
                "solve.max_iter=0",
                "stages=[{ name = \"all\", free = [\"*\"] }]",
            ],
        ];
        let params = dir.join("params.npz");
        let checked = refined(folder.path(), &params, POSE, &still.concat()).unwrap();
        let found = fit(&checked);
        let error = (found.cost() / cost - 1.0).abs();
        assert!(error < 1e-9, "{up} up: {} {cost}", found.cost());
    }
}

/// AMASS arrays of an earlier run, of which a frame is lost and all others are moved.
fn disturbed(folder: &Path, params: &Path) -> PathBuf {
    let array = |name: &str| -> Vec<f64> {
        fitrun::read_array(params, name)
            .unwrap()
            .iter()
            .copied()
            .collect()
    };
    let (mut poses, trans, betas) = (array("poses"), array("trans"), array("betas"));
    let frames = trans.len() / 3;
    let joints = poses.len() / frames;
    for (i, x) in poses
        .iter_mut()
        .enumerate()
        .filter(|(i, _)| i % joints >= 3)
    {
        *x += 0.05 * ((i * 7919 % 200) as f64 / 100.0 - 1.0);
    }
    poses[7 * joints..8 * joints].fill(f64::NAN);
    let path = folder.join("disturbed.npz");
    let mut file = NpzWriter::create(&path);
    file.floats64("poses", &[frames, joints], &poses).unwrap();
    file.floats64("trans", &[frames, 3], &trans).unwrap();
    file.floats64("betas", &[betas.len()], &betas).unwrap();
    file.strings("up_axis", &[], &["y"]).unwrap();
    file.finish().unwrap();
    path
}

#[test]
fn a_term_holds_poses_near_a_motion_but_in_frames_that_it_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let (_, dir) = earlier(folder.path(), &QUIET);
    let motion = disturbed(folder.path(), &dir.join("params.npz"));
    let near = |sigma: f64| {
        format!(
            "{POSE}\n[terms.near]\nkind = \"l2\"\nof = \"pose_body\"\n\
             about = \"earlier.pose_body\"\nsigma = \"{sigma} rad\""
        )
    };
    let poses = fitrun::read_array(&motion, "poses").unwrap();
    let distance = |sigma: f64| {
        let checked = refined(folder.path(), &motion, &near(sigma), &QUIET).unwrap();
        let found = fit(&checked);
        assert!(found.status.iter().all(|s| *s == Status::Converged));
        let of_frame = |f: usize| -> f64 {
            let own = found.variable(&checked.problem, "pose_body", f).unwrap();
            let pairs = own.iter().enumerate();
            pairs.map(|(k, x)| (x - poses[[f, 3 + k]]).powi(2)).sum()
        };
        let lost = found.variable(&checked.problem, "pose_body", 7).unwrap();
        assert!(lost.iter().all(|x| x.is_finite()));
        (0..60).filter(|f| *f != 7).map(of_frame).sum::<f64>()
    };
    let (tight, loose) = (distance(1e-3), distance(0.3));
    assert!(tight < 1e-2 && loose > 10.0 * tight, "{tight} {loose}");
}

#[test]
fn codes_start_at_what_the_encoder_makes_of_a_motion() {
    let folder = tempfile::tempdir().unwrap();
    let (_, dir) = earlier(folder.path(), &QUIET);
    let code = "z.init = \"earlier.pose_body\"";
    let sets = [QUIET[0], QUIET[1], "prior=\"vposer\"", "solve.max_iter=0"];
    let params = dir.join("params.npz");
    let checked = refined(folder.path(), &params, code, &sets).unwrap();
    let begun = fit(&checked);
    let codes = fitrun::generate::encode(
        &fitrun::Prior::builtin("vposer").unwrap(),
        fitrun::generate::read_poses(&params).unwrap().view(),
    );
    let own = begun.variable(&checked.problem, "z", 11).unwrap();
    assert_eq!(own, codes.unwrap().row(11).to_vec());
}

#[test]
fn what_a_motion_does_not_have_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (_, dir) = earlier(folder.path(), &QUIET);
    let params = dir.join("params.npz");
    let wrong = |more: &str, sets: &[&str]| {
        refined(folder.path(), &params, more, sets)
            .err()
            .unwrap_or_default()
    };
    let text = wrong("pose_body.init = \"earlier.poses\"", &QUIET);
    assert!(text.contains("a motion has no `poses`"), "{text}");
    let text = wrong("pose_body.init = \"earlier.trans\"", &QUIET);
    assert!(
        text.contains("has 3 numbers, but `pose_body` has 63"),
        "{text}"
    );
    let text = wrong("pose_body.init = \"earlier\"", &QUIET);
    assert!(text.contains("is a whole motion"), "{text}");
    let text = wrong("pose_body.init = \"targets.pose_body\"", &QUIET);
    assert!(text.contains("`targets` is no motion"), "{text}");
    let sets = [QUIET[0], QUIET[1], "prior=\"vposer\""];
    let text = wrong(POSE, &sets);
    assert!(text.contains("decoder makes of `z`"), "{text}");
    assert!(!text.contains("for each frame"), "{text}");
    let sets = [QUIET[0], QUIET[1], "prior=\"gan-s\""];
    let text = wrong("z.init = \"earlier.pose_body\"", &sets);
    assert!(text.contains("no encoder"), "{text}");
}
