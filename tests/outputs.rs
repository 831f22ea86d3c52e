//! What a run writes when it is asked for everything, read back by other means than it was written.

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::example;
use fitrun::nalgebra::{Matrix3, Rotation3, Vector3};
use fitrun::ndarray::ArrayD;
use fitrun::{Outcome, RunOptions};

const WRITE: &str = r#"output.write=["params.npz", "convergence.csv", "joints.csv", "joints.trc",
    "points.csv", "points.trc", "motion.bvh", "body.glb", "body.obj", "body.ply"]"#;
const PLOTS: &str = r#"output.plots=["convergence", "terms", "per_joint_error",
    "point_error_over_time", "residual_heatmap", "overlay", "body"]"#;

fn run(spec: &str, folder: &Path, sets: &[&str]) -> Outcome {
    let sets = sets.iter().chain(&[WRITE, PLOTS]);
    let options = RunOptions {
        out: Some(folder.join("run")),
        sets: sets.map(|s| s.to_string()).collect(),
        ..RunOptions::default()
    };
    fitrun::run(&example(spec), &options, &mut |_| true).unwrap_or_else(|e| panic!("{e}"))
}

/// Names and sizes of a folder's files.
fn files(folder: &Path) -> BTreeMap<String, u64> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap());
    entries
        .map(|e| {
            let name = e.file_name().to_string_lossy().into_owned();
            (name, e.metadata().unwrap().len())
        })
        .collect()
}

fn joints(outcome: &Outcome) -> ArrayD<f64> {
    fitrun::read_array(outcome.dir.join("params.npz"), "joints").unwrap()
}

fn text(outcome: &Outcome, name: &str) -> String {
    std::fs::read_to_string(outcome.dir.join(name)).unwrap()
}

#[test]
fn four_cameras_leave_every_file_and_a_picture_of_each_view() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(
        "cameras.toml",
        folder.path(),
        &["data.detections.frames=\"0..3\""],
    );
    assert_eq!(outcome.remarks, Vec::<String>::new());
    let written = files(&outcome.dir);
    assert!(written.values().all(|size| *size > 100), "{written:?}");
    let mut expected: Vec<String> = [
        "body.glb",
        "body.png",
        "convergence.csv",
        "convergence.svg",
        "convergence_band.csv",
        "joints.csv",
        "joints.trc",
        "measures.csv",
        "motion.bvh",
        "params.npz",
        "points.csv",
        "points.trc",
        "run.json",
    ]
    .map(String::from)
    .to_vec();
    for frame in 0..3 {
        expected.extend(["obj", "ply"].map(|e| format!("body_{frame:05}.{e}")));
    }
    for plot in [
        "overlay_cam1",
        "overlay_cam2",
        "overlay_cam3",
        "overlay_cam4",
        "per_joint_error",
        "point_error_over_time",
        "residual_heatmap",
        "terms",
    ] {
        expected.extend(["csv", "svg"].map(|e| format!("{plot}.{e}")));
    }
    expected.sort();
    assert_eq!(written.into_keys().collect::<Vec<_>>(), expected);
    let header = text(&outcome, "points.trc");
    assert!(
        header
            .lines()
            .nth(3)
            .unwrap()
            .starts_with("Frame#\tTime\tNose\t\t\tNeck")
    );
    assert_rows_agree_with_their_errors(&text(&outcome, "points.csv"));
}

#[test]
fn points_in_space_leave_no_overlay_and_a_remark() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(
        "joints.toml",
        folder.path(),
        &["data.targets.frames=\"0..2\""],
    );
    assert_eq!(
        outcome.remarks,
        ["no term compares points in images, so there is no overlay"]
    );
    assert_rows_agree_with_their_errors(&text(&outcome, "points.csv"));
}

