//! Cameras from OpenCV's YAML as EasyMocap writes it: `intri.yml` and `extri.yml`.

use std::path::{Path, PathBuf};

use super::camera_record::{Calibration, CameraRecord, Draft, Field};
use super::error::{FileError, listed, read_text};
use super::file_storage::{self, Entry};

/// Reads a folder with both files, either of both, or one file that holds everything.
pub(crate) fn read(path: impl AsRef<Path>) -> Result<Calibration, FileError> {
    let path = path.as_ref();
    let mut parts = Vec::new();
    for file in files(path) {
        let entries = file_storage::parse(&file, &read_text(&file)?)?;
        parts.push((file, entries));
    }
    cameras(path, &parts)
}

/// Whether a folder looks like one of this format.
pub(crate) fn is_folder(path: &Path) -> bool {
    path.join("intri.yml").is_file()
}

/// The files that `path` stands for.
pub(crate) fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_dir() {
        return vec![path.join("intri.yml"), path.join("extri.yml")];
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let other = |from: &str, to: &str| {
        let other = name
            .contains(from)
            .then(|| path.with_file_name(name.replacen(from, to, 1)));
        other.filter(|other| other.is_file())
    };
    let here = path.to_path_buf();
    match (other("intri", "extri"), other("extri", "intri")) {
        (Some(extri), _) => vec![here, extri],
        (_, Some(intri)) => vec![intri, here],
        _ => vec![here],
    }
}

/// A file with its entries.
type Stored = (PathBuf, Vec<(String, Entry)>);

fn cameras(path: &Path, files: &[Stored]) -> Result<Calibration, FileError> {
    let find = |key: &str| files.iter().find_map(|(_, entries)| get(entries, key));
    let wrong = |message: String| FileError::new(path, message);
    let (names, left_out) = shared_names(files).map_err(wrong)?;
    let made = names
        .iter()
        .map(|name| Reader { name, find: &find }.draft()?.record());
    let made: Result<Vec<CameraRecord>, String> = made.collect();
    let found = Calibration {
        cameras: made.map_err(wrong)?,
        left_out,
        ..Calibration::default()
    };
    found.checked(path, "their names under `names`")
}

fn get<'e>(entries: &'e [(String, Entry)], key: &str) -> Option<&'e Entry> {
    entries.iter().find(|(k, _)| k == key).map(|(_, e)| e)
}

/// The names that every file with `names` has, and what is to be said of the others.
fn shared_names(files: &[Stored]) -> Result<(Vec<String>, Vec<String>), String> {
    let mut lists = Vec::new();
    for (file, entries) in files {
        match get(entries, "names") {
            Some(Entry::List(names)) => lists.push((file, names)),
            Some(_) => return Err("`names`: expected a list of texts".into()),
            None => {}
        }
    }
    let Some((_, first)) = lists.first() else {
        return Err("the key `names` with the names of the cameras is missing".into());
    };
    let everywhere = |name: &&String| lists.iter().all(|(_, names)| names.contains(name));
    let shared: Vec<String> = first.iter().filter(everywhere).cloned().collect();
    let mut left_out = Vec::new();
    for (file, names) in &lists {
        let only: Vec<&String> = names.iter().filter(|n| !everywhere(n)).collect();
        if !only.is_empty() {
            let file = file.file_name().unwrap_or_default().to_string_lossy();
            left_out.push(format!("only `{file}` names the cameras {}", listed(&only)));
        }
    }
    Ok((shared, left_out))
}

struct Reader<'a, F> {
    name: &'a str,
    find: &'a F,
}

