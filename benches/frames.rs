//! Frames per second and evaluations per second: `cargo bench`.
//!
//! A thousand frames of joints with the built-in mixture, then the same with 40 markers beside them,
//! as in `docs/performance.md`.

use std::path::Path;
use std::time::Instant;

use fitrun::{NpzWriter, RunOptions};

const FRAMES: usize = 1000;

const JOINTS: &str = r#"
fitrun = 1
prior = "gmm"
[data.targets]
file = "data.npz"
array = "joints"
axes = ["frame", "joint", "xyz"]
[terms.data]
source = "joints"
target = "targets"
sigma = "5 mm"
"#;

const MARKERS: &str = r#"
extends = "joints.toml"
[data.markers]
file = "data.npz"
array = "markers"
axes = ["frame", "marker", "xyz"]
names = "marker_names"
[sources.surface]
kind = "surface"
layout = "plug-in-gait"
offset = "marker_offset"
[vars.marker_offset]
per = "marker"
dim = 3
unit = "m"
scale = 0.01
[terms.offsets]
kind = "l2"
of = "marker_offset"
sigma = "1 cm"
[terms.markers]
source = "surface"
target = "markers"
sigma = "5 mm"
"#;

fn main() {
    let folder = std::env::temp_dir().join("fitrun-bench");
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    write_data(&folder);
    for (name, text) in [("joints", JOINTS), ("markers", MARKERS)] {
        let spec = folder.join(format!("{name}.toml"));
        std::fs::write(&spec, text).expect("the spec is written");
        for precision in ["f32", "f64"] {
            measure(name, &spec, precision);
        }
    }
}

/// The example's sequence over and over.
fn write_data(folder: &Path) {
    let example = "specs/fit/walk.npz";
    let mut file = NpzWriter::create(folder.join("data.npz"));
    for (from, to) in [("true_joints", "joints"), ("markers", "markers")] {
        let once = fitrun::read_array(example, from).expect("the example");
        let points = once.shape()[1];
        let wanted = FRAMES * points * 3;
        let numbers: Vec<f64> = once.iter().copied().cycle().take(wanted).collect();
        file.floats64(to, &[FRAMES, points, 3], &numbers)
            .expect("the data are written");
    }
    let layout = fitrun::MarkerLayout::embedded("plug-in-gait").expect("the layout");
    let labels: Vec<&str> = layout.markers.iter().map(|m| m.label.as_str()).collect();
    file.strings("marker_names", &[labels.len()], &labels)
        .and_then(|()| file.finish())
        .expect("the data are written");
}

fn measure(name: &str, spec: &Path, precision: &str) {
    let options = RunOptions {
        sets: vec![format!("solve.precision={precision}")],
        ..RunOptions::default()
    };
    let checked = fitrun::check(spec, &options).expect("the spec is in order");
    let begun = Instant::now();
    let found = fitrun::fit(&checked.problem, &mut |_| true);
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{name}, {precision}: {:.0} frames/s over all stages, {seconds:.2} s",
        FRAMES as f64 / seconds
    );
    for stage in &found.stages {
        let evaluations: usize = stage.solution.evaluations.iter().sum();
        let rows = evaluations * if stage.joint { stage.frames.len() } else { 1 };
        println!(
            "  {:6} {:5.2} s, {rows:7} frame evaluations, {:5.1} µs each",
            stage.name,
            stage.solution.seconds,
            1e6 * stage.solution.seconds / rows as f64
        );
    }
}
