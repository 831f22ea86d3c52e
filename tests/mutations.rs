//! Damaged files: whatever the bytes, a reader neither panics nor takes more memory than the file is worth.
//!
//! `FITRUN_MUTATIONS` sets how many damaged files there are in all; with `FITRUN_DATA` they are made of real ones too.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Cursor, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Counts what is allocated, and the most that ever was.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(held, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(place, layout) }
    }
}

/// What a read may take at most: so many times the file, and a constant.
const TIMES: usize = 64;
const BESIDES: usize = 64 << 20;
/// Damaged copies of each sample in a usual run.
const USUAL: usize = 100;

struct Sample {
    /// The file's name, by which its format is known.
    name: String,
    bytes: Vec<u8>,
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Half of the places lie where headers are: at the beginning, sometimes at the end.
    fn place(&mut self, length: usize) -> usize {
        match self.below(8) {
            0..3 => self.below(length.min(128)),
            3 => self.below(length.min(2048)),
            4 => length - 1 - self.below(length.min(1024)),
            _ => self.below(length),
        }
    }
}

#[test]
fn damaged_files_end_in_an_error_and_take_little_memory() {
    let wanted = std::env::var("FITRUN_MUTATIONS").ok();
    let samples = samples();
    let wanted = wanted.map_or(USUAL * samples.len(), |n| {
        n.parse().expect("a whole number")
    });
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::default();
    for (at, sample) in samples.iter().enumerate() {
        let begun = Instant::now();
        let before = log.clone();
        for n in 0..wanted.div_ceil(samples.len()) {
            let mut dice =
                Dice((at as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (n as u64) << 20 | 1);
            dice.below(2);
            dice.below(2);
            let damaged = damage(sample, &mut dice);
            log.read(folder.path(), sample, n, &damaged);
        }
        eprintln!(
            "{}: {} files, {} still read, peak {} kB, {:.1} s",
            sample.name,
            log.files - before.files,
            log.accepted - before.accepted,
            std::mem::take(&mut log.peak) / 1024,
            begun.elapsed().as_secs_f64()
        );
    }
    assert!(log.accepted > 0, "no damaged file was read at all");
    eprintln!("{} files, the slowest took {:.0?}", log.files, log.slowest);
    assert!(log.faults.is_empty(), "{:#?}", log.faults);
}

#[derive(Default, Clone)]
struct Log {
    files: usize,
    accepted: usize,
    peak: usize,
    slowest: Duration,
    faults: Vec<String>,
}

impl Log {
    /// Inspects a damaged file; one that can still be read also goes through the checks of a spec.
    fn read(&mut self, folder: &Path, sample: &Sample, n: usize, bytes: &[u8]) {
        let path = place(folder, &sample.name);
        if sample.name.starts_with("stored/") {
            std::fs::write(path.with_file_name("intri.yml"), INTRINSICS).unwrap();
            std::fs::write(path.with_file_name("extri.yml"), EXTRINSICS).unwrap();
        }
        std::fs::write(&path, bytes).unwrap();
        let target = match sample.name.contains('/') {
            true => path.parent().unwrap().to_path_buf(),
            false => path.clone(),
        };
        let before = HELD.load(Relaxed);
        PEAK.store(before, Relaxed);
        let begun = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| fitrun::inspect(&target)));
        self.slowest = self.slowest.max(begun.elapsed());
        let peak = PEAK.load(Relaxed) - before;
        self.peak = self.peak.max(peak);
        self.files += 1;
        let what = format!("{} number {n}", sample.name);
        if peak > TIMES * bytes.len() + BESIDES {
            self.faults.push(format!(
                "{what}: {peak} bytes for a file of {}",
                bytes.len()
            ));
        }
        match result {
            Err(_) => self.faults.push(format!("{what}: panic in `inspect`")),
            Ok(Err(_)) => {}
            Ok(Ok(found)) => {
                self.accepted += 1;
                let checked = catch_unwind(AssertUnwindSafe(|| check(folder, &found.snippet)));
                if checked.is_err() {
                    self.faults.push(format!("{what}: panic in `check`"));
                }
            }
        }
    }
}

/// Checks a spec that has the proposed table; only a panic is a fault.
fn check(folder: &Path, snippet: &str) {
    let spec = folder.join("spec.toml");
    let rest = "[vars.x]\ninit = 1.0\n[terms.x]\nkind = \"l2\"\nof = \"x\"\n";
    std::fs::write(&spec, format!("fitrun = 1\n{snippet}{rest}")).unwrap();
    let _ = fitrun::check(&spec, &Default::default());
}

