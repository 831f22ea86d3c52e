//! The poses of one npz: which rows are taken, and to which sequences they belong.

use ndarray::{Array2, Axis};

use super::DataSettings;
use super::files::Found;
use crate::io::FileError;
use crate::io::npz::Npz;
use crate::io::poses::{UNIQUE, body_columns, expect_rows, refuse_degrees, taken_rows};
use crate::report::sha256;

/// The rows of a file that can be trained on.
pub(super) struct PoseFile {
    pub sequences: Vec<Sequence>,
    pub rows: usize,
    pub not_taken: usize,
    pub not_finite: usize,
    /// What its owner should hear.
    pub remark: Option<String>,
    pub sha256: String,
}

/// Poses in the order of their frames, (rows, 63).
pub(super) struct Sequence {
    pub subject: Option<String>,
    pub name: String,
    pub poses: Vec<f32>,
}

/// Why a file gives no poses.
pub(super) enum Trouble {
    /// It has no array of poses.
    NoPoses(FileError),
    Degrees(FileError),
    File(FileError),
}

impl From<FileError> for Trouble {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

pub(super) fn read(found: &Found, settings: &DataSettings) -> Result<PoseFile, Trouble> {
    let bytes = crate::io::read_bytes(&found.path)?;
    let sha256 = sha256(&bytes);
    let npz = Npz::from_bytes(&found.path, bytes)?;
    let array = array(&npz, settings)?;
    let poses = body_columns(&npz, &array)?;
    let named = match settings.rows.as_deref() {
        Some("all") => None,
        None => Some(UNIQUE).filter(|name| npz.has(name)),
        some => some,
    };
    let taken = taken_rows(&npz, named, poses.nrows())?;
    let finite: Vec<usize> = taken
        .iter()
        .copied()
        .filter(|&row| poses.row(row).iter().all(|x| x.is_finite()))
        .collect();
    let remark = not_finite(&npz, &array, &taken, &finite)?;
    let seen = poses.select(Axis(0), &finite);
    refuse_degrees(&npz, &array, seen.view()).map_err(Trouble::Degrees)?;
    Ok(PoseFile {
        rows: poses.nrows(),
        not_taken: poses.nrows() - taken.len(),
        not_finite: taken.len() - finite.len(),
        sequences: sequences(&npz, found, &poses, &finite)?,
        remark,
        sha256,
    })
}

fn array(npz: &Npz, settings: &DataSettings) -> Result<String, Trouble> {
    if let Some(name) = &settings.array {
        npz.member(name)?;
        return Ok(name.clone());
    }
    let known = ["pose_body", "poses"].into_iter().find(|n| npz.has(n));
    known.map(String::from).ok_or_else(|| {
        let names: Vec<&str> = npz.members().iter().map(|m| m.name.as_str()).collect();
        let error = npz.error("there is no array `pose_body` or `poses`");
        let listed = crate::diagnostic::list(&names);
        Trouble::NoPoses(error.with_hint(format!("`data.array` can name another: {listed}")))
    })
}

/// Rows with NaN are left out, unless nothing would be left.
fn not_finite(
    npz: &Npz,
    array: &str,
    taken: &[usize],
    finite: &[usize],
) -> Result<Option<String>, FileError> {
    let (rows, missing) = (taken.len(), taken.len() - finite.len());
    if missing == 0 {
        return Ok(None);
    }
    if finite.is_empty() {
        let message = format!("array `{array}`: all {rows} rows hold NaN or infinite numbers");
        return Err(npz.error(message));
    }
    let first = taken.iter().zip(finite).find(|(t, f)| t != f);
    let first = first.map_or(taken[finite.len()], |(row, _)| *row);
    let message = format!(
        "array `{array}`: {missing} of {rows} rows hold NaN or infinite numbers and are left out, \
         the first is row {first}"
    );
    Ok(Some(npz.error(message).to_string()))
}

/// By the arrays `sequence`, `seq_name` and `seq_subject`; else the file is one sequence.
fn sequences(
    npz: &Npz,
    found: &Found,
    poses: &Array2<f64>,
    rows: &[usize],
) -> Result<Vec<Sequence>, FileError> {
    let single = |rows: &[usize]| -> Vec<f32> {
        let numbers = rows.iter().flat_map(|&row| poses.row(row).to_vec());
        numbers.map(|x| x as f32).collect()
    };
    let texts = |name: &str| match npz.has(name) {
        true => npz.strings(name),
        false => Ok(Vec::new()),
    };
    let path = found.path.display();
    if !npz.has("sequence") {
        return Ok(vec![Sequence {
            subject: found.subject.clone(),
            name: path.to_string(),
            poses: single(rows),
        }]);
    }
    let numbers: Vec<i64> = npz.integers("sequence")?.iter().copied().collect();
    expect_rows(npz, "sequence", numbers.len(), poses.nrows())?;
    let (names, subjects) = (texts("seq_name")?, texts("seq_subject")?);
    let mut by_sequence: std::collections::BTreeMap<i64, Vec<usize>> = Default::default();
    for &row in rows {
        by_sequence.entry(numbers[row]).or_default().push(row);
    }
    let sequence = |(number, rows): (&i64, &Vec<usize>)| {
        let of = |texts: &[String]| texts.get(usize::try_from(*number).ok()?).cloned();
        let name = of(&names).unwrap_or_else(|| number.to_string());
        let before = |name: &str| Some(name.rsplit_once('_')?.0.to_string());
        Sequence {
            subject: of(&subjects)
                .or_else(|| before(&name))
                .or_else(|| found.subject.clone()),
            name: format!("{path}:{name}"),
            poses: single(rows),
        }
    };
    Ok(by_sequence.iter().map(sequence).collect())
}