impl<'e, F: Fn(&str) -> Option<&'e Entry>> Reader<'_, F> {
    fn draft(&self) -> Result<Draft, String> {
        Ok(Draft {
            name: self.name.into(),
            size: self.size()?,
            matrix: self.matrix(&["K"])?,
            distortion: self.matrix(&["dist", "D"])?,
            rotation: self.matrix(&["R", "Rot"])?,
            translation: self.matrix(&["T"])?,
            fisheye: false,
        })
    }

    fn size(&self) -> Result<Option<Field>, String> {
        let side = |letter: &str| {
            let key = format!("{letter}_{}", self.name);
            match (self.find)(&key) {
                None => Ok(None),
                Some(Entry::Number(number)) => Ok(Some(*number)),
                Some(_) => Err(self.wrong(&key, "expected a number")),
            }
        };
        Ok(match (side("W")?, side("H")?) {
            (Some(w), Some(h)) => Some(Field {
                key: format!("W_{0}` and `H_{0}", self.name),
                numbers: vec![w, h],
            }),
            _ => None,
        })
    }

    /// The matrix under the first spelling that is there.
    fn matrix(&self, spellings: &[&str]) -> Result<Field, String> {
        for spelling in spellings {
            let key = format!("{spelling}_{}", self.name);
            match (self.find)(&key) {
                None => {}
                Some(Entry::Matrix(numbers)) => {
                    let numbers = numbers.clone();
                    return Ok(Field { key, numbers });
                }
                Some(_) => return Err(self.wrong(&key, "expected an `!!opencv-matrix`")),
            }
        }
        let keys: Vec<String> = spellings
            .iter()
            .map(|s| format!("`{s}_{}`", self.name))
            .collect();
        let keys = keys.join(" or ");
        Err(format!("camera `{}`: the key {keys} is missing", self.name))
    }

    fn wrong(&self, key: &str, what: &str) -> String {
        format!("camera `{}`, `{key}`: {what}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::camera_record::Turn;
    use super::super::testing::damage;
    use super::*;

    const INTRI: &str = "%YAML:1.0\r\n---\r\nnames:\r\n  - \"01\"\r\n  - \"02\"\r\n\
K_01: !!opencv-matrix\r\n  rows: 3\r\n  cols: 3\r\n  dt: d\r\n  data: [1100.5, 0.000000, 640., 0, 1100.0, 360.0, 0, 0, 1.]\r\n\
dist_01: !!opencv-matrix\r\n  rows: 1\r\n  cols: 5\r\n  dt: d\r\n  data: [-0.1, 0.05, 0.0, 1.e-3, 0.0]\r\n\
H_01: 720\r\nW_01: 1280\r\n\
K_02: !!opencv-matrix\r\n  rows: 3\r\n  cols: 3\r\n  dt: d\r\n  data: [ 900., 0., 640., 0., 900.,\r\n      360., 0., 0., 1. ]\r\n\
D_02: !!opencv-matrix\r\n  rows: 1\r\n  cols: 4\r\n  dt: d\r\n  data: [0, 0, 0, 0]\r\n";

    const EXTRI: &str = "%YAML:1.0\n---\nnames: [ \"01\", \"02\" ]\n# by hand\n\
R_01: !!opencv-matrix\n   rows: 3\n   cols: 1\n   dt: d\n   data: [ 1.5, 0.2, -0.15 ]\n\
T_01: !!opencv-matrix\n   rows: 3\n   cols: 1\n   dt: d\n   data: [ 0.1, 0.9, 4.2 ]\n\
Rot_02: !!opencv-matrix\n   rows: 3\n   cols: 3\n   dt: d\n   data: [ 0., -1., 0., 1., 0., 0., 0., 0., 1. ]\n\
T_02: !!opencv-matrix\n   rows: 3\n   cols: 1\n   dt: d\n   data: [ -0.2, 0.8, 3.9 ]\n";

    fn both(intri: &str, extri: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("intri.yml"), intri).unwrap();
        std::fs::write(folder.path().join("extri.yml"), extri).unwrap();
        folder
    }

    fn with(old: &str, new: &str) -> String {
        assert!(INTRI.contains(old) || EXTRI.contains(old));
        let folder = both(&INTRI.replacen(old, new, 1), &EXTRI.replacen(old, new, 1));
        read(folder.path()).unwrap_err().message
    }

    #[test]
    fn the_folder_or_either_file_gives_both_cameras() {
        let folder = both(INTRI, EXTRI);
        assert!(is_folder(folder.path()));
        let cameras = read(folder.path()).unwrap().cameras;
        for file in ["intri.yml", "extri.yml"] {
            assert_eq!(read(folder.path().join(file)).unwrap().cameras, cameras);
        }
        assert_eq!(cameras[0].name, "01");
        assert_eq!(cameras[0].size, Some([1280.0, 720.0]));
        assert_eq!(cameras[0].matrix[0], [1100.5, 0.0, 640.0]);
        assert_eq!(cameras[0].distortion, [-0.1, 0.05, 0.0, 1e-3, 0.0]);
        assert_eq!(cameras[0].rotation, Turn::Vector([1.5, 0.2, -0.15]));
        assert_eq!(cameras[1].size, None);
        assert_eq!(cameras[1].matrix[1], [0.0, 900.0, 360.0]);
        let turn = [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
        assert_eq!(cameras[1].rotation, Turn::Matrix(turn));
        assert_eq!(cameras[1].translation, [-0.2, 0.8, 3.9]);
    }

    #[test]
    fn one_file_may_hold_everything() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.yml");
        let all = INTRI.to_string() + EXTRI.trim_start_matches("%YAML:1.0\n---\n");
        std::fs::write(&path, all).unwrap();
        assert_eq!(read(&path).unwrap().cameras.len(), 2);
    }

    #[test]
    fn cameras_that_one_of_two_files_lacks_are_named() {
        let folder = both(
            INTRI,
            &EXTRI.replace("[ \"01\", \"02\" ]", "[ \"02\", \"3\" ]"),
        );
        let found = read(folder.path()).unwrap();
        assert_eq!(found.cameras.len(), 1);
        assert_eq!(found.cameras[0].name, "02");
        assert_eq!(
            found.left_out,
            [
                "only `intri.yml` names the cameras `01`",
                "only `extri.yml` names the cameras `3`"
            ]
        );
        assert_eq!(
            with("[ \"01\", \"02\" ]", "[ \"a\" ]"),
            "the file holds no camera that can be used; only `intri.yml` names the cameras `01`, `02`"
        );
    }

    #[test]
    fn opencv_5_writes_vectors_as_matrices_of_any_rank() {
        let intri = INTRI.replace("%YAML:1.0", "%YAML 1.2").replace(
            "D_02: !!opencv-matrix\r\n  rows: 1\r\n  cols: 4\r\n  dt: d\r\n  data: [0, 0, 0, 0]",
            "D_02: !!opencv-nd-matrix\n   sizes: [ 5 ]\n   dt: d\n   data: [ 0.10000000000000001, -0.20000000000000001, 0.001, 0.002,\n       0.050000000000000003 ]",
        );
        let folder = both(&intri, EXTRI);
        let found = read(folder.path()).unwrap();
        assert_eq!(found.cameras[1].distortion, [0.1, -0.2, 0.001, 0.002, 0.05]);
        std::fs::write(
            folder.path().join("intri.yml"),
            intri.replace(
                "sizes: [ 5 ]",
                "sizes: [ 1000000, 1000000, 1000000, 1000000 ]",
            ),
        )
        .unwrap();
        assert_eq!(
            read(folder.path()).unwrap_err().message,
            "line 24, `D_02`: expected the numbers of a 1000000×1000000×1000000×1000000 matrix, found 5"
        );
    }

    #[test]
    fn messages_name_the_camera_the_key_and_what_was_expected() {
        assert_eq!(
            with("T_02", "T_2"),
            "camera `02`: the key `T_02` is missing"
        );
        assert_eq!(
            with("Rot_02", "Rod_02"),
            "camera `02`: the key `R_02` or `Rot_02` is missing"
        );
        assert_eq!(
            with("cols: 5", "cols: 6"),
            "line 11, `dist_01`: expected the numbers of a 1×6 matrix, found 5"
        );
        assert_eq!(
            with("[-0.1, 0.05, 0.0, 1.e-3", "[-0.1, .Nan, 0.0, 1.e-3"),
            "line 11, `dist_01`: expected finite numbers, found `.Nan`"
        );
        assert_eq!(
            with("data: [-0.1", "data: -0.1"),
            "line 11, `dist_01`: expected a list `[…]`"
        );
        assert_eq!(
            with("rows: 1\r\n  cols: 5", "rows: -1\r\n  cols: 5"),
            "line 11, `dist_01`: expected a whole number after `rows:`, found `-1`"
        );
        assert_eq!(
            with("dist_01: !!opencv-matrix", "dist_01: !!opencv-nd-matrix"),
            "line 11, `dist_01`: the key `sizes:` is missing"
        );
        assert_eq!(
            with(
                "dist_01: !!opencv-matrix",
                "dist_01: !!opencv-sparse-matrix"
            ),
            "camera `01`, `dist_01`: expected an `!!opencv-matrix`"
        );
        assert_eq!(
            with("H_01: 720", "H_01: -720"),
            "camera `01`, `W_01` and `H_01`: expected a width and a height above 0"
        );
        assert_eq!(
            with("H_01: 720", "H_01 720"),
            "line 16: expected `key: value`"
        );
    }

    #[test]
    fn damage_never_panics() {
        let path = Path::new("intri.yml");
        damage((INTRI.to_string() + EXTRI).as_bytes(), |bytes| {
            let text = String::from_utf8_lossy(bytes);
            if let Ok(entries) = file_storage::parse(path, &text) {
                let _ = cameras(path, &[(path.into(), entries)]);
            }
        });
    }
}
