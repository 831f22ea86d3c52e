//! The specs of `docs/tasks.md` run, on files made of the example's walk.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Output};

use fitrun::ndarray::ArrayD;

const EXAMPLES: &str = "specs/fit";

fn array(name: &str) -> ArrayD<f64> {
    fitrun::read_array(Path::new(EXAMPLES).join("walk.npz"), name).unwrap()
}

/// The fenced blocks whose first line names their file.
fn specs() -> Vec<(String, String)> {
    let text = std::fs::read_to_string("docs/tasks.md").unwrap();
    let blocks = text.split("```toml\n# ").skip(1);
    let spec = |block: &str| {
        let (name, rest) = block.split_once('\n').unwrap();
        let body = rest.split("```").next().unwrap();
        (name.to_string(), body.to_string())
    };
    blocks.map(spec).collect()
}

/// A folder of OpenPose for each camera.
fn write_detections(folder: &Path) {
    let keypoints = array("keypoints");
    let (cameras, frames) = (keypoints.shape()[0], keypoints.shape()[1]);
    for c in 0..cameras {
        let of_camera = folder.join(format!("openpose/cam{}_json", c + 1));
        std::fs::create_dir_all(&of_camera).unwrap();
        for f in 0..frames {
            let numbers = (0..25).flat_map(|k| {
                let [x, y, s] = [0, 1, 2].map(|i| keypoints[[c, f, k, i]]);
                if s > 0.0 { [x, y, s] } else { [0.0; 3] }
            });
            let numbers: Vec<String> = numbers.map(|x| x.to_string()).collect();
            let person = format!("{{\"pose_keypoints_2d\": [{}]}}", numbers.join(", "));
            let text = format!("{{\"version\": 1.3, \"people\": [{person}]}}");
            std::fs::write(of_camera.join(format!("{f:012}_keypoints.json")), text).unwrap();
        }
    }
}

fn write_trc(folder: &Path) {
    let markers = array("markers");
    let names = fitrun::inspect(Path::new(EXAMPLES).join("walk.npz")).unwrap();
    assert!(names.contents.contains("marker_names"));
    let names = fitrun::MarkerLayout::embedded("plug-in-gait").unwrap();
    let names: Vec<String> = names.markers.iter().map(|m| m.label.clone()).collect();
    let (frames, count) = (markers.shape()[0], markers.shape()[1]);
    let mut text = format!(
        "PathFileType\t4\t(X/Y/Z)\ttrial.trc\nDataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\t\
         OrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n30\t30\t{frames}\t{count}\tm\t30\t1\t{frames}\n\
         Frame#\tTime\t{}\t\t\n\t\t{}\n\n",
        names[..count].join("\t\t\t"),
        (1..=count)
            .map(|m| format!("X{m}\tY{m}\tZ{m}"))
            .collect::<Vec<_>>()
            .join("\t")
    );
    for f in 0..frames {
        write!(text, "{}\t{:.5}", f + 1, f as f64 / 30.0).unwrap();
        for m in 0..count {
            for k in 0..3 {
                match markers[[f, m, k]] {
                    x if x.is_finite() => write!(text, "\t{x:.6}").unwrap(),
                    _ => text.push('\t'),
                }
            }
        }
        text.push('\n');
    }
    std::fs::write(folder.join("trial.trc"), text).unwrap();
}

