//! Whether several cameras agree on what they see, and what would make them agree.

mod orders;
mod scale;

pub(crate) use orders::exchanged;

use nalgebra::{Matrix3, Vector2, Vector3};

use super::Camera;
use super::triangulate::{triangulate, triangulate_robust};
use crate::data::median;

/// A point in the images of some cameras: its camera, pixel and confidence in each.
pub(crate) type Sighting = Vec<(usize, Vector2<f64>, f64)>;

/// What may be wrong with a calibration or with pixels, as it happens to people.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cause {
    /// Rotation and translation take the camera to the world.
    CameraToWorld,
    /// The translation is the camera's place in the world.
    Position,
    /// The rotation alone is transposed.
    Transposed,
    /// The camera's y points up and its z back.
    OpenGl,
    /// The same, from the camera to the world.
    OpenGlToWorld,
    /// The camera's x points left and its y up.
    Pytorch3d,
    /// Axes of the translation with the wrong sign.
    Signs([f64; 3]),
    /// The images are so many times as large as the calibration's.
    ImageScale(f64),
    /// The focal lengths should be so many times as long.
    Focal(f64),
    /// Scaled and then shifted against the calibration's pixels, each axis by its own.
    Pixels { scale: [f64; 2], shift: [f64; 2] },
    /// Pixels in units of width and height.
    Normalized,
    /// Pixels counted from the right, or from below.
    Flipped(usize),
    /// Rows and columns of pixels exchanged.
    RowsFirst,
    /// Images turned by so many quarters against the calibration's, to the right.
    Turned(u8),
    /// The views belong to other cameras: for each view its camera.
    Order(Vec<usize>),
}

/// The share of a limit in pixels from which on much is wrong.
pub(crate) const CLEARLY: f64 = 0.4;

/// The share of a limit in pixels that a right cause leaves of good keypoints.
const PRECISE: f64 = 0.1;

/// How much better than all else it has to be that pixels were scaled and shifted.
const CLEARER: f64 = 0.5;

impl Cause {
    /// What is tried, the simplest first.
    fn all(cameras: &[Camera], sightings: &[Sighting], limit: f64) -> Vec<Self> {
        let mut all = vec![
            Self::CameraToWorld,
            Self::Position,
            Self::Transposed,
            Self::OpenGl,
            Self::OpenGlToWorld,
            Self::Pytorch3d,
        ];
        all.push(Self::ImageScale(scale::of_images(cameras, sightings)));
        all.push(Self::Focal(scale::of_focals(cameras, sightings)));
        all.extend([Self::Normalized, Self::Flipped(0), Self::Flipped(1)]);
        all.push(Self::RowsFirst);
        all.extend([1, 2, 3].map(Self::Turned));
        let signs = (1..8)
            .map(|bits: u8| std::array::from_fn(|k| if bits & (1 << k) == 0 { 1.0 } else { -1.0 }));
        all.extend(signs.map(Self::Signs));
        let orders = orders::of_views(cameras, sightings, limit);
        all.extend(orders.into_iter().map(Self::Order));
        all
    }

    /// A camera without the fault; `file_from_ours` turns our world into that of its file.
    pub fn mended(&self, camera: &Camera, file_from_ours: &Matrix3<f64>) -> Camera {
        let (rotation, translation) = (
            camera.rotation * file_from_ours.transpose(),
            camera.translation,
        );
        let flip = Matrix3::from_diagonal(&Vector3::new(1.0, -1.0, -1.0));
        let back = rotation.transpose();
        let (rotation, translation) = match self {
            Self::CameraToWorld => (back, -(back * translation)),
            Self::Position => (rotation, -(rotation * translation)),
            Self::Transposed => (back, translation),
            Self::OpenGl => (flip * rotation, flip * translation),
            Self::OpenGlToWorld => (flip * back, -(flip * back * translation)),
            Self::Pytorch3d => {
                let turn = Matrix3::from_diagonal(&Vector3::new(-1.0, -1.0, 1.0));
                (turn * rotation, turn * translation)
            }
            Self::Signs(signs) => {
                let signs = Vector3::from(*signs);
                (rotation, translation.component_mul(&signs))
            }
            _ => (rotation, translation),
        };
        let [fx, fy, cx, cy, skew] = camera.intrinsics;
        let intrinsics = match self {
            Self::Focal(factor) => [fx * factor, fy * factor, cx, cy, skew * factor],
            _ => camera.intrinsics,
        };
        Camera {
            intrinsics,
            rotation: rotation * file_from_ours,
            translation,
            ..camera.clone()
        }
    }

