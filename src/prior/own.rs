//! Priors that code outside of fitrun writes.

use std::sync::Arc;

use crate::expr::{Symbol, record};
use crate::graph::formula::Formula;

/// Numbers of `pose_body`: axis-angle vectors of 21 joints, rad.
const POSE: usize = 63;

/// A prior over poses: `prior.kind`.
///
/// It is about `pose_body` itself, or about a code `z` that it makes poses of.
pub trait PosePrior: Send + Sync {
    /// What `prior.kind` says.
    fn name(&self) -> &'static str;

    /// Numbers of its code; `None`: it is about `pose_body` itself.
    fn code(&self) -> Option<usize> {
        None
    }

    /// The pose of a code: axis-angle vectors of the 21 joints of `pose_body`, 63 numbers, rad.
    ///
    /// It is asked only where there is a code.
    fn pose<'t>(&self, code: &[Symbol<'t>]) -> Vec<Symbol<'t>> {
        code.to_vec()
    }

    /// Residuals of a code, or of a pose where there is none: the sum of their squares is the energy,
    /// −2 log of the density up to a constant.
    fn residual<'t>(&self, of: &[Symbol<'t>]) -> Vec<Symbol<'t>>;

    /// Where fits start, best the most probable code or pose; zeros by default.
    fn mode(&self) -> Vec<f64> {
        vec![0.0; self.code().unwrap_or(POSE)]
    }
}

/// A prior of a program's own, written down.
#[derive(Clone, Debug)]
pub struct Own {
    pub(crate) pose: Option<Arc<Formula>>,
    pub(crate) energy: Arc<Formula>,
    pub(crate) mode: Vec<f64>,
}

impl Own {
    /// # Errors
    /// It has not the numbers that it should have.
    pub(crate) fn new(prior: &dyn PosePrior) -> Result<Self, String> {
        let dims = prior.code().unwrap_or(POSE);
        if dims == 0 {
            return Err("its code has no numbers".into());
        }
        let is_wrong = |what: &str, found: usize, wanted: usize| {
            let message = format!("{what} has {found} numbers, but should have {wanted}");
            (found != wanted).then_some(message)
        };
        let mode = prior.mode();
        if let Some(message) = is_wrong("its mode", mode.len(), dims) {
            return Err(message);
        }
        if mode.iter().any(|x| !x.is_finite()) {
            return Err("its mode is no number".into());
        }
        let pose = prior.code().map(|_| record(dims, |x| prior.pose(x)));
        let wrong = |f: &Formula| is_wrong("its pose", f.outputs.len(), POSE);
        if let Some(message) = pose.as_ref().and_then(wrong) {
            return Err(message);
        }
        let energy = record(dims, |x| prior.residual(x));
        if energy.outputs.is_empty() {
            return Err("it has no residual".into());
        }
        Ok(Self {
            pose: pose.map(Arc::new),
            energy: Arc::new(energy),
            mode,
        })
    }

    pub(crate) fn dims(&self) -> usize {
        self.mode.len()
    }

    /// Poses of codes, (rows, dims) to (rows, 63), axis-angle, rad.
    pub(crate) fn pose_body(&self, codes: &[f64]) -> Vec<f64> {
        let Some(pose) = &self.pose else {
            return codes.to_vec();
        };
        let rows = codes.chunks_exact(self.dims());
        rows.flat_map(|code| pose.evaluate(&[code])).collect()
    }
}
