//! Cameras from a JSON file: a list, or an object by name.

use std::path::Path;

use serde_json::{Map, Value};

use super::camera_record::{Calibration, CameraRecord, Draft, Field, Unit, behind};
use super::error::{FileError, read_text};

const EXPECTED: &str = "a list of cameras, or an object of them by name";

/// Each key with the other spellings of it, by OpenCV, aniposelib, EasyMocap and Panoptic.
const NAME: &[&str] = &["name"];
const MODEL: &[&str] = &["model"];
const FISHEYE: &[&str] = &["fisheye"];
const SIZE: &[&str] = &["size", "resolution"];
const WIDTH: &[&str] = &["width", "W"];
const HEIGHT: &[&str] = &["height", "H"];
const MATRIX: &[&str] = &["matrix", "K", "camera_matrix"];
const FOCAL: &[&str] = &["focal"];
const PRINCIPAL: &[&str] = &["principal"];
const DISTORTION: &[&str] = &["distortion", "distortions", "dist", "distCoef"];
const ROTATION: &[&str] = &["rotation", "R", "rvec"];
const TRANSLATION: &[&str] = &["translation", "T", "tvec", "t"];

pub(crate) fn read(path: impl AsRef<Path>) -> Result<Calibration, FileError> {
    let path = path.as_ref();
    parse(path, &read_text(path)?)
}

fn parse(path: &Path, text: &str) -> Result<Calibration, FileError> {
    let root: Value = serde_json::from_str(text).map_err(|error| {
        let message = error.to_string().to_lowercase();
        FileError::new(path, format!("it is not valid JSON: {message}"))
    })?;
    let listed = match &root {
        Value::Object(table) => table.get("cameras").unwrap_or(&root),
        _ => &root,
    };
    let cameras: Result<Vec<CameraRecord>, String> = match listed {
        Value::Array(items) => items.iter().enumerate().map(in_list).collect(),
        Value::Object(table) => table
            .iter()
            .filter(|(name, _)| *name != "metadata")
            .map(|(name, value)| camera(name, value))
            .collect(),
        _ => Err(format!("expected {EXPECTED}")),
    };
    let cameras = cameras.map_err(|message| FileError::new(path, message))?;
    let mut found = Calibration {
        cameras,
        ..Calibration::default()
    };
    if is_panoptic(listed) {
        found.unit = Some(Unit::Likely("cm"));
        found.up = Some("-y");
    }
    found.checked(path, EXPECTED)
}

/// CMU Panoptic numbers its cameras by panel and node of the dome.
fn is_panoptic(cameras: &Value) -> bool {
    let numbered = |camera: &Value| ["panel", "node"].iter().all(|k| camera.get(k).is_some());
    matches!(cameras, Value::Array(cameras) if cameras.iter().any(numbered))
}

fn in_list((place, value): (usize, &Value)) -> Result<CameraRecord, String> {
    match value.get("name") {
        Some(_) => camera(&place.to_string(), value),
        None => Err(format!(
            "camera {place} of the list: the key `name` is missing"
        )),
    }
}

/// A camera that is called `name` where it does not name itself.
fn camera(name: &str, value: &Value) -> Result<CameraRecord, String> {
    let Value::Object(table) = value else {
        return Err(format!("camera `{name}`: expected an object with its keys"));
    };
    let mut reader = Reader {
        table,
        name: name.into(),
    };
    if let Some((key, own)) = reader.find(NAME)? {
        reader.name = match own {
            Value::String(own) => own.clone(),
            Value::Number(own) => own.to_string(),
            _ => return Err(reader.wrong(key, "expected a text")),
        };
    }
    reader.draft()?.record()
}

struct Reader<'a> {
    table: &'a Map<String, Value>,
    name: String,
}

