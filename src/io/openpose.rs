//! Keypoints in OpenPose's JSON: a folder per view, a file per frame.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::detection_json::json_files;
use super::detections::{Detections, Person, View, ViewFrame, frame_number};
use super::error::FileError;
use super::glob;

/// Which of a person's lists are read, one behind the other.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Lists {
    pub hands: bool,
    pub face: bool,
}

/// Numbers of a hand and of a face.
const HAND: usize = 3 * 21;
const FACE: usize = 3 * 70;

/// Reads every folder that `pattern` names: `*` stands for any letters of one part of the path.
///
/// A folder of JSON files is a view, a folder of such folders gives one view for each.
pub(crate) fn read(pattern: &str, lists: Lists) -> Result<Detections, FileError> {
    let mut folders = Vec::new();
    for folder in glob::folders(pattern)? {
        folders.extend(view_folders(&folder)?);
    }
    let mut length = SharedLength(None);
    let mut damaged = Vec::new();
    let views: Result<Vec<View>, FileError> = folders
        .iter()
        .map(|folder| view(folder, lists, &mut length, &mut damaged))
        .collect();
    let views = views?;
    let whole = views.iter().any(|view| !view.frames.is_empty());
    match damaged.first() {
        Some(error) if !whole => Err(error.clone()),
        _ => Ok(Detections { views, damaged }),
    }
}

fn view_folders(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    if !json_files(folder)?.is_empty() {
        return Ok(vec![folder.to_path_buf()]);
    }
    let mut inner = Vec::new();
    for path in glob::entries(folder)? {
        if path.is_dir() && !json_files(&path)?.is_empty() {
            inner.push(path);
        }
    }
    match inner.is_empty() {
        true => Err(FileError::new(
            folder,
            "expected a folder of `.json` files, or a folder of such folders; found neither",
        )),
        false => Ok(inner),
    }
}

/// Which lists beside that of the body hold anything in the first files of each folder.
pub(crate) fn lists(pattern: &str) -> Lists {
    const LOOKED_AT: usize = 10;
    let mut found = Lists::default();
    for folder in glob::folders(pattern).unwrap_or_default() {
        let folders = view_folders(&folder).unwrap_or_default();
        let files = folders.iter().filter_map(|folder| json_files(folder).ok());
        for path in files.flat_map(|files| files.into_iter().take(LOOKED_AT)) {
            let content = fs::read(path)
                .ok()
                .and_then(|bytes| serde_json::from_slice::<FileContent>(&bytes).ok());
            for person in content.iter().flat_map(|content| &content.people) {
                found.hands |= !person.hand_left_keypoints_2d.is_empty()
                    || !person.hand_right_keypoints_2d.is_empty();
                found.face |= !person.face_keypoints_2d.is_empty();
            }
        }
    }
    found
}

fn view(
    folder: &Path,
    lists: Lists,
    length: &mut SharedLength,
    damaged: &mut Vec<FileError>,
) -> Result<View, FileError> {
    let mut files = Vec::new();
    for path in json_files(folder)? {
        files.push((frame_number(&path)?, path));
    }
    files.sort();
    for pair in files.windows(2) {
        if pair[0].0 == pair[1].0 {
            let (number, other) = (pair[0].0, pair[0].1.display());
            return Err(FileError::new(
                &pair[1].1,
                format!("frame {number} stands in `{other}` too"),
            ));
        }
    }
    let mut frames = Vec::with_capacity(files.len());
    for (number, path) in files {
        match people(&path, lists, length) {
            Ok(people) => frames.push(ViewFrame { number, people }),
            Err(error) => damaged.push(error),
        }
    }
    let name = folder
        .file_name()
        .unwrap_or(folder.as_os_str())
        .to_string_lossy()
        .into_owned();
    Ok(View { name, frames })
}

/// The length of the first list of keypoints, and the file that has it: all others must agree.
struct SharedLength(Option<(usize, PathBuf)>);

