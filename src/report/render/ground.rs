//! The white ground: a grid that fades out, and the soft shadow that the bodies leave on it.

use super::{Vec3, scene::Scene};

const TEXELS: usize = 240;
const BLUR: usize = 1;
/// Extents in radii of the scene: where shadows and grid have faded out.
const SHADOW_REACH: f32 = 1.9;
const GRID_REACH: f32 = 3.0;
/// Metres between grid lines, and half of a line's width.
const GRID: f32 = 0.5;
const LINE: f32 = 0.004;

pub(super) struct Ground {
    pub height: f32,
    centre: Vec3,
    radius: f32,
    /// Light from 0 to 1 on a square around the centre, (texels, texels).
    light: Vec<f32>,
}

/// Where the ground's light is wanted, row by row.
pub(super) fn places(scene: &Scene) -> impl Iterator<Item = Vec3> {
    let metres = |texel: usize| {
        ((texel as f32 + 0.5) / TEXELS as f32 * 2.0 - 1.0) * SHADOW_REACH * scene.radius
    };
    (0..TEXELS * TEXELS).map(move |i| {
        Vec3::new(
            scene.centre.x + metres(i % TEXELS),
            scene.ground,
            scene.centre.z + metres(i / TEXELS),
        )
    })
}

impl Ground {
    /// The ground with the light at its [`places`].
    pub(super) fn new(scene: &Scene, light: &[f32]) -> Self {
        Self {
            height: scene.ground,
            centre: scene.centre,
            radius: scene.radius,
            light: blurred(&blurred(light)),
        }
    }

    /// Linear grey at a point of the ground, of which a pixel covers `pixel` metres.
    pub(super) fn shade(&self, point: Vec3, pixel: f32) -> f32 {
        let reach = (point - self.centre).xz().norm() / self.radius;
        let grid = (1.0 - reach / GRID_REACH).max(0.0).sqrt()
            * line(point.x, pixel).max(line(point.z, pixel));
        let edge = (3.0 * (1.0 - reach / SHADOW_REACH)).clamp(0.0, 1.0);
        (1.0 - 0.2 * grid) * (1.0 - 0.8 * edge * (1.0 - self.light_at(point)))
    }

    fn light_at(&self, point: Vec3) -> f32 {
        let texel = |x: f32| (x / (SHADOW_REACH * self.radius) + 1.0) / 2.0 * TEXELS as f32 - 0.5;
        let off = point - self.centre;
        let (x, z) = (texel(off.x), texel(off.z));
        let last = TEXELS as f32 - 1.001;
        let (x, z) = (x.clamp(0.0, last), z.clamp(0.0, last));
        let corner = z as usize * TEXELS + x as usize;
        let along = |at: usize| self.light[at] + x.fract() * (self.light[at + 1] - self.light[at]);
        let (near, far) = (along(corner), along(corner + TEXELS));
        (near + z.fract() * (far - near)).min(1.0)
    }
}

/// How much of a pixel a grid line covers.
fn line(x: f32, pixel: f32) -> f32 {
    let off = (x / GRID - (x / GRID).round()).abs() * GRID;
    ((LINE + 0.5 * pixel - off) / pixel).clamp(0.0, (2.0 * LINE / pixel).min(1.0))
}

/// The mean over a square of 2 · BLUR + 1 texels, rows first, then columns.
fn blurred(light: &[f32]) -> Vec<f32> {
    let mean = |values: &[f32], at: usize, stride: usize, place: usize| {
        let (first, last) = (place.saturating_sub(BLUR), (place + BLUR).min(TEXELS - 1));
        (first..=last).map(|k| values[at + k * stride]).sum::<f32>() / (last - first + 1) as f32
    };
    let rows: Vec<f32> = (0..light.len())
        .map(|i| mean(light, i - i % TEXELS, 1, i % TEXELS))
        .collect();
    (0..light.len())
        .map(|i| mean(&rows, i % TEXELS, TEXELS, i / TEXELS))
        .collect()
}
