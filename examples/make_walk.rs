//! Makes the sequence that the example specs fit: the built-in body, moving, observed with noise.
//!
//! Poses are drawn from the built-in mixture and joined smoothly; the body walks along an arc. Its
//! joints are observed in space, its BODY_25 keypoints by four cameras, with noise, gaps and outliers,
//! and Plug-in-Gait's markers on its skin, each a little beside its place. `cargo run --release --example make_walk [FOLDER]` writes `walk.npz` and `calibration.toml`.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use fitrun::nalgebra::{Matrix3, Rotation3, Vector2, Vector3};
use fitrun::{BodyModel, Camera, MarkerLayout, NpzWriter, Prior, keypoints_of, labels};

const FRAMES: usize = 60;
const RATE: f64 = 30.0;
const BETAS: [f64; 10] = [0.9, -0.4, 0.6, 0.3, -0.5, 0.2, 0.0, 0.4, -0.3, 0.1];

/// Standard deviations, and how often a point is missing or somewhere else.
const JOINT_NOISE: f64 = 0.005;
const PIXEL_NOISE: f64 = 3.0;
const MARKER_NOISE: f64 = 0.001;
const MARKER_OFFSET: f64 = 0.005;
const GAPS: f64 = 0.04;
const OUTLIERS: f64 = 0.01;

type Points = Vec<Vec<Vector3<f64>>>;

/// What is true of every frame.
struct Walk {
    joints: Points,
    keypoints: Points,
    markers: Points,
    marker_names: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or("specs/fit".into()));
    let mut random = Random(7);
    let body = BodyModel::builtin(None)?;
    let truth = walk(&body, &mut random)?;
    let cameras = cameras();
    let seen = observe_joints(&truth.joints, &mut random);
    let pixels = observe_pixels(&truth.keypoints, &cameras, &mut random);
    let markers = observe_markers(&truth.markers, &mut random);

    let flat = |points: &Points| -> Vec<f32> {
        let all = points.iter().flatten().flat_map(|p| p.iter().copied());
        all.map(|x| x as f32).collect()
    };
    let names = labels("SMPL_22").ok_or("SMPL_22 is unknown")?;
    let views: Vec<&str> = cameras.iter().map(|c| c.name.as_str()).collect();
    let mut file = NpzWriter::create(folder.join("walk.npz"));
    file.floats32("joints", &[FRAMES, names.len(), 3], &flat(&seen))?;
    file.floats32(
        "true_joints",
        &[FRAMES, names.len(), 3],
        &flat(&truth.joints),
    )?;
    file.strings("joint_names", &[names.len()], &names)?;
    file.floats32("keypoints", &[cameras.len(), FRAMES, 25, 3], &pixels)?;
    let of_one = &pixels[..pixels.len() / cameras.len()];
    file.floats32("keypoints_cam1", &[FRAMES, 25, 3], of_one)?;
    file.strings("cameras", &[views.len()], &views)?;
    let count = truth.marker_names.len();
    file.floats32("markers", &[FRAMES, count, 3], &flat(&markers))?;
    file.strings("marker_names", &[count], &truth.marker_names)?;
    file.floats64("rate", &[], &[RATE])?;
    file.floats64("true_betas", &[10], &BETAS)?;
    file.finish()?;
    std::fs::write(folder.join("calibration.toml"), calibration(&cameras)?)?;
    Ok(())
}

/// Joints, BODY_25 keypoints and markers of every frame.
fn walk(body: &BodyModel, random: &mut Random) -> Result<Walk, Box<dyn Error>> {
    let Prior::Mixture(mixture) = Prior::builtin("gmm")? else {
        return Err("`gmm` is no mixture".into());
    };
    let keys: Vec<Vec<f64>> = (0..6)
        .map(|_| {
            let component = (random.uniform() * mixture.means.len() as f64) as usize;
            let normal: Vec<f64> = (0..mixture.dims).map(|_| 0.6 * random.normal()).collect();
            mixture.pose(component, &normal)
        })
        .collect();
    let rest = body.rest_joints(&BETAS);
    let shaped = body.rest_vertices(&BETAS);
    let layout = MarkerLayout::embedded("plug-in-gait").ok_or("there is no plug-in-gait")?;
    let mut own = Random(11);
    let beside = |_| Vector3::from_fn(|_, _| MARKER_OFFSET * own.normal());
    let offsets: Vec<Vector3<f64>> = layout.markers.iter().map(beside).collect();
    let mut truth = Walk {
        joints: Points::new(),
        keypoints: Points::new(),
        markers: Points::new(),
        marker_names: layout.markers.iter().map(|m| m.label.clone()).collect(),
    };
    for frame in 0..FRAMES {
        let progress = frame as f64 / (FRAMES - 1) as f64;
        let pose = between(&keys, progress);
        let heading = -0.6 + 1.2 * progress;
        let root = *Rotation3::from_axis_angle(&Vector3::y_axis(), heading).matrix();
        let path = Vector3::new(-1.2 + 2.4 * progress, 0.0, 0.5 * (3.0 * progress).sin());
        let standing = body.transforms(&rest, &root, &pose, &path);
        let lowest = standing.iter().map(|t| t.1.y).fold(f64::INFINITY, f64::min);
        let trans = path - Vector3::new(0.0, lowest - 0.03, 0.0);
        let posed = body.transforms(&rest, &root, &pose, &trans);
        let vertices = body.skinned(&shaped, &rest, &pose, &posed);
        let points = keypoints_of(body, "BODY_25", &posed, &vertices);
        truth
            .keypoints
            .push(points.ok_or("the body lacks a keypoint of BODY_25")?);
        truth
            .markers
            .push(layout.centres(body, &posed, &vertices, &offsets)?);
        truth
            .joints
            .push(posed.iter().take(22).map(|t| t.1).collect());
    }
    Ok(truth)
}

