//! Motions of one body on another.

mod common;

use std::path::{Path, PathBuf};

use common::example;
use fitrun::nalgebra::{Rotation3, Vector3};
use fitrun::{
    BodyModel, ConvertMotionOptions, ConvertedMotion, Correspondence, Error, NpzWriter, RunOptions,
    convert_motion, read_array,
};

/// The walk, as a run writes it, with an unknown frame.
fn walk(folder: &Path) -> PathBuf {
    let quiet = ["output.write=[\"params.npz\"]", "output.plots=[]"];
    let options = RunOptions {
        sets: quiet.map(String::from).to_vec(),
        out: Some(folder.join("walk")),
        ..RunOptions::default()
    };
    let run = fitrun::run(&example("joints.toml"), &options, &mut |_| true).unwrap();
    let numbers = |name: &str| read_array(run.dir.join("params.npz"), name).unwrap();
    let mut poses = numbers("poses");
    poses
        .index_axis_mut(fitrun::ndarray::Axis(0), LOST)
        .fill(f64::NAN);
    let path = folder.join("walk.npz");
    let mut file = NpzWriter::create(&path);
    for (name, array) in [
        ("poses", poses),
        ("trans", numbers("trans")),
        ("betas", numbers("betas")),
    ] {
        let shape = array.shape().to_vec();
        file.floats64(name, &shape, array.as_slice().unwrap())
            .unwrap();
    }
    file.floats64("mocap_framerate", &[], &[25.0]).unwrap();
    file.strings("up_axis", &[], &["y"]).unwrap();
    file.strings("body", &[], &["builtin"]).unwrap();
    file.finish().unwrap();
    path
}

const LOST: usize = 3;

/// The built-in body made larger, with its arms at rest 20° lower.
fn another(folder: &Path) -> PathBuf {
    let body = BodyModel::builtin(None).unwrap();
    let (vertices, joints, betas) = (body.template.nrows(), body.joints.nrows(), body.num_betas());
    let lower = |j: usize| if j == 16 { -0.35 } else { 0.35 };
    let pose: Vec<f64> = (1..joints)
        .flat_map(|j| [0.0, 0.0, if [16, 17].contains(&j) { lower(j) } else { 0.0 }])
        .collect();
    let rest = body.rest_joints(&[]);
    let root = fitrun::nalgebra::Matrix3::identity();
    let transforms = body.transforms(&rest, &root, &pose, &Vector3::zeros());
    let skin = body.skinned(&body.rest_vertices(&[]), &rest, &pose, &transforms);
    let large = |points: Vec<Vector3<f64>>| -> Vec<f64> {
        points
            .iter()
            .flat_map(|p| [1.06 * p.x, 1.06 * p.y, 1.06 * p.z])
            .collect()
    };
    let path = folder.join("another.npz");
    let mut file = NpzWriter::create(&path);
    let mut put = |name: &str, shape: &[usize], numbers: Vec<f64>| {
        file.floats64(name, shape, &numbers).unwrap();
    };
    put("v_template", &[vertices, 3], large(skin));
    put(
        "J",
        &[joints, 3],
        large(transforms.iter().map(|t| t.1).collect()),
    );
    put(
        "weights",
        &[vertices, joints],
        body.weights.iter().copied().collect(),
    );
    put(
        "shapedirs",
        &[vertices, 3, betas],
        body.shapedirs.iter().copied().collect(),
    );
    put(
        "J_shapedirs",
        &[joints, 3, betas],
        body.joint_shapedirs.iter().copied().collect(),
    );
    let mut integers = |name: &str, shape: &[usize], numbers: Vec<i32>| {
        file.integers(name, shape, &numbers).unwrap();
    };
    let faces = body.faces.iter().map(|v| *v as i32);
    integers("f", &[body.faces.nrows(), 3], faces.collect());
    let parents = body.parents.iter().enumerate();
    let parents = parents.map(|(j, p)| if j == 0 { -1 } else { *p as i32 });
    integers(
        "kintree_table",
        &[2, joints],
        parents.chain(0..joints as i32).collect(),
    );
    let names: Vec<&str> = body.joint_names.iter().map(String::as_str).collect();
    file.strings("joint_names", &[joints], &names).unwrap();
    file.finish().unwrap();
    path
}

