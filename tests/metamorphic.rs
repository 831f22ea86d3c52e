//! What a spec means is in what it says: neither the names that it chooses nor the place where a
//! setting is written change a bit of what is found.

mod common;

use common::{check, example, fit};
use fitrun::{Checked, Fit};

/// Names that a spec may choose; nodes inside are called so too, or once were.
const NAMES: [&str; 12] = [
    "x",
    "rotations",
    "transforms",
    "rest joints",
    "bending",
    "bone differences",
    "all rotations",
    "shape and expression",
    "decoder layer 0",
    "terms.data",
    "terms.data: points",
    "terms.data: skinned",
];

/// The names of a spec's own variable, source and term.
#[derive(Clone, Copy)]
struct Names<'a> {
    variable: &'a str,
    source: &'a str,
    term: &'a str,
}

const PLAIN: Names<'_> = Names {
    variable: "mine",
    source: "seen",
    term: "data",
};

/// Every term on a body, and one on a variable that is the spec's own.
const IN_SPACE: &str = r#"
prior = "gmm"
data.targets = { file = "FILE", array = "joints", axes = ["frame", "joint", "xyz"], names = "joint_names", rate = "30 Hz", frames = "0..6" }
[sources."SOURCE"]
kind = "joints"
[terms."TERM"]
source = "SOURCE"
target = "targets"
sigma = "5 mm"
[terms.limits]
kind = "joint_limits"
[terms.bending]
kind = "bending"
[terms.ground]
kind = "ground"
sigma = "1 cm"
[terms.symmetry]
kind = "symmetry"
[terms.smooth]
kind = "difference"
of = "SOURCE"
order = 2
sigma = "3 m/s^2"
"#;

/// Points on the skin in images, by way of a prior's decoder.
const IN_IMAGES: &str = r#"
prior = "vposer"
data.cameras = { file = "CAMERAS", up = "y" }
data.targets = { file = "FILE", array = "keypoints", axes = ["camera", "frame", "keypoint", "uvc"], views = "cameras", keypoints = "BODY_25", frames = "0..2" }
[sources."SOURCE"]
kind = "project"
of = "joints"
cameras = "cameras"
[terms."TERM"]
source = "SOURCE"
target = "targets"
sigma = "10 px"
[terms.limits]
kind = "joint_limits"
"#;

const OWN: &str = r#"
[vars."VARIABLE"]
dim = 3
init = [0.5, -1.0, 2.0]
[terms.own]
kind = "l2"
of = "VARIABLE"
[[stages]]
name = "place"
free = ["root_orient", "trans"]
max_iter = 2
disable = ["own"]
[[stages]]
name = "pose"
free = ["*"]
max_iter = 3
"#;

fn named(spec: &str, names: Names<'_>) -> String {
    format!("fitrun = 1\n{spec}{OWN}")
        .replace("FILE", &example("walk.npz").display().to_string())
        .replace(
            "CAMERAS",
            &example("calibration.toml").display().to_string(),
        )
        .replace("VARIABLE", names.variable)
        .replace("SOURCE", names.source)
        .replace("TERM", names.term)
}

fn solved(text: &str) -> (Checked, Fit) {
    let checked = check(text, &[]);
    let found = fit(&checked);
    (checked, found)
}

/// The bits of the total and of every frame's cost.
fn bits(found: &Fit) -> Vec<u64> {
    let total = found.cost();
    assert!(total.is_finite() && total > 0.0);
    let costs = std::iter::once(&total).chain(&found.frame_costs);
    costs.map(|c| c.to_bits()).collect()
}

#[test]
fn the_names_of_variables_sources_and_terms_change_no_bit() {
    for spec in [IN_SPACE, IN_IMAGES] {
        let expected = bits(&solved(&named(spec, PLAIN)).1);
        for name in NAMES {
            for names in [
                Names {
                    variable: name,
                    ..PLAIN
                },
                Names {
                    source: name,
                    term: if name == "bending" { "flexion" } else { name },
                    ..PLAIN
                },
            ] {
                let (checked, found) = solved(&named(spec, names));
                assert_eq!(checked.diagnostics.list.len(), 0, "{name}");
                assert_eq!(bits(&found), expected, "{name}");
            }
        }
    }
}

/// Settings of terms: the path, then two values of which either may be written in the file.
const SETTINGS: [(&str, &str, &str); 7] = [
    ("terms.data.source", "joints", "two"),
    ("terms.data.source", "two", "feet"),
    ("terms.smooth.of", "two", "feet"),
    ("terms.smooth.of", "joints", "two"),
    ("terms.data.sigma", "5 mm", "2 cm"),
    ("terms.smooth.sigma", "3 m/s^2", "9 m/s^2"),
    ("terms.data.weight", "1.0", "0.25"),
];

