//! Numpy's arrays, among them body models and motions.

use std::path::Path;

use ndarray::{Array3, Axis};

use super::table::{Table, number, percent, range};
use super::{Inspection, is_length, quoted};
use crate::body::{RigOptions, read_rig};
use crate::data::median_span;
use crate::io::body_fields::BodyArrays;
use crate::io::npz::{ArrayKind, Member, Npz};
use crate::io::{FileError, amass, body_fields};
use crate::keypoints;
use crate::spec::likely_unit;

pub(super) fn inspect(path: &Path) -> Result<Inspection, FileError> {
    let npz = Npz::open(path)?;
    let mut found = if npz.has("v_template") && npz.has("kintree_table") {
        body(path, "npz")?
    } else if npz.has("poses") && npz.has("trans") {
        motion(path)?
    } else {
        plain(path, &npz)?
    };
    let mut table = Table::default();
    table.row(["array", "shape", "dtype", "holds"]);
    for member in npz.members() {
        let dims: Vec<String> = member.shape.iter().map(usize::to_string).collect();
        let shape = format!("({})", dims.join(", "));
        let row = [member.name.as_str(), &shape, &member.dtype];
        table.row(
            row.map(String::from)
                .into_iter()
                .chain([holds(&npz, member)]),
        );
    }
    found.contents = table.text();
    Ok(found)
}

/// What an array holds, in a few words; one that cannot be read says why.
fn holds(npz: &Npz, member: &Member) -> String {
    let name = &member.name;
    let text = match member.kind {
        ArrayKind::Float | ArrayKind::Integer => npz.floats(name).map(|a| range(a.iter())),
        ArrayKind::Bool => npz.bools(name).map(|a| {
            let yes = a.iter().filter(|b| **b).count();
            format!("{} true", percent(yes as f64 / a.len().max(1) as f64))
        }),
        ArrayKind::Text => npz.strings(name).map(|texts| first_few(&texts)),
        ArrayKind::Object => Ok("not read: neither numbers, booleans nor strings".into()),
    };
    text.unwrap_or_else(|error| error.message)
}

fn first_few(texts: &[String]) -> String {
    let shown: Vec<String> = texts.iter().take(4).map(|t| format!("`{t:.24}`")).collect();
    let more = if texts.len() > 4 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// `format` is that of the file.
pub(super) fn body(path: &Path, format: &str) -> Result<Inspection, FileError> {
    let kind = format!("body model in SMPL's format ({format})");
    Ok(body_of(path, &body_fields::read(path)?, kind))
}

/// A skinned mesh, as the body that becomes of it.
pub(super) fn rig(path: &Path) -> Result<Inspection, FileError> {
    let body = read_rig(path, &RigOptions::default())?;
    let mut found = body_of(path, &body, "skinned body of its own skeleton".into());
    let mut table = Table::default();
    for (joint, parent) in body.joint_names.iter().flatten().zip(&body.parents) {
        let above = parent.and_then(|p| body.joint_names.as_ref().map(|n| n[p].clone()));
        table.row([
            joint.clone(),
            above.map_or("the root".into(), |p| format!("on {p}")),
        ]);
    }
    found.contents = table.text();
    Ok(found)
}

fn body_of(path: &Path, body: &BodyArrays, kind: String) -> Inspection {
    let mut found = Inspection::new(kind);
    found.fact("vertices", body.v_template.nrows().to_string());
    found.fact("faces", body.faces.nrows().to_string());
    found.fact("joints", body.parents.len().to_string());
    found.fact("shape", format!("{} coefficients", body.shapedirs.dim().2));
    found.fact(
        "pose correctives",
        match body.posedirs {
            Some(_) => "yes",
            None => "none",
        },
    );
    let (low, high) = body
        .v_template
        .column(1)
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| {
            (low.min(*y), high.max(*y))
        });
    found.fact("height", format!("{:.3} m", high - low));
    found.snippet("body", "model", path);
    found
}

