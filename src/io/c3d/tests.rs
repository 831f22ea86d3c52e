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
    channels: u16,
    /// Words 3 and 10 of the header.
    analog: (u16, u16),
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
            channels: 0,
            analog: (0, 0),
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
        for (id, name) in [(1, "POINT"), (2, "TRIAL"), (3, "ANALOG")] {
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
        let channels = Value::Words(vec![self.channels]);
        bytes.extend(self.parameter(3, "USED", &channels));
        bytes.extend([0, 0]);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    /// Up to where the list of records ends.
    fn section_length(&self) -> usize {
        let section = self.section();
        let fill = section.iter().rev().take_while(|byte| **byte == 0).count();
        section.len() - fill + 1
    }

    fn bytes(&self) -> Vec<u8> {
        let mut section = self.section();
        section[2] = (section.len() / BLOCK) as u8;
        let blocks = section.len() / BLOCK;
        let mut bytes = vec![2, 0x50];
        let points = self.labels.len() as u16;
        for word in [points, self.analog.0, self.frames.0, self.frames.1, 0] {
            bytes.extend(self.word(word));
        }
        bytes.extend(self.float(self.scale));
        bytes.extend(self.word(2 + blocks as u16));
        bytes.extend(self.word(self.analog.1));
        bytes.extend(self.float(120.0));
        bytes.resize(BLOCK, 0);
        bytes.extend(section);
        let samples = usize::from(self.channels * self.analog.1);
        for frame in self.points.chunks(self.labels.len()) {
            let samples = std::iter::repeat_n(&9.5, samples);
            for number in frame.iter().flatten().chain(samples) {
                match self.scale < 0.0 {
                    true => bytes.extend(self.float(*number)),
                    false => bytes.extend(self.word((number / self.scale) as i16 as u16)),
                }
            }
        }
        bytes
    }

    /// As a spec without `subject` sees it.
    fn read(&self) -> Result<Markers, FileError> {
        let markers = parse(Path::new("a.c3d"), &self.bytes())?;
        Ok(markers.of_subject(None).one_for_each_label())
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
    let markers = writer.read().unwrap();
    assert!(markers.values.iter().all(|x| x.is_nan()));
    assert_eq!(markers.unseen, None);
    writer.points.iter_mut().for_each(|point| point[3] = -1.0);
    assert_eq!(
        writer.read().unwrap().unseen.as_deref(),
        Some("all 2 points have a negative residual, C3D's mark for not seen")
    );
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
        assert!(markers.warnings.is_empty());
        writer.points.pop();
        let markers = writer.read().unwrap();
        assert_eq!(
            markers.warnings,
            ["the file claims 70000 frames, but holds 69999, which are read"]
        );
        assert_eq!(markers.frame_numbers.last(), Some(&69_999));
    }
}

#[test]
fn frames_that_nothing_counts_beyond_65535_are_counted_by_the_length() {
    let mut writer = Writer::new(Processor::Intel, -1.0);
    writer.frames = (1, 65535);
    writer.labels = vec!["LASI", "RASI"];
    writer.points = (0..140_000).map(|n| [n as f32, 1.0, 1.0, 0.0]).collect();
    let markers = writer.read().unwrap();
    assert_eq!(markers.values[[69_999, 1, 0]], 139_999.0);
    assert_eq!(
        markers.warnings,
        ["the file counts its frames to 65535 only, but holds 70000, which are read"]
    );
    writer.points.truncate(2 * 65535);
    let mut bytes = writer.bytes();
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    let exact = parse(Path::new("a.c3d"), &bytes).unwrap();
    assert_eq!((exact.frame_numbers.len(), exact.warnings), (65535, vec![]));
}

#[test]
fn of_two_strides_the_one_that_the_length_fits_is_taken() {
    let mut writer = Writer::new(Processor::Intel, -1.0);
    writer.frames = (1, 60);
    writer.points = (0..120).map(|n| [n as f32, 1.0, 1.0, 0.0]).collect();
    writer.channels = 3;
    for (word, warned) in [(15, false), (3, true)] {
        writer.analog = (word, 5);
        let markers = writer.read().unwrap();
        assert_eq!(markers.values[[59, 1, 0]], 119.0, "{word}");
        assert_eq!(!markers.warnings.is_empty(), warned, "{word}");
    }
    // Without analog samples in the file neither of the two is right but none.
    writer.channels = 0;
    writer.analog = (7, 1);
    let markers = writer.read().unwrap();
    assert_eq!(markers.values[[59, 1, 0]], 119.0);
    assert_eq!(markers.warnings.len(), 1);
}

#[test]
fn a_recording_that_ended_early_gives_the_frames_that_are_there() {
    let mut writer = Writer::new(Processor::Mips, 0.5);
    writer.frames = (7, 156);
    let markers = writer.read().unwrap();
    assert_eq!(markers.frame_numbers, [7, 8]);
    assert_eq!(
        markers.warnings,
        ["the file claims 150 frames, but holds 2, which are read"]
    );
}

#[test]
fn the_parameters_end_where_their_section_does() {
    let writer = Writer::new(Processor::Mips, -1.0);
    let whole = writer.read().unwrap();
    let bytes = writer.bytes();
    let end = BLOCK + writer.section_length();
    let read = |bytes: &[u8]| {
        let markers = parse(Path::new("a.c3d"), bytes).unwrap();
        assert_eq!(
            (&markers.labels, &markers.unit),
            (&whole.labels, &whole.unit)
        );
        assert_eq!(markers.frame_numbers, whole.frame_numbers);
    };
    // Bytes that are no record stand where the list should end.
    let mut stray = bytes.clone();
    stray[end..end + 8].copy_from_slice(b"\x05\xffabcde\x40");
    read(&stray);
    let mut beyond = bytes;
    beyond[end..end + 2].copy_from_slice(&[120, 1]);
    read(&beyond);
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
        said(&bytes[..2 * BLOCK]),
        "the file claims 2 frames of 2 points, but holds none"
    );
    let mut torn = bytes.clone();
    torn[BLOCK + 4..2 * BLOCK].fill(120);
    assert_eq!(said(&torn), "its parameter section is damaged or cut short");
    bytes[BLOCK + 3] = 99;
    assert_eq!(
        said(&bytes),
        "processor type 99; known are 84 (Intel), 85 (DEC) and 86 (MIPS)"
    );
    let mut twice = fresh();
    twice.labels = vec!["Ann:LASI", "Ann:LASI"];
    let kept = twice.read().unwrap();
    assert_eq!(
        (kept.labels.join(" "), kept.warnings.len()),
        ("LASI".into(), 1)
    );
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
