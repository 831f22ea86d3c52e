//! What is said of data that no person and no camera can have: the warning, and the line that mends it.

mod common;

use std::path::Path;

use common::example;
use fitrun::nalgebra::{Matrix3, Rotation3, UnitQuaternion, Vector3};
use fitrun::{Error, NpzWriter, RunOptions, Severity, read_array};
use tempfile::TempDir;

const CAMERAS: usize = 4;
const KEYPOINTS: usize = 25;

/// Codes, messages and hints of a spec's warnings.
fn warnings(folder: &Path, spec: &str) -> Vec<String> {
    let path = folder.join("spec.toml");
    std::fs::write(&path, format!("fitrun = 1\n{spec}")).unwrap();
    let checked = fitrun::check(&path, &RunOptions::default());
    let checked = checked.unwrap_or_else(|e| panic!("{e}"));
    let said = checked.diagnostics.list.iter().map(|d| {
        assert_eq!(d.severity, Severity::Warning);
        format!("{} {} {}", d.code, d.message, d.hints.join(" "))
    });
    said.collect()
}

/// The example's joints, each point changed.
fn joints(change: impl Fn(usize, usize, Vector3<f64>) -> Vector3<f64>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let all = read_array(example("walk.npz"), "true_joints").unwrap();
    let shape = all.shape().to_vec();
    let mut changed = Vec::with_capacity(all.len());
    for f in 0..shape[0] {
        for j in 0..shape[1] {
            let x = Vector3::from_fn(|k, _| all[[f, j, k]]);
            changed.extend(change(f, j, x).iter());
        }
    }
    let mut file = NpzWriter::create(folder.path().join("d.npz"));
    file.floats64("joints", &shape, &changed).unwrap();
    file.finish().unwrap();
    folder
}

fn joints_spec(more: &str) -> String {
    format!(
        "[data.d]\nfile = \"d.npz\"\naxes = [\"frame\", \"joint\", \"xyz\"]\n{more}\n\
         [terms.data]\nsource = \"joints\"\ntarget = \"d\"\nsigma = \"1 cm\"\n"
    )
}

#[track_caller]
fn joints_say(folder: &TempDir, code: &str, said: &str, mended: &str) {
    let found = warnings(folder.path(), &joints_spec(""));
    let fits = |w: &String| w.starts_with(code) && w.contains(said);
    assert!(found.iter().any(fits), "{found:#?}");
    assert_eq!(warnings(folder.path(), &joints_spec(mended)), [""; 0]);
}

#[test]
fn joints_as_they_should_be_are_not_spoken_of() {
    let folder = joints(|_, _, x| x);
    assert_eq!(warnings(folder.path(), &joints_spec("")), [""; 0]);
}

#[test]
fn a_world_that_is_y_down_or_z_up_or_left_handed_is_said_with_the_line_to_write() {
    let down = joints(|_, _, x| Vector3::new(x.x, -x.y, -x.z));
    joints_say(&down, "F0507", "`up = \"-y\"`", "up = \"-y\"");
    let z_up = joints(|_, _, x| Vector3::new(x.x, -x.z, x.y));
    joints_say(&z_up, "F0507", "`up = \"z\"`", "up = \"z\"");
    let mirrored = joints(|_, _, x| Vector3::new(-x.x, x.y, x.z));
    joints_say(&mirrored, "F0509", "`mirror = \"x\"`", "mirror = \"x\"");
}

#[test]
fn a_person_in_another_unit_is_said_with_the_unit() {
    let inches = joints(|_, _, x| x / 0.0254);
    // Nobody is 67 m tall, so nothing is solved.
    let path = inches.path().join("spec.toml");
    std::fs::write(&path, format!("fitrun = 1\n{}", joints_spec(""))).unwrap();
    let Err(Error::Rejected { diagnostics, .. }) = fitrun::check(&path, &RunOptions::default())
    else {
        panic!("a person of 67 m is accepted");
    };
    let errors = diagnostics
        .list
        .iter()
        .filter(|d| d.severity == Severity::Error);
    let errors: Vec<_> = errors.collect();
    assert_eq!((errors.len(), errors[0].code), (1, "F0505"));
    assert!(errors[0].hints.concat().contains("`unit = \"in\"`"));
    let mended = warnings(inches.path(), &joints_spec("unit = \"in\""));
    assert_eq!(mended, [""; 0]);
    let feet = joints(|_, _, x| x / 0.3048);
    joints_say(&feet, "F0505", "`unit = \"ft\"`", "unit = \"ft\"");
    let cubits = joints(|_, _, x| x / 0.45);
    assert_eq!(
        warnings(cubits.path(), &joints_spec("unit = \"45 cm\"")),
        [""; 0]
    );
}

