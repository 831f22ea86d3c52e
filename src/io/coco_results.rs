//! People by image: COCO's results and annotations, and AlphaPose's.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::detections::{Person, last_number};

type Frames = BTreeMap<u64, Vec<Person>>;

/// The frames of a file, by the numbers of their images.
pub(super) fn content(root: &Value) -> Result<Frames, String> {
    match root {
        Value::Array(people) => results(people, &BTreeMap::new()),
        Value::Object(table) => match (table.get("images"), table.get("annotations")) {
            (Some(Value::Array(images)), Some(Value::Array(people))) => {
                results(people, &numbers_of(images)?)
            }
            _ => by_name(table),
        },
        _ => Err("expected a list of people".into()),
    }
}

/// `numbers`: of images, where the file lists them.
fn results(people: &[Value], numbers: &BTreeMap<u64, u64>) -> Result<Frames, String> {
    let mut frames = Frames::new();
    frames.extend(numbers.values().map(|number| (*number, Vec::new())));
    let mut folder = None;
    for (place, person) in people.iter().enumerate() {
        let wrong = |what: &str| format!("person {place} of the list: {what}");
        let image = person.get("image_id");
        let image = image.ok_or_else(|| wrong("the key `image_id` is missing"))?;
        let number = number(image).ok_or_else(|| wrong("`image_id` has no number"))?;
        let other = folder.get_or_insert_with(|| folder_of(image));
        if *other != folder_of(image) {
            return Err(
                "`image_id` names images of several folders; write a file for each view".into(),
            );
        }
        let keypoints = person.get("keypoints");
        let keypoints = keypoints.ok_or_else(|| wrong("the key `keypoints` is missing"))?;
        let person = triples(keypoints).map_err(|what| wrong(&format!("`keypoints` {what}")))?;
        let number = numbers.get(&number).copied().unwrap_or(number);
        frames.entry(number).or_default().push(person);
    }
    Ok(frames)
}

/// Frame numbers of COCO's list of images by their ids: the numbers in their files' names.
fn numbers_of(images: &[Value]) -> Result<BTreeMap<u64, u64>, String> {
    let image = |(place, image): (usize, &Value)| {
        let id = image.get("id").and_then(number);
        let id = id.ok_or_else(|| format!("image {place} of the list: `id` is missing"))?;
        let named = image.get("file_name").and_then(number);
        Ok((id, named.unwrap_or(id)))
    };
    images.iter().enumerate().map(image).collect()
}

/// AlphaPose's files in the form of OpenPose, all images in one.
fn by_name(images: &Map<String, Value>) -> Result<Frames, String> {
    let mut frames = Frames::new();
    for (name, image) in images {
        let wrong = |what: &str| format!("image `{name}`: {what}");
        let number = last_number(Path::new(name));
        let number = number.ok_or_else(|| wrong("expected a number in its name"))?;
        let people = image.get("people").or(image.get("bodies"));
        let Some(Value::Array(people)) = people else {
            return Err(wrong("expected a list `people` or `bodies`"));
        };
        let mut found = Vec::new();
        for person in people {
            let numbers = person.get("pose_keypoints_2d").or(person.get("joints"));
            let numbers = numbers.ok_or_else(|| wrong("`pose_keypoints_2d` is missing"))?;
            found.push(triples(numbers).map_err(|what| wrong(&format!("`keypoints` {what}")))?);
        }
        if frames.insert(number, found).is_some() {
            return Err(wrong(&format!("frame {number} stands twice")));
        }
    }
    Ok(frames)
}

fn triples(value: &Value) -> Result<Person, String> {
    let numbers = value
        .as_array()
        .map(|items| items.iter().map(Value::as_f64).collect());
    let Some(Some(numbers)) = numbers else {
        return Err("is no list of numbers".into());
    };
    let numbers: Vec<f64> = numbers;
    match numbers.len() % 3 {
        0 => Ok(Person::flat(&numbers)),
        _ => Err(format!(
            "holds {} numbers; expected a multiple of 3",
            numbers.len()
        )),
    }
}

