//! Files of optical markers, and of moving skeletons.

use std::path::Path;

use ndarray::{Array3, Axis, s};

use super::table::{number, seen_text};
use super::{Inspection, is_length, quoted};
use crate::io::markers::{Markers, subjects};
use crate::io::{FileError, bvh_reader, c3d, trc};
use crate::spec::{Dimension, parse_unit, units_of};

pub(super) fn inspect(path: &Path) -> Result<Inspection, FileError> {
    let is = |name| {
        let extension = path.extension().unwrap_or_default();
        extension.eq_ignore_ascii_case(name)
    };
    let (format, markers) = match (is("c3d"), is("bvh")) {
        (true, _) => ("c3d", c3d::read(path)?),
        (_, true) => ("bvh", bvh_reader::read(path)?),
        _ => ("trc", trc::read(path)?),
    };
    Ok(of_markers(path, format, "", markers))
}

/// Markers that were read; `program` is the one whose export it is, where the format has several.
pub(super) fn of_markers(path: &Path, format: &str, program: &str, markers: Markers) -> Inspection {
    let of = match program {
        "" => format.to_string(),
        _ => format!("{format}, as {program} exports it"),
    };
    let (kind, points) = match format {
        "bvh" => ("moving skeleton", "joints"),
        _ => ("optical markers", "markers"),
    };
    let mut found = Inspection::new(format!("{kind} ({of})"));
    let subjects = subjects(&markers.labels);
    let markers = markers.of_subject(None).one_for_each_label();
    found.fact(points, markers.labels.len().to_string());
    if !subjects.is_empty() {
        found.fact("subjects", subjects.join(", "));
    }
    found.fact("frames", frames_text(&markers));
    found.fact(
        "rate",
        match markers.rate {
            Some(rate) => format!("{} Hz", number(rate)),
            None => "not said".into(),
        },
    );
    found.fact(
        "unit",
        match &markers.unit {
            Some(unit) => unit.clone(),
            None => "not said".into(),
        },
    );
    let up = markers.up.or((format != "c3d").then_some('y'));
    found.fact(
        "up",
        match (markers.up, up) {
            (Some(up), _) => format!("{up}, as the file says"),
            (None, Some(up)) => {
                format!("{up}, as {format} files usually mean; the file does not say")
            }
            (None, None) => "not said".into(),
        },
    );
    found.fact("extent", extent_text(&markers));
    found.facts.extend(
        markers
            .unseen
            .iter()
            .map(|reason| ("seen".to_string(), format!("nothing: {reason}"))),
    );
    for warning in &markers.warnings {
        found.fact("warning", warning);
    }
    found.contents = seen_text(&markers.labels, &shares_seen(&markers.values));
    snippet(&mut found, path, format, &markers);
    if let [first, _, ..] = subjects.as_slice() {
        let others = format!("or {}", subjects[1..].join(", "));
        found.line("subject", &quoted(first), &others);
    }
    found
}

fn snippet(found: &mut Inspection, path: &Path, format: &str, markers: &Markers) {
    let table = if format == "bvh" {
        "data.skeleton"
    } else {
        "data.markers"
    };
    found.snippet(table, "file", path);
    found.line("format", &format!("\"{format}\""), "");
    match (markers.metres(), &markers.unit) {
        (Some(_), Some(unit)) if is_length(unit) => found.line("unit", &quoted(unit), ""),
        (Some(metres), _) => {
            let known = units_of(Dimension::LENGTH).into_iter();
            let same = known.filter(|u| parse_unit(u).is_ok_and(|(factor, _)| factor == metres));
            same.take(1)
                .for_each(|u| found.line("unit", &quoted(u), ""));
        }
        (None, _) => {
            let units = units_of(Dimension::LENGTH).join(", ");
            let remark = match &markers.unit {
                None => format!("the file does not say it; one of {units}"),
                Some(unit) => format!("the file's `{unit}` is no known length; one of {units}"),
            };
            found.line("unit", "\"\"", &remark);
        }
    }
    match markers.up {
        Some(up) => found.line("up", &format!("\"{up}\""), ""),
        None if format != "c3d" => found.line("up", "\"y\"", ""),
        None => found.line("up", "\"z\"", "the file does not say it; most are z up"),
    }
    if markers.rate.is_none() {
        found.line("rate", "\"100 Hz\"", "the file does not say it");
    }
}

/// How many there are, and the numbers of the first and the last.
fn frames_text(markers: &Markers) -> String {
    let numbers = &markers.frame_numbers;
    let (first, last) = (numbers.first(), numbers.last());
    match (first, last) {
        (Some(first), Some(last)) => format!("{}, numbered {first} to {last}", numbers.len()),
        _ => "0".into(),
    }
}

/// The size of the box around all points, along each axis of the file.
fn extent_text(markers: &Markers) -> String {
    let (factor, unit) = match markers.metres() {
        Some(metres) => (metres, "m"),
        None => (1.0, "of the file's unit"),
    };
    let extent = |axis: usize| {
        let column = markers.values.slice(s![.., .., axis]);
        let finite = column.iter().copied().filter(|x| x.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| {
            (l.min(x), h.max(x))
        });
        (high - low) * factor
    };
    let [x, y, z] = [0, 1, 2].map(|axis| match extent(axis) {
        size if size.is_finite() => format!("{size:.2}"),
        _ => "-".into(),
    });
    format!("x {x}, y {y}, z {z} {unit}")
}

/// For each point the share of frames in which it has a place.
pub(super) fn shares_seen(values: &Array3<f64>) -> Vec<f64> {
    let frames = values.dim().0.max(1) as f64;
    let seen = |points: ndarray::ArrayView2<'_, f64>| {
        let rows = points.outer_iter();
        rows.filter(|p| p.iter().all(|x| x.is_finite())).count() as f64
    };
    values
        .axis_iter(Axis(1))
        .map(|p| seen(p) / frames)
        .collect()
}
