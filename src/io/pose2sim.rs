//! Cameras from TOML: Pose2Sim's and Anipose's `Calib.toml`, caliscope's `camera_array.toml` and `config.toml`.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::camera_record::{Calibration, CameraRecord, Draft, Field};
use super::error::{FileError, read_text};

/// Of these the table of a camera has at least one; tables without any are settings.
const KEYS: [&str; 4] = ["matrix", "distortions", "rotation", "translation"];

/// Reads the tables of cameras, or those under `cameras`, in the order of the file.
pub(crate) fn read(path: impl AsRef<Path>) -> Result<Calibration, FileError> {
    let path = path.as_ref();
    parse(path, &read_text(path)?)
}

fn parse(path: &Path, text: &str) -> Result<Calibration, FileError> {
    let root = DeTable::parse(text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        FileError::new(
            path,
            format!("line {line}: {}", error.message().to_lowercase()),
        )
    })?;
    let listed = match root.get_ref().get("cameras").map(|value| value.get_ref()) {
        Some(DeValue::Table(cameras)) if !is_camera(cameras) => cameras,
        _ => root.get_ref(),
    };
    let mut tables: Vec<_> = listed.iter().collect();
    tables.sort_by_key(|(key, _)| key.span().start);

    let mut found = Calibration::default();
    for (key, value) in tables {
        let (name, DeValue::Table(table)) = (key.get_ref(), value.get_ref()) else {
            continue;
        };
        if !is_camera(table) {
            continue;
        }
        let reader = Reader { table, name };
        match reader.left_out() {
            Some(why) => found.left_out.push(why),
            None => {
                let camera = reader.camera();
                let camera = camera.map_err(|message| FileError::new(path, message))?;
                found.cameras.push(camera);
            }
        }
    }
    found.checked(path, "a table `[name]` for each")
}

fn is_camera(table: &DeTable) -> bool {
    KEYS.iter().any(|key| table.contains_key(*key))
}

struct Reader<'a> {
    table: &'a DeTable<'a>,
    name: &'a str,
}

impl Reader<'_> {
    /// Why the file itself says that the camera is of no use.
    fn left_out(&self) -> Option<String> {
        let value = |key| self.table.get(key).map(|value| value.get_ref());
        if matches!(value("ignore"), Some(DeValue::Boolean(true))) {
            return Some(format!("camera `{}` has `ignore = true`", self.name));
        }
        let placed = value("rotation").is_some() || value("translation").is_some();
        let message = format!(
            "camera `{}` has neither `rotation` nor `translation`",
            self.name
        );
        (!placed).then_some(message)
    }

    fn camera(&self) -> Result<CameraRecord, String> {
        let name = self.own_name()?;
        let draft = Draft {
            name: self.name.into(),
            size: Some(self.field("size")?),
            matrix: self.field("matrix")?,
            distortion: self.field("distortions")?,
            rotation: self.field("rotation")?,
            translation: self.field("translation")?,
            fisheye: self.fisheye()?,
        };
        Ok(CameraRecord {
            name,
            ..draft.record()?
        })
    }

    fn own_name(&self) -> Result<String, String> {
        match self.table.get("name").map(|value| value.get_ref()) {
            None => Ok(self.name.to_string()),
            Some(DeValue::String(name)) => Ok(name.to_string()),
            Some(_) => Err(self.wrong("name", "expected a string")),
        }
    }

    fn fisheye(&self) -> Result<bool, String> {
        match self.table.get("fisheye").map(|value| value.get_ref()) {
            None => Ok(false),
            Some(DeValue::Boolean(fisheye)) => Ok(*fisheye),
            Some(_) => Err(self.wrong("fisheye", "expected `true` or `false`")),
        }
    }

    fn field(&self, key: &str) -> Result<Field, String> {
        let Some(value) = self.table.get(key) else {
            let name = self.name;
            return Err(format!("camera `{name}`: the key `{key}` is missing"));
        };
        let mut numbers = Vec::new();
        flatten(value.get_ref(), &mut numbers).map_err(|what| self.wrong(key, &what))?;
        Ok(Field {
            key: key.into(),
            numbers,
        })
    }

    fn wrong(&self, key: &str, what: &str) -> String {
        format!("camera `{}`, `{key}`: {what}", self.name)
    }
}

/// All numbers of nested lists, row by row.
fn flatten(value: &DeValue, numbers: &mut Vec<f64>) -> Result<(), String> {
    let DeValue::Array(items) = value else {
        return Err("expected a list of numbers".into());
    };
    for item in items.iter().map(|item| item.get_ref()) {
        match number(item) {
            Some(number) if number.is_finite() => numbers.push(number),
            Some(number) => return Err(format!("expected finite numbers, found {number}")),
            None => flatten(item, numbers)?,
        }
    }
    Ok(())
}

