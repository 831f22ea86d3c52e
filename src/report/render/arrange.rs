//! Where the bodies stand in the picture: at their own places if they travel, else in a row.

use super::{Body, Picture, Vec3, camera};

/// Consecutive bodies closer than this (metres, on the ground) would stand in each other.
const CLEARANCE: f32 = 0.45;
const GAP: f32 = 0.15;

/// A body at its place, without vertices and points that are not finite.
pub(super) struct Placed {
    pub vertices: Vec<Vec3>,
    pub points: Vec<Vec3>,
}

/// The bodies at their places and, if they stand where they really were, how far they moved from first to last.
pub(super) fn place(picture: &Picture) -> (Vec<Placed>, Option<Vec3>) {
    let finite = |body: &&Body| body.vertices.iter().flatten().all(|x| x.is_finite());
    let seen = picture
        .bodies
        .iter()
        .filter(|body| !body.vertices.is_empty())
        .filter(finite);
    let mut placed: Vec<Placed> = seen.map(in_place).collect();
    let journey = match &placed[..] {
        [first, .., last] if travels(&placed) => Some(middle(last) - middle(first)),
        _ => None,
    };
    if journey.is_none() {
        put_in_a_row(&mut placed, camera::right(camera::direction(picture, None)));
    }
    (placed, journey)
}

fn in_place(body: &Body) -> Placed {
    let points = body
        .points
        .iter()
        .map(|p| Vec3::from(*p))
        .filter(|p| p.iter().all(|x| x.is_finite()));
    Placed {
        vertices: body.vertices.iter().map(|v| Vec3::from(*v)).collect(),
        points: points.collect(),
    }
}

fn travels(placed: &[Placed]) -> bool {
    let steps = placed
        .windows(2)
        .map(|pair| (middle(&pair[1]) - middle(&pair[0])).xz().norm());
    steps.fold(f32::INFINITY, f32::min) >= CLEARANCE
}

/// Moves each body along `right` until it just clears the one before, keeping its height above the ground.
fn put_in_a_row(placed: &mut [Placed], right: Vec3) {
    let mut edge = 0.0;
    for body in placed {
        let middle = middle(body);
        let reach = |side: f32| {
            body.vertices
                .iter()
                .map(|v| side * right.dot(&(v - middle)))
                .fold(0.0, f32::max)
        };
        let centre = edge + reach(-1.0);
        edge = centre + reach(1.0) + GAP;
        let shift = right * centre - Vec3::new(middle.x, 0.0, middle.z);
        body.vertices
            .iter_mut()
            .chain(&mut body.points)
            .for_each(|p| *p += shift);
    }
}

fn middle(body: &Placed) -> Vec3 {
    body.vertices.iter().sum::<Vec3>() / body.vertices.len() as f32
}
