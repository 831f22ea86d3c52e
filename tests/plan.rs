//! What `fitrun plan` says before a fit, and what a fit says that it left open.

mod common;

use common::{check, check_file, example, fit};
use fitrun::{MethodKind, StagePlan, plan};

/// Joints of a walk without a prior: nothing says how feet, head and hands are turned.
fn without_prior(more: &str) -> String {
    let data = example("walk.npz");
    let data = data.display();
    format!(
        r#"
fitrun = 1
prior = "none"
[data.points]
file = "{data}"
array = "joints"
axes = ["frame", "joint", "xyz"]
names = "joint_names"
[terms.data]
source = "joints"
target = "points"
sigma = "1 cm"
{more}
[[stages]]
name = "place"
free = ["root_orient", "trans"]
[[stages]]
name = "pose"
free = ["root_orient", "trans", "pose"]
"#
    )
}

/// Name, method, unknowns, and neighbours where the frames are one problem.
type Outline<'a> = (&'a str, MethodKind, (usize, usize), Option<usize>);

fn unknowns(stages: &[StagePlan]) -> Vec<Outline<'_>> {
    let stages = stages.iter();
    stages
        .map(|s| (s.name.as_str(), s.method, s.unknowns, s.joint))
        .collect()
}

#[test]
fn a_plan_says_unknowns_structure_and_work_of_each_stage() {
    let checked = check_file(&example("smooth.toml"), &[]);
    let stages = plan(&checked.problem, &mut |_| true);
    let lm = MethodKind::Lm;
    let expected = [
        ("place", lm, (6, 0), None),
        ("reach", lm, (69, 0), None),
        ("shape", lm, (69, 10), Some(0)),
        ("pose", lm, (69, 0), None),
        ("together", lm, (69, 0), Some(2)),
    ];
    assert_eq!(unknowns(&stages), expected);
    for stage in &stages {
        assert!(stage.frames > 0 && stage.products.0 > 0 && stage.bytes > 0);
        assert!(stage.evaluation.iter().all(|s| *s > 0.0) && stage.seconds > 0.0);
        assert!(stage.open.is_empty(), "{stage:?}");
    }
    assert!(stages[4].products.1 > 10 * stages[3].products.1);
    assert!(stages[4].memory_mb > stages[3].memory_mb);
}

#[test]
fn a_plan_of_as_many_frames_as_are_fitted_says_what_the_fit_takes() {
    let checked = check_file(&example("smooth.toml"), &["prior=\"vposer\""]);
    let stages = plan(&checked.problem, &mut |_| true);
    let found = fit(&checked);
    assert_eq!(stages.len(), found.stages.len());
    for (planned, took) in stages.iter().zip(&found.stages) {
        let total: usize = took.solution.iterations.iter().sum();
        let each = if took.joint { 1 } else { planned.fitted };
        assert_eq!(
            planned.iterations,
            total as f64 / each as f64,
            "{}",
            planned.name
        );
    }
}

#[test]
fn what_no_term_decides_is_named_before_the_fit_and_nothing_where_a_term_does() {
    let text = without_prior("");
    let open = &plan(&check(&text, &[]).problem, &mut |_| true)[1].open;
    assert!(open[0].starts_with("`pose_body`[27–32,"), "{open:?}");
    let held = "[terms.small]\nkind = \"l2\"\nof = \"pose_body\"\nsigma = \"1 rad\"\n";
    let text = without_prior(held);
    assert!(
        plan(&check(&text, &[]).problem, &mut |_| true)[1]
            .open
            .is_empty()
    );
}

#[test]
fn a_run_warns_of_what_no_term_decided() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.toml");
    std::fs::write(&path, without_prior("")).unwrap();
    let options = fitrun::RunOptions {
        out: Some(folder.path().join("out")),
        sets: vec![
            "output.write=[\"params.npz\"]".into(),
            "output.plots=[]".into(),
        ],
        ..Default::default()
    };
    let outcome = fitrun::run(&path, &options, &mut |_| true).unwrap();
    let said = outcome
        .remarks
        .iter()
        .any(|r| r.contains("no term says anything of `pose_body`["));
    assert!(said, "{:?}", outcome.remarks);
    let last = outcome.checked.last_record();
    assert!(last.is_none(), "the run's folder was another");
}
