//! Pictures of poses: a contact sheet, and an animation.

use std::path::Path;

use nalgebra::{Matrix3, UnitQuaternion, Vector3};
use ndarray::{Array2, Array3, ArrayView2};
use rayon::prelude::*;

use super::files::RATE;
use crate::body::BodyModel;
use crate::io::glb::{self, GlbScene};
use crate::io::{FileError, atomic};
use crate::report::render::Sheet;

/// Writes a PNG with a body for each pose (rows, 63), standing on the ground, at one scale.
pub fn write_sheet(
    path: &Path,
    body: &BodyModel,
    poses: ArrayView2<f64>,
    columns: usize,
    cell: usize,
) -> Result<(), FileError> {
    let rows: Vec<Vec<f64>> = poses.rows().into_iter().map(|p| p.to_vec()).collect();
    let bodies: Vec<Vec<[f32; 3]>> = rows.par_iter().map(|pose| skin(body, pose)).collect();
    let faces: Vec<[u32; 3]> = body
        .faces
        .rows()
        .into_iter()
        .map(|f| [f[0], f[1], f[2]])
        .collect();
    let sheet = Sheet {
        faces: &faces,
        bodies: &bodies,
        columns,
        cell,
    };
    let bytes = sheet
        .render()
        .to_png()
        .map_err(|e| FileError::new(path, format!("cannot be drawn: {e}")))?;
    atomic::write(path, &bytes)
}

/// Writes a GLB in which the body takes the poses (rows, 63) one after the other, `seconds` apart.
pub fn write_animation(
    path: &Path,
    body: &BodyModel,
    poses: ArrayView2<f64>,
    seconds: f64,
) -> Result<(), FileError> {
    let (rows, joints) = (poses.nrows(), body.num_joints());
    let rest = body.rest_joints(&[]);
    let mut rotations = Array3::zeros((rows, joints, 4));
    let mut translations = Array2::zeros((rows, 3));
    for (row, pose) in poses.rows().into_iter().enumerate() {
        let pose = pose.to_vec();
        let lowest = vertices(body, &pose)
            .iter()
            .map(|v| v[1])
            .fold(f32::INFINITY, f32::min);
        translations[[row, 0]] = rest[0].x;
        translations[[row, 1]] = rest[0].y - f64::from(lowest);
        translations[[row, 2]] = rest[0].z;
        for joint in 0..joints {
            let turn = match joint
                .checked_sub(1)
                .and_then(|j| pose.get(3 * j..3 * j + 3))
            {
                Some(w) => UnitQuaternion::from_scaled_axis(Vector3::from_column_slice(w)),
                None => UnitQuaternion::identity(),
            };
            for (k, x) in turn.as_vector().iter().enumerate() {
                rotations[[row, joint, k]] = *x;
            }
        }
    }
    let (joints4, weights4) = glb::strongest_four(&body.weights);
    let parent = |(j, p): (usize, &usize)| (j > 0).then_some(*p);
    glb::write(
        path,
        &GlbScene {
            name: "poses".into(),
            vertices: body.template.clone(),
            faces: body.faces.clone(),
            joints4,
            weights4,
            joints: Array2::from_shape_fn((joints, 3), |(j, k)| rest[j][k]),
            parents: body.parents.iter().enumerate().map(parent).collect(),
            joint_names: body.joint_names.clone(),
            rotations,
            translations,
            rate: if seconds > 0.0 { 1.0 / seconds } else { RATE },
        },
    )
}

/// Mean vertex movement between each pose and the next, mm; `poses` (steps, 63).
pub fn movements(body: &BodyModel, poses: ArrayView2<f64>) -> Vec<f64> {
    let skins: Vec<Vec<[f32; 3]>> = poses
        .rows()
        .into_iter()
        .map(|p| vertices(body, &p.to_vec()))
        .collect();
    let distance = |a: &[f32; 3], b: &[f32; 3]| {
        let d: f32 = (0..3).map(|k| (a[k] - b[k]) * (a[k] - b[k])).sum();
        f64::from(d.sqrt())
    };
    let mean = |pair: &[Vec<[f32; 3]>]| {
        let pairs = pair[0].iter().zip(&pair[1]);
        1000.0 * pairs.map(|(a, b)| distance(a, b)).sum::<f64>() / pair[0].len() as f64
    };
    skins.windows(2).map(mean).collect()
}

/// The body's vertices with the lowest on the ground.
fn skin(body: &BodyModel, pose: &[f64]) -> Vec<[f32; 3]> {
    let mut vertices = vertices(body, pose);
    let lowest = vertices.iter().map(|v| v[1]).fold(f32::INFINITY, f32::min);
    vertices.iter_mut().for_each(|v| v[1] -= lowest);
    vertices
}

fn vertices(body: &BodyModel, pose: &[f64]) -> Vec<[f32; 3]> {
    let rest = body.rest_joints(&[]);
    let shaped = body.rest_vertices(&[]);
    let transforms = body.transforms(&rest, &Matrix3::identity(), pose, &Vector3::zeros());
    let skinned = body.skinned(&shaped, &rest, pose, &transforms);
    let single = |v: &Vector3<f64>| [v.x as f32, v.y as f32, v.z as f32];
    skinned.iter().map(single).collect()
}