impl SharedLength {
    fn check(&mut self, length: usize, path: &Path) -> Result<(), FileError> {
        let (expected, first) = self.0.get_or_insert_with(|| (length, path.to_path_buf()));
        match *expected == length {
            true => Ok(()),
            false => Err(FileError::new(
                path,
                format!(
                    "`pose_keypoints_2d` holds {length} numbers, but {expected} in `{}`",
                    first.display()
                ),
            )),
        }
    }
}

#[derive(Deserialize)]
struct FileContent {
    people: Vec<PersonContent>,
}

/// A person may lack any list: Pose2Sim writes `{}` for one that a camera does not see.
#[derive(Default, Deserialize)]
#[serde(default)]
struct PersonContent {
    #[serde(default)]
    pose_keypoints_2d: Vec<f64>,
    hand_left_keypoints_2d: Vec<f64>,
    hand_right_keypoints_2d: Vec<f64>,
    face_keypoints_2d: Vec<f64>,
}

impl PersonContent {
    /// The lists that are wanted; where there is none of a hand or a face, its points are missing.
    fn numbers(self, lists: Lists) -> Result<Vec<f64>, String> {
        let mut numbers = self.pose_keypoints_2d;
        if numbers.is_empty() {
            return Ok(numbers);
        }
        let hands = [
            ("hand_left_keypoints_2d", self.hand_left_keypoints_2d),
            ("hand_right_keypoints_2d", self.hand_right_keypoints_2d),
        ];
        let hands = hands.into_iter().map(|(key, list)| (key, list, HAND));
        let face = [("face_keypoints_2d", self.face_keypoints_2d, FACE)];
        let wanted = hands
            .filter(|_| lists.hands)
            .chain(face.into_iter().filter(|_| lists.face));
        for (key, list, expected) in wanted {
            match list.len() {
                0 => numbers.resize(numbers.len() + expected, 0.0),
                found if found == expected => numbers.extend(list),
                found => {
                    return Err(format!(
                        "`{key}` holds {found} numbers; expected {expected}"
                    ));
                }
            }
        }
        Ok(numbers)
    }
}

/// The people of one file; one without any body keypoint keeps its place, but has none at all.
fn people(path: &Path, lists: Lists, length: &mut SharedLength) -> Result<Vec<Person>, FileError> {
    let bytes = fs::read(path).map_err(|error| FileError::reading(path, &error))?;
    parse(path, &bytes, lists, length)
}

