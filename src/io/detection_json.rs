//! Detections in JSON with a file for each view, or a file for each image: COCO's results, AlphaPose, MMPose.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::detections::{Detections, Person, View, ViewFrame, frame_number, last_number};
use super::error::{FileError, read_text};
use super::{coco_results, glob, mmpose};

/// The program that wrote a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Coco,
    AlphaPose,
    Mmpose,
    /// A file for each frame, which another reader reads.
    OpenPose,
}

/// People of a file.
#[derive(Debug, PartialEq)]
pub(super) enum Content {
    /// Of a view, by the number of the frame.
    View(BTreeMap<u64, Vec<Person>>),
    /// Of one image, whose number is in the file's name.
    Image(Vec<Person>),
}

impl Kind {
    /// As `format` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Coco => "coco",
            Self::AlphaPose => "alphapose",
            Self::Mmpose => "mmpose",
            Self::OpenPose => "openpose",
        }
    }

    fn of(root: &Value) -> Option<Self> {
        let of_program = |v: &Value| v.get("people").is_some() || v.get("bodies").is_some();
        match root {
            Value::Array(_) if mmpose::is(root) => Some(Self::Mmpose),
            Value::Array(items) => {
                let first = items.first()?;
                first.get("keypoints")?;
                let text = first.get("image_id")?.is_string();
                let tracked = first.get("idx").is_some() || first.get("box").is_some();
                Some(match text || tracked {
                    true => Self::AlphaPose,
                    false => Self::Coco,
                })
            }
            Value::Object(_) if mmpose::is(root) => Some(Self::Mmpose),
            Value::Object(table) if table.contains_key("annotations") => {
                table.get("images").map(|_| Self::Coco)
            }
            Value::Object(table) if table.contains_key("people") => Some(Self::OpenPose),
            Value::Object(table) if table.values().next().is_some_and(of_program) => {
                Some(Self::AlphaPose)
            }
            _ => None,
        }
    }
}

/// Which detections a file holds, or the files that a pattern names; `None` where it is something else.
pub(crate) fn kind(pattern: &str) -> Option<Kind> {
    const LOOKED_AT: usize = 20;
    let paths = files(pattern).ok()?;
    let mut roots = paths.iter().take(LOOKED_AT).map(|path| json(path));
    roots.find_map(|root| Kind::of(&root.ok()?))
}

/// Reads the `.json` files that `pattern` names, or those of the folders that it names, or of folders in these.
///
/// Each file is a view, or each folder where a file is about one image. `kind` is the one expected.
pub(crate) fn read(pattern: &str, kind: Kind) -> Result<Detections, FileError> {
    let mut count = SharedCount(None);
    let (mut contents, mut damaged) = (Vec::new(), Vec::new());
    for path in files(pattern)? {
        match content(&path, kind) {
            Ok(content) => {
                count.check(&path, &content)?;
                contents.push((path, content));
            }
            Err(error) => damaged.push(error),
        }
    }
    let by_image = contents
        .iter()
        .any(|(_, content)| matches!(content, Content::Image(people) if !people.is_empty()));
    if let (Some(error), false) = (damaged.first(), by_image) {
        return Err(error.clone());
    }
    let views = match by_image {
        true => folders(contents)?,
        false => contents
            .into_iter()
            .map(|(path, content)| match content {
                Content::View(frames) => (path.with_extension(""), frames),
                Content::Image(_) => (path.with_extension(""), BTreeMap::new()),
            })
            .collect(),
    };
    let views = named(pattern, views)?;
    Ok(Detections { views, damaged })
}

fn json(path: &Path) -> Result<Value, FileError> {
    serde_json::from_str(&read_text(path)?).map_err(|error| {
        let message = error.to_string().to_lowercase();
        FileError::new(path, format!("it is not valid JSON: {message}"))
    })
}

fn content(path: &Path, kind: Kind) -> Result<Content, FileError> {
    let root = json(path)?;
    if root.as_array().is_some_and(Vec::is_empty) {
        return Ok(Content::Image(Vec::new()));
    }
    let content = match (Kind::of(&root), kind) {
        (Some(found), _) if found != kind && Some(found) != kin(kind) => Err(format!(
            "it holds detections of another format; write `format = \"{}\"`",
            found.name()
        )),
        (Some(_), Kind::Mmpose) => mmpose::content(&root),
        (Some(_), _) => coco_results::content(&root).map(Content::View),
        (None, _) => Err(format!(
            "expected {}",
            match kind {
                Kind::Mmpose => "a list of instances, or of frames with their `instances`",
                _ => "a list of people, each with `image_id` and `keypoints`",
            }
        )),
    };
    content.map_err(|message| FileError::new(path, message))
}

/// The kind that has the same form.
fn kin(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::Coco => Some(Kind::AlphaPose),
        Kind::AlphaPose => Some(Kind::Coco),
        _ => None,
    }
}

