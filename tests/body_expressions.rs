//! Terms on bodies written as expressions are the built-in ones.

use std::path::Path;

use fitrun::own::{Arrays, Registry};
use fitrun::{Checked, Fit, RunOptions, check_text, fit, gradcheck};

/// The walk of the examples, in f64.
const HEAD: &str = r#"
fitrun = 1
[data.targets]
file = "walk.npz"
array = "joints"
axes = ["frame", "joint", "xyz"]
names = "joint_names"
frames = "0..40"
[solve]
precision = "f64"
[body]
num_betas = 4
"#;

const BUILT_IN: &str = r#"
[terms.data]
source = "joints"
target = "targets"
sigma = "5 mm"
robust = { kind = "geman_mcclure", scale = "3 cm" }
[terms.smooth]
kind = "difference"
of = "joints"
sigma = "5 m/s^2"
[terms.steady]
kind = "difference"
of = "pose_body"
order = 1
sigma = "4 rad/s"
[terms.ground]
kind = "ground"
of = "joints"
points = ["left_foot", "right_foot"]
height = "6 cm"
sigma = "5 mm"
[terms.contact]
kind = "contact"
of = "joints"
points = ["left_foot"]
fade = "10 cm"
sigma = "5 cm/s"
[terms.bend]
kind = "bending"
[terms.small]
kind = "l2"
of = "betas"
sigma = 2.0
"#;

const WRITTEN: &str = r#"
[terms.data]
kind = "expr"
over = "targets"
residual = "targets - 1 * joints"
sigma = "5 mm"
robust = { kind = "geman_mcclure", scale = "3 cm" }
[terms.smooth]
kind = "expr"
residual = "(next(next(joints)) - 2 * next(joints) + joints) * rate^2"
sigma = "5 m/s^2"
[terms.steady]
kind = "expr"
residual = "(next(pose_body) - pose_body) * rate"
sigma = "4 rad/s"
[terms.ground]
kind = "expr"
residual = "relu(vec(6 cm - joints['left_foot'].y, 6 cm - joints['right_foot'].y))"
sigma = "5 mm"
[terms.contact]
kind = "expr"
residual = """
let height = relu(joints['left_foot'].y / 10 cm)
relu(1 - height^2)^2 * (next(joints['left_foot']) - joints['left_foot']) * rate"""
sigma = "5 cm/s"
[terms.bend]
kind = "expr"
residual = "exp(vec(pose_body[52], -pose_body[55], -pose_body[9], -pose_body[12]))"
[terms.small]
kind = "expr"
residual = "betas"
sigma = 2.0
"#;