fn number(value: &DeValue) -> Option<f64> {
    match value {
        DeValue::Float(float) => float.as_str().parse().ok(),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .map(|n| n as f64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::camera_record::Turn;
    use super::super::testing::{damage, real_data};
    use super::*;

    const CALIB: &str = "\
[cam_02]
name = \"right\"
size = [1088.0, 1920]
matrix = [[1_681.5, 0.0, 532.9], [0.0, 1681.0, 948.1], [0, 0, 1]]
distortions = [-0.0007, 0.002, 9.5e-06, 1e-5]
rotation = [1.6, 1.0, -0.4]
translation = [0.3, 0.9, 2.8]
fisheye = false

[cam_01]
size = [1088.0, 1920.0]
matrix = [[1600.0, 0.0, 500.0], [0.0, 1600.0, 900.0], [0.0, 0.0, 1.0]]
distortions = [0.0, 0.0, 0.0, 0.0]
rotation = [0.0, 0.0, 0.0]
translation = [0.0, 0.0, 4.0]

[metadata]
adjusted = false
error = 0.0
";

    fn calib(text: impl AsRef<str>) -> Result<Vec<CameraRecord>, FileError> {
        Ok(parse(Path::new("Calib.toml"), text.as_ref())?.cameras)
    }

    fn with(old: &str, new: &str) -> String {
        assert!(CALIB.contains(old));
        calib(CALIB.replacen(old, new, 1)).unwrap_err().message
    }

    #[test]
    fn cameras_stand_in_the_order_of_the_file() {
        let cameras = calib(CALIB).unwrap();
        let names: Vec<&str> = cameras.iter().map(|camera| camera.name.as_str()).collect();
        assert_eq!(names, ["right", "cam_01"]);
        assert_eq!(cameras[0].matrix[0], [1681.5, 0.0, 532.9]);
        assert_eq!(cameras[0].distortion, [-0.0007, 0.002, 9.5e-06, 1e-5]);
        assert_eq!(cameras[1].translation, [0.0, 0.0, 4.0]);
    }

    #[test]
    fn messages_name_the_camera_and_the_key() {
        assert_eq!(
            with("rotation = [1.6, 1.0, -0.4]\n", ""),
            "camera `cam_02`: the key `rotation` is missing"
        );
        assert_eq!(
            with("[1.6, 1.0, -0.4]", "[1.6, 1.0]"),
            "camera `cam_02`, `rotation`: expected a Rodrigues vector of 3 numbers, or a 3×3 rotation matrix"
        );
        assert_eq!(
            with("[1.6, 1.0, -0.4]", "[1.6, nan, 0]"),
            "camera `cam_02`, `rotation`: expected finite numbers, found NaN"
        );
        assert_eq!(
            with("[1.6, 1.0, -0.4]", "\"x\""),
            "camera `cam_02`, `rotation`: expected a list of numbers"
        );
        assert_eq!(
            with(", 9.5e-06, 1e-5]", "]"),
            "camera `cam_02`, `distortions`: expected 4, 5, 8, 12 or 14, or none, found 2 numbers"
        );
        assert_eq!(
            with(", [0, 0, 1]]", "]"),
            "camera `cam_02`, `matrix`: expected a 3×3 matrix [[fx, s, cx], [0, fy, cy], [0, 0, 1]] with fx, fy above 0"
        );
        assert_eq!(
            with("\"right\"", "\"cam_01\""),
            "two cameras have the name `cam_01`"
        );
        assert_eq!(
            with("= [1.6", "= [1.6,"),
            "line 6: extra comma in array, expected value"
        );
    }

    #[test]
    fn cameras_may_stand_under_one_key() {
        let text = CALIB.replace("[cam", "[cameras.cam");
        assert_eq!(calib(text).unwrap(), calib(CALIB).unwrap());
        let numbered = CALIB.replace("[cam_01]", "[cameras.7]");
        let numbered = numbered.replace("[cam_02]", "[cameras.10]");
        let names: Vec<String> = calib(numbered)
            .unwrap()
            .into_iter()
            .map(|c| c.name)
            .collect();
        assert_eq!(names, ["right", "7"]);
    }

    #[test]
    fn tables_of_settings_are_passed_over_and_rotations_may_be_matrices() {
        let text = CALIB.replace(
            "rotation = [0.0, 0.0, 0.0]",
            "rotation = [[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]",
        );
        let text = format!(
            "CreationDate = 2023-06-26T17:52:25.557111\n[charuco]\ncolumns = 4\n\
             size = [3, 4]\n{text}\n[point_estimates]\nobj = [[0.1, 0.2]]\n"
        );
        let cameras = calib(text).unwrap();
        assert_eq!(cameras.len(), 2);
        let turn = [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]];
        assert_eq!(cameras[1].rotation, Turn::Matrix(turn));
    }

    #[test]
    fn cameras_that_the_file_leaves_out_are_named() {
        let unplaced = CALIB.replace(
            "rotation = [0.0, 0.0, 0.0]\ntranslation = [0.0, 0.0, 4.0]\n",
            "",
        );
        let found = |text: &str| parse(Path::new("camera_array.toml"), text);
        assert_eq!(
            found(&unplaced).unwrap().left_out,
            ["camera `cam_01` has neither `rotation` nor `translation`"]
        );
        let ignored = CALIB.replace("[cam_01]", "[cam_01]\nignore = true");
        let ignored = ignored.replace("[cam_02]", "[cam_02]\nignore = true");
        assert_eq!(
            found(&ignored).unwrap_err().message,
            "the file holds no camera that can be used; camera `cam_02` has `ignore = true`"
        );
    }

    #[test]
    fn files_without_a_camera_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Calib.toml");
        std::fs::write(&path, "\n").unwrap();
        assert_eq!(read(&path).unwrap_err().message, "the file is empty");
        let message = calib("[metadata]\nerror = 0.0\n").unwrap_err().message;
        assert_eq!(
            message,
            "the file holds no camera; expected a table `[name]` for each"
        );
    }

    #[test]
    fn damage_never_panics() {
        damage(CALIB.as_bytes(), |bytes| {
            let _ = calib(String::from_utf8_lossy(bytes));
        });
    }

    #[test]
    fn the_real_calibration_has_four_cameras() {
        let Some(data) = real_data() else { return };
        let cameras = read(data.join("views/Calib.toml")).unwrap().cameras;
        assert_eq!(cameras.len(), 4);
        assert_eq!(cameras[0].size, Some([1088.0, 1920.0]));
        assert_eq!(cameras[3].name, "cam_04");
    }
}