#[test]
fn points_at_zero_are_missing_but_not_the_origin() {
    let gaps = joints(|f, j, x| if f % 5 == 0 && j == 7 { x * 0.0 } else { x });
    joints_say(
        &gaps,
        "F0515",
        "12 points lie exactly at (0, 0, 0)",
        "zeros = \"missing\"",
    );
    let all = read_array(example("walk.npz"), "true_joints").unwrap();
    let centred = joints(|f, _, x| x - Vector3::from_fn(|k, _| all[[f, 0, k]]));
    assert_eq!(warnings(centred.path(), &joints_spec("")), [""; 0]);
}

#[test]
fn joints_in_another_order_are_no_body() {
    let all = read_array(example("walk.npz"), "true_joints").unwrap();
    let folder = joints(|f, j, _| Vector3::from_fn(|k, _| all[[f, 21 - j, k]]));
    let found = warnings(folder.path(), &joints_spec(""));
    assert!(found[0].starts_with("F0516"), "{found:#?}");
}

/// The example's views, with cameras that were changed.
struct Views {
    folder: TempDir,
}

impl Views {
    fn new(
        change: impl Fn(usize, Matrix3<f64>, Vector3<f64>) -> (Matrix3<f64>, Vector3<f64>),
    ) -> Self {
        Self::with_pixels(change, |_, _, _, x| x)
    }

    fn with_pixels(
        change: impl Fn(usize, Matrix3<f64>, Vector3<f64>) -> (Matrix3<f64>, Vector3<f64>),
        pixel: impl Fn(usize, usize, usize, [f64; 3]) -> [f64; 3],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = std::fs::read_to_string(example("calibration.toml")).unwrap();
        let mut tables: toml::Table = text.parse().unwrap();
        let numbers = |v: &toml::Value| -> Vec<f64> {
            v.as_array()
                .unwrap()
                .iter()
                .map(|x| x.as_float().unwrap())
                .collect()
        };
        let cameras = (1..=CAMERAS).map(|c| format!("cam{c}"));
        for (c, name) in cameras.enumerate() {
            let camera = tables[&name].as_table_mut().unwrap();
            let turn = Vector3::from_vec(numbers(&camera["rotation"]));
            let shift = Vector3::from_vec(numbers(&camera["translation"]));
            let (turn, shift) = change(c, *Rotation3::new(turn).matrix(), shift);
            let turn = Rotation3::from_matrix_unchecked(turn);
            let turn = UnitQuaternion::from_rotation_matrix(&turn).scaled_axis();
            camera["rotation"] = turn.as_slice().to_vec().into();
            camera["translation"] = shift.as_slice().to_vec().into();
        }
        std::fs::write(folder.path().join("c.toml"), tables.to_string()).unwrap();
        let all = read_array(example("walk.npz"), "keypoints").unwrap();
        let frames = all.shape()[1];
        let mut numbers = Vec::with_capacity(all.len());
        for c in 0..CAMERAS {
            for f in 0..frames {
                for p in 0..KEYPOINTS {
                    let x = std::array::from_fn(|k| all[[c, f, p, k]]);
                    numbers.extend(pixel(c, f, p, x));
                }
            }
        }
        let mut file = NpzWriter::create(folder.path().join("d.npz"));
        let shape = [CAMERAS, frames, KEYPOINTS, 3];
        file.floats64("keypoints", &shape, &numbers).unwrap();
        file.finish().unwrap();
        Self { folder }
    }

    fn warnings(&self, of_data: &str, of_cameras: &str) -> Vec<String> {
        let spec = format!(
            "extends = \"presets/multiview.toml\"\n[data.detections]\nfile = \"d.npz\"\n\
             axes = [\"camera\", \"frame\", \"keypoint\", \"uvc\"]\nkeypoints = \"BODY_25\"\n\
             views = [\"cam1\", \"cam2\", \"cam3\", \"cam4\"]\n{of_data}\n\
             [data.cameras]\nfile = \"c.toml\"\nup = \"y\"\n{of_cameras}\n"
        );
        warnings(self.folder.path(), &spec)
    }

    #[track_caller]
    fn say(&self, code: &str, line: &str) {
        let found = self.warnings("", "");
        let fits = |w: &String| w.starts_with(code) && w.contains(line);
        assert!(found.iter().any(fits), "{found:#?}");
        assert_eq!(self.warnings("", line), [""; 0]);
    }
}

#[test]
fn cameras_as_they_should_be_are_not_spoken_of() {
    let views = Views::new(|_, r, t| (r, t));
    assert_eq!(views.warnings("", ""), [""; 0]);
}

