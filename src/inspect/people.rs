//! What detectors saw: OpenPose's folders, and JSON of COCO's form, AlphaPose and MMPose.

use std::path::Path;

use super::table::Table;
use super::{Inspection, quoted};
use crate::io::detection_json::{self, Kind};
use crate::io::detections::{Detections, Person};
use crate::io::openpose::{self, Lists};
use crate::io::{FileError, foreign};
use crate::keypoints;

pub(super) fn inspect(path: &Path) -> Result<Inspection, FileError> {
    let pattern = path.to_string_lossy();
    let kind = detection_json::kind(&pattern).unwrap_or(Kind::OpenPose);
    if path.is_file() && kind == Kind::OpenPose {
        return Err(no_folder(path));
    }
    let (detections, lists) = match kind {
        Kind::OpenPose => {
            let detections = openpose::read(&pattern, Lists::default())?;
            (detections, openpose::lists(&pattern))
        }
        _ => (detection_json::read(&pattern, kind)?, Lists::default()),
    };
    let mut found = Inspection::new(format!("people in images ({})", kind.name()));
    found.fact("views", detections.views.len().to_string());
    let everyone = detections.views.iter().flat_map(|view| &view.frames);
    let counts = everyone.flat_map(|f| &f.people).map(|p| p.keypoints.len());
    let count = counts.into_iter().find(|count| *count > 0);
    let fitting = count.map_or(Vec::new(), |count| conventions(&mut found, count, lists));
    if let Some(error) = detections.damaged.first() {
        found.fact(
            "damaged",
            format!("{} files; {error}", detections.damaged.len()),
        );
    }
    found.contents = table(&detections);
    found.snippet("data.detections", "file", path);
    found.line("format", &quoted(kind.name()), "");
    if let Some((first, others)) = fitting.split_first() {
        let remark = match others {
            [] => String::new(),
            others => format!("or {}", others.join(", ")),
        };
        found.line("keypoints", &quoted(first), &remark);
    }
    Ok(found)
}

fn no_folder(path: &Path) -> FileError {
    if detection_json::kind(&path.to_string_lossy()) == Some(Kind::OpenPose) {
        let message = "it is one frame of OpenPose's detections";
        return FileError::new(path, message).with_hint("name its folder, which is a view");
    }
    foreign::refused(path)
}

/// The conventions that have as many keypoints, with or without the other lists of the files.
fn conventions(found: &mut Inspection, count: usize, lists: Lists) -> Vec<&'static str> {
    found.fact("keypoints", count.to_string());
    let also = match lists {
        Lists {
            hands: true,
            face: true,
        } => "hands and face",
        Lists { hands: true, .. } => "hands",
        Lists { face: true, .. } => "face",
        _ => "",
    };
    if !also.is_empty() {
        found.fact(
            "beside them",
            format!("lists of {also}, which `keypoints` can add"),
        );
    }
    let fits = |c: &&str| keypoints::labels(c).is_some_and(|l| l.len() == count);
    let mut fitting: Vec<&str> = keypoints::conventions().into_iter().filter(fits).collect();
    found.fact(
        "conventions",
        match fitting.as_slice() {
            [] => "none that is known has as many".to_string(),
            names => format!("{} have as many", names.join(", ")),
        },
    );
    if let Some(first) = fitting.first() {
        match keypoints::beyond(first) {
            (0, 0) => {}
            (0, fingers) => found.fact(
                "passed over",
                format!("{fingers} points on a body without fingers"),
            ),
            (nowhere, 0) => found.fact("passed over", format!("{nowhere} points that no body has")),
            (nowhere, fingers) => found.fact(
                "passed over",
                format!(
                    "{nowhere} points that no body has, {fingers} more on a body without fingers"
                ),
            ),
        }
    }
    if fitting.contains(&"BODY_25") && lists.hands {
        fitting.push("BODY_25_HANDS");
        if lists.face {
            fitting.push("BODY_25_HANDS_FACE");
        }
    }
    fitting
}

fn table(detections: &Detections) -> String {
    let mut table = Table::default();
    table.row(["view", "frames", "numbered", "people", "keypoints seen"]);
    for view in &detections.views {
        let numbers = match (view.frames.first(), view.frames.last()) {
            (Some(first), Some(last)) => format!("{} to {}", first.number, last.number),
            _ => String::new(),
        };
        let seen = |people: &[Person]| people.iter().filter(|p| !p.keypoints.is_empty()).count();
        let people = view.frames.iter().map(|frame| seen(&frame.people));
        let (least, most) = (people.clone().min(), people.max());
        let keypoints = view
            .frames
            .iter()
            .flat_map(|f| &f.people)
            .flat_map(|p| &p.keypoints);
        let all = keypoints.clone().count();
        let seen = keypoints.filter(|k| k[2] > 0.0).count();
        table.row([
            view.name.clone(),
            view.frames.len().to_string(),
            numbers,
            match (least.unwrap_or(0), most.unwrap_or(0)) {
                (least, most) if least == most => most.to_string(),
                (least, most) => format!("{least} to {most}"),
            },
            super::table::percent(seen as f64 / all.max(1) as f64),
        ]);
    }
    table.text()
}
