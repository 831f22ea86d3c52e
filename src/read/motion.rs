//! AMASS motions, turned y up.

use std::path::Path;

use nalgebra::{Rotation3, Vector3};

use super::{Inputs, Reader, Up};
use crate::body::BodyModel;
use crate::data::{Dataset, Motion, median};
use crate::diagnostic::{Diagnostic, Diagnostics, frames};
use crate::io::{FileError, amass};
use crate::rotation::axis_angle;

/// A motion's shape is coefficients of one model: of another body's motion none of it is used, of more
/// coefficients than the body has the first.
pub(super) fn settle_shapes(inputs: &mut Inputs, diagnostics: &mut Diagnostics) {
    let Some(body) = &inputs.body else {
        return;
    };
    for input in &mut inputs.data {
        let Dataset::Motion(motion) = &mut input.dataset else {
            continue;
        };
        let used = body.num_betas().min(motion.betas.len());
        let of_file = motion.betas.len();
        // A motion of any model of AMASS says its gender; one of fitrun its body.
        let says = motion.gender.is_some() || of_file > body.num_betas();
        let foreign = says && motion.body.as_deref() != Some(&body.short_name());
        let gender = motion.gender.as_deref().unwrap_or("gender not said");
        let warning = if motion.betas.iter().all(|b| *b == 0.0) {
            None
        } else if body.is_builtin() && foreign {
            motion.betas.clear();
            Some((
                format!(
                    "the shape of `{}` ({of_file} betas, {gender}) is that of another model than this \
                     body: it is posed with the mean shape",
                    input.name
                ),
                "`body.model` takes the model that the motion was made with",
            ))
        } else if let Some(other) = other_gender(body, gender) {
            Some((
                format!(
                    "the shape of `{}` is of a {gender} model, but `{}` is {other}",
                    input.name,
                    body.short_name()
                ),
                "`body.model` takes the model that the motion was made with",
            ))
        } else if motion.betas[used..].iter().any(|b| *b != 0.0) {
            motion.betas.truncate(used);
            Some((
                format!(
                    "`{}` has {of_file} betas, of which the body uses {used}: {} are left out",
                    input.name,
                    of_file - used
                ),
                "`body.num_betas` takes more, where the model has them",
            ))
        } else {
            None
        };
        if let Some((message, hint)) = warning {
            let diagnostic = Diagnostic::warning("F0523", message, &input.origin);
            diagnostics.push(diagnostic.hint(hint));
        }
    }
}

/// The gender in a model's name, where it is another.
fn other_gender(body: &BodyModel, gender: &str) -> Option<&'static str> {
    let name = body.short_name().to_lowercase();
    let named = ["female", "male", "neutral"];
    let of_body = named.into_iter().find(|g| name.contains(g))?;
    (named.contains(&gender) && gender != of_body).then_some(of_body)
}

/// Metres a second that nobody keeps up.
const FASTEST: f64 = 13.0;

impl Reader<'_> {
    /// A person who is always faster than any runner is one in millimetres or centimetres.
    fn warn_speed(&mut self, motion: &amass::Motion) {
        let Some(rate) = self.rate(motion.rate) else {
            return;
        };
        let rows: Vec<_> = motion.trans.rows().into_iter().collect();
        let step = |w: &[ndarray::ArrayView1<'_, f64>]| {
            let apart = w[0].iter().zip(w[1]).map(|(a, b)| (a - b).powi(2));
            rate * apart.sum::<f64>().sqrt()
        };
        let Some(speed) = median(rows.windows(2).map(step)).filter(|s| *s > FASTEST) else {
            return;
        };
        let message = format!(
            "the person of `{}` moves at {speed:.0} m/s most of the time: is `trans` in millimetres or \
             centimetres?",
            self.view.path()
        );
        let diagnostic = Diagnostic::warning("F0505", message, &self.origin);
        let hint = "AMASS has metres: divide it by 1000 or 100; or mend `rate`";
        self.diagnostics.push(diagnostic.hint(hint));
    }

    fn warn_unknown(&mut self, numbers: &[u64]) {
        if numbers.is_empty() {
            return;
        }
        let message = format!(
            "`{}` has NaN or infinite numbers in {}: nothing counts as seen there",
            self.view.path(),
            frames(numbers)
        );
        self.diagnostics
            .push(Diagnostic::warning("F0513", message, &self.origin));
    }

    pub(super) fn motion(&mut self, path: &Path) -> Result<Option<(Dataset, Up)>, FileError> {
        let motion = amass::read(path)?;
        self.files.push(path.into());
        let angles = motion.poses_body.iter().chain(&motion.root_orient);
        let angles = angles.map(|a| a.abs());
        let most = angles.filter(|a| a.is_finite()).fold(0.0, f64::max);
        if most > 2.0 * std::f64::consts::TAU {
            let message = format!("array `poses` reaches {most:.0} rad: is it in degrees?");
            let hint = "AMASS has axis-angle vectors in radians: divide by 57.29578";
            return Err(FileError::new(path, message).with_hint(hint));
        }
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
        self.warn_speed(&motion);
        let unknown = |f: &usize| {
            let pose = motion.poses_body.row(*f);
            let (root, trans) = (motion.root_orient.row(*f), motion.trans.row(*f));
            let mut numbers = pose.iter().chain(root).chain(trans);
            !numbers.all(|x| x.is_finite())
        };
        self.warn_unknown(
            &frames()
                .filter(unknown)
                .map(|f| f as u64)
                .collect::<Vec<_>>(),
        );
        let motion = Motion {
            pose_body: frames()
                .map(|f| motion.poses_body.row(f).to_vec())
                .collect(),
            root_orient: frames().map(root).collect(),
            trans: frames()
                .map(|f| vector(motion.trans.row(f)).into())
                .collect(),
            betas: motion.betas.clone(),
            gender: motion.gender.clone(),
            body: motion.body.clone(),
            rate: self.rate(motion.rate),
            frame_numbers: frames().map(|f| f as u64).collect(),
            upright: turn,
        };
        Ok(Some((Dataset::Motion(motion), up)))
    }
}
