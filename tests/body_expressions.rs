//! Terms on bodies written as expressions are the built-in ones.

use std::path::Path;

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
