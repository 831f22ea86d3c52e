//! Gradients of every part of a camera against differences; pixels back to directions.

use nalgebra::{Rotation3, Vector2, Vector3};

use super::lens::Lens;
use super::people::{Wanted, associate};
use super::project::{FreePart, Projection};
use super::triangulate::{triangulate, triangulate_robust};
use super::{Camera, CameraPart, Distortion, NEAR};
use crate::data::People;
use crate::graph::{At, Kernel};

const PARTS: [CameraPart; 5] = [
    CameraPart::Focal,
    CameraPart::Principal,
    CameraPart::Distortion,
    CameraPart::Rotation,
    CameraPart::Translation,
];

/// A small xorshift generator of numbers from −1 to 1.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn throw(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn throws<const N: usize>(&mut self, scale: f64) -> [f64; N] {
        std::array::from_fn(|_| scale * self.throw())
    }
}

fn camera(dice: &mut Dice, distortion: Distortion) -> Camera {
    Camera {
        name: "camera".into(),
        size: [1280.0, 960.0],
        intrinsics: [
            900.0 + 100.0 * dice.throw(),
            850.0 + 100.0 * dice.throw(),
            640.0,
            480.0,
            dice.throw(),
        ],
        distortion,
        rotation: *Rotation3::new(Vector3::from(dice.throws::<3>(2.0))).matrix(),
        translation: dice.throws::<3>(1.0).into(),
    }
}

fn lenses(dice: &mut Dice) -> [Distortion; 3] {
    [
        Distortion::Brown(dice.throws(0.1)),
        Distortion::Rational(dice.throws(0.1)),
        Distortion::Fisheye(dice.throws(0.05)),
    ]
}

/// Points in a camera: in front, beside, within the near plane, behind, and about the axis.
fn points_in_camera(dice: &mut Dice) -> Vec<Vector3<f64>> {
    let [x, y, z] = dice.throws(1.0);
    let depth = 3.0 + z;
    vec![
        Vector3::new(x, y, depth),
        Vector3::new(x, y, 0.3 + 0.2 * z),
        Vector3::new(2.0 * x, 2.0 * y, 0.2 * z),
        Vector3::new(0.3 * x, 0.3 * y, 0.4 * NEAR * (1.0 + z)),
        Vector3::new(x, y, -0.5 * depth),
        Vector3::new(1e-3 * x, 1e-3 * y, depth),
        Vector3::new(1e-3 * x, 1e-3 * y, -depth),
        Vector3::new(0.0, 0.0, depth),
    ]
}

/// An operation's inputs, (rows, dims) each.
type Inputs = Vec<(Vec<f64>, usize)>;

/// The numbers of one row; an input of one row serves all.
fn row(inputs: &Inputs, i: usize) -> Vec<&[f64]> {
    let of_input = |(data, dims): &'_ (Vec<f64>, usize)| match data.len() / dims {
        1 => 0..*dims,
        _ => i * dims..(i + 1) * dims,
    };
    inputs
        .iter()
        .map(|input| &input.0[of_input(input)])
        .collect()
}

fn forward(operation: &Projection<f64>, inputs: &Inputs, rows: usize) -> Vec<f64> {
    let dims = Kernel::out_dims(operation);
    let mut out = vec![0.0; rows * dims];
    for (i, y) in out.chunks_exact_mut(dims).enumerate() {
        Kernel::forward::<f64>(operation, &row(inputs, i), y);
    }
    out
}

fn backward(operation: &Projection<f64>, inputs: &Inputs, g: &[f64]) -> Vec<Vec<f64>> {
    let mut found: Vec<Vec<f64>> = inputs.iter().map(|(d, _)| vec![0.0; d.len()]).collect();
    for (i, g) in g.chunks_exact(Kernel::out_dims(operation)).enumerate() {
        let x = row(inputs, i);
        let both = found.iter_mut().zip(inputs);
        let mut gx: Vec<Option<&mut [f64]>> = both
            .map(|(to, (data, dims))| match data.len() / dims {
                1 => Some(&mut to[..]),
                _ => Some(&mut to[i * dims..(i + 1) * dims]),
            })
            .collect();
        Kernel::adjoint::<f64>(operation, At { x: &x, y: &[] }, g, &mut gx);
    }
    found
}

