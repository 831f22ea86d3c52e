//! AMASS motions, turned y up.

use std::path::Path;

use nalgebra::{Rotation3, Vector3};

use super::{Reader, Up};
use crate::data::{Dataset, Motion};
use crate::io::{FileError, amass};
use crate::rotation::axis_angle;

impl Reader<'_> {
    pub(super) fn motion(&mut self, path: &Path) -> Result<Option<(Dataset, Up)>, FileError> {
        let motion = amass::read(path)?;
        self.files.push(path.into());
        let up = self.up(Up::named(motion.up).unwrap_or(Up::Z));
        let turn = up.upright();
        let vector = |row: ndarray::ArrayView1<'_, f64>| Vector3::new(row[0], row[1], row[2]);
        let range = self.frame_range();
        let frames = || (0..motion.trans.nrows()).filter(|f| range.contains(&(*f as u64)));
        if frames().next().is_none() {
            self.no_frame_left();
            return Ok(None);
        }
        let root = |f: usize| {
            let local = Rotation3::new(vector(motion.root_orient.row(f)));
            axis_angle(&(turn * local.matrix())).into()
        };
        let motion = Motion {
            pose_body: frames()
                .map(|f| motion.poses_body.row(f).to_vec())
                .collect(),
            root_orient: frames().map(root).collect(),
            trans: frames()
                .map(|f| vector(motion.trans.row(f)).into())
                .collect(),
            betas: motion.betas.clone(),
            rate: self.rate(motion.rate),
            frame_numbers: frames().map(|f| f as u64).collect(),
            upright: turn,
        };
        Ok(Some((Dataset::Motion(motion), up)))
    }
}
