//! Detections to people by view and frame.

use std::collections::BTreeSet;

use super::{Reader, Up};
use crate::data::{Dataset, People};
use crate::diagnostic::Diagnostic;
use crate::io::FileError;
use crate::io::detection_json::{self, Kind};
use crate::io::detections::{Detections, View};
use crate::io::openpose::{self, Lists};
use crate::keypoints;

impl Reader<'_> {
    pub(super) fn people(
        &mut self,
        pattern: &str,
        kind: Kind,
    ) -> Result<Option<(Dataset, Up)>, FileError> {
        let detections = match kind {
            Kind::OpenPose => openpose::read(pattern, self.lists())?,
            _ => detection_json::read(pattern, kind)?,
        };
        self.files.push(pattern.into());
        self.warn_damaged(&detections);
        let Some(labels) = self.detected_labels(&detections) else {
            return Ok(None);
        };
        let range = self.frame_range();
        let numbers: BTreeSet<u64> = detections
            .views
            .iter()
            .flat_map(|v| v.frames.iter().map(|f| f.number))
            .filter(|n| range.contains(n))
            .collect();
        if numbers.is_empty() {
            self.no_frame_left();
            return Ok(None);
        }
        let points = labels.len();
        let frame = |number: &u64| {
            let view = |v: &View| {
                let found = v.frames.binary_search_by_key(number, |f| f.number);
                let people = found.map(|at| v.frames[at].people.iter());
                let unseen = || vec![[0.0; 3]; points];
                people.map_or(Vec::new(), |people| {
                    people
                        .map(|p| match p.keypoints.is_empty() {
                            true => unseen(),
                            false => p.keypoints.clone(),
                        })
                        .collect()
                })
            };
            detections.views.iter().map(view).collect()
        };
        let people = People {
            labels,
            views: detections.views.iter().map(|v| v.name.clone()).collect(),
            people: numbers.iter().map(frame).collect(),
            rate: self.rate(None),
            frame_numbers: numbers.iter().copied().collect(),
        };
        let everyone = people.people.iter().flatten().flatten().flatten();
        self.warn_confidences(everyone.map(|k| k[2]));
        Ok(Some((Dataset::People(people), self.up(Up::Y))))
    }

    /// The lists of OpenPose that make up the convention.
    fn lists(&mut self) -> Lists {
        let convention = self.view.text("keypoints").map_or("", |c| c.value);
        Lists {
            hands: convention.contains("_HANDS"),
            face: convention.ends_with("_FACE"),
        }
    }

    /// A damaged file is a frame without detections.
    fn warn_damaged(&mut self, detections: &Detections) {
        let origin = self.view.origin_of("file", &self.origin);
        for error in &detections.damaged {
            let message = format!("{error}; nothing is seen there");
            self.diagnostics
                .push(Diagnostic::warning("F0407", message, &origin));
        }
    }

    fn detected_labels(&mut self, detections: &Detections) -> Option<Vec<String>> {
        let everyone = detections.views.iter().flat_map(|v| &v.frames);
        let count = everyone
            .flat_map(|f| &f.people)
            .map(|p| p.keypoints.len())
            .find(|count| *count > 0);
        let labels = self.convention_labels()?;
        match (labels, count) {
            (Some(labels), Some(count)) if labels.len() != count => {
                let message = format!(
                    "`{}`: the convention has {} keypoints, but the files hold {count}",
                    self.view.path(),
                    labels.len()
                );
                let origin = self.view.origin_of("keypoints", &self.origin);
                let fitting: Vec<&str> = keypoints::conventions()
                    .into_iter()
                    .filter(|c| keypoints::labels(c).is_some_and(|l| l.len() == count))
                    .collect();
                let mut diagnostic = Diagnostic::error("F0403", message, &origin);
                if !fitting.is_empty() {
                    diagnostic =
                        diagnostic.hint(format!("with {count} keypoints: {}", fitting.join(", ")));
                }
                self.diagnostics.push(diagnostic);
                None
            }
            (Some(labels), _) => Some(labels),
            (None, _) => {
                let message = format!(
                    "`{}` does not say its keypoint convention",
                    self.view.path()
                );
                let hint = format!(
                    "add `keypoints = …`: {}",
                    keypoints::conventions().join(", ")
                );
                self.diagnostics
                    .push(Diagnostic::error("F0403", message, &self.origin).hint(hint));
                None
            }
        }
    }

    /// Labels of the convention that the spec names; the outer `None` is a mistake, reported.
    pub(super) fn convention_labels(&mut self) -> Option<Option<Vec<String>>> {
        let Some(convention) = self.view.text("keypoints") else {
            return Some(None);
        };
        match keypoints::labels(convention.value) {
            Some(labels) => Some(Some(labels)),
            None => {
                let message = format!("unknown keypoint convention `{}`", convention.value);
                let diagnostic = Diagnostic::error("F0403", message, &convention.origin);
                self.diagnostics
                    .push(diagnostic.nearest(convention.value, keypoints::conventions()));
                None
            }
        }
    }
}
