//! Writes what `[output]` names into a run's folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use nalgebra::Vector3;
use ndarray::Array2;

use super::bodies::Bodies;
use super::measures::{self, Judged};
use super::skeleton::{self, LocalMotion};
use super::{cameras, curves, graphs, overlays, params, picture, plots, points, residuals, trace};
use crate::body::BodyModel;
use crate::fit::Fit;
use crate::io::glb::{self, GlbScene};
use crate::io::{FileError, obj, ply};
use crate::ir::{OutputFile, PlotKind, Problem};

/// Writes files and plots; returns remarks about what could not be made of this problem.
pub(crate) fn write(
    dir: &Path,
    problem: &Problem,
    fit: &Fit,
    model: Option<&BodyModel>,
    judged: &Judged,
) -> Result<Vec<String>, FileError> {
    let errors = judged.errors.as_slice();
    let bodies = Bodies::new(problem, fit, model);
    let shown = bodies
        .as_ref()
        .filter(|b| (0..problem.frames).any(|f| b.known(f)));
    let mut remarks: Vec<String> = Vec::new();
    measures::write(&dir.join("measures.csv"), problem, &judged.measured)?;
    for file in &problem.output.write {
        match (file, shown) {
            (OutputFile::Params, _) => {
                params::write(&dir.join("params.npz"), problem, fit, bodies.as_ref())?;
            }
            (OutputFile::Convergence, _) => {
                trace::write(&dir.join("convergence.csv"), problem, fit)?;
            }
            (OutputFile::Residuals, _) => {
                if !residuals::write(&dir.join("residuals.csv"), problem, fit)? {
                    remarks.push(
                        "no term is over the rows of a table, so none has residuals to list".into(),
                    );
                }
            }
            (OutputFile::Cameras, _) => {
                if !cameras::write(&dir.join("cameras.toml"), problem, fit)? {
                    remarks.push("no term projects points, so there are no cameras".into());
                }
            }
            (OutputFile::Points | OutputFile::PointsTrc, _) if errors.is_empty() => {
                remarks.push(NO_POINTS.into());
            }
            (OutputFile::Points, _) => points::write_csv(&dir.join("points.csv"), problem, judged)?,
            (OutputFile::PointsTrc, _) => points::write_trc(dir, problem, fit, errors)?,
            (OutputFile::Joints, Some(b)) => {
                skeleton::write_csv(&dir.join("joints.csv"), problem, b)?;
            }
            (OutputFile::JointsTrc, Some(b)) => {
                skeleton::write_trc(&dir.join("joints.trc"), problem, b)?;
            }
            (OutputFile::Bvh, Some(b)) => {
                skeleton::write_bvh(&dir.join("motion.bvh"), problem, b)?;
            }
            (OutputFile::Glb, Some(b)) => {
                write_glb(&dir.join("body.glb"), problem, b)?;
                if b.model.posedirs.is_some() {
                    remarks.push("`body.glb` leaves the pose correctives out".into());
                }
            }
            (OutputFile::Obj, Some(b)) => write_meshes(dir, "obj", problem, b, obj::write)?,
            (OutputFile::Ply, Some(b)) => write_meshes(dir, "ply", problem, b, ply::write)?,
            (_, None) => remarks.push("there is no solved body to write".into()),
        }
    }
    for plot in &problem.output.plots {
        match (plot, shown) {
            (PlotKind::Convergence, _) => plots::write_convergence(dir, fit)?,
            (PlotKind::Fit, _) => curves::write(dir, problem, fit)?,
            // Made of the finished folder.
            (PlotKind::Report, _) => {}
            (PlotKind::Graph, _) => graphs::write(dir, problem, fit)?,
            (PlotKind::Terms, _) => plots::write_terms(dir, problem, fit)?,
            (PlotKind::PerJointError, _) => plots::write_point_errors(dir, errors)?,
            (PlotKind::PointErrorOverTime | PlotKind::ResidualHeatmap, _) if errors.is_empty() => {
                remarks.push(NO_POINTS.into());
            }
            (PlotKind::PointErrorOverTime, _) => plots::write_over_time(dir, problem, errors)?,
            (PlotKind::ResidualHeatmap, _) => plots::write_heatmaps(dir, problem, errors)?,
            (PlotKind::Overlay, _) => {
                if !overlays::write(dir, problem, fit, shown, errors)? {
                    remarks
                        .push("no term compares points in images, so there is no overlay".into());
                }
            }
            (PlotKind::Body, Some(b)) => picture::write(&dir.join("body.png"), problem, b)?,
            (PlotKind::Body, None) => remarks.push("there is no solved body to draw".into()),
        }
    }
    let mut said = BTreeSet::new();
    remarks.retain(|remark| said.insert(remark.clone()));
    Ok(remarks)
}

const NO_POINTS: &str = "no term compares points, so there are none to show";

/// The body of every frame as one mesh each, y up.
fn write_meshes(
    dir: &Path,
    extension: &str,
    problem: &Problem,
    bodies: &Bodies<'_>,
    write: impl Fn(PathBuf, &Array2<f64>, &Array2<u32>) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let known: Vec<usize> = (0..problem.frames).filter(|&f| bodies.known(f)).collect();
    for &f in &known {
        let vertices = to_array(&bodies.vertices(f));
        let name = match known.len() {
            1 => format!("body.{extension}"),
            _ => format!("body_{:05}.{extension}", problem.frame_numbers[f]),
        };
        write(dir.join(name), &vertices, &bodies.model.faces)?;
    }
    Ok(())
}

/// The skinned body of all frames, y up, in the shape of the first solved one.
fn write_glb(path: &Path, problem: &Problem, bodies: &Bodies<'_>) -> Result<(), FileError> {
    let model = bodies.model;
    let shape = bodies.shape(skeleton::first_known(problem, bodies));
    let motion = LocalMotion::new(problem, bodies);
    let (joints4, weights4) = glb::strongest_four(&model.weights);
    let scene = GlbScene {
        name: problem.name.clone(),
        vertices: to_array(&model.rest_vertices(&shape)),
        faces: model.faces.clone(),
        joints4,
        weights4,
        joints: motion.joints,
        parents: motion.parents,
        joint_names: model.joint_names.clone(),
        rotations: motion.rotations,
        translations: motion.translations,
        rate: problem.rate.unwrap_or(skeleton::USUAL_RATE),
    };
    glb::write(path, &scene)
}

pub(super) fn to_array(points: &[Vector3<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((points.len(), 3), |(i, k)| points[i][k])
}