/// Half the distances of the differences, relative to the number that is moved. Behind a pinhole
/// camera the pixel bends within the widest of them, before one it has rounding in the narrowest;
/// the difference that is nearest to the gradient counts.
const STEPS: [f64; 3] = [1e-5, 1e-6, 1e-7];

/// Largest error of any input's gradient, over the largest entry of that input's gradient, or over
/// a thousandth of the cost's summands, whose rounding the differences have.
fn gradient_error(operation: &Projection<f64>, inputs: &Inputs, g: &[f64]) -> f64 {
    let rows = g.len() / Kernel::out_dims(operation);
    let found = backward(operation, inputs, g);
    let cost = |inputs: &Inputs| {
        let out = forward(operation, inputs, rows);
        out.iter().zip(g).map(|(o, g)| o * g).sum::<f64>()
    };
    let pixels = forward(operation, inputs, rows);
    let rounding: f64 = pixels
        .iter()
        .zip(g)
        .map(|(o, g)| 1e-3 * (o * g).abs())
        .sum();
    let mut worst: f64 = 0.0;
    for (k, found) in found.iter().enumerate() {
        let moved = |at: usize, step: f64| {
            let mut moved = inputs.clone();
            moved[k].0[at] += step * inputs[k].0[at].abs().max(1.0);
            cost(&moved)
        };
        let mut expected = Vec::new();
        for at in 0..found.len() {
            let central = |h: f64| (moved(at, h) - moved(at, -h)) / (2.0 * h);
            // Richardson's extrapolation: the error falls with the fourth power of the step.
            let slope = |h: f64| (4.0 * central(h) - central(2.0 * h)) / 3.0;
            let slopes = STEPS.map(|h| slope(h) / inputs[k].0[at].abs().max(1.0));
            let error = |slope: &f64| (slope - found[at]).abs();
            expected.extend(
                slopes
                    .into_iter()
                    .min_by(|a, b| error(a).total_cmp(&error(b))),
            );
        }
        let largest = expected.iter().fold(rounding, |m: f64, e| m.max(e.abs()));
        for (found, expected) in found.iter().zip(&expected) {
            assert!(found.is_finite());
            worst = worst.max((found - expected).abs() / largest);
        }
    }
    worst
}

fn free(part: CameraPart, cameras: &[usize], of: &[Camera], dims: usize) -> (FreePart, Vec<f64>) {
    let cut = |c: &usize| of[*c].part(part)[..dims].to_vec();
    let numbers = cameras.iter().flat_map(cut).collect();
    let cameras = cameras.to_vec();
    (
        FreePart {
            part,
            cameras,
            dims,
        },
        numbers,
    )
}

#[test]
fn gradients_of_points_and_all_parts_are_differences_wherever_the_point_is() {
    let mut dice = Dice::new(1);
    for _ in 0..20 {
        for distortion in lenses(&mut dice) {
            let camera = camera(&mut dice, distortion);
            for p in points_in_camera(&mut dice) {
                let world = camera.rotation.transpose() * (p - camera.translation);
                let cameras = [camera.clone()];
                let parts = PARTS.map(|part| free(part, &[0], &cameras, camera.part(part).len()));
                let mut inputs: Inputs = vec![(world.as_slice().to_vec(), 3)];
                inputs.extend(parts.iter().map(|(f, x)| (x.clone(), f.dims)));
                let operation = Projection {
                    cameras: vec![camera.clone()].into(),
                    points: 1,
                    free: parts.into_iter().map(|(f, _)| f).collect(),
                    precision: std::marker::PhantomData,
                };
                let error = gradient_error(&operation, &inputs, &dice.throws::<2>(1.0));
                assert!(error < 1e-7, "{:?} at {p:?}: {error:e}", camera.distortion);
            }
        }
    }
}

