//! Reads the marker layouts of MoSh and SOMA, JSON with a vertex number for each label.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};

use super::{Layout, LayoutMarker, Place};
use crate::io::FileError;

#[derive(Deserialize)]
struct File {
    markersets: Vec<MarkerSet>,
}

#[derive(Deserialize)]
struct MarkerSet {
    indices: Indices,
    distance_from_skin: Option<f64>,
}

/// Labels and vertices in the order of the file.
struct Indices(Vec<(String, usize)>);

/// All marker sets of a file as one layout; each keeps its distance from the skin.
pub(super) fn parse(path: &Path, text: &str) -> Result<Layout, FileError> {
    let file: File = serde_json::from_str(text).map_err(|error| {
        FileError::new(path, format!("not a marker layout: {error}"))
            .with_hint("expected {\"markersets\": [{\"indices\": {\"LFWT\": 857}, \"distance_from_skin\": 0.0095}]}")
    })?;
    let mut markers: Vec<LayoutMarker> = Vec::new();
    let mut labels = std::collections::BTreeSet::new();
    for set in file.markersets {
        let offset = distance(path, set.distance_from_skin)?;
        for (label, vertex) in set.indices.0 {
            if !labels.insert(label.clone()) {
                let message = format!("two markers have the label `{label}`");
                return Err(FileError::new(path, message));
            }
            markers.push(LayoutMarker {
                label,
                place: Place::Vertex(vertex),
                aliases: Vec::new(),
                offset,
            });
        }
    }
    if markers.is_empty() {
        return Err(FileError::new(path, "the file holds no marker"));
    }
    let stem = path.file_stem().unwrap_or_default();
    Ok(Layout {
        name: stem.to_string_lossy().into_owned(),
        markers,
        offset: None,
    })
}

fn distance(path: &Path, metres: Option<f64>) -> Result<Option<f64>, FileError> {
    match metres {
        Some(m) if !(0.0..=super::values::LARGEST_OFFSET).contains(&m) => {
            let message = format!("`distance_from_skin`: {m} m is no distance from the skin");
            Err(FileError::new(path, message))
        }
        metres => Ok(metres),
    }
}

impl<'de> Deserialize<'de> for Indices {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Indices(Vec::new()))
    }
}

impl<'de> Visitor<'de> for Indices {
    type Value = Indices;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a vertex number for each label")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Indices, A::Error> {
        while let Some(entry) = map.next_entry()? {
            self.0.push(entry);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{
 "surface_model_type": "smplh",
 "markersets": [
  {"type": "body", "indices": {"LFWT": 857, "C7": 3470}, "distance_from_skin": 0.0095, "color": [1, 0, 0]},
  {"type": "fingers", "indices": {"LTHM": 2224}, "distance_from_skin": 0.004},
  {"indices": {"X": 1}}
 ]
}"#;

    fn read(text: &str) -> Result<Layout, FileError> {
        parse(Path::new("soma/body.json"), text)
    }

    #[test]
    fn sets_are_merged_in_order_and_keep_their_distances() {
        let layout = read(BODY).unwrap();
        assert_eq!(layout.name, "body");
        let markers = layout.markers.iter();
        let found: Vec<_> = markers
            .map(|m| (m.label.as_str(), m.place.clone(), m.offset))
            .collect();
        assert_eq!(
            found,
            [
                ("LFWT", Place::Vertex(857), Some(0.0095)),
                ("C7", Place::Vertex(3470), Some(0.0095)),
                ("LTHM", Place::Vertex(2224), Some(0.004)),
                ("X", Place::Vertex(1), None),
            ]
        );
    }

    #[test]
    fn mistakes_have_a_line_or_a_name() {
        let message = |old: &str, new: &str| {
            assert!(BODY.contains(old));
            read(&BODY.replace(old, new)).unwrap_err().message
        };
        assert_eq!(
            message("857", "8.5"),
            "not a marker layout: invalid type: floating point `8.5`, expected usize at line 4 column 42"
        );
        assert_eq!(
            message("857", "-1"),
            "not a marker layout: invalid value: integer `-1`, expected usize at line 4 column 41"
        );
        assert_eq!(
            message("markersets", "sets"),
            "not a marker layout: missing field `markersets` at line 8 column 1"
        );
        assert_eq!(message("LTHM", "C7"), "two markers have the label `C7`");
        assert_eq!(
            message("0.004", "9.5"),
            "`distance_from_skin`: 9.5 m is no distance from the skin"
        );
        let none = read(r#"{"markersets": []}"#).unwrap_err().message;
        assert_eq!(none, "the file holds no marker");
    }

    #[test]
    fn damage_never_panics() {
        crate::io::testing::damage(BODY.as_bytes(), |bytes| {
            let _ = read(&String::from_utf8_lossy(bytes));
        });
    }
}
