//! Numbers that NumPy made from the published formulas (`reference/make.py`), met by the library.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use fitrun::nalgebra::{Rotation3, Vector3};
use fitrun::own::{Arrays, Registry};
use fitrun::{BodyModel, Fit, NpzWriter, RunOptions, Status, check_text, fit};
use serde_json::Value;
use tempfile::TempDir;

static NUMBERS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("reference/numbers.json")).expect("numbers.json is valid")
});

/// Joints of the built-in body that SMPL's 22 labels name.
const LABELS: usize = 22;

#[track_caller]
fn close(found: f64, expected: f64, relative: f64) {
    let error = (found - expected).abs() / expected.abs().max(1e-300);
    assert!(
        error <= relative,
        "{found} is not {expected}: off by {error:e}"
    );
}

/// All numbers below a value, in order.
fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        number => vec![number.as_f64().expect("a number")],
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// Largest distance to the expected points, metres.
fn distance(found: &[Vector3<f64>], expected: &Value) -> f64 {
    let expected = flat(expected);
    assert_eq!(3 * found.len(), expected.len());
    let points = expected.chunks_exact(3).map(Vector3::from_column_slice);
    let distances = found.iter().zip(points).map(|(a, b)| (a - b).norm());
    distances.fold(0.0, f64::max)
}

#[test]
fn joints_and_vertices_of_the_built_in_body_are_those_of_smpls_formulas() {
    let body = BodyModel::builtin(None).unwrap();
    for figure in NUMBERS["figures"].as_array().unwrap() {
        let [betas, root, pose, trans] =
            ["betas", "root_orient", "pose_body", "trans"].map(|key| flat(&figure[key]));
        let rest = body.rest_joints(&betas);
        assert!(distance(&rest, &figure["rest_joints"]) < 1e-14);
        let root = Rotation3::new(Vector3::from_column_slice(&root));
        let trans = Vector3::from_column_slice(&trans);
        let transforms = body.transforms(&rest, root.matrix(), &pose, &trans);
        let joints: Vec<_> = transforms.iter().map(|t| t.1).collect();
        assert!(distance(&joints, &figure["joints"]) < 1e-14);
        let skin = body.skinned(&body.rest_vertices(&betas), &rest, &pose, &transforms);
        let chosen = flat(&figure["vertices"]);
        let chosen: Vec<_> = chosen.iter().map(|v| skin[*v as usize]).collect();
        assert!(distance(&chosen, &figure["skinned"]) < 1e-14);
    }
}

#[test]
fn pixels_are_those_of_opencvs_projection() {
    let folder = Folder::new();
    folder.calibration(&NUMBERS["cameras"]);
    folder.meets("file = \"Calib.toml\"", &NUMBERS["projections"]);
}

#[test]
fn pixels_of_rational_and_fisheye_lenses_are_those_of_opencvs_formulas() {
    let folder = Folder::new();
    let lenses = &NUMBERS["lenses"];
    folder.calibration(&lenses["cameras"]);
    folder.meets("file = \"Calib.toml\"", lenses);
    folder.write("cameras.json", lenses["cameras"].to_string());
    folder.meets("file = \"cameras.json\"", lenses);
}

#[test]
fn cameras_in_opencvs_yaml_give_the_pixels_of_the_same_cameras_in_toml() {
    let folder = Folder::new();
    folder.easymocap(&NUMBERS["cameras"]);
    let numbers = &NUMBERS["projections"];
    let settings = "unit = \"mm\"\nsize = [1280, 960]";
    for file in ["calibration", "calibration/intri.yml"] {
        folder.meets(&format!("file = \"{file}\"\n{settings}"), numbers);
    }
}

#[test]
fn a_camera_without_a_size_asks_for_it() {
    let folder = Folder::new();
    folder.easymocap(&NUMBERS["cameras"]);
    folder.pixels();
    let spec = views("sigma = \"4 px\"").replace("Calib.toml", "calibration");
    let path = folder.write("spec.toml", spec);
    let said = match fitrun::check(&path, &RunOptions::default()) {
        Ok(_) => panic!("a camera without a size was accepted"),
        Err(error) => error.to_string(),
    };
    assert!(
        said.contains("camera `left` has no size of its images"),
        "{said}"
    );
}