/// Every error is the distance of its two points, and some are there.
fn assert_rows_agree_with_their_errors(text: &str) {
    let mut rows = text.lines().map(|l| l.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    assert_eq!(header[..5], ["term", "frame", "view", "point", "unit"]);
    let mut compared = 0;
    for row in rows {
        let number = |at: usize| row[at].parse::<f64>().ok();
        let squares = (0..3).filter_map(|k| Some((number(6 + k)? - number(9 + k)?).powi(2)));
        let distance = squares.sum::<f64>().sqrt();
        if let Some(error) = number(12) {
            assert!((error - distance).abs() < 1e-5, "{row:?}");
            compared += 1;
        }
    }
    assert!(compared > 30, "{compared} errors");
}

#[test]
fn bvh_and_trc_hold_the_joints_of_the_fit() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(
        "joints.toml",
        folder.path(),
        &["data.targets.frames=\"10..14\""],
    );
    let joints = joints(&outcome);
    let bvh = Bvh::parse(&text(&outcome, "motion.bvh"));
    let names = outcome
        .checked
        .inputs
        .body
        .as_ref()
        .unwrap()
        .joint_names
        .clone();
    assert_eq!(bvh.frames.len(), joints.shape()[0]);
    let trc = trc_points(&text(&outcome, "joints.trc"));
    for f in 0..bvh.frames.len() {
        for (name, position) in bvh.positions(f) {
            let j = names.iter().position(|n| *n == name).unwrap();
            let known = Vector3::from_fn(|k, _| joints[[f, j, k]]);
            assert!((position - known).norm() < 1e-4, "{name}, frame {f}");
            assert!((trc[f][j] - known).norm() < 1e-5, "{name}, frame {f}");
        }
    }
    assert_eq!(bvh.positions(0).len(), names.len());
}

#[test]
fn of_data_with_z_up_trc_and_bvh_are_y_up_and_points_csv_is_as_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let sets = ["data.targets.frames=\"0..1\"", "data.targets.up=\"z\""];
    let outcome = run("joints.toml", folder.path(), &sets);
    let raw = fitrun::read_array(example("walk.npz"), "joints").unwrap();
    let table = text(&outcome, "points.csv");
    let row: Vec<&str> = table.lines().nth(2).unwrap().split(',').collect();
    let label = outcome.errors[0]
        .labels
        .iter()
        .position(|l| l == row[3])
        .unwrap();
    for k in 0..3 {
        let written: f64 = row[6 + k].parse().unwrap();
        assert!((written - raw[[0, label, k]]).abs() < 1e-5, "{row:?}");
    }
    let inside = joints(&outcome);
    let [x, y, z] = [0, 1, 2].map(|k| inside[[0, 0, k]]);
    let turned = Vector3::new(x, z, -y);
    let trc = trc_points(&text(&outcome, "joints.trc"));
    assert!((trc[0][0] - turned).norm() < 1e-5);
    let bvh = Bvh::parse(&text(&outcome, "motion.bvh"));
    assert!((bvh.positions(0)[0].1 - turned).norm() < 1e-5);
}

#[test]
fn ply_and_obj_hold_the_same_mesh() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(
        "joints.toml",
        folder.path(),
        &["data.targets.frames=\"0..1\""],
    );
    let obj = text(&outcome, "body.obj");
    let of = |kind: &str| -> Vec<Vec<f64>> {
        let lines = obj.lines().filter_map(|l| l.strip_prefix(kind));
        lines
            .map(|l| l.split(' ').map(|x| x.parse().unwrap()).collect())
            .collect()
    };
    let (vertices, faces) = (of("v "), of("f "));
    let ply = std::fs::read(outcome.dir.join("body.ply")).unwrap();
    let end = b"end_header\n";
    let body = end.len() + ply.windows(end.len()).position(|w| w == end).unwrap();
    let (points, triangles) = ply[body..].split_at(12 * vertices.len());
    let points = points
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()));
    for (a, b) in points.zip(vertices.iter().flatten()) {
        assert!((f64::from(a) - b).abs() < 2e-6, "{a} {b}");
    }
    assert_eq!(triangles.len(), 13 * faces.len());
    for (bytes, face) in triangles.chunks_exact(13).zip(&faces) {
        assert_eq!(bytes[0], 3);
        let corners = bytes[1..].chunks_exact(4);
        let corners = corners.map(|b| f64::from(i32::from_le_bytes(b.try_into().unwrap()) + 1));
        assert_eq!(&corners.collect::<Vec<_>>(), face);
    }
}