    /// A pixel as the calibration has it.
    fn pixel(&self, camera: &Camera, pixel: Vector2<f64>) -> Vector2<f64> {
        let [width, height] = camera.size;
        match self {
            Self::ImageScale(factor) => pixel / *factor,
            Self::Pixels { scale, shift } => Vector2::new(
                (pixel.x - shift[0]) / scale[0],
                (pixel.y - shift[1]) / scale[1],
            ),
            Self::Normalized => Vector2::new(pixel.x * width, pixel.y * height),
            Self::Flipped(0) => Vector2::new(width - pixel.x, pixel.y),
            Self::Flipped(_) => Vector2::new(pixel.x, height - pixel.y),
            Self::RowsFirst => Vector2::new(pixel.y, pixel.x),
            Self::Turned(1) => Vector2::new(pixel.y, height - pixel.x),
            Self::Turned(2) => Vector2::new(width - pixel.x, height - pixel.y),
            Self::Turned(_) => Vector2::new(width - pixel.y, pixel.x),
            _ => pixel,
        }
    }
}

/// The median distance in pixels between what cameras saw and the points that all of them together
/// say were there; infinite where most of these lie behind a camera.
pub(crate) fn disagreement(cameras: &[Camera], sightings: &[Sighting]) -> f64 {
    let of = |sighting: &Sighting| {
        let point = triangulate(&seen(cameras, sighting));
        point.map_or(Vec::new(), |point| apart(cameras, &point, sighting))
    };
    median(sightings.iter().flat_map(of)).unwrap_or(f64::NAN)
}

/// Whether of most points two thirds of the views, at least three or all of two, agree to within a limit in pixels, whatever
/// outliers the others are.
pub(crate) fn most_agree(cameras: &[Camera], sightings: &[Sighting], limit: f64) -> bool {
    let agrees = |sighting: &&Sighting| {
        let seen = seen(cameras, sighting);
        let Some(point) = triangulate_robust(&seen, limit) else {
            return false;
        };
        let near = |(camera, pixel, _): &&(&Camera, Vector2<f64>, f64)| {
            camera.can_see(&point) && (camera.project(&point) - pixel).norm() <= limit
        };
        3 * seen.iter().filter(near).count() >= (2 * seen.len()).max(3 * seen.len().min(3))
    };
    2 * sightings.iter().filter(agrees).count() > sightings.len()
}

/// As [`disagreement`] for one camera, with points that the others alone say; of many, those that agree
/// to within a limit in pixels.
pub(crate) fn stands_out(
    cameras: &[Camera],
    sightings: &[Sighting],
    camera: usize,
    limit: f64,
) -> f64 {
    let of = |sighting: &Sighting| {
        let (own, others): (Sighting, Sighting) = sighting.iter().partition(|(c, ..)| *c == camera);
        let point = match others.len() {
            // Of three, one that is off leaves two pairs that seem to agree.
            0..=3 => triangulate(&seen(cameras, &others)),
            _ => triangulate_robust(&seen(cameras, &others), limit),
        };
        point.map_or(Vec::new(), |point| apart(cameras, &point, &own))
    };
    median(sightings.iter().flat_map(of)).unwrap_or(f64::NAN)
}

fn seen<'a>(cameras: &'a [Camera], sighting: &Sighting) -> Vec<(&'a Camera, Vector2<f64>, f64)> {
    let seen = sighting.iter().map(|(c, x, w)| (&cameras[*c], *x, *w));
    seen.collect()
}