#[test]
fn robustifiers_have_the_values_of_their_formulas() {
    let mut spec = String::from(
        "fitrun = 1\n\
         [data.origin]\nfile = \"origin.csv\"\nunit = \"m\"\n\
         [vars.o]\ndim = 3\nunit = \"m\"\n\
         [terms.o]\nsource = \"o\"\ntarget = \"origin\"\nsigma = \"1 m\"\n\
         [solve]\nmax_iter = 0\n",
    );
    let rows = NUMBERS["robust"].as_array().unwrap();
    for (i, row) in rows.iter().enumerate() {
        let (kind, c) = (row["kind"].as_str().unwrap(), number(&row["c"]));
        // ‖x‖² = s sigma² with three equal components.
        let x = (number(&row["s"]) / 3.0).sqrt() * 0.02;
        let scale = if kind == "none" {
            String::new()
        } else {
            format!(", scale = \"{} cm\"", 2.0 * c)
        };
        let alpha = row
            .get("alpha")
            .map_or(String::new(), |a| format!(", alpha = {a:?}", a = number(a)));
        write!(
            spec,
            "[vars.x{i}]\ndim = 3\nunit = \"m\"\ninit = {x:e}\n\
             [terms.t{i}]\nkind = \"l2\"\nof = \"x{i}\"\nsigma = \"2 cm\"\n\
             robust = {{ kind = \"{kind}\"{scale}{alpha} }}\n"
        )
        .unwrap();
    }
    let folder = Folder::new();
    folder.write("origin.csv", "p.x,p.y,p.z\n0,0,0\n");
    let fit = folder.fit(&spec);
    for (i, row) in rows.iter().enumerate() {
        // The smallest s/c² is 0.0016, where differences from 1 lose three digits.
        close(term(&fit, &format!("t{i}")), number(&row["rho"]), 1e-12);
    }
}

#[test]
fn a_spec_without_data_has_a_cost_and_a_status() {
    let fit = Folder::new().fit(
        "fitrun = 1\n[vars.x]\ninit = 3.0\n[solve]\nmax_iter = 0\n\
         [terms.t]\nkind = \"l2\"\nof = \"x\"\nsigma = 2.0\n",
    );
    close(fit.cost(), 2.25, 1e-15);
    assert_eq!(fit.status, [Status::MaxIter]);
}

#[test]
fn points_in_space_cost_what_huber_confidences_and_weights_say() {
    let folder = Folder::new();
    folder.points_in_space();
    let fit = folder.fit(&format!(
        "{}\
         [data.seen]\nfile = \"seen.csv\"\nunit = \"mm\"\nup = \"z\"\n\
         [terms.data]\nsource = \"joints\"\ntarget = \"seen\"\nsigma = \"2 cm\"\nweight = 0.7\nconf_power = 2\n\
         robust = {{ kind = \"huber\", scale = \"30 mm\" }}\n\
         weights = {{ left_knee = 2.0, head = 0.25, default = 0.8 }}\n",
        held_still(&NUMBERS["figures"][1]),
    ));
    close(
        term(&fit, "data"),
        number(&NUMBERS["in_space"]["energy"]),
        1e-12,
    );
}

#[test]
fn points_in_two_views_cost_what_geman_mcclure_says() {
    let cost = |settings: &str| {
        let folder = Folder::new();
        folder.calibration(&NUMBERS["cameras"]);
        folder.pixels();
        let still = held_still(&NUMBERS["figures"][1]);
        term(
            &folder.fit(&format!("{still}{}", terms_of_views(settings))),
            "data",
        )
    };
    let robust = "robust = { kind = \"geman_mcclure\", scale = \"25 px\" }";
    let expected = |key: &str| number(&NUMBERS["in_views"][key]);
    let one = format!("sigma = \"4 px\"\n{robust}");
    close(cost(&one), expected("energy"), 1e-12);
    close(
        cost(&format!("{one}\nreduce = \"mean\"")),
        expected("mean_energy"),
        1e-12,
    );
    let apart = robust.replace(" }", ", on = \"coordinate\" }");
    let two = format!("sigma = [\"4 px\", \"6 px\"]\n{apart}");
    close(cost(&two), expected("energy_by_coordinate"), 1e-12);
}

#[test]
fn squared_betas_cost_weight_over_sigma_squared() {
    let betas = flat(&NUMBERS["figures"][2]["betas"]);
    let expected = 2.5 / 1.5f64.powi(2) * betas.iter().map(|b| b * b).sum::<f64>();
    let fit = pelvis_alone(&format!(
        "{}[terms.shape]\nsigma = 1.5\nweight = 2.5\n",
        held_still(&NUMBERS["figures"][2]),
    ));
    close(term(&fit, "shape"), expected, 1e-12);
}

