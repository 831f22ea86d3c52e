//! All cameras and points at once: bundle adjustment, as a spec over tables.

use std::path::Path;

use nalgebra::{Matrix3, Vector2, Vector3};

use super::sightings::Sightings;
use crate::camera::Camera;
use crate::camera::relative::Pose;
use crate::data::median;
use crate::error::Error;
use crate::fit::{Fit, Status, fit};
use crate::io::Arrays;
use crate::own::Registry;
use crate::rotation::axis_angle;
use crate::run::{Checked, check_text};

pub(super) struct Refined {
    pub poses: Vec<Pose>,
    /// By frame and label; none where no two cameras agree on it.
    pub points: Vec<Option<Vector3<f64>>>,
}

/// Where the world is and how it is turned is held; how large it is, damping does.
const SPEC: &str = r#"
fitrun = 1
[data.seen]
columns = { camera = "ref:camera", point = "ref:point", x = "1", y = "1", f = "px", sure = "1" }
[data.cameras]
index   = "camera"
columns = { turn = "rad", t = "m" }
[data.points]
index   = "point"
columns = { x = "m" }
[vars]
R = { kind = "so3", per = "camera", init = "exp_so3(cameras.turn)" }
t = { per = "camera", init = "cameras.t" }
X = { per = "point", init = "points.x" }
[[gauge]]
hold = ["R[0]", "t[0]"]
[terms.reprojection]
kind     = "expr"
over     = "seen"
residual = '''
  let p = R[camera] * X[point] + t[camera]
  sure * f * (p.xy / p.z - vec(x, y))
'''
sigma    = "SIGMA"
robust   = { kind = "geman_mcclure", scale = "SCALE" }
"#;

/// How far a detector is off, and from where on it is wrong, as shares of an image's diagonal.
const SIGMA: f64 = 0.002;
const SCALE: f64 = 0.004;

pub(super) fn refine(
    found: &Sightings,
    poses: &[Pose],
    points: &[Option<Vector3<f64>>],
) -> Result<Refined, Error> {
    let known: Vec<usize> = (0..points.len()).filter(|p| points[*p].is_some()).collect();
    let at: Vec<f64> = known
        .iter()
        .flat_map(|p| points[*p])
        .flat_map(<[f64; 3]>::from)
        .collect();
    let registry = Registry::default()
        .data("seen", seen(found, &known))
        .data("cameras", cameras(poses))
        .data(
            "points",
            Arrays::default().numbers("x", &[known.len(), 3], &at),
        );
    let unit = found.usual(Camera::diagonal);
    let text = SPEC
        .replace("SIGMA", &format!("{:?} px", SIGMA * unit))
        .replace("SCALE", &format!("{:?} px", SCALE * unit));
    let checked = check_text(Path::new("place-cameras"), &text, &registry.into())?;
    let solved = fit(&checked.problem, &mut |_| true);
    if matches!(solved.status[0], Status::Stalled | Status::Invalid) {
        let message = "the adjustment of cameras and points does not end at a minimum";
        return Err(found.reject(message.into()));
    }
    let rows = |name: &str, n: usize| values(&checked, &solved, name, n);
    let (turns, shifts) = (rows("R", 9), rows("t", 3));
    let pose = |(turn, shift): (&Vec<f64>, &Vec<f64>)| Pose {
        rotation: Matrix3::from_row_slice(turn),
        translation: Vector3::from_column_slice(shift),
    };
    let mut refined = vec![None; points.len()];
    for (p, x) in known.iter().zip(rows("X", 3)) {
        refined[*p] = Some(Vector3::from_column_slice(&x));
    }
    Ok(Refined {
        poses: turns.iter().zip(&shifts).map(pose).collect(),
        points: refined,
    })
}

fn seen(found: &Sightings, known: &[usize]) -> Arrays {
    let mut columns: [Vec<f64>; 6] = Default::default();
    for (number, p) in known.iter().enumerate() {
        for (c, camera) in found.cameras.iter().enumerate() {
            let sure = found.pixel(c, *p).map(|(_, sure)| sure);
            let (Some(at), Some(sure)) = (found.in_plane(c, *p), sure) else {
                continue;
            };
            let row = [
                c as f64,
                number as f64,
                at.x,
                at.y,
                camera.intrinsics[0],
                sure,
            ];
            columns
                .iter_mut()
                .zip(row)
                .for_each(|(column, x)| column.push(x));
        }
    }
    let names = ["camera", "point", "x", "y", "f", "sure"];
    let columns = names.iter().zip(&columns);
    columns.fold(Arrays::default(), |arrays, (name, column)| {
        arrays.numbers(name, &[column.len()], column)
    })
}

fn cameras(poses: &[Pose]) -> Arrays {
    let turns: Vec<f64> = poses
        .iter()
        .flat_map(|p| <[f64; 3]>::from(axis_angle(&p.rotation)))
        .collect();
    let shifts: Vec<f64> = poses
        .iter()
        .flat_map(|p| <[f64; 3]>::from(p.translation))
        .collect();
    Arrays::default()
        .numbers("turn", &[poses.len(), 3], &turns)
        .numbers("t", &[poses.len(), 3], &shifts)
}

/// Copies of a variable over a set.
fn values(checked: &Checked, solved: &Fit, name: &str, n: usize) -> Vec<Vec<f64>> {
    let id = checked.problem.variable(name);
    let all = id.map_or(&[][..], |id| solved.values.all(id));
    all.chunks_exact(n).map(<[f64]>::to_vec).collect()
}

impl Refined {
    /// How far a camera's points are from where it sees them: the median, px, and how many there are.
    pub fn errors(&self, found: &Sightings, camera: usize) -> (f64, usize) {
        let pose = &self.poses[camera];
        let focal = found.cameras[camera].intrinsics[0];
        let off = |(p, x): (usize, &Option<Vector3<f64>>)| {
            let at: Vector2<f64> = found.in_plane(camera, p)?;
            Some(focal * pose.off(x.as_ref()?, &at))
        };
        let errors: Vec<f64> = self.points.iter().enumerate().filter_map(off).collect();
        (
            median(errors.iter().copied()).unwrap_or(f64::NAN),
            errors.len(),
        )
    }
}