/// A smooth path through the key poses (Catmull and Rom 1974), each an axis-angle vector.
fn between(keys: &[Vec<f64>], progress: f64) -> Vec<f64> {
    let at = progress * (keys.len() - 1) as f64;
    let i = (at as usize).min(keys.len() - 2);
    let t = at - i as f64;
    let key = |k: isize| &keys[k.clamp(0, keys.len() as isize - 1) as usize];
    let i = i as isize;
    let (a, b, c, d) = (key(i - 1), key(i), key(i + 1), key(i + 2));
    let blend = |k: usize| {
        0.5 * (2.0 * b[k]
            + (c[k] - a[k]) * t
            + (2.0 * a[k] - 5.0 * b[k] + 4.0 * c[k] - d[k]) * t * t
            + (3.0 * b[k] - a[k] - 3.0 * c[k] + d[k]) * t * t * t)
    };
    (0..a.len()).map(blend).collect()
}

/// Four cameras around the scene, 4.5 m away and 1.6 m high, looking at a height of 0.9 m.
fn cameras() -> Vec<Camera> {
    let camera = |i: usize| {
        let angle = std::f64::consts::FRAC_PI_4 + i as f64 * std::f64::consts::FRAC_PI_2;
        let centre = Vector3::new(4.5 * angle.sin(), 1.6, 4.5 * angle.cos());
        let forward = (Vector3::new(0.0, 0.9, 0.0) - centre).normalize();
        let right = forward.cross(&Vector3::y()).normalize();
        let down = forward.cross(&right);
        let rotation =
            Matrix3::from_rows(&[right.transpose(), down.transpose(), forward.transpose()]);
        Camera {
            name: format!("cam{}", i + 1),
            size: [1280.0, 960.0],
            intrinsics: [1100.0, 1100.0, 640.0, 480.0, 0.0],
            distortion: fitrun::Distortion::Brown([-0.08, 0.02, 0.0005, -0.0004, 0.0]),
            rotation,
            translation: -(rotation * centre),
        }
    };
    (0..4).map(camera).collect()
}

fn observe_joints(joints: &Points, random: &mut Random) -> Points {
    let observe = |p: &Vector3<f64>| {
        let noise = Vector3::from_fn(|_, _| JOINT_NOISE * random.normal());
        match random.uniform() {
            u if u < GAPS => Vector3::repeat(f64::NAN),
            u if u < GAPS + OUTLIERS => p + noise * 40.0,
            _ => p + noise,
        }
    };
    let mut observe = observe;
    joints
        .iter()
        .map(|frame| frame.iter().map(&mut observe).collect())
        .collect()
}

fn observe_markers(markers: &Points, random: &mut Random) -> Points {
    let mut observe = |p: &Vector3<f64>| match random.uniform() {
        u if u < GAPS => Vector3::repeat(f64::NAN),
        _ => p + Vector3::from_fn(|_, _| MARKER_NOISE * random.normal()),
    };
    markers
        .iter()
        .map(|frame| frame.iter().map(&mut observe).collect())
        .collect()
}

/// (cameras, frames, keypoints) of x, y, confidence; a gap has the confidence 0.
fn observe_pixels(keypoints: &Points, cameras: &[Camera], random: &mut Random) -> Vec<f32> {
    let mut pixels = Vec::new();
    for camera in cameras {
        for point in keypoints.iter().flatten() {
            let noise = Vector2::from_fn(|_, _| PIXEL_NOISE * random.normal());
            let seen = match random.uniform() {
                u if u < GAPS => [0.0; 3],
                u if u < GAPS + 2.0 * OUTLIERS => {
                    let off = camera.project(point) + noise * 30.0;
                    [off.x, off.y, 0.3]
                }
                _ => {
                    let pixel = camera.project(point) + noise;
                    [pixel.x, pixel.y, 0.6 + 0.35 * random.uniform()]
                }
            };
            pixels.extend(seen.map(|x| x as f32));
        }
    }
    pixels
}

/// The cameras in Pose2Sim's format, y up.
fn calibration(cameras: &[Camera]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for camera in cameras {
        let [fx, fy, cx, cy, skew] = camera.intrinsics;
        let turn = Rotation3::from_matrix_unchecked(camera.rotation).scaled_axis();
        writeln!(text, "[{}]", camera.name)?;
        writeln!(text, "name = {:?}", camera.name)?;
        writeln!(text, "size = {:?}", camera.size)?;
        writeln!(
            text,
            "matrix = [[{fx:?}, {skew:?}, {cx:?}], [0.0, {fy:?}, {cy:?}], [0.0, 0.0, 1.0]]"
        )?;
        writeln!(
            text,
            "distortions = {:?}",
            &camera.distortion.coefficients()[..4]
        )?;
        writeln!(text, "rotation = {:?}", turn.as_slice())?;
        writeln!(text, "translation = {:?}", camera.translation.as_slice())?;
        writeln!(text, "fisheye = false\n")?;
    }
    Ok(text)
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers on every machine.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Box and Muller 1958.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
