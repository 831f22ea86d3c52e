//! Poses and codes from files, and what a prior made of them into files.

use std::path::Path;

use ndarray::{Array2, ArrayView2, Ix2, s};

use crate::body::BodyModel;
use crate::io::FileError;
use crate::io::npz::{Npz, NpzWriter};
use crate::io::poses::{self, POSE};

/// Frames per second of poses that are shown one after the other.
pub(super) const RATE: f64 = 30.0;

/// Reads `pose_body` (rows, 63), or the body's columns of AMASS's `poses`; axis-angle, rad. NaN stays.
pub fn read_poses(path: &Path) -> Result<Array2<f64>, FileError> {
    poses::read(path)
}

/// Reads codes `z` (rows, latent_dim). NaN stays.
pub fn read_codes(path: &Path, latent_dim: usize) -> Result<Array2<f64>, FileError> {
    let npz = Npz::open(path)?;
    if !npz.has("z") {
        return Err(npz
            .error(format!(
                "there is no array `z` (rows, {latent_dim}) of codes"
            ))
            .with_hint("`fitrun encode` makes codes of poses"));
    }
    let codes = npz.floats_of::<Ix2>("z")?;
    match codes.ncols() == latent_dim {
        true => Ok(codes),
        false => Err(npz.error(format!(
            "array `z`: expected {latent_dim} columns for this prior, found {}",
            codes.ncols()
        ))),
    }
}

/// Writes poses (rows, 63) as AMASS does, and by name, with their codes (rows, latent).
pub fn write_poses(
    path: &Path,
    body: &BodyModel,
    poses: ArrayView2<f64>,
    codes: ArrayView2<f64>,
) -> Result<(), FileError> {
    let (rows, joints) = (poses.nrows(), body.num_joints());
    let mut all = Array2::<f64>::zeros((rows, 3 * joints));
    all.slice_mut(s![.., 3..POSE + 3]).assign(&poses);
    let mut file = NpzWriter::create(path);
    let flat = |a: ArrayView2<f64>| a.iter().copied().collect::<Vec<f64>>();
    file.floats64("poses", &[rows, 3 * joints], &flat(all.view()))?;
    file.floats64("trans", &[rows, 3], &vec![0.0; 3 * rows])?;
    file.floats64("betas", &[body.num_betas()], &vec![0.0; body.num_betas()])?;
    file.strings("gender", &[], &["neutral"])?;
    file.floats64("mocap_framerate", &[], &[RATE])?;
    file.floats64("pose_body", &[rows, POSE], &flat(poses))?;
    file.floats64("z", &[rows, codes.ncols()], &flat(codes))?;
    file.finish()
}

/// Writes codes `z` (rows, latent).
pub fn write_codes(path: &Path, codes: ArrayView2<f64>) -> Result<(), FileError> {
    let mut file = NpzWriter::create(path);
    let flat: Vec<f64> = codes.iter().copied().collect();
    file.floats64("z", &[codes.nrows(), codes.ncols()], &flat)?;
    file.finish()
}
