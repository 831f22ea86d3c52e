//! Poses that hardly differ from one kept earlier in their sequence.

use std::collections::HashMap;

use super::POSE;

const JOINTS: usize = POSE / 3;
/// Knees and elbows, whose angles vary most: they make the cells of the search.
const INDEX_JOINTS: [usize; 4] = [3, 4, 17, 18];

/// The poses, (rows, 63), of which none is within `angle` rad in every joint of one before it.
///
/// A joint's angle changes by no more than its rotation differs, so near poses lie in neighbouring cells.
pub(super) fn thin(poses: &[f32], angle: f64) -> Vec<f32> {
    if angle <= 0.0 {
        return poses.to_vec();
    }
    let least = (0.5 * angle).cos() as f32;
    let mut cells: HashMap<[i32; 4], Vec<usize>> = HashMap::new();
    let mut kept: Vec<[[f32; 4]; JOINTS]> = Vec::new();
    let mut thinned = Vec::new();
    for pose in poses.chunks_exact(POSE) {
        let turns: [[f32; 4]; JOINTS] =
            std::array::from_fn(|j| quaternion(&pose[3 * j..3 * j + 3]));
        let cell = INDEX_JOINTS.map(|j| (turn_angle(&turns[j]) / angle).floor() as i32);
        let near = |other: &usize| {
            let pairs = kept[*other].iter().zip(&turns);
            pairs.into_iter().all(|(a, b)| dot(a, b).abs() >= least)
        };
        let known = |cell: [i32; 4]| cells.get(&cell).is_some_and(|c| c.iter().any(near));
        if !neighbours(cell).any(known) {
            cells.entry(cell).or_default().push(kept.len());
            kept.push(turns);
            thinned.extend_from_slice(pose);
        }
    }
    thinned
}

fn quaternion(v: &[f32]) -> [f32; 4] {
    let v = [f64::from(v[0]), f64::from(v[1]), f64::from(v[2])];
    let angle = v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let scale = if angle < 1e-12 {
        0.5
    } else {
        (0.5 * angle).sin() / angle
    };
    let [x, y, z] = v.map(|x| (scale * x) as f32);
    [(0.5 * angle).cos() as f32, x, y, z]
}

/// In 0–π.
fn turn_angle(q: &[f32; 4]) -> f64 {
    let sine = f64::from(q[1])
        .hypot(f64::from(q[2]))
        .hypot(f64::from(q[3]));
    2.0 * sine.atan2(f64::from(q[0]).abs())
}

fn dot(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn neighbours(cell: [i32; 4]) -> impl Iterator<Item = [i32; 4]> {
    (0..81).map(move |n| std::array::from_fn(|axis| cell[axis] + n / 3i32.pow(axis as u32) % 3 - 1))
}