#[test]
fn the_shipped_mixture_costs_twice_its_negative_log_above_the_minimum() {
    let mixture = &NUMBERS["mixture"];
    let energies = flat(&mixture["energies"]);
    for (pose, expected) in mixture["poses"].as_array().unwrap().iter().zip(energies) {
        let fit = pelvis_alone(&format!(
            "fitrun = 1\nprior = \"gmm\"\n[solve]\nmax_iter = 0\nprecision = \"f64\"\n\
             [vars.pose_body]\ninit = {pose}\n[[stages]]\nfree = [\"pose\"]\n"
        ));
        // The solutions of 63 equations in two orders agree to about this.
        close(term(&fit, "prior"), expected, 1e-10);
    }
    let mode = fitrun::Prior::builtin("gmm").unwrap().mode(63);
    for (found, expected) in mode.iter().zip(flat(&mixture["mode"])) {
        close(*found, expected, 1e-15);
    }
}

#[test]
fn the_least_cost_of_a_path_with_velocities_is_that_of_the_linear_system() {
    let expected = &NUMBERS["along_frames"]["first"];
    let fit = smooth_path(None);
    close(term(&fit, "data"), number(&expected["data"]), 1e-9);
    close(term(&fit, "smooth"), number(&expected["smooth"]), 1e-9);
    close(fit.cost(), number(&expected["energy"]), 1e-12);
}

#[test]
fn velocities_bridge_a_frame_that_nobody_saw_and_count_in_the_cost() {
    let expected = &NUMBERS["along_frames"]["bridged"];
    let fit = smooth_path(Some(2));
    assert_eq!(fit.status[2], Status::NoData);
    close(fit.cost(), number(&expected["energy"]), 1e-12);
}

#[test]
fn the_least_cost_of_joints_with_accelerations_is_that_of_the_linear_system() {
    let (figure, expected) = (&NUMBERS["figures"][1], &NUMBERS["along_frames"]["second"]);
    let folder = Folder::new();
    let joints = flat(&NUMBERS["along_frames"]["joints"]);
    folder.array("seen.npz", "joints", &[6, LABELS, 3], &joints);
    let fit = folder.fit(&format!(
        "{}\
         [data.seen]\nfile = \"seen.npz\"\naxes = [\"frame\", \"joint\", \"xyz\"]\nunit = \"m\"\nrate = \"30 Hz\"\n\
         [terms.data]\nsource = \"joints\"\ntarget = \"seen\"\nsigma = \"1 cm\"\n\
         [terms.smooth]\nkind = \"difference\"\nof = \"joints\"\norder = 2\nsigma = \"3 m/s^2\"\n",
        body_of(figure, "max_iter = 2000", "free = [\"trans\"]\ndisable = [\"shape\"]"),
    ));
    close(term(&fit, "data"), number(&expected["data"]), 1e-7);
    close(term(&fit, "smooth"), number(&expected["smooth"]), 1e-7);
    close(fit.cost(), number(&expected["energy"]), 1e-12);
}

#[test]
fn the_record_holds_the_cost_of_the_reference() {
    let folder = Folder::new();
    folder.points_in_space();
    let spec = folder.write(
        "spec.toml",
        format!(
            "{}\
             [data.seen]\nfile = \"seen.csv\"\nunit = \"mm\"\nup = \"z\"\n\
             [terms.data]\nsource = \"joints\"\ntarget = \"seen\"\nsigma = \"2 cm\"\nweight = 0.7\nconf_power = 2\n\
             robust = {{ kind = \"huber\", scale = \"30 mm\" }}\n\
             weights = {{ left_knee = 2.0, head = 0.25, default = 0.8 }}\n",
            held_still(&NUMBERS["figures"][1]),
        ),
    );
    let options = RunOptions {
        out: Some(folder.0.path().join("run")),
        ..RunOptions::default()
    };
    let outcome = fitrun::run(&spec, &options, &mut |_| true).unwrap_or_else(|e| panic!("{e}"));
    let text = std::fs::read_to_string(outcome.dir.join("run.json")).unwrap();
    let record: Value = serde_json::from_str(&text).unwrap();
    let betas = flat(&NUMBERS["figures"][1]["betas"]);
    let shape: f64 = betas.iter().map(|b| 5.0 * b * b).sum();
    let data = number(&NUMBERS["in_space"]["energy"]);
    close(number(&record["terms"]["data"]), data, 1e-12);
    close(number(&record["terms"]["shape"]), shape, 1e-12);
    close(number(&record["cost"]), data + shape, 1e-12);
}