#[test]
fn parts_of_some_cameras_by_frame_or_for_all_have_the_gradients_of_differences() {
    let mut dice = Dice::new(2);
    let cameras = lenses(&mut dice).map(|lens| camera(&mut dice, lens));
    let parts = [
        free(CameraPart::Focal, &[2, 0], &cameras, 1),
        free(CameraPart::Rotation, &[1], &cameras, 9),
        free(CameraPart::Translation, &[0, 1, 2], &cameras, 3),
        free(CameraPart::Distortion, &[1], &cameras, 8),
    ];
    let mut inputs: Inputs = vec![(dice.throws::<24>(3.0).to_vec(), 12)];
    for (i, (_, numbers)) in parts.iter().enumerate() {
        let rows = if i % 2 == 0 { 1 } else { 2 };
        inputs.push((numbers.repeat(rows), numbers.len()));
    }
    let operation = Projection {
        cameras: cameras.to_vec().into(),
        points: 4,
        free: parts.into_iter().map(|(f, _)| f).collect(),
        precision: std::marker::PhantomData,
    };
    let error = gradient_error(&operation, &inputs, &dice.throws::<48>(1.0));
    assert!(error < 1e-6, "{error:e}");
}

#[test]
fn free_parts_at_the_cameras_own_numbers_give_the_pixels_of_constant_cameras() {
    let mut dice = Dice::new(3);
    let cameras = lenses(&mut dice).map(|lens| camera(&mut dice, lens));
    let parts = PARTS
        .into_iter()
        .filter(|part| *part != CameraPart::Distortion)
        .map(|part| free(part, &[1, 2, 0], &cameras, cameras[0].part(part).len()));
    let (parts, numbers): (Vec<_>, Vec<_>) = parts.unzip();
    let points = (dice.throws::<12>(3.0).to_vec(), 12);
    let mut inputs: Inputs = vec![points.clone()];
    inputs.extend(numbers.into_iter().map(|x| (x.clone(), x.len())));
    let projection = |free| Projection {
        cameras: cameras.to_vec().into(),
        points: 4,
        free,
        precision: std::marker::PhantomData,
    };
    let constant = projection(vec![]);
    let pixels = forward(&constant, &vec![points], 1);
    assert_eq!(pixels, forward(&projection(parts), &inputs, 1));
    let g = dice.throws::<24>(1.0);
    let gradient = &backward(&constant, &inputs[..1].to_vec(), &g)[0];
    assert!(gradient.iter().any(|g| g.abs() > 1.0));
}

#[test]
fn a_part_that_is_not_wanted_gets_no_gradient_and_points_may_be_constant() {
    let mut dice = Dice::new(4);
    let camera = camera(&mut dice, Distortion::Brown([0.0; 5]));
    let (part, numbers) = free(
        CameraPart::Principal,
        &[0],
        std::slice::from_ref(&camera),
        2,
    );
    let operation = Projection {
        cameras: vec![camera.clone()].into(),
        points: 1,
        free: vec![part],
        precision: std::marker::PhantomData,
    };
    let x: [&[f64]; 2] = [&[0.1, 0.2, 9.0], &numbers];
    let (mut centre, g) = ([0.0; 2], [3.0, -2.0]);
    let mut gx = [None, Some(&mut centre[..])];
    Kernel::adjoint::<f64>(&operation, At { x: &x, y: &[] }, &g, &mut gx);
    assert_eq!(centre, [3.0, -2.0]);
}

#[test]
fn a_point_at_the_centre_of_a_fisheye_camera_is_seen_on_its_axis() {
    let mut camera = camera(&mut Dice::new(5), Distortion::Fisheye([0.1; 4]));
    camera.translation = Vector3::zeros();
    assert_eq!(
        camera.project(&Vector3::zeros()),
        Vector2::new(640.0, 480.0)
    );
}

/// There the direction is undefined; the slope exists, but is not smooth enough for differences.
#[test]
fn a_point_on_the_axis_behind_a_fisheye_camera_has_a_finite_gradient_in_f32() {
    let mut dice = Dice::new(10);
    let mut camera = camera(&mut dice, Distortion::Fisheye([0.1; 4]));
    camera.rotation = nalgebra::Matrix3::identity();
    camera.translation = Vector3::zeros();
    let lens = Lens::<f32>::new(&camera);
    for z in [-1e-5, -0.1, -3.0, -100.0] {
        let mut pixel = [0.0; 2];
        lens.project([0.0, 0.0, z], &mut pixel);
        assert_eq!(pixel, [640.0, 480.0]);
        let g = lens.pull_back([0.0, 0.0, z], [0.5, -0.2]);
        assert!(g.iter().all(|g| g.is_finite()) && g[0] > 0.0, "{g:?}");
    }
}

