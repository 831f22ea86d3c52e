//! Camera files to [`Camera`]s in a world that is y up.

use std::path::{Path, PathBuf};

use nalgebra::{Matrix3, Rotation3, Vector3};

use super::{Reader, upright};
use crate::camera::{Camera, Distortion};
use crate::data::Dataset;
use crate::diagnostic::Diagnostic;
use crate::io::{Calibration, CameraRecord, FileError, Turn, Unit};
use crate::spec::{Dimension, parse_unit};

impl Reader<'_> {
    pub(super) fn cameras(
        &mut self,
        path: &Path,
        files: Vec<PathBuf>,
        calibration: Result<Calibration, FileError>,
    ) -> Result<Option<(Dataset, char)>, FileError> {
        let calibration = calibration?;
        self.files.extend(files);
        self.warn_left_out(&calibration);
        let up = self.up('z');
        let to_file = upright(up).transpose();
        let metres = self.unit_of_cameras(calibration.unit);
        let size = self.size();
        let mut cameras = Vec::new();
        for record in &calibration.cameras {
            let size = size.or(record.size).ok_or_else(|| {
                let message = format!("camera `{}` has no size of its images", record.name);
                let hint = "add `size = [width, height]` in pixels to the data set";
                FileError::new(path, message).with_hint(hint)
            })?;
            let camera = camera(record, size, metres, &to_file).map_err(|message| {
                let hint = "calibrate without the prism and tilt models";
                FileError::new(path, message).with_hint(hint)
            })?;
            cameras.push(camera);
        }
        Ok(Some((Dataset::Cameras(cameras), up)))
    }

    fn warn_left_out(&mut self, calibration: &Calibration) {
        let origin = self.view.origin_of("file", &self.origin);
        for why in &calibration.left_out {
            let message = format!("`{}`: {why}; left out", self.view.path());
            self.diagnostics
                .push(Diagnostic::warning("F0411", message, &origin));
        }
    }

    /// Metres in a unit of the translations: as the spec says, else as the format does.
    fn unit_of_cameras(&mut self, of_file: Option<Unit>) -> f64 {
        match of_file {
            Some(Unit::Always(unit)) if self.view.text("unit").is_none() => {
                return parse_unit(unit).map_or(1.0, |(factor, _)| factor);
            }
            Some(Unit::Likely(unit)) if self.view.text("unit").is_none() => {
                let message = format!(
                    "`{}`: the program that wrote these cameras measures in {unit}, but they are read as m",
                    self.view.path()
                );
                let origin = self.view.origin_of("file", &self.origin);
                let hint = format!("write `unit = \"{unit}\"`, or `unit = \"m\"` if that is right");
                self.diagnostics
                    .push(Diagnostic::warning("F0412", message, &origin).hint(hint));
            }
            _ => {}
        }
        self.unit(Dimension::LENGTH).unwrap_or(1.0)
    }

    /// The size that the spec gives to the images of all cameras.
    fn size(&mut self) -> Option<[f64; 2]> {
        let given = self.view.numbers("size")?;
        match given.value[..] {
            [w, h] if w > 0.0 && h > 0.0 => Some([w, h]),
            _ => {
                let message = format!(
                    "`{}.size` should be a width and a height above 0",
                    self.view.path()
                );
                self.fail("F0205", message, &given.origin);
                Some([1.0; 2])
            }
        }
    }
}

fn camera(
    record: &CameraRecord,
    size: [f64; 2],
    metres: f64,
    file_from_ours: &Matrix3<f64>,
) -> Result<Camera, String> {
    let m = record.matrix;
    Ok(Camera {
        name: record.name.clone(),
        size,
        intrinsics: [m[0][0], m[1][1], m[0][2], m[1][2], m[0][1]],
        distortion: distortion(record)?,
        rotation: rotation(&record.rotation) * file_from_ours,
        translation: Vector3::from(record.translation) * metres,
    })
}

/// Of a matrix written with few digits, the nearest rotation.
fn rotation(turn: &Turn) -> Matrix3<f64> {
    match turn {
        Turn::Vector(vector) => *Rotation3::new(Vector3::from(*vector)).matrix(),
        Turn::Matrix(rows) => {
            let matrix = Matrix3::from_fn(|i, k| rows[i][k]);
            let svd = matrix.svd(true, true);
            match (svd.u, svd.v_t) {
                (Some(u), Some(v_t)) => u * v_t,
                _ => matrix,
            }
        }
    }
}

/// Coefficients that a shorter list leaves out are zero.
fn distortion(record: &CameraRecord) -> Result<Distortion, String> {
    let k = |i: usize| record.distortion.get(i).copied().unwrap_or(0.0);
    let beyond = |first: usize| record.distortion.iter().skip(first).any(|k| *k != 0.0);
    if record.fisheye {
        return Ok(Distortion::Fisheye(std::array::from_fn(k)));
    }
    if beyond(8) {
        return Err(format!(
            "`{}` has a thin prism or tilted sensor, which cannot be projected; \
             expected k1 k2 p1 p2 k3 k4 k5 k6 and zeros",
            record.name
        ));
    }
    Ok(match beyond(5) {
        true => Distortion::Rational(std::array::from_fn(k)),
        false => Distortion::Brown(std::array::from_fn(k)),
    })
}
