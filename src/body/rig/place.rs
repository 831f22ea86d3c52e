//! Turns a rig upright, y up and facing +z, and into metres.

use nalgebra::{Matrix3, Vector3};
use ndarray::Array2;

use super::roles::Roles;
use crate::body::SMPL_JOINTS;
use crate::io::rig::Rig;

/// Heights of people, from newborn to the tallest, m.
const PEOPLE: std::ops::RangeInclusive<f64> = 0.4..=2.75;

/// By the axes along which head and left lie.
pub(super) fn upright(rig: &mut Rig, roles: &Roles) -> Result<(), String> {
    let at = |role: &str| {
        let place = SMPL_JOINTS.iter().position(|r| *r == role).unwrap_or(0);
        mean(&rig.heads, &roles.body[place])
    };
    if (at("head") - at("pelvis")).norm() < 1e-9 {
        return Err("its joints all lie at one place".into());
    }
    let up = axis(at("head") - at("pelvis"));
    let left = at("left_hip") - at("right_hip") + at("left_shoulder") - at("right_shoulder");
    let left = axis(left - up * up.dot(&left));
    if up.dot(&left) != 0.0 || left.norm() == 0.0 {
        return Err(
            "its left is not beside its right; `body.roles` says which joints are which".into(),
        );
    }
    let turn = Matrix3::from_rows(&[
        left.transpose(),
        up.transpose(),
        left.cross(&up).transpose(),
    ]);
    if turn != Matrix3::identity() {
        for_all(rig, |x| turn * x);
    }
    faces_forwards(rig, roles)
}

/// Toes lie before ankles, unless sides have each other's names or the figure is mirrored.
fn faces_forwards(rig: &Rig, roles: &Roles) -> Result<(), String> {
    let at = |role: &str| {
        let place = SMPL_JOINTS.iter().position(|r| *r == role)?;
        let bones = &roles.body[place];
        (!bones.is_empty()).then(|| mean(&rig.heads, bones))
    };
    let foot = |side: &str| Some((at(&format!("{side}_foot"))? - at(&format!("{side}_ankle"))?).z);
    let ahead: Vec<f64> = ["left", "right"].iter().filter_map(|s| foot(s)).collect();
    match !ahead.is_empty() && ahead.iter().all(|z| *z < 0.0) {
        true => Err(
            "its toes point backwards: left and right have each other's names, or it is mirrored"
                .into(),
        ),
        false => Ok(()),
    }
}

pub(super) fn in_metres(rig: &mut Rig, unit: Option<f64>) -> Result<(), String> {
    if let Some(unit) = unit {
        for_all(rig, |x| unit * x);
    }
    let heights = rig.vertices.column(1);
    let (low, high) = heights.iter().fold((f64::MAX, f64::MIN), |(low, high), y| {
        (low.min(*y), high.max(*y))
    });
    let tall = high - low;
    if PEOPLE.contains(&tall) {
        return Ok(());
    }
    let fits = |(_, unit): &&(&str, f64)| PEOPLE.contains(&(unit * tall));
    let units = [("cm", 0.01), ("mm", 0.001), ("dm", 0.1), ("in", 0.0254)];
    let near = units.iter().find(fits).filter(|_| unit.is_none());
    let hint = near.map_or(String::new(), |(name, unit)| {
        format!(
            "; `body.unit = \"{name}\"` in a spec makes it {:.2} m",
            unit * tall
        )
    });
    Err(format!("it is {tall:.3} m tall, which no person is{hint}"))
}

/// The coordinate axis, with its sign, that a vector is closest to.
fn axis(v: Vector3<f64>) -> Vector3<f64> {
    let k = v.iamax();
    let mut axis = Vector3::zeros();
    axis[k] = if v[k] == 0.0 { 0.0 } else { v[k].signum() };
    axis
}

pub(super) fn mean(heads: &Array2<f64>, bones: &[usize]) -> Vector3<f64> {
    let sum = bones
        .iter()
        .fold(Vector3::zeros(), |sum, b| sum + row(heads, *b));
    sum / bones.len().max(1) as f64
}

pub(super) fn row(of: &Array2<f64>, k: usize) -> Vector3<f64> {
    Vector3::new(of[[k, 0]], of[[k, 1]], of[[k, 2]])
}

fn for_all(rig: &mut Rig, change: impl Fn(Vector3<f64>) -> Vector3<f64>) {
    let lanes = rig
        .vertices
        .rows_mut()
        .into_iter()
        .chain(rig.heads.rows_mut());
    let axis = ndarray::Axis(1);
    let shapes = rig.shapes.lanes_mut(axis).into_iter();
    let all = lanes.chain(shapes).chain(rig.head_shapes.lanes_mut(axis));
    for mut lane in all {
        let new = change(Vector3::new(lane[0], lane[1], lane[2]));
        (0..3).for_each(|k| lane[k] = new[k]);
    }
}
