//! Questions to a body's surface at rest: its faces, their normals, and where a ray leaves it.

use nalgebra::Vector3;

use super::super::BodyModel;

/// How far outside a triangle, in barycentric weight, a ray still counts as hitting it: rays
/// through an edge or a vertex must not slip between two faces.
const EDGE: f64 = 1e-9;

/// A point of a face.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub vertices: [usize; 3],
    pub weights: [f64; 3],
    /// Distance along the ray in lengths of its direction.
    pub distance: f64,
}

pub(super) fn point(body: &BodyModel, vertex: usize) -> Vector3<f64> {
    let row = body.template.row(vertex);
    Vector3::new(row[0], row[1], row[2])
}

pub(super) fn corners(body: &BodyModel, face: usize) -> [usize; 3] {
    let row = body.faces.row(face);
    [row[0] as usize, row[1] as usize, row[2] as usize]
}

/// Of the faces around a vertex the one whose normal is closest to the vertex's, which is their
/// mean weighted by area.
pub(super) fn face_around(body: &BodyModel, vertex: usize) -> Option<[usize; 3]> {
    let around: Vec<[usize; 3]> = (0..body.faces.nrows())
        .map(|face| corners(body, face))
        .filter(|corners| corners.contains(&vertex))
        .collect();
    let mean: Vector3<f64> = around.iter().map(|c| twice_area_normal(body, c)).sum();
    let along = |corners: &[usize; 3]| {
        let normal = twice_area_normal(body, corners).try_normalize(0.0);
        normal.map_or(f64::NEG_INFINITY, |n| n.dot(&mean))
    };
    around
        .into_iter()
        .max_by(|a, b| along(a).total_cmp(&along(b)))
}

fn twice_area_normal(body: &BodyModel, corners: &[usize; 3]) -> Vector3<f64> {
    let [a, b, c] = corners.map(|v| point(body, v));
    (b - a).cross(&(c - a))
}

/// The last face that a ray goes through, of those with a corner among `vertices`.
pub(super) fn last_hit(
    body: &BodyModel,
    start: Vector3<f64>,
    direction: Vector3<f64>,
    inside: impl Fn(usize) -> bool,
) -> Option<Hit> {
    let hits = (0..body.faces.nrows()).filter_map(|face| {
        let corners = corners(body, face);
        let hit = intersect(body, corners, start, direction)?;
        corners.into_iter().any(&inside).then_some(hit)
    });
    hits.max_by(|a, b| a.distance.total_cmp(&b.distance))
}

/// Möller and Trumbore, *Fast, minimum storage ray/triangle intersection*, 1997.
fn intersect(
    body: &BodyModel,
    vertices: [usize; 3],
    start: Vector3<f64>,
    direction: Vector3<f64>,
) -> Option<Hit> {
    let [a, b, c] = vertices.map(|v| point(body, v));
    let (ab, ac) = (b - a, c - a);
    let across = direction.cross(&ac);
    let determinant = ab.dot(&across);
    if determinant == 0.0 {
        return None;
    }
    let from_a = start - a;
    let u = from_a.dot(&across) / determinant;
    let turned = from_a.cross(&ab);
    let v = direction.dot(&turned) / determinant;
    let distance = ac.dot(&turned) / determinant;
    let weights = [1.0 - u - v, u, v];
    let hit = distance > 0.0 && weights.iter().all(|w| *w >= -EDGE);
    hit.then(|| Hit {
        vertices,
        weights: weights.map(|w| w.clamp(0.0, 1.0)),
        distance,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ray_from_inside_leaves_through_the_far_side_of_the_head() {
        let body = BodyModel::builtin(None).unwrap();
        let head = body.joint_names.iter().position(|j| j == "head").unwrap();
        let row = body.joints.row(head);
        let start = Vector3::new(row[0], row[1] + 0.08, row[2]);
        let hit = last_hit(&body, start, Vector3::y(), |_| true).unwrap();
        let place: Vector3<f64> = (0..3)
            .map(|k| point(&body, hit.vertices[k]) * hit.weights[k])
            .sum();
        let top = body.template.column(1).iter().copied().fold(0.0, f64::max);
        assert!((place - start - Vector3::y() * hit.distance).norm() < 1e-9);
        assert!(top - place.y < 0.02, "{} under {top}", place.y);
    }

    #[test]
    fn the_face_around_a_vertex_has_it_and_looks_outward() {
        let body = BodyModel::builtin(None).unwrap();
        let toe = body.landmarks["left_big_toe"];
        let corners = face_around(&body, toe).unwrap();
        assert!(corners.contains(&toe));
        assert!(twice_area_normal(&body, &corners).z > 0.0);
    }
}
