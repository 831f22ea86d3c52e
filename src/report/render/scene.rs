//! All bodies as one triangle mesh with smooth normals, standing on the ground.

use super::{Vec3, arrange::Placed};

pub(super) struct Scene {
    pub vertices: Vec<Vec3>,
    pub normals: Vec<Vec3>,
    pub faces: Vec<[u32; 3]>,
    pub points: Vec<Vec3>,
    faces_per_body: usize,
    pub bodies: usize,
    /// The height of the ground: the lowest vertex.
    pub ground: f32,
    pub centre: Vec3,
    /// Half of the diagonal of the box around everything.
    pub radius: f32,
}

impl Scene {
    pub(super) fn new(placed: Vec<Placed>, faces: &[[u32; 3]]) -> Self {
        let bodies = placed.len();
        let mut scene = Self {
            vertices: Vec::new(),
            normals: Vec::new(),
            faces: Vec::new(),
            points: Vec::new(),
            faces_per_body: faces.len(),
            bodies,
            ground: 0.0,
            centre: Vec3::zeros(),
            radius: 1.0,
        };
        for body in placed {
            let first = scene.vertices.len() as u32;
            scene
                .faces
                .extend(faces.iter().map(|face| face.map(|corner| first + corner)));
            scene.vertices.extend(body.vertices);
            scene.points.extend(body.points);
        }
        let low = scene
            .vertices
            .iter()
            .copied()
            .reduce(|a, b| a.inf(&b))
            .unwrap_or_default();
        let high = scene
            .vertices
            .iter()
            .copied()
            .reduce(|a, b| a.sup(&b))
            .unwrap_or_default();
        scene.normals = smooth_normals(&scene.vertices, &scene.faces);
        (scene.ground, scene.centre, scene.radius) =
            (low.y, (low + high) / 2.0, (high - low).norm() / 2.0 + 0.01);
        scene
    }

    /// Which body a triangle belongs to.
    pub(super) fn body(&self, triangle: u32) -> usize {
        triangle as usize / self.faces_per_body.max(1)
    }

    /// Where a ray meets the plane of a triangle: its corners and how much each of them counts there.
    pub(super) fn surface(&self, triangle: u32, origin: Vec3, ray: Vec3) -> [(usize, f32); 3] {
        let [a, b, c] = self.faces[triangle as usize].map(|corner| corner as usize);
        let (ab, ac) = (
            self.vertices[b] - self.vertices[a],
            self.vertices[c] - self.vertices[a],
        );
        let plane = ab.cross(&ac);
        let from = origin - self.vertices[a];
        let hit = from - ray * (from.dot(&plane) / ray.dot(&plane));
        let area = plane.norm_squared();
        let (u, v) = (
            hit.cross(&ac).dot(&plane) / area,
            ab.cross(&hit).dot(&plane) / area,
        );
        [(a, 1.0 - u - v), (b, u), (c, v)]
    }
}

/// The sum of the normals of the triangles around each vertex, weighted by their areas.
fn smooth_normals(vertices: &[Vec3], faces: &[[u32; 3]]) -> Vec<Vec3> {
    let mut normals = vec![Vec3::zeros(); vertices.len()];
    for face in faces {
        let [a, b, c] = face.map(|corner| vertices[corner as usize]);
        let normal = (b - a).cross(&(c - a));
        face.iter()
            .for_each(|corner| normals[*corner as usize] += normal);
    }
    normals
        .iter()
        .map(|n| n.try_normalize(1e-12).unwrap_or_else(Vec3::y))
        .collect()
}
