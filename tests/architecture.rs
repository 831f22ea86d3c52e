//! Who may know whom: the `use` lines of every module are held against the list below.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// For each module what it may import of ours; what is not listed may be imported by nobody but
/// `run`, `fit` and the crate's root.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("diagnostic", &[]),
    ("error", &["diagnostic"]),
    ("manifold", &["rotation"]),
    ("memory", &[]),
    ("normal", &["graph"]),
    ("objective", &["manifold", "memory", "normal"]),
    ("graph", &["memory", "rotation"]),
    ("expr", &["graph", "spec"]),
    ("own", &["body", "expr", "io", "prior", "spec"]),
    ("robust", &["graph"]),
    ("io", &["rotation"]),
    ("convert", &["body", "io"]),
    (
        "convert_motion",
        &[
            "body",
            "data",
            "diagnostic",
            "error",
            "fit",
            "io",
            "own",
            "random",
            "read",
            "report",
            "run",
            "spec",
        ],
    ),
    (
        "place_cameras",
        &[
            "body",
            "camera",
            "check",
            "data",
            "diagnostic",
            "error",
            "fit",
            "io",
            "keypoints",
            "own",
            "random",
            "read",
            "report",
            "rotation",
            "run",
            "spec",
        ],
    ),
    ("camera", &["graph", "data", "random", "rotation", "spec"]),
    ("data", &["camera", "spec"]),
    ("body", &["graph", "data", "io", "keypoints", "spec"]),
    ("keypoints", &["graph", "body"]),
    ("random", &[]),
    ("rotation", &["random"]),
    ("prior", &["expr", "graph", "io", "memory", "random"]),
    ("term", &["graph", "robust"]),
    ("spec", &["diagnostic"]),
    (
        "inspect",
        &["body", "data", "expr", "io", "keypoints", "prior", "spec"],
    ),
    (
        "read",
        &[
            "body",
            "camera",
            "data",
            "diagnostic",
            "io",
            "keypoints",
            "own",
            "prior",
            "rotation",
            "spec",
        ],
    ),
    ("measure", &["body", "graph", "term"]),
    ("statistics", &["random"]),
    (
        "compare",
        &[
            "diagnostic",
            "error",
            "fit",
            "io",
            "read",
            "report",
            "run",
            "spec",
            "statistics",
        ],
    ),
    (
        "check",
        &[
            "random",
            "solve",
            "body",
            "camera",
            "data",
            "diagnostic",
            "expr",
            "graph",
            "ir",
            "keypoints",
            "manifold",
            "own",
            "prior",
            "read",
            "robust",
            "rotation",
            "spec",
            "term",
        ],
    ),
    (
        "ir",
        &[
            "body",
            "graph",
            "solve",
            "camera",
            "data",
            "keypoints",
            "manifold",
            "prior",
            "spec",
            "term",
        ],
    ),
    (
        "compile",
        &[
            "body",
            "camera",
            "graph",
            "ir",
            "keypoints",
            "manifold",
            "memory",
            "normal",
            "objective",
            "prior",
            "term",
        ],
    ),
    ("solve", &["manifold", "memory", "normal", "objective"]),
    (
        "report",
        &[
            "body",
            "camera",
            "compile",
            "data",
            "diagnostic",
            "fit",
            "io",
            "ir",
            "manifold",
            "measure",
            "rotation",
            "spec",
        ],
    ),
    (
        "gradcheck",
        &["compile", "fit", "ir", "normal", "objective", "solve"],
    ),
    (
        "evaluate",
        &[
            "body",
            "error",
            "fit",
            "graph",
            "io",
            "ir",
            "measure",
            "prior",
            "random",
            "report",
            "run",
            "statistics",
            "term",
        ],
    ),
    (
        "train",
        &[
            "body",
            "diagnostic",
            "error",
            "graph",
            "io",
            "prior",
            "random",
            "report",
            "spec",
        ],
    ),
    ("generate", &["body", "io", "prior", "report"]),
];

/// The only homes of some crates.
const HOMES: &[(&str, &[&str])] = &[
    ("argmin", &["solve"]),
    ("plotters", &["report/plot"]),
    ("png", &["report/render"]),
    ("dfdx", &["graph", "compile", "fit", "gradcheck"]),
    ("zip", &["io"]),
    ("gltf_json", &["io"]),
    ("codespan_reporting", &["diagnostic"]),
    ("roxmltree", &["io"]),
    ("safetensors", &["io"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(sources(&path)),
            false if path.extension().is_some_and(|e| e == "rs") => found.push(path),
            false => {}
        }
    }
    found
}

/// (path below src, code without its tests) of every file.
fn code() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&src).unwrap().display().to_string();
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("[cfg(test)]").next().unwrap_or("").to_string();
        (name, code)
    };
    sources(&src).into_iter().map(read).collect()
}

/// Names of ours that a file mentions as `crate::name`, also in braces.
fn imports(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        names.insert(name);
    }
    names
}

#[test]
fn modules_import_only_what_they_may_know() {
    let mut wrong = Vec::new();
    for (file, code) in code() {
        let module = file.split(['/', '.']).next().unwrap();
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(m, _)| *m == module) else {
            continue;
        };
        for name in imports(&code) {
            let known = MAY_KNOW.iter().any(|(m, _)| *m == name) || name == "fit" || name == "run";
            if known && name != module && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{file} imports {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_foreign_crate_stays_in_its_home() {
    let mut wrong = Vec::new();
    for (file, code) in code() {
        for (name, homes) in HOMES {
            let used = code.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//") && line.contains(&format!("{name}::"))
            });
            if used && !homes.iter().any(|home| file.starts_with(home)) {
                wrong.push(format!("{file} uses {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