/// Distances of what was seen from where a point is in the images, in pixels.
fn apart(cameras: &[Camera], point: &Vector3<f64>, sighting: &Sighting) -> Vec<f64> {
    let error = |(c, pixel, _): &(usize, Vector2<f64>, f64)| match cameras[*c].can_see(point) {
        true => (cameras[*c].project(point) - pixel).norm(),
        false => f64::INFINITY,
    };
    sighting.iter().map(error).collect()
}

/// The causes without which the cameras agree best, and how far they are apart then, in pixels: one, or
/// several that explain as much. They are apart by so much as it is, and good ones by less than a limit.
pub(crate) fn try_causes(
    cameras: &[Camera],
    sightings: &[Sighting],
    file_from_ours: &Matrix3<f64>,
    (error, limit): (f64, f64),
) -> Vec<(Cause, f64)> {
    let causes = Cause::all(cameras, sightings, limit);
    let tried = causes.into_iter().map(|cause| {
        let error = without(&cause, cameras, sightings, file_from_ours);
        (cause, error)
    });
    let mut tried: Vec<(Cause, f64)> = tried.filter(|t| t.1.is_finite()).collect();
    let mut least = tried.iter().map(|t| t.1).fold(f64::INFINITY, f64::min);
    if error > CLEARLY * limit && least > PRECISE * limit {
        let cause = scale::of_pixels(cameras, sightings);
        let error = without(&cause, cameras, sightings, file_from_ours);
        // With four numbers more it fits a little better anyway.
        if error < CLEARER * least {
            tried.push((cause, error));
            least = error;
        }
    }
    tried.retain(|t| t.1 <= 1.25 * least + 1e-6);
    tried
}

