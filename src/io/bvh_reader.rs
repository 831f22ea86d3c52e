//! Joints of a moving skeleton from `.bvh`, by forward kinematics.

use std::path::Path;

use nalgebra::{Isometry3, Rotation3, Translation3, UnitQuaternion, Vector3};
use ndarray::Array3;

use super::error::{FileError, read_text};
use super::markers::Markers;

/// How many joints there may be for each number of a frame: fixed joints have none.
const JOINTS_PER_CHANNEL: usize = 16;

/// The joints by their names, in the file's unit, which it does not say; ends of bones are left out.
pub(crate) fn read(path: impl AsRef<Path>) -> Result<Markers, FileError> {
    let path = path.as_ref();
    parse(path, &read_text(path)?)
}

fn parse(path: &Path, text: &str) -> Result<Markers, FileError> {
    let wrong = |message: String| FileError::new(path, message);
    let Some((hierarchy, motion)) = text.split_once("MOTION") else {
        return Err(wrong("the line `MOTION` is missing".into()));
    };
    let joints = joints(hierarchy).map_err(wrong)?;
    let Motion {
        frames,
        rate,
        numbers,
    } = motion_of(motion).map_err(wrong)?;
    let channels: usize = joints.iter().map(|joint| joint.channels.len()).sum();
    if frames.checked_mul(channels) != Some(numbers.len()) {
        let found = numbers.len();
        return Err(wrong(format!(
            "`Frames:` says {frames} with {channels} numbers each, but {found} numbers follow"
        )));
    }
    if frames == 0 || channels == 0 || joints.len() > JOINTS_PER_CHANNEL * channels {
        return Err(wrong("it holds no motion of its joints".into()));
    }
    let labels: Vec<String> = joints.iter().map(|joint| joint.name.clone()).collect();
    let mut values = Array3::zeros((frames, joints.len(), 3));
    for (row, mut places) in numbers.chunks_exact(channels).zip(values.outer_iter_mut()) {
        for (place, mut to) in pose(&joints, row).iter().zip(places.outer_iter_mut()) {
            (0..3).for_each(|k| to[k] = place.translation.vector[k]);
        }
    }
    Ok(Markers {
        labels,
        values,
        unit: None,
        rate,
        up: None,
        frame_numbers: (0..frames as u64).collect(),
        warnings: Vec::new(),
        unseen: None,
    })
}

/// A joint; its parent stands before it.
struct Joint {
    name: String,
    parent: Option<usize>,
    offset: [f64; 3],
    channels: Vec<Channel>,
}

#[derive(Clone, Copy)]
enum Channel {
    Position(usize),
    Rotation(usize),
}

/// Where each joint is in the world: positions take the place of the offset, rotations go from left to right.
fn pose(joints: &[Joint], row: &[f64]) -> Vec<Isometry3<f64>> {
    let mut world: Vec<Isometry3<f64>> = Vec::with_capacity(joints.len());
    let mut numbers = row.iter();
    for joint in joints {
        let (mut place, mut turn) = (joint.offset, Rotation3::identity());
        for (channel, number) in joint.channels.iter().zip(numbers.by_ref()) {
            match channel {
                Channel::Position(axis) => place[*axis] = *number,
                Channel::Rotation(axis) => {
                    let mut vector = Vector3::zeros();
                    vector[*axis] = number.to_radians();
                    turn *= Rotation3::new(vector);
                }
            }
        }
        let turn = UnitQuaternion::from_rotation_matrix(&turn);
        let local = Isometry3::from_parts(Translation3::from(place), turn);
        world.push(match joint.parent {
            Some(parent) => world[parent] * local,
            None => local,
        });
    }
    world
}

