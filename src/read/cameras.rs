//! Camera files to [`Camera`]s in a world that is y up.

use std::path::{Path, PathBuf};

use nalgebra::{Matrix3, Rotation3, Vector3};

use super::{Reader, Up};
use crate::camera::trial::Cause;
use crate::camera::{Camera, Distortion};
use crate::data::Dataset;
use crate::diagnostic::Diagnostic;
use crate::io::{CameraRecord, FileError, Turn};
use crate::rotation::nearest;
use crate::spec::Dimension;

impl Reader<'_> {
    pub(super) fn cameras(
        &mut self,
        path: &Path,
        files: Vec<PathBuf>,
        records: Result<Vec<CameraRecord>, FileError>,
    ) -> Result<Option<(Dataset, Up)>, FileError> {
        let records = records?;
        self.files.extend(files);
        let up = self.up(Up::Z);
        let to_file = up.upright().transpose();
        let metres = self.unit(Dimension::LENGTH).unwrap_or(1.0);
        let size = self.width_and_height("size");
        let mut cameras = Vec::new();
        for record in &records {
            let size = size.or(record.size).ok_or_else(|| {
                let message = format!("camera `{}` has no size of its images", record.name);
                let hint = "add `size = [width, height]` in pixels to the data set";
                FileError::new(path, message).with_hint(hint)
            })?;
            let camera = camera(record, size, metres, &to_file).map_err(|message| {
                let hint = "calibrate without the prism and tilt models";
                FileError::new(path, message).with_hint(hint)
            })?;
            cameras.push(self.as_given(camera, &to_file));
        }
        Ok(Some((Dataset::Cameras(cameras), up)))
    }

    /// A camera whose file has its numbers in another way, as the spec says.
    fn as_given(&mut self, camera: Camera, to_file: &Matrix3<f64>) -> Camera {
        let given = self.view.text("extrinsics").map(|e| e.value);
        let cause = match given {
            Some("camera-to-world") => Some(Cause::CameraToWorld),
            Some("position") => Some(Cause::Position),
            Some("opengl") => Some(Cause::OpenGl),
            Some("opengl-to-world") => Some(Cause::OpenGlToWorld),
            _ => None,
        };
        let camera = cause.map_or_else(|| camera.clone(), |c| c.mended(&camera, to_file));
        match self.width_and_height("images") {
            Some(images) => self.in_images(camera, images),
            None => camera,
        }
    }

    /// A camera whose images are larger or smaller than those that it was calibrated with.
    fn in_images(&mut self, camera: Camera, images: [f64; 2]) -> Camera {
        let [x, y] = [0, 1].map(|k| images[k] / camera.size[k]);
        if (x / y - 1.0).abs() > 0.01 {
            let [width, height] = camera.size;
            let message = format!(
                "`{}.images` have another shape than those of `{}`, {width} × {height}",
                self.view.path(),
                camera.name
            );
            let origin = self.view.origin_of("images", &self.origin);
            let hint = "cropped or turned images need a calibration of their own";
            let diagnostic = Diagnostic::error("F0205", message, &origin).hint(hint);
            self.diagnostics.push(diagnostic);
        }
        camera.scaled([x, y])
    }

    /// The size that the spec gives to the images of all cameras.
    fn width_and_height(&mut self, key: &str) -> Option<[f64; 2]> {
        let given = self.view.numbers(key)?;
        match given.value[..] {
            [w, h] if w > 0.0 && h > 0.0 && w.is_finite() && h.is_finite() => Some([w, h]),
            _ => {
                let message = format!(
                    "`{}.{key}` should be a width and a height above 0",
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
        Turn::Matrix(rows) => nearest(&Matrix3::from_fn(|i, k| rows[i][k])),
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
