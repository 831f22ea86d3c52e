//! Processors, number formats, parameters and damage of C3D files.

use super::super::testing::{converted_markers, damage, real_data};
use super::parameters::BLOCK;
use super::*;

/// Bytes of a C3D file of two frames, written as one kind of processor does.
struct Writer {
    processor: Processor,
    /// Below zero: floats.
    scale: f32,
    labels: Vec<&'static str>,
    parameters: Vec<(&'static str, &'static str, Value)>,
    frames: (u16, u16),
    points: Vec<[f32; 4]>,
}

enum Value {
    Texts(Vec<&'static str>),
    Words(Vec<u16>),
    Float(f32),
}

impl Writer {
    fn new(processor: Processor, scale: f32) -> Self {
        let screen = Value::Texts(vec!["+Z"]);
        Writer {
            processor,
            scale,
            labels: vec!["LASI", "RASI"],
            parameters: vec![
                ("POINT", "UNITS", Value::Texts(vec!["mm"])),
                ("POINT", "Y_SCREEN", screen),
            ],
            frames: (7, 8),
            points: vec![
                [1.0, -2.5, 300.0, 0.0],
                [4.0, 5.0, 6.5, 0.0],
                [1.5, -2.0, 300.5, 0.0],
                [0.0, 0.0, 0.0, -1.0],
            ],
        }
    }

    fn word(&self, word: u16) -> [u8; 2] {
        match self.processor {
            Processor::Mips => word.to_be_bytes(),
            _ => word.to_le_bytes(),
        }
    }

    fn float(&self, float: f32) -> [u8; 4] {
        match self.processor {
            Processor::Intel => float.to_le_bytes(),
            Processor::Mips => float.to_be_bytes(),
            Processor::Dec => {
                let [a, b, c, d] = (float * 4.0).to_le_bytes();
                [c, d, a, b]
            }
        }
    }

    fn parameter(&self, group: i8, name: &str, value: &Value) -> Vec<u8> {
        let (kind, dims, data): (i8, Vec<u8>, Vec<u8>) = match value {
            Value::Texts(texts) => {
                let length = texts.iter().map(|t| t.len()).max().unwrap_or(0);
                let padded = texts.iter().map(|t| format!("{t:<length$}"));
                let data = padded.collect::<String>().into_bytes();
                (-1, vec![length as u8, texts.len() as u8], data)
            }
            Value::Words(words) => {
                let data = words.iter().flat_map(|w| self.word(*w)).collect();
                (2, vec![words.len() as u8], data)
            }
            Value::Float(float) => (4, vec![], self.float(*float).to_vec()),
        };
        let mut bytes = vec![name.len() as u8, group as u8];
        bytes.extend(name.bytes());
        bytes.extend(self.word((5 + dims.len() + data.len()) as u16));
        bytes.extend([kind as u8, dims.len() as u8]);
        bytes.extend(dims.into_iter().chain(data).chain([0]));
        bytes
    }

