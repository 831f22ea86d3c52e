//! Camera files to [`Camera`]s in a world that is y up.

use std::path::Path;

use nalgebra::{Matrix3, Rotation3, Vector3};

use super::{Reader, upright};
use crate::camera::{Camera, Distortion};
use crate::data::Dataset;
use crate::io::FileError;
use crate::io::pose2sim::{self, CameraRecord};

impl Reader<'_> {
    pub(super) fn cameras(&mut self, path: &Path) -> Result<Option<(Dataset, char)>, FileError> {
        let records = pose2sim::read(path)?;
        self.files.push(path.into());
        let up = self.up('z');
        let to_file = upright(up).transpose();
        let mut cameras = Vec::new();
        for record in &records {
            let camera = camera(record, &to_file).map_err(|message| {
                let hint = "calibrate without the prism and tilt models";
                FileError::new(path, message).with_hint(hint)
            })?;
            cameras.push(camera);
        }
        Ok(Some((Dataset::Cameras(cameras), up)))
    }
}

fn camera(record: &CameraRecord, file_from_ours: &Matrix3<f64>) -> Result<Camera, String> {
    let m = record.matrix;
    let rotation = Rotation3::new(Vector3::from(record.rotation));
    Ok(Camera {
        name: record.name.clone(),
        size: record.size,
        intrinsics: [m[0][0], m[1][1], m[0][2], m[1][2], m[0][1]],
        distortion: distortion(record)?,
        rotation: rotation.matrix() * file_from_ours,
        translation: record.translation.into(),
    })
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
