//! Bodies of any skeleton: the joints of the body by their roles, others behind them, at rest as SMPL stands.
//!
//! Joints between two of the body's keep to the one above; those that hang below them turn by `pose_other`,
//! fingers by `pose_hand`. The rest pose is turned so that arms and legs point as the built-in body's do, which
//! is what pose priors mean by no rotation.

mod place;
mod proportions;
mod reduce;
mod roles;
mod straighten;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{Array2, Array3};

use crate::io::body_fields::{self, BodyArrays};
use crate::io::rig::Rig;
use crate::io::{FileError, read_bytes, rigs};
use reduce::Skeleton;

/// What a spec says of a rig.
#[derive(Clone, Debug, Default)]
pub(crate) struct RigOptions {
    /// Names of its joints by the body's.
    pub roles: BTreeMap<String, String>,
    /// Metres of its unit, where it is said.
    pub unit: Option<f64>,
}

/// Why what a spec says of a rig cannot be followed.
pub(crate) const NO_RIG: &str = "`body.roles` and `body.unit` are of rigs, and this is none";

impl RigOptions {
    pub fn is_given(&self) -> bool {
        self.unit.is_some() || !self.roles.is_empty()
    }
}

/// A body in SMPL's format as it is, a rig as a body.
pub(crate) fn read(path: &Path, options: &RigOptions) -> Result<BodyArrays, FileError> {
    let bytes = read_bytes(path)?;
    match rigs::parse(path, &bytes)? {
        Some(rig) => arrays(rig, options).map_err(|message| FileError::new(path, message)),
        None if options.is_given() => Err(FileError::new(path, NO_RIG)),
        None => body_fields::parse(path, &bytes),
    }
}

/// A rig as the arrays of a body.
pub(crate) fn arrays(mut rig: Rig, options: &RigOptions) -> Result<BodyArrays, String> {
    let roles = roles::find(&rig.joint_names, &options.roles)?;
    place::upright(&mut rig, &roles)?;
    place::in_metres(&mut rig, options.unit)?;
    let skeleton = Skeleton::new(&rig, &roles)?;
    let mut body = assemble(&rig, skeleton);
    straighten::straighten(&mut body);
    if body.shapedirs.dim().2 == 0 {
        proportions::add(&mut body);
    }
    Ok(body)
}

fn assemble(rig: &Rig, skeleton: Skeleton) -> BodyArrays {
    let (vertices, joints) = (rig.vertices.nrows(), skeleton.parents.len());
    let shapes = rig.shapes.dim().2;
    let mut weights = Array2::zeros((vertices, joints));
    for (v, row) in rig.weights.iter().enumerate() {
        for (bone, weight) in row {
            weights[[v, skeleton.owners[*bone]]] += weight;
        }
    }
    let mut joint_shapedirs = Array3::zeros((joints, 3, shapes));
    for (j, sources) in skeleton.sources.iter().enumerate() {
        for (bone, share) in sources {
            let moved = rig.head_shapes.index_axis(ndarray::Axis(0), *bone);
            let mut to = joint_shapedirs.index_axis_mut(ndarray::Axis(0), j);
            to.scaled_add(*share, &moved);
        }
    }
    BodyArrays {
        v_template: rig.vertices.clone(),
        faces: rig.faces.clone(),
        j_regressor: None,
        joints: skeleton.heads,
        joint_shapedirs,
        weights,
        parents: skeleton.parents,
        shapedirs: rig.shapes.clone(),
        posedirs: None,
        joint_names: Some(skeleton.names),
        hands: None,
    }
}
