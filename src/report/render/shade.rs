//! Colours for what the camera sees: bodies, ground with grid and shadows, observed points.

use rayon::prelude::*;

use super::{
    Image, Vec3,
    camera::Camera,
    ground::Ground,
    raster::{self, NOTHING, Visible},
    scene::Scene,
    sky::{self, Lamp},
};

/// Samples per pixel along each axis.
const SAMPLES: usize = 2;
const EARLY: Vec3 = Vec3::new(0.70, 0.81, 0.90);
const LATE: Vec3 = Vec3::new(0.30, 0.54, 0.78);
const POINT: Vec3 = Vec3::new(0.835, 0.30, 0.0);
const POINT_RADIUS: f32 = 0.018;
/// How much of a point is left where a body hides it.
const HIDDEN: f32 = 0.35;

pub(super) fn shade(scene: &Scene, camera: &Camera) -> Image {
    let right = Vec3::y()
        .cross(&(camera.position - scene.centre))
        .normalize();
    let front = right.cross(&Vec3::y());
    let lamps = sky::lamps(
        scene,
        (Vec3::y() * 1.2 - right * 0.7 + front * 0.7).normalize(),
    );
    let (width, height) = (camera.width * SAMPLES, camera.height * SAMPLES);
    let scaled = |v: &Vec3| camera.project(*v);
    let corners: Vec<[f32; 3]> = scene
        .vertices
        .iter()
        .map(scaled)
        .map(|[x, y, near]| [x * SAMPLES as f32, y * SAMPLES as f32, near])
        .collect();
    let visible = raster::rasterise(&corners, &scene.faces, width, height);
    let ground = Ground::new(scene, &lamps);
    let view = View {
        scene,
        camera,
        lamps,
        ground,
        visible,
    };
    let points = view.projected_points();
    let mut image = Image::white(camera.width, camera.height);
    image
        .rgb
        .par_chunks_mut(3 * camera.width)
        .enumerate()
        .for_each(|(row, pixels)| {
            let near_row = |p: &&Dot| (p.row - row as f32).abs() <= p.radius + 1.0;
            let dots: Vec<Dot> = points.iter().filter(near_row).copied().collect();
            for (column, pixel) in pixels.chunks_exact_mut(3).enumerate() {
                let colour = view.pixel(column, row, &dots);
                pixel.copy_from_slice(
                    &[colour.x, colour.y, colour.z].map(|x| (255.0 * x + 0.5) as u8),
                );
            }
        });
    image
}

/// Linear light to sRGB.
fn encoded(linear: f32) -> f32 {
    let x = linear.clamp(0.0, 1.0);
    if x <= 0.003_130_8 {
        12.92 * x
    } else {
        1.055 * x.powf(1.0 / 2.4) - 0.055
    }
}

struct View<'a> {
    scene: &'a Scene,
    camera: &'a Camera,
    lamps: Vec<Lamp>,
    ground: Ground,
    visible: Visible,
}

/// An observed point in the picture, in pixels.
#[derive(Clone, Copy)]
struct Dot {
    column: f32,
    row: f32,
    radius: f32,
    nearness: f32,
}

impl View<'_> {
    fn projected_points(&self) -> Vec<Dot> {
        let dot = |point: &Vec3| {
            let [column, row, nearness] = self.camera.project(*point);
            Dot {
                column,
                row,
                radius: POINT_RADIUS / self.camera.pixel_size(1.0 / nearness),
                nearness,
            }
        };
        let mut dots: Vec<Dot> = self.scene.points.iter().map(dot).collect();
        dots.sort_by(|a, b| a.nearness.total_cmp(&b.nearness));
        dots
    }

    fn pixel(&self, column: usize, row: usize, dots: &[Dot]) -> Vec3 {
        let mut sum = Vec3::zeros();
        for (sub_row, sub_column) in (0..SAMPLES * SAMPLES).map(|i| (i / SAMPLES, i % SAMPLES)) {
            let at = (row * SAMPLES + sub_row) * self.visible.width + column * SAMPLES + sub_column;
            let place =
                |pixel: usize, sub: usize| pixel as f32 + (sub as f32 + 0.5) / SAMPLES as f32;
            // Averaged as displayed: in linear light a dark edge on white looks jagged.
            sum += self
                .sample(at, place(column, sub_column), place(row, sub_row), dots)
                .map(encoded);
        }
        sum / (SAMPLES * SAMPLES) as f32
    }

    fn sample(&self, at: usize, column: f32, row: f32, dots: &[Dot]) -> Vec3 {
        let ray = self.camera.ray(column, row);
        let behind = match self.visible.triangle[at] {
            NOTHING => self.ground(ray),
            triangle => self.body(triangle, ray),
        };
        let covers = |dot: &&Dot| (dot.column - column).hypot(dot.row - row) <= dot.radius;
        dots.iter().filter(covers).fold(behind, |colour, dot| {
            // The sphere's front is nearer than the surface it was measured on.
            let margin = 1.0 / (1.0 / dot.nearness - 2.0 * POINT_RADIUS);
            let alpha = if margin >= self.visible.nearness[at] {
                0.95
            } else {
                HIDDEN
            };
            colour.lerp(&dot.colour(column, row), alpha)
        })
    }

    fn body(&self, triangle: u32, ray: Vec3) -> Vec3 {
        let (point, normal) = self.scene.surface(triangle, self.camera.position, ray);
        let view = -ray.normalize();
        let light = sky::light(&self.lamps, point, normal);
        // Light from the ground and a rim where the surface turns away keep the dark side readable.
        let bounce = 0.16 * (0.5 - 0.5 * normal.y) + 0.08;
        let rim = 0.10 * (1.0 - normal.dot(&view).clamp(0.0, 1.0)).powi(3);
        let base = EARLY.lerp(&LATE, self.scene.lateness(triangle));
        let base = base.map(|channel| channel.powf(2.2));
        base * (1.05 * light + bounce) + Vec3::repeat(rim)
    }

    fn ground(&self, ray: Vec3) -> Vec3 {
        let depth = (self.ground.height - self.camera.position.y) / ray.y;
        if depth <= 0.0 || !depth.is_finite() {
            return Vec3::repeat(1.0);
        }
        // A pixel covers more ground where the ray grazes it.
        let pixel = self.camera.pixel_size(depth) * (ray.norm() / ray.y.abs()).sqrt();
        Vec3::repeat(self.ground.shade(self.camera.position + ray * depth, pixel))
    }
}

impl Dot {
    /// A sphere lit from above left.
    fn colour(&self, column: f32, row: f32) -> Vec3 {
        let (x, y) = (
            (column - self.column) / self.radius,
            (self.row - row) / self.radius,
        );
        let z = (1.0 - x * x - y * y).max(0.0).sqrt();
        let light = 0.55 + 0.5 * (-0.5 * x + 0.6 * y + 0.62 * z).max(0.0);
        POINT.map(|channel| channel.powf(2.2)) * light
            + Vec3::repeat(0.25 * (-0.4 * x + 0.5 * y + 0.77 * z).max(0.0).powi(16))
    }
}
