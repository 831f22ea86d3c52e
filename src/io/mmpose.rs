//! MMPose's predictions: the instances of one image, or of each frame of a video.

use std::collections::BTreeMap;

use serde_json::Value;

use super::detection_json::Content;
use super::detections::Person;

/// Whether a file looks like MMPose's; an empty list does not.
pub(super) fn is(root: &Value) -> bool {
    let Some(Value::Array(items)) = listed(root) else {
        return false;
    };
    match items.first() {
        None => root.is_object(),
        Some(first) => is_frame(first) || first.get("keypoint_scores").is_some(),
    }
}

pub(super) fn content(root: &Value) -> Result<Content, String> {
    let Some(Value::Array(items)) = listed(root) else {
        return Err("`instance_info` is no list".into());
    };
    match items.first().is_some_and(is_frame) {
        true => frames(items).map(Content::View),
        false => people(items).map(Content::Image),
    }
}

/// The demos write what they know of the keypoints beside the list.
fn listed(root: &Value) -> Option<&Value> {
    match root {
        Value::Object(table) => table.get("instance_info"),
        _ => Some(root),
    }
}

fn is_frame(item: &Value) -> bool {
    item.get("instances").is_some()
}

fn frames(items: &[Value]) -> Result<BTreeMap<u64, Vec<Person>>, String> {
    let mut frames = BTreeMap::new();
    for (place, item) in items.iter().enumerate() {
        let number = item.get("frame_id").and_then(Value::as_u64);
        let number = number.ok_or_else(|| {
            format!("frame {place} of the list: expected a whole number `frame_id`")
        })?;
        let Some(Value::Array(instances)) = item.get("instances") else {
            return Err(format!("frame {number}: `instances` is no list"));
        };
        let people = people(instances).map_err(|what| format!("frame {number}, {what}"))?;
        if frames.insert(number, people).is_some() {
            return Err(format!("frame {number} stands twice"));
        }
    }
    Ok(frames)
}

fn people(instances: &[Value]) -> Result<Vec<Person>, String> {
    let person =
        |(place, instance)| person(instance).map_err(|what| format!("person {place}: {what}"));
    instances.iter().enumerate().map(person).collect()
}

fn person(instance: &Value) -> Result<Person, String> {
    let keypoints = instance.get("keypoints").and_then(Value::as_array);
    let keypoints = keypoints.ok_or("the list `keypoints` is missing")?;
    let scores = instance.get("keypoint_scores").and_then(Value::as_array);
    let scores = scores.ok_or("the list `keypoint_scores` is missing")?;
    if keypoints.len() != scores.len() {
        let (points, scores) = (keypoints.len(), scores.len());
        return Err(format!(
            "`keypoints` holds {points}, but `keypoint_scores` {scores}"
        ));
    }
    let mut numbers = Vec::with_capacity(3 * keypoints.len());
    for (point, score) in keypoints.iter().zip(scores) {
        let place: Option<Vec<f64>> = point
            .as_array()
            .and_then(|place| place.iter().map(Value::as_f64).collect());
        match (place.as_deref(), score.as_f64()) {
            (Some([x, y]), Some(score)) => numbers.extend([*x, *y, score]),
            (Some([_, _, _]), _) => {
                return Err("`keypoints` are in space; expected x and y in pixels".into());
            }
            _ => {
                return Err(
                    "`keypoints` expects x and y of each, `keypoint_scores` a number".into(),
                );
            }
        }
    }
    Ok(Person::flat(&numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: &str = r#"{"keypoints": [[10.5, 20.0], [0.0, 0.0]], "keypoint_scores": [0.9, 0.2],
        "bbox": [[1.0, 2.0, 3.0, 4.0]], "bbox_score": 0.8}"#;

    fn parse(text: &str) -> Result<Content, String> {
        content(&serde_json::from_str(text).unwrap())
    }

    fn parsed(person: &str) -> Person {
        let Ok(Content::Image(mut people)) = parse(&format!("[{person}]")) else {
            panic!("expected one image");
        };
        people.remove(0)
    }

    #[test]
    fn videos_have_frames_and_images_have_instances() {
        assert_eq!(parsed(PERSON).keypoints, [[10.5, 20.0, 0.9], [0.0; 3]]);
        let list = format!(
            r#"[{{"frame_id": 2, "instances": [{PERSON}, {PERSON}]}}, {{"frame_id": 1, "instances": []}}]"#
        );
        let demo =
            format!(r#"{{"meta_info": {{"dataset_name": "coco"}}, "instance_info": {list}}}"#);
        for text in [&list, &demo] {
            assert!(is(&serde_json::from_str(text).unwrap()));
            let Ok(Content::View(frames)) = parse(text) else {
                panic!("expected frames");
            };
            assert_eq!(frames.keys().copied().collect::<Vec<_>>(), [1, 2]);
            assert_eq!(frames[&2], [parsed(PERSON), parsed(PERSON)]);
        }
    }

    #[test]
    fn messages_name_the_frame_and_the_person() {
        let said = |old: &str, new: &str| {
            let frame = format!(r#"[{{"frame_id": 4, "instances": [{PERSON}]}}]"#);
            assert!(frame.contains(old));
            parse(&frame.replacen(old, new, 1)).unwrap_err()
        };
        assert_eq!(
            said("[0.9, 0.2]", "[0.9]"),
            "frame 4, person 0: `keypoints` holds 2, but `keypoint_scores` 1"
        );
        assert_eq!(
            said("[10.5, 20.0]", "[10.5, 20.0, 1.0]"),
            "frame 4, person 0: `keypoints` are in space; expected x and y in pixels"
        );
        assert_eq!(
            said("keypoint_scores", "scores"),
            "frame 4, person 0: the list `keypoint_scores` is missing"
        );
        assert_eq!(
            said("\"frame_id\": 4", "\"frame_id\": -4"),
            "frame 0 of the list: expected a whole number `frame_id`"
        );
    }
}
