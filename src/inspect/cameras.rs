//! Calibrations.

use std::path::Path;

use super::table::{Table, number};
use super::{Inspection, quoted};
use crate::io::FileError;
use crate::io::{CameraRecord, Unit, cameras_json, opencv, pose2sim, qualisys, vicon};

/// `format` is that of `[data.*]`.
pub(super) fn inspect(path: &Path, format: &str) -> Result<Inspection, FileError> {
    let calibration = match format {
        "opencv" => opencv::read(path)?,
        "cameras-json" => cameras_json::read(path)?,
        "qualisys" => qualisys::read(path)?,
        "vicon" => vicon::read(path)?,
        _ => pose2sim::read(path)?,
    };
    let mut found = Inspection::new(format!("cameras ({format})"));
    let cameras = &calibration.cameras;
    found.fact("cameras", cameras.len().to_string());
    for (name, fact) in &calibration.facts {
        found.fact(name, fact);
    }
    if !calibration.left_out.is_empty() {
        found.fact("left out", calibration.left_out.join("; "));
    }
    found.contents = table(cameras);
    found.snippet("data.cameras", "file", path);
    found.line("format", &format!("\"{format}\""), "");
    match calibration.unit {
        Some(Unit::Always(unit)) => found.line("unit", &quoted(unit), "as the format has it"),
        Some(Unit::Likely(unit)) => {
            let remark = "as the program that wrote it has it; the file does not say";
            found.line("unit", &quoted(unit), remark);
        }
        None if are_far(cameras) => found.line("unit", "\"mm\"", "by the places of the cameras"),
        None => {}
    }
    match calibration.up {
        Some(up) => found.line("up", &quoted(up), "as the program that wrote it has it"),
        None => found.line("up", "\"z\"", "the default; the file does not say"),
    }
    if cameras.iter().any(|c| c.size.is_none()) {
        found.line(
            "size",
            "[1920, 1080]",
            "of the images; the file does not say",
        );
    }
    Ok(found)
}

/// Whether a camera is further from the origin than rooms are wide in metres.
fn are_far(cameras: &[CameraRecord]) -> bool {
    const METRES: f64 = 100.0;
    let far = |c: &CameraRecord| c.translation.iter().map(|x| x * x).sum::<f64>() > METRES * METRES;
    cameras.iter().any(far)
}

fn table(cameras: &[CameraRecord]) -> String {
    let mut table = Table::default();
    table.row(["camera", "size", "focal", "centre", "distortion", "model"]);
    let pair = |a: f64, b: f64| format!("{} × {}", number(a), number(b));
    for camera in cameras {
        let m = camera.matrix;
        let distortion: Vec<String> = camera.distortion.iter().map(|k| number(*k)).collect();
        table.row([
            camera.name.clone(),
            camera.size.map_or("?".into(), |[w, h]| pair(w, h)),
            pair(m[0][0], m[1][1]),
            format!("{}, {}", number(m[0][2]), number(m[1][2])),
            distortion.join(", "),
            if camera.fisheye { "fisheye" } else { "pinhole" }.into(),
        ]);
    }
    table.text()
}
