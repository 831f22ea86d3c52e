//! Cameras from Vicon's calibration, `.xcp`: XML.

use std::path::Path;

use nalgebra::{DMatrix, DVector, Quaternion, UnitQuaternion};
use roxmltree::Node;

use super::camera_record::{Calibration, CameraRecord, Draft, Field, Unit, behind};
use super::camera_xml::{self, Element};
use super::error::FileError;

const EXPECTED: &str = "an element `Camera` for each, as Vicon writes them";

/// Pixels by which a lens model may miss Vicon's correction.
const MISSED: f64 = 0.01;

pub(crate) fn read(path: impl AsRef<Path>) -> Result<Calibration, FileError> {
    camera_xml::read(path.as_ref(), cameras, EXPECTED)
}

fn cameras(root: Node) -> Result<Calibration, String> {
    let mut found = Calibration {
        unit: Some(Unit::Always("mm")),
        ..Calibration::default()
    };
    let mut missed: f64 = 0.0;
    for (place, node) in root
        .descendants()
        .filter(|n| n.has_tag_name("Camera"))
        .enumerate()
    {
        let Some(camera) = node.attribute("DEVICEID") else {
            return Err(format!("camera {place}: `DEVICEID` is missing"));
        };
        let element = Element { node, camera };
        match element.inner("KeyFrame") {
            Some(key_frame) => {
                let (record, by) = record(&element, &key_frame)?;
                missed = missed.max(by);
                found.cameras.push(record);
            }
            None => {
                let why = format!("camera `{camera}` has no `KeyFrame`, so it is not calibrated");
                found.left_out.push(why);
            }
        }
    }
    if missed > 0.0 {
        let fact = format!("Vicon's correction turned round, to within {missed:.1e} px");
        found.facts.push(("lenses", fact));
    }
    Ok(found)
}

/// The camera, and by how many pixels its lens is missed.
fn record(camera: &Element, key_frame: &Element) -> Result<(CameraRecord, f64), String> {
    let [width, height] = camera.numbers("SENSOR_SIZE")?;
    let [focal] = key_frame.numbers("FOCAL_LENGTH")?;
    let principal: [f64; 2] = key_frame.numbers("PRINCIPAL_POINT")?;
    let aspect = match camera.node.attribute("PIXEL_ASPECT_RATIO") {
        Some(_) => camera.numbers::<1>("PIXEL_ASPECT_RATIO")?[0],
        None => 1.0,
    };
    let skew = camera.optional("SKEW")?;
    let correction = Correction::read(key_frame, principal)?;
    let (distortion, missed) = match correction {
        Some(correction) => {
            if aspect != 1.0 {
                let camera = camera.camera;
                return Err(format!(
                    "camera `{camera}`, `PIXEL_ASPECT_RATIO`: a lens with distortion can be read of square pixels only"
                ));
            }
            let corner = |i: usize, side: f64| principal[i].abs().max((side - principal[i]).abs());
            let radius = corner(0, width).hypot(corner(1, height));
            correction.turned(focal, radius).ok_or_else(|| {
                let (camera, key) = (camera.camera, correction.key);
                format!("camera `{camera}`, `{key}`: no lens model of ours says this distortion to {MISSED} px")
            })?
        }
        None => (Vec::new(), 0.0),
    };
    let [x, y, z, w] = key_frame.numbers("ORIENTATION")?;
    let quaternion = Quaternion::new(w, x, y, z);
    if (quaternion.norm() - 1.0).abs() > 0.01 {
        let camera = camera.camera;
        return Err(format!(
            "camera `{camera}`, `ORIENTATION`: expected a quaternion of length 1"
        ));
    }
    let turn = UnitQuaternion::from_quaternion(quaternion).to_rotation_matrix();
    let rotation: Vec<f64> = turn.matrix().transpose().iter().copied().collect();
    let place: [f64; 3] = key_frame.numbers("POSITION")?;
    let field = |key: &str, numbers: Vec<f64>| Field {
        key: key.into(),
        numbers,
    };
    let [cx, cy] = principal;
    let matrix = vec![focal, skew, cx, 0.0, focal / aspect, cy, 0.0, 0.0, 1.0];
    let draft = Draft {
        name: camera.camera.into(),
        size: Some(field("SENSOR_SIZE", vec![width, height])),
        matrix: field("FOCAL_LENGTH", matrix),
        distortion: field("VICON_RADIAL", distortion),
        translation: field("POSITION", behind(&rotation, &place)),
        rotation: field("ORIENTATION", rotation),
        fisheye: false,
    };
    Ok((draft.record()?, missed))
}