/// (frames)(points), metres.
fn trc_points(text: &str) -> Vec<Vec<Vector3<f64>>> {
    let lines: Vec<&str> = text.lines().collect();
    let units: Vec<&str> = lines[2].split('\t').collect();
    assert_eq!(units[4], "m");
    let row = |line: &&str| {
        let cells: Vec<f64> = line
            .split('\t')
            .skip(2)
            .filter(|c| !c.is_empty())
            .map(|c| c.parse().unwrap())
            .collect();
        cells
            .chunks_exact(3)
            .map(Vector3::from_column_slice)
            .collect()
    };
    lines[6..].iter().map(row).collect()
}

/// A plain reader: joints as they come, channels in the order of the file.
struct Bvh {
    names: Vec<String>,
    parents: Vec<Option<usize>>,
    offsets: Vec<Vector3<f64>>,
    channels: Vec<Vec<String>>,
    frames: Vec<Vec<f64>>,
}

impl Bvh {
    fn parse(text: &str) -> Self {
        let mut bvh = Self {
            names: vec![],
            parents: vec![],
            offsets: vec![],
            channels: vec![],
            frames: vec![],
        };
        // None stands for the end of a chain.
        let mut open: Vec<Option<usize>> = Vec::new();
        let mut lines = text.lines();
        for line in lines.by_ref().map(str::trim) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[0] {
                "ROOT" | "JOINT" => {
                    bvh.parents.push(open.last().copied().flatten());
                    bvh.names.push(words[1].into());
                    open.push(Some(bvh.names.len() - 1));
                }
                "End" => open.push(None),
                "OFFSET" if open.last().unwrap().is_some() => {
                    let offset: Vec<f64> = words[1..].iter().map(|w| w.parse().unwrap()).collect();
                    bvh.offsets.push(Vector3::from_column_slice(&offset));
                }
                "CHANNELS" => {
                    let channels = words[2..].iter().map(|w| w.to_string());
                    bvh.channels.push(channels.collect());
                }
                "}" => drop(open.pop()),
                "MOTION" => break,
                _ => {}
            }
        }
        let count: usize = lines.next().unwrap()["Frames:".len()..]
            .trim()
            .parse()
            .unwrap();
        assert!(lines.next().unwrap().starts_with("Frame Time: 0."));
        let numbers = |l: &str| l.split(' ').map(|w| w.parse().unwrap()).collect();
        bvh.frames = lines.map(numbers).collect();
        assert_eq!(bvh.frames.len(), count);
        bvh
    }

    /// Where the joints are at a frame, metres.
    fn positions(&self, frame: usize) -> Vec<(String, Vector3<f64>)> {
        let mut numbers = self.frames[frame].iter();
        let mut placed: Vec<(Matrix3<f64>, Vector3<f64>)> = Vec::new();
        for j in 0..self.names.len() {
            let (mut turn, mut shift) = (Rotation3::identity(), self.offsets[j]);
            for channel in &self.channels[j] {
                let number = *numbers.next().unwrap();
                let axis = match &channel[..1] {
                    "X" => Vector3::x_axis(),
                    "Y" => Vector3::y_axis(),
                    _ => Vector3::z_axis(),
                };
                match channel.ends_with("position") {
                    true => shift += number * axis.into_inner(),
                    false => turn *= Rotation3::from_axis_angle(&axis, number.to_radians()),
                }
            }
            placed.push(match self.parents[j] {
                Some(p) => (
                    placed[p].0 * turn.matrix(),
                    placed[p].1 + placed[p].0 * shift / 100.0,
                ),
                None => (turn.into_inner(), shift / 100.0),
            });
        }
        assert!(numbers.next().is_none(), "as many numbers as channels");
        let names = self.names.iter().cloned();
        names.zip(placed.into_iter().map(|(_, p)| p)).collect()
    }
}
