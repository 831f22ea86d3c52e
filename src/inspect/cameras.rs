//! Calibrations.

use std::path::Path;

use super::Inspection;
use super::table::{Table, number};
use crate::io::FileError;
use crate::io::pose2sim::{self, CameraRecord};

pub(super) fn inspect(path: &Path) -> Result<Inspection, FileError> {
    let cameras = pose2sim::read(path)?;
    let mut found = Inspection::new("cameras (pose2sim)");
    found.fact("cameras", cameras.len().to_string());
    found.contents = table(&cameras);
    found.snippet("data.cameras", "file", path);
    found.line("format", "\"pose2sim\"", "");
    found.line("up", "\"z\"", "as in every pose2sim; the file does not say");
    Ok(found)
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
            pair(camera.size[0], camera.size[1]),
            pair(m[0][0], m[1][1]),
            format!("{}, {}", number(m[0][2]), number(m[1][2])),
            distortion.join(", "),
            if camera.fisheye { "fisheye" } else { "pinhole" }.into(),
        ]);
    }
    table.text()
}