fn place(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    path
}

/// Half of the archives are damaged inside, under checksums that are right.
fn damage(sample: &Sample, dice: &mut Dice) -> Vec<u8> {
    if !sample.bytes.starts_with(b"PK\x03\x04") || dice.below(2) == 0 {
        return mutated(&sample.bytes, dice);
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(&sample.bytes)).unwrap();
    let chosen = dice.below(archive.len());
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        writer.start_file(entry.name(), options).unwrap();
        let bytes = if at == chosen {
            mutated(&bytes, dice)
        } else {
            bytes
        };
        writer.write_all(&bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn mutated(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    for _ in 0..1 + dice.below(3) {
        if copy.is_empty() {
            break;
        }
        let at = dice.place(copy.len());
        let end = (at + 1 + dice.below(512)).min(copy.len());
        match dice.below(7) {
            0 => copy[at] ^= 1 << dice.below(8),
            1 => {
                let end = (at + 1 + dice.below(16)).min(copy.len());
                copy[at..end].fill(dice.of(&[0x00, 0xff, 0x7f]));
            }
            2 => copy.truncate(at),
            3 => {
                let block = copy[at..end].to_vec();
                copy.splice(at..at, block);
            }
            4 => drop(copy.drain(at..end)),
            5 => extreme_number(&mut copy, at, dice),
            _ => extreme_text(&mut copy, at, dice),
        }
    }
    copy
}

/// Writes a number of 1 to 8 bytes that no header should have.
fn extreme_number(copy: &mut [u8], at: usize, dice: &mut Dice) {
    let number = dice.of(&[
        0,
        1,
        u64::MAX,
        i64::MAX as u64,
        0x8000,
        0x7fff_ffff,
        0x7fc0_0000,
        0x7ff0 << 48,
    ]);
    let size = dice.of(&[1, 2, 4, 8]);
    let bytes = match dice.below(2) {
        0 => number.to_le_bytes(),
        _ => number.to_be_bytes(),
    };
    let at = at & !1;
    copy[at..]
        .iter_mut()
        .zip(&bytes[..size])
        .for_each(|(to, from)| *to = *from);
}

/// Replaces the digits from a place on by a number that no text should have.
fn extreme_text(copy: &mut Vec<u8>, at: usize, dice: &mut Dice) {
    let texts = [
        "-1",
        "0",
        "1e999",
        "nan",
        "",
        "99999999999999999999999",
        "4294967295",
        "1e8",
        "\"",
        "[[[[",
    ];
    let start = (at..copy.len())
        .find(|&i| copy[i].is_ascii_digit())
        .unwrap_or(at);
    let length = copy[start..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    copy.splice(start..start + length, dice.of(&texts).bytes());
}

const DEEPLABCUT: &str = "scorer,s,s,s,s,s,s
individuals,a,a,a,b,b,b
bodyparts,hip,hip,hip,hip,hip,hip
coords,x,y,likelihood,x,y,likelihood
0,1,2,0.9,3,4,0.8
1,1,2,0.9,,,
";

const MOTIVE: &str = "Format Version,1.23,Capture Frame Rate,120.0,Length Units,Meters

,,Marker,Marker,Marker,Marker,Marker,Marker
,,Ann:LASI,Ann:LASI,Ann:LASI,Ann:RASI,Ann:RASI,Ann:RASI
,,1,1,1,2,2,2
,,Position,Position,Position,Position,Position,Position
Frame,Time (Seconds),X,Y,Z,X,Y,Z
0,0.0,0.1,0.9,0.2,-0.1,0.9,0.2
1,0.1,0.1,0.9,,-0.1,0.9,0.2
";

const ROWS: &str = "sync_index,cam_id,point_id,img_loc_x,img_loc_y
0,0,0,520,193
0,1,0,410,201
1,0,3,521,193
";

/// A file of each format; real ones where they are.
fn samples() -> Vec<Sample> {
    let mut samples = vec![
        file("walk.npz", "specs/fit/walk.npz"),
        file("builtin.npz", "assets/body/builtin.npz"),
        file("gmm.safetensors", "assets/priors/gmm.safetensors"),
        file("calibration.toml", "specs/fit/calibration.toml"),
        file("table.csv", "specs/fit/bundle.csv"),
        file("graph.g2o", "specs/fit/graph.g2o"),
    ];
    samples.push(array_of(&samples[0]));
    samples.extend(IMPORTED.map(|name| file(name, Path::new("tests/import").join(name))));
    let text = |name: &str, text: String| Sample {
        name: name.into(),
        bytes: text.into_bytes(),
    };
    let rows: String = (0..40)
        .map(|n| format!("{n},0.{n},1.5,,{n}e-2,1,2\n"))
        .collect();
    samples.push(text(
        "points.csv",
        format!("frame,a.x,a.y,a.z,b.x,b.y,b.z\n{rows}"),
    ));
    samples.push(text("deeplabcut.csv", DEEPLABCUT.into()));
    samples.push(text("motive.csv", MOTIVE.into()));
    samples.push(text("rows.csv", ROWS.into()));
    samples.push(text("small.trc", trc()));
    samples.push(text("cameras.json", CAMERAS.into()));
    samples.push(text("stored/intri.yml", INTRINSICS.into()));
    samples.push(text("stored/extri.yml", EXTRINSICS.into()));
    samples.push(text("markers.toml", LAYOUT.into()));
    samples.push(text("soma.json", SOMA.into()));
    samples.push(Sample {
        name: "small.c3d".into(),
        bytes: c3d(),
    });
    let people: String = (0..75).map(|n| format!("{}.5,", n)).collect();
    let json = format!(
        "{{\"people\":[{{\"pose_keypoints_2d\":[{0}]}},{{\"pose_keypoints_2d\":[{0}]}}]}}",
        people.trim_end_matches(',')
    );
    samples.push(text("view/cam_000000000007_keypoints.json", json));
    samples.push(text("panoptic.json", PANOPTIC.into()));
    samples.push(text("campus.json", CAMPUS.into()));
    samples.push(text("camera_array.toml", CALISCOPE.into()));
    samples.push(text("system.qca.txt", QUALISYS.into()));
    samples.push(text("system.xcp", VICON.into()));
    samples.push(text("walk.bvh", BVH.into()));
    let triples: String = (0..17).map(|n| format!("{n}.5,2{n}.25,0.9,")).collect();
    let triples = triples.trim_end_matches(',').to_string();
    let person = |image: String| {
        format!(
            "{{\"image_id\":{image},\"category_id\":1,\"keypoints\":[{triples}],\"score\":2.1}}"
        )
    };
    let list = |image: &dyn Fn(usize) -> String| {
        let people: Vec<String> = (0..8).map(|n| person(image(n / 2))).collect();
        format!("[{}]", people.join(","))
    };
    samples.push(text("results.json", list(&|n| n.to_string())));
    samples.push(text("views/cam01.json", list(&|n| format!("\"{n}.jpg\""))));
    samples.push(text("video.json", MMPOSE.into()));
    samples.push(text("images/img_0007.json", instances()));
    match std::env::var_os("FITRUN_DATA").map(PathBuf::from) {
        None => eprintln!("without real files: FITRUN_DATA is not set"),
        Some(data) => samples.extend(REAL.iter().map(|(name, path)| file(name, data.join(path)))),
    }
    samples
}

/// Others' formats: pickles of several protocols, and checkpoints.
const IMPORTED: [&str; 10] = [
    "arrays0.pkl",
    "arrays2.pkl",
    "arrays5.pkl",
    "body_python2.pkl",
    "gmm_python2.pkl",
    "gmm_sklearn.pkl",
    "odd_v3.pt",
    "odd_legacy.pt",
    "v1_protocol1.pt",
    "gan.pth",
];

const REAL: [(&str, &str); 7] = [
    ("pig.c3d", "markers/raw/pig_rom_static.c3d"),
    ("walking.c3d", "markers/raw/opensim_walking2.c3d"),
    ("walk.trc", "markers/raw/opensim_subject01_walk1.trc"),
    ("motion.npz", "motion/cmu_16_01.npz"),
    ("body.npz", "body/body_mh_low.npz"),
    ("Calib.toml", "views/Calib.toml"),
    ("markers.npz", "markers/opensim_subject01_walk1.npz"),
];

fn file(name: &str, path: impl AsRef<Path>) -> Sample {
    Sample {
        name: name.into(),
        bytes: std::fs::read(path).unwrap(),
    }
}

/// The first array of an archive as a file of its own.
fn array_of(npz: &Sample) -> Sample {
    let mut archive = zip::ZipArchive::new(Cursor::new(&npz.bytes)).unwrap();
    let mut bytes = Vec::new();
    archive
        .by_index(0)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    Sample {
        name: "array.npy".into(),
        bytes,
    }
}

const CAMERAS: &str = r#"[
  {"name": "a", "size": [1920, 1080], "matrix": [[1000.5, 0, 960], [0, 1001, 540], [0, 0, 1]],
   "distortion": [0.1, -0.02, 0.001, 0, 0.3], "rotation": [0.1, 0.2, 0.3], "translation": [0, 1, 4]},
  {"name": "b", "size": [1920, 1080], "matrix": [[900, 0, 960], [0, 900, 540], [0, 0, 1]], "model": "fisheye",
   "distortion": [0.1, 0, 0, 0], "rotation": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "translation": [0, 1, 5]}
]"#;

const INTRINSICS: &str = "%YAML:1.0\n---\nnames:\n  - \"01\"\nK_01: !!opencv-matrix\n  rows: 3\n  cols: 3\n  dt: d\n  data: [1000.0, 0.0, 500.0, 0.0, 1000.0, 400.0,\n    0.0, 0.0, 1.0]\ndist_01: !!opencv-matrix\n  rows: 1\n  cols: 5\n  dt: d\n  data: [0.1, 0.0, 0.0, 0.0, 0.0]\n";

const EXTRINSICS: &str = "%YAML:1.0\n---\nnames:\n  - \"01\"\nR_01: !!opencv-matrix\n  rows: 3\n  cols: 1\n  dt: d\n  data: [0.1, 0.2, 0.3]\nT_01: !!opencv-matrix\n  rows: 3\n  cols: 1\n  dt: d\n  data: [0.0, 1.0, 4.0]\n";

const PANOPTIC: &str = r#"{"calibDataSource": "x", "cameras": [{"name": "00_01", "type": "hd", "resolution": [1920, 1080],
  "panel": 0, "node": 1, "K": [[1390, 0, 960], [0, 1390, 540], [0, 0, 1]], "distCoef": [-0.2, 0.1, 0, 0, 0.1],
  "R": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "t": [[10], [120], [300]]}]}"#;

