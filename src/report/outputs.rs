//! Writes what `[output]` names into a run's folder.

use std::path::Path;

use nalgebra::{Rotation3, UnitQuaternion, Vector3};
use ndarray::{Array2, Array3};

use super::bodies::Bodies;
use super::metrics::PointErrors;
use super::{params, picture, plots, trace};
use crate::body::BodyModel;
use crate::fit::Fit;
use crate::io::glb::{self, GlbScene};
use crate::io::{FileError, csv, obj};
use crate::ir::{OutputFile, PlotKind, Problem};

/// Writes files and plots; returns remarks about what could not be made of this problem.
pub(crate) fn write(
    dir: &Path,
    problem: &Problem,
    fit: &Fit,
    model: Option<&BodyModel>,
    errors: &[PointErrors],
) -> Result<Vec<String>, FileError> {
    let bodies = Bodies::new(problem, fit, model);
    let shown = bodies
        .as_ref()
        .filter(|b| (0..problem.frames).any(|f| b.known(f)));
    let mut remarks = Vec::new();
    for file in &problem.output.write {
        match (file, shown) {
            (OutputFile::Params, _) => {
                params::write(&dir.join("params.npz"), problem, fit, bodies.as_ref())?;
            }
            (OutputFile::Convergence, _) => {
                trace::write(&dir.join("convergence.csv"), problem, fit)?;
            }
            (OutputFile::Joints, Some(b)) => write_joints(&dir.join("joints.csv"), problem, b)?,
            (OutputFile::Glb, Some(b)) => {
                write_glb(&dir.join("body.glb"), problem, b)?;
                if b.model.posedirs.is_some() {
                    remarks.push("`body.glb` leaves the pose correctives out".into());
                }
            }
            (OutputFile::Obj, Some(b)) => write_obj(dir, problem, b)?,
            (_, None) => remarks.push("there is no solved body to write".into()),
        }
    }
    for plot in &problem.output.plots {
        match (plot, shown) {
            (PlotKind::Convergence, _) => plots::write_convergence(dir, fit)?,
            (PlotKind::Terms, _) => plots::write_terms(dir, fit)?,
            (PlotKind::PerJointError, _) => plots::write_point_errors(dir, errors)?,
            (PlotKind::Body, Some(b)) => picture::write(&dir.join("body.png"), problem, b)?,
            (PlotKind::Body, None) => remarks.push("there is no solved body to draw".into()),
        }
    }
    Ok(remarks)
}

/// Joint positions in the axes of the data, metres.
fn write_joints(path: &Path, problem: &Problem, bodies: &Bodies<'_>) -> Result<(), FileError> {
    let joints = bodies.model.num_joints();
    let back = problem.upright.transpose();
    let mut values = Array3::from_elem((problem.frames, joints, 3), f64::NAN);
    for f in (0..problem.frames).filter(|&f| bodies.known(f)) {
        for (j, (_, position)) in bodies.transforms(f).iter().enumerate() {
            let position = back * position;
            for k in 0..3 {
                values[[f, j, k]] = position[k];
            }
        }
    }
    let numbers = &problem.frame_numbers;
    csv::write_points(path, &bodies.model.joint_names, numbers, &values)
}

/// The body of every frame as one mesh each, y up.
fn write_obj(dir: &Path, problem: &Problem, bodies: &Bodies<'_>) -> Result<(), FileError> {
    let known: Vec<usize> = (0..problem.frames).filter(|&f| bodies.known(f)).collect();
    for &f in &known {
        let vertices = to_array(&bodies.vertices(f));
        let name = match known.len() {
            1 => "body.obj".into(),
            _ => format!("body_{:05}.obj", problem.frame_numbers[f]),
        };
        obj::write(dir.join(name), &vertices, &bodies.model.faces)?;
    }
    Ok(())
}

/// The skinned body of all frames, y up, in the shape of the first solved one.
fn write_glb(path: &Path, problem: &Problem, bodies: &Bodies<'_>) -> Result<(), FileError> {
    let model = bodies.model;
    let first = (0..problem.frames).find(|&f| bodies.known(f)).unwrap_or(0);
    let (frames, joints) = (problem.frames, model.num_joints());
    let mut rotations = Array3::from_elem((frames, joints, 4), f64::NAN);
    let mut translations = Array2::from_elem((frames, 3), f64::NAN);
    for f in (0..frames).filter(|&f| bodies.known(f)) {
        let pelvis = bodies.transforms(f)[0].1;
        for k in 0..3 {
            translations[[f, k]] = pelvis[k];
        }
        for j in 0..joints {
            let local = local_rotation(bodies, f, j);
            let q = local.as_vector();
            for k in 0..4 {
                rotations[[f, j, k]] = q[k];
            }
        }
    }
    let (joints4, weights4) = glb::strongest_four(&model.weights);
    let parent = |(j, p): (usize, &usize)| if j == 0 { None } else { Some(*p) };
    let scene = GlbScene {
        name: problem.name.clone(),
        vertices: to_array(&model.rest_vertices(bodies.betas(first))),
        faces: model.faces.clone(),
        joints4,
        weights4,
        joints: to_array(&bodies.rest(first)),
        parents: model.parents.iter().enumerate().map(parent).collect(),
        joint_names: model.joint_names.clone(),
        rotations,
        translations,
        rate: problem.rate.unwrap_or(30.0),
    };
    glb::write(path, &scene)
}

fn local_rotation(bodies: &Bodies<'_>, frame: usize, joint: usize) -> UnitQuaternion<f64> {
    let pose = bodies.pose(frame);
    match joint {
        0 => UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(
            bodies.root(frame),
        )),
        j if 3 * j <= pose.len() => {
            let w = &pose[3 * (j - 1)..3 * j];
            UnitQuaternion::from_scaled_axis(Vector3::from_column_slice(w))
        }
        _ => UnitQuaternion::identity(),
    }
}

fn to_array(points: &[Vector3<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((points.len(), 3), |(i, k)| points[i][k])
}