impl Reader<'_> {
    fn draft(&self) -> Result<Draft, String> {
        let rotation = self.required(ROTATION, "")?;
        Ok(Draft {
            name: self.name.clone(),
            size: self.size()?,
            matrix: self.matrix()?,
            distortion: self.distortion()?,
            translation: self.translation(&rotation)?,
            rotation,
            fisheye: self.fisheye()?,
        })
    }

    /// Campus, Shelf and VoxelPose: fx, fy, cx, cy; radial `k` and tangential `p`; `T` is where the camera is.
    fn is_by_numbers(&self) -> bool {
        ["fx", "k", "p"].iter().all(|k| self.table.contains_key(*k))
    }

    fn distortion(&self) -> Result<Field, String> {
        if !self.is_by_numbers() {
            return self.required(DISTORTION, "; write `[]` for a lens without distortion");
        }
        let (k, p) = (self.required(&["k"], "")?, self.required(&["p"], "")?);
        let numbers = match (&k.numbers[..], &p.numbers[..]) {
            ([k1, k2], [p1, p2]) => vec![*k1, *k2, *p1, *p2],
            ([k1, k2, k3], [p1, p2]) => vec![*k1, *k2, *p1, *p2, *k3],
            _ => {
                let what = "expected k1 and k2, or k1, k2 and k3, beside `p` with p1 and p2";
                return Err(self.wrong("k", what));
            }
        };
        let key = k.key;
        Ok(Field { key, numbers })
    }

    fn translation(&self, rotation: &Field) -> Result<Field, String> {
        match self.is_by_numbers() && !self.table.contains_key("t") {
            true => self.behind(rotation, self.required(&["T"], "")?),
            false => self.required(TRANSLATION, ""),
        }
    }

    /// -R c of a camera at c.
    fn behind(&self, rotation: &Field, place: Field) -> Result<Field, String> {
        let (r, c) = (&rotation.numbers, &place.numbers);
        if r.len() != 9 {
            return Err(self.wrong(&rotation.key, "expected a 3×3 rotation matrix"));
        }
        if c.len() != 3 {
            let what = format!("expected 3 numbers, found {}", c.len());
            return Err(self.wrong(&place.key, &what));
        }
        Ok(Field {
            numbers: behind(r, c),
            key: place.key,
        })
    }

    fn size(&self) -> Result<Option<Field>, String> {
        if let Some(size) = self.field(SIZE)? {
            return Ok(Some(size));
        }
        let Some(mut size) = self.field(WIDTH)? else {
            return Ok(None);
        };
        size.numbers.extend(self.required(HEIGHT, "")?.numbers);
        Ok(Some(size))
    }

    fn matrix(&self) -> Result<Field, String> {
        if self.table.contains_key("fx") {
            return self.matrix_by_numbers();
        }
        let Some(focal) = self.field(FOCAL)? else {
            return self.required(MATRIX, ", and so is `focal` with `principal`");
        };
        if let Some((matrix, _)) = self.find(MATRIX)? {
            return Err(self.wrong(matrix, "expected either this or `focal`, found both"));
        }
        let principal = self.required(PRINCIPAL, "")?;
        let [cx, cy] = principal.numbers[..] else {
            return Err(self.wrong(&principal.key, "expected 2 numbers, cx and cy"));
        };
        let (fx, fy) = match focal.numbers[..] {
            [f] => (f, f),
            [fx, fy] => (fx, fy),
            _ => return Err(self.wrong(&focal.key, "expected 1 number or 2, fx and fy")),
        };
        Ok(Field {
            key: focal.key,
            numbers: vec![fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        })
    }

    fn matrix_by_numbers(&self) -> Result<Field, String> {
        if let Some((matrix, _)) = self.find(MATRIX)? {
            return Err(self.wrong(matrix, "expected either this or `fx`, found both"));
        }
        let one = |key| match self.required(&[key], "")?.numbers[..] {
            [number] => Ok(number),
            _ => Err(self.wrong(key, "expected a number")),
        };
        let (fx, fy, cx, cy) = (one("fx")?, one("fy")?, one("cx")?, one("cy")?);
        Ok(Field {
            key: "fx".into(),
            numbers: vec![fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        })
    }

    fn fisheye(&self) -> Result<bool, String> {
        let model = match self.find(MODEL)? {
            None => None,
            Some((_, Value::String(model))) if model == "brown" => Some(false),
            Some((_, Value::String(model))) if model == "fisheye" => Some(true),
            Some((key, _)) => return Err(self.wrong(key, "expected `brown` or `fisheye`")),
        };
        match self.find(FISHEYE)? {
            None => Ok(model.unwrap_or(false)),
            Some((_, Value::Bool(fisheye))) if model.is_none_or(|model| model == *fisheye) => {
                Ok(*fisheye)
            }
            Some((key, Value::Bool(_))) => Err(self.wrong(key, "contradicts `model`")),
            Some((key, _)) => Err(self.wrong(key, "expected `true` or `false`")),
        }
    }

    /// The value under one of several spellings, which may not stand side by side.
    fn find(&self, spellings: &[&'static str]) -> Result<Option<(&'static str, &Value)>, String> {
        let mut found = spellings
            .iter()
            .filter_map(|key| Some((*key, self.table.get(*key)?)));
        let first = found.next();
        match (first, found.next()) {
            (Some((a, _)), Some((b, _))) => {
                Err(self.wrong(a, &format!("expected either this or `{b}`, found both")))
            }
            _ => Ok(first),
        }
    }

    fn field(&self, spellings: &[&'static str]) -> Result<Option<Field>, String> {
        let Some((key, value)) = self.find(spellings)? else {
            return Ok(None);
        };
        let mut numbers = Vec::new();
        match flatten(value, &mut numbers) {
            true => Ok(Some(Field {
                key: key.into(),
                numbers,
            })),
            false => Err(self.wrong(key, "expected numbers")),
        }
    }

    fn required(&self, spellings: &[&'static str], hint: &str) -> Result<Field, String> {
        self.field(spellings)?.ok_or_else(|| {
            let (name, key) = (&self.name, spellings[0]);
            format!("camera `{name}`: the key `{key}` is missing{hint}")
        })
    }

    fn wrong(&self, key: &str, what: &str) -> String {
        format!("camera `{}`, `{key}`: {what}", self.name)
    }
}

/// All numbers of nested lists, row by row; false where there is anything else.
fn flatten(value: &Value, numbers: &mut Vec<f64>) -> bool {
    match value {
        Value::Array(items) => items.iter().all(|item| flatten(item, numbers)),
        Value::Number(number) => match number.as_f64().filter(|x| x.is_finite()) {
            Some(x) => {
                numbers.push(x);
                true
            }
            None => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::camera_record::Turn;
    use super::super::testing::damage;
    use super::*;

    const BY_NAME: &str = r#"{
  "left": {
    "size": [1280, 960], "model": "brown",
    "matrix": [[1100.0, 1.5, 650.25], [0, 1080, 470.5], [0, 0, 1]],
    "distortion": [-0.2, 0.1, 1e-3, 0, 0, 0.3, 0.2, 0.1],
    "rotation": [1.5, 0.2, -0.15], "translation": [0.1, 0.9, 4.2]
  },
  "right": {
    "W": 1280, "H": 720, "fisheye": true, "focal": 900, "principal": [610, 500],
    "dist": [[0.1], [0.0], [0.0], [0.0]],
    "R": [[0, -1, 0], [1, 0, 0], [0, 0, 1]], "T": [[-0.2], [0.8], [3.9]]
  },
  "metadata": {"error": 0.3}
}"#;

    fn cameras(text: impl AsRef<str>) -> Result<Vec<CameraRecord>, FileError> {
        Ok(parse(Path::new("cameras.json"), text.as_ref())?.cameras)
    }

    fn with(old: &str, new: &str) -> String {
        assert!(BY_NAME.contains(old));
        cameras(BY_NAME.replacen(old, new, 1)).unwrap_err().message
    }

    #[test]
    fn both_spellings_of_a_camera_are_read() {
        let found = cameras(BY_NAME).unwrap();
        assert_eq!(found.len(), 2);
        let (left, right) = (&found[0], &found[1]);
        assert_eq!(left.size, Some([1280.0, 960.0]));
        assert_eq!(left.matrix[0], [1100.0, 1.5, 650.25]);
        assert_eq!(left.distortion[5..], [0.3, 0.2, 0.1]);
        assert_eq!(left.rotation, Turn::Vector([1.5, 0.2, -0.15]));
        assert!(!left.fisheye && right.fisheye);
        assert_eq!(right.size, Some([1280.0, 720.0]));
        let matrix = [[900.0, 0.0, 610.0], [0.0, 900.0, 500.0], [0.0, 0.0, 1.0]];
        assert_eq!(right.matrix, matrix);
        let turn = [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
        assert_eq!(right.rotation, Turn::Matrix(turn));
        assert_eq!(right.translation, [-0.2, 0.8, 3.9]);
    }

    #[test]
    fn a_list_holds_cameras_that_name_themselves() {
        let one = r#"{"name": "a", "focal": [2, 3], "principal": [0, 0], "distortion": [],
            "rvec": [0, 0, 0], "tvec": [0, 0, 1]}"#;
        let found = cameras(format!("{{\"cameras\": [{one}]}}")).unwrap();
        assert_eq!((found[0].name.as_str(), found[0].size), ("a", None));
        let said = |text: String| cameras(text).unwrap_err().message;
        assert_eq!(
            said(format!("[{one}, {one}]")),
            "two cameras have the name `a`"
        );
        assert_eq!(
            said(format!("[{one}, {{}}]")),
            "camera 1 of the list: the key `name` is missing"
        );
        assert_eq!(
            said("[]".into()),
            "the file holds no camera; expected a list of cameras, or an object of them by name"
        );
        assert_eq!(
            said("3".into()),
            "expected a list of cameras, or an object of them by name"
        );
    }

    #[test]
    fn panoptic_spells_its_keys_in_its_own_way() {
        let text = r#"{"calibDataSource": "170407", "cameras": [{"name": "00_01", "type": "hd",
            "resolution": [1920, 1080], "panel": 0, "node": 1,
            "K": [[1390, 0, 960], [0, 1391, 540], [0, 0, 1]], "distCoef": [-0.2, 0.1, 0.01, 0.02, 0.3],
            "R": [[0, -1, 0], [1, 0, 0], [0, 0, 1]], "t": [[10], [120], [300]]}]}"#;
        let found = parse(Path::new("calibration.json"), text).unwrap();
        assert_eq!(found.unit, Some(Unit::Likely("cm")));
        let camera = &found.cameras[0];
        assert_eq!(camera.name, "00_01");
        assert_eq!(camera.size, Some([1920.0, 1080.0]));
        assert_eq!(camera.distortion, [-0.2, 0.1, 0.01, 0.02, 0.3]);
        assert_eq!(camera.translation, [10.0, 120.0, 300.0]);
    }

    #[test]
    fn a_camera_by_numbers_gives_its_place() {
        let text = r#"{"1": {"R": [[0, -1, 0], [1, 0, 0], [0, 0, 1]], "T": [[1.0], [2.0], [3.0]],
            "k": [[0.1], [0.2], [0.5]], "p": [[0.3], [0.4]],
            "fx": 437, "fy": 438, "cx": 185, "cy": 139}}"#;
        let camera = cameras(text).unwrap().remove(0);
        assert_eq!(camera.matrix[0], [437.0, 0.0, 185.0]);
        assert_eq!(camera.matrix[1], [0.0, 438.0, 139.0]);
        assert_eq!(camera.distortion, [0.1, 0.2, 0.3, 0.4, 0.5]);
        assert_eq!(camera.translation, [2.0, -1.0, -3.0]);
        let lower = cameras(text.replace("\"T\"", "\"t\"")).unwrap();
        assert_eq!(lower[0].translation, [1.0, 2.0, 3.0]);
        let two = cameras(text.replace(", [0.5]]", "]")).unwrap();
        assert_eq!(two[0].distortion, [0.1, 0.2, 0.3, 0.4]);
        let said = |old: &str, new: &str| cameras(text.replace(old, new)).unwrap_err().message;
        assert_eq!(
            said("[[0.1], [0.2], [0.5]]", "[0.1]"),
            "camera `1`, `k`: expected k1 and k2, or k1, k2 and k3, beside `p` with p1 and p2"
        );
        assert_eq!(
            said("\"cy\": 139", "\"c\": 139"),
            "camera `1`: the key `cy` is missing"
        );
        assert_eq!(
            said("\"p\":", "\"q\":"),
            "camera `1`: the key `distortion` is missing; write `[]` for a lens without distortion"
        );
    }

    #[test]
    fn messages_name_the_camera_the_key_and_what_was_expected() {
        assert_eq!(
            with("\"distortion\"", "\"distorsion\""),
            "camera `left`: the key `distortion` is missing; write `[]` for a lens without distortion"
        );
        assert_eq!(
            with("[1.5, 0.2, -0.15]", "[1.5, 0.2]"),
            "camera `left`, `rotation`: expected a Rodrigues vector of 3 numbers, or a 3×3 rotation matrix"
        );
        assert_eq!(
            with("[[0, -1, 0], [1", "[[0, -1, 0], [-1"),
            "camera `right`, `R`: expected a Rodrigues vector of 3 numbers, or a 3×3 rotation matrix"
        );
        assert_eq!(
            with(", [0.0], [0.0]]", ", [0.0]]"),
            "camera `right`, `dist`: expected 4 for a fisheye camera, or none, found 3 numbers"
        );
        assert_eq!(
            with("\"brown\"", "\"pinhole\""),
            "camera `left`, `model`: expected `brown` or `fisheye`"
        );
        assert_eq!(
            with("[0, 0, 1]],\n    \"dist", "[0, 0, 2]],\n    \"dist"),
            "camera `left`, `matrix`: expected a 3×3 matrix [[fx, s, cx], [0, fy, cy], [0, 0, 1]] with fx, fy above 0"
        );
        assert_eq!(
            with("[0.1, 0.9, 4.2]", "[0.1, null, 4.2]"),
            "camera `left`, `translation`: expected numbers"
        );
        assert_eq!(
            with("\"focal\": 900", "\"K\": 900, \"focal\": 900"),
            "camera `right`, `K`: expected either this or `focal`, found both"
        );
        assert_eq!(
            with("\"T\":", "\"tvec\": 1, \"T\":"),
            "camera `right`, `T`: expected either this or `tvec`, found both"
        );
        assert_eq!(
            with("[1280, 960]", "[1280, -960]"),
            "camera `left`, `size`: expected a width and a height above 0"
        );
        assert!(with("\"left\": {", "\"left\": [").starts_with("it is not valid JSON: "));
    }

    #[test]
    fn damage_never_panics() {
        damage(BY_NAME.as_bytes(), |bytes| {
            let _ = cameras(String::from_utf8_lossy(bytes));
        });
        assert!(cameras("[".repeat(100_000)).is_err());
    }
}
