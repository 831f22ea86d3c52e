//! Cameras from Qualisys' calibration, `.qca.txt`: XML.

use std::path::Path;

use roxmltree::Node;

use super::camera_record::{Calibration, CameraRecord, Draft, Field, Unit, behind};
use super::camera_xml::{self, Element};
use super::error::FileError;

const EXPECTED: &str = "an element `camera` for each, as QTM exports its calibration";

/// Units of the image in a pixel.
const SUBPIXELS: f64 = 64.0;

pub(crate) fn read(path: impl AsRef<Path>) -> Result<Calibration, FileError> {
    camera_xml::read(path.as_ref(), cameras, EXPECTED)
}

/// Whether a file has a name as QTM gives it.
pub(crate) fn is_named(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    name.ends_with(".qca.txt") || name.ends_with(".qca")
}

fn cameras(root: Node) -> Result<Calibration, String> {
    let mut found = Calibration {
        unit: Some(Unit::Always("mm")),
        ..Calibration::default()
    };
    for (place, node) in root
        .descendants()
        .filter(|n| n.has_tag_name("camera"))
        .enumerate()
    {
        let Some(camera) = node.attribute("serial") else {
            return Err(format!("camera {place}: `serial` is missing"));
        };
        let element = Element { node, camera };
        match why_left_out(&element) {
            Some(why) => found.left_out.push(format!("camera `{camera}` {why}")),
            None => found.cameras.push(record(&element)?),
        }
    }
    Ok(found)
}

fn why_left_out(camera: &Element) -> Option<&'static str> {
    let is = |key, text| camera.node.attribute(key) == Some(text);
    if is("active", "0") {
        return Some("has `active=\"0\"`");
    }
    is("calibrated", "false").then_some("has `calibrated=\"false\"`")
}

fn record(camera: &Element) -> Result<CameraRecord, String> {
    let intrinsic = camera.required("intrinsic")?;
    let one = |key: &str| intrinsic.numbers::<1>(key).map(|[x]| x);
    let [left, top, width, height] = window(camera, &intrinsic)?;
    let (fx, fy) = (one("focalLengthU")?, one("focalLengthV")?);
    let (cx, cy) = (one("centerPointU")?, one("centerPointV")?);
    let skew = intrinsic.optional("skew")?;
    let pixels = |x: f64| x / SUBPIXELS;
    let field = |key: &str, numbers: Vec<f64>| Field {
        key: key.into(),
        numbers,
    };
    let matrix = vec![
        pixels(fx),
        pixels(skew),
        pixels(cx) - left,
        0.0,
        pixels(fy),
        pixels(cy) - top,
        0.0,
        0.0,
        1.0,
    ];
    let transform = camera.required("transform")?;
    let rotation = rotation(&transform)?.concat();
    let [x, y, z] = ["x", "y", "z"].map(|key| transform.numbers::<1>(key).map(|[n]| n));
    let draft = Draft {
        name: camera.camera.into(),
        size: Some(field("fov_video", vec![width, height])),
        matrix: field("intrinsic", matrix),
        // Of normalized coordinates, so they have no unit.
        distortion: field(
            "intrinsic",
            vec![
                one("radialDistortion1")?,
                one("radialDistortion2")?,
                one("tangentalDistortion1")?,
                one("tangentalDistortion2")?,
                intrinsic.optional("radialDistortion3")?,
            ],
        ),
        translation: field("transform", behind(&rotation, &[x?, y?, z?])),
        rotation: field("transform", rotation),
        fisheye: false,
    };
    draft.record()
}

/// Camera from world: QTM's camera looks along -z with y up, ours along z with y down.
fn rotation(transform: &Element) -> Result<[[f64; 3]; 3], String> {
    let mut rows = [[0.0; 3]; 3];
    for (i, row) in rows.iter_mut().enumerate() {
        let sign = if i == 0 { 1.0 } else { -1.0 };
        for (k, number) in row.iter_mut().enumerate() {
            let [read] = transform.numbers::<1>(&format!("r{}{}", i + 1, k + 1))?;
            *number = sign * read;
        }
    }
    Ok(rows)
}

