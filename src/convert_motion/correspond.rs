//! The point of a mesh that is nearest to another one's.

use nalgebra::Vector3;
use rayon::prelude::*;

use super::skin::normals;
use crate::body::BodyModel;

/// A point of a face, and how far outside it another point is along the face's normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub face: usize,
    pub barycentric: [f64; 3],
    pub outside: f64,
}

/// Cosine of the angle beyond which two normals belong to two sides of a limb.
const FACING: f64 = 0.3;

/// For each point the nearest place on the mesh whose skin looks the same way.
pub(super) fn nearest(
    body: &BodyModel,
    vertices: &[Vector3<f64>],
    points: &[Vector3<f64>],
    facing: &[Vector3<f64>],
) -> Vec<Option<Place>> {
    let normals = normals(body, vertices);
    let corners = |face: usize| [0, 1, 2].map(|k| body.faces[[face, k]] as usize);
    let ball = |face: usize| {
        let [a, b, c] = corners(face).map(|v| vertices[v]);
        let middle = (a + b + c) / 3.0;
        let reach = [a, b, c].map(|v| (v - middle).norm_squared());
        (middle, reach.into_iter().fold(0.0, f64::max).sqrt())
    };
    let balls: Vec<(Vector3<f64>, f64)> = (0..body.faces.nrows()).map(ball).collect();
    let of_point = |(p, n): (&Vector3<f64>, &Vector3<f64>)| {
        let mut best = (f64::INFINITY, None);
        for (face, (middle, reach)) in balls.iter().enumerate() {
            let within: f64 = best.0 + reach;
            if (p - middle).norm_squared() > within * within {
                continue;
            }
            let corners = corners(face);
            let [a, b, c] = corners.map(|v| vertices[v]);
            let barycentric = closest(p, [a, b, c]);
            let at = a * barycentric[0] + b * barycentric[1] + c * barycentric[2];
            let distance = (p - at).norm();
            let looks: Vector3<f64> = (0..3).map(|k| normals[corners[k]] * barycentric[k]).sum();
            if distance < best.0 && looks.dot(n) > FACING * looks.norm() {
                let normal = (b - a).cross(&(c - a)).try_normalize(0.0);
                let outside = normal.map_or(0.0, |normal| normal.dot(&(p - at)));
                let place = Place {
                    face,
                    barycentric,
                    outside,
                };
                best = (distance, Some(place));
            }
        }
        best.1
    };
    points.par_iter().zip(facing).map(of_point).collect()
}

/// Barycentric weights of the point of a triangle that is closest to `p` (Ericson, *Real-Time Collision
/// Detection*, 2005, section 5.1.5).
fn closest(p: &Vector3<f64>, [a, b, c]: [Vector3<f64>; 3]) -> [f64; 3] {
    let (ab, ac) = (b - a, c - a);
    let from = |corner: Vector3<f64>| (ab.dot(&(p - corner)), ac.dot(&(p - corner)));
    let (d1, d2) = from(a);
    if d1 <= 0.0 && d2 <= 0.0 {
        return [1.0, 0.0, 0.0];
    }
    let (d3, d4) = from(b);
    if d3 >= 0.0 && d4 <= d3 {
        return [0.0, 1.0, 0.0];
    }
    let of_ab = d1 * d4 - d3 * d2;
    if of_ab <= 0.0 && d1 >= 0.0 && d3 <= 0.0 {
        let along = d1 / (d1 - d3);
        return [1.0 - along, along, 0.0];
    }
    let (d5, d6) = from(c);
    if d6 >= 0.0 && d5 <= d6 {
        return [0.0, 0.0, 1.0];
    }
    let of_ac = d5 * d2 - d1 * d6;
    if of_ac <= 0.0 && d2 >= 0.0 && d6 <= 0.0 {
        let along = d2 / (d2 - d6);
        return [1.0 - along, 0.0, along];
    }
    let of_bc = d3 * d6 - d5 * d4;
    if of_bc <= 0.0 && d4 - d3 >= 0.0 && d5 - d6 >= 0.0 {
        let along = (d4 - d3) / ((d4 - d3) + (d5 - d6));
        return [0.0, 1.0 - along, along];
    }
    let sum = of_ab + of_ac + of_bc;
    [of_bc / sum, of_ac / sum, of_ab / sum]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    #[test]
    fn no_point_of_the_triangle_is_closer() {
        let mut rng = SplitMix64(3);
        let mut vector = || Vector3::from_fn(|_, _| rng.normal());
        for _ in 0..300 {
            let (p, triangle) = (vector(), [vector(), vector(), vector()]);
            let at = |w: [f64; 3]| (0..3).map(|k| triangle[k] * w[k]).sum::<Vector3<f64>>();
            let best = closest(&p, triangle);
            assert!(best.iter().all(|w| (-1e-12..=1.0 + 1e-12).contains(w)));
            assert!((best.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let least = (p - at(best)).norm();
            for i in 0..=20 {
                for j in 0..=20 - i {
                    let w = [i, j, 20 - i - j].map(|k| k as f64 / 20.0);
                    assert!((p - at(w)).norm() >= least - 1e-9);
                }
            }
        }
    }

    #[test]
    fn points_of_a_skin_are_found_on_it_and_at_their_height_over_it() {
        let body = BodyModel::builtin(None).unwrap();
        let vertices = body.rest_vertices(&[]);
        let normals = normals(&body, &vertices);
        let some: Vec<usize> = (0..vertices.len()).step_by(500).collect();
        let facing: Vec<_> = some.iter().map(|v| normals[*v]).collect();
        let over: Vec<_> = some
            .iter()
            .map(|v| vertices[*v] + normals[*v] * 1e-4)
            .collect();
        for (found, v) in nearest(&body, &vertices, &over, &facing).iter().zip(&some) {
            let place = found.unwrap();
            let corners = [0, 1, 2].map(|k| body.faces[[place.face, k]] as usize);
            assert!(corners.contains(v), "{v} on {corners:?}");
            assert!(
                (0.0..=1.01e-4).contains(&place.outside),
                "{}",
                place.outside
            );
        }
    }
}