/// A body spec whose only observation is a pelvis at the origin.
fn pelvis_alone(spec: &str) -> Fit {
    let folder = Folder::new();
    folder.write("seen.csv", "pelvis.x,pelvis.y,pelvis.z\n0,0,0\n");
    folder.fit(&format!(
        "{spec}\
         [data.seen]\nfile = \"seen.csv\"\nunit = \"m\"\n\
         [terms.data]\nsource = \"joints\"\ntarget = \"seen\"\nsigma = \"1 cm\"\n"
    ))
}

/// The velocity problem on a variable that is no body, with at most one frame unseen.
fn smooth_path(gap: Option<usize>) -> Fit {
    let mut table = String::from("p.x,p.y,p.z\n");
    for (f, row) in flat(&NUMBERS["along_frames"]["path"])
        .chunks_exact(3)
        .enumerate()
    {
        match gap == Some(f) {
            true => table.push_str(",,\n"),
            false => writeln!(table, "{},{},{}", row[0], row[1], row[2]).unwrap(),
        }
    }
    let folder = Folder::new();
    folder.write("path.csv", table);
    folder.fit(
        "fitrun = 1\n\
         [data.path]\nfile = \"path.csv\"\nunit = \"m\"\nrate = \"30 Hz\"\n\
         [vars.x]\ndim = 3\nper = \"frame\"\nunit = \"m\"\n\
         [terms.data]\nsource = \"x\"\ntarget = \"path\"\nsigma = \"1 cm\"\n\
         [terms.smooth]\nkind = \"difference\"\nof = \"x\"\norder = 1\nsigma = \"0.5 m/s\"\nweight = 2.0\n\
         [solve]\nprecision = \"f64\"\ntolerance = { grad = 1e-12, cost_rel = 1e-15 }\n",
    )
}

/// A spec of the built-in body in a pose, without a prior, in f64.
fn body_of(figure: &Value, solve: &str, stage: &str) -> String {
    let mut spec = String::from("fitrun = 1\nprior = \"none\"\n");
    for name in ["betas", "root_orient", "pose_body", "trans"] {
        writeln!(spec, "[vars.{name}]\ninit = {}", figure[name]).unwrap();
    }
    let tolerance = "tolerance = { grad = 1e-12, cost_rel = 1e-15 }";
    writeln!(
        spec,
        "[solve]\nprecision = \"f64\"\n{tolerance}\n{solve}\n[[stages]]\n{stage}"
    )
    .unwrap();
    spec
}

fn held_still(figure: &Value) -> String {
    body_of(figure, "max_iter = 0", "free = [\"trans\"]")
}

fn terms_of_views(settings: &str) -> String {
    format!(
        "[data.seen]\nfile = \"seen.npz\"\naxes = [\"frame\", \"camera\", \"joint\", \"uvc\"]\n\
         views = [\"right\", \"left\"]\n\
         [data.cameras]\nfile = \"Calib.toml\"\n\
         [sources.points]\nkind = \"joints\"\n\
         [sources.pixels]\nkind = \"project\"\nof = \"points\"\ncameras = \"cameras\"\n\
         [terms.data]\nsource = \"pixels\"\ntarget = \"seen\"\n{settings}\n"
    )
}

/// The views with cameras in the order of the calibration, for a look at the cameras themselves.
fn views(settings: &str) -> String {
    let terms = terms_of_views(settings).replace("[\"right\", \"left\"]", "[\"left\", \"right\"]");
    format!("fitrun = 1\n{terms}")
}

#[track_caller]
fn term(fit: &Fit, name: &str) -> f64 {
    let found = fit.term_costs.iter().find(|(n, _)| n == name);
    found.unwrap_or_else(|| panic!("no term `{name}`")).1
}