fn options(to: &Path, out: &Path, by: Correspondence) -> ConvertMotionOptions {
    ConvertMotionOptions {
        from: None,
        to: to.display().to_string(),
        by,
        out: out.into(),
        force: false,
        round_trip: true,
    }
}

fn converted(folder: &Path, to: &Path, by: Correspondence) -> (ConvertedMotion, PathBuf) {
    let out = folder.join(format!("{by:?}.npz"));
    let options = options(to, &out, by);
    let found = convert_motion(&folder.join("walk.npz"), &options, &mut |_| true);
    (found.unwrap_or_else(|e| panic!("{e}")), out)
}

#[test]
fn a_motion_is_itself_on_its_own_body_but_for_the_frame_that_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let motion = walk(folder.path());
    for by in [Correspondence::Skin, Correspondence::Joints] {
        let (found, out) = converted(folder.path(), Path::new("builtin"), by);
        let numbers = read_array(&out, "frame_number").unwrap();
        assert_eq!(found.unknown, [numbers[[LOST]] as u64], "{by:?}");
        assert!(
            found.skin.mean < 4.0 && found.joints.mean < 2.0,
            "{by:?} {found:?}"
        );
        let (before, after) = [&motion, &out]
            .map(|f| read_array(f, "poses").unwrap())
            .into();
        let row = |of: &fitrun::ndarray::ArrayD<f64>, f: usize| {
            of.index_axis(fitrun::ndarray::Axis(0), f).to_owned()
        };
        assert!(row(&after, LOST).iter().all(|x| x.is_nan()));
        assert!(row(&after, LOST + 1).iter().all(|x| x.is_finite()));
        assert_eq!(before.shape(), after.shape());
        assert_eq!(read_array(&out, "mocap_framerate").unwrap().sum(), 25.0);
    }
}

#[test]
fn another_rest_pose_and_another_size_are_the_same_motion() {
    let folder = tempfile::tempdir().unwrap();
    let motion = walk(folder.path());
    let other = another(folder.path());
    let (found, out) = converted(folder.path(), &other, Correspondence::Skin);
    assert!(found.shape.mean < 6.0 && found.skin.mean < 8.0, "{found:?}");
    let back = found.round_trip.unwrap();
    assert!(back.mean < 5.0 && back.largest < 20.0, "{back:?}");
    // The upper arms turn as before, from where they are at rest.
    let (before, after) = [&motion, &out]
        .map(|f| read_array(f, "poses").unwrap())
        .into();
    let turn = |poses: &fitrun::ndarray::ArrayD<f64>, j: usize| {
        Rotation3::new(Vector3::from_fn(|k, _| poses[[0, 3 * j + k]]))
    };
    for (j, lower) in [(16, -0.35), (17, 0.35)] {
        let of_rest = Rotation3::from_axis_angle(&Vector3::z_axis(), lower);
        let apart = (turn(&after, j) * of_rest).angle_to(&turn(&before, j));
        assert!(apart < 0.15, "joint {j}: {apart} rad");
    }
}

#[test]
fn nothing_is_replaced_or_written_by_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let motion = walk(folder.path());
    let refused = |options: &ConvertMotionOptions, motion: &Path| {
        convert_motion(motion, options, &mut |_| true).unwrap_err()
    };
    let to = Path::new("builtin");
    let error = refused(&options(to, &motion, Correspondence::Skin), &motion);
    assert!(
        matches!(error, Error::Output { .. }) && error.to_string().contains("--force"),
        "{error}"
    );
    let out = folder.path().join("out.npz");
    let missing = folder.path().join("nobody.npz");
    for (to, motion) in [
        (missing.as_path(), motion.as_path()),
        (to, missing.as_path()),
    ] {
        let error = refused(&options(to, &out, Correspondence::Skin), motion);
        assert!(error.to_string().contains("nobody.npz"), "{error}");
    }
    assert!(!out.exists());
}
