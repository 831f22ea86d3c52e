//! The whole, left-right symmetric mesh.

use crate::joints::V3;
use crate::surface::Surface;

pub struct Mesh {
    pub vertices: Vec<V3>,
    pub faces: Vec<[usize; 3]>,
    /// Each vertex's mirror image; itself in the plane x = 0.
    pub twins: Vec<usize>,
}

/// Joins a half (x ≥ 0) and its mirror image; twins stand side by side, which compresses well.
pub fn mirror(half: &Surface) -> Mesh {
    let kept = |middle: bool| {
        let used = (0..half.positions.len()).filter(|&v| !half.fans[v].is_empty());
        used.filter(move |&v| (half.positions[v].x == 0.0) == middle)
    };
    let (mut left, mut vertices, mut twins) = (vec![0; half.positions.len()], vec![], vec![]);
    for v in kept(true) {
        left[v] = vertices.len();
        twins.push(vertices.len());
        vertices.push(half.positions[v].map(to_grid));
    }
    for v in kept(false) {
        left[v] = vertices.len();
        let p = half.positions[v].map(to_grid);
        twins.extend([vertices.len() + 1, vertices.len()]);
        vertices.extend([p, V3::new(-p.x, p.y, p.z)]);
    }
    let faces: Vec<[usize; 3]> = half.living().map(|face| face.map(|v| left[v])).collect();
    let twin_faces = faces.iter().map(|&[a, b, c]| [a, c, b].map(|v| twins[v]));
    let faces = faces.iter().copied().chain(twin_faces).collect();
    Mesh {
        vertices,
        faces,
        twins,
    }
}

/// Rounds to a micrometre (2⁻²⁰ m): exact in f32, with low bits that are zero.
pub fn to_grid(x: f64) -> f64 {
    const STEPS: f64 = (1 << 20) as f64;
    (x * STEPS).round() / STEPS
}