fn checked(terms: &str) -> Checked {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/specs/fit/walk.toml");
    let text = format!("{HEAD}{terms}");
    check_text(Path::new(folder), &text, &RunOptions::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn close(a: f64, b: f64, least: f64) -> bool {
    (a - b).abs() <= least * a.abs().max(b.abs()).max(1e-9)
}

/// What a term costs.
fn term(fit: &Fit, name: &str) -> Option<f64> {
    let found = fit.term_costs.iter().find(|(n, _)| n == name);
    found.map(|(_, cost)| *cost)
}

#[test]
fn costs_and_gradients_are_those_of_the_built_in_terms() {
    let (built_in, written) = (checked(BUILT_IN), checked(WRITTEN));
    for (a, b) in gradcheck(&built_in.problem)
        .iter()
        .zip(gradcheck(&written.problem))
    {
        assert_eq!(a.term, b.term);
        assert!(a.error < 1e-7 && b.error < 1e-7, "{a:?} {b:?}");
        // Of the same differences at the same point, which fall off at their ninth digit.
        assert!(close(a.largest, b.largest, 1e-7), "{a:?} {b:?}");
    }
    let of = |checked: &Checked| fit(&checked.problem, &mut |_| true);
    let (a, b) = (of(&built_in), of(&written));
    assert!(
        close(a.cost(), b.cost(), 1e-10),
        "{} {}",
        a.cost(),
        b.cost()
    );
    // Each frame has the terms that begin at it, whichever sixteen it is computed with.
    let of_all: f64 = ["small", "shape"].iter().filter_map(|n| term(&a, n)).sum();
    let of_frames: f64 = a.frame_costs.iter().sum();
    assert!(
        close(of_frames + of_all, a.cost(), 1e-9),
        "{of_frames} {of_all} {}",
        a.cost()
    );
    for ((name, a), (_, b)) in a.term_costs.iter().zip(&b.term_costs) {
        assert!(close(*a, *b, 1e-7), "{name}: {a} {b}");
    }
    let iterations = |fit: &Fit| {
        fit.stages
            .last()
            .map(|s| s.solution.iterations.iter().sum::<usize>())
    };
    assert_eq!(iterations(&a), iterations(&b));
    let (pa, pb) = (
        a.variable(&built_in.problem, "pose_body", 20).unwrap(),
        b.variable(&written.problem, "pose_body", 20).unwrap(),
    );
    assert!(pa.iter().zip(pb).all(|(a, b)| (a - b).abs() < 1e-7));
}

/// What a spec of these terms costs at its start, term by term.
fn at_start(text: &str) -> Vec<(String, f64)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/specs/fit/walk.toml");
    let text = format!("{text}\n[[stages]]\nname = \"none\"\nfree = [\"*\"]\nmax_iter = 1\n");
    let checked = check_text(Path::new(folder), &text, &RunOptions::default());
    let checked = checked.unwrap_or_else(|e| panic!("{e}"));
    let mut costs = fit(&checked.problem, &mut |_| true).term_costs;
    costs.sort_by(|a, b| a.0.cmp(&b.0));
    costs
}

#[test]
fn a_sigma_is_that_of_the_point_that_it_is_read_for() {
    let terms = r#"
[terms.a]
kind = "expr"
over = "targets"
residual = "1 * joints - targets"
sigma = "norm(targets) / 100"
[terms.b]
kind = "expr"
over = "targets"
residual = "(joints - targets) / (norm(targets) / 100)"
[terms.c]
kind = "expr"
over = "targets"
residual = "1 * joints - targets"
sigma = "vec(1 cm, 2 cm, 3 cm)"
[terms.d]
kind = "expr"
over = "targets"
residual = "1 * joints - targets"
sigma = ["1 cm", "2 cm", "3 cm"]
"#;
    let costs = at_start(&format!("{HEAD}{terms}"));
    let of = |name: &str| costs.iter().find(|(n, _)| n == name).unwrap().1;
    assert!(close(of("a"), of("b"), 1e-10) && of("a") > 0.0, "{costs:?}");
    assert!(close(of("c"), of("d"), 1e-10), "{costs:?}");
}

#[test]
fn what_was_not_seen_in_the_next_frame_counts_nothing() {
    let joints = fitrun::read_array(
        concat!(env!("CARGO_MANIFEST_DIR"), "/specs/fit/walk.npz"),
        "true_joints",
    )
    .unwrap();
    let (frames, dims) = (12, 66);
    let all: Vec<f64> = joints.iter().copied().take(frames * dims).collect();
    let mut gaps = all.clone();
    gaps[5 * dims + 30..5 * dims + 33].fill(f64::NAN);
    gaps[8 * dims..9 * dims].fill(f64::NAN);
    let spec = r#"
fitrun = 1
[data.targets]
axes = ["frame", "joint", "xyz"]
keypoints = "SMPL_22"
rate = "30 Hz"
[terms.data]
source = "joints"
target = "targets"
sigma = "5 mm"
[terms.moves]
kind = "expr"
over = "targets"
residual = "(next(joints) - joints) - (next(targets) - targets)"
sigma = "1 cm"
"#;
    let cost = |values: &[f64]| {
        let seen = Arrays::default().numbers("joints", &[frames, 22, 3], values);
        let registry = Registry::default().data("targets", seen);
        let checked = check_text(Path::new("gaps.toml"), spec, &registry.into()).unwrap();
        let costs = fit(&checked.problem, &mut |_| true).term_costs;
        costs.iter().find(|(name, _)| name == "moves").unwrap().1
    };
    let (whole, with_gaps) = (cost(&all), cost(&gaps));
    // Where a point is hidden the prior may choose another pose for it; one at zero would cost thousands.
    assert!(
        with_gaps < 3.0 * whole && with_gaps > 0.3 * whole,
        "{whole} {with_gaps}"
    );
}

#[test]
fn the_walk_of_the_documents_runs_as_it_stands_there() {
    let document = include_str!("../docs/spec.md");
    let spec = document
        .split("```toml\n")
        .find(|block| block.contains("over     = \"targets\""))
        .and_then(|block| block.split("```").next())
        .unwrap();
    let costs = at_start(spec);
    for name in ["data", "smooth", "contact"] {
        assert!(costs.iter().any(|(n, _)| n == name), "{costs:?}");
    }
}

#[test]
fn a_column_that_is_called_joints_makes_no_body() {
    let table = Arrays::default()
        .numbers("joints", &[3], &[1.0, 2.0, 3.0])
        .numbers("y", &[3], &[2.0, 4.0, 6.0]);
    let spec = "fitrun = 1\n[data.t]\ncolumns = { joints = \"1\", y = \"1\" }\n[vars]\n\
                a = { init = 1.0 }\n[terms.x]\nkind = \"expr\"\nresidual = \"a * joints - y\"\n";
    let registry = Registry::default().data("t", table);
    let checked = check_text(Path::new("columns.toml"), spec, &registry.into()).unwrap();
    assert_eq!(checked.problem.variables.len(), 1);
}

#[test]
fn data_at_another_rate_are_refused_or_taken_to_the_frames() {
    let points = |frames: usize, rate: f64| {
        let values: Vec<f64> = (0..frames)
            .flat_map(|f| [f as f64 / rate, 1.0, 0.0])
            .collect();
        let all = Arrays::default().numbers("p", &[frames, 1, 3], &values);
        all.numbers("rate", &[], &[rate])
            .texts("names", &["pelvis"])
    };
    let spec = |resample: &str| {
        let data = "axes = [\"frame\", \"point\", \"xyz\"]\narray = \"p\"\nnames = [\"pelvis\"]\n";
        format!(
            "fitrun = 1\n[body]\n[data.slow]\n{data}[data.fast]\n{data}{resample}\n\
             [terms.a]\nkind = \"expr\"\nover = \"slow\"\nresidual = \"1 * joints - slow\"\nsigma = \"1 m\"\n\
             [terms.b]\nkind = \"expr\"\nover = \"fast\"\nresidual = \"1 * joints - fast\"\nsigma = \"1 m\"\n"
        )
    };
    let check = |resample: &str| {
        let registry = Registry::default().data("slow", points(10, 50.0));
        let registry = registry.data("fast", points(24, 120.0));
        check_text(Path::new("rates.toml"), &spec(resample), &registry.into())
    };
    let refused = check("").unwrap_err().to_string();
    assert!(
        refused.contains("120 frames a second") && refused.contains("resample"),
        "{refused}"
    );
    let checked = check("resample = \"linear\"").unwrap();
    assert_eq!(checked.problem.frames, 10);
    // A point that moves evenly is where it is, whatever the rate it was seen at.
    let costs = fit(&checked.problem, &mut |_| true).term_costs;
    let of = |name: &str| costs.iter().find(|(n, _)| n == name).unwrap().1;
    assert!(
        (of("a") - of("b")).abs() < 1e-6 * of("a").max(1e-3),
        "{costs:?}"
    );
}

#[test]
fn a_source_that_is_made_of_itself_is_refused() {
    let spec = r#"
fitrun = 1
[data.c]
file = "calibration.toml"
[sources.a]
kind = "project"
of = "b"
cameras = "c"
[sources.b]
kind = "project"
of = "a"
cameras = "c"
[terms.t]
kind = "expr"
residual = "a['left_knee']"
"#;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/specs/fit/loop.toml");
    let error = check_text(Path::new(path), spec, &RunOptions::default()).unwrap_err();
    assert!(error.to_string().contains("is made of itself"), "{error}");
}

