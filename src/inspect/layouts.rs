//! Marker layouts.

use std::path::Path;

use super::Inspection;
use super::table::{Table, number};
use crate::body::markers::{Layout, Place};
use crate::io::{FileError, read_text};

/// A layout has a key that no camera file has.
pub(super) fn is_layout(path: &Path) -> bool {
    read_text(path).is_ok_and(|text| {
        let of_layout = |l: &str| l.starts_with("[markers") || l.starts_with("[pairs");
        let lines = text.lines().any(|l| of_layout(l.trim_start()));
        lines || text.contains("\"markersets\"")
    })
}

pub(super) fn inspect(path: &Path) -> Result<Inspection, FileError> {
    let layout = Layout::from_file(path)?;
    let mut found = Inspection::new("marker layout");
    found.fact("markers", layout.markers.len().to_string());
    if let Some(offset) = layout.offset {
        found.fact("from the skin", format!("{} mm", number(1000.0 * offset)));
    }
    found.contents = markers(&layout);
    found.snippet = "[sources.surface]\nkind = \"surface\"\n".into();
    found.line("layout", &super::quoted(&path.display().to_string()), "");
    Ok(found)
}

/// Its markers with where they sit.
pub(super) fn markers(layout: &Layout) -> String {
    let mut table = Table::default();
    table.row(["marker", "place", "other names"]);
    for marker in &layout.markers {
        let place = match &marker.place {
            Place::Vertex(vertex) => format!("vertex {vertex}"),
            Place::Face { face, .. } => format!("face {face}"),
            Place::Joint { joint, .. } => format!("fixed to {joint}"),
            Place::Rule(_) => "by a rule".into(),
        };
        table.row([marker.label.clone(), place, marker.aliases.join(", ")]);
    }
    table.text()
}
