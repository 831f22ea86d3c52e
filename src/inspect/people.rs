//! Folders of OpenPose's detections.

use std::path::Path;

use super::table::Table;
use super::{Inspection, quoted};
use crate::io::openpose::{self, Detections};
use crate::io::{FileError, foreign};
use crate::keypoints;

pub(super) fn inspect(path: &Path) -> Result<Inspection, FileError> {
    if path.is_file() {
        return Err(foreign::refused(path));
    }
    let detections = openpose::read(&path.to_string_lossy())?;
    let mut found = Inspection::new("people in images (openpose)");
    found.fact("views", detections.views.len().to_string());
    let everyone = detections.views.iter().flat_map(|view| &view.frames);
    let lengths = everyone.flat_map(|frame| &frame.people);
    let count = lengths.map(|p| p.keypoints.len()).find(|n| *n > 0);
    let fitting: Vec<&str> = match count {
        None => Vec::new(),
        Some(count) => {
            found.fact("keypoints", count.to_string());
            let fits = |c: &&str| keypoints::labels(c).is_some_and(|l| l.len() == count);
            keypoints::conventions().into_iter().filter(fits).collect()
        }
    };
    found.fact(
        "conventions",
        match fitting.as_slice() {
            [] => "none that is known has as many".to_string(),
            names => format!("{} have as many", names.join(", ")),
        },
    );
    if let Some(error) = detections.damaged.first() {
        found.fact(
            "damaged",
            format!("{} files; {error}", detections.damaged.len()),
        );
    }
    found.contents = table(&detections);
    found.snippet("data.detections", "file", path);
    found.line("format", "\"openpose\"", "");
    if let Some((first, others)) = fitting.split_first() {
        let remark = match others {
            [] => String::new(),
            others => format!("or {}", others.join(", ")),
        };
        found.line("keypoints", &quoted(first), &remark);
    }
    Ok(found)
}

fn table(detections: &Detections) -> String {
    let mut table = Table::default();
    table.row(["view", "frames", "numbered", "people", "keypoints seen"]);
    for view in &detections.views {
        let numbers = match (view.frames.first(), view.frames.last()) {
            (Some(first), Some(last)) => format!("{} to {}", first.number, last.number),
            _ => String::new(),
        };
        let people = view.frames.iter().map(|frame| {
            let people = frame.people.iter();
            people.filter(|p| !p.keypoints.is_empty()).count()
        });
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
