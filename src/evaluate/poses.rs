//! The real poses that priors are held against, with what is wrong with a file of them.

use std::path::Path;

use crate::io::FileError;
use crate::io::npz::{ArrayKind, Member, Npz};
use crate::io::poses::{self, UNIQUE, taken_rows};

/// Real poses, and which of them hang together.
#[derive(Clone, Debug)]
pub(super) struct Real {
    pub poses: Vec<Vec<f64>>,
    /// For each pose its recording, or a stretch of the file.
    pub clusters: Vec<usize>,
}

/// Stretches of a file that says of no ten recordings.
const STRETCHES: usize = 50;
const ENOUGH: usize = 10;

/// The array that says of which recording each row is.
const SEQUENCE: &str = "sequence";

/// Reads `pose_body` or AMASS's `poses`, the rows `unique_idx` where the file names them.
pub(super) fn read(path: &Path) -> Result<Real, FileError> {
    let all = poses::read(path)?;
    let npz = Npz::open(path)?;
    let rows = taken_rows(&npz, Some(UNIQUE).filter(|name| npz.has(name)), all.nrows())?;
    let found: Vec<Vec<f64>> = rows.iter().map(|&r| all.row(r).to_vec()).collect();
    check(&found, &rows).map_err(|message| npz.error(message))?;
    let clusters = clusters(&npz, &rows, all.nrows())?;
    Ok(Real {
        poses: found,
        clusters,
    })
}

fn clusters(npz: &Npz, rows: &[usize], all: usize) -> Result<Vec<usize>, FileError> {
    let says = |m: &&Member| m.name == SEQUENCE && m.shape == [all] && m.kind == ArrayKind::Integer;
    let mut of: Vec<i64> = Vec::new();
    if npz.members().iter().any(|m| says(&m)) {
        let sequence: Vec<i64> = npz.integers(SEQUENCE)?.iter().copied().collect();
        of = rows.iter().map(|r| sequence[*r]).collect();
    }
    let mut known = of.clone();
    known.sort_unstable();
    known.dedup();
    if known.len() < ENOUGH {
        let stretch = |r: &usize| STRETCHES * r / all.max(1);
        return Ok(rows.iter().map(stretch).collect());
    }
    let place = |id: &i64| known.binary_search(id).unwrap_or(0);
    Ok(of.iter().map(place).collect())
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
    Ok(())
}

/// At most `most` of the poses, drawn without replacement.
pub(super) fn some(real: &Real, most: usize, seed: u64) -> Real {
    let mut order: Vec<usize> = (0..real.poses.len()).collect();
    crate::random::SplitMix64(seed).shuffle(&mut order);
    order.truncate(most);
    Real {
        poses: order.iter().map(|i| real.poses[*i].clone()).collect(),
        clusters: order.iter().map(|i| real.clusters[*i]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::NpzWriter;
    use crate::io::poses::POSE;

    fn said(rows: usize, values: &[f64]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("poses.npz");
        let mut writer = NpzWriter::create(&path);
        let columns = values.len().checked_div(rows).unwrap_or(POSE);
        writer
            .floats64("pose_body", &[rows, columns], values)
            .unwrap();
        writer.finish().unwrap();
        read(&path).map_or_else(|e| e.message, |p| format!("{} poses", p.poses.len()))
    }

    #[test]
    fn degrees_nan_and_empty_sets_are_refused_by_name() {
        assert_eq!(said(2, &[0.5; 126]), "2 poses");
        assert!(said(2, &[25.0; 126]).contains("degrees"));
        let mut nan = [0.1; 126];
        nan[70] = f64::NAN;
        assert!(said(2, &nan).contains("the first in row 1"));
        assert_eq!(said(0, &[]), "there is no pose in the file");
    }
}
