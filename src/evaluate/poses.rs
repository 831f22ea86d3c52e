//! The real poses that priors are held against, with what is wrong with a file of them.

use std::path::Path;

use crate::io::FileError;
use crate::io::npz::Npz;

/// Numbers of a pose: axis-angle of 21 joints, rad.
pub(super) const NUMBERS: usize = 63;

/// Joints that turn further than a full turn are written by nobody who writes radians.
const FULL_TURN: f64 = std::f64::consts::TAU + 0.1;

/// Reads `pose_body` (its rows `unique_idx` where the file names them), or a motion in AMASS's format.
pub(super) fn read(path: &Path) -> Result<Vec<Vec<f64>>, FileError> {
    let npz = Npz::open(path)?;
    let poses = match npz.has("pose_body") {
        true => npz.floats_of::<ndarray::Ix2>("pose_body")?,
        false if npz.has("poses") => crate::io::amass::read(path)?.poses_body,
        false => {
            return Err(npz.error(
                "there is neither `pose_body` (poses, 63) nor a motion in AMASS's format (`poses`)",
            ));
        }
    };
    if poses.ncols() != NUMBERS {
        let message = format!(
            "array `pose_body`: expected 63 columns (axis-angle of joints 1 to 21), found {}",
            poses.ncols()
        );
        return Err(npz.error(message));
    }
    let rows = match npz.has("unique_idx") {
        true => chosen(&npz, poses.nrows())?,
        false => (0..poses.nrows()).collect(),
    };
    let found: Vec<Vec<f64>> = rows.iter().map(|&r| poses.row(r).to_vec()).collect();
    check(&found, &rows).map_err(|message| npz.error(message))?;
    Ok(found)
}

fn chosen(npz: &Npz, count: usize) -> Result<Vec<usize>, FileError> {
    let indices = npz.integers("unique_idx")?;
    let row = |index: &i64| {
        let found = usize::try_from(*index).ok().filter(|r| *r < count);
        found.ok_or_else(|| {
            npz.error(format!(
                "array `unique_idx` names row {index}, but `pose_body` has {count} rows"
            ))
        })
    };
    indices.iter().map(row).collect()
}

fn check(poses: &[Vec<f64>], rows: &[usize]) -> Result<(), String> {
    if poses.is_empty() {
        return Err("there is no pose in the file".into());
    }
    let broken = poses.iter().position(|p| p.iter().any(|x| !x.is_finite()));
    if let Some(at) = broken {
        let count = poses.iter().filter(|p| p.iter().any(|x| !x.is_finite()));
        return Err(format!(
            "{} of {} poses hold NaN or infinite numbers, the first in row {}; leave such rows out, \
             for instance by `unique_idx`",
            count.count(),
            poses.len(),
            rows[at]
        ));
    }
    let turns = poses.iter().flat_map(|p| p.chunks_exact(3));
    let beyond = turns.filter(|w| w.iter().map(|x| x * x).sum::<f64>().sqrt() > FULL_TURN);
    if beyond.count() * 100 > poses.len() * NUMBERS / 3 {
        return Err(
            "more than 1 % of the joints turn by more than 2π, so these look like degrees; \
             expected axis-angle in radians"
                .into(),
        );
    }
    Ok(())
}

/// At most `most` of the poses, drawn without replacement.
pub(super) fn some(poses: &[Vec<f64>], most: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut order: Vec<usize> = (0..poses.len()).collect();
    crate::random::SplitMix64(seed).shuffle(&mut order);
    order.truncate(most);
    order.into_iter().map(|i| poses[i].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::NpzWriter;

    fn said(rows: usize, values: &[f64]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("poses.npz");
        let mut writer = NpzWriter::create(&path);
        let columns = values.len().checked_div(rows).unwrap_or(NUMBERS);
        writer
            .floats64("pose_body", &[rows, columns], values)
            .unwrap();
        writer.finish().unwrap();
        read(&path).map_or_else(|e| e.message, |p| format!("{} poses", p.len()))
    }

    #[test]
    fn degrees_nan_and_empty_sets_are_refused_by_name() {
        assert_eq!(said(2, &[0.5; 126]), "2 poses");
        assert!(said(2, &[25.0; 126]).contains("degrees"));
        let mut nan = [0.1; 126];
        nan[70] = f64::NAN;
        assert!(said(2, &nan).contains("the first in row 1"));
        assert_eq!(said(0, &[]), "there is no pose in the file");
        assert!(said(2, &[0.1; 144]).contains("found 72"));
    }
}
