//! The joint regressor: each joint as a weighted sum of skin vertices around it.

use nalgebra::{DMatrix, DVector};

use crate::joints::{self, COUNT, V3};
use crate::mesh::Mesh;
use crate::shapes::Shape;

/// A joint reads the vertices within this distance (m), and at least so many.
const REACH: f64 = 0.070;
const SUPPORT: usize = 240;
/// Singular values below this come from rounding; following them would blow up the weights.
const NOISE: f64 = 3e-3;

/// Rows (24, V) that give the rig's joints on the template and under every shape direction.
pub fn regressor(mesh: &Mesh, shapes: &[Shape]) -> Vec<Vec<f64>> {
    let mut rows = vec![vec![0.0; mesh.vertices.len()]; COUNT];
    for joint in 0..COUNT {
        let twin = joints::mirror(joint);
        if twin < joint {
            rows[joint] = mirrored(&rows[twin], &mesh.twins);
            continue;
        }
        let near = nearest(mesh, &joints::position(joint));
        let values = least_norm(mesh, shapes, joint, &near);
        near.iter()
            .zip(values.iter())
            .for_each(|(&v, &r)| rows[joint][v] = r);
        if twin == joint {
            let other = mirrored(&rows[joint], &mesh.twins);
            rows[joint]
                .iter_mut()
                .zip(other)
                .for_each(|(r, o)| *r = (*r + o) / 2.0);
        }
    }
    rows
}

fn mirrored(row: &[f64], twins: &[usize]) -> Vec<f64> {
    twins.iter().map(|&twin| row[twin]).collect()
}

/// The vertices around a point; a vertex and its twin at equal distance come together.
fn nearest(mesh: &Mesh, centre: &V3) -> Vec<usize> {
    let distance = |v: usize| (mesh.vertices[v] - centre).norm();
    let mut order: Vec<usize> = (0..mesh.vertices.len()).collect();
    order.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
    let reach = REACH.max(distance(order[SUPPORT - 1]) + 1e-9);
    order
        .into_iter()
        .take_while(|&v| distance(v) <= reach)
        .collect()
}

/// min ‖r‖ subject to Σr = 1, Σ r·(v − J) = 0, Σ r·dv = dJ for every direction.
fn least_norm(mesh: &Mesh, shapes: &[Shape], joint: usize, near: &[usize]) -> DVector<f64> {
    /// Weighs a metre against the one of Σr = 1, so that the system is well scaled.
    const PER_METRE: f64 = 10.0;
    let height = 4 + 3 * shapes.len();
    let mut system = DMatrix::zeros(height, near.len());
    for (column, &v) in near.iter().enumerate() {
        let offset = mesh.vertices[v] - joints::position(joint);
        let moves = shapes.iter().map(|s| (s.skin[v] - s.joints[joint]) * 10.0);
        let metres = std::iter::once(offset).chain(moves);
        let entries = metres.flat_map(|m| [m.x, m.y, m.z]).map(|m| m * PER_METRE);
        let entries = std::iter::once(1.0).chain(entries);
        system
            .column_mut(column)
            .iter_mut()
            .zip(entries)
            .for_each(|(to, from)| *to = from);
    }
    let mut wanted = DVector::zeros(height);
    wanted[0] = 1.0;
    let row = system
        .svd(true, true)
        .solve(&wanted, NOISE)
        .expect("both factors were asked for");
    &row / row.sum()
}