#[test]
fn cameras_that_say_something_else_than_world_to_camera_are_found_out() {
    let inverse = Views::new(|_, r, t| (r.transpose(), -(r.transpose() * t)));
    inverse.say("F0517", "extrinsics = \"camera-to-world\"");
    let place = Views::new(|_, r, t| (r, -(r.transpose() * t)));
    place.say("F0517", "extrinsics = \"position\"");
    let flip = Matrix3::from_diagonal(&Vector3::new(1.0, -1.0, -1.0));
    let opengl = Views::new(|_, r, t| (flip * r, flip * t));
    opengl.say("F0517", "extrinsics = \"opengl\"");
    let blender = Views::new(|_, r, t| {
        let back = (flip * r).transpose();
        (back, -(back * flip * t))
    });
    blender.say("F0517", "extrinsics = \"opengl-to-world\"");
}

#[test]
fn cameras_in_another_unit_or_of_other_images_are_found_out() {
    let squares = Views::new(|_, r, t| (r, t / 0.12));
    let found = squares.warnings("", "");
    assert!(found[0].starts_with("F0505"), "{found:#?}");
    assert_eq!(squares.warnings("", "unit = \"12 cm\""), [""; 0]);
    let twice = |_: usize, _: usize, _: usize, [u, v, c]: [f64; 3]| [2.0 * u, 2.0 * v, c];
    let larger = Views::with_pixels(|_, r, t| (r, t), twice);
    larger.say("F0517", "images = [2560, 1920]");
}

#[test]
fn one_camera_alone_is_named() {
    let moved = Views::new(|c, r, t| {
        let by = if c == 2 {
            Vector3::new(0.9, 0.0, 0.0)
        } else {
            Vector3::zeros()
        };
        (r, t + by)
    });
    let found = moved.warnings("", "");
    let named = |w: &String| w.starts_with("F0517") && w.contains("`cam3`");
    assert!(found.iter().any(named), "{found:#?}");
}

#[test]
fn views_with_left_and_right_exchanged_in_some_frames_are_named() {
    // BODY_25: right and left of arms, of legs, of eyes and ears, of toes and heels.
    const PAIRS: [(usize, usize); 11] = [
        (2, 5),
        (3, 6),
        (4, 7),
        (9, 12),
        (10, 13),
        (11, 14),
        (15, 16),
        (17, 18),
        (22, 19),
        (23, 20),
        (24, 21),
    ];
    let all = read_array(example("walk.npz"), "keypoints").unwrap();
    let exchanged = |c: usize, f: usize, p: usize, x: [f64; 3]| {
        let wrong = c == 1 && (10..20).contains(&f);
        let pair = PAIRS.iter().find(|(a, b)| wrong && (*a == p || *b == p));
        let other = pair.map(|(a, b)| a + b - p);
        other.map_or(x, |p| std::array::from_fn(|k| all[[c, f, p, k]]))
    };
    let views = Views::with_pixels(|_, r, t| (r, t), exchanged);
    let found = views.warnings("", "");
    let named = |w: &String| w.starts_with("F0520") && w.contains("`cam2` in frames 1");
    assert!(found.iter().any(named), "{found:#?}");
}

#[test]
fn cameras_at_half_turns_are_written_as_they_were_read() {
    let half = |axis: usize| {
        let signs = Vector3::from_fn(|k, _| if k == axis { 1.0 } else { -1.0 });
        Matrix3::from_diagonal(&signs)
    };
    let diagonal = Vector3::new(1.0, 2.0, -1.0).normalize();
    let oblique = 2.0 * diagonal * diagonal.transpose() - Matrix3::identity();
    let turns = [half(0), half(1), half(2), oblique];
    let views = Views::new(|c, _, t| (turns[c], t));
    let spec = "fitrun = 1\n[data.d]\nfile = \"d.npz\"\nframes = \"0..2\"\nsides = \"given\"\n\
                axes = [\"camera\", \"frame\", \"keypoint\", \"uvc\"]\nkeypoints = \"BODY_25\"\n\
                views = [\"cam1\", \"cam2\", \"cam3\", \"cam4\"]\n[data.c]\nfile = \"c.toml\"\nup = \"y\"\n\
                [sources.s]\nkind = \"project\"\nof = \"joints\"\ncameras = \"c\"\n\
                [terms.t]\nsource = \"s\"\ntarget = \"d\"\nsigma = \"10 px\"\n[solve]\nmax_iter = 1\n\
                [output]\nwrite = [\"cameras.toml\"]\nplots = []\n";
    let path = views.folder.path().join("half.toml");
    std::fs::write(&path, spec).unwrap();
    let options = RunOptions {
        out: Some(views.folder.path().join("run")),
        ..RunOptions::default()
    };
    let outcome = fitrun::run(&path, &options, &mut |_| true).unwrap_or_else(|e| panic!("{e}"));
    let text = std::fs::read_to_string(outcome.dir.join("cameras.toml")).unwrap();
    let tables: toml::Table = text.parse().unwrap();
    for (c, turn) in turns.iter().enumerate() {
        let numbers = tables[&format!("cam{}", c + 1)]["rotation"]
            .as_array()
            .unwrap();
        let w = Vector3::from_fn(|k, _| numbers[k].as_float().unwrap());
        let written = *Rotation3::new(w).matrix();
        assert!((written - turn).norm() < 1e-12, "camera {c}: {w}");
    }
}