/// A placement, then poses along frames; `settings` stand in the file, `sets` in the two stages.
fn staged(setting: (&str, &str), sets: [Option<&str>; 2]) -> (Checked, Fit) {
    let (path, value) = setting;
    let set = |value: Option<&str>| match value {
        Some(value) => format!("set = {{ \"{path}\" = {} }}", toml(value)),
        None => String::new(),
    };
    let [first, second] = sets.map(set);
    let mut lines = vec![
        ("terms.data.source", "joints"),
        ("terms.data.sigma", "5 mm"),
        ("terms.data.weight", "1.0"),
        ("terms.smooth.of", "joints"),
        ("terms.smooth.sigma", "3 m/s^2"),
    ];
    lines.retain(|(known, _)| *known != path);
    lines.push((path, value));
    let lines: Vec<String> = lines
        .iter()
        .map(|(path, value)| format!("{path} = {}", toml(value)))
        .collect();
    solved(&format!(
        r#"
fitrun = 1
prior = "gmm"
data.targets = {{ file = "{}", array = "joints", axes = ["frame", "joint", "xyz"], names = "joint_names", rate = "30 Hz", frames = "0..6" }}
sources.two = {{ kind = "joints", keypoints = ["left_wrist", "right_wrist", "pelvis"] }}
sources.feet = {{ kind = "joints", keypoints = ["left_foot", "right_foot", "neck"] }}
terms.data.target = "targets"
terms.smooth.kind = "difference"
terms.smooth.order = 2
{}
[[stages]]
name = "place"
free = ["root_orient", "trans"]
max_iter = 2
{first}
[[stages]]
name = "pose"
free = ["root_orient", "trans", "pose"]
max_iter = 3
{second}
"#,
        example("walk.npz").display(),
        lines.join("\n")
    ))
}

/// A number as it is, all else as text.
fn toml(value: &str) -> String {
    match value.parse::<f64>() {
        Ok(_) => value.into(),
        Err(_) => format!("{value:?}"),
    }
}

/// The bits of every problem's cost in every stage, and of the total.
fn all_bits(found: &Fit) -> Vec<u64> {
    let of_stages = found.stages.iter().flat_map(|s| &s.solution.costs);
    let of_stages: Vec<u64> = of_stages.map(|c| c.to_bits()).collect();
    [of_stages, bits(found)].concat()
}

#[test]
fn what_all_stages_set_is_the_same_as_written_in_the_file() {
    for (path, one, other) in SETTINGS {
        for (value, set) in [(one, other), (other, one)] {
            let (_, written) = staged((path, set), [None, None]);
            let (_, found) = staged((path, value), [Some(set); 2]);
            assert_eq!(all_bits(&found), all_bits(&written), "{path} = {set}");
            let (_, plain) = staged((path, value), [None, None]);
            assert_ne!(bits(&plain), bits(&written), "{path} does nothing");
        }
    }
}

#[test]
fn a_stage_that_sets_what_differs_is_the_same_whichever_value_the_file_has() {
    for (path, one, other) in SETTINGS {
        let (_, last) = staged((path, one), [None, Some(other)]);
        let (_, first) = staged((path, other), [Some(one), None]);
        assert_eq!(all_bits(&last), all_bits(&first), "{path}");
    }
}

#[test]
fn points_are_measured_against_what_the_last_stage_compares() {
    let (checked, found) = staged(("terms.data.source", "joints"), [None, Some("two")]);
    let errors = fitrun::point_errors(&checked.problem, &found);
    let labels: Vec<&str> = errors[0].labels.iter().map(String::as_str).collect();
    assert_eq!(labels, ["pelvis", "left_wrist", "right_wrist"]);
    let unread = checked.diagnostics.list.iter().map(|d| &d.message);
    let unread: Vec<&String> = unread.collect();
    assert_eq!(unread, ["no term reads the source `feet`"]);
}

#[test]
fn a_mistake_is_told_once_however_many_stages_set_something_else() {
    let text = named(IN_SPACE, PLAIN)
        .replace("sigma = \"5 mm\"", "")
        .replace(
            "max_iter",
            "set = { \"terms.data.weight\" = 2.0 }\nmax_iter",
        );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.toml");
    std::fs::write(&path, text).unwrap();
    let message = match fitrun::check(&path, &fitrun::RunOptions::default()) {
        Ok(_) => panic!("a term without sigma was accepted"),
        Err(error) => error.to_string(),
    };
    assert_eq!(message.matches("error[").count(), 1, "{message}");
}