fn motion(path: &Path) -> Result<Inspection, FileError> {
    let motion = amass::read(path)?;
    let mut found = Inspection::new(format!("AMASS motion of {} (npz)", motion.generation));
    found.fact("frames", motion.trans.nrows().to_string());
    found.fact(
        "rate",
        match motion.rate {
            Some(rate) => format!("{} Hz", number(rate)),
            None => "not said".into(),
        },
    );
    found.fact("up", motion.up.to_string());
    found.fact("gender", motion.gender.as_deref().unwrap_or("not said"));
    found.fact("shape", format!("{} coefficients", motion.betas.len()));
    found.snippet("data.motion", "file", path);
    found.line("format", "\"amass\"", "");
    found.line("up", &format!("\"{}\"", motion.up), "");
    if motion.rate.is_none() {
        found.line("rate", "\"120 Hz\"", "the file does not say it");
    }
    Ok(found)
}

/// Arrays that are no model of ours; the first that can be points gives the snippet.
fn plain(path: &Path, npz: &Npz) -> Result<Inspection, FileError> {
    let is_npy = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("npy"));
    let mut found = Inspection::new(if is_npy {
        "array (npy)"
    } else {
        "arrays (npz)"
    });
    found.fact("arrays", npz.members().len().to_string());
    if let Some(member) = points(npz) {
        let values: Array3<f64> = npz.floats_of(&member.name)?;
        points_snippet(&mut found, path, npz, member, &values);
    }
    Ok(found)
}

/// The array that is most likely a person's points: one with labels, else the first of five points or more.
fn points(npz: &Npz) -> Option<&Member> {
    let numeric = |m: &&Member| matches!(m.kind, ArrayKind::Float | ArrayKind::Integer);
    let shaped = |m: &&Member| matches!(m.shape[..], [_, 5..=usize::MAX, 2 | 3]);
    let candidates = || npz.members().iter().filter(numeric).filter(shaped);
    candidates()
        .find(|m| names(npz, m.shape[1]).is_some())
        .or_else(|| candidates().next())
}

/// An array of as many texts.
fn names(npz: &Npz, count: usize) -> Option<&Member> {
    let is_names = |m: &&Member| m.kind == ArrayKind::Text && m.shape == [count];
    npz.members().iter().find(is_names)
}

fn points_snippet(
    found: &mut Inspection,
    path: &Path,
    npz: &Npz,
    member: &Member,
    values: &Array3<f64>,
) {
    let (_, count, dims) = values.dim();
    let point = match (
        member.name.contains("marker"),
        member.name.contains("joint"),
    ) {
        (true, _) => "marker",
        (_, true) => "joint",
        _ => "point",
    };
    let components = if dims == 3 { "xyz" } else { "uv" };
    found.snippet(&format!("data.{point}s"), "file", path);
    found.line("format", "\"npz\"", "");
    found.line("array", &quoted(&member.name), "");
    found.line(
        "axes",
        &format!("[\"frame\", \"{point}\", \"{components}\"]"),
        "",
    );
    match names(npz, count) {
        Some(names) => found.line("names", &quoted(&names.name), ""),
        None if [22, 24, 52, 55].contains(&count) => {}
        None => names_line(found, count),
    }
    if dims == 3 {
        unit_and_up(found, npz, values);
    }
}

fn unit_and_up(found: &mut Inspection, npz: &Npz, values: &Array3<f64>) {
    let text = |name: &str| npz.strings(name).ok()?.into_iter().next();
    let span = median_span(&values.view().insert_axis(Axis(1)).to_owned());
    let said = text("units").filter(|unit| is_length(unit));
    match (said, span.and_then(likely_unit)) {
        (Some(unit), _) => found.line("unit", &quoted(&unit), ""),
        (None, Some(unit)) => found.line("unit", &quoted(unit), "by the size of a person"),
        (None, None) => found.line("unit", "\"m\"", "the file does not say it"),
    }
    match text("up_axis").filter(|up| ["x", "y", "z"].contains(&up.as_str())) {
        Some(up) => found.line("up", &quoted(&up), ""),
        None => found.line("up", "\"y\"", "the file does not say it"),
    }
}

/// Labels for points that have none: a convention of as many, or a list to be filled in.
fn names_line(found: &mut Inspection, count: usize) {
    let fitting: Vec<&str> = keypoints::conventions()
        .into_iter()
        .filter(|c| keypoints::labels(c).is_some_and(|labels| labels.len() == count))
        .collect();
    match fitting.as_slice() {
        [] => found.line("names", "[]", &format!("{count} labels, in order")),
        [one] => found.line("keypoints", &quoted(one), ""),
        [one, others @ ..] => {
            let remark = format!("or {}", others.join(", "));
            found.line("keypoints", &quoted(one), &remark);
        }
    }
}