fn fitrun(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fitrun"));
    command
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = fitrun(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    said + &String::from_utf8_lossy(&output.stdout)
}

#[test]
fn every_task_ends_with_a_result() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let specs = specs();
    for (name, text) in &specs {
        std::fs::write(folder.join(name), text).unwrap();
    }
    for name in ["curve.csv", "calibration.toml"] {
        std::fs::copy(Path::new(EXAMPLES).join(name), folder.join(name)).unwrap();
    }
    write_detections(folder);
    write_trc(folder);
    for name in [
        "markers.toml",
        "one_camera.toml",
        "several_cameras.toml",
        "curve.toml",
    ] {
        done(folder, &[name]);
    }
    let params = folder.join("runs/several_cameras/params.npz");
    std::fs::copy(&params, folder.join("network.npz")).unwrap();
    done(folder, &["refine.toml"]);
    for part in ["train", "val"] {
        let poses = folder.join("poses").join(part);
        std::fs::create_dir_all(&poses).unwrap();
        let of = if part == "train" {
            "several_cameras"
        } else {
            "markers"
        };
        let params = folder.join(format!("runs/{of}/params.npz"));
        std::fs::copy(params, poses.join(format!("{of}.npz"))).unwrap();
    }
    done(folder, &["train", "prior.toml"]);
    let said = done(folder, &["compare", "compare.toml"]);
    assert!(said.contains("held-out"), "{said}");
    let said = done(folder, &["one_camera.toml", "--force"]);
    assert!(
        said.contains("F0527") && said.contains("one camera does not see"),
        "{said}"
    );
    assert_eq!(specs.len(), 8, "a task without its test");
}

#[test]
fn cameras_are_found_again_from_the_person_whom_they_see() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_detections(folder);
    let (_, text) = specs()
        .into_iter()
        .find(|(name, _)| name == "unplaced.toml")
        .unwrap();
    std::fs::write(folder.join("unplaced.toml"), text).unwrap();
    std::fs::copy("specs/fit/calibration.toml", folder.join("truth.toml")).unwrap();
    let arguments = ["place-cameras", "unplaced.toml", "--out", "placed.toml"];
    done(folder, &arguments);
    assert_eq!(
        fitrun(folder, &arguments).status.code(),
        Some(4),
        "nothing is replaced"
    );
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let cameras = |text: String| -> Vec<(
        fitrun::nalgebra::Rotation3<f64>,
        fitrun::nalgebra::Vector3<f64>,
    )> {
        let table: toml::Table = text.parse().unwrap();
        let camera = |c: usize| {
            let numbers = |key: &str| {
                let list = table[&format!("cam{c}")][key].as_array().unwrap().clone();
                fitrun::nalgebra::Vector3::from_fn(|k, _| list[k].as_float().unwrap())
            };
            (
                fitrun::nalgebra::Rotation3::new(numbers("rotation")),
                numbers("translation"),
            )
        };
        (1..=4).map(camera).collect()
    };
    let (found, truth) = (cameras(read("placed.toml")), cameras(read("truth.toml")));
    for k in 1..4 {
        let between = |of: &[(fitrun::nalgebra::Rotation3<f64>, _)]| of[k].0 * of[0].0.inverse();
        let angle = between(&found).angle_to(&between(&truth)).to_degrees();
        assert!(angle < 1.0, "camera {k} is turned by {angle}°");
        let centre = |(r, t): &(
            fitrun::nalgebra::Rotation3<f64>,
            fitrun::nalgebra::Vector3<f64>,
        )| -(r.inverse() * t);
        let apart = |of: &[_]| (centre(&of[k]) - centre(&of[0])).norm();
        let ratio = apart(&found) / apart(&truth);
        assert!((ratio - 1.0).abs() < 0.05, "camera {k}: {ratio}");
    }
    // What is up in the images of the first camera: z of the file that was written, y of the truth.
    let up = found[0].0 * fitrun::nalgebra::Vector3::z();
    let tilted = up
        .angle(&(truth[0].0 * fitrun::nalgebra::Vector3::y()))
        .to_degrees();
    assert!(tilted < 5.0, "the vertical is {tilted}° off");
    let placed = "extends = \"presets/multiview.toml\"\nfitrun = 1\n[data.detections]\nfile = \"openpose/cam*_json\"\n\
                  keypoints = \"BODY_25\"\n[data.cameras]\nfile = \"placed.toml\"\n";
    std::fs::write(folder.join("after.toml"), placed).unwrap();
    let said = done(folder, &["after.toml"]);
    assert!(said.contains("60 converged"), "{said}");
}
