//! `params.npz`: the fitted variables by name, and AMASS's arrays where there is a body.

use std::path::Path;

use nalgebra::{Matrix3, Vector3};

use super::bodies::Bodies;
use super::cameras::is_camera_rotation;
use crate::body::{BODY_JOINTS, BodyModel};
use crate::fit::Fit;
use crate::io::FileError;
use crate::io::npz::NpzWriter;
use crate::ir::{Per, Problem, VariableId};
use crate::manifold::Manifold;
use crate::rotation::axis_angle;

pub(super) fn write(
    path: &Path,
    problem: &Problem,
    fit: &Fit,
    bodies: Option<&Bodies<'_>>,
) -> Result<(), FileError> {
    let mut file = NpzWriter::create(path);
    let frames = problem.frames;
    for (i, variable) in problem.variables.iter().enumerate() {
        if bodies.is_none() || !["root_orient", "trans"].contains(&variable.name.as_str()) {
            let (shape, numbers) = plain(problem, fit, VariableId(i));
            file.floats64(&variable.name, &shape, &numbers)?;
        }
        if let Some(deviations) = deviations(problem, fit, VariableId(i)) {
            let shape = match variable.per {
                Per::Row(set) => vec![problem.sets[set.0].ids.len()],
                Per::Frame => vec![frames],
                Per::Subject => vec![],
            };
            let shape = [shape, vec![variable.manifold.tangent()]].concat();
            file.floats64(&format!("{}_sd", variable.name), &shape, deviations)?;
        }
        if !variable.labels.is_empty() {
            let labels: Vec<&str> = variable.labels.iter().map(String::as_str).collect();
            file.strings(
                &format!("{}_names", variable.name),
                &[labels.len()],
                &labels,
            )?;
        }
    }
    if let Some(bodies) = bodies {
        write_bodies(&mut file, problem, bodies)?;
    }
    // What has no frames has its whole cost in one.
    let whole = !problem.sets.is_empty() && problem.batch.is_none() && frames == 1;
    let costs = if whole {
        &[fit.cost()][..]
    } else {
        &fit.frame_costs
    };
    file.floats64("cost", &[frames], costs)?;
    let status: Vec<&str> = fit.status.iter().map(|s| s.name()).collect();
    file.strings("status", &[frames], &status)?;
    for set in &problem.sets {
        let ids: Vec<f64> = set.ids.iter().map(|id| *id as f64).collect();
        let varies =
            |v: &crate::ir::Variable| matches!(v.per, Per::Row(s) if problem.sets[s.0] == *set);
        if problem.variables.iter().any(varies) {
            file.floats64(&format!("{}_ids", set.name), &[ids.len()], &ids)?;
        }
    }
    if problem.batch.is_none() {
        let numbers: Vec<f64> = problem.frame_numbers.iter().map(|n| *n as f64).collect();
        file.floats64("frame_number", &[frames], &numbers)?;
    }
    file.finish()
}

/// A motion alone, as an earlier run's `params.npz` holds it.
pub(crate) fn write_motion(
    path: &Path,
    problem: &Problem,
    fit: &Fit,
    model: Option<&BodyModel>,
) -> Result<(), FileError> {
    write(
        path,
        problem,
        fit,
        Bodies::new(problem, fit, model).as_ref(),
    )
}

/// Standard deviations of a variable, where they are known.
fn deviations<'f>(problem: &Problem, fit: &'f Fit, id: VariableId) -> Option<&'f [f64]> {
    let of = fit.deviations.as_ref()?.of_variables.get(id.0)?;
    let fits = !of.is_empty() && problem.variables[id.0].copies == 1;
    fits.then_some(of.as_slice())
}

