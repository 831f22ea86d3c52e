//! Cameras from Pose2Sim's (and Anipose's) `Calib.toml`.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::camera_record::{CameraRecord, Turn};
use super::error::{FileError, read_text};

/// Reads every table but `metadata`, in the order of the file.
pub(crate) fn read(path: impl AsRef<Path>) -> Result<Vec<CameraRecord>, FileError> {
    let path = path.as_ref();
    parse(path, &read_text(path)?)
}

fn parse(path: &Path, text: &str) -> Result<Vec<CameraRecord>, FileError> {
    let root = DeTable::parse(text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        FileError::new(
            path,
            format!("line {line}: {}", error.message().to_lowercase()),
        )
    })?;
    let mut tables: Vec<_> = root.get_ref().iter().collect();
    tables.sort_by_key(|(key, _)| key.span().start);

    let mut cameras: Vec<CameraRecord> = Vec::new();
    for (key, value) in tables {
        let DeValue::Table(table) = value.get_ref() else {
            continue;
        };
        if key.get_ref() == "metadata" {
            continue;
        }
        let camera = Reader {
            table,
            name: key.get_ref(),
        }
        .camera()
        .map_err(|message| FileError::new(path, message))?;
        if cameras.iter().any(|other| other.name == camera.name) {
            return Err(FileError::new(
                path,
                format!("two cameras have the name `{}`", camera.name),
            ));
        }
        cameras.push(camera);
    }
    match cameras.is_empty() {
        true => Err(FileError::new(
            path,
            "the file holds no camera; expected a table `[name]` for each",
        )),
        false => Ok(cameras),
    }
}

struct Reader<'a> {
    table: &'a DeTable<'a>,
    name: &'a str,
}

impl Reader<'_> {
    fn camera(&self) -> Result<CameraRecord, String> {
        let fisheye = self.fisheye()?;
        let camera = CameraRecord {
            name: self.own_name()?,
            size: Some(self.vector("size")?),
            matrix: self.matrix()?,
            distortion: self.distortion(fisheye)?,
            rotation: Turn::Vector(self.vector("rotation")?),
            translation: self.vector("translation")?,
            fisheye,
        };
        let focal = [camera.matrix[0][0], camera.matrix[1][1]];
        if camera.matrix[2] != [0.0, 0.0, 1.0] || focal.iter().any(|&length| length <= 0.0) {
            return Err(self.wrong(
                "matrix",
                "expected [[fx, s, cx], [0, fy, cy], [0, 0, 1]] with fx, fy above 0",
            ));
        }
        match camera.size.iter().flatten().all(|&side| side > 0.0) {
            true => Ok(camera),
            false => Err(self.wrong("size", "expected a width and a height above 0")),
        }
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

    fn distortion(&self, fisheye: bool) -> Result<Vec<f64>, String> {
        let values = self.numbers("distortions", self.get("distortions")?)?;
        let (permitted, text): (&[usize], _) = match fisheye {
            true => (&[4], "4 for a fisheye camera"),
            false => (&[4, 5, 8, 12, 14], "4, 5, 8, 12 or 14"),
        };
        match permitted.contains(&values.len()) {
            true => Ok(values),
            false => Err(self.wrong(
                "distortions",
                &format!("expected {text} numbers, found {}", values.len()),
            )),
        }
    }

    fn matrix(&self) -> Result<[[f64; 3]; 3], String> {
        let wrong = || self.wrong("matrix", "expected 3 rows of 3 numbers");
        let DeValue::Array(rows) = self.get("matrix")? else {
            return Err(wrong());
        };
        let mut matrix = [[0.0; 3]; 3];
        if rows.len() != matrix.len() {
            return Err(wrong());
        }
        for (row, filled) in rows.iter().zip(&mut matrix) {
            let numbers = self.numbers("matrix", row.get_ref())?;
            *filled = numbers.try_into().map_err(|_| wrong())?;
        }
        Ok(matrix)
    }

    fn vector<const N: usize>(&self, key: &str) -> Result<[f64; N], String> {
        let numbers = self.numbers(key, self.get(key)?)?;
        let found = numbers.len();
        numbers
            .try_into()
            .map_err(|_| self.wrong(key, &format!("expected {N} numbers, found {found}")))
    }

    fn numbers(&self, key: &str, value: &DeValue) -> Result<Vec<f64>, String> {
        let DeValue::Array(items) = value else {
            return Err(self.wrong(key, "expected a list of numbers"));
        };
        items
            .iter()
            .map(|item| {
                let number = number(item.get_ref())
                    .ok_or_else(|| self.wrong(key, "expected a list of numbers"))?;
                match number.is_finite() {
                    true => Ok(number),
                    false => {
                        Err(self.wrong(key, &format!("expected finite numbers, found {number}")))
                    }
                }
            })
            .collect()
    }

    fn get(&self, key: &str) -> Result<&DeValue<'_>, String> {
        let value = self.table.get(key).map(|value| value.get_ref());
        value.ok_or_else(|| format!("camera `{}`: the key `{key}` is missing", self.name))
    }

    fn wrong(&self, key: &str, what: &str) -> String {
        format!("camera `{}`, `{key}`: {what}", self.name)
    }
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
        parse(Path::new("Calib.toml"), text.as_ref())
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
            "camera `cam_02`, `rotation`: expected 3 numbers, found 2"
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
            "camera `cam_02`, `distortions`: expected 4, 5, 8, 12 or 14 numbers, found 2"
        );
        assert_eq!(
            with(", [0, 0, 1]]", "]"),
            "camera `cam_02`, `matrix`: expected 3 rows of 3 numbers"
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
        let cameras = read(data.join("views/Calib.toml")).unwrap();
        assert_eq!(cameras.len(), 4);
        assert_eq!(cameras[0].size, Some([1088.0, 1920.0]));
        assert_eq!(cameras[3].name, "cam_04");
    }
}
