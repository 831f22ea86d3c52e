//! What the files of optical markers hold, whatever their format.

use std::collections::BTreeSet;
use std::path::Path;

use ndarray::Array3;

use super::error::FileError;

/// Labelled points over time, as the file has them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Markers {
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
}

impl Markers {
    /// Metres in one unit of the file; `None` where it names none that is known.
    pub(crate) fn metres(&self) -> Option<f64> {
        let unit = self.unit.as_ref()?.to_lowercase().replace("metre", "meter");
        match unit.strip_suffix('s').unwrap_or(&unit) {
            "m" | "meter" => Some(1.0),
            "dm" | "decimeter" => Some(0.1),
            "cm" | "centimeter" => Some(0.01),
            "mm" | "millimeter" => Some(0.001),
            "in" | "inch" | "inche" => Some(0.0254),
            "ft" | "foot" | "feet" => Some(0.3048),
            _ => None,
        }
    }
}

/// The unit of most files that do not say theirs.
pub(crate) fn likely_unit(format: &str) -> &'static str {
    match format {
        "bvh" => "cm",
        _ => "mm",
    }
}

/// Joining is by label, so a label stands for one point.
pub(super) fn refuse_label_twice(path: &Path, labels: &[String]) -> Result<(), FileError> {
    let mut seen = BTreeSet::new();
    match labels.iter().find(|label| !seen.insert(label.as_str())) {
        None => Ok(()),
        Some(label) => Err(
            FileError::new(path, format!("two points have the label `{label}`"))
                .with_hint("give one of them another label in the program that wrote the file"),
        ),
    }
}

/// An absent marker is often written as zeros; none lies at the origin to the last digit.
pub(super) fn or_missing(point: [f64; 3]) -> [f64; 3] {
    match point == [0.0; 3] || point.iter().any(|x| !x.is_finite()) {
        true => [f64::NAN; 3],
        false => point,
    }
}