#[test]
fn other_numbers_in_a_part_make_a_camera_with_exactly_them() {
    let mut dice = Dice::new(6);
    for lens in lenses(&mut dice) {
        let camera = camera(&mut dice, lens);
        for part in PARTS {
            let same = camera.with(part, &camera.part(part));
            assert_eq!(same, camera);
            let moved: Vec<f64> = camera.part(part).iter().map(|x| x + 1.0).collect();
            assert_eq!(camera.with(part, &moved).part(part), moved);
            assert_eq!(camera.with(part, &[]), camera);
        }
        let [fx, fy, ..] = camera.intrinsics;
        let wider = camera.with(CameraPart::Focal, &[2.0 * fx]);
        assert_eq!(
            wider.part(CameraPart::Focal),
            [2.0 * fx, 2.0 * fx * (fy / fx)]
        );
    }
}

/// Strong lenses, and the angle to the axis that each is valid to, degrees.
fn strong() -> [(Distortion, f64); 5] {
    [
        (Distortion::Brown([-0.38, 0.15, 2e-3, -1e-3, -0.01]), 50.0),
        (Distortion::Brown([0.6, 0.3, -2e-3, 1e-3, 0.1]), 55.0),
        (
            Distortion::Rational([8.6, 5.2, 4e-5, -7e-5, 0.22, 8.9, 8.1, 1.35]),
            65.0,
        ),
        (Distortion::Fisheye([0.08, -0.03, 0.01, -0.002]), 110.0),
        (Distortion::Fisheye([-0.05, 0.004, 0.0, 0.0]), 100.0),
    ]
}

#[test]
fn pixels_of_strong_lenses_go_back_to_their_directions() {
    let mut dice = Dice::new(7);
    for (lens, widest) in strong() {
        let camera = camera(&mut dice, lens);
        for i in 0..200 {
            let angle = (widest * i as f64 / 199.0).to_radians();
            let (sin, cos) = (3.0 * dice.throw()).sin_cos();
            let across = angle.sin();
            let direction = Vector3::new(across * cos, across * sin, angle.cos());
            let world = camera.rotation.transpose() * (direction * 2.5 - camera.translation);
            let found = camera.undistort(&camera.project(&world));
            let error = (found - direction).norm();
            assert!(error < 1e-9, "{:?}, {angle}: {error:e}", camera.distortion);
        }
    }
}

#[test]
fn pixels_that_no_direction_is_seen_at_still_give_a_direction() {
    let mut dice = Dice::new(8);
    for (lens, _) in strong() {
        let camera = camera(&mut dice, lens);
        for pixel in [[1e5, -3e4], [-1e9, 1e9], [640.0, 480.0]] {
            let direction = camera.undistort(&Vector2::from(pixel));
            assert!((direction.norm() - 1.0).abs() < 1e-12, "{direction}");
        }
    }
}

/// Two cameras that see more than half of all directions, a metre apart.
fn wide_pair() -> [Camera; 2] {
    let mut dice = Dice::new(9);
    let lens = Distortion::Fisheye([0.08, -0.03, 0.01, -0.002]);
    let mut side = |turn: [f64; 3], x: f64| {
        let mut camera = camera(&mut dice, lens.clone());
        camera.size = [2000.0; 2];
        camera.intrinsics = [400.0, 410.0, 1000.0, 990.0, 0.0];
        camera.rotation = *Rotation3::new(Vector3::from(turn)).matrix();
        camera.translation = Vector3::new(x, 0.0, 0.0);
        camera
    };
    [side([0.1, 0.2, 0.0], 0.5), side([0.0, -0.3, 0.1], -0.5)]
}

#[test]
fn points_all_around_two_fisheye_cameras_triangulate() {
    let [left, right] = wide_pair();
    for point in [
        Vector3::new(0.2, 0.3, 3.0),
        Vector3::new(-1.0, 2.0, 0.1),
        Vector3::new(0.4, -2.0, -0.4),
    ] {
        let seen = [&left, &right].map(|c| (c, c.project(&point), 0.8));
        let found = triangulate(&seen).unwrap();
        assert!((found - point).norm() < 1e-9, "{found}");
        let robust = triangulate_robust(&seen, 1.0).unwrap();
        assert!((robust - point).norm() < 1e-9, "{robust}");
    }
    assert!(left.to_camera(&Vector3::new(0.4, -2.0, -0.4)).z < 0.0);
}

