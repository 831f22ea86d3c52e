//! What was run: where the specs differ, versions and digests, and how to repeat it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::html::escape;
use crate::compare::Comparison;

pub(super) fn specs(of: &Comparison) -> String {
    format!(
        "{}<h2>How to repeat it</h2>\n<pre>{}</pre>\n{}</main>",
        differences(of),
        escape(&of.command),
        inputs(of)
    )
}

/// The settings in which runs differ, one a line; the rest of the first spec beneath.
fn differences(of: &Comparison) -> String {
    let flat: Vec<BTreeMap<String, String>> =
        of.runs.iter().map(|r| leaves(&r.record["spec"])).collect();
    let mut paths: Vec<&String> = flat.iter().flat_map(BTreeMap::keys).collect();
    paths.sort();
    paths.dedup();
    let value = |run: usize, path: &String| flat[run].get(path).map(String::as_str);
    let known: Vec<usize> = (0..flat.len()).filter(|r| !flat[*r].is_empty()).collect();
    let differs = |path: &&String| {
        let mut values = known.iter().map(|r| value(*r, path));
        let first = values.next();
        values.any(|v| Some(v) != first)
    };
    let (varied, same): (Vec<&String>, Vec<&String>) = paths.into_iter().partition(differs);
    let mut rows = String::new();
    for path in varied {
        let cells = (0..flat.len()).map(|r| {
            format!(
                "<td class=\"value\">{}</td>",
                escape(value(r, path).unwrap_or("–"))
            )
        });
        let _ = writeln!(
            rows,
            "<tr><td class=\"path\">{}</td>{}</tr>",
            escape(path),
            cells.collect::<String>()
        );
    }
    let heads = of
        .runs
        .iter()
        .map(|r| format!("<th>{}</th>", escape(&r.name())));
    let lines = same
        .iter()
        .filter_map(|p| Some(format!("{p} = {}\n", value(*known.first()?, p)?)));
    format!(
        "<h2>Where the specs differ</h2>\n<div class=\"wide\"><table><thead><tr><th>setting</th>{}</tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>\n<details><summary>What they share</summary><pre>{}</pre></details>\n",
        heads.collect::<String>(),
        escape(&lines.collect::<String>())
    )
}

/// The resolved spec without what belongs to the comparison itself.
fn leaves(spec: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (key, value) in spec.as_object().into_iter().flatten() {
        if !["output", "compare", "name"].contains(&key.as_str()) {
            collect(value, key, &mut found);
        }
    }
    found
}

fn collect(value: &Value, path: &str, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(table) if !table.is_empty() => {
            for (key, inner) in table {
                collect(inner, &format!("{path}.{key}"), found);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (i, inner) in items.iter().enumerate() {
                collect(inner, &format!("{path}[{i}]"), found);
            }
        }
        other => {
            found.insert(path.into(), other.to_string());
        }
    }
}

fn inputs(of: &Comparison) -> String {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for run in &of.runs {
        for input in run.record["inputs"].as_array().into_iter().flatten() {
            let name = input["path"].as_str().or(input["data"].as_str());
            let digest = input["sha256"].as_str().unwrap_or("a folder");
            if let Some(name) = name {
                files.insert(name.into(), digest.into());
            }
        }
    }
    let mut versions: Vec<&str> = of
        .runs
        .iter()
        .filter_map(|r| r.record["fitrun"].as_str())
        .collect();
    versions.sort_unstable();
    versions.dedup();
    let rows = files.iter().map(|(name, digest)| {
        format!(
            "<tr><td class=\"path\">{}</td><td class=\"value\">{}</td></tr>\n",
            escape(name),
            escape(digest)
        )
    });
    format!(
        "<p>Made by fitrun {}.</p>\n<div class=\"wide\"><table><thead><tr><th>input</th><th>SHA-256</th></tr></thead><tbody>\n{}</tbody></table></div>\n",
        escape(&versions.join(", ")),
        rows.collect::<String>()
    )
}
