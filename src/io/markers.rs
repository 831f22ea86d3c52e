//! What the files of optical markers hold, whatever their format.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{Array3, Axis};

use super::error::listed;

/// Labelled points over time, as the file has them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Markers {
    /// With the subject before a colon where the file has it so; a label may stand twice.
    pub labels: Vec<String>,
    /// (frames, points, 3) in the file's unit and axes; NaN is missing.
    pub values: Array3<f64>,
    /// As the file writes it, such as `mm`.
    pub unit: Option<String>,
    /// Frames per second.
    pub rate: Option<f64>,
    /// The axis that the file says points up.
    pub up: Option<char>,
    /// What the file calls each frame; ascending.
    pub frame_numbers: Vec<u64>,
    /// Where the file contradicts itself or was read in part.
    pub warnings: Vec<String>,
    /// Why nothing was seen, where the file marks every point so.
    pub unseen: Option<String>,
}

/// Names of units by how many metres they are; a file may cut them off.
const UNITS: [(&str, f64); 9] = [
    ("meters", 1.0),
    ("metres", 1.0),
    ("decimeters", 0.1),
    ("decimetres", 0.1),
    ("centimeters", 0.01),
    ("centimetres", 0.01),
    ("millimeters", 0.001),
    ("millimetres", 0.001),
    ("inches", 0.0254),
];

impl Markers {
    /// Metres in one unit of the file; `None` where it names none that is known.
    pub(crate) fn metres(&self) -> Option<f64> {
        let unit = self.unit.as_ref()?.to_lowercase();
        let unit = unit.trim_matches(|c: char| !c.is_alphabetic());
        match unit {
            "m" => Some(1.0),
            "dm" => Some(0.1),
            "cm" | "cms" => Some(0.01),
            "mm" | "mms" => Some(0.001),
            "in" => Some(0.0254),
            "ft" | "foot" | "feet" | "foo" | "fee" => Some(0.3048),
            // As `mi` also miles would begin.
            _ if unit.len() < 3 => None,
            _ => {
                let cut_off = |known: &&(&str, f64)| known.0.starts_with(unit);
                UNITS.iter().find(cut_off).map(|known| known.1)
            }
        }
    }

    /// The markers of one subject, or of the only one, without its name.
    pub(crate) fn of_subject(self, subject: Option<&str>) -> Markers {
        let (kept, labels): (Vec<usize>, Vec<String>) =
            of_subject(&self.labels, subject).into_iter().unzip();
        Markers {
            labels,
            ..self.select(&kept)
        }
    }

    /// Joining is by label, so a label stands for one point: the first that ever has a place.
    pub(crate) fn one_for_each_label(self) -> Markers {
        let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, label) in self.labels.iter().enumerate() {
            places.entry(label).or_default().push(at);
        }
        let mut copies = Vec::new();
        let mut kept = Vec::new();
        for (label, places) in &places {
            let seen: Vec<usize> = places.iter().copied().filter(|&p| self.has(p)).collect();
            if seen.len() > 1 {
                copies.push(label.to_string());
            }
            kept.push(*seen.first().unwrap_or(&places[0]));
        }
        kept.sort_unstable();
        let mut markers = self.select(&kept);
        if !copies.is_empty() {
            let names = listed(&copies);
            markers.warnings.push(format!(
                "several points have one label: {names}; the first of each is kept, the others are left out"
            ));
        }
        markers
    }

    /// Whether a point has a place in any frame.
    fn has(&self, point: usize) -> bool {
        let values = self.values.index_axis(Axis(1), point);
        values.iter().any(|x| x.is_finite())
    }

    fn select(mut self, kept: &[usize]) -> Markers {
        if kept.len() < self.labels.len() {
            self.values = self.values.select(Axis(1), kept);
            self.labels = kept.iter().map(|&at| self.labels[at].clone()).collect();
        }
        self
    }
}

/// Whose points there are: what stands before the colon of `Ann:LASI`.
pub(crate) fn subjects(labels: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let subjects = labels.iter().filter_map(|label| split(label).0);
    let fresh = subjects.filter(|subject| seen.insert(*subject));
    fresh.map(str::to_string).collect()
}

