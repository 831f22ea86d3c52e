//! Where optical markers sit on a body: layouts of labels and places, embedded or read from a file.

mod centres;
mod rule;
pub(crate) mod sides;
mod soma;
mod surface;
mod text;
mod values;

use std::path::Path;

use super::BodyModel;
use crate::io::{FileError, read_text};

pub use rule::Rule;

const LAYOUTS: [(&str, &str); 4] = [
    ("plug-in-gait", include_str!("layouts/plug-in-gait.toml")),
    (
        "opensim-markers-walk",
        include_str!("layouts/opensim-markers-walk.toml"),
    ),
    (
        "opensim-subject01",
        include_str!("layouts/opensim-subject01.toml"),
    ),
    (
        "opensim-walking2",
        include_str!("layouts/opensim-walking2.toml"),
    ),
];

/// A set of markers with their places on a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    pub name: String,
    pub markers: Vec<LayoutMarker>,
    /// Distance of a marker's centre from the skin, m; none where it is not said.
    pub offset: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LayoutMarker {
    pub label: String,
    pub place: Place,
    /// Other names of the same marker in files.
    pub aliases: Vec<String>,
    /// Distance of this marker's centre from the skin, m, where it is not the layout's.
    pub offset: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    Vertex(usize),
    Face {
        face: usize,
        barycentric: [f64; 3],
    },
    /// Fixed to a joint: offset in metres in the joint's rest axes.
    Joint {
        joint: String,
        offset: [f64; 3],
    },
    Rule(Rule),
}

/// Where a marker sits on one body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Site {
    /// A point of one face: its three vertices, counter-clockwise seen from outside, and barycentric weights.
    Surface {
        vertices: [usize; 3],
        weights: [f64; 3],
    },
    /// Fixed to a joint: offset in metres in the joint's rest axes.
    Joint { joint: usize, offset: [f64; 3] },
}

impl Layout {
    /// The names of the embedded layouts.
    pub fn names() -> Vec<&'static str> {
        LAYOUTS.iter().map(|(name, _)| *name).collect()
    }

    /// The text of an embedded layout.
    pub(crate) fn text(name: &str) -> Option<&'static str> {
        LAYOUTS
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, text)| *text)
    }

    pub fn embedded(name: &str) -> Option<Layout> {
        let (name, text) = LAYOUTS.iter().find(|(n, _)| *n == name)?;
        Some(text::parse(Path::new(name), text).expect("the embedded layouts are valid"))
    }

    /// Reads a layout in TOML, or in the JSON of MoSh and SOMA.
    pub fn from_file(path: &Path) -> Result<Layout, FileError> {
        let ending = path.extension().and_then(|e| e.to_str());
        match ending.map(str::to_lowercase).as_deref() {
            Some("toml") => text::parse(path, &read_text(path)?),
            Some("json") => soma::parse(path, &read_text(path)?),
            _ => Err(FileError::new(
                path,
                "a marker layout ends in `.toml` or `.json`",
            )),
        }
    }

    /// Finds a marker's place on a body; the message of a failure names the marker.
    pub(crate) fn site(&self, body: &BodyModel, marker: usize) -> Result<Site, String> {
        let Some(marker) = self.markers.get(marker) else {
            return Err(format!("the layout has no marker number {marker}"));
        };
        let site = match &marker.place {
            Place::Vertex(vertex) => vertex_site(body, *vertex),
            Place::Face { face, barycentric } => face_site(body, *face, *barycentric),
            Place::Joint { joint, offset } => joint_site(body, joint, *offset),
            Place::Rule(rule) => rule.site(body),
        };
        site.map_err(|what| format!("`{}`: {what}", marker.label))
    }
}

fn vertex_site(body: &BodyModel, vertex: usize) -> Result<Site, String> {
    let count = body.template.nrows();
    if vertex >= count {
        return Err(format!("there is no vertex {vertex}, the body has {count}"));
    }
    let vertices = surface::face_around(body, vertex)
        .ok_or_else(|| format!("no face of the body has the vertex {vertex}"))?;
    let weights = vertices.map(|v| if v == vertex { 1.0 } else { 0.0 });
    Ok(Site::Surface { vertices, weights })
}

fn face_site(body: &BodyModel, face: usize, weights: [f64; 3]) -> Result<Site, String> {
    let count = body.faces.nrows();
    if face >= count {
        return Err(format!("there is no face {face}, the body has {count}"));
    }
    let vertices = surface::corners(body, face);
    Ok(Site::Surface { vertices, weights })
}

fn joint_site(body: &BodyModel, joint: &str, offset: [f64; 3]) -> Result<Site, String> {
    let found = body.joint_names.iter().position(|name| name == joint);
    let joint = found.ok_or_else(|| format!("the body has no joint `{joint}`"))?;
    Ok(Site::Joint { joint, offset })
}

#[cfg(test)]
mod tests;
