//! Light from many directions, each with a depth map for what it does not reach: soft shadows out of hard ones.

use rayon::prelude::*;

use super::{
    Vec3,
    raster::{self, Visible},
    scene::Scene,
};

const MAP: usize = 640;
const DOME: usize = 40;
const KEY: usize = 12;
/// Metres that a surface may lie behind its own depth map.
const BIAS: f32 = 0.02;

/// A distant lamp and what it sees.
pub(super) struct Lamp {
    towards: Vec3,
    strength: f32,
    across: Vec3,
    along: Vec3,
    origin: Vec3,
    texels_per_metre: f32,
    map: Visible,
}

/// A dome of even light and a broad key light around `key`; together they give an unshadowed ground the light 1.
pub(super) fn lamps(scene: &Scene, key: Vec3) -> Vec<Lamp> {
    let dome = spiral(DOME, 0.5).map(|d| (d, 0.55));
    let turn = nalgebra::Rotation3::rotation_between(&Vec3::y(), &key)
        .unwrap_or_else(nalgebra::Rotation3::identity);
    let cluster = spiral(KEY, 0.018).map(|d| (turn * d, 0.45));
    let weigh = |count: usize| move |(d, share): (Vec3, f32)| (d, share / count as f32);
    let directions: Vec<(Vec3, f32)> = dome
        .map(weigh(DOME))
        .chain(cluster.map(weigh(KEY)))
        .collect();
    directions
        .into_par_iter()
        .map(|(towards, strength)| Lamp::new(scene, towards, strength))
        .collect()
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
            map: raster::rasterise(&[], &[], 0, 0),
        };
        let corners: Vec<[f32; 3]> = scene.vertices.iter().map(|v| lamp.project(*v)).collect();
        lamp.map = raster::rasterise(&corners, &scene.faces, MAP, MAP);
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
        let corner = row as usize * MAP + column as usize;
        let free = |texel: usize| {
            if self.map.nearness[texel] > nearness {
                0.0
            } else {
                1.0
            }
        };
        let along = |texel: usize| free(texel) + column.fract() * (free(texel + 1) - free(texel));
        along(corner) + row.fract() * (along(corner + MAP) - along(corner))
    }
}

/// The light at a surface; an unshadowed upward surface gets about 1.
pub(super) fn light(lamps: &[Lamp], point: Vec3, normal: Vec3) -> f32 {
    let open: f32 = lamps
        .iter()
        .map(|lamp| lamp.strength * lamp.towards.y)
        .sum();
    lamps
        .iter()
        .map(|lamp| lamp.reaches(point, normal))
        .sum::<f32>()
        / open
}
