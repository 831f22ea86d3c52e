//! Poses of a file, each before one camera: data for the question which prior finds them again.
//!
//! `cargo run --release --example poses_before_a_camera -- poses.npz data 500` writes `data/seen.npz` with
//! `keypoints` (poses, 22, uv), the true `joints` (poses, 22, xyz) and the `sequence` of each, and
//! `data/camera.json`. The body is the built-in one in its mean shape, 4.25 m away and turned at random.

use std::error::Error;
use std::path::Path;

use fitrun::nalgebra::{Matrix3, Rotation3, Vector3};
use fitrun::{BodyModel, NpzWriter, read_array};

const JOINTS: usize = 22;
const FOCAL: f64 = 1000.0;
const CENTRE: f64 = 500.0;
const DEPTH: f64 = 4.25;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [poses, out, count] = &arguments[..] else {
        return Err("usage: poses_before_a_camera POSES.npz FOLDER COUNT".into());
    };
    simulate(Path::new(poses), Path::new(out), count.parse()?)
}

/// Poses at equal steps through the file, of its `unique_idx` where it has one.
pub fn simulate(file: &Path, out: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let poses = read_array(file, "pose_body")?;
    let all = poses.shape()[0];
    let kept =
        read_array(file, "unique_idx").map(|rows| rows.iter().map(|r| *r as usize).collect());
    let rows: Vec<usize> = kept.unwrap_or_else(|_| (0..all).collect());
    let recordings = read_array(file, "sequence").ok();
    let body = BodyModel::builtin(None)?;
    let rest = body.rest_joints(&vec![0.0; body.num_betas()]);

    let (mut keypoints, mut joints, mut sequence) = (Vec::new(), Vec::new(), Vec::new());
    let count = count.min(rows.len());
    for k in 0..count {
        let row = rows[k * rows.len() / count];
        let pose: Vec<f64> =
            poses.as_slice().ok_or("not contiguous")?[63 * row..63 * (row + 1)].into();
        let mut full = pose;
        full.resize(3 * (body.num_joints() - 1), 0.0);
        // The golden angle: headings as even as random ones, and the same each time.
        let heading = Rotation3::from_axis_angle(&Vector3::y_axis(), 2.399963 * k as f64);
        let root: Matrix3<f64> = *heading.matrix();
        let centred = -rest[0];
        for (_, at) in body
            .transforms(&rest, &root, &full, &centred)
            .iter()
            .take(JOINTS)
        {
            joints.extend([at.x, at.y, at.z]);
            // The camera looks along -z, with y down in its image.
            let depth = DEPTH - at.z;
            keypoints.extend([CENTRE + FOCAL * at.x / depth, CENTRE - FOCAL * at.y / depth]);
        }
        sequence.push(recordings.as_ref().map_or(row as i32, |s| s[[row]] as i32));
    }

    std::fs::create_dir_all(out)?;
    let mut file = NpzWriter::create(out.join("seen.npz"));
    file.floats64("keypoints", &[count, JOINTS, 2], &keypoints)?;
    file.floats64("joints", &[count, JOINTS, 3], &joints)?;
    file.integers("sequence", &[count], &sequence)?;
    file.strings("names", &[JOINTS], &body.joint_names[..JOINTS])?;
    file.finish()?;
    let camera = format!(
        "[{{\"name\": \"camera\", \"size\": [1000, 1000], \"focal\": [{FOCAL}, {FOCAL}], \
         \"principal\": [{CENTRE}, {CENTRE}], \"distortion\": [], \
         \"rotation\": [[1, 0, 0], [0, -1, 0], [0, 0, -1]], \"translation\": [0, 0, {DEPTH}]}}]\n"
    );
    std::fs::write(out.join("camera.json"), camera)?;
    Ok(())
}
