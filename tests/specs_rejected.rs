//! Wrong specs and bad files: the whole message that each gets, and how runs end that cannot go well.
//!
//! `UPDATE=1 cargo test --test specs_rejected` writes the messages anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fitrun::nalgebra::{Matrix3, Vector3};
use fitrun::{BodyModel, NpzWriter};
use serde_json::Value;
use tempfile::TempDir;

const FRAMES: usize = 4;
const JOINTS: usize = 22;

/// A frame, a joint and its point to another point.
type Change = fn(usize, usize, Vector3<f64>) -> Vector3<f64>;

const CALIBRATION: &str = "\
[left]
name = \"left\"
size = [1280.0, 960.0]
matrix = [[1000.0, 0.0, 640.0], [0.0, 1000.0, 480.0], [0.0, 0.0, 1.0]]
distortions = [0.0, 0.0, 0.0, 0.0]
rotation = [1.5707963267948966, 0.0, 0.0]
translation = [0.0, 1.0, 4.0]
";

#[test]
fn every_rejected_spec_has_its_whole_message() {
    let folder = Folder::with_files();
    let specs = rejected();
    assert!(specs.len() > 20, "{specs:?}");
    let mut differ = String::new();
    for spec in specs {
        let name = spec.file_name().unwrap().to_str().unwrap();
        std::fs::copy(&spec, folder.path(name)).unwrap();
        let output = folder.fitrun(&["check", name]);
        let found = text(&output.stderr);
        let code = output.status.code();
        if code != Some(2) || !output.stdout.is_empty() {
            writeln!(differ, "── {name}: exit code {code:?}\n{found}").unwrap();
        }
        let beside = spec.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&beside, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&beside).unwrap_or_default();
        if found != expected {
            writeln!(differ, "── {name}: found\n{found}── expected\n{expected}").unwrap();
        }
    }
    assert!(differ.is_empty(), "{differ}");
}

#[test]
fn six_different_mistakes_are_all_reported_at_once() {
    let folder = Folder::with_files();
    folder.write("six.toml", include_str!("rejected/six_mistakes.toml"));
    let said = text(&folder.fitrun(&["check", "six.toml"]).stderr);
    let wrong = [
        "\"deg\"",
        "\"5 px\"",
        "hubre",
        "left_anckle",
        "`hands`",
        "max_iters",
    ];
    let unsaid: Vec<_> = wrong.iter().filter(|w| !said.contains(**w)).collect();
    assert!(unsaid.is_empty(), "nothing is said of {unsaid:?}:\n{said}");
    assert_eq!(said.matches("error[").count(), wrong.len(), "{said}");
}