/// The joints in the order of the file, which is that of their channels.
fn joints(hierarchy: &str) -> Result<Vec<Joint>, String> {
    let spaced = hierarchy.replace('{', " { ").replace('}', " } ");
    let mut words = spaced.split_whitespace();
    let mut joints: Vec<Joint> = Vec::new();
    // Of every open brace the joint, or nothing for the end of a bone.
    let mut open: Vec<Option<usize>> = Vec::new();
    if words.next() != Some("HIERARCHY") {
        return Err("it does not begin with `HIERARCHY`".into());
    }
    while let Some(word) = words.next() {
        let inside = open.last().copied();
        match (word, inside) {
            ("ROOT" | "JOINT" | "End", _) => {
                let name: Vec<&str> = words.by_ref().take_while(|word| *word != "{").collect();
                let parent = open.iter().rev().flatten().next().copied();
                open.push((word != "End").then_some(joints.len()));
                if word != "End" {
                    joints.push(Joint {
                        name: name.join(" "),
                        parent,
                        offset: [0.0; 3],
                        channels: Vec::new(),
                    });
                }
            }
            ("OFFSET", Some(of)) => {
                let mut offset = [0.0; 3];
                for number in &mut offset {
                    *number = words.next().and_then(finite).ok_or_else(|| {
                        format!(
                            "expected three numbers behind `OFFSET` of {}",
                            named(&joints, of)
                        )
                    })?;
                }
                if let Some(joint) = of {
                    joints[joint].offset = offset;
                }
            }
            ("CHANNELS", Some(Some(joint))) => {
                let of = || named(&joints, Some(joint));
                let count: Option<usize> = words.next().and_then(|word| word.parse().ok());
                let count = count.filter(|count| *count <= 6);
                let count = count.ok_or_else(|| {
                    format!("expected a count up to 6 behind `CHANNELS` of {}", of())
                })?;
                let channels = (0..count).map(|_| words.next().and_then(channel));
                let channels: Option<Vec<Channel>> = channels.collect();
                let channels =
                    channels.ok_or_else(|| format!("{} has a channel of an unknown name", of()))?;
                joints[joint].channels = channels;
            }
            ("}", Some(_)) => {
                open.pop();
            }
            _ => return Err(format!("`{word}` is not expected in the hierarchy")),
        }
    }
    match (open.is_empty(), joints.is_empty()) {
        (true, false) => Ok(joints),
        (false, _) => Err("a brace of the hierarchy is not closed".into()),
        (_, true) => Err("it holds no joint".into()),
    }
}

fn named(joints: &[Joint], joint: Option<usize>) -> String {
    let name = joint.and_then(|joint| joints.get(joint));
    name.map_or("an end".into(), |joint| format!("`{}`", joint.name))
}

fn channel(name: &str) -> Option<Channel> {
    let axis = "XYZ".find(name.chars().next()?)?;
    match &name[1..] {
        "position" => Some(Channel::Position(axis)),
        "rotation" => Some(Channel::Rotation(axis)),
        _ => None,
    }
}

fn finite(word: &str) -> Option<f64> {
    word.parse().ok().filter(|x: &f64| x.is_finite())
}

struct Motion {
    frames: usize,
    /// Frames per second.
    rate: Option<f64>,
    numbers: Vec<f64>,
}