const CAMPUS: &str = r#"{"0": {"R": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "T": [[1774.9], [-5051.7], [1923.4]],
  "fx": 438.0, "fy": 438.0, "cx": 185.4, "cy": 139.3, "k": [[0.1], [0.0], [0.0]], "p": [[0.0], [0.0]]}}"#;

const CALISCOPE: &str = "[cameras.0]\ncam_id = 0\nignore = false\nsize = [1280, 720]\nmatrix = [[663.1, 0.0, 656.3], [0.0, 673.4, 342.1], [0.0, 0.0, 1.0]]\ndistortions = [0.2, -0.3, -0.004, -0.005, 0.16]\ntranslation = [0.06, 0.003, 0.9]\nrotation = [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]\n\n[cameras.1]\nsize = [1280, 720]\nmatrix = [[663.1, 0.0, 656.3], [0.0, 673.4, 342.1], [0.0, 0.0, 1.0]]\ndistortions = [0.2, -0.3, -0.004, -0.005, 0.16]\n";

const QUALISYS: &str = r#"<?xml version='1.0' encoding='ASCII'?>
<calibration><cameras><camera active="1" model="Miqus Video" serial="26578"><fov_video bottom="1087" left="0" right="1919" top="0"/>
<transform x="1500.5" y="-1900.25" z="1800" r11="0" r12="-1" r13="0" r21="0" r22="0" r23="1" r31="-1" r32="0" r33="0"/>
<intrinsic focalLengthU="107872.0" focalLengthV="107904.0" centerPointU="60800" centerPointV="32704" skew="0.0"
 radialDistortion1="-0.0455" radialDistortion2="0.1396" tangentalDistortion1="0.0006" tangentalDistortion2="-0.0004"/></camera></cameras></calibration>"#;

