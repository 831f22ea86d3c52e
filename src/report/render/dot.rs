//! The observed points as small spheres in the picture.

use super::{Vec3, camera::Camera};

/// Metres.
pub(super) const RADIUS: f32 = 0.018;
const COLOUR: Vec3 = Vec3::new(0.835, 0.30, 0.0);

/// An observed point in the picture, in pixels.
#[derive(Clone, Copy)]
pub(super) struct Dot {
    pub column: f32,
    pub row: f32,
    pub radius: f32,
    pub nearness: f32,
}

/// The points as the camera sees them, the farthest first.
pub(super) fn projected(points: &[Vec3], camera: &Camera) -> Vec<Dot> {
    let dot = |point: &Vec3| {
        let [column, row, nearness] = camera.project(*point);
        Dot {
            column,
            row,
            radius: RADIUS / camera.pixel_size(1.0 / nearness),
            nearness,
        }
    };
    let mut dots: Vec<Dot> = points.iter().map(dot).collect();
    dots.sort_by(|a, b| a.nearness.total_cmp(&b.nearness));
    dots
}

impl Dot {
    /// Whether it reaches a place of the picture, or comes as near as `margin`.
    pub(super) fn covers(&self, [column, row]: [f32; 2], margin: f32) -> bool {
        let (x, y) = (self.column - column, self.row - row);
        x * x + y * y <= (self.radius + margin).powi(2)
    }

    /// A sphere lit from above left.
    pub(super) fn colour(&self, [column, row]: [f32; 2]) -> Vec3 {
        let (x, y) = (
            (column - self.column) / self.radius,
            (self.row - row) / self.radius,
        );
        let z = (1.0 - x * x - y * y).max(0.0).sqrt();
        let light = 0.55 + 0.5 * (-0.5 * x + 0.6 * y + 0.62 * z).max(0.0);
        COLOUR.map(|channel| channel.powf(2.2)) * light
            + Vec3::repeat(0.25 * (-0.4 * x + 0.5 * y + 0.77 * z).max(0.0).powi(16))
    }
}
