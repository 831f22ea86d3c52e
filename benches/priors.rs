//! The priors side by side: `FITRUN_DATA=DATA cargo bench --bench priors`.
//!
//! A thousand poses of other people as 22 joints on `body_mh_full` (a hundred with a decoder), shape
//! fixed, as in `docs/performance.md`; DATA holds `poses/val.npz` and `body/body_mh_full.npz`. With
//! `FITRUN_OTHER`, the path of another build's `fitrun`, the two run by turns and are compared.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fitrun::nalgebra::{Rotation3, Vector3};
use fitrun::{BodyModel, NpzWriter};

const PRIORS: [(&str, usize); 5] = [
    ("none", 1000),
    ("gmm", 1000),
    ("vposer", 1000),
    ("vposer-gmm", 1000),
    ("gan-s", 100),
];
const ROUNDS: usize = 3;
const JOINTS: usize = 22;

fn main() {
    let Some(data) = std::env::var_os("FITRUN_DATA").map(PathBuf::from) else {
        println!("FITRUN_DATA is not set, so there is nothing to fit");
        return;
    };
    let folder = std::env::temp_dir().join("fitrun-bench-priors");
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let body = std::path::absolute(data.join("body/body_mh_full.npz")).expect("a path");
    let mut binaries = vec![PathBuf::from(env!("CARGO_BIN_EXE_fitrun"))];
    binaries.extend(std::env::var_os("FITRUN_OTHER").map(PathBuf::from));
    println!("prior       frames/s   iterations   converged          E   (then the other build's)");
    for (prior, frames) in PRIORS {
        write_joints(&data.join("poses/val.npz"), &body, frames, &folder);
        let spec = write_spec(prior, &body, &folder);
        let mut runs: Vec<Vec<Figures>> = vec![Vec::new(); binaries.len()];
        for _ in 0..ROUNDS {
            for (binary, runs) in binaries.iter().zip(&mut runs) {
                runs.push(run(binary, &spec, &folder.join("run")));
            }
        }
        let medians: Vec<Figures> = runs.into_iter().map(median).collect();
        let cell = |f: &Figures| {
            let rate = frames as f64 / f.seconds;
            let (iterations, converged) = (f.iterations / frames as f64, f.converged);
            format!(
                "{rate:8.1}   {iterations:10.1}   {converged:9}   {:10.2}",
                f.cost
            )
        };
        let cells: Vec<String> = medians.iter().map(cell).collect();
        let ratio = medians.get(1).map_or(String::new(), |other| {
            format!("   {:.1} times", other.seconds / medians[0].seconds)
        });
        println!("{prior:10} {}{ratio}", cells.join("   |"));
    }
}

/// Poses evenly spread over those that are told apart.
fn write_joints(poses: &Path, body: &Path, count: usize, folder: &Path) {
    let array = |name: &str| fitrun::read_array(poses, name).expect("the poses");
    let (pose, root, trans) = (array("pose_body"), array("root_orient"), array("trans"));
    let unique = array("unique_idx");
    let body = BodyModel::from_file(body, None).expect("the body");
    let rest = body.rest_joints(&[]);
    let mut joints = Vec::new();
    for i in 0..count {
        let at = (i * (unique.len() - 1)) / (count - 1);
        let frame = unique[[at]] as usize;
        let numbers = |a: &fitrun::ndarray::ArrayD<f64>| -> Vec<f64> {
            a.index_axis(fitrun::ndarray::Axis(0), frame)
                .iter()
                .copied()
                .collect()
        };
        let turn = Rotation3::new(Vector3::from_column_slice(&numbers(&root)));
        let there = Vector3::from_column_slice(&numbers(&trans)) - rest[0];
        let transforms = body.transforms(&rest, turn.matrix(), &numbers(&pose), &there);
        let points = transforms.iter().take(JOINTS).map(|(_, p)| *p);
        joints.extend(points.flat_map(|p| [p.x, p.y, p.z]));
    }
    let mut file = NpzWriter::create(folder.join("joints.npz"));
    file.floats64("joints", &[count, JOINTS, 3], &joints)
        .and_then(|()| file.finish())
        .expect("the joints are written");
}

fn write_spec(prior: &str, body: &Path, folder: &Path) -> PathBuf {
    let text = format!(
        r#"
fitrun = 1
prior = "{prior}"
body = {{ model = "{}" }}
output = {{ write = ["params.npz"], plots = [] }}
stages = [
  {{ name = "place", free = ["root_orient", "trans"] }},
  {{ name = "pose", free = ["root_orient", "trans", "pose"] }},
]
[data.targets]
file = "joints.npz"
array = "joints"
axes = ["frame", "joint", "xyz"]
[terms.data]
source = "joints"
target = "targets"
sigma = "1 cm"
"#,
        body.display()
    );
    let spec = folder.join(format!("{prior}.toml"));
    std::fs::write(&spec, text).expect("the spec is written");
    spec
}

#[derive(Clone)]
struct Figures {
    seconds: f64,
    cost: f64,
    converged: f64,
    iterations: f64,
}

/// A run through the command line; seconds are those of the solve.
fn run(binary: &Path, spec: &Path, to: &Path) -> Figures {
    let mut command = Command::new(binary);
    command.arg(spec).arg("--out").arg(to).arg("--force");
    let ended = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(
        to.join("run.json").exists(),
        "{} ended with {ended:?}",
        binary.display()
    );
    let text = std::fs::read_to_string(to.join("run.json")).expect("the record");
    let record: serde_json::Value = serde_json::from_str(&text).expect("the record");
    let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
    let stages = record["stages"].as_array().cloned().unwrap_or_default();
    Figures {
        seconds: number(&record["seconds"]["solve"]),
        cost: number(&record["cost"]),
        converged: number(&record["converged"]),
        iterations: stages
            .iter()
            .map(|s| number(&s["iterations"]["total"]))
            .sum(),
    }
}

fn median(mut runs: Vec<Figures>) -> Figures {
    runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    runs.swap_remove(runs.len() / 2)
}