#[test]
fn a_frame_without_observations_has_no_data_and_the_others_converge() {
    let folder = Folder::with_walk(|frame, _, point| match frame {
        2 => Vector3::repeat(f64::NAN),
        _ => point,
    });
    let (output, record) = folder.run_walk(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(
        record["status"]["no_data"]["frames"],
        serde_json::json!([2])
    );
    assert_eq!(record["converged"], 3);
    let said = text(&output.stderr);
    assert!(said.contains("4 frames: 3 converged, 1 no_data"), "{said}");
    assert!(said.contains("no_data: frames 2\n"), "{said}");
}

#[test]
fn a_frame_of_enormous_values_is_invalid_and_the_others_are_solved() {
    let everything: Change = |_, _, _| Vector3::repeat(1e30);
    let stretched: Change = |_, _, point| point * 1e30;
    let one_number: Change = |_, joint, point| match joint {
        5 => Vector3::new(1e30, point.y, point.z),
        _ => point,
    };
    let cases = [
        ("one number", one_number, "f32"),
        ("stretched", stretched, "f32"),
        ("one number", one_number, "f64"),
        ("the same everywhere", everything, "f32"),
    ];
    for (what, change, precision) in cases {
        let folder = Folder::with_walk(|frame, joint, point| match frame {
            1 => change(frame, joint, point),
            _ => point,
        });
        let set = format!("solve.precision={precision}");
        let (output, record) = folder.run_walk(&["--set", &set]);
        let said = format!("{what}, {precision}: {}", text(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{said}");
        let invalid = &record["status"]["invalid"]["frames"];
        assert_eq!(*invalid, serde_json::json!([1]), "{said}");
        assert_eq!(record["converged"], 3, "{said}");
        let error = record["metrics"]["mpjpe_mm"].as_f64().unwrap();
        assert!(error < 20.0, "the other frames are {error} mm off: {said}");
    }
}

#[test]
fn a_camera_that_faces_away_gives_finite_numbers() {
    let folder = Folder::new();
    // The person is 4 m behind the camera: all depths are about −4 m.
    folder.write("Calib.toml", CALIBRATION.replace("4.0]\n", "-4.0]\n"));
    folder.write("behind.toml", views_spec("behind.npz"));
    folder.views("behind.npz", &["left"], |p| {
        [640.0 - 250.0 * p.x, 480.0 - 250.0 * (1.0 - p.y)]
    });
    let output = folder.fitrun(&["behind.toml", "--json", "--set", "solve.max_iter=50"]);
    let said = text(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(record["cost"].is_number(), "{}", record["cost"]);
    assert_eq!(record["status"]["no_data"]["count"], 0);
    let joints = fitrun::read_array(folder.path("runs/behind/params.npz"), "joints").unwrap();
    assert!(joints.iter().all(|x| x.is_finite()));
}

#[test]
fn an_output_folder_below_a_file_is_exit_code_4_before_anything_is_solved() {
    let folder = Folder::with_walk(|_, _, point| point);
    folder.write("walk.toml", WALK);
    let output = folder.fitrun(&["walk.toml", "--out", "walk.npz/run"]);
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(
        text(&output.stderr),
        "error: cannot write the results: `walk.npz/run`: a part of the path is a file, not a folder\n"
    );
}

#[test]
fn a_spec_that_is_not_there_is_exit_code_2() {
    let output = Folder::new().fitrun(&["check", "no_such.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "error: cannot read the spec `no_such.toml`: there is no such file\n"
    );
}

const WALK: &str = "\
fitrun = 1

[data.targets]
file = \"walk.npz\"
axes = [\"frame\", \"joint\", \"xyz\"]
unit = \"m\"

[terms.data]
source = \"joints\"
target = \"targets\"
sigma  = \"1 cm\"
";

const TRC: &str = "\
PathFileType\t4\t(X/Y/Z)\tmarkers.trc
DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits
100\t100\t2\t6\tmm
Frame#\tTime\tLFHD\t\t\tRFHD\t\t\tLFWT\t\t\tRFWT\t\t\tLHEE\t\t\tRHEE\t\t\t
\t\tX1\tY1\tZ1\tX2\tY2\tZ2\tX3\tY3\tZ3\tX4\tY4\tZ4\tX5\tY5\tZ5\tX6\tY6\tZ6

1\t0.00\t80\t1712\t90\t-80\t1710\t92\t130\t1010\t95\t-130\t1012\t95\t100\t40\t-80\t-100\t42\t-80
2\t0.01\t80\t1712\t90\t-80\t1710\t92\t130\t1010\t95\t-130\t1012\t95\t100\t40\t-80\t-100\t42\t-80
";

/// Four frames of two markers, in floats; says neither its unit nor which axis points up.
fn c3d() -> Vec<u8> {
    let mut bytes = vec![2, 0x50, 2, 0, 0, 0, 1, 0, 4, 0, 0, 0];
    bytes.extend((-1f32).to_le_bytes());
    bytes.extend([3, 0, 0, 0]);
    bytes.extend(100f32.to_le_bytes());
    bytes.resize(512, 0);
    bytes.extend(b"\x00\x00\x01\x54\x05\xffPOINT\x03\x00\x00");
    bytes.extend(b"\x06\x01LABELS\x0f\x00\xff\x02\x04\x02LFWTRFWT\x00");
    bytes.resize(1024, 0);
    let point = [100f32, 200.0, 300.0, 0.0];
    let points = point.repeat(8);
    bytes.extend(points.iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

fn views_spec(file: &str) -> String {
    format!(
        "fitrun = 1\n\
         [data.detections]\nfile = \"{file}\"\naxes = [\"frame\", \"camera\", \"joint\", \"uv\"]\nviews = [\"left\"]\n\
         [data.cameras]\nfile = \"Calib.toml\"\n\
         [sources.points]\nkind = \"joints\"\n\
         [sources.pixels]\nkind = \"project\"\nof = \"points\"\ncameras = \"cameras\"\n\
         [terms.reproj]\nsource = \"pixels\"\ntarget = \"detections\"\nsigma = \"4 px\"\n"
    )
}

/// The specs of `tests/rejected`, by name.
fn rejected() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rejected");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path());
    let mut specs: Vec<_> = files
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    specs.sort();
    specs
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A person who walks half a metre: (frames) of the 22 joints.
fn walk() -> Vec<Vec<Vector3<f64>>> {
    let body = BodyModel::builtin(None).unwrap();
    let rest = body.rest_joints(&[0.5, -1.0]);
    let frame = |f: usize| {
        let mut pose = [0.0; 63];
        let swing = 0.3 * (f as f64 - 1.5);
        (pose[0], pose[3], pose[47], pose[50]) = (swing, -swing, -1.2, 1.2);
        let trans = Vector3::new(0.0, 1.0, 0.15 * f as f64);
        let transforms = body.transforms(&rest, &Matrix3::identity(), &pose, &trans);
        transforms.iter().take(JOINTS).map(|t| t.1).collect()
    };
    (0..FRAMES).map(frame).collect()
}

/// A folder of one test's files, where the program runs.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with_walk(change: impl Fn(usize, usize, Vector3<f64>) -> Vector3<f64>) -> Self {
        let folder = Self::new();
        let mut values = Vec::new();
        for (f, joints) in walk().iter().enumerate() {
            for (j, joint) in joints.iter().enumerate() {
                values.extend(change(f, j, *joint).iter());
            }
        }
        folder.array("walk.npz", "joints", &[FRAMES, JOINTS, 3], &values);
        folder
    }

    /// The good and bad files that the rejected specs name.
    fn with_files() -> Self {
        let folder = Self::with_walk(|_, _, point| point);
        let nan = vec![f64::NAN; FRAMES * JOINTS * 3];
        folder.array("unseen.npz", "joints", &[FRAMES, JOINTS, 3], &nan);
        folder.array(
            "cloud.npz",
            "points",
            &[FRAMES, 41, 3],
            &[0.5; FRAMES * 41 * 3],
        );
        folder.write("pelvis.csv", "pelvis.x,pelvis.y,pelvis.z\n0,1,0\n0,1,0.1\n");
        folder.write(
            "machine.csv",
            "boom.x,boom.y,boom.z,bucket.x,bucket.y,bucket.z\n0,1,0,1,1,1\n",
        );
        folder.write(
            "view.csv",
            "pelvis.u,pelvis.v,neck.u,neck.v\n640,480,640,200\n",
        );
        folder.write("Calib.toml", CALIBRATION);
        folder.views("views.npz", &["left", "right"], |p| {
            [640.0 + 250.0 * p.x, 480.0]
        });
        folder.write(
            "cycle_back.toml",
            "fitrun  = 1\nextends = \"extends_cycle.toml\"\n",
        );
        folder.array("pelvis.npz", "joints", &[1, 3, 3], &[0.5; 9]);
        folder.tables();
        folder.markers();
        folder.empty_files();
        folder.damaged_files();
        folder
    }

    /// Tables: good ones, and some with mistakes.
    fn tables(&self) {
        self.write("table.csv", "t,y,err,who,note\n0,1,0.1,0,a\n1,2,0.1,1,b\n");
        self.write("people.csv", "height\n1.7\n1.8\n");
        self.write("lost.csv", "person,y\n0,1\n1,1\n4,1\n4,2\n");
        self.write("worded.csv", "y\n1\n2\nthree\n");
        self.write("broken.g2o", "VERTEX_SE2 0 0 0 0\nEDGE_SE2 0 1 1 0\n");
    }

    /// Files of markers: a good one, in millimetres, and some with mistakes.
    fn markers(&self) {
        self.write("markers.trc", TRC);
        self.write("pig.trc", TRC.replace("left_hip", "LASI"));
        self.write(
            "layout.toml",
            "[markers]\nLASI = { vertex = 9000000 }\nRASI = { vertex = 3 }\n",
        );
        self.write("broken_layout.toml", "[markers]\nLASI = { vertx = 9 }\n");
        self.write("twice.trc", TRC.replace("RFWT", "LFWT"));
        let two = TRC.replace("LFHD", "Ann:LFHD").replace("RFHD", "Bob:RFHD");
        self.write("two.trc", two);
        self.write("walk.fbx", "HIERARCHY\nROOT Hips\n");
        self.write("furlongs.trc", TRC.replace("mm", "furlong"));
        let last = TRC.trim_end().rfind('\n').unwrap();
        self.write("torn.trc", &TRC[..last]);
        let c3d = c3d();
        std::fs::write(self.path("silent.c3d"), &c3d).unwrap();
        std::fs::write(self.path("torn.c3d"), &c3d[..c3d.len() - 40]).unwrap();
    }

    fn empty_files(&self) {
        for name in ["empty.npz", "empty.csv", "empty.toml"] {
            self.write(name, "");
        }
        self.detections("empty_json", "");
    }

    fn damaged_files(&self) {
        let whole = std::fs::read(self.path("walk.npz")).unwrap();
        std::fs::write(self.path("truncated.npz"), &whole[..whole.len() / 2]).unwrap();
        self.enormous("enormous.npz");
        self.write("torn.csv", "pelvis.x,pelvis.y,pelvis.z\n0,1,0\n0,1\n");
        self.write("torn.toml", &CALIBRATION[..CALIBRATION.len() / 2]);
        self.detections(
            "torn_json",
            "{\"people\": [{\"pose_keypoints_2d\": [1.0, 2.",
        );
    }

    fn detections(&self, name: &str, json: &str) {
        std::fs::create_dir(self.path(name)).unwrap();
        self.write(&format!("{name}/cam_000000000000_keypoints.json"), json);
    }

    /// An array of 24 numbers whose header claims 10¹².
    fn enormous(&self, name: &str) {
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 250, 4), }";
        let padded = format!("{header:<117}\n");
        let mut npy = b"\x93NUMPY\x01\x00".to_vec();
        npy.extend((padded.len() as u16).to_le_bytes());
        npy.extend(padded.as_bytes());
        npy.extend([0; 24 * 8]);
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file("joints.npy", options).unwrap();
        std::io::Write::write_all(&mut archive, &npy).unwrap();
        std::fs::write(self.path(name), archive.finish().unwrap().get_ref()).unwrap();
    }

    fn array(&self, file: &str, name: &str, shape: &[usize], values: &[f64]) {
        let mut npz = NpzWriter::create(self.path(file));
        npz.floats64(name, shape, values).unwrap();
        npz.finish().unwrap();
    }

    /// The walk through some views, all with the same projection.
    fn views(&self, file: &str, views: &[&str], project: impl Fn(&Vector3<f64>) -> [f64; 2]) {
        let frame = |joints: &Vec<Vector3<f64>>| {
            let view: Vec<f64> = joints.iter().flat_map(&project).collect();
            view.repeat(views.len())
        };
        let values: Vec<f64> = walk().iter().flat_map(frame).collect();
        self.array(file, "pixels", &[FRAMES, views.len(), JOINTS, 2], &values);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<str>) {
        std::fs::write(self.path(name), text.as_ref()).unwrap();
    }

    fn fitrun(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fitrun"));
        command.args(arguments).current_dir(self.0.path());
        command.output().unwrap()
    }

    fn run_walk(&self, arguments: &[&str]) -> (Output, Value) {
        self.write("walk.toml", WALK);
        let output = self.fitrun(&[&["walk.toml", "--json"], arguments].concat());
        let record = serde_json::from_slice(&output.stdout);
        let record = record.unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
        (output, record)
    }
}