    fn section(&self) -> Vec<u8> {
        let code = match self.processor {
            Processor::Intel => 84,
            Processor::Dec => 85,
            Processor::Mips => 86,
        };
        let mut bytes = vec![0, 0, 1, code];
        for (id, name) in [(1, "POINT"), (2, "TRIAL")] {
            bytes.extend([name.len() as u8, -id as i8 as u8]);
            bytes.extend(name.bytes());
            bytes.extend(self.word(3));
            bytes.push(0);
        }
        for (at, labels) in self.labels.chunks(255).enumerate() {
            let name = match at {
                0 => "LABELS".to_string(),
                at => format!("LABELS{}", at + 1),
            };
            bytes.extend(self.parameter(1, &name, &Value::Texts(labels.to_vec())));
        }
        for (group, name, value) in &self.parameters {
            let id = if *group == "POINT" { 1 } else { 2 };
            bytes.extend(self.parameter(id, name, value));
        }
        bytes.extend([0, 0]);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    fn bytes(&self) -> Vec<u8> {
        let section = self.section();
        let blocks = section.len() / BLOCK;
        let mut bytes = vec![2, 0x50];
        let points = self.labels.len() as u16;
        for word in [points, 0, self.frames.0, self.frames.1, 0] {
            bytes.extend(self.word(word));
        }
        bytes.extend(self.float(self.scale));
        bytes.extend(self.word(2 + blocks as u16));
        bytes.extend(self.word(0));
        bytes.extend(self.float(120.0));
        bytes.resize(BLOCK, 0);
        bytes.extend(section);
        for number in self.points.iter().flatten() {
            match self.scale < 0.0 {
                true => bytes.extend(self.float(*number)),
                false => bytes.extend(self.word((number / self.scale) as i16 as u16)),
            }
        }
        bytes
    }

    fn read(&self) -> Result<Markers, FileError> {
        parse(Path::new("a.c3d"), &self.bytes())
    }
}

fn message(writer: &Writer) -> String {
    writer.read().unwrap_err().message
}

#[test]
fn every_processor_says_the_same_in_integers_and_in_floats() {
    for processor in [Processor::Intel, Processor::Dec, Processor::Mips] {
        for scale in [-0.1, 0.5] {
            let markers = Writer::new(processor, scale).read().unwrap();
            assert_eq!(markers.labels, ["LASI", "RASI"]);
            assert_eq!(
                (markers.unit.as_deref(), markers.up),
                (Some("mm"), Some('z'))
            );
            assert_eq!((markers.rate, markers.metres()), (Some(120.0), Some(0.001)));
            assert_eq!(markers.frame_numbers, [7, 8]);
            let row = |f: usize, p: usize| markers.values.slice(ndarray::s![f, p, ..]).to_vec();
            assert_eq!(row(0, 0), [1.0, -2.5, 300.0], "{processor:?} {scale}");
            assert_eq!(row(0, 1), [4.0, 5.0, 6.5]);
            assert_eq!(row(1, 0), [1.5, -2.0, 300.5]);
            assert!(
                row(1, 1).iter().all(|x| x.is_nan()),
                "{processor:?} {scale}"
            );
        }
    }
}

#[test]
fn a_point_that_was_not_seen_is_missing_whatever_its_place() {
    let mut writer = Writer::new(Processor::Intel, -1.0);
    writer.points[0][3] = -1.0;
    writer.points[1][3] = f32::NAN;
    writer.points[2] = [0.0, -0.0, 0.0, 0.0];
    writer.points[3] = [1.0, f32::INFINITY, 2.0, 0.0];
    assert!(writer.read().unwrap().values.iter().all(|x| x.is_nan()));
}

#[test]
fn only_labelled_places_are_markers() {
    let mut writer = Writer::new(Processor::Intel, -1.0);
    writer.labels = vec![
        "*12",
        "Ann:LASI",
        "",
        "Ann:LHipAngles",
        "Ann:RASI",
        "Ann:*3",
    ];
    writer.points = (0..12).map(|n| [n as f32, 1.0, 1.0, 0.0]).collect();
    let angles = Value::Texts(vec!["Ann:LHipAngles"]);
    writer.parameters.push(("POINT", "ANGLES", angles));
    let markers = writer.read().unwrap();
    assert_eq!(markers.labels, ["LASI", "RASI"]);
    let x: Vec<f64> = markers
        .values
        .slice(ndarray::s![.., .., 0])
        .iter()
        .copied()
        .collect();
    assert_eq!(x, [1.0, 4.0, 7.0, 10.0]);
}

#[test]
fn subjects_are_kept_where_there_are_two() {
    let mut writer = Writer::new(Processor::Intel, -1.0);
    writer.labels = vec!["Ann:LASI", "Ben:LASI"];
    assert_eq!(writer.read().unwrap().labels, ["Ann:LASI", "Ben:LASI"]);
}

#[test]
fn labels_go_on_beyond_the_first_255() {
    let mut writer = Writer::new(Processor::Intel, -1.0);
    writer.labels = vec!["*"; 300];
    writer.labels[299] = "LAST";
    writer.points = (0..600).map(|n| [n as f32, 1.0, 1.0, 0.0]).collect();
    let markers = writer.read().unwrap();
    assert_eq!(markers.labels, ["LAST"]);
    assert_eq!(markers.values[[1, 0, 0]], 599.0);
}

#[test]
fn more_than_65535_frames_are_counted_by_the_trial_or_by_long_frames() {
    let frames = 70_000u32;
    let [low, high] = [(frames & 0xffff) as u16, (frames >> 16) as u16];
    let cases = [
        vec![
            ("TRIAL", "ACTUAL_START_FIELD", Value::Words(vec![1, 0])),
            ("TRIAL", "ACTUAL_END_FIELD", Value::Words(vec![low, high])),
        ],
        vec![("POINT", "LONG_FRAMES", Value::Float(frames as f32))],
    ];
    for parameters in cases {
        let mut writer = Writer::new(Processor::Intel, -1.0);
        writer.frames = (1, 65535);
        writer.labels = vec!["LASI"];
        writer.points = (0..frames).map(|n| [n as f32, 1.0, 1.0, 0.0]).collect();
        writer.parameters.extend(parameters);
        let markers = writer.read().unwrap();
        assert_eq!(markers.frame_numbers.last(), Some(&70_000));
        assert_eq!(markers.values[[69_999, 0, 0]], 69_999.0);
        writer.points.pop();
        assert_eq!(
            message(&writer),
            "the file claims 70000 frames of 1 points, but holds 69999"
        );
    }
}

#[test]
fn messages_say_what_is_wrong() {
    let fresh = || Writer::new(Processor::Intel, -1.0);
    let said = |bytes: &[u8]| parse(Path::new("a.c3d"), bytes).unwrap_err().message;
    assert_eq!(said(b""), "the file is empty");
    assert_eq!(
        said(&[2, 0x50]),
        "the file is cut short before its parameters"
    );
    assert_eq!(
        said(b"PK\x03\x04"),
        "expected a C3D file, found other content"
    );
    let mut bytes = fresh().bytes();
    assert_eq!(
        said(&bytes[..bytes.len() - 1]),
        "the file claims 2 frames of 2 points, but holds 1"
    );
    assert_eq!(
        said(&bytes[..BLOCK + 60]),
        "its parameter section is damaged or cut short"
    );
    bytes[BLOCK + 3] = 99;
    assert_eq!(
        said(&bytes),
        "processor type 99; known are 84 (Intel), 85 (DEC) and 86 (MIPS)"
    );
    let mut twice = fresh();
    twice.labels = vec!["Ann:LASI", "Ann:LASI"];
    assert_eq!(message(&twice), "two points have the label `LASI`");
    let mut unnamed = fresh();
    unnamed.labels = vec!["*1", ""];
    assert_eq!(
        message(&unnamed),
        "none of its 2 points is a marker with a label"
    );
    let mut still = fresh();
    still.scale = 0.0;
    assert_eq!(
        message(&still),
        "`POINT:SCALE` is 0; expected a number that is not 0"
    );
}

#[test]
fn an_axis_or_unit_that_the_file_does_not_say_is_not_invented() {
    let mut writer = Writer::new(Processor::Intel, -1.0);
    writer.parameters.clear();
    let markers = writer.read().unwrap();
    assert_eq!(
        (markers.up, markers.metres(), markers.unit),
        (None, None, None)
    );
    writer
        .parameters
        .push(("POINT", "Y_SCREEN", Value::Texts(vec!["-Z"])));
    assert_eq!(writer.read().unwrap().up, None);
}

#[test]
fn damage_never_panics() {
    for processor in [Processor::Intel, Processor::Dec, Processor::Mips] {
        damage(&Writer::new(processor, 0.5).bytes(), |bytes| {
            let _ = parse(Path::new("a.c3d"), bytes);
        });
    }
}

#[test]
fn real_recordings_are_what_others_made_of_them() {
    let Some(data) = real_data() else { return };
    for (name, count) in [
        ("opensim_walking2", 44),
        ("pig_59993_static", 113),
        ("pig_robo_static", 111),
        ("pig_rom_static", 111),
        ("pig_test_static", 115),
    ] {
        let markers = read(data.join(format!("markers/raw/{name}.c3d"))).unwrap();
        assert_eq!(
            (markers.labels.len(), markers.up),
            (count, Some('z')),
            "{name}"
        );
        // Their z up became y up by (x, y, z) → (x, z, −y), which is ours.
        converted_markers(&data, name, &markers, |[x, y, z]| [x, z, -y]);
    }
}