/// Vicon corrects pixels: a point at r from the centre of the image belongs at r (1 + k1 r² + k2 r⁴ + k3 r⁶).
struct Correction {
    key: &'static str,
    /// Of pixels.
    k: [f64; 3],
}

impl Correction {
    /// `None` for a lens without distortion.
    fn read(key_frame: &Element, principal: [f64; 2]) -> Result<Option<Self>, String> {
        let camera = key_frame.camera;
        let correction = match key_frame.node.attribute("VICON_RADIAL2") {
            Some(text) => {
                let key = "VICON_RADIAL2";
                let words = text
                    .split_whitespace()
                    .skip_while(|w| w.parse::<f64>().is_err());
                let numbers: Vec<f64> = words.filter_map(|word| word.parse().ok()).collect();
                let [x, y, k1, k2, k3] = numbers[..] else {
                    return Err(format!(
                        "camera `{camera}`, `{key}`: expected a name and 5 numbers"
                    ));
                };
                let apart = (x - principal[0]).hypot(y - principal[1]);
                let k = [k1, k2, k3];
                if apart > 0.1 && k != [0.0; 3] {
                    return Err(format!(
                        "camera `{camera}`, `{key}`: its centre is {apart:.1} px from `PRINCIPAL_POINT`, which no lens model of ours can say"
                    ));
                }
                Correction { key, k }
            }
            None => {
                let key = "VICON_RADIAL";
                let [k1, k2] = match key_frame.node.attribute(key) {
                    Some(_) => key_frame.numbers(key)?,
                    None => [0.0; 2],
                };
                let k = [k1, k2, 0.0];
                Correction { key, k }
            }
        };
        Ok((correction.k != [0.0; 3]).then_some(correction))
    }

    /// k1 k2 p1 p2 k3 k4 k5 k6 of the rational model, which goes the other way, and by how much it misses at most, px.
    ///
    /// `focal` and `radius`, the furthest point of the image, are in pixels.
    fn turned(&self, focal: f64, radius: f64) -> Option<(Vec<f64>, f64)> {
        const SAMPLES: usize = 200;
        let corrected = |r: f64| {
            let s = r * r;
            r * (1.0 + s * (self.k[0] + s * (self.k[1] + s * self.k[2])))
        };
        let seen = (1..=SAMPLES).map(|n| radius * n as f64 / SAMPLES as f64);
        let pairs: Vec<(f64, f64)> = seen.map(|r| (r, corrected(r))).collect();
        if !pairs.iter().all(|(_, c)| c.is_finite()) || !pairs.windows(2).all(|p| p[0].1 < p[1].1) {
            return None;
        }
        let furthest = pairs.last()?.1;
        // y (1 + k4 x² + k5 x⁴ + k6 x⁶) = x (1 + k1 x² + k2 x⁴ + k3 x⁶), with radii that are 1 at the furthest point.
        let unit: Vec<(f64, f64)> = pairs
            .iter()
            .map(|(seen, ideal)| (ideal / furthest, seen / furthest))
            .collect();
        let term = |(x, y): (f64, f64), k: usize| match k {
            0..3 => x * x.powi(2 * (k as i32 + 1)),
            _ => -y * x.powi(2 * (k as i32 - 2)),
        };
        let matrix = DMatrix::from_fn(SAMPLES, 6, |row, k| term(unit[row], k));
        let right = DVector::from_fn(SAMPLES, |row, _| unit[row].1 - unit[row].0);
        let k = matrix.svd(true, true).solve(&right, f64::EPSILON).ok()?;
        let polynomial = |s: f64, k: &[f64]| 1.0 + s * (k[0] + s * (k[1] + s * k[2]));
        let (above, below) = k.as_slice().split_at(3);
        let back = |x: f64| x * polynomial(x * x, above) / polynomial(x * x, below);
        let misses = unit.iter().map(|(x, y)| furthest * (back(*x) - y).abs());
        let missed = misses.fold(0.0, |most: f64, miss| if miss < most { most } else { miss });
        let scale = (focal / furthest).powi(2);
        let [k1, k2, k3, k4, k5, k6] = std::array::from_fn(|i| k[i] * scale.powi(i as i32 % 3 + 1));
        (missed < MISSED).then(|| (vec![k1, k2, 0.0, 0.0, k3, k4, k5, k6], missed))
    }
}

#[cfg(test)]
mod tests {
    use super::super::camera_record::Turn;
    use super::super::testing::damage;
    use super::*;