/// A whole number, or the last one in the name of an image.
fn number(image: &Value) -> Option<u64> {
    match image {
        Value::Number(number) => number.as_u64(),
        Value::String(name) => last_number(Path::new(name)),
        _ => None,
    }
}

fn folder_of(image: &Value) -> &Path {
    let name = Path::new(image.as_str().unwrap_or_default());
    name.parent().unwrap_or(Path::new(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(text: &str) -> Result<Frames, String> {
        content(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn people_are_gathered_by_the_numbers_of_their_images() {
        let text = r#"[
            {"image_id": "12.jpg", "category_id": 1, "keypoints": [1.5, 2, 0.9, 0, 0, 0.3], "score": 2.1, "idx": [[1.0]]},
            {"image_id": "frame_0003.png", "category_id": 1, "keypoints": [7, 8, 0.5, 1, 1, 1], "score": 1, "idx": 2},
            {"image_id": "12.jpg", "category_id": 1, "keypoints": [3, 4, 0.8, 5, 6, 0.7], "score": 1.5}]"#;
        let found = frames(text).unwrap();
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [3, 12]);
        assert_eq!(found[&12].len(), 2);
        assert_eq!(found[&12][0].keypoints, [[1.5, 2.0, 0.9], [0.0; 3]]);
        assert_eq!(found[&3][0].keypoints[0], [7.0, 8.0, 0.5]);
        let numbered = text.replace("\"12.jpg\"", "12");
        assert_eq!(frames(&numbered).unwrap(), found);
    }

    #[test]
    fn annotations_name_the_files_of_their_images() {
        let text = r#"{"images": [{"id": 901, "file_name": "cam/000007.jpg"}, {"id": 902, "file_name": "cam/000008.jpg"}],
            "annotations": [{"id": 1, "image_id": 902, "keypoints": [5, 6, 2]}], "categories": []}"#;
        let found = frames(text).unwrap();
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [7, 8]);
        assert!(found[&7].is_empty());
        assert_eq!(found[&8][0].keypoints, [[5.0, 6.0, 2.0]]);
    }

    #[test]
    fn alphapose_writes_the_form_of_openpose_with_all_images_in_one_file() {
        let text = r#"{"0.jpg": {"version": "AlphaPose v0.3", "people": [{"pose_keypoints_2d": [1, 2, 0.5]}]},
            "2.jpg": {"version": "AlphaPose v0.3", "bodies": [{"joints": [3, 4, 0.5]}]}}"#;
        let found = frames(text).unwrap();
        assert_eq!(found[&0][0].keypoints, [[1.0, 2.0, 0.5]]);
        assert_eq!(found[&2][0].keypoints, [[3.0, 4.0, 0.5]]);
    }

    #[test]
    fn messages_name_the_person_and_the_key() {
        let said = |text: &str| frames(text).unwrap_err();
        assert_eq!(
            said(r#"[{"image_id": 1, "keypoints": [1, 2, 3]}, {"keypoints": []}]"#),
            "person 1 of the list: the key `image_id` is missing"
        );
        assert_eq!(
            said(r#"[{"image_id": "a.jpg", "keypoints": []}]"#),
            "person 0 of the list: `image_id` has no number"
        );
        assert_eq!(
            said(r#"[{"image_id": -1, "keypoints": []}]"#),
            "person 0 of the list: `image_id` has no number"
        );
        assert_eq!(
            said(r#"[{"image_id": 1, "keypoints": [1, 2]}]"#),
            "person 0 of the list: `keypoints` holds 2 numbers; expected a multiple of 3"
        );
        assert_eq!(
            said(r#"[{"image_id": 1, "keypoints": [1, null, 3]}]"#),
            "person 0 of the list: `keypoints` is no list of numbers"
        );
        assert_eq!(
            said(
                r#"[{"image_id": "a/1.jpg", "keypoints": []}, {"image_id": "b/1.jpg", "keypoints": []}]"#
            ),
            "`image_id` names images of several folders; write a file for each view"
        );
    }
}
