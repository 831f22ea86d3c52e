//! What one camera alone does not see.

use nalgebra::Vector3;

use crate::body::BodyModel;
use crate::data::median;
use crate::fit::{Fit, Status};
use crate::ir::Problem;

/// By how much the size of adults differs.
const SIZES: f64 = 0.05;

/// Of a body that is seen by one camera and by nothing else: how far its distance is to be trusted.
pub(crate) fn remark(problem: &Problem, fit: &Fit, body: Option<&BodyModel>) -> Option<String> {
    let observed = &problem.placement.as_ref()?.observed;
    let mut cameras = observed.iter().map(|o| match o.cameras.as_deref() {
        Some(cameras) if cameras.len() == 1 => Some(&cameras[0]),
        _ => None,
    });
    let camera = cameras.next()??;
    if !cameras.all(|c| c.is_some_and(|c| c.name == camera.name)) {
        return None;
    }
    let depth = |f: usize| {
        let pelvis = body?.rest_joints(fit.variable(problem, "betas", f)?)[0];
        let trans = Vector3::from_column_slice(fit.variable(problem, "trans", f)?);
        let known = fit.solved[f] && fit.status[f] != Status::NoData;
        known.then(|| camera.to_camera(&(pelvis + trans)).z)
    };
    let depths: Vec<Option<f64>> = (0..problem.frames).map(depth).collect();
    let usual = median(depths.iter().flatten().copied())?;
    // Second differences: who walks towards the camera does not jump.
    let jump = |w: &[Option<f64>]| Some((w[0]? - 2.0 * w[1]? + w[2]?).abs() / 6f64.sqrt());
    let jumps = median(depths.windows(3).filter_map(jump));
    let steady = problem.final_terms().any(|t| t.couples());
    let jumps = jumps.filter(|j| !steady && *j > 0.01).map_or(String::new(), |j| {
        format!(
            ", and here it jumps by some {:.0} mm from frame to frame, which `presets/smooth.toml` steadies",
            1e3 * j
        )
    });
    Some(format!(
        "one camera does not see how far the person is: that follows from the size of the body, of which {:.0} % \
         are {:.0} cm at {usual:.1} m{jumps}; what is right are directions, and joints beside the pelvis",
        100.0 * SIZES,
        100.0 * SIZES * usual
    ))
}