    const XCP: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<Cameras NAME="" VERSION="1.0">
  <Camera DEVICEID="2103217" DISPLAY_TYPE="T40-S" NAME="T40_S" PIXEL_ASPECT_RATIO="1" SENSOR="AM41" SENSOR_SIZE="2336 1728" SKEW="0" TYPE="DxCore41" USERID="1">
    <ThresholdGrid BIT_DEPTH="1" DATA=" r 31536 0"/>
    <ControlFrames/>
    <KeyFrames>
      <KeyFrame FOCAL_LENGTH="1900.5" FRAME="0" IMAGE_ERROR="0.2" ORIENTATION="0.5 0.5 0.5 0.5" POSITION="100 200 300" PRINCIPAL_POINT="1170 860" VICON_RADIAL="2e-08 3e-15"/>
    </KeyFrames>
  </Camera>
  <Camera DEVICEID="9" SENSOR_SIZE="1 1"><KeyFrames/></Camera>
</Cameras>"#;

    fn parse(text: &str) -> Result<Calibration, FileError> {
        camera_xml::parse(Path::new("a.xcp"), text, cameras, EXPECTED)
    }

    #[test]
    fn a_camera_looks_along_z_from_its_place() {
        let found = parse(XCP).unwrap();
        assert_eq!(
            found.left_out,
            ["camera `9` has no `KeyFrame`, so it is not calibrated"]
        );
        let camera = &found.cameras[0];
        assert_eq!(
            (camera.name.as_str(), camera.size),
            ("2103217", Some([2336.0, 1728.0]))
        );
        assert_eq!(camera.matrix[0], [1900.5, 0.0, 1170.0]);
        let Turn::Matrix(rows) = camera.rotation else {
            panic!("expected a matrix");
        };
        let expected = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        for (found, expected) in rows.as_flattened().iter().zip(expected.as_flattened()) {
            assert!((found - expected).abs() < 1e-12);
        }
        for (found, expected) in camera.translation.iter().zip([-300.0, -100.0, -200.0]) {
            assert!((found - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn the_lens_is_vicons_correction_turned_round() {
        let camera = parse(XCP).unwrap().cameras.remove(0);
        let [k1, k2, _, _, k3, k4, k5, k6] = camera.distortion[..] else {
            panic!("expected eight coefficients");
        };
        for seen in [100.0f64, 700.0, 1400.0] {
            let s = seen * seen;
            let ideal = seen * (1.0 + 2e-8 * s + 3e-15 * s * s) / 1900.5;
            let s = ideal * ideal;
            let above = 1.0 + s * (k1 + s * (k2 + s * k3));
            let below = 1.0 + s * (k4 + s * (k5 + s * k6));
            let back = 1900.5 * ideal * above / below;
            assert!((back - seen).abs() < 1e-4, "{seen} {back}");
        }
        let none = parse(&XCP.replace("2e-08 3e-15", "0 0")).unwrap();
        assert!(none.cameras[0].distortion.is_empty());
        let newer = "VICON_RADIAL2=\"ViconRadial2 1170 860 2e-08 3e-15 0\"";
        let newer = XCP.replace("VICON_RADIAL=\"2e-08 3e-15\"", newer);
        assert_eq!(parse(&newer).unwrap().cameras, parse(XCP).unwrap().cameras);
    }

    #[test]
    fn lenses_that_cannot_be_said_are_errors() {
        let said = |old: &str, new: &str| {
            assert!(XCP.contains(old));
            parse(&XCP.replacen(old, new, 1)).unwrap_err().message
        };
        assert_eq!(
            said("\"2e-08 3e-15\"", "\"-4e-07 0\""),
            "camera `2103217`, `VICON_RADIAL`: no lens model of ours says this distortion to 0.01 px"
        );
        assert_eq!(
            said(
                "VICON_RADIAL=\"2e-08 3e-15\"",
                "VICON_RADIAL2=\"ViconRadial2 1100 860 1e-8 0 0\""
            ),
            "camera `2103217`, `VICON_RADIAL2`: its centre is 70.0 px from `PRINCIPAL_POINT`, which no lens model of ours can say"
        );
        assert_eq!(
            said("RATIO=\"1\"", "RATIO=\"1.1\""),
            "camera `2103217`, `PIXEL_ASPECT_RATIO`: a lens with distortion can be read of square pixels only"
        );
        assert_eq!(
            said("0.5 0.5 0.5 0.5", "1 1 0 0"),
            "camera `2103217`, `ORIENTATION`: expected a quaternion of length 1"
        );
        assert_eq!(
            said("FOCAL_LENGTH=\"1900.5\"", "FOCAL_LENGTH=\"\""),
            "camera `2103217`, `FOCAL_LENGTH`: expected 1 numbers, found 0"
        );
    }

    #[test]
    fn damage_never_panics() {
        damage(XCP.as_bytes(), |bytes| {
            let _ = parse(&String::from_utf8_lossy(bytes));
        });
    }
}