#[test]
fn two_fisheye_cameras_agree_on_one_of_two_people_beside_them() {
    let cameras = wide_pair();
    let mut dice = Dice::new(11);
    let mut person = |centre: [f64; 3]| {
        let point = |_| Vector3::from(centre) + Vector3::from(dice.throws::<3>(0.4));
        (0..6).map(point).collect::<Vec<_>>()
    };
    let (above, before) = (person([0.3, -1.5, 0.0]), person([-0.2, 0.1, 2.0]));
    let seen = |camera: &Camera, person: &[Vector3<f64>]| -> Vec<[f64; 3]> {
        let pixels = person.iter().map(|p| camera.project(p));
        pixels.map(|p| [p.x, p.y, 0.9]).collect()
    };
    let [left, right] = &cameras;
    let people = People {
        labels: (0..6).map(|i| format!("p{i}")).collect(),
        views: vec!["left".into(), "right".into()],
        people: vec![vec![
            vec![seen(left, &above), seen(left, &before)],
            vec![seen(right, &before), seen(right, &above)],
        ]],
        rate: None,
        frame_numbers: vec![0],
    };
    let chosen = associate(&people, &cameras, Wanted::Followed(0))
        .observations
        .values;
    let met = |person: &[Vector3<f64>]| {
        (0..6).all(|p| {
            let found = [left, right].map(|camera| camera.project(&person[p]));
            let wanted = [0, 1].map(|v| [0, 1].map(|k| chosen[[0, v, p, k]]));
            found.map(<[f64; 2]>::from) == wanted
        })
    };
    assert!(met(&above) || met(&before), "{chosen}");
}

#[test]
fn people_who_cross_keep_their_identity_though_their_places_in_the_files_change() {
    let cameras: Vec<Camera> = (0..3)
        .map(|c| Camera {
            name: format!("c{c}"),
            size: [1920.0, 1080.0],
            intrinsics: [1000.0, 1000.0, 960.0, 540.0, 0.0],
            distortion: Distortion::Brown([0.0; 5]),
            rotation: *Rotation3::new(Vector3::y() * (1.2 * f64::from(c))).matrix(),
            translation: Vector3::new(0.0, 0.0, 6.0),
        })
        .collect();
    let frames = 40;
    // Two columns of points that walk past each other, half a metre apart.
    let point = |f: usize, who: usize, p: usize| {
        let along = (f as f64 / 20.0 - 1.0) * if who == 0 { 1.0 } else { -1.0 };
        let side = if who == 0 { 0.25 } else { -0.25 };
        Vector3::new(along, 0.2 * p as f64 - 0.8, side + 0.03 * (p % 3) as f64)
    };
    let person = |f: usize, who: usize, camera: &Camera| -> Vec<[f64; 3]> {
        let pixels = (0..9).map(|p| camera.project(&point(f, who, p)));
        pixels.map(|x| [x.x, x.y, 0.9]).collect()
    };
    let view = |f: usize, v: usize| {
        let mut both = vec![person(f, 0, &cameras[v]), person(f, 1, &cameras[v])];
        if (f * 7 + v * 3) % 5 < 2 {
            both.reverse();
        }
        // The second is not seen for a while.
        if (10..14).contains(&f) {
            both.retain(|p| *p != person(f, 1, &cameras[v]));
        }
        both
    };
    let people = People {
        labels: (0..9).map(|i| format!("p{i}")).collect(),
        views: cameras.iter().map(|c| c.name.clone()).collect(),
        people: (0..frames)
            .map(|f| (0..3).map(|v| view(f, v)).collect())
            .collect(),
        rate: Some(20.0),
        frame_numbers: (0..frames as u64).collect(),
    };
    for rank in [0, 1] {
        let found = associate(&people, &cameras, Wanted::Followed(rank));
        assert_eq!(found.followed.len(), 2);
        assert_eq!(found.followed[rank].len(), [40, 36][rank]);
        for &f in &found.followed[rank] {
            for (v, camera) in cameras.iter().enumerate() {
                let expected = camera.project(&point(f, rank, 4));
                let values = &found.observations.values;
                let seen = Vector2::new(values[[f, v, 4, 0]], values[[f, v, 4, 1]]);
                assert_eq!(seen, expected, "person {rank}, frame {f}, view {v}");
            }
        }
    }
}