/// A variable's copies; rotations as axis-angle vectors, frames without a solution as NaN.
fn plain(problem: &Problem, fit: &Fit, id: VariableId) -> (Vec<usize>, Vec<f64>) {
    let variable = &problem.variables[id.0];
    let dims = variable.manifold.tangent();
    let turn = match is_camera_rotation(problem, id) {
        true => problem.upright,
        false => Matrix3::identity(),
    };
    let of_frame = |frame: usize| match variable.manifold {
        Manifold::So3 => {
            let rows = fit.values.get(id, frame).chunks_exact(9);
            let turned = rows.map(|r| axis_angle(&(Matrix3::from_row_slice(r) * turn)));
            turned.flat_map(<[f64; 3]>::from).collect()
        }
        _ => fit.values.get(id, frame).to_vec(),
    };
    let copies = match variable.labels.is_empty() {
        true => vec![dims],
        false => vec![variable.copies, dims],
    };
    if variable.per == Per::Subject {
        return (copies, of_frame(0));
    }
    if let Per::Row(set) = variable.per {
        let elements = problem.sets[set.0].ids.len();
        let known = |e: usize| problem.batch != Some(set) || fit.solved[e];
        let row = |e: usize| match known(e) {
            true => of_frame(e),
            false => vec![f64::NAN; dims],
        };
        let rows = (0..elements).flat_map(row).collect();
        return (vec![elements, dims], rows);
    }
    let row = |f: usize| match fit.solved[f] {
        false => vec![f64::NAN; variable.copies * dims],
        true => of_frame(f),
    };
    let rows = (0..problem.frames).flat_map(row).collect();
    ([vec![problem.frames], copies].concat(), rows)
}

/// The axis-angle vector of a row-major matrix.
pub(super) fn axis_angle_of_rows(rows: &[f64]) -> Vec<f64> {
    let w = axis_angle(&Matrix3::from_row_slice(rows));
    w.as_slice().to_vec()
}

/// Root, translation and joints in the axes of the data; `poses` as AMASS has them.
fn write_bodies(
    file: &mut NpzWriter,
    problem: &Problem,
    bodies: &Bodies<'_>,
) -> Result<(), FileError> {
    let (frames, joints) = (problem.frames, bodies.model.num_joints());
    let back = problem.upright.transpose();
    let known = |f: usize, row: &dyn Fn(usize) -> Vec<f64>, numbers: usize| match bodies.known(f) {
        true => row(f),
        false => vec![f64::NAN; numbers],
    };
    let mut write = |name: &str, of: &[usize], row: &dyn Fn(usize) -> Vec<f64>| {
        let shape = [&[frames], of].concat();
        let rows = (0..frames).flat_map(|f| known(f, row, of.iter().product()));
        file.stream64(name, &shape, rows)
    };
    let root = |f: usize| axis_angle(&(back * bodies.root(f))).as_slice().to_vec();
    if problem.variable("pose_body").is_none() {
        let body = |f: usize| bodies.pose(f)[..3 * BODY_JOINTS].to_vec();
        write("pose_body", &[3 * BODY_JOINTS], &body)?;
    }
    write("poses", &[3 * joints], &|f| {
        let mut poses = [root(f), bodies.pose(f)].concat();
        poses.resize(3 * joints, 0.0);
        poses
    })?;
    write("root_orient", &[3], &root)?;
    write("trans", &[3], &|f| {
        let pelvis = bodies.rest(f)[0];
        let moved: Vector3<f64> = back * (pelvis + bodies.trans(f)) - pelvis;
        moved.as_slice().to_vec()
    })?;
    write("joints", &[joints, 3], &|f| {
        let transforms = bodies.transforms(f);
        let places = transforms.iter().map(|(_, place)| back * place);
        places.flat_map(|p| [p.x, p.y, p.z]).collect()
    })?;
    let names: Vec<&str> = bodies
        .model
        .joint_names
        .iter()
        .map(String::as_str)
        .collect();
    file.strings("joint_names", &[joints], &names)?;
    let parent = |(j, p): (usize, &usize)| if j == 0 { -1.0 } else { *p as f64 };
    let parents: Vec<f64> = bodies
        .model
        .parents
        .iter()
        .enumerate()
        .map(parent)
        .collect();
    file.floats64("joint_parents", &[joints], &parents)?;
    file.floats64("mocap_framerate", &[], &[problem.rate.unwrap_or(f64::NAN)])?;
    file.strings("gender", &[], &["neutral"])?;
    file.strings("body", &[], &[&bodies.model.short_name()])?;
    file.strings("up_axis", &[], &[up_axis(problem)])
}

/// The data's up axis by its letter, with a minus where it points down.
pub(super) fn up_axis(problem: &Problem) -> &'static str {
    let up = problem.upright.transpose() * Vector3::y();
    let axis = up.iamax();
    match up[axis] > 0.0 {
        true => ["x", "y", "z"][axis],
        false => ["-x", "-y", "-z"][axis],
    }
}
