//! The README's commands and its spec work as they are written.

use std::path::Path;
use std::process::Command;

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    std::fs::read_to_string(path).unwrap()
}

/// The contents of the fenced blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let text = readme();
    let parts = text.split("```").skip(1).step_by(2);
    parts
        .filter_map(|part| part.strip_prefix(&format!("{language}\n")))
        .map(String::from)
        .collect()
}

#[test]
fn the_first_command_fits_the_example_and_leaves_the_files_that_the_readme_lists() {
    let command = blocks("sh")[0].trim().to_string();
    let spec = command.strip_prefix("cargo run --release -- ").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let result = Command::new(env!("CARGO_BIN_EXE_fitrun"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([spec, "--out", out.to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&result.stderr);
    assert_eq!(result.status.code(), Some(0), "{said}");
    assert!(said.starts_with("60 frames: 60 converged\n"), "{said}");
    for name in ["run.json", "params.npz", "body.glb", "body.png"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    for plot in ["convergence", "terms", "per_joint_error"] {
        assert!(out.join(format!("{plot}.svg")).is_file(), "{plot}");
        assert!(out.join(format!("{plot}.csv")).is_file(), "{plot}");
    }
}

#[test]
fn the_test_command_is_the_one_that_ci_calls() {
    let ci = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/run");
    let ci = std::fs::read_to_string(ci).unwrap();
    assert_eq!(ci.lines().last(), Some(blocks("sh")[1].trim()));
}

#[test]
fn the_whole_spec_is_in_order_once_its_file_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let joints = fitrun::read_array("specs/fit/walk.npz", "true_joints").unwrap();
    let mut file = fitrun::NpzWriter::create(folder.path().join("walk_joints.npz"));
    let numbers: Vec<f64> = joints.iter().copied().collect();
    file.floats64("joints", joints.shape(), &numbers).unwrap();
    file.finish().unwrap();
    let spec = folder.path().join("spec.toml");
    std::fs::write(&spec, &blocks("toml")[0]).unwrap();
    let checked = fitrun::check(&spec, &Default::default()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(checked.diagnostics.list.len(), 0);
    assert_eq!(checked.problem.frames, 60);
}