const VICON: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<Cameras NAME="" VERSION="1.0"><Camera DEVICEID="2103217" PIXEL_ASPECT_RATIO="1" SENSOR_SIZE="2336 1728" SKEW="0" USERID="1"><KeyFrames>
<KeyFrame FOCAL_LENGTH="1900.5" FRAME="0" ORIENTATION="0.5 0.5 0.5 0.5" POSITION="100 200 300" PRINCIPAL_POINT="1170 860" VICON_RADIAL="2e-08 3e-15"/>
</KeyFrames></Camera></Cameras>"#;

const BVH: &str = "HIERARCHY\nROOT Hips\n{\n OFFSET 0 0 0\n CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation\n JOINT Spine\n {\n  OFFSET 0 10 0\n  CHANNELS 3 Zrotation Xrotation Yrotation\n  End Site\n  {\n   OFFSET 0 5 0\n  }\n }\n}\nMOTION\nFrames: 3\nFrame Time: 0.0333\n0 90 0 1 2 3 4 5 6\n1 90 0 1 2 3 4 5 6\n2 90.5 0 1 2 3 4 5 6\n";

const MMPOSE: &str = r#"{"meta_info": {"dataset_name": "coco"}, "instance_info": [
  {"frame_id": 1, "instances": [{"keypoints": [[1.5, 2.5], [3, 4]], "keypoint_scores": [0.9, 0.8], "bbox": [[1, 2, 3, 4]], "bbox_score": 0.9}]},
  {"frame_id": 2, "instances": [{"keypoints": [[1.5, 2.5], [3, 4]], "keypoint_scores": [0.9, 0.8], "bbox": [[1, 2, 3, 4]], "bbox_score": 0.9}]}]}"#;

