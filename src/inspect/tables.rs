//! Tables of points, and of other numbers.

use std::path::Path;

use ndarray::{Array3, Axis};

use super::markers::{of_markers, shares_seen};
use super::table::{Table, range, seen_text};
use super::{Inspection, quoted};
use crate::data::median_span;
use crate::io::FileError;
use crate::io::csv::{self, PointTable, Points};
use crate::io::markers::subjects;
use crate::spec::likely_unit;

pub(super) fn inspect(path: &Path) -> Result<Inspection, FileError> {
    match csv::read_points(path) {
        Ok((PointTable::Markers(markers), program)) => {
            Ok(of_markers(path, "csv", program, markers))
        }
        Ok((PointTable::Points(found), program)) => Ok(points(path, program, &found)),
        Err(error) => numbers(path, &error),
    }
}

/// Columns of numbers that make up no points, which `reason` says.
fn numbers(path: &Path, reason: &FileError) -> Result<Inspection, FileError> {
    let table = csv::read(path)?;
    let mut found = Inspection::new("table (csv)");
    let rows = table.columns.first().map_or(0, Vec::len);
    found.fact("columns", table.names.len().to_string());
    found.fact("rows", rows.to_string());
    found.fact("points", format!("none: {}", reason.message));
    let mut held = Table::default();
    held.row(["column", "holds"]);
    for (name, column) in table.names.iter().zip(&table.columns) {
        held.row([name.clone(), range(column.iter())]);
    }
    found.contents = held.text();
    let columns = table.names.iter().map(|n| format!("{} = \"1\"", key(n)));
    let columns: Vec<String> = columns.collect();
    found.snippet("data.table", "file", path);
    let remark = "units, such as `m`, or `ref:` with the name of a set";
    found.line("columns", &format!("{{ {} }}", columns.join(", ")), remark);
    Ok(found)
}

fn points(path: &Path, program: &str, points: &Points) -> Inspection {
    let mut found = Inspection::new(match program {
        "" => "table (csv)".to_string(),
        _ => format!("table (csv, {program})"),
    });
    let (frames, views, count, dims) = points.values.dim();
    let space = dims == 3;
    let place = if space { "in space" } else { "in pixels" };
    found.fact("frames", frames.to_string());
    found.fact("points", format!("{count} {place}"));
    found.fact("rate", "not said");
    if space {
        found.fact("unit", "not said");
    }
    if views > 1 {
        found.fact("views", points.views.join(", "));
    }
    let subjects = subjects(&points.labels);
    if !subjects.is_empty() {
        found.fact("subjects", subjects.join(", "));
    }
    let stacked: Vec<_> = points.values.axis_iter(Axis(1)).collect();
    let stacked: Array3<f64> = ndarray::concatenate(Axis(0), &stacked).unwrap_or_default();
    found.contents = seen_text(&points.labels, &shares_seen(&stacked));
    found.snippet("data.points", "file", path);
    found.line("format", "\"csv\"", "");
    if let [first, _, ..] = subjects.as_slice() {
        let others = format!("or {}", subjects[1..].join(", "));
        found.line("subject", &quoted(first), &others);
    }
    if points
        .labels
        .iter()
        .all(|label| label.parse::<usize>().is_ok())
    {
        let remark = "names of the points, by their numbers; or `keypoints` with a convention";
        found.line("names", "[]", remark);
    }
    if space {
        let unit = median_span(&points.values).and_then(likely_unit);
        let unit = quoted(unit.unwrap_or("m"));
        found.line("unit", &unit, "the file does not say it");
        found.line("up", "\"y\"", "the file does not say it");
    }
    found
}

/// A name as a key of TOML.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match !name.is_empty() && name.chars().all(bare) {
        true => name.into(),
        false => quoted(name),
    }
}