/// Left, top, width and height of the image on the sensor, px.
fn window(camera: &Element, intrinsic: &Element) -> Result<[f64; 4], String> {
    for name in ["fov_video", "fov_marker"] {
        let Some(window) = camera.inner(name) else {
            continue;
        };
        let one = |key: &str| window.numbers::<1>(key).map(|[x]| x);
        let (left, top) = (one("left")?, one("top")?);
        let (right, bottom) = (one("right")?, one("bottom")?);
        if right > left && bottom > top {
            return Ok([left, top, right - left + 1.0, bottom - top + 1.0]);
        }
    }
    let side = |low: &str, high: &str| {
        let [[low], [high]] = [intrinsic.numbers::<1>(low)?, intrinsic.numbers::<1>(high)?];
        Ok::<f64, String>(((high - low + 1.0) / SUBPIXELS).round())
    };
    let (width, height) = (
        side("sensorMinU", "sensorMaxU")?,
        side("sensorMinV", "sensorMaxV")?,
    );
    Ok([0.0, 0.0, width, height])
}

#[cfg(test)]
mod tests {
    use super::super::camera_record::Turn;
    use super::super::testing::damage;
    use super::*;

    const QCA: &str = r#"<?xml version='1.0' encoding='ASCII'?>
<calibration created="2020" type="regular">
  <results min-max-diff="0." std-dev="0."/>
  <cameras>
    <camera active="1" avg-residual="0.4" model="Miqus Video" serial="26578" viewrotation="0">
      <fov_video bottom="1087" left="64" right="1919" top="32"/>
      <transform x="1500.5" y="-1900.25" z="1800" r11="0" r12="-1" r13="0" r21="0" r22="0" r23="1" r31="-1" r32="0" r33="0"/>
      <intrinsic focallength="9.3" sensorMinU="0.0" sensorMaxU="122879.0" sensorMinV="0.0" sensorMaxV="69631.0"
        focalLengthU="107872.0" focalLengthV="107904.0" centerPointU="60800" centerPointV="32704" skew="0.0"
        radialDistortion1="-0.0455" radialDistortion2="0.1396" radialDistortion3="0.01"
        tangentalDistortion1="0.0006" tangentalDistortion2="-0.0004"/>
    </camera>
    <camera active="0" serial="7"/>
  </cameras>
</calibration>"#;

    fn parse(text: &str) -> Result<Calibration, FileError> {
        camera_xml::parse(Path::new("a.qca.txt"), text, cameras, EXPECTED)
    }

    #[test]
    fn a_camera_is_read_in_pixels_of_its_image() {
        let found = parse(QCA).unwrap();
        assert_eq!(found.unit, Some(Unit::Always("mm")));
        assert_eq!(found.left_out, ["camera `7` has `active=\"0\"`"]);
        let camera = &found.cameras[0];
        assert_eq!(camera.name, "26578");
        assert_eq!(camera.size, Some([1856.0, 1056.0]));
        assert_eq!(camera.matrix[0], [1685.5, 0.0, 950.0 - 64.0]);
        assert_eq!(camera.matrix[1], [0.0, 1686.0, 511.0 - 32.0]);
        assert_eq!(camera.distortion, [-0.0455, 0.1396, 0.0006, -0.0004, 0.01]);
        let rows = [[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]];
        assert_eq!(camera.rotation, Turn::Matrix(rows));
        assert_eq!(camera.translation, [-1900.25, 1800.0, -1500.5]);
        let sensor = QCA.replace("<fov_video", "<fov");
        assert_eq!(
            parse(&sensor).unwrap().cameras[0].size,
            Some([1920.0, 1088.0])
        );
    }

    #[test]
    fn messages_name_the_camera_and_the_attribute() {
        let said = |old: &str, new: &str| {
            assert!(QCA.contains(old));
            parse(&QCA.replacen(old, new, 1)).unwrap_err().message
        };
        assert_eq!(
            said("focalLengthU=", "focalLength="),
            "camera `26578`: `focalLengthU` is missing"
        );
        assert_eq!(
            said("\"107872.0\"", "\"1e999\""),
            "camera `26578`, `focalLengthU`: expected numbers, found `1e999`"
        );
        assert_eq!(
            said("<transform", "<transforms"),
            "camera `26578`: the element `transform` is missing"
        );
        assert_eq!(
            said("r11=\"0\"", "r11=\"0.5\""),
            "camera `26578`, `transform`: expected a Rodrigues vector of 3 numbers, or a 3×3 rotation matrix"
        );
        assert!(said("</cameras>", "</camera>").starts_with("it is not valid XML: "));
        assert_eq!(
            parse("<a/>").unwrap_err().message,
            "the file holds no camera; expected an element `camera` for each, as QTM exports its calibration"
        );
    }

    #[test]
    fn damage_never_panics() {
        damage(QCA.as_bytes(), |bytes| {
            let _ = parse(&String::from_utf8_lossy(bytes));
        });
        assert!(parse(&"<a>".repeat(100_000)).is_err());
    }
}
