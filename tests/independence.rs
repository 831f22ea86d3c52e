//! Frames are independent problems: company, order and a broken neighbour change nothing.

mod common;

use common::{check, example, fit};
use fitrun::{Checked, Fit, NpzWriter, Status, ndarray::ArrayD};

/// Betas stay fixed, so nothing ties the frames.
const ALONE: &str = r#"
[[stages]]
name = "place"
free = ["root_orient", "trans"]
[[stages]]
name = "pose"
free = ["root_orient", "trans", "pose"]
"#;

fn joints() -> ArrayD<f64> {
    fitrun::read_array(example("walk.npz"), "joints").unwrap()
}

/// Fits the given joints, (frames, 22, 3), with the stages of `schedule`.
fn fit_joints(joints: &[f64], frames: &str, precision: &str, schedule: &str) -> (Checked, Fit) {
    fit_with("gmm", joints, frames, precision, schedule)
}

fn fit_with(
    prior: &str,
    joints: &[f64],
    frames: &str,
    precision: &str,
    schedule: &str,
) -> (Checked, Fit) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("joints.npz");
    let mut file = NpzWriter::create(&path);
    let count = joints.len() / 66;
    file.floats64("joints", &[count, 22, 3], joints).unwrap();
    file.finish().unwrap();
    let text = format!(
        r#"
fitrun = 1
prior = "{prior}"
[data.targets]
file = "{}"
axes = ["frame", "joint", "xyz"]
frames = "{frames}"
[terms.data]
source = "joints"
target = "targets"
sigma = "1 cm"
{schedule}
"#,
        path.display()
    );
    let checked = check(&text, &[&format!("solve.precision={precision}")]);
    let found = fit(&checked);
    (checked, found)
}

/// Everything that a frame's fit found, bit for bit.
fn bits(checked: &Checked, fit: &Fit, frame: usize) -> Vec<u64> {
    let variables = ["root_orient", "trans", "pose_body", "z"];
    let numbers = variables
        .iter()
        .filter_map(|name| fit.variable(&checked.problem, name, frame))
        .flatten();
    let all = numbers.chain([&fit.frame_costs[frame]]);
    all.map(|x| x.to_bits()).collect()
}

/// Enough frames to fill more than one chunk of 64.
fn repeated() -> Vec<f64> {
    let joints = joints();
    let once: Vec<f64> = joints.iter().copied().collect();
    once.iter().chain(&once).copied().collect()
}

#[test]
fn a_frame_alone_has_the_same_bits_as_among_a_hundred_others() {
    let joints = repeated();
    for precision in ["f32", "f64"] {
        let (checked, together) = fit_joints(&joints, "0..120", precision, ALONE);
        for frame in [0, 7, 63, 64, 100, 119] {
            let range = format!("{frame}..{}", frame + 1);
            let (one, alone) = fit_joints(&joints, &range, precision, ALONE);
            assert_eq!(
                bits(&checked, &together, frame),
                bits(&one, &alone, 0),
                "{precision}, frame {frame}"
            );
        }
    }
}

#[test]
fn with_lm_a_frame_has_the_same_bits_alone_beside_nan_and_in_company_and_costs_no_more() {
    let good = repeated();
    let mut broken = good.clone();
    broken[7 * 66..8 * 66].fill(f64::NAN);
    let lbfgs = ALONE.replace("name = ", "method = \"lbfgs\"\nname = ");
    for precision in ["f32", "f64"] {
        let run = |joints: &[f64], frames: &str, schedule: &str| {
            fit_with("none", joints, frames, precision, schedule)
        };
        let (checked, together) = run(&good, "0..70", ALONE);
        let (second, spoilt) = run(&broken, "0..70", ALONE);
        let (_, other) = run(&good, "0..70", &lbfgs);
        assert!(together.status.iter().all(|s| *s == Status::Converged));
        assert!(together.cost() <= 1.001 * other.cost());
        let iterations: usize = together.stages[1].solution.iterations.iter().sum();
        assert!(iterations < 70 * 40, "{iterations} iterations of 70 frames");
        for frame in [0, 6, 8, 15, 16, 69] {
            let expected = bits(&checked, &together, frame);
            let (one, alone) = run(&good, &format!("{frame}..{}", frame + 1), ALONE);
            assert_eq!(
                expected,
                bits(&one, &alone, 0),
                "{precision}, {frame} alone"
            );
            let found = bits(&second, &spoilt, frame);
            assert_eq!(expected, found, "{precision}, {frame} beside NaN");
        }
    }
}

