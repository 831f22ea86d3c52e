//! What is made of priors on the command line: samples, ways, codes, and how priors compare.

use std::path::Path;
use std::process::{Command, Output};

use fitrun::{NpzWriter, read_array};

fn fitrun_in(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fitrun"))
        .current_dir(folder)
        .args(args)
        .output()
        .unwrap()
}

fn works(folder: &Path, args: &[&str]) -> String {
    let output = fitrun_in(folder, args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn fails(folder: &Path, args: &[&str]) -> String {
    let output = fitrun_in(folder, args);
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Poses near rest, (rows, 63), times a factor.
fn poses(path: &Path, rows: usize, factor: f64, broken: Option<usize>) {
    let mut values: Vec<f64> = (0..63 * rows)
        .map(|i| factor * 0.2 * (0.37 * i as f64).sin())
        .collect();
    if let Some(row) = broken {
        values[63 * row + 5] = f64::NAN;
    }
    let mut file = NpzWriter::create(path);
    file.floats64("pose_body", &[rows, 63], &values).unwrap();
    file.finish().unwrap();
}

#[test]
fn samples_of_a_seed_are_the_same_and_nothing_is_replaced_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    works(at, &["sample", "vposer", "-n", "3", "--out", "a", "--glb"]);
    works(at, &["sample", "vposer", "-n", "3", "--out", "b"]);
    let [a, b] = ["a", "b"].map(|d| read_array(at.join(d).join("samples.npz"), "z").unwrap());
    assert_eq!(a, b);
    assert_eq!(a.shape(), [3, 32]);
    let poses = read_array(at.join("a/samples.npz"), "poses").unwrap();
    assert_eq!(poses.shape(), [3, 72]);
    let (_, buffers, _) = gltf::import(at.join("a/samples.glb")).unwrap();
    assert!(!buffers.is_empty());
    let again = fails(at, &["sample", "vposer", "--out", "a"]);
    assert_eq!(
        again,
        "error: `a/samples.npz` exists\nhint: name another place, or add `--force` to replace it\n"
    );
    works(at, &["sample", "gan-s", "-n", "2", "--out", "a", "--force"]);
}

#[test]
fn poses_come_back_from_their_codes_and_rows_with_nan_stay_nan() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    poses(&at.join("poses.npz"), 4, 1.0, Some(2));
    works(at, &["encode", "vposer", "poses.npz", "codes.npz"]);
    works(at, &["decode", "vposer", "codes.npz", "back.npz"]);
    let codes = read_array(at.join("codes.npz"), "z").unwrap();
    let back = read_array(at.join("back.npz"), "pose_body").unwrap();
    assert_eq!((codes.shape(), back.shape()), (&[4, 32][..], &[4, 63][..]));
    for row in 0..4 {
        let all = |a: &fitrun::ndarray::ArrayD<f64>| {
            let axis = fitrun::ndarray::Axis(0);
            a.index_axis(axis, row).iter().all(|x| x.is_finite())
        };
        assert_eq!(all(&codes), row != 2);
        assert_eq!(all(&back), row != 2);
    }
}

#[test]
fn a_way_starts_at_the_first_pose_and_ends_at_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    poses(&at.join("poses.npz"), 2, 1.0, None);
    let said = works(
        at,
        &[
            "interpolate",
            "gmm",
            "--from",
            "poses.npz:0",
            "--to",
            "poses.npz:1",
            "--steps",
            "5",
            "--out",
            "way",
        ],
    );
    assert!(said.starts_with("pair 0: steps "), "{said}");
    let given = read_array(at.join("poses.npz"), "pose_body").unwrap();
    let way = read_array(at.join("way/interpolation.npz"), "pose_body").unwrap();
    for k in 0..63 {
        assert!((way[[0, k]] - given[[0, k]]).abs() < 1e-12);
        assert!((way[[4, k]] - given[[1, k]]).abs() < 1e-12);
        let middle = 0.5 * (given[[0, k]] + given[[1, k]]);
        assert!((way[[2, k]] - middle).abs() < 1e-12);
    }
}

#[test]
fn what_is_wrong_with_priors_and_poses_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    poses(&at.join("degrees.npz"), 3, 180.0, None);
    poses(&at.join("poses.npz"), 3, 1.0, None);
    let cases = [
        (
            vec!["sample", "vposr"],
            "error: there is no prior `vposr`; permitted: none, gmm, vposer, vposer-gmm, gan-s, gan-u, gan-n\n",
        ),
        (
            vec!["sample", "none"],
            "error: nothing can be made of the prior `none`; name another\n",
        ),
        (
            vec!["encode", "gan-u", "poses.npz", "z.npz"],
            "error: this prior has no encoder; name codes `z` instead of poses\n",
        ),
        (
            vec!["encode", "vposer", "degrees.npz", "z.npz"],
            "error: `degrees.npz`: array `pose_body` looks like degrees: 3 of 3 poses have a joint that turns by more than 2π, the first is row 0\n\
             hint: poses are axis-angle in radians; multiply by π/180 before saving them\n",
        ),
        (
            vec!["decode", "vposer", "poses.npz", "out.npz"],
            "error: `poses.npz`: there is no array `z` (rows, 32) of codes\nhint: `fitrun encode` makes codes of poses\n",
        ),
        (
            vec!["sample", "vposer=poses.npz"],
            "error: `poses.npz`: a zip archive, but not PyTorch's: expected `data.pkl` in it, found `pose_body.npy`\n",
        ),
    ];
    for (args, said) in cases {
        assert_eq!(fails(at, &args), said, "{args:?}");
    }
}

#[test]
fn priors_are_measured_side_by_side_and_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    poses(&at.join("poses.npz"), 12, 1.0, None);
    let run = |out: &str| {
        let mut args = vec!["evaluate", "none", "gmm", "vposer", "--on", "poses.npz"];
        args.extend([
            "--quick",
            "--samples",
            "20",
            "--problems",
            "2",
            "--out",
            out,
        ]);
        let table = works(at, &args);
        let keep = |line: &&str| !line.starts_with("decoding");
        // The columns are as wide as the times, which differ.
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        table.lines().filter(keep).map(words).collect::<Vec<_>>()
    };
    let (first, second) = (run("one"), run("two"));
    assert_eq!(first, second);
    for measure in [
        "recall",
        "precision",
        "interpolation",
        "reconstruction",
        "2D",
    ] {
        let found = first.iter().any(|line| line.starts_with(measure));
        assert!(found, "{measure} is missing:\n{}", first.join("\n"));
    }
    for file in ["evaluate.json", "evaluate.csv", "evaluate.md"] {
        assert!(at.join("one").join(file).is_file(), "{file}");
    }
    let degrees = at.join("degrees.npz");
    poses(&degrees, 3, 180.0, None);
    let args = [
        "evaluate",
        "gm",
        "vposr",
        "--on",
        "degrees.npz",
        "--train",
        "none.npz",
    ];
    let said = fails(at, &args);
    for mistake in [
        "`gm`",
        "`vposr`",
        "looks like degrees",
        "`none.npz`: there is no such file",
    ] {
        assert!(said.contains(mistake), "{mistake}: {said}");
    }
}
