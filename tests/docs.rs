//! The documents against the code: keys, defaults, codes and example specs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fitrun::keys::{Key, Kind, tables, training_tables};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name))
        .unwrap_or_else(|e| panic!("docs/{name}: {e}"))
}

/// Every table of both languages with the text that documents it.
fn documented() -> Vec<(String, &'static str, &'static [Key])> {
    let of = |name: &str, tables: Vec<(&'static str, &'static [Key])>| {
        let text = document(name);
        let tables = tables.into_iter();
        tables
            .map(|(path, keys)| (text.clone(), path, keys))
            .collect::<Vec<_>>()
    };
    let fit = of("spec.md", tables());
    fit.into_iter()
        .chain(of("train.md", training_tables()))
        .collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The rows of the table under the heading that is `path` in backticks: their cells.
fn rows<'a>(text: &'a str, path: &str) -> Vec<Vec<&'a str>> {
    let heading = format!("### `{path}`");
    let mut lines = text.lines().skip_while(|line| *line != heading);
    assert!(
        lines.next().is_some(),
        "no document has the heading {heading}"
    );
    lines
        .take_while(|line| !line.starts_with('#'))
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

#[test]
fn every_key_has_its_row_in_the_reference_and_no_row_is_unknown() {
    for (text, path, keys) in documented() {
        let rows = rows(&text, path);
        let documented: Vec<&str> = rows.iter().map(|row| quoted(row[0])[0]).collect();
        let known: Vec<&str> = keys.iter().map(|key| key.name).collect();
        let sorted = |names: &[&str]| {
            let mut names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
            names.sort();
            names
        };
        assert_eq!(sorted(&documented), sorted(&known), "keys of `{path}`");
    }
}

#[test]
fn the_reference_states_the_defaults_of_the_table_of_keys() {
    for (text, path, keys) in documented() {
        for row in rows(&text, path) {
            let name = quoted(row[0])[0];
            let Some(key) = keys.iter().find(|key| key.name == name) else {
                panic!("`{path}.{name}` is no key");
            };
            assert_eq!(row.len(), 4, "cells of `{path}.{name}`: {row:?}");
            // A default in words is one that the table of keys does not hold.
            let stated = row[2].strip_prefix('`').and_then(|d| d.strip_suffix('`'));
            assert_eq!(stated, key.default, "default of `{path}.{name}`");
        }
    }
}

#[test]
fn the_reference_lists_the_permitted_values_and_the_kinds_that_a_key_belongs_to() {
    for (text, path, keys) in documented() {
        for row in rows(&text, path) {
            let name = quoted(row[0])[0];
            let Some(key) = keys.iter().find(|key| key.name == name) else {
                continue;
            };
            if let Kind::Choice(choices) = key.kind {
                assert_eq!(quoted(row[1]), choices, "values of `{path}.{name}`");
            }
            // Kinds that programs add have no name here.
            for kind in key.only.iter().filter(|kind| **kind != "own") {
                let message = format!("`{path}.{name}` belongs to the kind `{kind}`");
                assert!(quoted(row[3]).contains(kind), "{message}");
            }
        }
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The codes F0 and three digits that stand in a text after `before`.
fn codes(text: &str, before: &str) -> BTreeSet<String> {
    let start = format!("{before}F0");
    let code = |at: usize| {
        let code = text.get(at + before.len()..at + start.len() + 3)?;
        code[2..]
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| code.to_string())
    };
    text.match_indices(&start)
        .filter_map(|(at, _)| code(at))
        .collect()
}

#[test]
fn every_diagnostic_of_the_code_is_documented_and_the_reverse() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let used: BTreeSet<String> = files
        .iter()
        .flat_map(|path| codes(&fs::read_to_string(path).expect("a source"), "\""))
        .collect();
    assert!(used.len() > 10, "codes found in src: {used:?}");
    assert_eq!(codes(&document("diagnostics.md"), "| "), used);
}

#[test]
fn every_example_spec_in_the_documents_is_valid_toml() {
    let mut seen = 0;
    for entry in fs::read_dir(root().join("docs")).expect("the documents") {
        let path = entry.expect("an entry").path();
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap_or("");
            if block.starts_with("fitrun = 1") {
                seen += 1;
                let parsed = block.parse::<toml::Table>();
                assert!(parsed.is_ok(), "{}: {parsed:?}\n{block}", path.display());
            }
        }
    }
    assert!(seen >= 2, "found {seen} example specs");
}

#[test]
fn every_function_of_expressions_has_its_row() {
    let text = document("spec.md");
    for (name, arguments, meaning) in fitrun::FUNCTIONS {
        let row = format!("| `{name}({arguments})` | {meaning} |");
        assert!(text.contains(&row), "docs/spec.md has no row {row}");
    }
}
