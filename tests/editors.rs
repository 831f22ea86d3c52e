//! What helps to write specs: templates that run, and a schema of the same keys as the reader's.

use std::process::Command;

use fitrun::keys::{self, Key, Kind};
use fitrun::schema;
use serde_json::Value;

fn fitrun(args: &[&str], folder: &std::path::Path) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fitrun"));
    let out = command.args(args).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    (out.status.success(), said)
}

/// Names of the templates with the command that each suggests.
const TEMPLATES: [(&str, &str); 9] = [
    ("body-joints", "joints"),
    ("body-markers", "markers"),
    ("body-multiview", "cameras"),
    ("curve", "curve"),
    ("curves", "decays"),
    ("bundle", "bundle"),
    ("pose-graph", "graph"),
    ("calibration", "chessboard"),
    ("hand-eye", "hand_eye"),
];

#[test]
fn every_template_is_a_spec_that_passes_its_check() {
    let folder = tempfile::tempdir().unwrap();
    for (name, spec) in TEMPLATES {
        let (good, said) = fitrun(&["new", name], folder.path());
        assert!(good && said.contains(&format!("{spec}.toml")), "{said}");
        let spec = format!("{name}/{spec}.toml");
        let (good, said) = fitrun(&["check", &spec], folder.path());
        assert!(good, "{name}: {said}");
        let text = std::fs::read_to_string(folder.path().join(&spec)).unwrap();
        assert!(text.starts_with("# "), "{name} says nothing of itself");
    }
}

#[test]
fn a_template_runs_and_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    assert!(fitrun(&["new", "hand-eye", "mine"], folder.path()).0);
    let (good, said) = fitrun(&["mine/hand_eye.toml"], folder.path());
    assert!(good && said.contains("eye_turn[2]"), "{said}");
    let (good, said) = fitrun(&["new", "hand-eye", "mine"], folder.path());
    assert!(!good && said.contains("exists already"), "{said}");
    let (good, said) = fitrun(&["new", "hand-ey"], folder.path());
    assert!(!good && said.contains("hand-eye"), "{said}");
}

/// The schema's table at a path such as `terms.*.robust`.
fn table<'s>(schema: &'s Value, path: &str) -> &'s Value {
    let steps = path.split('.').filter(|p| *p != "spec");
    steps.fold(schema, |at, step| {
        let next = match step {
            "*" | "CAMERA" => &at["additionalProperties"],
            name => &at["properties"][name],
        };
        let alternatives = next["anyOf"].as_array().into_iter().flatten();
        let table = alternatives.chain([next]).find(|s| s["type"] == "object");
        match &next["items"] {
            Value::Object(_) => &next["items"],
            _ => table.unwrap_or(&Value::Null),
        }
    })
}

#[test]
fn the_schema_has_every_key_of_the_language_and_no_others() {
    let schema = schema::of_fits();
    for (path, keys) in keys::tables() {
        let table = table(&schema, path);
        let properties = table["properties"].as_object();
        let properties = properties.unwrap_or_else(|| panic!("no {path}"));
        let (others, keys): (Vec<&Key>, Vec<&Key>) =
            keys.iter().partition(|k| matches!(k.kind, Kind::Others(_)));
        assert_eq!(properties.len(), keys.len(), "{path}");
        match others[..] {
            [] => assert_eq!(table["additionalProperties"], false, "{path}"),
            [of, ..] => assert_eq!(table["additionalProperties"]["description"], of.help),
        }
        for key in keys {
            assert_eq!(properties[key.name]["description"], key.help, "{path}");
        }
    }
    let of_prior = &table(&schema, "prior")["allOf"];
    let none = of_prior.as_array().unwrap().iter();
    let mut none = none.filter(|c| c["if"]["properties"]["kind"]["const"] == "none");
    assert_eq!(none.next().unwrap()["then"]["properties"]["file"], false);
    assert!(schema::of_trainings()["properties"]["train"].is_object());
}
