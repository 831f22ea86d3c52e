//! Camera files to [`Camera`]s in a world that is y up.

use std::path::{Path, PathBuf};

use nalgebra::{Matrix3, Rotation3, Vector3};

use super::{Reader, Up};
use crate::camera::trial::Cause;
use crate::camera::{Camera, Distortion};
use crate::data::Dataset;
use crate::diagnostic::Diagnostic;
use crate::io::{Calibration, CameraRecord, FileError, Turn, Unit};
use crate::rotation::nearest;
use crate::spec::{Dimension, parse_unit};

impl Reader<'_> {
    pub(super) fn cameras(
        &mut self,
        path: &Path,
        files: Vec<PathBuf>,
        calibration: Result<Calibration, FileError>,
    ) -> Result<Option<(Dataset, Up)>, FileError> {
        let calibration = calibration?;
        self.files.extend(files);
        self.warn_left_out(&calibration);
        let up = self.up(Up::Z);
        let to_file = up.upright().transpose();
        let metres = self.unit_of_cameras(calibration.unit);
        let size = self.width_and_height("size");
        self.warn_degrees(&calibration.cameras);
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
            cameras.push(self.as_given(camera, &to_file));
        }
        self.warn_lenses(&cameras);
        Ok(Some((Dataset::Cameras(cameras), up)))
    }

    /// Nobody writes a turn of several rounds.
    fn warn_degrees(&mut self, records: &[CameraRecord]) {
        let angle = |record: &CameraRecord| match record.rotation {
            Turn::Vector(w) => Vector3::from(w).norm(),
            Turn::Matrix(_) => 0.0,
        };
        let most = records.iter().map(angle).fold(0.0, f64::max);
        if most <= 2.0 * std::f64::consts::TAU {
            return;
        }
        let message = format!(
            "the rotations of `{}` reach {most:.0} rad: are they in degrees?",
            self.view.path()
        );
        let hint = "rotation vectors are in radians: divide them by 57.29578";
        let diagnostic = Diagnostic::warning("F0517", message, &self.origin);
        self.diagnostics.push(diagnostic.hint(hint));
    }

    /// Focal lengths in millimetres or in units of the image, and images of another camera.
    pub(super) fn warn_lenses(&mut self, cameras: &[Camera]) {
        let Some(said) = cameras.iter().find_map(odd_lens) else {
            return;
        };
        let message = format!("`{}`: {said}", self.view.path());
        let hint = "focal lengths and principal points are in pixels: the length in mm × the image's width \
                    in pixels / the sensor's width in mm";
        let diagnostic = Diagnostic::warning("F0526", message, &self.origin);
        self.diagnostics.push(diagnostic.hint(hint));
    }

    /// A camera whose file has its numbers in another way, as the spec says.
    pub(super) fn as_given(&mut self, camera: Camera, to_file: &Matrix3<f64>) -> Camera {
        let given = self.view.text("extrinsics").map(|e| e.value);
        let cause = match given {
            Some("camera-to-world") => Some(Cause::CameraToWorld),
            Some("position") => Some(Cause::Position),
            Some("opengl") => Some(Cause::OpenGl),
            Some("opengl-to-world") => Some(Cause::OpenGlToWorld),
            Some("pytorch3d") => Some(Cause::Pytorch3d),
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

pub(super) fn camera(
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

/// Focal lengths as shares of the larger side: a view of 157° and one of 2°.
const FOCAL: [f64; 2] = [0.1, 30.0];

/// What no camera has.
fn odd_lens(camera: &Camera) -> Option<String> {
    let ([fx, fy, cx, cy, _], [width, height]) = (camera.intrinsics, camera.size);
    let (name, larger) = (&camera.name, width.max(height));
    let usual = |f: &f64| (FOCAL[0]..FOCAL[1]).contains(&(f / larger));
    if let Some(f) = [fx, fy].iter().find(|f| !usual(f)) {
        return Some(format!(
            "camera `{name}` has a focal length of {f} px for images of {width} × {height} px"
        ));
    }
    let outside = |c: f64, side: f64| c < -0.5 * side || c > 1.5 * side;
    let at_corner = |c: f64, side: f64| c.abs() <= 1.0 || (c - side).abs() <= 1.0;
    let odd = outside(cx, width) || outside(cy, height);
    (odd || at_corner(cx, width) && at_corner(cy, height)).then(|| {
        format!(
            "camera `{name}` has its principal point at ({cx}, {cy}), which is not about the middle of images of \
             {width} × {height} px"
        )
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

#[cfg(test)]
mod tests {
    use nalgebra::Vector3;

    use super::super::{Registry, Up, read};
    use crate::camera::Camera;
    use crate::data::Dataset;
    use crate::diagnostic::Diagnostics;

    /// The cameras of a file, and the codes and messages of warnings.
    fn cameras(name: &str, text: &str, keys: &str) -> (Vec<Camera>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let mut diagnostics = Diagnostics::default();
        let text = format!("fitrun = 1\n[data.d]\nfile = {path:?}\n{keys}");
        let spec = std::path::Path::new("spec.toml");
        let spec = crate::spec::parse(
            spec,
            &text,
            &Default::default(),
            Vec::new(),
            &mut diagnostics,
        );
        let mut inputs = read(
            &spec,
            (&Registry::default(), &Default::default()),
            &mut diagnostics,
        );
        assert!(!diagnostics.has_errors(), "{:?}", diagnostics.list);
        let said = |d: &crate::diagnostic::Diagnostic| format!("{}: {}", d.code, d.message);
        let said = diagnostics.list.iter().map(said).collect();
        match inputs.data.remove(0).dataset {
            Dataset::Cameras(cameras) => (cameras, said),
            other => panic!("{other:?}"),
        }
    }

    /// Where a point of the file's world, in millimetres and z up, is in the image.
    fn seen(camera: &Camera, point: [f64; 3]) -> [f64; 2] {
        camera
            .project(&(Up::Z.upright() * Vector3::from(point) * 0.001))
            .into()
    }

    fn near(found: [f64; 2], expected: [f64; 2]) {
        let apart = (found[0] - expected[0]).hypot(found[1] - expected[1]);
        assert!(apart < 1e-6, "{found:?}, {expected:?}");
    }

    const CAMPUS: &str = r#"{"7": {"R": [[0, -1, 0], [0, 0, -1], [1, 0, 0]], "T": [[100.0], [200.0], [300.0]],
        "k": [[0.1], [-0.05], [0.02]], "p": [[0.003], [-0.002]],
        "fx": 437, "fy": 438, "cx": 185, "cy": 139}}"#;

    const QUALISYS: &str = r#"<calibration><cameras><camera active="1" model="Miqus Video" serial="26578">
        <fov_video bottom="1087" left="64" right="1919" top="32"/>
        <transform x="1500.5" y="-1900.25" z="1800" r11="0" r12="-1" r13="0" r21="0" r22="0" r23="1" r31="-1" r32="0" r33="0"/>
        <intrinsic focalLengthU="107872.0" focalLengthV="107904.0" centerPointU="60800" centerPointV="32704"
        radialDistortion1="-0.0455" radialDistortion2="0.1396" radialDistortion3="0.01"
        tangentalDistortion1="0.0006" tangentalDistortion2="-0.0004"/></camera><camera active="0" serial="7"/></cameras></calibration>"#;

    #[test]
    fn points_are_seen_where_opencv_projects_them() {
        let keys = "unit = \"mm\"\nsize = [360, 288]";
        let (campus, said) = cameras("campus.json", CAMPUS, keys);
        assert!(said.is_empty());
        near(
            seen(&campus[0], [2100.0, -300.0, 700.0]),
            [294.984840115, 50.873635663],
        );
        let (qualisys, said) = cameras("a.qca.txt", QUALISYS, "");
        assert_eq!(
            said,
            ["F0411: `data.d`: camera `7` has `active=\"0\"`; left out"]
        );
        near(
            seen(&qualisys[0], [3500.0, -2500.0, 2100.0]),
            [1389.590232684, 227.101041215],
        );
    }

    #[test]
    fn cameras_of_panoptic_without_a_unit_are_warned_of() {
        let text = r#"{"cameras": [{"name": "a", "resolution": [1920, 1080], "panel": 0, "node": 1,
            "K": [[1390, 0, 960], [0, 1390, 540], [0, 0, 1]], "distCoef": [0, 0, 0, 0, 0],
            "R": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "t": [[10], [120], [300]]}]}"#;
        let (as_metres, said) = cameras("panoptic.json", text, "");
        assert_eq!(as_metres[0].translation[2], 300.0);
        assert_eq!(
            said,
            [
                "F0412: `data.d`: the program that wrote these cameras measures in cm, but they are read as m"
            ]
        );
        let (right, said) = cameras("panoptic.json", text, "unit = \"cm\"");
        assert!(said.is_empty() && (right[0].translation[2] - 3.0).abs() < 1e-12);
    }
}