/// A folder of one test's files.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: impl AsRef<str>) -> std::path::PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text.as_ref()).unwrap();
        path
    }

    fn array(&self, file: &str, name: &str, shape: &[usize], values: &[f64]) {
        let mut npz = NpzWriter::create(self.0.path().join(file));
        npz.floats64(name, shape, values).unwrap();
        npz.finish().unwrap();
    }

    #[track_caller]
    fn check(&self, spec: &str) -> fitrun::Checked {
        let path = self.write("spec.toml", spec);
        fitrun::check(Path::new(&path), &RunOptions::default()).unwrap_or_else(|e| panic!("{e}"))
    }

    #[track_caller]
    fn fit(&self, spec: &str) -> Fit {
        fitrun::fit(&self.check(spec).problem, &mut |_| true)
    }

    /// `seen.csv` with columns such as `head.x` and `head.score`; what is missing is an empty cell.
    fn points_in_space(&self) {
        let seen = &NUMBERS["in_space"];
        let (targets, confidence) = (flat(&seen["targets"]), flat(&seen["confidence"]));
        let names = fitrun::labels("SMPL_22").unwrap();
        let header = names.iter().map(|n| format!("{n}.x,{n}.y,{n}.z,{n}.score"));
        let mut table = header.collect::<Vec<_>>().join(",") + "\n";
        for f in 0..confidence.len() / LABELS {
            let cell = |j: usize| {
                let at = f * LABELS + j;
                let missing = seen["missing"]
                    .as_array()
                    .unwrap()
                    .contains(&serde_json::json!([f, j]));
                match (missing, &targets[3 * at..3 * at + 3]) {
                    (true, _) => format!(",,,{}", confidence[at]),
                    (false, p) => format!("{},{},{},{}", p[0], p[1], p[2], confidence[at]),
                }
            };
            table += &((0..LABELS).map(cell).collect::<Vec<_>>().join(",") + "\n");
        }
        self.write("seen.csv", table);
    }

    /// The cameras of `[data.cameras]` with these settings project as `numbers` say.
    #[track_caller]
    fn meets(&self, settings: &str, numbers: &Value) {
        self.pixels();
        let spec = views("sigma = \"4 px\"").replace("file = \"Calib.toml\"", settings);
        let checked = self.check(&spec);
        let cameras = checked.problem.placement.unwrap().observed[0]
            .cameras
            .clone()
            .unwrap();
        let points = flat(&numbers["points"]);
        let expected = numbers["pixels"].as_array().unwrap();
        assert_eq!(cameras.len(), expected.len());
        for (camera, pixels) in cameras.iter().zip(expected) {
            let pixels = flat(pixels);
            for (point, pixel) in points.chunks_exact(3).zip(pixels.chunks_exact(2)) {
                // The calibration's z up is fitrun's y up.
                let found = camera.project(&Vector3::new(point[0], point[2], -point[1]));
                close(found.x, pixel[0], 1e-12);
                close(found.y, pixel[1], 1e-12);
            }
        }
    }

    /// `calibration/` as EasyMocap writes it, with translations in mm and without sizes.
    fn easymocap(&self, cameras: &Value) {
        let list = cameras.as_array().unwrap();
        let names = list.iter().map(|c| format!("  - {}\r\n", c["name"]));
        let head = format!(
            "%YAML:1.0\r\n---\r\nnames:\r\n{}",
            names.collect::<String>()
        );
        let matrix = |key: &str, name: &str, rows: usize, numbers: &[f64]| {
            let cols = numbers.len() / rows;
            format!(
                "{key}_{name}: !!opencv-matrix\r\n  rows: {rows}\r\n  cols: {cols}\r\n  dt: d\r\n  data: {numbers:?}\r\n"
            )
        };
        let (mut intri, mut extri) = (head.clone(), head);
        for camera in list {
            let name = camera["name"].as_str().unwrap();
            let millimetres: Vec<f64> = flat(&camera["translation"])
                .iter()
                .map(|t| t * 1000.0)
                .collect();
            intri += &matrix("K", name, 3, &flat(&camera["matrix"]));
            intri += &matrix("dist", name, 1, &flat(&camera["distortions"]));
            extri += &matrix("R", name, 3, &flat(&camera["rotation"]));
            extri += &matrix("T", name, 3, &millimetres);
        }
        std::fs::create_dir(self.0.path().join("calibration")).unwrap();
        self.write("calibration/intri.yml", intri);
        self.write("calibration/extri.yml", extri);
    }

    fn calibration(&self, cameras: &Value) {
        let mut text = String::new();
        for camera in cameras.as_array().unwrap() {
            writeln!(text, "[{}]", camera["name"].as_str().unwrap()).unwrap();
            for key in [
                "name",
                "size",
                "matrix",
                "distortions",
                "rotation",
                "translation",
            ] {
                writeln!(text, "{key} = {}", camera[key]).unwrap();
            }
            writeln!(text, "fisheye = {}", camera.get("fisheye").is_some()).unwrap();
        }
        self.write("Calib.toml", text);
    }

    /// `seen.npz`, (frames, 2, 22, 3), the right camera first.
    fn pixels(&self) {
        let seen = &NUMBERS["in_views"];
        let (pixels, confidence) = (flat(&seen["pixels"]), flat(&seen["confidence"]));
        let mut values = Vec::new();
        for frame in 0..2 {
            for camera in [1, 0] {
                for j in 0..LABELS {
                    let at = (frame * 2 + camera) * LABELS + j;
                    values.extend([pixels[2 * at], pixels[2 * at + 1], confidence[at]]);
                }
            }
        }
        self.array("seen.npz", "pixels", &[2, 2, LABELS, 3], &values);
    }
}