#[test]
fn a_source_less_what_was_seen_of_it_is_measured_as_points() {
    let plain = WRITTEN.replace("targets - 1 * joints", "joints - targets");
    let (a, b) = (checked(BUILT_IN), checked(&plain));
    let first = |checked: &Checked| {
        let found = fit(&checked.problem, &mut |_| true);
        fitrun::point_errors(&checked.problem, &found)[0].all()
    };
    assert_eq!(first(&a).len(), first(&b).len());
}

#[test]
fn a_body_and_a_table_in_one_spec_leave_deviations_of_both() {
    let table = "[data.d]\ncolumns = { x = \"1\", y = \"1\" }\n[vars]\nq = { init = 1.0 }\n\
                 [terms.line]\nkind = \"expr\"\nover = \"d\"\nresidual = \"q * x - y\"\n";
    let spec = format!(
        "{HEAD}{table}[terms.data]\nsource = \"joints\"\ntarget = \"targets\"\nsigma = \"5 mm\"\n"
    );
    let data = Arrays::default()
        .numbers("x", &[3], &[1.0, 2.0, 3.0])
        .numbers("y", &[3], &[2.0, 4.1, 5.9]);
    let registry = Registry::default().data("d", data);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/specs/fit/walk.toml");
    let checked = check_text(Path::new(folder), &spec, &registry.into());
    let checked = checked.unwrap_or_else(|e| panic!("{e}"));
    let found = fit(&checked.problem, &mut |_| true);
    let deviations = found.deviations.as_ref().unwrap();
    for (variable, deviations) in checked
        .problem
        .variables
        .iter()
        .zip(&deviations.of_variables)
    {
        let copies = match variable.name.as_str() {
            "root_orient" | "trans" | "pose_body" => checked.problem.frames,
            _ => 1,
        };
        let expected = copies * variable.unknowns();
        assert!(
            deviations.is_empty() || deviations.len() == expected,
            "{}",
            variable.name
        );
    }
}
