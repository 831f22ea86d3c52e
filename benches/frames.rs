//! Frames per second and evaluations per second: `cargo bench`.
//!
//! A thousand frames of joints with the built-in mixture, as in `docs/performance.md`.

use std::time::Instant;

use fitrun::{NpzWriter, RunOptions};

const FRAMES: usize = 1000;

fn main() {
    let folder = std::env::temp_dir().join("fitrun-bench");
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let once = fitrun::read_array("specs/fit/walk.npz", "true_joints").expect("the example");
    let joints: Vec<f64> = once.iter().copied().cycle().take(FRAMES * 66).collect();
    let mut file = NpzWriter::create(folder.join("joints.npz"));
    file.floats64("joints", &[FRAMES, 22, 3], &joints)
        .and_then(|()| file.finish())
        .expect("the data are written");
    let spec = folder.join("spec.toml");
    let text = "fitrun = 1\nprior = \"gmm\"\n[data.targets]\nfile = \"joints.npz\"\n\
        axes = [\"frame\", \"joint\", \"xyz\"]\n[terms.data]\nsource = \"joints\"\n\
        target = \"targets\"\nsigma = \"5 mm\"\n";
    std::fs::write(&spec, text).expect("the spec is written");
    for precision in ["f32", "f64"] {
        measure(&spec, precision);
    }
}

fn measure(spec: &std::path::Path, precision: &str) {
    let options = RunOptions {
        sets: vec![format!("solve.precision={precision}")],
        ..RunOptions::default()
    };
    let checked = fitrun::check(spec, &options).expect("the spec is in order");
    let begun = Instant::now();
    let found = fitrun::fit(&checked.problem, &mut |_| true);
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{precision}: {:.0} frames/s over all stages, {seconds:.2} s",
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
