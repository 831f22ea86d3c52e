//! Colours for what the camera sees: bodies, ground with grid and shadows, observed points.

use rayon::prelude::*;

use super::{
    Image, Vec3,
    camera::Camera,
    dot::{self, Dot},
    ground::{self, Ground},
    raster::{self, NOTHING, Visible},
    scene::Scene,
    sky,
};

/// Samples per pixel along each axis.
const SAMPLES: usize = 2;
const EARLY: Vec3 = Vec3::new(0.70, 0.81, 0.90);
const LATE: Vec3 = Vec3::new(0.30, 0.54, 0.78);
/// How much of a point is left where a body hides it.
const HIDDEN: f32 = 0.35;

pub(super) fn shade(scene: &Scene, camera: &Camera) -> Image {
    let ((light, ground), visible) = rayon::join(|| lit(scene, camera), || seen(scene, camera));
    let view = View {
        scene,
        camera,
        light,
        ground,
        visible,
        tints: (0..scene.bodies)
            .map(|body| tint(body, scene.bodies))
            .collect(),
    };
    let points = dot::projected(&scene.points, camera);
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

/// The light at each vertex, between which it changes little, and on the ground.
fn lit(scene: &Scene, camera: &Camera) -> (Vec<f32>, Ground) {
    let right = Vec3::y()
        .cross(&(camera.position - scene.centre))
        .normalize();
    let front = right.cross(&Vec3::y());
    let key = (Vec3::y() * 1.2 - right * 0.7 + front * 0.7).normalize();
    let vertices = scene.vertices.iter().zip(&scene.normals);
    let vertices = vertices.map(|(v, normal)| [*v, *normal]);
    let places = ground::places(scene).map(|place| [place, Vec3::y()]);
    let surfaces: Vec<[Vec3; 2]> = vertices.chain(places).collect();
    let mut light = sky::light(scene, key, &surfaces);
    let on_ground = light.split_off(scene.vertices.len());
    (light, Ground::new(scene, &on_ground))
}

fn seen(scene: &Scene, camera: &Camera) -> Visible {
    let samples = |v: &Vec3| {
        let [x, y, near] = camera.project(*v);
        [x * SAMPLES as f32, y * SAMPLES as f32, near]
    };
    let corners: Vec<[f32; 3]> = scene.vertices.iter().map(samples).collect();
    let (width, height) = (camera.width * SAMPLES, camera.height * SAMPLES);
    raster::visible(&corners, &scene.faces, width, height)
}

/// The linear colour of a body by its place in time.
fn tint(body: usize, bodies: usize) -> Vec3 {
    let lateness = match bodies {
        1 => 1.0,
        _ => body as f32 / (bodies - 1) as f32,
    };
    EARLY.lerp(&LATE, lateness).map(|channel| channel.powf(2.2))
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
    /// One for each vertex.
    light: Vec<f32>,
    ground: Ground,
    visible: Visible,
    /// One for each body.
    tints: Vec<Vec3>,
}

impl View<'_> {
    fn pixel(&self, column: usize, row: usize, dots: &[Dot]) -> Vec3 {
        let first = row * SAMPLES * self.visible.width + column * SAMPLES;
        let places = (0..SAMPLES * SAMPLES).map(|i| [i / SAMPLES, i % SAMPLES]);
        let at = |[down, across]: [usize; 2]| first + down * self.visible.width + across;
        let centre = [column as f32 + 0.5, row as f32 + 0.5];
        let seen = self.visible.triangle[first];
        let even = places.clone().all(|p| self.visible.triangle[at(p)] == seen);
        if even && !dots.iter().any(|dot| dot.covers(centre, 1.0)) {
            let ray = self.camera.ray(centre[0], centre[1]);
            return match seen {
                NOTHING => Vec3::repeat(encoded(self.ground(ray))),
                triangle => self.body(triangle, ray).map(encoded),
            };
        }
        // Averaged as displayed: in linear light a dark edge on white looks jagged.
        let colour = |place: [usize; 2]| {
            let off = |sub: usize| (sub as f32 + 0.5) / SAMPLES as f32;
            let spot = [column as f32 + off(place[1]), row as f32 + off(place[0])];
            self.sample(at(place), spot, dots).map(encoded)
        };
        places.map(colour).sum::<Vec3>() / (SAMPLES * SAMPLES) as f32
    }

    fn sample(&self, at: usize, spot: [f32; 2], dots: &[Dot]) -> Vec3 {
        let ray = self.camera.ray(spot[0], spot[1]);
        let behind = match self.visible.triangle[at] {
            NOTHING => Vec3::repeat(self.ground(ray)),
            triangle => self.body(triangle, ray),
        };
        let covering = dots.iter().filter(|dot| dot.covers(spot, 0.0));
        covering.fold(behind, |colour, dot| {
            // The sphere's front is nearer than the surface it was measured on.
            let margin = 1.0 / (1.0 / dot.nearness - 2.0 * dot::RADIUS);
            let hidden = margin < self.visible.nearness[at];
            colour.lerp(&dot.colour(spot), if hidden { HIDDEN } else { 0.95 })
        })
    }

    fn body(&self, triangle: u32, ray: Vec3) -> Vec3 {
        let corners = self.scene.surface(triangle, self.camera.position, ray);
        let normal: Vec3 = corners
            .iter()
            .map(|&(v, share)| self.scene.normals[v] * share)
            .sum();
        let normal = normal.try_normalize(1e-9).unwrap_or(-ray);
        let light: f32 = corners
            .iter()
            .map(|&(v, share)| self.light[v] * share)
            .sum();
        // Light from the ground and a rim where the surface turns away keep the dark side readable.
        let bounce = 0.16 * (0.5 - 0.5 * normal.y) + 0.08;
        let view = -ray.normalize();
        let rim = 0.10 * (1.0 - normal.dot(&view).clamp(0.0, 1.0)).powi(3);
        self.tints[self.scene.body(triangle)] * (1.05 * light + bounce) + Vec3::repeat(rim)
    }

    fn ground(&self, ray: Vec3) -> f32 {
        let depth = (self.ground.height - self.camera.position.y) / ray.y;
        if depth <= 0.0 || !depth.is_finite() {
            return 1.0;
        }
        // A pixel covers more ground where the ray grazes it.
        let pixel = self.camera.pixel_size(depth) * (ray.norm() / ray.y.abs()).sqrt();
        self.ground.shade(self.camera.position + ray * depth, pixel)
    }
}
