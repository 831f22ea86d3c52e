//! Stages that free or hold parts of a pose.

mod common;

use common::example;
use fitrun::{BodyModel, Checked, Fit, RunOptions};

fn fitted(name: &str, stage: &str, sets: &[&str]) -> (Checked, Fit) {
    let stages = format!("stages=[{{ name = \"all\", {stage} }}]");
    let common = ["prior.kind=\"gmm\"", &stages];
    let options = RunOptions {
        sets: common.iter().chain(sets).map(|s| s.to_string()).collect(),
        ..RunOptions::default()
    };
    let checked = fitrun::check(&example(name), &options).unwrap_or_else(|e| panic!("{e}"));
    let found = fitrun::fit(&checked.problem, &mut |_| true);
    (checked, found)
}

/// Joints that turned in any frame from where they began, at no rotation.
fn turned((checked, found): &(Checked, Fit)) -> Vec<String> {
    let names = BodyModel::builtin(None).unwrap().joint_names;
    let names = &names[1..22];
    let frames = 0..checked.problem.frames;
    let poses = frames.map(|f| found.variable(&checked.problem, "pose_body", f).unwrap());
    let poses: Vec<&[f64]> = poses.collect();
    let moved = |j: &usize| {
        let numbers = 3 * j..3 * j + 3;
        poses
            .iter()
            .any(|p| p[numbers.clone()].iter().any(|x| *x != 0.0))
    };
    (0..names.len())
        .filter(moved)
        .map(|j| names[j].clone())
        .collect()
}

#[test]
fn what_is_not_freed_keeps_its_bits_with_every_method() {
    let arm = ["left_collar", "left_shoulder", "left_elbow", "left_wrist"];
    for method in ["lm", "lbfgs", "adam"] {
        let method = format!("solve.method=\"{method}\"");
        let sets = [
            method.as_str(),
            "solve.max_iter=30",
            "vars.pose_body.init=0.0",
        ];
        for (name, more) in [("joints.toml", &sets[..]), ("smooth.toml", &sets[..])] {
            let stage = "free = [\"pose.left_arm\", \"trans\"]";
            assert_eq!(turned(&fitted(name, stage, more)), arm, "{name} {method}");
            let stage = "free = [\"*\"], hold = [\"pose.legs\", \"pose.trunk\", \"pose.head\", \
                         \"pose.right_arm\", \"betas\"]";
            let found = fitted(name, stage, more);
            assert_eq!(turned(&found), arm, "{name} {method}");
            let betas = found.1.variable(&found.0.problem, "betas", 0).unwrap();
            assert!(betas.iter().all(|b| *b == 0.0));
        }
    }
}

#[test]
fn parts_are_groups_or_joints_and_all_of_them_are_the_pose() {
    let sets = ["solve.precision=\"f64\"", "vars.pose_body.init=0.0"];
    let one = fitted("joints.toml", "free = [\"pose.left_knee\"]", &sets);
    assert_eq!(turned(&one), ["left_knee"]);
    let parts = "free = [\"root_orient\", \"trans\", \"pose.arms\", \"pose.legs\", \"pose.trunk\", \"pose.head\"]";
    let by_parts = fitted("joints.toml", parts, &sets);
    let whole = fitted(
        "joints.toml",
        "free = [\"root_orient\", \"trans\", \"pose\"]",
        &sets,
    );
    assert_eq!(by_parts.1.cost().to_bits(), whole.1.cost().to_bits());
}