fn parse(
    path: &Path,
    bytes: &[u8],
    lists: Lists,
    length: &mut SharedLength,
) -> Result<Vec<Person>, FileError> {
    if bytes.trim_ascii().is_empty() {
        return Err(FileError::new(path, "the file is empty"));
    }
    let content: FileContent = serde_json::from_slice(bytes)
        .map_err(|error| FileError::new(path, format!("is not OpenPose's JSON: {error}")))?;
    let mut people = Vec::with_capacity(content.people.len());
    for person in content.people {
        let body = person.pose_keypoints_2d.len();
        if !body.is_multiple_of(3) {
            return Err(FileError::new(
                path,
                format!("`pose_keypoints_2d` holds {body} numbers; expected a multiple of 3"),
            ));
        }
        if body > 0 {
            length.check(body, path)?;
        }
        let numbers = person.numbers(lists);
        let numbers = numbers.map_err(|message| FileError::new(path, message))?;
        people.push(Person::flat(&numbers));
    }
    Ok(people)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{damage, real_data};
    use super::*;

    const JSON: &str = r#"{"version":1.3,"people":[{"person_id":[-1],"pose_keypoints_2d":[1.5,2,0.9,0,0,0.7,3,4,0],"face_keypoints_2d":[]}]}"#;

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn read_in(folder: &tempfile::TempDir, pattern: &str) -> Result<Detections, String> {
        let root = folder.path().to_str().unwrap();
        let read = read(&format!("{root}/{pattern}"), Lists::default());
        read.map_err(|error| error.to_string().replace(root, "R"))
    }

    #[test]
    fn frames_are_sorted_by_their_numbers() {
        let folder = folder_with(&[
            ("v/cam01_json/cam01.10.json", JSON),
            ("v/cam01_json/cam01.2.json", r#"{"people":[]}"#),
            ("v/cam01_json/notes.txt", "x"),
            ("v/cam10_json/a_000000000007_keypoints.json", JSON),
        ]);
        for pattern in ["v/*_json", "v", "*/cam*", "v/cam01_json/../../v"] {
            let views = read_in(&folder, pattern).unwrap().views;
            assert_eq!(views[0].name, "cam01_json");
            let numbers: Vec<u64> = views[0].frames.iter().map(|frame| frame.number).collect();
            assert_eq!(numbers, [2, 10]);
            assert_eq!(views[1].frames[0].number, 7);
        }
        let one = read_in(&folder, "v/cam01_json/").unwrap().views;
        let keypoints = &one[0].frames[1].people[0].keypoints;
        assert_eq!(
            keypoints[..],
            [[1.5, 2.0, 0.9], [0.0, 0.0, 0.0], [3.0, 4.0, 0.0]]
        );
        assert_eq!(one.len(), 1);
    }

    #[test]
    fn an_empty_place_keeps_the_numbers_of_the_others() {
        let whole = r#"{"people":[{},{"pose_keypoints_2d":[]},{"pose_keypoints_2d":[1,2,0.5]}]}"#;
        let people = parse(
            Path::new("a.1.json"),
            whole.as_bytes(),
            Lists::default(),
            &mut SharedLength(None),
        );
        let lengths: Vec<usize> = people.unwrap().iter().map(|p| p.keypoints.len()).collect();
        assert_eq!(lengths, [0, 0, 1]);
    }

    #[test]
    fn messages_name_the_file() {
        let said = |file: &str, text: &str| {
            let folder = folder_with(&[("v/a.1.json", JSON), (file, text)]);
            match read_in(&folder, "v") {
                Ok(found) => {
                    let root = folder.path().display().to_string();
                    found.damaged[0].to_string().replace(&root, "R")
                }
                Err(message) => message,
            }
        };
        assert_eq!(said("v/a.2.json", ""), "`R/v/a.2.json`: the file is empty");
        assert_eq!(
            said("v/a.2.json", r#"{"people":[{"pose_"#),
            "`R/v/a.2.json`: is not OpenPose's JSON: EOF while parsing a string at line 1 column 18"
        );
        assert_eq!(
            said("v/a.2.json", r#"{"version":1.3}"#),
            "`R/v/a.2.json`: is not OpenPose's JSON: missing field `people` at line 1 column 15"
        );
        assert_eq!(
            said("v/a.2.json", r#"{"people":[{"pose_keypoints_2d":[1,2]}]}"#),
            "`R/v/a.2.json`: `pose_keypoints_2d` holds 2 numbers; expected a multiple of 3"
        );
        assert_eq!(
            said(
                "v/a.2.json",
                r#"{"people":[{"pose_keypoints_2d":[1,2,3]}]}"#
            ),
            "`R/v/a.2.json`: `pose_keypoints_2d` holds 3 numbers, but 9 in `R/v/a.1.json`"
        );
        assert_eq!(
            said("v/b.01.json", JSON),
            "`R/v/b.01.json`: frame 1 stands in `R/v/a.1.json` too"
        );
        assert_eq!(
            said("v/b.json", JSON),
            "`R/v/b.json`: expected a frame number in the name of the file"
        );
    }

    #[test]
    fn a_person_that_a_camera_does_not_see_keeps_its_place() {
        let text = JSON.replace("[{", "[{},{");
        let folder = folder_with(&[("v/a.1.json", &text), ("v/a.2.json", JSON)]);
        let found = read_in(&folder, "v").unwrap();
        assert!(found.damaged.is_empty());
        let people = &found.views[0].frames[0].people;
        assert!(people[0].keypoints.is_empty());
        assert_eq!(people[1].keypoints.len(), 3);
    }

    #[test]
    fn hands_and_face_stand_behind_the_body() {
        let list = |key: &str, first: usize, count: usize| {
            let numbers: Vec<String> = (first..first + count).map(|n| n.to_string()).collect();
            format!("\"{key}\":[{}]", numbers.join(","))
        };
        let text = format!(
            "{{\"people\":[{{{},{},{}}}]}}",
            list("pose_keypoints_2d", 1, 75),
            list("hand_right_keypoints_2d", 1000, 63),
            list("face_keypoints_2d", 2000, 210)
        );
        let with = |hands, face| {
            let lists = Lists { hands, face };
            let path = Path::new("a.1.json");
            let people = parse(path, text.as_bytes(), lists, &mut SharedLength(None)).unwrap();
            people[0].keypoints.clone()
        };
        assert_eq!(with(false, false).len(), 25);
        let all = with(true, true);
        assert_eq!(all.len(), 137);
        assert_eq!(all[25], [0.0; 3]);
        assert_eq!(all[46], [1000.0, 1001.0, 1002.0]);
        assert_eq!(all[67], [2000.0, 2001.0, 2002.0]);
        let cut = text.replace(",1062]", "]");
        let lists = Lists {
            hands: true,
            face: false,
        };
        let error = parse(
            Path::new("a.1.json"),
            cut.as_bytes(),
            lists,
            &mut SharedLength(None),
        );
        assert_eq!(
            error.unwrap_err().message,
            "`hand_right_keypoints_2d` holds 62 numbers; expected 63"
        );
        let folder = folder_with(&[("v/a.1.json", &text)]);
        let pattern = folder.path().join("v");
        let found = super::lists(pattern.to_str().unwrap());
        assert_eq!(
            found,
            Lists {
                hands: true,
                face: true
            }
        );
    }

    #[test]
    fn a_pattern_without_a_match_says_what_is_there() {
        let folder = folder_with(&[
            ("A/pose/c1/a.1.json", JSON),
            ("A/pose-3d/x.trc", ""),
            ("A/empty/x.txt", ""),
        ]);
        assert_eq!(
            read_in(&folder, "A/poze/c1").unwrap_err(),
            "`R/A/poze/c1`: there is no `poze` in `R/A`; it holds `pose`, `pose-3d`, `empty`"
        );
        assert_eq!(
            read_in(&folder, "A/pose/cam*").unwrap_err(),
            "`R/A/pose/cam*`: nothing matches `cam*` in `R/A/pose`; it holds `c1`"
        );
        assert_eq!(
            read_in(&folder, "A/empty").unwrap_err(),
            "`R/A/empty`: expected a folder of `.json` files, or a folder of such folders; found neither"
        );
        assert_eq!(
            read_in(&folder, "A/empty/x.txt").unwrap_err(),
            "`R/A/empty/x.txt`: this is text of no known format, which fitrun does not read"
        );
    }

    #[test]
    fn damage_never_panics() {
        damage(JSON.as_bytes(), |bytes| {
            let lists = Lists {
                hands: true,
                face: true,
            };
            let _ = parse(Path::new("a.1.json"), bytes, lists, &mut SharedLength(None));
        });
    }

    #[test]
    fn the_real_trial_has_four_views_of_a_hundred_frames() {
        let Some(data) = real_data() else { return };
        let pattern = data.join("views/S00_P00_T01_BalancingTrial/pose/*_json");
        let views = read(pattern.to_str().unwrap(), Lists::default())
            .unwrap()
            .views;
        assert_eq!(views.len(), 4);
        for view in &views {
            assert_eq!(view.frames.len(), 100);
            let people = view.frames.iter().flat_map(|frame| &frame.people);
            assert!(
                people
                    .into_iter()
                    .all(|person| person.keypoints.len() == 25)
            );
        }
    }
}
