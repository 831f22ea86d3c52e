//! Writes cameras as Pose2Sim's `Calib.toml`.

use std::fmt::Write;
use std::path::Path;

use nalgebra::Matrix3;

use super::atomic;
use super::error::FileError;
use super::{CameraRecord, Turn};
use crate::rotation::{axis_angle, nearest};

/// The table of a camera is called by its name.
pub(crate) fn write(path: &Path, cameras: &[CameraRecord]) -> Result<(), FileError> {
    let mut text = String::new();
    for camera in cameras {
        let key = toml::Value::from(camera.name.as_str());
        let rows = camera.matrix.iter().map(|row| list(row));
        let matrix: Vec<String> = rows.collect();
        // Writing into a text cannot fail.
        let _ = write!(
            text,
            "[{key}]\nname = {key}\nsize = {}\nmatrix = [{}]\ndistortions = {}\nrotation = {}\n\
             translation = {}\nfisheye = {}\n\n",
            list(&camera.size.unwrap_or_default()),
            matrix.join(", "),
            list(&camera.distortion),
            list(&rodrigues(&camera.rotation)),
            list(&camera.translation),
            camera.fisheye
        );
    }
    text.push_str("[metadata]\nadjusted = false\nerror = 0.0\n");
    atomic::write(path, text.as_bytes())
}

/// The format knows rotations as Rodrigues vectors only.
fn rodrigues(turn: &Turn) -> [f64; 3] {
    match turn {
        Turn::Vector(vector) => *vector,
        Turn::Matrix(rows) => {
            let matrix = Matrix3::from_fn(|i, k| rows[i][k]);
            axis_angle(&nearest(&matrix)).into()
        }
    }
}

/// Shortest digits that read back as the same numbers.
fn list(numbers: &[f64]) -> String {
    let texts: Vec<String> = numbers.iter().map(|x| format!("{x:?}")).collect();
    format!("[{}]", texts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::pose2sim;
    use super::*;

    #[test]
    fn written_cameras_are_read_back_exactly() {
        let camera = |name: &str, fisheye: bool| CameraRecord {
            name: name.into(),
            size: Some([1088.0, 1920.0]),
            matrix: [[1681.5, 0.1, 532.9], [0.0, 1681.0, 948.1], [0.0, 0.0, 1.0]],
            distortion: vec![-7e-4, 0.1 + 0.2, 9.5e-6, 1e-5],
            rotation: Turn::Vector([1.6, 1.0 / 3.0, -0.4]),
            translation: [0.3, -0.9, 2.8],
            fisheye,
        };
        let cameras = [camera("cam \"1\"", false), camera("left", true)];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cameras.toml");
        write(&path, &cameras).unwrap();
        assert_eq!(pose2sim::read(&path).unwrap(), cameras);
    }
}
