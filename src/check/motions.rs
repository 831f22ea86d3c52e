//! Motions as starts of variables and as what a term stays near: an earlier run's `params.npz`, AMASS, what
//! a network says.

use nalgebra::Vector3;

use super::Checker;
use super::variables::on_manifold;
use crate::data::{Dataset, Motion};
use crate::diagnostic::{Diagnostic, Sourced, list};
use crate::ir::Per;
use crate::manifold::Manifold;

/// What a motion knows by frame, and `betas`, which are for all frames.
const PARTS: [&str; 4] = ["pose_body", "root_orient", "trans", "betas"];

/// A variable as far as a motion has to fit it.
pub(super) struct Fits<'v> {
    pub name: &'v str,
    pub manifold: Manifold,
    pub per: Per,
}

impl<'a> Checker<'a> {
    /// The motion and the part of it that a text such as `earlier.pose_body` names.
    pub(super) fn motion_of<'t>(&self, text: &'t str) -> Option<(&'a Motion, &'t str)> {
        let (data, part) = text.trim().split_once('.')?;
        match &self.inputs.get(data.trim())?.dataset {
            Dataset::Motion(motion) => Some((motion, part.trim())),
            _ => None,
        }
    }

    /// Says what is wrong with a text that names data which no variable can start at.
    pub(super) fn is_no_motion(&mut self, text: &Sourced<&str>) -> bool {
        let data = text.value.split('.').next().unwrap_or_default().trim();
        let Some(input) = self.inputs.get(data) else {
            return false;
        };
        let (message, hint) = match input.dataset {
            Dataset::Table(_) => return false,
            Dataset::Motion(_) => (
                format!("`{data}` is a whole motion, and a variable starts at a part of it"),
                format!("such as `{data}.pose_body`; the parts are {}", list(&PARTS)),
            ),
            _ => (
                format!("`{data}` is no motion, so no variable can start at it"),
                "`format = \"amass\"` reads motions, an earlier `params.npz` among them".into(),
            ),
        };
        let origin = &text.origin;
        let diagnostic = Diagnostic::error("F0304", message, origin);
        self.diagnostics.push(diagnostic.hint(hint));
        true
    }

    /// Where a variable starts by a motion, (frames or 1, numbers); frames of which it knows nothing start
    /// like the nearest one.
    pub(super) fn start_of_motion(
        &mut self,
        of: &Fits<'_>,
        text: &Sourced<&str>,
    ) -> Option<Vec<f64>> {
        let mut rows = self.rows_of_motion(of, text)?;
        let numbers = of.manifold.ambient();
        let known = |row: &[f64]| row.iter().all(|x| x.is_finite());
        let frames: Vec<usize> = (0..rows.len() / numbers)
            .filter(|f| known(&rows[f * numbers..(f + 1) * numbers]))
            .collect();
        for f in 0..rows.len() / numbers {
            let after = frames.partition_point(|k| *k < f);
            let near = frames[after.saturating_sub(1)..].iter().take(2);
            let Some(&near) = near.min_by_key(|k| k.abs_diff(f)) else {
                let message = format!("`{}` has no frame that is known", text.value);
                self.wrong(message, text, None);
                return None;
            };
            rows.copy_within(near * numbers..(near + 1) * numbers, f * numbers);
        }
        Some(rows)
    }

    /// Stored numbers of a variable by a motion, (frames or 1, numbers); NaN where it knows nothing.
    pub(super) fn rows_of_motion(
        &mut self,
        of: &Fits<'_>,
        text: &Sourced<&str>,
    ) -> Option<Vec<f64>> {
        let (motion, part) = self.motion_of(text.value)?;
        let data = text.value.split('.').next().unwrap_or_default().trim();
        if self.refuse_held_out(data, &text.origin) {
            return None;
        }
        let found = match part {
            "pose_body" => Ok(motion.pose_body.clone()),
            "root_orient" => Ok(motion.root_orient.iter().map(|r| r.to_vec()).collect()),
            "trans" => Ok(self.translations(motion)),
            "betas" if motion.betas.is_empty() => {
                self.wrong(
                    "the motion has no betas of this body".to_string(),
                    text,
                    None,
                );
                return None;
            }
            "betas" => Ok(vec![motion.betas.clone()]),
            _ => Err(format!("a motion has no `{part}`")),
        };
        let data = text.value.split('.').next().unwrap_or_default();
        self.read.insert(data.trim().into());
        let rows = match found {
            Ok(rows) => rows,
            Err(message) => {
                let origin = &text.origin;
                let diagnostic = Diagnostic::error("F0304", message, origin).nearest(part, PARTS);
                self.diagnostics.push(diagnostic);
                return None;
            }
        };
        if of.per == Per::Subject && rows.len() > 1 {
            let message = format!(
                "`{}` has a value for each frame, `{}` one",
                text.value, of.name
            );
            let hint = "declare it `per = \"frame\"`";
            self.wrong(message, text, Some(hint).filter(|_| of.name != "betas"));
            return None;
        }
        let mut stored = Vec::with_capacity(rows.len() * of.manifold.ambient());
        for row in rows {
            stored.extend(self.stored(of, row, text)?);
        }
        Some(stored)
    }

    /// A row in the variable's own numbers: poses as codes, betas as many as the body has.
    fn stored(
        &mut self,
        of: &Fits<'_>,
        mut row: Vec<f64>,
        text: &Sourced<&str>,
    ) -> Option<Vec<f64>> {
        let numbers = of.manifold.ambient();
        if row.iter().any(|x| !x.is_finite()) {
            return Some(vec![f64::NAN; numbers]);
        }
        if of.name == "z" && text.value.ends_with("pose_body") {
            let Some(codes) = self.inputs.prior.encode(&row) else {
                let message = "this prior has no encoder, so poses have no codes".to_string();
                let hint = "VPoser has one; or leave `init` out: codes are looked for";
                self.wrong(message, text, Some(hint));
                return None;
            };
            row = codes;
        }
        if of.name == "betas" {
            row.resize(numbers, 0.0);
        }
        if row.len() != of.manifold.tangent() {
            let message = format!(
                "`{}` has {} numbers, but `{}` has {}",
                text.value,
                row.len(),
                of.name,
                of.manifold.tangent()
            );
            self.wrong(message, text, None);
            return None;
        }
        match on_manifold(of.manifold, row) {
            Ok(stored) => Some(stored),
            Err(reason) => {
                self.wrong(format!("`{}` {reason}", text.value), text, None);
                None
            }
        }
    }

    /// Translations y up: a file that is not places the pelvis by its own axes.
    fn translations(&self, motion: &Motion) -> Vec<Vec<f64>> {
        let body = self.inputs.body.as_ref();
        let shift = body.map_or_else(Vector3::zeros, |body| {
            let pelvis = body.rest_joints(&motion.betas)[0];
            motion.upright * pelvis - pelvis
        });
        let moved = |t: &[f64; 3]| {
            let moved = motion.upright * Vector3::from(*t) + shift;
            moved.as_slice().to_vec()
        };
        motion.trans.iter().map(moved).collect()
    }

    fn wrong(&mut self, message: String, text: &Sourced<&str>, hint: Option<&str>) {
        let mut diagnostic = Diagnostic::error("F0303", message, &text.origin);
        if let Some(hint) = hint {
            diagnostic = diagnostic.hint(hint);
        }
        self.diagnostics.push(diagnostic);
    }
}
