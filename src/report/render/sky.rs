//! Light from many directions, each with a depth map for what it does not reach: soft shadows out of hard ones.

use rayon::prelude::*;

use super::{Vec3, raster, scene::Scene};

const MAP: usize = 320;
const DOME: usize = 40;
const KEY: usize = 12;
/// Lamps that are summed before the rest.
const GROUP: usize = 4;
/// Metres that a surface may lie behind its own depth map.
const BIAS: f32 = 0.02;

/// A distant lamp and what it sees.
struct Lamp {
    towards: Vec3,
    strength: f32,
    across: Vec3,
    along: Vec3,
    origin: Vec3,
    texels_per_metre: f32,
    /// How near the nearest surface is, (MAP, MAP).
    map: Vec<f32>,
}

/// The light at surfaces, each a place with its normal, from a dome of even light and a broad key light around `key`;
/// on unshadowed ground it is 1.
pub(super) fn light(scene: &Scene, key: Vec3, surfaces: &[[Vec3; 2]]) -> Vec<f32> {
    let lamps = lamps(key);
    let open: f32 = lamps.iter().map(|(towards, share)| share * towards.y).sum();
    // Lamp after lamp, so that its map stays at hand; the groups fix the order of the sums.
    let of_group = |group: &[(Vec3, f32)]| {
        let mut light = vec![0.0; surfaces.len()];
        for (towards, share) in group {
            let lamp = Lamp::new(scene, *towards, share / open);
            let each = light.iter_mut().zip(surfaces);
            each.for_each(|(sum, [point, normal])| *sum += lamp.reaches(*point, *normal));
        }
        light
    };
    let groups: Vec<Vec<f32>> = lamps.par_chunks(GROUP).map(of_group).collect();
    let at = |i: usize| groups.iter().map(|light| light[i]).sum();
    (0..surfaces.len()).map(at).collect()
}

/// Directions of lamps with their strengths.
fn lamps(key: Vec3) -> Vec<(Vec3, f32)> {
    let turn = nalgebra::Rotation3::rotation_between(&Vec3::y(), &key)
        .unwrap_or_else(nalgebra::Rotation3::identity);
    let dome = spiral(DOME, 0.5).map(|d| (d, 0.55 / DOME as f32));
    let cluster = spiral(KEY, 0.018).map(|d| (turn * d, 0.45 / KEY as f32));
    dome.chain(cluster).collect()
}

/// Directions spread evenly (Fibonacci) over a cap around +y; `spread` 0.5 is nearly the whole hemisphere.
fn spiral(count: usize, spread: f32) -> impl Iterator<Item = Vec3> {
    (0..count).map(move |i| {
        let height = 1.0 - 2.0 * spread * (i as f32 + 0.5) / count as f32 * 0.85;
        let (sin, cos) = (2.399_963 * i as f32).sin_cos();
        let radius = (1.0 - height * height).sqrt();
        Vec3::new(radius * cos, height, radius * sin)
    })
}

impl Lamp {
    fn new(scene: &Scene, towards: Vec3, strength: f32) -> Self {
        let across = Vec3::z()
            .cross(&towards)
            .try_normalize(1e-3)
            .unwrap_or_else(Vec3::x);
        let along = towards.cross(&across);
        let texels_per_metre = (MAP as f32 - 4.0) / (2.0 * scene.radius);
        let mut lamp = Self {
            towards,
            strength,
            across,
            along,
            origin: scene.centre,
            texels_per_metre,
            map: Vec::new(),
        };
        let corners: Vec<[f32; 3]> = scene.vertices.iter().map(|v| lamp.project(*v)).collect();
        lamp.map = raster::nearness(&corners, &scene.faces, MAP, MAP);
        lamp
    }

    fn project(&self, point: Vec3) -> [f32; 3] {
        let p = point - self.origin;
        let middle = MAP as f32 / 2.0;
        let texel = |axis: &Vec3| middle + self.texels_per_metre * axis.dot(&p);
        [
            texel(&self.across),
            texel(&self.along),
            self.towards.dot(&p),
        ]
    }

    /// The light that arrives at a surface, by its cosine, if nothing is in between.
    fn reaches(&self, point: Vec3, normal: Vec3) -> f32 {
        let cosine = self.towards.dot(&normal);
        if cosine <= 0.0 {
            return 0.0;
        }
        let [column, row, nearness] = self.project(point + normal * BIAS);
        self.strength * cosine * self.open(column - 0.5, row - 0.5, nearness + 0.25 * BIAS)
    }

    /// The share of the four texels around a place, by their distance, that nothing nearer covers.
    fn open(&self, column: f32, row: f32, nearness: f32) -> f32 {
        let inside = |x: f32| x >= 0.0 && x < (MAP - 1) as f32;
        if !inside(column) || !inside(row) {
            return 1.0;
        }
        let (top, left) = (row as usize, column as usize);
        let (down, across) = (row - top as f32, column - left as f32);
        let free = |texel: usize| f32::from(self.map[texel] <= nearness);
        let along = |texel: usize| free(texel) + across * (free(texel + 1) - free(texel));
        let corner = top * MAP + left;
        along(corner) + down * (along(corner + MAP) - along(corner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::render::arrange::Placed;

    #[test]
    fn a_plate_shadows_the_ground_below_it_and_leaves_its_upper_side_lit() {
        let corner = |x: f32, z: f32| Vec3::new(x, 0.4, z);
        let mut vertices: Vec<Vec3> = vec![
            corner(-1.0, -1.0),
            corner(-1.0, 1.0),
            corner(1.0, 1.0),
            corner(1.0, -1.0),
        ];
        vertices.push(Vec3::zeros());
        let plate = Placed {
            vertices,
            points: Vec::new(),
        };
        let scene = Scene::new(vec![plate], &[[0, 1, 2], [0, 2, 3]]);
        let at = |x: f32, y: f32| [Vec3::new(x, y, 0.0), Vec3::y()];
        let light = light(
            &scene,
            Vec3::y(),
            &[at(0.0, 0.4), at(0.0, 0.0), at(9.0, 0.0)],
        );
        assert!((light[0] - 1.0).abs() < 1e-4, "above: {}", light[0]);
        assert!(light[1] < 0.3, "below: {}", light[1]);
        assert!((light[2] - 1.0).abs() < 1e-4, "far away: {}", light[2]);
    }
}