/// The places of one subject's labels, or of all, with the labels; without a subject's name where there is one only.
pub(crate) fn of_subject(labels: &[String], subject: Option<&str>) -> Vec<(usize, String)> {
    let several = subject.is_none() && subjects(labels).len() > 1;
    let of = |label: &str| subject.is_none() || split(label).0 == subject;
    let own = |label: &str| match several {
        true => label.to_string(),
        false => split(label).1.to_string(),
    };
    let kept = labels.iter().enumerate().filter(|(_, label)| of(label));
    kept.map(|(at, label)| (at, own(label))).collect()
}

/// Subject and own name of a label.
fn split(label: &str) -> (Option<&str>, &str) {
    match label.split_once(':') {
        Some((subject, own)) if !subject.is_empty() && !own.is_empty() => (Some(subject), own),
        _ => (None, label),
    }
}

/// An absent marker is often written as zeros; none lies at the origin to the last digit.
pub(super) fn or_missing(point: [f64; 3]) -> [f64; 3] {
    match point == [0.0; 3] || point.iter().any(|x| !x.is_finite()) {
        true => [f64::NAN; 3],
        false => point,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markers(labels: &[&str], x: &[f64]) -> Markers {
        let labels: Vec<String> = labels.iter().map(|l| l.to_string()).collect();
        Markers {
            values: Array3::from_shape_fn((1, labels.len(), 3), |(_, p, _)| x[p]),
            labels,
            ..Default::default()
        }
    }

    #[test]
    fn units_are_known_however_they_are_cut_off() {
        let metres = |unit: &str| {
            let unit = Some(unit.to_string());
            let read = Markers {
                unit,
                ..Default::default()
            };
            read.metres()
        };
        for (unit, expected) in [
            ("m", 1.0),
            ("met", 1.0),
            ("mete", 1.0),
            ("METR", 1.0),
            ("Metres", 1.0),
            ("mm", 0.001),
            ("[mm]", 0.001),
            ("mill", 0.001),
            ("millimet", 0.001),
            ("millimetre", 0.001),
            ("cm", 0.01),
            ("cent", 0.01),
            ("inch", 0.0254),
            ("Inches", 0.0254),
            ("in", 0.0254),
            ("feet", 0.3048),
            ("ft", 0.3048),
        ] {
            assert_eq!(metres(unit), Some(expected), "{unit}");
        }
        for unit in ["", "mi", "miles", "deg", "metersx", "pixels", "c"] {
            assert_eq!(metres(unit), None, "{unit}");
        }
    }

    #[test]
    fn one_subject_is_left_out_and_of_several_one_is_chosen() {
        let one = markers(&["Ann:LASI", "Ann:RASI", "box"], &[1.0, 2.0, 3.0]);
        assert_eq!(one.clone().of_subject(None).labels, ["LASI", "RASI", "box"]);
        assert_eq!(one.of_subject(Some("Ann")).labels, ["LASI", "RASI"]);
        let two = markers(&["Ann:LASI", "Bob:LASI", "box"], &[1.0, 2.0, 3.0]);
        assert_eq!(subjects(&two.labels), ["Ann", "Bob"]);
        assert_eq!(two.clone().of_subject(None).labels, two.labels);
        let bob = two.of_subject(Some("Bob"));
        assert_eq!(
            (bob.labels, bob.values[[0, 0, 0]]),
            (vec!["LASI".to_string()], 2.0)
        );
    }

    #[test]
    fn of_points_with_one_label_the_first_that_was_seen_is_kept() {
        let nan = f64::NAN;
        let read = markers(&["A", "B", "A", "B", "C"], &[nan, 1.0, 2.0, 3.0, nan]);
        let kept = read.one_for_each_label();
        assert_eq!(kept.labels, ["B", "A", "C"]);
        assert_eq!((kept.values[[0, 0, 0]], kept.values[[0, 1, 0]]), (1.0, 2.0));
        assert_eq!(
            kept.warnings,
            [
                "several points have one label: `B`; the first of each is kept, the others are left out"
            ]
        );
    }
}
