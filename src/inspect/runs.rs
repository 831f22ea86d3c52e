//! Folders of finished runs, and specs.

use std::path::Path;

use serde_json::Value;

use super::table::{Table, number};
use super::{Inspection, quoted};
use crate::io::{FileError, read_text};

const RECORD: &str = "run.json";
/// Warnings that are shown.
const SHOWN: usize = 8;

pub(super) fn is_run(path: &Path) -> bool {
    path.join(RECORD).is_file()
}

pub(super) fn inspect(path: &Path) -> Result<Inspection, FileError> {
    let record = path.join(RECORD);
    let read = serde_json::from_str::<Value>(&read_text(&record)?);
    let run = read.ok().filter(|r| r.get("fitrun").is_some());
    let run = run.ok_or_else(|| FileError::new(&record, "no record of a run of fitrun"))?;
    let mut found = Inspection::new("a finished run");
    let text = |key: &str| run[key].as_str().unwrap_or_default().to_string();
    found.fact(
        "of",
        format!("`{}`, by fitrun {}", text("name"), text("fitrun")),
    );
    found.fact("ended", status(&run));
    if let Some(cost) = run["cost"].as_f64() {
        found.fact("E", number(cost));
    }
    for metric in ["mpjpe_mm", "marker_mm", "reprojection_px"] {
        if let Some(error) = run["metrics"][metric].as_f64() {
            let (name, unit) = metric.rsplit_once('_').unwrap_or((metric, ""));
            found.fact(name, format!("{} {unit}", number(error)));
        }
    }
    let seconds = run["seconds"].as_object().into_iter().flatten();
    let seconds: f64 = seconds.filter_map(|(_, s)| s.as_f64()).sum();
    found.fact("seconds", number(seconds));
    found.contents = stages(&run) + &warnings(&run) + &files(path);
    let params = path.join("params.npz");
    if params.is_file() && run["spec"].get("body").is_some() {
        found.snippet("data.earlier", "file", &params);
        found.line(
            "format",
            &quoted("amass"),
            "what to start from, or to stay near",
        );
    }
    Ok(found)
}

/// How its frames ended, by the name of the status.
fn status(run: &Value) -> String {
    let count = |v: &Value| v.as_u64().or_else(|| v["count"].as_u64()).unwrap_or(0);
    let all = run["status"].as_object().into_iter().flatten();
    let some = all.filter(|(_, v)| count(v) > 0);
    let parts: Vec<String> = some
        .map(|(name, v)| format!("{} {name}", count(v)))
        .collect();
    parts.join(", ")
}

fn stages(run: &Value) -> String {
    let mut table = Table::default();
    table.row(["stage", "method", "solved", "iterations", "seconds"]);
    for stage in run["stages"].as_array().into_iter().flatten() {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_string();
        let whole = |v: &Value| v.as_u64().unwrap_or(0).to_string();
        table.row([
            text(&stage["name"]),
            text(&stage["method"]),
            text(&stage["coupling"]),
            whole(&stage["iterations"]["total"]),
            number(stage["seconds"].as_f64().unwrap_or(0.0)),
        ]);
    }
    table.text()
}

fn warnings(run: &Value) -> String {
    let all = run["warnings"].as_array().into_iter().flatten();
    let all: Vec<&str> = all.filter_map(Value::as_str).collect();
    let lines = all.iter().take(SHOWN).map(|w| format!("warning: {w}\n"));
    let more = all.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| format!("and {more} more warnings\n"));
    let lines: String = lines.chain(more).collect();
    match lines.is_empty() {
        true => lines,
        false => format!("\n{lines}"),
    }
}

fn files(path: &Path) -> String {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    format!("\nfiles: {}\n", names.join(", "))
}

/// A spec says its language's version at its top.
pub(super) fn is_spec(path: &Path) -> bool {
    let version = |line: &str| {
        let key = line
            .split_once('=')
            .map(|(key, _)| key.trim().trim_matches('"'));
        key == Some("fitrun")
    };
    read_text(path).is_ok_and(|text| {
        let top = text
            .lines()
            .take_while(|l| !l.trim_start().starts_with('['));
        top.into_iter().any(version)
    })
}

pub(super) fn spec(path: &Path) -> Result<Inspection, FileError> {
    let text = read_text(path)?;
    let parsed: Result<toml::Table, _> = text.parse();
    let spec = parsed.map_err(|e| FileError::new(path, format!("no TOML: {}", e.message())))?;
    let train = |t: &toml::Table| t.contains_key("train");
    let data = spec.get("data").and_then(toml::Value::as_table);
    let is_training = train(&spec) || data.is_some_and(train);
    let mut found = Inspection::new(match is_training {
        true => "a training's spec",
        false => "a fitting spec",
    });
    for key in ["extends", "prior", "body"] {
        if let Some(value) = spec.get(key) {
            found.fact(key, value.to_string());
        }
    }
    let mut table = Table::default();
    let named = |key: &str| {
        spec.get(key)
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten()
    };
    for (name, set) in named("data") {
        let of_training = is_training && ["train", "val"].contains(&name.as_str());
        let file = set.get("file").or(of_training.then_some(set));
        let file = file.and_then(toml::Value::as_str);
        let missing = |f: &str| match path.with_file_name(f).exists() || f.contains('*') {
            true => String::new(),
            false => "is not there".into(),
        };
        let there = file.map_or(String::new(), missing);
        table.row([
            format!("data.{name}"),
            file.unwrap_or_default().into(),
            there,
        ]);
    }
    for (name, term) in named("terms") {
        let says = |key: &str| term.get(key).map_or(String::new(), toml::Value::to_string);
        table.row([
            format!("terms.{name}"),
            ["kind", "source", "target", "of", "residual"]
                .map(says)
                .join(" ")
                .trim()
                .into(),
            says("sigma"),
        ]);
    }
    found.contents = table.text();
    let file = path.display();
    let says = "says whether it is in order";
    found.snippet = match is_training {
        true => format!("fitrun train {file}\n"),
        false if spec.contains_key("compare") => format!("fitrun compare {file}\n"),
        false => format!(
            "fitrun check {file}    # {says}\nfitrun explain {file}  # every value\nfitrun {file}\n"
        ),
    };
    Ok(found)
}