#[test]
fn turned_images_and_pixels_in_units_of_the_image_are_found_out() {
    let right = |_: usize, _: usize, _: usize, [u, v, c]: [f64; 3]| [960.0 - v, u, c];
    let turned = Views::with_pixels(|_, r, t| (r, t), right);
    let found = turned.warnings("", "");
    let said = |w: &String| w.starts_with("F0517") && w.contains("turned by 90°");
    assert!(found.iter().any(said), "{found:#?}");
    let share = |_: usize, _: usize, _: usize, [u, v, c]: [f64; 3]| [u / 1280.0, v / 960.0, c];
    let normalised = Views::with_pixels(|_, r, t| (r, t), share);
    let found = normalised.warnings("", "");
    assert!(found.iter().any(|w| w.starts_with("F0518")), "{found:#?}");
}

#[test]
fn outliers_are_no_fault_of_the_cameras() {
    let far = |c: usize, f: usize, p: usize, [u, v, conf]: [f64; 3]| {
        // A share of 0.3, spread evenly.
        let wild = ((c * 7919 + f * 104_729 + p * 1299) % 10) < 3;
        let by = if wild { 300.0 } else { 0.0 };
        [u + by, v - by / 2.0, conf]
    };
    let views = Views::with_pixels(|_, r, t| (r, t), far);
    let found = views.warnings("", "");
    assert!(!found.iter().any(|w| w.starts_with("F0517")), "{found:#?}");
}

#[test]
fn a_motion_in_millimetres_or_degrees_is_said() {
    let motion = |turn: f64, step: f64| {
        let folder = tempfile::tempdir().unwrap();
        let mut file = NpzWriter::create(folder.path().join("m.npz"));
        file.floats64("poses", &[9, 72], &[turn; 9 * 72]).unwrap();
        let trans: Vec<f64> = (0..27).map(|i| step * f64::from(i / 3)).collect();
        file.floats64("trans", &[9, 3], &trans).unwrap();
        file.floats64("mocap_framerate", &[], &[60.0]).unwrap();
        file.finish().unwrap();
        let spec = "fitrun = 1\n[data.m]\nfile = \"m.npz\"\nup = \"y\"\n[terms.t]\nsource = \"joints\"\n\
                    target = \"m\"\nsigma = \"1 cm\"\n";
        let path = folder.path().join("spec.toml");
        std::fs::write(&path, spec).unwrap();
        match fitrun::check(&path, &RunOptions::default()) {
            Ok(checked) => checked
                .diagnostics
                .list
                .iter()
                .map(|d| d.message.clone())
                .collect(),
            Err(error) => vec![error.to_string()],
        }
    };
    let said = |found: Vec<String>, text: &str| found.iter().any(|m| m.contains(text));
    assert!(!said(motion(0.05, 0.02), "millimetres"));
    assert!(said(motion(0.05, 20.0), "millimetres"));
    assert!(said(motion(40.0, 0.02), "degrees"));
}

#[test]
fn cropped_and_resized_images_are_found_out() {
    let crop = |_: usize, _: usize, _: usize, [u, v, c]: [f64; 3]| [u - 160.0, v - 40.0, c];
    let cropped = Views::with_pixels(|_, r, t| (r, t), crop);
    let found = cropped.warnings("", "");
    let said = |w: &String| w.starts_with("F0517") && w.contains("cropped");
    assert!(found.iter().any(said), "{found:#?}");
    let smaller = |_: usize, _: usize, _: usize, [u, v, c]: [f64; 3]| [0.75 * u, 0.75 * v, c];
    let resized = Views::with_pixels(|_, r, t| (r, t), smaller);
    resized.say("F0517", "images = [960, 720]");
}

#[test]
fn a_camera_whose_frames_are_numbered_from_elsewhere_is_named() {
    let all = read_array(example("walk.npz"), "keypoints").unwrap();
    let frames = all.shape()[1];
    let late = |c: usize, f: usize, p: usize, own: [f64; 3]| match (c, f + 9 < frames) {
        (1, true) => std::array::from_fn(|k| all[[c, f + 9, p, k]]),
        (1, false) => [0.0, 0.0, 0.0],
        _ => own,
    };
    let views = Views::with_pixels(|_, r, t| (r, t), late);
    let found = views.warnings("", "");
    let said = |w: &String| {
        w.starts_with("F0517") && w.contains("`cam2`") && w.contains("numbers are 9 lower")
    };
    assert!(found.iter().any(said), "{found:#?}");
}
