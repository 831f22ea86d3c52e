//! What runs left on disk, for the view in space.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use ndarray::Array3;

use super::scene::Shown;
use crate::compare::Comparison;
use crate::io::npz::Npz;

/// Frames that a page shows, at most.
const FRAMES: usize = 500;

/// The elements of the verdict's measure, evenly chosen, with the worst of all.
pub(super) fn chosen(of: &Comparison) -> Option<Vec<Shown>> {
    let table = of.measures.iter().find(|m| m.axis == "frame")?;
    let primary = of
        .primary
        .map(|p| &of.measures[p])
        .filter(|m| m.axis == "frame");
    let table = primary.unwrap_or(table);
    let step = table.elements.len().div_ceil(FRAMES).max(1);
    let worst = super::pictures::worst_elements(table);
    let wanted = (0..table.elements.len()).filter(|e| e % step == 0 || worst.contains(e));
    let shown = wanted.map(|e| Shown {
        data: table.data[table.elements[e].data].clone(),
        number: table.elements[e].name.clone(),
    });
    let found: Vec<Shown> = shown.collect();
    (!found.is_empty()).then_some(found)
}

pub(super) fn is_later_seed(of: &Comparison, run: &crate::compare::CompareRun) -> bool {
    let same = |r: &&crate::compare::CompareRun| r.method == run.method && r.data == run.data;
    of.runs
        .iter()
        .find(same)
        .is_some_and(|first| first.seed != run.seed)
}

/// The skeletons of a run.
pub(super) struct Skeletons {
    /// (frames, joints, 3), metres, in the data's axes.
    pub joints: Array3<f64>,
    /// The place of each joint's parent; -1 of the root.
    pub parents: Vec<i64>,
    /// Where each frame stands, by what the data call it.
    pub rows: HashMap<String, usize>,
    pub rate: f64,
}

/// None of a run without a body, or with arrays that do not fit each other.
pub(super) fn read_skeletons(dir: &Path) -> Option<Skeletons> {
    let npz = Npz::open(dir.join("params.npz")).ok()?;
    let parents = npz.floats("joint_parents").ok()?;
    let joints = npz.floats_of::<ndarray::Ix3>("joints").ok()?;
    let numbers = npz.floats("frame_number").ok()?;
    let rate = npz.floats("mocap_framerate").ok();
    let rate = rate.and_then(|r| r.first().copied());
    let parents: Vec<i64> = parents.iter().map(|p| *p as i64).collect();
    let (frames, count, dims) = joints.dim();
    let in_order = |p: &i64| (-1..count as i64).contains(p);
    let fits = count > 0 && dims == 3 && parents.len() == count && numbers.len() == frames;
    (fits && parents.iter().all(in_order)).then(|| Skeletons {
        joints,
        parents,
        rows: numbers
            .iter()
            .enumerate()
            .map(|(row, n)| (n.to_string(), row))
            .collect(),
        rate: rate.filter(|r| r.is_finite() && *r > 0.0).unwrap_or(30.0),
    })
}

/// A term and a label for each point in space.
pub(super) type Names = Vec<(String, String)>;

pub(super) fn point_names(of: &Comparison) -> Names {
    let mut names: Names = Vec::new();
    let mut known = HashSet::new();
    for run in &of.runs {
        let Ok(dir) = &run.dir else { continue };
        each_row(&dir.join("points.csv"), &mut |row| {
            let name = (row[0].to_string(), row[3].to_string());
            if &row[4] == "m" && known.insert(name.clone()) {
                names.push(name);
            }
        });
    }
    names
}

fn each_row(path: &Path, tell: &mut dyn FnMut(&csv::StringRecord)) {
    let Ok(mut reader) = csv::Reader::from_path(path) else {
        return;
    };
    let mut row = csv::StringRecord::new();
    while matches!(reader.read_record(&mut row), Ok(true)) {
        if row.len() >= 13 {
            tell(&row);
        }
    }
}

pub(super) fn read_points(
    path: &Path,
    names: &Names,
    (frames, data): (&[Shown], &str),
    put: &mut dyn FnMut((usize, usize), [f64; 3], [f64; 3]),
) {
    let places: HashMap<&str, usize> = frames
        .iter()
        .enumerate()
        .filter(|(_, s)| s.data == data)
        .map(|(f, s)| (s.number.as_str(), f))
        .collect();
    let points: HashMap<(&str, &str), usize> = names
        .iter()
        .enumerate()
        .map(|(p, (term, label))| ((term.as_str(), label.as_str()), p))
        .collect();
    each_row(path, &mut |row| {
        let place = places.get(&row[1]).zip(points.get(&(&row[0], &row[3])));
        if let Some((f, p)) = place.filter(|_| &row[4] == "m") {
            let number = |c: usize| row[c].parse().unwrap_or(f64::NAN);
            put((*f, *p), [6, 7, 8].map(number), [9, 10, 11].map(number));
        }
    });
}

/// From the axes of the data to y up.
pub(super) fn upright([x, y, z]: [f64; 3], up: &str) -> [f64; 3] {
    match up {
        "z" => [x, z, -y],
        "-z" => [x, -z, y],
        "x" => [-y, x, z],
        "-x" => [y, -x, z],
        "-y" => [x, -y, -z],
        _ => [x, y, z],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_axis_that_is_up_becomes_y_and_no_world_is_mirrored() {
        for (up, axis) in [
            ("x", [1.0, 0.0, 0.0]),
            ("-z", [0.0, 0.0, -1.0]),
            ("z", [0.0, 0.0, 1.0]),
            ("-x", [-1.0, 0.0, 0.0]),
            ("-y", [0.0, -1.0, 0.0]),
        ] {
            assert_eq!(upright(axis, up)[1], 1.0, "{up}");
            let columns =
                [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(|c| upright(c, up));
            let turn = nalgebra::Matrix3::from_fn(|i, k| columns[k][i]);
            assert_eq!(turn.determinant(), 1.0, "{up}");
        }
    }
}