/// MMPose's file of one image.
fn instances() -> String {
    let points: Vec<String> = (0..17).map(|n| format!("[{n}.5, 1{n}.25]")).collect();
    let (points, scores) = (points.join(","), vec!["0.75"; 17].join(","));
    format!(
        "[{{\"keypoints\": [{points}], \"keypoint_scores\": [{scores}], \"bbox\": [[1, 2, 3, 4]]}}]"
    )
}

const LAYOUT: &str = r#"offset = "9.5 mm"
[markers]
A = { vertex = 12 }
B = { face = 7, barycentric = [0.2, 0.3, 0.5] }
C = { joint = "left_knee", offset = ["3 cm", "0 cm", "1 cm"] }
D = { from = { left_hip = 0.5, left_knee = 0.5 }, toward = "+x", aliases = ["E"] }
"#;

const SOMA: &str = r#"{"surface_model_type": "smplx", "markersets": [
  {"type": "body", "indices": {"ARIEL": 8994, "C7": 3832, "CLAV": 5533}, "distance_from_skin": 0.0095},
  {"type": "finger", "indices": {"LIDX3": 4875}, "distance_from_skin": 0.005}]}"#;

fn trc() -> String {
    let rows: String = (1..30)
        .map(|n| format!("{n}\t0.0{n}\t{n}.5\t2\t3\t\t\t\n"))
        .collect();
    format!(
        "PathFileType\t4\t(X/Y/Z)\ta.trc\nDataRate\tNumFrames\tNumMarkers\tUnits\n60\t29\t2\tmm\nFrame#\tTime\tLASI\t\t\tRASI\n\t\tX1\tY1\tZ1\n\n{rows}"
    )
}

/// Two markers over ten frames in integers, with the parameters that a reader asks for.
fn c3d() -> Vec<u8> {
    let mut bytes = vec![2, 0x50, 2, 0, 0, 0, 1, 0, 10, 0, 0, 0];
    bytes.extend(0.1f32.to_le_bytes());
    bytes.extend([3, 0, 0, 0]);
    bytes.extend(100f32.to_le_bytes());
    bytes.resize(512, 0);
    bytes.extend([0, 0, 1, 84, 5, 0xff]);
    bytes.extend(b"POINT\x03\x00\x00");
    let mut parameter = |name: &str, kind: u8, dims: &[u8], data: &[u8]| {
        bytes.extend([name.len() as u8, 1]);
        bytes.extend(name.bytes());
        bytes.extend(((5 + dims.len() + data.len()) as u16).to_le_bytes());
        bytes.extend([kind, dims.len() as u8]);
        bytes.extend(dims.iter().chain(data).chain(&[0]));
    };
    parameter("LABELS", 0xff, &[4, 2], b"LASIRASI");
    parameter("UNITS", 0xff, &[2], b"mm");
    parameter("Y_SCREEN", 0xff, &[2], b"+Z");
    parameter("LONG_FRAMES", 4, &[], &10f32.to_le_bytes());
    parameter("FRAMES", 2, &[], &[10, 0]);
    bytes.resize(1024, 0);
    bytes.extend((0..80u16).flat_map(|n| (n * 7).to_le_bytes()));
    bytes
}
