//! A moving skeleton as `.bvh`, in centimetres and degrees.

use std::f64::consts::PI;
use std::fmt::Write;
use std::path::Path;

use nalgebra::{Matrix3, Quaternion, UnitQuaternion};
use ndarray::{Array2, Array3};

use super::error::FileError;

/// Joint rotations over time, y up; frames of NaN hold the pose before them.
pub(crate) struct BvhMotion<'a> {
    /// Joint 0 is the root; parents stand before their children.
    pub joint_names: &'a [String],
    pub parents: &'a [Option<usize>],
    /// (J, 3), at rest, metres.
    pub joints: &'a Array2<f64>,
    /// (N, J, 4), each joint relative to its parent, as (x, y, z, w).
    pub rotations: &'a Array3<f64>,
    /// (N, 3), where the root joint is in the world, metres.
    pub translations: &'a Array2<f64>,
    /// Frames per second.
    pub rate: f64,
}

pub(crate) fn write(path: impl AsRef<Path>, motion: &BvhMotion<'_>) -> Result<(), FileError> {
    super::atomic::write(path, text(motion).as_bytes())
}

/// Software for animation reads centimetres.
const CENTIMETRES: f64 = 100.0;

fn text(motion: &BvhMotion<'_>) -> String {
    let mut text = String::from("HIERARCHY\n");
    let mut order = Vec::new();
    hierarchy(motion, 0, 0, &mut order, &mut text);
    let frames = motion.translations.nrows();
    let seconds = 1.0 / motion.rate;
    let _ = write!(text, "MOTION\nFrames: {frames}\nFrame Time: {seconds:.8}\n");
    let known = |f: &usize| motion.translations.row(*f).iter().all(|x| x.is_finite());
    let mut held = (0..frames).find(known).unwrap_or(0);
    let mut turns = vec![[0.0; 3]; order.len()];
    for f in 0..frames {
        held = if known(&f) { f } else { held };
        let place: Vec<String> = (0..3)
            .map(|k| format!("{:.6}", CENTIMETRES * motion.translations[[held, k]]))
            .collect();
        text.push_str(&place.join(" "));
        for (&joint, turn) in order.iter().zip(&mut turns) {
            *turn = euler(&rotation(motion, held, joint), *turn);
            for angle in *turn {
                let _ = write!(text, " {:.6}", angle.to_degrees());
            }
        }
        text.push('\n');
    }
    text
}

/// Writes a joint and what hangs on it; `order` collects the joints as their channels follow.
fn hierarchy(
    motion: &BvhMotion<'_>,
    joint: usize,
    depth: usize,
    order: &mut Vec<usize>,
    text: &mut String,
) {
    order.push(joint);
    let tabs = "\t".repeat(depth);
    let offset = offset(motion, joint);
    let (kind, place) = match depth {
        0 => ("ROOT", "6 Xposition Yposition Zposition"),
        _ => ("JOINT", "3"),
    };
    let name = motion.joint_names[joint].replace(char::is_whitespace, "_");
    let _ = write!(
        text,
        "{tabs}{kind} {name}\n{tabs}{{\n{tabs}\tOFFSET {}\n\
         {tabs}\tCHANNELS {place} Zrotation Xrotation Yrotation\n",
        words(offset),
    );
    let children = (joint + 1..motion.parents.len()).filter(|&c| motion.parents[c] == Some(joint));
    let before = order.len();
    for child in children {
        hierarchy(motion, child, depth + 1, order, text);
    }
    if order.len() == before {
        // A bone without a joint at its end is drawn half as long as the one before it.
        let end = words(offset.map(|x| 0.5 * x));
        let _ = write!(
            text,
            "{tabs}\tEnd Site\n{tabs}\t{{\n{tabs}\t\tOFFSET {end}\n{tabs}\t}}\n"
        );
    }
    let _ = writeln!(text, "{tabs}}}");
}

/// From the parent, centimetres; the root's place is in its channels alone.
fn offset(motion: &BvhMotion<'_>, joint: usize) -> [f64; 3] {
    let Some(parent) = motion.parents[joint] else {
        return [0.0; 3];
    };
    [0, 1, 2].map(|k| CENTIMETRES * (motion.joints[[joint, k]] - motion.joints[[parent, k]]))
}

fn words(offset: [f64; 3]) -> String {
    offset.map(|x| format!("{x:.6}")).join(" ")
}

fn rotation(motion: &BvhMotion<'_>, frame: usize, joint: usize) -> Matrix3<f64> {
    let at = |k: usize| motion.rotations[[frame, joint, k]];
    let turn = UnitQuaternion::new_normalize(Quaternion::new(at(3), at(0), at(1), at(2)));
    turn.to_rotation_matrix().into_inner()
}