fn files(pattern: &str) -> Result<Vec<PathBuf>, FileError> {
    let mut found = Vec::new();
    for path in glob::paths(pattern)? {
        if path.is_file() {
            found.push(path);
            continue;
        }
        let mut here = json_files(&path)?;
        if here.is_empty() {
            for inner in glob::entries(&path)?.iter().filter(|p| p.is_dir()) {
                here.extend(json_files(inner)?);
            }
        }
        if here.is_empty() {
            let message = "expected a `.json` file, a folder of them, or a folder of such folders";
            return Err(FileError::new(&path, message));
        }
        found.extend(here);
    }
    Ok(found)
}

pub(super) fn json_files(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut paths = glob::entries(folder)?;
    let is_json = |path: &PathBuf| path.extension().is_some_and(|e| e == "json") && path.is_file();
    paths.retain(is_json);
    Ok(paths)
}

type Frames = BTreeMap<u64, Vec<Person>>;

/// Images of one folder are the frames of a view; one without a number is frame 0.
fn folders(contents: Vec<(PathBuf, Content)>) -> Result<Vec<(PathBuf, Frames)>, FileError> {
    let mut views: Vec<(PathBuf, Frames)> = Vec::new();
    let alone = contents.len() == 1;
    for (path, content) in contents {
        let Content::Image(people) = content else {
            let message = "it holds all frames of a view, but a file beside it one image";
            return Err(FileError::new(&path, message));
        };
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let number = match alone {
            true => last_number(&path).unwrap_or(0),
            false => frame_number(&path)?,
        };
        if views.last().is_none_or(|(last, _)| *last != folder) {
            views.push((folder, Frames::new()));
        }
        if let Some((_, frames)) = views.last_mut()
            && frames.insert(number, people).is_some()
        {
            let message = format!("frame {number} stands in another file of the folder too");
            return Err(FileError::new(&path, message));
        }
    }
    Ok(views)
}

/// Names views by their files, or by the folders of these where files share a name.
fn named(pattern: &str, views: Vec<(PathBuf, Frames)>) -> Result<Vec<View>, FileError> {
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
    let by_folder = |path: &Path| path.parent().and_then(name);
    let distinct = |names: &[String]| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    let of = |name: &dyn Fn(&Path) -> Option<String>| -> Vec<String> {
        let names = views.iter().map(|(path, _)| name(path).unwrap_or_default());
        names.collect()
    };
    let mut names = of(&name);
    if !distinct(&names) {
        names = of(&by_folder);
    }
    if !distinct(&names) {
        let message = "two views have the same name; they are named by their files or folders";
        return Err(FileError::new(pattern, message));
    }
    let view = |(name, (_, frames)): (String, (PathBuf, Frames))| View {
        name,
        frames: frames
            .into_iter()
            .map(|(number, people)| ViewFrame { number, people })
            .collect(),
    };
    Ok(names.into_iter().zip(views).map(view).collect())
}

/// The number of keypoints of the first person, and its file: all others must agree.
struct SharedCount(Option<(usize, PathBuf)>);

