//! Pictures of fitted bodies: a small software renderer, from posed vertices to a PNG.

mod arrange;
mod camera;
mod dot;
mod ground;
mod image;
mod raster;
mod scene;
mod shade;
mod sheet;
mod sky;

use nalgebra::Vector3;

pub(crate) use image::Image;
pub(crate) use sheet::Sheet;

type Vec3 = Vector3<f32>;

/// What is to be seen: one body per chosen frame, in the order of time; metres, y up.
pub(crate) struct Picture<'a> {
    pub faces: &'a [[u32; 3]],
    pub bodies: Vec<Body<'a>>,
    /// Where the bodies look on average (for a body of the SMPL family: the root's rotation times +z).
    pub facing: [f32; 3],
    /// From the bodies to the camera; `None` sees them from three quarters in front.
    pub towards_camera: Option<[f32; 3]>,
    /// Metres around the middle of the bodies, and half of those above the ground, that are shown at
    /// least, so that pictures of different bodies have one scale.
    pub room: Option<f32>,
    pub width: usize,
    /// The picture is lower than this where the bodies need less.
    pub max_height: usize,
}

/// Posed vertices (vertices, 3) and the points that were observed, in the world.
pub(crate) struct Body<'a> {
    pub vertices: &'a [[f32; 3]],
    pub points: &'a [[f32; 3]],
}

/// Renders the picture; without a finite vertex it is white.
pub(crate) fn render(picture: &Picture) -> Image {
    let (placed, journey) = arrange::place(picture);
    match camera::Camera::around(&placed, picture, journey) {
        Some(camera) => shade::shade(&scene::Scene::new(placed, picture.faces), &camera),
        None => Image::white(picture.width, picture.max_height.min(picture.width)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TETRAHEDRON: [[u32; 3]; 4] = [[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]];

    fn picture<'a>(bodies: Vec<Body<'a>>) -> Picture<'a> {
        Picture {
            faces: &TETRAHEDRON,
            bodies,
            facing: [0.0, 0.0, 1.0],
            towards_camera: None,
            room: None,
            width: 120,
            max_height: 90,
        }
    }

    #[test]
    fn a_body_is_blue_in_the_middle_and_the_corners_are_nearly_white() {
        let vertices = [
            [0.0, 2.0, 0.0],
            [-0.6, 0.0, 0.5],
            [0.6, 0.0, 0.5],
            [0.0, 0.0, -0.6],
        ];
        let image = render(&picture(vec![Body {
            vertices: &vertices,
            points: &[],
        }]));
        let [red, _, blue] = image.pixel(image.width / 2, image.height / 2);
        assert!(blue > red, "red {red}, blue {blue}");
        assert!(image.pixel(0, 0).iter().all(|channel| *channel > 235));
        let png = image.to_png().unwrap();
        assert_eq!(&png[1..4], b"PNG");
    }

    #[test]
    fn missing_bodies_and_points_leave_a_white_picture() {
        let missing = [[f32::NAN; 3]; 4];
        for bodies in [
            vec![],
            vec![Body {
                vertices: &missing,
                points: &missing,
            }],
        ] {
            assert!(
                render(&picture(bodies))
                    .rgb
                    .iter()
                    .all(|channel| *channel == 255)
            );
        }
    }
}
