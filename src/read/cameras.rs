//! Camera files to [`Camera`]s in a world that is y up.

use std::path::Path;

use nalgebra::{Matrix3, Rotation3, Vector3};

use super::{Reader, upright};
use crate::camera::Camera;
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
            if record.fisheye {
                let message = "is a fisheye camera, which this version cannot project";
                return Err(FileError::new(path, format!("`{}` {message}", record.name)));
            }
            if record.distortion.iter().skip(5).any(|k| *k != 0.0) {
                let message = "has more than five distortion coefficients (k1, k2, p1, p2, k3)";
                let hint = "calibrate without the rational, prism and tilt models";
                let error = FileError::new(path, format!("`{}` {message}", record.name));
                return Err(FileError {
                    hint: Some(hint.into()),
                    ..error
                });
            }
            cameras.push(camera(record, &to_file));
        }
        Ok(Some((Dataset::Cameras(cameras), up)))
    }
}

fn camera(record: &CameraRecord, file_from_ours: &Matrix3<f64>) -> Camera {
    let m = record.matrix;
    let mut distortion = [0.0; 5];
    for (to, from) in distortion.iter_mut().zip(&record.distortion) {
        *to = *from;
    }
    let rotation = Rotation3::new(Vector3::from(record.rotation));
    Camera {
        name: record.name.clone(),
        size: record.size,
        intrinsics: [m[0][0], m[1][1], m[0][2], m[1][2], m[0][1]],
        distortion,
        rotation: rotation.matrix() * file_from_ours,
        translation: record.translation.into(),
    }
}
