//! Poses of a body's 21 joints in `.npz` files, for everybody who reads them: axis-angle, rad.

use std::path::Path;

use ndarray::{Array2, ArrayView2, Axis, s};

use super::FileError;
use super::npz::{ArrayKind, Npz};

/// Numbers of a pose: the joints 1 to 21.
pub(crate) const POSE: usize = 63;

/// Rows that a file holds beside poses worth a look; see [`taken_rows`].
pub(crate) const UNIQUE: &str = "unique_idx";

/// A joint that turns further than a full turn was written by nobody who writes radians.
const FULL_TURN: f64 = std::f64::consts::TAU + 0.1;

/// All poses of a file, (rows, 63), from `pose_body` or from `poses`. NaN stays.
pub(crate) fn read(path: &Path) -> Result<Array2<f64>, FileError> {
    let npz = Npz::open(path)?;
    let array = array_of(&npz)?;
    let poses = body_columns(&npz, array)?;
    if poses.is_empty() {
        return Err(npz.error("there is no pose in the file"));
    }
    refuse_degrees(&npz, array, poses.view())?;
    Ok(poses)
}

/// The array that holds poses: `pose_body`, else `poses`.
pub(crate) fn array_of(npz: &Npz) -> Result<&'static str, FileError> {
    let known = ["pose_body", "poses"].into_iter().find(|n| npz.has(n));
    known.ok_or_else(|| {
        let names: Vec<String> = npz
            .members()
            .iter()
            .map(|m| format!("`{}`", m.name))
            .collect();
        let error = npz.error("there is no array `pose_body` (rows, 63) or `poses` as in AMASS");
        error.with_hint(format!("it holds {}", names.join(", ")))
    })
}

/// The 63 numbers of the body's joints; whole poses begin with the root's three.
pub(crate) fn body_columns(npz: &Npz, array: &str) -> Result<Array2<f64>, FileError> {
    let poses: Array2<f64> = npz.floats_of(array)?;
    match poses.ncols() {
        POSE => Ok(poses),
        66 | 72 | 156 | 165 => Ok(poses.slice(s![.., 3..66]).to_owned()),
        columns => Err(npz.error(format!(
            "array `{array}` has {columns} columns; permitted are 63 (the body), 66 (with the root), \
             72 (SMPL), 156 (SMPL+H) and 165 (SMPL-X)"
        ))),
    }
}

/// The rows that an array of indices or of truth values names, without those that `valid` calls false.
pub(crate) fn taken_rows(
    npz: &Npz,
    name: Option<&str>,
    rows: usize,
) -> Result<Vec<usize>, FileError> {
    let mut taken: Vec<usize> = match name {
        None => (0..rows).collect(),
        Some(name) if npz.member(name)?.kind == ArrayKind::Bool => {
            let mask = npz.bools(name)?;
            expect_rows(npz, name, mask.len(), rows)?;
            let set = mask.iter().enumerate().filter(|(_, set)| **set);
            set.map(|(row, _)| row).collect()
        }
        Some(name) => {
            let numbers = npz.integers(name)?;
            let row = |n: &i64| usize::try_from(*n).ok().filter(|row| *row < rows);
            let wrong = |n: &i64| npz.error(format!("array `{name}` names row {n} of {rows}"));
            let named = numbers.iter().map(|n| row(n).ok_or_else(|| wrong(n)));
            named.collect::<Result<_, _>>()?
        }
    };
    let valid = npz.members().iter().find(|m| m.name == "valid");
    if valid.is_some_and(|m| m.shape == [rows] && m.kind == ArrayKind::Bool) {
        let valid = npz.bools("valid")?;
        let valid: Vec<bool> = valid.iter().copied().collect();
        taken.retain(|&row| valid[row]);
    }
    Ok(taken)
}

pub(crate) fn expect_rows(
    npz: &Npz,
    name: &str,
    found: usize,
    rows: usize,
) -> Result<(), FileError> {
    let message = || format!("array `{name}` has {found} entries for {rows} poses");
    match found == rows {
        true => Ok(()),
        false => Err(npz.error(message())),
    }
}

/// Refuses poses of whose joints more than one in a hundred turns further than a full turn.
pub(crate) fn refuse_degrees(
    npz: &Npz,
    array: &str,
    poses: ArrayView2<'_, f64>,
) -> Result<(), FileError> {
    let turns = |joint: &ndarray::ArrayView1<'_, f64>| joint.dot(joint).sqrt() > FULL_TURN;
    let joints = |row: ndarray::ArrayView1<'_, f64>| {
        let joints = (0..POSE / 3).map(|j| row.slice(s![3 * j..3 * j + 3]).to_owned());
        joints.filter(|w| turns(&w.view())).count()
    };
    let beyond: Vec<usize> = poses.axis_iter(Axis(0)).map(joints).collect();
    let count: usize = beyond.iter().sum();
    if count * 100 <= poses.len() / 3 {
        return Ok(());
    }
    let first = beyond.iter().position(|&n| n > 0).unwrap_or(0);
    let message = format!(
        "array `{array}` looks like degrees: {} of {} poses have a joint that turns by more than 2π, \
         the first is row {first}",
        beyond.iter().filter(|&&n| n > 0).count(),
        poses.nrows(),
    );
    let hint = "poses are axis-angle in radians; multiply by π/180 before saving them";
    Err(npz.error(message).with_hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::NpzWriter;

    fn said(values: &[f64], columns: usize) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.npz");
        let mut writer = NpzWriter::create(&path);
        let shape = [values.len() / columns, columns];
        writer.floats64("poses", &shape, values).unwrap();
        writer.finish().unwrap();
        read(&path).map_or_else(|e| e.message, |p| format!("{} x {}", p.nrows(), p.ncols()))
    }

    #[test]
    fn whole_poses_are_cut_to_the_body_and_a_part_in_degrees_is_noticed() {
        let mut poses = vec![0.5; 10 * 72];
        assert_eq!(said(&poses, 72), "10 x 63");
        assert_eq!(said(&[], 63), "there is no pose in the file");
        assert!(said(&[0.1; 140], 70).contains("70 columns"));
        poses[7 * 72 + 3..8 * 72].fill(30.0);
        assert_eq!(
            said(&poses, 72),
            "array `poses` looks like degrees: 1 of 10 poses have a joint that turns by more than \
             2π, the first is row 7"
        );
    }
}
