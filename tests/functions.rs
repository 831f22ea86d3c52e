//! Every function of expressions: its slopes at a hundred points against differences, and at singular ones.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::check_file;
use fitrun::{FUNCTIONS, Status};

const POINTS: usize = 100;

/// Residuals of `v`, six numbers from 0 to 1, and of `a`, the same from −1 to 1; each with its function.
const RESIDUALS: [(&str, &str); 36] = [
    ("exp", "exp(a)"),
    ("log", "log(v)"),
    ("sqrt", "sqrt(v)"),
    ("sin", "sin(3 * a)"),
    ("cos", "cos(3 * a)"),
    ("tan", "tan(a)"),
    ("asin", "asin(a)"),
    ("acos", "acos(a)"),
    ("atan", "atan(3 * a)"),
    ("sinh", "sinh(a)"),
    ("cosh", "cosh(a)"),
    ("tanh", "tanh(a)"),
    ("atan2", "atan2(a.x, a.y)"),
    ("wrap", "wrap(7 * a)"),
    ("abs", "abs(a)"),
    ("relu", "relu(a)"),
    ("softplus", "softplus(a)"),
    ("min", "min(a.xyz, vec(a[3], a[4], a[5]))"),
    ("max", "max(a.xyz, vec(a[3], a[4], a[5]))"),
    ("clamp", "clamp(a.x, -0.5, 0.5) * a"),
    ("select", "select(a.x < a.y, a.xyz, vec(a[3], a[4], a[5]))"),
    ("vec", "vec(a.x * a.y, a.z)"),
    ("rows", "rows(a.xyz, a.zxy, vec(a[3], a[4], a[5])) * a.xyz"),
    ("sum", "sum(a) * a"),
    ("mean", "mean(a) * a"),
    ("dot", "dot(a.xyz, vec(a[3], a[4], a[5]))"),
    ("cross", "cross(a.xyz, vec(a[3], a[4], a[5]))"),
    ("norm", "norm(a)"),
    ("normalize", "normalize(a)"),
    ("transpose", "transpose(rows(a.xyz, a.zxy, a.yzx)) * a.xyz"),
    ("rot2", "rot2(3 * a.x) * a.yz"),
    ("exp_so3", "exp_so3(3 * a.xyz) * vec(1, 2, 3)"),
    ("log_so3", "log_so3(exp_so3(a.xyz))"),
    ("log_se2", "log_se2(3 * a.x, a.yz)"),
    ("log_se3", "log_se3(exp_so3(a.xyz), vec(a[3], a[4], a[5]))"),
    (
        "geodesic",
        "geodesic(exp_so3(a.xyz), exp_so3(vec(a[3], a[4], a[5])))",
    ),
];

/// Those that are angles.
const ANGLES: [&str; 7] = [
    "asin", "acos", "atan", "atan2", "wrap", "log_so3", "geodesic",
];

/// A point for each row, and a term for each function; a shared number makes one problem of them.
fn spec(folder: &Path, points: &[[f64; 6]], scale: f64) -> std::path::PathBuf {
    let row = |(i, p): (usize, &[f64; 6])| format!("{i},{}", p.map(|x| x.to_string()).join(","));
    let rows: Vec<String> = points.iter().enumerate().map(row).collect();
    let csv = format!("id,c0,c1,c2,c3,c4,c5\n{}\n", rows.join("\n"));
    std::fs::write(folder.join("points.csv"), csv).unwrap();
    let term = |(name, residual): &(&str, &str)| {
        let angle = ANGLES.contains(name);
        let sigma = if angle { "sigma = \"1 rad\"\n" } else { "" };
        format!(
            "[terms.{name}]\nkind = \"expr\"\nover = \"points\"\n{sigma}residual = '''\n\
             let a = 2 * v - vec(1, 1, 1, 1, 1, 1)\n(1 + shared) * ({residual})'''\n"
        )
    };
    let columns: Vec<String> = (0..6).map(|i| format!("c{i} = \"1\"")).collect();
    let text = format!(
        "fitrun = 1\n[data.points]\nfile = \"points.csv\"\nindex = \"point\"\n\
         columns = {{ id = \"id\", {} }}\n[vars]\nshared = {{ init = 0.0 }}\n\
         v = {{ per = \"point\", scale = {scale}, init = \"vec(points.c0, points.c1, points.c2, \
         points.c3, points.c4, points.c5)\" }}\n{}",
        columns.join(", "),
        RESIDUALS.iter().map(term).collect::<String>()
    );
    let path = folder.join("spec.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// A sequence that fills (0, 1) evenly.
fn spread(i: usize) -> f64 {
    0.03 + 0.94 * ((i as f64 + 1.0) * 0.618_033_988_749_895).fract()
}

#[test]
fn slopes_at_a_hundred_points_are_those_of_differences() {
    let named: BTreeSet<&str> = RESIDUALS.iter().map(|(name, _)| *name).collect();
    // `next` has frames, not rows: `body_expressions.rs` has its slopes.
    let of_rows = FUNCTIONS.iter().filter(|(name, ..)| *name != "next");
    let all: BTreeSet<&str> = of_rows.map(|(name, ..)| *name).collect();
    assert_eq!(named, all, "every function has its residual");
    let folder = tempfile::tempdir().unwrap();
    let point = |i: usize| std::array::from_fn(|k| spread(6 * i + k + 37 * k * i));
    let points: Vec<[f64; 6]> = (0..POINTS).map(point).collect();
    let checked = check_file(&spec(folder.path(), &points, 0.01), &[]);
    for row in fitrun::gradcheck(&checked.problem) {
        assert!(row.largest > 1e-3, "{} moves with nothing", row.term);
        assert!(
            row.error < 1e-6,
            "{}: {} {}",
            row.term,
            row.error,
            row.worst
        );
    }
}

#[test]
fn singular_points_stop_nothing() {
    let singular = [
        [0.5; 6],
        [0.5, 0.5, 0.5, 0.8, 0.8, 0.8],
        [0.8, 0.8, 0.8, 0.8, 0.8, 0.8],
        [0.5, 0.5, 0.9, 0.5, 0.5, 0.9],
    ];
    for point in singular {
        let folder = tempfile::tempdir().unwrap();
        let checked = check_file(&spec(folder.path(), &[point], 1.0), &["solve.max_iter=3"]);
        let fit = common::fit(&checked);
        assert_ne!(fit.status[0], Status::Invalid, "{point:?}");
        assert!(fit.cost().is_finite());
        let v = fit.variable(&checked.problem, "v", 0).unwrap();
        assert!(v.iter().all(|x| x.is_finite()), "{point:?}: {v:?}");
    }
}
