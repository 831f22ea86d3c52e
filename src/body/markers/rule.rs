//! Anatomical rules: a place found on any body at rest from its joints, landmarks and surface.

use nalgebra::Vector3;

use super::super::{BodyModel, landmarks};
use super::{Site, surface};

/// How a place is found on a body at rest (T-pose, y up, facing +z, left = +x).
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    Ray(Ray),
    /// The vertex that lies furthest in a direction, near fractions of its region's extent.
    Extreme(landmarks::Rule),
}

/// Where a ray leaves the surface for the last time.
#[derive(Clone, Debug, PartialEq)]
pub struct Ray {
    pub from: Point,
    /// Moves the start this fraction of the way to where the surface ends in another direction.
    pub aside: Vec<(Direction, f64)>,
    pub toward: Direction,
    /// Joints whose vertices count (the rotation with the largest skinning weight); empty: all.
    pub region: Vec<String>,
}

/// A weighted sum of joints and landmarks; the weights add up to 1.
pub type Point = Vec<(String, f64)>;

/// Left, up, front.
pub type Direction = [f64; 3];

impl Rule {
    /// The rule of the other side: left and right change places, x changes its sign.
    pub(super) fn mirrored(&self) -> Rule {
        match self {
            Rule::Ray(ray) => Rule::Ray(ray.mirrored()),
            Rule::Extreme(rule) => Rule::Extreme(rule.mirrored()),
        }
    }

    pub(super) fn site(&self, body: &BodyModel) -> Result<Site, String> {
        match self {
            Rule::Ray(ray) => ray.site(body),
            Rule::Extreme(rule) => {
                let vertex = rule
                    .snap(body)
                    .ok_or("the body has no vertex in `region`")?;
                super::vertex_site(body, vertex)
            }
        }
    }
}

impl Ray {
    fn mirrored(&self) -> Ray {
        let flip = |[x, y, z]: Direction| [0.0 - x, y, z];
        let names = |(name, weight): &(String, f64)| (landmarks::other_side(name), *weight);
        let moves = self.aside.iter().map(|(d, by)| (flip(*d), *by));
        Ray {
            from: self.from.iter().map(names).collect(),
            aside: moves.collect(),
            toward: flip(self.toward),
            region: self
                .region
                .iter()
                .map(|n| landmarks::other_side(n))
                .collect(),
        }
    }

    fn site(&self, body: &BodyModel) -> Result<Site, String> {
        let mut start = Vector3::zeros();
        for (name, weight) in &self.from {
            start += named_point(body, name)? * *weight;
        }
        for (direction, fraction) in &self.aside {
            let (direction, hit) = self.leave(body, start, *direction)?;
            start += direction * (hit.distance * fraction);
        }
        let (_, hit) = self.leave(body, start, self.toward)?;
        Ok(Site::Surface {
            vertices: hit.vertices,
            weights: hit.weights,
        })
    }

    fn leave(
        &self,
        body: &BodyModel,
        start: Vector3<f64>,
        direction: Direction,
    ) -> Result<(Vector3<f64>, surface::Hit), String> {
        let along = Vector3::from(direction);
        let inside = |v: usize| self.region.is_empty() || landmarks::moves(body, v, &self.region);
        let hit = surface::last_hit(body, start, along, inside).ok_or_else(|| {
            let [x, y, z] = direction;
            format!("the ray toward [{x}, {y}, {z}] meets no surface of its region")
        })?;
        Ok((along, hit))
    }
}

fn named_point(body: &BodyModel, name: &str) -> Result<Vector3<f64>, String> {
    if let Some(joint) = body.joint_names.iter().position(|j| j == name) {
        let row = body.joints.row(joint);
        return Ok(Vector3::new(row[0], row[1], row[2]));
    }
    match body.landmarks.get(name) {
        Some(&vertex) => Ok(surface::point(body, vertex)),
        None => Err(format!("the body has no joint or landmark `{name}`")),
    }
}
