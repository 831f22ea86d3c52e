//! A perspective camera that looks slightly down and frames everything exactly.

use nalgebra::{Matrix3, Rotation3};

use super::{Picture, Vec3, arrange::Placed};

const PITCH: f32 = 0.21;
/// Half of the horizontal opening; a long lens keeps bodies at the edges upright.
const HALF_WIDTH: f32 = 0.24;
/// The camera's turn from a journey's direction, in radians.
const BESIDE: f32 = 1.15;
const MARGIN: f32 = 0.06;

pub(super) struct Camera {
    pub position: Vec3,
    /// Rows: right, up, towards the viewer's back (the camera looks along its negative).
    camera_from_world: Matrix3<f32>,
    pub width: usize,
    pub height: usize,
    /// Pixels per unit on the plane one metre ahead, and where the optical axis meets the picture.
    focal: f32,
    centre: [f32; 2],
}

impl Camera {
    /// The camera that sees all bodies with a margin; `None` if there is none.
    pub(super) fn around(
        placed: &[Placed],
        picture: &Picture,
        journey: Option<Vec3>,
    ) -> Option<Self> {
        let camera_from_world = axes(direction(picture, journey));
        let everything = placed
            .iter()
            .flat_map(|body| body.vertices.iter().chain(&body.points));
        let mut seen: Vec<Vec3> = everything.map(|p| camera_from_world * p).collect();
        if let Some(room) = picture.room {
            let corners = corners(placed, room)?;
            seen.extend(corners.map(|p| camera_from_world * p));
        }
        let aspect = picture.max_height as f32 / picture.width as f32;
        let (across, upwards) = (
            extent(&seen, 0, HALF_WIDTH)?,
            extent(&seen, 1, HALF_WIDTH * aspect)?,
        );
        let distance = across.1.max(upwards.1);
        let eye = Vec3::new(across.0, upwards.0, distance);
        let focal = picture.width as f32 / (2.0 * HALF_WIDTH * (1.0 + 2.0 * MARGIN));
        let heights: Vec<f32> = seen
            .iter()
            .map(|p| focal * (p.y - eye.y) / (eye.z - p.z))
            .collect();
        let (low, high) = heights.iter().fold((f32::MAX, f32::MIN), |(low, high), h| {
            (low.min(*h), high.max(*h))
        });
        let margin = MARGIN * picture.width.min(picture.max_height) as f32;
        let height = ((high - low + 2.0 * margin) as usize).clamp(1, picture.max_height);
        let centre = [
            picture.width as f32 / 2.0,
            height as f32 / 2.0 + (high + low) / 2.0,
        ];
        let position = camera_from_world.transpose() * eye;
        Some(Self {
            position,
            camera_from_world,
            width: picture.width,
            height,
            focal,
            centre,
        })
    }

    /// Column and row in pixels, and the inverse depth, which is linear across the picture.
    pub(super) fn project(&self, point: Vec3) -> [f32; 3] {
        let p = self.camera_from_world * (point - self.position);
        let nearness = -1.0 / p.z;
        let [x, y] = self.centre;
        [
            x + self.focal * p.x * nearness,
            y - self.focal * p.y * nearness,
            nearness,
        ]
    }

    /// The direction in which the camera sees this place of the picture, with depth 1.
    pub(super) fn ray(&self, column: f32, row: f32) -> Vec3 {
        let [x, y] = self.centre;
        let seen = Vec3::new((column - x) / self.focal, (y - row) / self.focal, -1.0);
        self.camera_from_world.tr_mul(&seen)
    }

    /// Metres that a pixel covers at a depth.
    pub(super) fn pixel_size(&self, depth: f32) -> f32 {
        depth / self.focal
    }
}

/// Corners of a box on the ground around the middle of the bodies.
fn corners(placed: &[Placed], room: f32) -> Option<[Vec3; 8]> {
    let all = || placed.iter().flat_map(|body| &body.vertices);
    let (low, high) = (
        all().copied().reduce(|a, b| a.inf(&b))?,
        all().copied().reduce(|a, b| a.sup(&b))?,
    );
    let middle = (low + high) / 2.0;
    Some(std::array::from_fn(|k| {
        let side = |bit: usize| if k >> bit & 1 == 0 { -room } else { room };
        let up = if k >> 1 & 1 == 0 { 0.0 } else { 2.0 * room };
        Vec3::new(
            middle.x + side(0) * 0.9,
            low.y + up,
            middle.z + side(2) * 0.5,
        )
    }))
}

/// The horizontal direction to the picture's right.
pub(super) fn right(towards_camera: Vec3) -> Vec3 {
    Vec3::y().cross(&towards_camera).normalize()
}

/// From the bodies to the camera, on the ground: three quarters in front, or nearly from the side of a journey, which
/// then goes to the right.
pub(super) fn direction(picture: &Picture, journey: Option<Vec3>) -> Vec3 {
    let on_ground = |[x, _, z]: [f32; 3]| Vec3::new(x, 0.0, z).try_normalize(1e-6);
    if let Some(chosen) = picture.towards_camera.and_then(on_ground) {
        return chosen;
    }
    let facing = on_ground(picture.facing).unwrap_or_else(Vec3::z);
    let turned =
        |ahead: Vec3, angle: f32| Rotation3::from_axis_angle(&Vec3::y_axis(), angle) * ahead;
    match journey.and_then(|journey| on_ground(journey.into())) {
        None => turned(facing, -0.5),
        Some(ahead) if ahead.dot(&facing) >= 0.0 => turned(ahead, -BESIDE),
        Some(ahead) => turned(ahead, BESIDE - std::f32::consts::PI),
    }
}

fn axes(towards_camera: Vec3) -> Matrix3<f32> {
    let back = towards_camera * PITCH.cos() + Vec3::y() * PITCH.sin();
    let right = right(back);
    Matrix3::from_rows(&[
        right.transpose(),
        back.cross(&right).transpose(),
        back.transpose(),
    ])
}

/// The camera's place along an axis and the least distance from which all points lie inside of ± `half`:
/// both p − c ≤ half · depth and c − p ≤ half · depth, where depth = distance − p.z.
fn extent(seen: &[Vec3], axis: usize, half: f32) -> Option<(f32, f32)> {
    let most = |side: f32| {
        seen.iter()
            .map(|p| side * p[axis] + half * p.z)
            .reduce(f32::max)
    };
    let (above, below) = (most(1.0)?, most(-1.0)?);
    Some(((above - below) / 2.0, (above + below) / (2.0 * half)))
}