impl SharedCount {
    fn check(&mut self, path: &Path, content: &Content) -> Result<(), FileError> {
        let people: Box<dyn Iterator<Item = &Person>> = match content {
            Content::View(frames) => Box::new(frames.values().flatten()),
            Content::Image(people) => Box::new(people.iter()),
        };
        for person in people {
            let found = person.keypoints.len();
            let (expected, first) = self.0.get_or_insert_with(|| (found, path.to_path_buf()));
            if found != *expected {
                let first = first.display();
                let message =
                    format!("a person has {found} keypoints, but others {expected} in `{first}`");
                return Err(FileError::new(path, message));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::damage;
    use super::*;

    const RESULTS: &str =
        r#"[{"image_id": 3, "category_id": 1, "keypoints": [1, 2, 0.5], "score": 1}]"#;
    const ALPHAPOSE: &str =
        r#"[{"image_id": "3.jpg", "category_id": 1, "keypoints": [1, 2, 0.5], "score": 1}]"#;
    const IMAGE: &str = r#"[{"keypoints": [[1, 2]], "keypoint_scores": [0.5]}]"#;

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    /// The views by name with the numbers of their frames.
    fn found(files: &[(&str, &str)], pattern: &str) -> Result<Vec<(String, Vec<u64>)>, String> {
        let folder = folder_with(files);
        let root = folder.path().to_str().unwrap();
        let pattern = format!("{root}/{pattern}");
        let kind = kind(&pattern).ok_or("of no kind")?;
        let read = read(&pattern, kind).map_err(|error| error.to_string().replace(root, "R"))?;
        let numbers = |view: &View| view.frames.iter().map(|f| f.number).collect();
        let views = read.views.iter();
        Ok(views.map(|v| (v.name.clone(), numbers(v))).collect())
    }

    #[test]
    fn views_are_named_by_their_files_or_else_by_their_folders() {
        let both = [("cam1", vec![3]), ("cam2", vec![3])].map(|(n, f)| (n.to_string(), f));
        let files = [("p/cam1.json", RESULTS), ("p/cam2.json", RESULTS)];
        for pattern in ["p", "p/*.json", "p/cam*"] {
            assert_eq!(found(&files, pattern).unwrap(), both, "{pattern}");
        }
        assert_eq!(found(&files, "p/cam1.json").unwrap(), both[..1]);
        let files = [
            ("p/cam1/alphapose-results.json", ALPHAPOSE),
            ("p/cam2/alphapose-results.json", ALPHAPOSE),
            ("p/cam2/vis/1.jpg", ""),
        ];
        for pattern in ["p", "p/*", "p/*/alphapose-results.json"] {
            assert_eq!(found(&files, pattern).unwrap(), both, "{pattern}");
        }
    }

    #[test]
    fn files_of_one_image_are_the_frames_of_their_folder() {
        let files = [
            ("p/cam1/a_10.json", IMAGE),
            ("p/cam1/a_9.json", "[]"),
            ("p/cam2/a_9.json", IMAGE),
        ];
        let views = found(&files, "p").unwrap();
        assert_eq!(views[0], ("cam1".into(), vec![9, 10]));
        assert_eq!(views[1], ("cam2".into(), vec![9]));
        assert_eq!(found(&[("p/a.json", IMAGE)], "p/a.json").unwrap()[0].1, [0]);
        let twice = [("p/a_1.json", IMAGE), ("p/b_1.json", IMAGE)];
        assert_eq!(
            found(&twice, "p").unwrap_err(),
            "`R/p/b_1.json`: frame 1 stands in another file of the folder too"
        );
        let damaged = [("p/a_1.json", IMAGE), ("p/a_2.json", "[{")];
        assert_eq!(found(&damaged, "p").unwrap()[0].1, [1]);
        let mixed = [
            ("p/a_1.json", IMAGE),
            ("p/a_2.json", r#"[{"frame_id": 0, "instances": []}]"#),
        ];
        assert_eq!(
            found(&mixed, "p").unwrap_err(),
            "`R/p/a_2.json`: it holds all frames of a view, but a file beside it one image"
        );
    }

    #[test]
    fn programs_are_told_by_what_their_files_hold() {
        let kind_of = |text: &str| Kind::of(&serde_json::from_str(text).unwrap());
        assert_eq!(kind_of(RESULTS), Some(Kind::Coco));
        assert_eq!(kind_of(ALPHAPOSE), Some(Kind::AlphaPose));
        assert_eq!(kind_of(IMAGE), Some(Kind::Mmpose));
        assert_eq!(kind_of(r#"{"people": []}"#), Some(Kind::OpenPose));
        assert_eq!(
            kind_of(r#"{"images": [], "annotations": []}"#),
            Some(Kind::Coco)
        );
        assert_eq!(
            kind_of(r#"{"1.jpg": {"people": []}}"#),
            Some(Kind::AlphaPose)
        );
        for cameras in [
            r#"{"cameras": [{"name": "a", "K": []}]}"#,
            r#"[{"name": "a", "K": []}]"#,
            r#"{"a": {"K": []}}"#,
            r#"{"markersets": []}"#,
            "[]",
            "3",
        ] {
            assert_eq!(kind_of(cameras), None, "{cameras}");
        }
    }

    #[test]
    fn messages_name_the_file_and_what_it_is() {
        let folder = folder_with(&[("a.json", IMAGE), ("b.json", RESULTS), ("c.json", "{}")]);
        let said = |name: &str, kind| {
            let path = folder.path().join(name);
            read(path.to_str().unwrap(), kind).unwrap_err().message
        };
        assert_eq!(
            said("a.json", Kind::Coco),
            "it holds detections of another format; write `format = \"mmpose\"`"
        );
        assert_eq!(
            said("c.json", Kind::AlphaPose),
            "expected a list of people, each with `image_id` and `keypoints`"
        );
        let two = RESULTS.replace("0.5]", "0.5, 3, 4, 0.5]");
        assert_eq!(
            found(&[("p/a.json", RESULTS), ("p/b.json", &two)], "p").unwrap_err(),
            "`R/p/b.json`: a person has 2 keypoints, but others 1 in `R/p/a.json`"
        );
    }

    #[test]
    fn damage_never_panics() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cam_1.json");
        for text in [RESULTS, ALPHAPOSE, IMAGE] {
            damage(text.as_bytes(), |bytes| {
                std::fs::write(&path, bytes).unwrap();
                let _ = read(path.to_str().unwrap(), Kind::Coco);
                let _ = read(path.to_str().unwrap(), Kind::Mmpose);
            });
        }
    }
}
