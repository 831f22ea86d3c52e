//! `cameras.toml`: the cameras with their fitted numbers, in the axes of the data.

use std::path::Path;

use nalgebra::Matrix3;

use crate::camera::{Camera, CameraPart, Distortion};
use crate::fit::Fit;
use crate::io::{CameraRecord, FileError, Turn, pose2sim_writer};
use crate::ir::{Node, NodeKind, Problem, VariableId};
use crate::rotation::axis_angle;

/// Whether there was a camera to write.
pub(super) fn write(path: &Path, problem: &Problem, fit: &Fit) -> Result<bool, FileError> {
    let cameras = fitted(problem, fit);
    if cameras.is_empty() {
        return Ok(false);
    }
    let records: Vec<CameraRecord> = cameras
        .iter()
        .map(|c| record(c, &problem.upright))
        .collect();
    pose2sim_writer::write(path, &records)?;
    Ok(true)
}

/// Every camera of every projection once; one that some projection frees is the freed one.
fn fitted(problem: &Problem, fit: &Fit) -> Vec<Camera> {
    let mut found: Vec<(Camera, bool)> = Vec::new();
    for node in &problem.nodes {
        for (camera, free) in fitted_of(problem, fit, node) {
            match found.iter_mut().find(|(f, _)| f.name == camera.name) {
                Some((known, freed)) if free && !*freed => (*known, *freed) = (camera, free),
                Some(_) => {}
                None => found.push((camera, free)),
            }
        }
    }
    found.into_iter().map(|(camera, _)| camera).collect()
}

/// The cameras of a projection with what variables stand for, and whether any does.
pub(super) fn fitted_of(problem: &Problem, fit: &Fit, node: &Node) -> Vec<(Camera, bool)> {
    let NodeKind::Project { cameras, free, .. } = &node.kind else {
        return Vec::new();
    };
    let fitted = |(c, camera): (usize, &Camera)| {
        let (mut camera, mut freed) = (camera.clone(), false);
        for part in free {
            let copy = part.cameras.iter().position(|p| *p == Some(c));
            if let (Some(copy), NodeKind::Variable(id)) = (copy, &problem.nodes[part.node.0].kind) {
                let all = fit.values.all(*id);
                camera = camera.with(part.part, &all[copy * part.dims..][..part.dims]);
                freed = true;
            }
        }
        (camera, freed)
    };
    cameras.iter().enumerate().map(fitted).collect()
}

/// A camera as a file has it whose axes `upright` turns into ours.
pub(crate) fn record(camera: &Camera, upright: &Matrix3<f64>) -> CameraRecord {
    let [fx, fy, cx, cy, skew] = camera.intrinsics;
    let rotation = axis_angle(&(camera.rotation * upright));
    CameraRecord {
        name: camera.name.clone(),
        size: Some(camera.size),
        matrix: [[fx, skew, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]],
        distortion: camera.distortion.coefficients().to_vec(),
        rotation: Turn::Vector(rotation.into()),
        translation: camera.translation.into(),
        fisheye: matches!(camera.distortion, Distortion::Fisheye(_)),
    }
}

/// Whether a variable holds rotations of cameras, which turn with the axes of the data.
pub(super) fn is_camera_rotation(problem: &Problem, id: VariableId) -> bool {
    problem.nodes.iter().any(|node| match &node.kind {
        NodeKind::Project { free, .. } => free.iter().any(|part| {
            part.part == CameraPart::Rotation
                && matches!(problem.nodes[part.node.0].kind, NodeKind::Variable(v) if v == id)
        }),
        _ => false,
    })
}
