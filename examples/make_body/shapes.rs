//! Ten shape directions: bones stretched and thickened, the skin following by its weights.

use crate::growth::{DIRECTIONS, Direction};
use crate::joints::{self, COUNT, V3};
use crate::mesh::{Mesh, to_grid};
use crate::skin::{self, Weights};

/// What one standard deviation does: displacements (m) of every vertex, of every joint.
pub struct Shape {
    pub skin: Vec<V3>,
    pub joints: [V3; COUNT],
}

pub fn shapes(mesh: &Mesh, weights: &Weights) -> Vec<Shape> {
    DIRECTIONS
        .iter()
        .map(|direction| shape(direction, mesh, weights))
        .collect()
}

fn shape(direction: &Direction, mesh: &Mesh, weights: &Weights) -> Shape {
    let growth: [V3; COUNT] = std::array::from_fn(|j| direction.growth(j));
    let joints = joint_displacements(&growth);
    let displaced = |v: &V3, row: &[f64; COUNT]| {
        let bones = skin::blend(row, |j| {
            joints[j] + growth[j].component_mul(&(v - joints::position(j)))
        });
        bones + direction.bump(v)
    };
    let skin: Vec<V3> = mesh
        .vertices
        .iter()
        .zip(weights)
        .map(|(v, row)| displaced(v, row))
        .collect();
    let scale = direction
        .stature_gain
        .map_or(1.0, |wanted| wanted / stature_gain(mesh, &skin));
    Shape {
        skin: skin.iter().map(|d| (d * scale).map(to_grid)).collect(),
        joints: joints.map(|d| d * scale),
    }
}

/// A bone's growth moves its children, and they theirs; so the skin stays whole at every joint.
fn joint_displacements(growth: &[V3; COUNT]) -> [V3; COUNT] {
    let mut out = [V3::zeros(); COUNT];
    for j in 1..COUNT {
        let parent = joints::parent(j).expect("only the first joint is a root");
        let bone = joints::position(j) - joints::position(parent);
        out[j] = out[parent] + growth[parent].component_mul(&bone);
    }
    out
}

/// How much further apart crown and sole come.
fn stature_gain(mesh: &Mesh, skin: &[V3]) -> f64 {
    let height = |v: &usize| mesh.vertices[*v].y;
    let extreme = |sign: f64| {
        (0..skin.len())
            .max_by(|a, b| (sign * height(a)).total_cmp(&(sign * height(b))))
            .expect("a mesh")
    };
    skin[extreme(1.0)].y - skin[extreme(-1.0)].y
}
