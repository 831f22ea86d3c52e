//! What one evaluation of a frame takes of a thread, beside its floor: `cargo bench --bench evaluations`.
//!
//! The floor is the evaluation's multiply-adds at the rate that this machine reaches when it does
//! nothing else.

use std::path::{Path, PathBuf};
use std::time::Instant;

use fitrun::{NpzWriter, RunOptions, StagePlan, read_array};

const ROUNDS: usize = 5;
const HIDDEN: f64 = 512.0;
/// Multiply-adds of VPoser's decoder.
const DECODER: f64 = 32.0 * HIDDEN + HIDDEN * HIDDEN + HIDDEN * 126.0;
/// Of a joint: a rotation's formula, its product with the parent's, and the joint's place.
const JOINT: f64 = 45.0 + 27.0 + 9.0;
/// Of a marker on the skin: three vertices of four joints each, and a frame of them.
const MARKER: f64 = 3.0 * 4.0 * 12.0 + 40.0;
/// Of a keypoint in a camera, and of the vertices that it is.
const PIXEL: f64 = 40.0;

struct Case {
    name: String,
    spec: String,
    frames: usize,
    /// Multiply-adds of a value; its gradient takes twice as many more.
    value: f64,
}

fn main() {
    let folder = std::env::temp_dir().join("fitrun-bench-evaluations");
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let rate = rate();
    println!(
        "{:.0} thousand million multiply-adds a second of a thread in f32",
        rate / 1e9
    );
    println!(
        "{:34}  {:>9} {:>10} {:>9} {:>8}",
        "µs", "cost", "gradient", "floor", "JᵀJ"
    );
    for case in cases(&folder) {
        let spec = folder.join("spec.toml");
        std::fs::write(&spec, &case.spec).expect("the spec is written");
        let checked = fitrun::check(&spec, &RunOptions::default());
        let checked = checked.unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let plans = (0..ROUNDS).map(|_| fitrun::plan(&checked.problem, &mut |_| true));
        let last: Vec<StagePlan> = plans.filter_map(|mut stages| stages.pop()).collect();
        let median = |which: usize| {
            let mut times: Vec<f64> = last.iter().map(|s| s.evaluation[which] * 1e6).collect();
            times.sort_by(f64::total_cmp);
            times[ROUNDS / 2]
        };
        println!(
            "{:34}  {:9.2} {:10.2} {:9.2} {:8.1}",
            format!("{} ({} frames)", case.name, case.frames),
            median(0),
            median(1),
            3.0 * case.value / rate * 1e6,
            median(2)
        );
    }
}

fn cases(folder: &Path) -> Vec<Case> {
    let walk = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("specs/fit/walk.npz");
    let calibration = walk.with_file_name("calibration.toml");
    let joints = read_array(&walk, "joints").expect("joints");
    let walk = walk.display();
    let stage = "[[stages]]\nname = \"pose\"\nfree = [\"root_orient\", \"trans\", \"pose\"]\n";
    let of_joints = |data: String, prior: &str| {
        format!(
            "fitrun = 1\nprior = \"{prior}\"\n[data.points]\nfile = \"{data}\"\narray = \"joints\"\n\
             axes = [\"frame\", \"joint\", \"xyz\"]\n[terms.data]\nsource = \"joints\"\n\
             target = \"points\"\nsigma = \"1 cm\"\n{stage}"
        )
    };
    let markers = format!(
        "fitrun = 1\nprior = \"none\"\n[data.points]\nfile = \"{walk}\"\narray = \"markers\"\n\
         axes = [\"frame\", \"marker\", \"xyz\"]\nnames = \"marker_names\"\n[sources.skin]\n\
         kind = \"surface\"\nlayout = \"plug-in-gait\"\n[terms.data]\nsource = \"skin\"\n\
         target = \"points\"\nsigma = \"1 cm\"\n{stage}"
    );
    let pixels = format!(
        "fitrun = 1\nprior = \"none\"\n[data.pixels]\nfile = \"{walk}\"\narray = \"keypoints\"\n\
         axes = [\"camera\", \"frame\", \"keypoint\", \"uvc\"]\nviews = \"cameras\"\n\
         keypoints = \"BODY_25\"\n[data.cameras]\nfile = \"{}\"\nup = \"y\"\n[sources.body25]\n\
         kind = \"joints\"\nkeypoints = \"BODY_25\"\n[sources.seen]\nkind = \"project\"\n\
         of = \"body25\"\ncameras = \"cameras\"\n[terms.data]\nsource = \"seen\"\n\
         target = \"pixels\"\nsigma = \"20 px\"\n{stage}",
        calibration.display()
    );
    let case = |name: &str, spec: String, frames: usize, value: f64| Case {
        name: name.into(),
        spec,
        frames,
        value,
    };
    let body = 22.0 * JOINT;
    let mut cases = vec![
        case("22 joints", of_joints(walk.to_string(), "none"), 60, body),
        case("40 markers", markers, 60, body + 40.0 * MARKER),
        case("4 cameras, 25 keypoints", pixels, 60, body + 100.0 * PIXEL),
    ];
    for frames in [1, 16, 128] {
        let file = folder.join(format!("{frames}.npz"));
        let mut npz = NpzWriter::create(&file);
        let numbers: Vec<f64> = joints.iter().copied().collect();
        let row = 22 * 3;
        let of_frame = |f: usize| numbers[f % 60 * row..(f % 60 + 1) * row].iter().copied();
        let data: Vec<f64> = (0..frames).flat_map(of_frame).collect();
        npz.floats64("joints", &[frames, 22, 3], &data)
            .expect("joints");
        npz.finish().expect("the file");
        let spec = of_joints(file.display().to_string(), "vposer");
        cases.push(case("vposer, 22 joints", spec, frames, DECODER + body));
    }
    cases
}

/// Multiply-adds in f32 that a thread does in a second.
fn rate() -> f64 {
    let rounds = 2_000_000;
    let run = || {
        let begun = Instant::now();
        let sum = products(rounds);
        assert!(sum.is_finite());
        (rounds * 12 * 8) as f64 / begun.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(|_| run()).fold(0.0, f64::max)
}

fn products(rounds: usize) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        // SAFETY: the processor has the instructions.
        return unsafe { wide(rounds) };
    }
    plain(rounds)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn wide(rounds: usize) -> f32 {
    use std::arch::x86_64::{_mm256_cvtss_f32, _mm256_fmadd_ps, _mm256_set1_ps};
    let (a, b) = (
        _mm256_set1_ps(std::hint::black_box(0.999)),
        _mm256_set1_ps(1e-3),
    );
    let mut sums = [_mm256_set1_ps(1.0); 12];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, a, b);
        }
    }
    sums.iter().map(|sum| _mm256_cvtss_f32(*sum)).sum()
}

fn plain(rounds: usize) -> f32 {
    let a: f32 = std::hint::black_box(0.999);
    let mut sums = [[1.0f32; 8]; 12];
    for _ in 0..rounds {
        for sum in sums.iter_mut().flatten() {
            *sum = *sum * a + 1e-3;
        }
    }
    sums.iter().flatten().sum()
}