/// z, x, y of R = Rz·Rx·Ry, of all such angles those nearest to the frame before.
fn euler(r: &Matrix3<f64>, before: [f64; 3]) -> [f64; 3] {
    let across = r[(2, 0)].hypot(r[(2, 2)]);
    let x = r[(2, 1)].atan2(across);
    if across < 1e-9 {
        // Only z ± y is determined.
        let sum = r[(1, 0)].atan2(r[(0, 0)]);
        let y = before[2];
        return [near(sum - x.signum() * y, before[0]), x, y];
    }
    let z = (-r[(0, 1)]).atan2(r[(1, 1)]);
    let y = (-r[(2, 0)]).atan2(r[(2, 2)]);
    let twins = [[z, x, y], [z + PI, PI - x, y + PI]].map(|angles| {
        let angles: [f64; 3] = std::array::from_fn(|k| near(angles[k], before[k]));
        let far: f64 = angles
            .iter()
            .zip(&before)
            .map(|(a, b)| (a - b).powi(2))
            .sum();
        (far, angles)
    });
    match twins[0].0 <= twins[1].0 {
        true => twins[0].1,
        false => twins[1].1,
    }
}

/// The angle plus the whole turns that bring it nearest to another.
fn near(angle: f64, to: f64) -> f64 {
    angle + 2.0 * PI * ((to - angle) / (2.0 * PI)).round()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Rotation3, Vector3};

    fn composed([z, x, y]: [f64; 3]) -> Matrix3<f64> {
        let turn = |axis, angle| Rotation3::from_axis_angle(&axis, angle);
        (turn(Vector3::z_axis(), z) * turn(Vector3::x_axis(), x) * turn(Vector3::y_axis(), y))
            .into_inner()
    }

    #[test]
    fn euler_angles_give_the_rotation_back_also_where_two_axes_meet() {
        for x in [-PI / 2.0, -1.2, 0.0, 0.3, PI / 2.0] {
            for (z, y) in [(0.0, 0.0), (2.5, -3.0), (-1.0, 0.7)] {
                let r = composed([z, x, y]);
                let back = composed(euler(&r, [0.4, 0.1, 9.0]));
                assert!((r - back).amax() < 1e-7, "{z} {x} {y}: {back}");
            }
        }
    }

    #[test]
    fn euler_angles_go_on_without_a_jump() {
        let mut before = [0.0; 3];
        for step in 0..200 {
            let wanted = [0.05, 0.03, -0.04].map(|v| v * f64::from(step));
            let found = euler(&composed(wanted), before);
            let jump = found.iter().zip(&before).map(|(a, b)| (a - b).abs());
            assert!(jump.fold(0.0, f64::max) < 0.06, "step {step}: {found:?}");
            before = found;
        }
    }

    #[test]
    fn a_frame_without_a_pose_holds_the_one_before_it() {
        let joint_names = ["hip", "left knee"].map(String::from);
        let joints = ndarray::arr2(&[[0.0, 1.0, 0.0], [0.1, 0.5, 0.0]]);
        let mut rotations = Array3::zeros((4, 2, 4));
        rotations.slice_mut(ndarray::s![.., .., 3]).fill(1.0);
        rotations[[2, 1, 0]] = 1.0;
        let mut translations = Array2::zeros((4, 3));
        for f in [0, 3] {
            rotations.slice_mut(ndarray::s![f, .., ..]).fill(f64::NAN);
            translations.row_mut(f).fill(f64::NAN);
        }
        translations[[2, 1]] = 0.9;
        let text = text(&BvhMotion {
            joint_names: &joint_names,
            parents: &[None, Some(0)],
            joints: &joints,
            rotations: &rotations,
            translations: &translations,
            rate: 60.0,
        });
        let (hierarchy, motion) = text.split_once("MOTION\n").unwrap();
        let expected = [
            "HIERARCHY",
            "ROOT hip",
            "{",
            "\tOFFSET 0.000000 0.000000 0.000000",
            "\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation",
            "\tJOINT left_knee",
            "\t{",
            "\t\tOFFSET 10.000000 -50.000000 0.000000",
            "\t\tCHANNELS 3 Zrotation Xrotation Yrotation",
            "\t\tEnd Site",
            "\t\t{",
            "\t\t\tOFFSET 5.000000 -25.000000 0.000000",
            "\t\t}",
            "\t}",
            "}",
            "",
        ];
        assert_eq!(hierarchy, expected.join("\n"));
        let lines: Vec<&str> = motion.lines().collect();
        assert_eq!(lines[..2], ["Frames: 4", "Frame Time: 0.01666667"]);
        assert_eq!(lines[2], lines[3], "the first pose comes early");
        assert_eq!(lines[4], lines[5], "the last pose stays");
        assert!(lines[4].starts_with("0.000000 90.000000 0.000000 "));
        assert!(lines[4].contains(" 90.000000 ") && lines[4] != lines[3]);
    }
}