#[test]
fn a_frame_of_nan_leaves_the_bits_of_all_others_unchanged() {
    let good: Vec<f64> = joints().iter().copied().collect();
    let mut broken = good.clone();
    broken[7 * 66..8 * 66].fill(f64::NAN);
    let (first, whole) = fit_joints(&good, "..", "f32", ALONE);
    let (second, spoilt) = fit_joints(&broken, "..", "f32", ALONE);
    assert_eq!(spoilt.status[7], Status::NoData);
    for frame in (0..60).filter(|f| *f != 7) {
        assert_eq!(
            bits(&first, &whole, frame),
            bits(&second, &spoilt, frame),
            "frame {frame}"
        );
    }
}

#[test]
fn with_codes_a_frame_alone_or_beside_nan_has_the_same_bits_as_in_company() {
    let good = repeated();
    let mut broken = good.clone();
    broken[7 * 66..8 * 66].fill(f64::NAN);
    for prior in ["vposer-gmm", "gan-s"] {
        let run = |joints: &[f64], frames: &str| fit_with(prior, joints, frames, "f32", ALONE);
        let (checked, together) = run(&good, "0..70");
        let (second, spoilt) = run(&broken, "0..70");
        for frame in [0, 6, 8, 63, 64, 69] {
            let expected = bits(&checked, &together, frame);
            assert!(expected.len() > 40, "{prior}: the code is missing");
            let (one, alone) = run(&good, &format!("{frame}..{}", frame + 1));
            assert_eq!(expected, bits(&one, &alone, 0), "{prior}, frame {frame}");
            assert_eq!(expected, bits(&second, &spoilt, frame), "{prior}, {frame}");
        }
        assert_eq!(spoilt.status[7], Status::NoData);
    }
}

#[test]
fn with_a_shared_shape_a_frame_of_nan_takes_no_part_and_the_rest_converge() {
    let mut broken: Vec<f64> = joints().iter().copied().collect();
    broken[7 * 66..8 * 66].fill(f64::NAN);
    let (_, found) = fit_joints(&broken, "..", "f32", "");
    assert_eq!(found.status[7], Status::NoData);
    assert!(found.frame_costs[7].is_nan());
    let rest = (0..60).filter(|f| *f != 7);
    assert!(
        rest.into_iter()
            .all(|f| found.status[f] == Status::Converged)
    );
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let joints = repeated();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap()
            .install(|| fit_joints(&joints, "0..120", "f32", ""))
    };
    let (one, first) = run(1);
    let (_, second) = run(3);
    for frame in 0..120 {
        assert_eq!(bits(&one, &first, frame), bits(&one, &second, frame));
    }
}

#[test]
fn where_no_frame_can_be_used_all_are_invalid_and_nothing_else_happens() {
    let wild = vec![1e15; 5 * 66];
    let (checked, found) = fit_joints(&wild, "..", "f32", "");
    assert_eq!(found.status, [Status::Invalid; 5]);
    let errors = fitrun::point_errors(&checked.problem, &found);
    assert!(errors[0].all().is_empty());
    assert!(found.frame_costs.iter().all(|c| c.is_nan()));
}

/// Markers tracked with shape and offsets fixed.
fn track_markers(frames: &str, method: &str) -> (Checked, Fit) {
    let text = format!(
        r#"
fitrun = 1
prior = "gmm"
solve.method = "{method}"
[data.markers]
file = "{}"
array = "markers"
axes = ["frame", "marker", "xyz"]
names = "marker_names"
frames = "{frames}"
[sources.skin]
kind = "surface"
layout = "plug-in-gait"
[terms.data]
source = "skin"
target = "markers"
sigma = "1 cm"
{ALONE}
"#,
        example("walk.npz").display()
    );
    let checked = check(&text, &[]);
    let found = fit(&checked);
    (checked, found)
}

#[test]
fn tracked_markers_have_the_same_bits_alone_and_in_company_with_every_method() {
    for (name, _) in fitrun::MethodKind::NAMES {
        let (checked, together) = track_markers("..", name);
        for frame in [0, 31, 59] {
            let (one, alone) = track_markers(&format!("{frame}..{}", frame + 1), name);
            assert_eq!(
                bits(&checked, &together, frame),
                bits(&one, &alone, 0),
                "{name}, frame {frame}"
            );
        }
    }
}

#[test]
fn with_adam_a_frame_of_nan_leaves_the_bits_of_all_others_unchanged() {
    let good: Vec<f64> = joints().iter().copied().take(12 * 66).collect();
    let mut broken = good.clone();
    broken[7 * 66..8 * 66].fill(f64::NAN);
    let schedule = format!("[solve]\nmethod = \"adam\"\nmax_iter = 300\n{ALONE}");
    let (first, whole) = fit_joints(&good, "..", "f32", &schedule);
    let (second, spoilt) = fit_joints(&broken, "..", "f32", &schedule);
    assert_eq!(spoilt.status[7], Status::NoData);
    for frame in (0..12).filter(|f| *f != 7) {
        assert_eq!(
            bits(&first, &whole, frame),
            bits(&second, &spoilt, frame),
            "frame {frame}"
        );
    }
}