/// A point that is seen at 100 Hz with noise, and moves smoothly: linear, of more frames than a window has.
#[test]
fn a_long_recording_solved_in_windows_is_the_one_smooth_path() {
    const FRAMES: usize = 5000;
    let (sigma, rate, bend): (f64, f64, f64) = (0.01, 100.0, 3.0);
    let seen: Vec<f64> = (0..3 * FRAMES)
        .map(|i| (i as f64 * 0.003).sin() + 0.02 * (i as f64 * 1.7).sin())
        .collect();
    let spec = "fitrun = 1\nprior = \"none\"\n[solve]\nprecision = \"f64\"\n[data.t]\n\
                axes = [\"frame\", \"joint\", \"xyz\"]\nnames = [\"pelvis\"]\nrate = \"100 Hz\"\n\
                [terms.data]\nsource = \"joints\"\ntarget = \"t\"\nsigma = \"1 cm\"\n\
                [sources.root]\nkind = \"joints\"\nkeypoints = [\"pelvis\"]\n[terms.smooth]\n\
                kind = \"difference\"\nof = \"root\"\norder = 2\nsigma = \"3 m/s^2\"\n\
                [[stages]]\nname = \"together\"\nfree = [\"trans\"]\n";
    let arrays = Arrays::default().numbers("t", &[FRAMES, 1, 3], &seen);
    let registry = Registry::default().data("t", arrays);
    let checked = check_text(Path::new("long.toml"), spec, &registry.into()).unwrap();
    let mut windows = 0;
    let found = fit(&checked.problem, &mut |event| {
        windows = event.window.map_or(windows, |(_, all)| all);
        true
    });
    assert!(windows > 1);
    assert_eq!(found.stages[0].solution.terminations.len(), 1);
    assert!(found.stages[0].solution.terminations[0].converged());
    // (I/σ² + r⁴/b² DᵀD) x = y/σ² by conjugate gradients, one axis after the other.
    let tie = rate.powi(4) / (bend * bend);
    let system = |x: &[f64]| {
        let mut y: Vec<f64> = x.iter().map(|x| x / (sigma * sigma)).collect();
        for f in 0..FRAMES - 2 {
            let turn = tie * (x[f] - 2.0 * x[f + 1] + x[f + 2]);
            (y[f], y[f + 1], y[f + 2]) = (y[f] + turn, y[f + 1] - 2.0 * turn, y[f + 2] + turn);
        }
        y
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut cost = 0.0;
    for axis in 0..3 {
        let y: Vec<f64> = (0..FRAMES).map(|f| seen[3 * f + axis]).collect();
        let mut x = y.clone();
        let of_x = system(&x);
        let mut left: Vec<f64> = y
            .iter()
            .zip(&of_x)
            .map(|(y, a)| y / (sigma * sigma) - a)
            .collect();
        let mut along = left.clone();
        for _ in 0..2000 {
            let (turned, before) = (system(&along), dot(&left, &left));
            let by = before / dot(&along, &turned);
            (0..FRAMES).for_each(|f| x[f] += by * along[f]);
            (0..FRAMES).for_each(|f| left[f] -= by * turned[f]);
            let after = dot(&left, &left);
            if after < 1e-16 {
                break;
            }
            (0..FRAMES).for_each(|f| along[f] = left[f] + after / before * along[f]);
        }
        cost += (0..FRAMES)
            .map(|f| ((x[f] - y[f]) / sigma).powi(2))
            .sum::<f64>();
        cost += (0..FRAMES - 2)
            .map(|f| tie * (x[f] - 2.0 * x[f + 1] + x[f + 2]).powi(2))
            .sum::<f64>();
    }
    let reached: f64 = found.term_costs.iter().map(|(_, c)| c).sum();
    assert!(
        reached >= cost * (1.0 - 1e-9) && reached < cost * (1.0 + 1e-6),
        "{reached} {cost}"
    );
}