fn without(
    cause: &Cause,
    cameras: &[Camera],
    sightings: &[Sighting],
    file_from_ours: &Matrix3<f64>,
) -> f64 {
    let mended: Vec<Camera> = match cause {
        Cause::Order(order) => order.iter().map(|&c| cameras[c].clone()).collect(),
        _ => cameras
            .iter()
            .map(|c| cause.mended(c, file_from_ours))
            .collect(),
    };
    let pixels = |s: &Sighting| {
        let pixel = |&(c, x, w): &(usize, Vector2<f64>, f64)| (c, cause.pixel(&cameras[c], x), w);
        s.iter().map(pixel).collect()
    };
    let sightings: Vec<Sighting> = sightings.iter().map(pixels).collect();
    let error = disagreement(&mended, &sightings);
    match cause {
        // In the pixels that were given.
        Cause::ImageScale(factor) => error * factor,
        Cause::Pixels { scale, .. } => error * 0.5 * (scale[0] + scale[1]),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Rotation3;

    use super::*;
    use crate::camera::Distortion;
    use crate::random::SplitMix64;

    fn cameras() -> Vec<Camera> {
        ring(4)
    }

    fn ring(count: usize) -> Vec<Camera> {
        let camera = |c: usize| {
            let step = 5.6 / count as f64;
            let turn = Rotation3::new(Vector3::new(0.3, 0.9 + step * c as f64, 0.1));
            Camera {
                name: format!("c{}", c + 1),
                size: [1000.0, 800.0],
                intrinsics: [900.0, 880.0, 510.0, 390.0, 0.0],
                distortion: Distortion::Brown([0.0; 5]),
                rotation: *turn.matrix(),
                translation: Vector3::new(0.3, -0.2, 4.0 + 0.2 * c as f64),
            }
        };
        (0..count).map(camera).collect()
    }

    fn sightings(cameras: &[Camera]) -> Vec<Sighting> {
        let mut random = SplitMix64(3);
        let point = |random: &mut SplitMix64| Vector3::from_fn(|_, _| 0.4 * random.normal());
        let points: Vec<Vector3<f64>> = (0..60).map(|_| point(&mut random)).collect();
        let sighting = |x: &Vector3<f64>| {
            let seen = cameras.iter().enumerate();
            seen.map(|(c, camera)| (c, camera.project(x), 1.0))
                .collect()
        };
        points.iter().map(sighting).collect()
    }

    /// Cameras as a file has them by mistake, so that mending gives the right ones back.
    fn mistaken(cause: &Cause, right: &Camera, up: &Matrix3<f64>) -> Camera {
        let wrong = cause.mended(right, up);
        match cause {
            // x = R C' with C' for t: the file holds the place C = −Rᵀ t.
            Cause::Position => Camera {
                translation: right.centre_in(up),
                ..right.clone()
            },
            _ => wrong,
        }
    }

    impl Camera {
        fn centre_in(&self, up: &Matrix3<f64>) -> Vector3<f64> {
            up * self.centre()
        }
    }

    #[test]
    fn what_is_wrong_with_a_calibration_is_found() {
        let up = Matrix3::new(1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0);
        let right = cameras();
        let seen = sightings(&right);
        assert!(disagreement(&right, &seen) < 1e-6);
        let causes = [
            Cause::CameraToWorld,
            Cause::Position,
            Cause::OpenGl,
            Cause::Pytorch3d,
            Cause::Signs([1.0, 1.0, -1.0]),
        ];
        for cause in causes {
            let wrong: Vec<Camera> = right.iter().map(|c| mistaken(&cause, c, &up)).collect();
            assert!(disagreement(&wrong, &seen) > 20.0, "{cause:?}");
            let found = try_causes(&wrong, &seen, &up, (99.0, 20.0));
            assert!(
                found[0].0 == cause && found[0].1 < 1e-6,
                "{cause:?}: {found:?}"
            );
        }
    }

    #[test]
    fn images_of_another_size_and_views_in_another_order_are_found() {
        let (right, up) = (cameras(), Matrix3::identity());
        let seen = sightings(&right);
        for factor in [2.0, 0.64, 1.0 / 3.0, 1.333] {
            let resized = |s: &Sighting| s.iter().map(|(c, x, w)| (*c, x * factor, *w)).collect();
            let other: Vec<Sighting> = seen.iter().map(resized).collect();
            let found = try_causes(&right, &other, &up, (99.0, 20.0));
            let near = |f: f64| (f / factor - 1.0).abs() < 0.01;
            assert!(
                matches!(found[0].0, Cause::ImageScale(f) if near(f)),
                "{found:?}"
            );
        }
        let order = [1, 0, 2, 3];
        let other: Vec<Camera> = order.iter().map(|&c| right[c].clone()).collect();
        let found = try_causes(&other, &seen, &up, (99.0, 20.0));
        assert_eq!(found[0].0, Cause::Order(order.into()));
    }

    #[test]
    fn orders_of_many_views_are_found() {
        let right = ring(12);
        let seen = sightings(&right);
        let swapped = vec![0, 1, 7, 3, 4, 5, 6, 2, 8, 9, 10, 11];
        let three = vec![0, 4, 2, 3, 9, 5, 6, 7, 8, 1, 10, 11];
        let by_text = vec![0, 9, 10, 11, 1, 2, 3, 4, 5, 6, 7, 8];
        let reversed: Vec<usize> = (0..12).rev().collect();
        for order in [swapped, three, by_text, reversed] {
            let pixel = |&(c, x, w): &(usize, Vector2<f64>, f64)| {
                (order.iter().position(|o| *o == c).unwrap(), x, w)
            };
            let mixed = seen.iter().map(|s| s.iter().map(pixel).collect());
            let mixed: Vec<Sighting> = mixed.collect();
            let found = try_causes(&right, &mixed, &Matrix3::identity(), (99.0, 20.0));
            assert_eq!(found[0].0, Cause::Order(order));
        }
    }

    #[test]
    fn a_camera_that_alone_is_wrong_stands_out() {
        let mut cameras = cameras();
        let seen = sightings(&cameras);
        cameras[2].translation.x += 0.5;
        assert!(stands_out(&cameras, &seen, 2, 20.0) > 50.0);
        let others = |c: usize| stands_out(&cameras, &seen, c, 20.0);
        assert!([0, 1, 3].into_iter().all(|c| others(c) < others(2)));
    }
}
