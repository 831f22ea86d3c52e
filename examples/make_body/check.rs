//! Asserts that the finished body is sound, so that a bad one is never written.

use std::collections::HashSet;

use crate::Body;
use crate::joints::{self, COUNT, V3};
use crate::mesh::Mesh;
use crate::shapes::Shape;
use crate::surface::sides;

pub fn check(body: &Body) {
    let count = body.mesh.vertices.len();
    assert!((3000..=6000).contains(&count), "{count} vertices");
    check_surface(&body.mesh);
    check_symmetry(body);
    for row in &body.weights {
        let used = row.iter().filter(|&&w| w != 0.0).count();
        assert!(
            used <= 4 && row.iter().all(|&w| w >= 0.0),
            "weights {row:?}"
        );
        assert!(
            (row.iter().sum::<f64>() - 1.0).abs() < 1e-9,
            "weights {row:?}"
        );
    }
    for joint in 0..COUNT {
        check_joint(body, joint);
    }
}

/// One closed, outward-facing surface without handles.
fn check_surface(mesh: &Mesh) {
    let edges: Vec<[usize; 2]> = mesh.faces.iter().copied().flat_map(sides).collect();
    let directed: HashSet<[usize; 2]> = edges.iter().copied().collect();
    assert_eq!(
        directed.len(),
        edges.len(),
        "an edge runs twice in one direction"
    );
    assert!(
        edges.iter().all(|&[a, b]| directed.contains(&[b, a])),
        "the surface has a hole"
    );
    let (v, e, f) = (mesh.vertices.len(), edges.len() / 2, mesh.faces.len());
    assert_eq!(components(mesh), 1, "the surface falls apart");
    assert_eq!(v + f - e, 2, "the surface has a handle");
    let volume: f64 = mesh
        .faces
        .iter()
        .map(|f| f.map(|v| mesh.vertices[v]))
        .map(signed_volume)
        .sum();
    assert!((0.055..0.080).contains(&volume), "volume {volume} m³");
}

fn signed_volume([a, b, c]: [V3; 3]) -> f64 {
    a.dot(&b.cross(&c)) / 6.0
}

fn components(mesh: &Mesh) -> usize {
    let mut label: Vec<usize> = (0..mesh.vertices.len()).collect();
    loop {
        let before = label.clone();
        for face in &mesh.faces {
            let least = face.iter().map(|&v| label[v]).min().expect("three corners");
            face.iter().for_each(|&v| label[v] = least);
        }
        if before == label {
            return label.iter().collect::<HashSet<_>>().len();
        }
    }
}

fn check_symmetry(body: &Body) {
    for (v, &twin) in body.mesh.twins.iter().enumerate() {
        let mirrored = |p: &V3| V3::new(-p.x, p.y, p.z);
        assert_eq!(body.mesh.vertices[v], mirrored(&body.mesh.vertices[twin]));
        for joint in 0..COUNT {
            let other = joints::mirror(joint);
            assert_eq!(body.weights[v][joint], body.weights[twin][other]);
            assert_eq!(body.regressor[joint][v], body.regressor[other][twin]);
        }
    }
}

/// The regressor gives the rig's joint on the template and under every shape direction.
fn check_joint(body: &Body, joint: usize) {
    let row = &body.regressor[joint];
    let sum: f64 = row.iter().sum();
    assert!((sum - 1.0).abs() < 1e-6, "joint {joint}: row sums to {sum}");
    let regressed = |points: &[V3]| row.iter().zip(points).map(|(&r, p)| r * p).sum::<V3>();
    let off = (regressed(&body.mesh.vertices) - joints::position(joint)).norm();
    assert!(off < 2e-5, "joint {joint} is {off} m off");
    for (direction, Shape { skin, joints }) in body.shapes.iter().enumerate() {
        let off = (regressed(skin) - joints[joint]).norm();
        assert!(
            off < 5e-5,
            "joint {joint} is {off} m off in direction {direction}"
        );
    }
}