fn motion_of(text: &str) -> Result<Motion, String> {
    let missing = |key| format!("the line `{key}` is missing");
    let (_, rest) = text.split_once("Frames:").ok_or(missing("Frames:"))?;
    let (count, rest) = rest
        .split_once("Frame Time:")
        .ok_or(missing("Frame Time:"))?;
    let count = count.trim();
    let frames = count.parse();
    let frames =
        frames.map_err(|_| format!("expected a count behind `Frames:`, found `{count}`"))?;
    let mut words = rest.split_whitespace();
    let seconds = words.next().and_then(finite);
    let seconds = seconds.ok_or("expected seconds behind `Frame Time:`")?;
    let number = |word| finite(word).ok_or_else(|| format!("expected a number, found `{word}`"));
    let numbers: Result<Vec<f64>, String> = words.map(number).collect();
    Ok(Motion {
        frames,
        rate: (seconds > 0.0).then(|| 1.0 / seconds),
        numbers: numbers?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::damage;
    use super::*;

    /// A root that is turned by 90° about z, then y; an arm whose end is left out.
    const BVH: &str = "HIERARCHY\nROOT Hips\n{\n\tOFFSET 1 2 3\n\tCHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation\n\
\tJOINT Left Arm\n\t{\n\t\tOFFSET 10 0 0\n\t\tCHANNELS 3 Zrotation Xrotation Yrotation\n\
\t\tJOINT Hand {\n OFFSET 0 5 0\n CHANNELS 1 Xrotation\n\t\tEnd Site\n\t\t{\n\t\t\tOFFSET 0 1 0\n\t\t}\n\t}\n\t}\n}\n\
MOTION\nFrames: 2\nFrame Time: 0.0083333333\n\
0 90 0 0 0 0 0 0 0 0\n0 90 0 90 90 0 90 0 0 0\n";

    fn bvh(text: &str) -> Result<Markers, FileError> {
        parse(Path::new("walk.bvh"), text)
    }

    #[test]
    fn joints_are_where_rotations_from_left_to_right_put_them() {
        let found = bvh(BVH).unwrap();
        assert_eq!(found.labels, ["Hips", "Left Arm", "Hand"]);
        assert!((found.rate.unwrap() - 120.0).abs() < 1e-5);
        let at = |frame, joint| [0, 1, 2].map(|k| found.values[[frame, joint, k]]);
        let near = |found: [f64; 3], expected: [f64; 3]| {
            let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f64::max) < 1e-9, "{found:?}, {expected:?}");
        };
        near(at(0, 1), [10.0, 90.0, 0.0]);
        near(at(0, 2), [10.0, 95.0, 0.0]);
        // Ry takes x to -z, which Rz leaves; the arm's own Rz takes y to -x, which Ry and Rz take to z.
        near(at(1, 1), [0.0, 90.0, -10.0]);
        near(at(1, 2), [0.0, 90.0, -5.0]);
    }

    #[test]
    fn what_was_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("motion.bvh");
        let names = ["root", "arm", "hand"].map(String::from);
        let joints = ndarray::array![[0.0, 1.0, 0.0], [0.3, 1.2, 0.1], [0.6, 1.1, 0.4]];
        let translations = ndarray::array![[0.1, 0.9, 0.2], [0.2, 1.0, -0.3]];
        let turn = |frame: usize, joint: usize| {
            let k = (2 * frame + joint) as f64;
            UnitQuaternion::from_scaled_axis(Vector3::new(0.3 * k, 1.1 - 0.4 * k, 0.2 + 0.1 * k))
        };
        let rotations = Array3::from_shape_fn((2, 3, 4), |(f, j, k)| turn(f, j).coords[k]);
        let motion = super::super::bvh::BvhMotion {
            joint_names: &names,
            parents: &[None, Some(0), Some(1)],
            joints: &joints,
            rotations: &rotations,
            translations: &translations,
            rate: 50.0,
        };
        super::super::bvh::write(&path, &motion).unwrap();
        let found = read(&path).unwrap();
        assert_eq!(found.labels, names);
        let point = |row: ndarray::ArrayView1<f64>| Vector3::new(row[0], row[1], row[2]);
        for f in 0..2 {
            let (mut place, mut whole) = (point(translations.row(f)), UnitQuaternion::identity());
            for j in 0..3 {
                if j > 0 {
                    place += whole * (point(joints.row(j)) - point(joints.row(j - 1)));
                }
                whole *= turn(f, j);
                let read = point(found.values.slice(ndarray::s![f, j, ..])) * 0.01;
                assert!((read - place).norm() < 1e-6, "{f} {j}: {read} {place}");
            }
        }
    }

    #[test]
    fn messages_say_what_is_wrong() {
        let said = |old: &str, new: &str| {
            assert!(BVH.contains(old));
            bvh(&BVH.replacen(old, new, 1)).unwrap_err().message
        };
        assert_eq!(
            said("Frames: 2", "Frames: 3"),
            "`Frames:` says 3 with 10 numbers each, but 20 numbers follow"
        );
        assert_eq!(
            said("Frames: 2", "Frames: 18446744073709551615"),
            "`Frames:` says 18446744073709551615 with 10 numbers each, but 20 numbers follow"
        );
        assert_eq!(
            said("1 Xrotation", "1 Wrotation"),
            "`Hand` has a channel of an unknown name"
        );
        assert_eq!(
            said("OFFSET 10 0 0", "OFFSET 10 0"),
            "expected three numbers behind `OFFSET` of `Left Arm`"
        );
        assert_eq!(
            said("\t}\n}\nMOTION", "\t}\nMOTION"),
            "a brace of the hierarchy is not closed"
        );
        assert_eq!(
            said("0 90 0 0 0", "0 nan 0 0 0"),
            "expected a number, found `nan`"
        );
        assert_eq!(said("MOTION", "MOTIO"), "the line `MOTION` is missing");
    }

    #[test]
    fn damage_never_panics() {
        damage(BVH.as_bytes(), |bytes| {
            let _ = bvh(&String::from_utf8_lossy(bytes));
        });
    }
}
