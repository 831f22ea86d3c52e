//! Left and right in marker names, and recordings whose labels have them exchanged.

use nalgebra::{Matrix3, Vector3};

use super::super::rigid::{Pair, robust_kabsch};
use crate::data::median;

/// The label of the same point on the other side: `left_knee`, `LKnee`, `LKNE`, `L.Knee`, `L_knee`,
/// `KNEE_L`, `knee.left` and their like.
pub(crate) fn other_side(label: &str) -> Option<String> {
    swap_word(label).or_else(|| swap_letter(label))
}

/// A whole word at the start or at the end.
fn swap_word(label: &str) -> Option<String> {
    const WORDS: [(&str, &str); 3] = [("left", "right"), ("Left", "Right"), ("LEFT", "RIGHT")];
    for (left, right) in WORDS {
        for (own, other) in [(left, right), (right, left)] {
            if let Some(rest) = label.strip_prefix(own).filter(|r| !r.is_empty()) {
                return Some(format!("{other}{rest}"));
            }
            if let Some(rest) = label.strip_suffix(own).filter(|r| r.ends_with(separator)) {
                return Some(format!("{rest}{other}"));
            }
        }
    }
    None
}

/// One letter, set off by a separator or by capitals.
fn swap_letter(label: &str) -> Option<String> {
    let other = |side: char| match side {
        'L' => Some('R'),
        'R' => Some('L'),
        'l' => Some('r'),
        'r' => Some('l'),
        _ => None,
    };
    let mut letters = label.chars();
    let (first, next) = (letters.next()?, letters.next()?);
    if let Some(swapped) = other(first) {
        let capitals = first.is_uppercase() && next.is_uppercase();
        if capitals || separator(next) {
            return Some(format!("{swapped}{}", &label[first.len_utf8()..]));
        }
    }
    let mut letters = label.chars().rev();
    let (last, before) = (letters.next()?, letters.next()?);
    let swapped = other(last).filter(|_| separator(before))?;
    Some(format!(
        "{}{swapped}",
        &label[..label.len() - last.len_utf8()]
    ))
}

fn separator(letter: char) -> bool {
    matches!(letter, '.' | '_' | '-' | ' ' | ':')
}

/// Frames that are looked at, evenly spread.
const FRAMES: usize = 60;

/// The share of its frames in which a pair must point the wrong way to count as exchanged.
const MAJORITY: f64 = 0.75;

/// How far the wrong way: a share of the model's own distance of the two, of which no more than
/// `WIDEST` metres count, because hands cross where hips cannot.
const CLEARLY: f64 = 0.3;
const WIDEST: f64 = 0.3;

/// The share of the misfit that may be left with all labels exchanged, to say that all are.
const FAR_BETTER: f64 = 0.85;

/// The same of a single frame, and how much worse most others have to become by it.
const ALONE: f64 = 0.7;
const USUALLY: f64 = 1.15;

/// Distances beyond this tell how a limb is posed, not how the body stands, m.
const POSED: f64 = 0.1;

/// Markers further than this from the middle of a body at rest sit on its outstretched arms, which
/// say little of how it stands, m; they are left out where `LEAST` others remain.
const ARMS: f64 = 0.25;
const LEAST: usize = 4;

/// No marker is as far from the origin, m: its square would not be a number either.
const FAR_AWAY: f64 = 1e6;

/// Pairs of labels whose left and right look exchanged in a recording.
///
/// `model` are the markers on a body at rest. It is laid onto each frame, and each pair is held
/// against the model's left as it then lies. Where it fits far better with all labels exchanged,
/// the recording is a mirror image but for the pairs that then point the wrong way.
pub(crate) fn swapped(
    labels: &[String],
    model: &[Vector3<f64>],
    frames: &[Vec<Option<Vector3<f64>>>],
) -> Vec<(String, String)> {
    let pairs = pairs(labels, model);
    let step = frames.len().div_ceil(FRAMES).max(1);
    let frames = || frames.iter().step_by(step);
    let as_is: Vec<Option<Laid>> = frames().map(|f| lay(model, f)).collect();
    let exchanged: Vec<Frame> = frames().map(|f| exchange(&pairs, f)).collect();
    let other: Vec<Option<Laid>> = exchanged.iter().map(|f| lay(model, f)).collect();
    let mirrored = is_mirrored(&as_is, &other);
    let wrong = |pair: &(usize, usize)| match mirrored {
        false => !points_left(*pair, model, frames().zip(&as_is)),
        true => points_left(*pair, model, exchanged.iter().zip(&other)),
    };
    let found = pairs.iter().filter(|pair| wrong(pair));
    found
        .map(|&(left, right)| (labels[left].clone(), labels[right].clone()))
        .collect()
}

/// Frames that fit far better with all labels exchanged, of a recording that mostly fits better as it is.
pub(crate) fn swapped_frames(
    labels: &[String],
    model: &[Vector3<f64>],
    frames: &[Vec<Option<Vector3<f64>>>],
) -> Vec<usize> {
    let pairs = pairs(labels, model);
    let ratio = |frame: &Frame| {
        let other = exchange(&pairs, frame);
        let misfits = lay(model, frame).zip(lay(model, &other));
        misfits.map(|(a, b)| b.misfit / a.misfit)
    };
    let ratios: Vec<Option<f64>> = frames.iter().map(ratio).collect();
    let usual = median(ratios.iter().flatten().copied()).unwrap_or(0.0);
    let wrong = |f: &usize| ratios[*f].is_some_and(|r| r < ALONE && usual > USUALLY);
    (0..frames.len()).filter(wrong).collect()
}

type Frame = Vec<Option<Vector3<f64>>>;

/// (left, right) of the labels that have both and that the model tells apart.
fn pairs(labels: &[String], model: &[Vector3<f64>]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (i, label) in labels.iter().enumerate().take(model.len()) {
        let other = other_side(label).and_then(|o| labels.iter().position(|l| *l == o));
        if let Some(j) = other.filter(|&j| j < model.len() && model[i].x > model[j].x) {
            pairs.push((i, j));
        }
    }
    pairs
}

fn exchange(pairs: &[(usize, usize)], frame: &[Option<Vector3<f64>>]) -> Frame {
    let mut exchanged = frame.to_vec();
    for &(left, right) in pairs {
        if left.max(right) < exchanged.len() {
            exchanged.swap(left, right);
        }
    }
    exchanged
}

/// The model laid onto a frame.
struct Laid {
    turn: Matrix3<f64>,
    shift: Vector3<f64>,
    /// Σ d² / (d² + POSED²): distances count until they are a matter of pose.
    misfit: f64,
}

fn lay(model: &[Vector3<f64>], frame: &[Option<Vector3<f64>>]) -> Option<Laid> {
    let trunk = |m: &&Vector3<f64>| m.x.abs() < ARMS;
    let all = model.iter().filter(trunk).count() < LEAST;
    let mut points: Vec<Pair> = model
        .iter()
        .zip(frame)
        .filter(|(model, _)| all || trunk(model))
        .filter_map(|(&model, seen)| {
            let seen = seen.filter(|p| p.amax() < FAR_AWAY)?;
            let weight = 1.0;
            Some(Pair {
                model,
                seen,
                weight,
            })
        })
        .collect();
    let (turn, shift) = robust_kabsch(&mut points)?;
    let misfit = |p: &Pair| {
        let squared = (turn * p.model + shift - p.seen).norm_squared();
        squared / (squared + POSED * POSED)
    };
    Some(Laid {
        turn,
        shift,
        misfit: points.iter().map(misfit).sum(),
    })
}

/// How the body at rest is turned to lie on a frame, and moved then.
pub(crate) fn lay_body(
    model: &[Vector3<f64>],
    frame: &[Option<Vector3<f64>>],
) -> Option<(Matrix3<f64>, Vector3<f64>)> {
    lay(model, frame).map(|laid| (laid.turn, laid.shift))
}

/// Asks the quarter of the frames that the model fits best, one way or the other.
fn is_mirrored(as_is: &[Option<Laid>], other: &[Option<Laid>]) -> bool {
    let frames = as_is.iter().zip(other);
    let mut misfits: Vec<(f64, f64)> = frames
        .filter_map(|(a, b)| Some((a.as_ref()?.misfit, b.as_ref()?.misfit)))
        .collect();
    misfits.sort_by(|a, b| a.0.min(a.1).total_cmp(&b.0.min(b.1)));
    let best = &misfits[..misfits.len().div_ceil(4)];
    let sum = |of: fn(&(f64, f64)) -> f64| best.iter().map(of).sum::<f64>();
    sum(|m| m.1) < FAR_BETTER * sum(|m| m.0)
}

/// Whether a pair does not point clearly to the right in most of the frames that show it.
fn points_left<'a>(
    (left, right): (usize, usize),
    model: &[Vector3<f64>],
    frames: impl Iterator<Item = (&'a Frame, &'a Option<Laid>)>,
) -> bool {
    let clearly = CLEARLY * (model[left].x - model[right].x).min(WIDEST);
    let (mut seen, mut wrong) = (0, 0);
    for (frame, laid) in frames {
        let at = |marker: usize| frame.get(marker).copied().flatten();
        if let (Some(laid), Some(l), Some(r)) = (laid, at(left), at(right)) {
            seen += 1;
            wrong += usize::from((l - r).dot(&(laid.turn * Vector3::x())) < -clearly);
        }
    }
    seen == 0 || (wrong as f64) < MAJORITY * seen as f64
}

#[cfg(test)]
mod tests {
    use super::super::{Layout, tests};
    use super::*;
    use crate::body::BodyModel;
    use crate::io::npz::Npz;
    use crate::io::testing::real_data;

    #[test]
    fn labels_of_all_habits_find_their_other_side() {
        let pairs = [
            ("left_knee", "right_knee"),
            ("LeftKnee", "RightKnee"),
            ("LKnee", "RKnee"),
            ("LKNE", "RKNE"),
            ("L.Knee", "R.Knee"),
            ("L_Knee", "R_Knee"),
            ("l_knee", "r_knee"),
            ("KNEE_L", "KNEE_R"),
            ("knee.l", "knee.r"),
            ("knee_left", "knee_right"),
            ("LMT2", "RMT2"),
        ];
        for (left, right) in pairs {
            assert_eq!(other_side(left).as_deref(), Some(right));
            assert_eq!(other_side(right).as_deref(), Some(left));
        }
        for middle in [
            "C7", "CLAV", "STRN", "Sternum", "lumbar", "Left", "R", "", "Ärm_ß", "Lumbar",
        ] {
            assert_eq!(other_side(middle), None, "{middle}");
        }
    }

    type Frames = Vec<Vec<Option<Vector3<f64>>>>;

    /// Labels, the model's points and the frames of a recording, markers of the layout only.
    fn recording(name: &str, layout: &str) -> Option<(Vec<String>, Vec<Vector3<f64>>, Frames)> {
        let path = real_data()?.join(format!("markers/{name}.npz"));
        let file = Npz::open(&path).unwrap();
        let names = file.strings("marker_names").unwrap();
        let values = file.floats("markers").unwrap();
        let body = BodyModel::builtin(None).unwrap();
        let layout = Layout::embedded(layout).unwrap();
        let model: Vec<Vector3<f64>> = names
            .iter()
            .map(|name| {
                let at = layout
                    .markers
                    .iter()
                    .position(|m| m.label == *name)
                    .unwrap();
                tests::position(&body, &layout.site(&body, at).unwrap())
            })
            .collect();
        let point = |t: usize, m: usize| {
            let p = Vector3::new(values[[t, m, 0]], values[[t, m, 1]], values[[t, m, 2]]);
            (!p.x.is_nan()).then_some(p)
        };
        let frames = (0..values.shape()[0])
            .map(|t| (0..names.len()).map(|m| point(t, m)).collect())
            .collect();
        Some((names, model, frames))
    }

    const RECORDINGS: [(&str, &str); 8] = [
        ("pig_test_static", "plug-in-gait"),
        ("pig_59993_static", "plug-in-gait"),
        ("pig_robo_static", "plug-in-gait"),
        ("pig_rom_static", "plug-in-gait"),
        ("opensim_markers_walk", "opensim-markers-walk"),
        ("opensim_subject01_static", "opensim-subject01"),
        ("opensim_subject01_walk1", "opensim-subject01"),
        ("opensim_walking2", "opensim-walking2"),
    ];

    /// A body without arms that turns on its way and lifts its left knee.
    fn walk() -> (Vec<String>, Vec<Vector3<f64>>, Frames) {
        let points = [
            ("C7", [0.0, 1.4, -0.06]),
            ("STRN", [0.0, 1.2, 0.12]),
            ("LASI", [0.12, 1.0, 0.1]),
            ("RASI", [-0.12, 1.0, 0.1]),
            ("LPSI", [0.05, 1.05, -0.1]),
            ("RPSI", [-0.05, 1.05, -0.1]),
            ("LKNE", [0.15, 0.5, 0.0]),
            ("RKNE", [-0.15, 0.5, 0.0]),
            ("LTOE", [0.1, 0.05, 0.15]),
            ("RTOE", [-0.1, 0.05, 0.15]),
        ];
        let labels = points.iter().map(|p| p.0.to_string()).collect();
        let model: Vec<Vector3<f64>> = points.iter().map(|p| Vector3::from(p.1)).collect();
        let frame = |t: usize| {
            let turn = nalgebra::Rotation3::new(Vector3::y() * (0.1 * t as f64));
            let lift = Vector3::new(0.0, 0.1, 0.3) * (0.2 * t as f64).sin().abs();
            let posed = |(at, p): (usize, &Vector3<f64>)| {
                let p = if at == 6 { p + lift } else { *p };
                Some(turn * p + Vector3::z() * (0.02 * t as f64))
            };
            model.iter().enumerate().map(posed).collect()
        };
        let frames = (0..100).map(frame).collect();
        (labels, model, frames)
    }

    #[test]
    fn one_exchanged_pair_is_named_and_no_other() {
        let (labels, model, mut frames) = walk();
        assert_eq!(swapped(&labels, &model, &frames), []);
        frames.iter_mut().for_each(|f| f.swap(6, 7));
        let knees = ("LKNE".to_string(), "RKNE".to_string());
        assert_eq!(swapped(&labels, &model, &frames), [knees]);
    }

    #[test]
    fn a_pair_exchanged_in_half_of_the_frames_is_left_in_doubt() {
        let (labels, model, mut frames) = walk();
        frames[..50].iter_mut().for_each(|f| f.swap(6, 7));
        assert_eq!(swapped(&labels, &model, &frames), []);
    }

    #[test]
    fn in_a_mirror_image_all_pairs_are_exchanged_but_those_that_were_before() {
        let (labels, model, mut frames) = walk();
        for frame in &mut frames {
            for left in [2, 4, 6, 8] {
                frame.swap(left, left + 1);
            }
        }
        assert_eq!(swapped(&labels, &model, &frames).len(), 4);
        frames.iter_mut().for_each(|f| f.swap(6, 7));
        let found = swapped(&labels, &model, &frames);
        let left: Vec<&str> = found.iter().map(|pair| pair.0.as_str()).collect();
        assert_eq!(left, ["LASI", "LPSI", "LTOE"]);
    }

    #[test]
    fn gaps_and_absurd_numbers_are_passed_over() {
        let (labels, model, mut frames) = walk();
        for (t, frame) in frames.iter_mut().enumerate() {
            frame[t % 10] = None;
            frame[(t + 3) % 10] = Some(Vector3::repeat([f64::NAN, 1e300][t % 2]));
        }
        assert_eq!(swapped(&labels, &model, &frames), []);
        assert_eq!(swapped(&labels, &model, &[]), []);
        assert_eq!(swapped(&labels, &model, &[vec![None; 10], vec![]]), []);
        assert_eq!(swapped(&[], &[], &frames), []);
    }

    #[test]
    fn real_recordings_are_as_labelled_and_any_exchange_is_found() {
        for (name, layout) in RECORDINGS {
            let Some((labels, model, frames)) = recording(name, layout) else {
                return;
            };
            assert_eq!(swapped(&labels, &model, &frames), [], "{name}");
            let pairs = pairs(&labels, &model);
            for &(left, right) in &pairs {
                let mut frames = frames.clone();
                frames.iter_mut().for_each(|f| f.swap(left, right));
                let expected = [(labels[left].clone(), labels[right].clone())];
                assert_eq!(swapped(&labels, &model, &frames), expected, "{name}");
            }
            let mut frames = frames.clone();
            for frame in &mut frames {
                pairs.iter().for_each(|&(l, r)| frame.swap(l, r));
            }
            assert_eq!(
                swapped(&labels, &model, &frames).len(),
                pairs.len(),
                "{name}"
            );
        }
    }
}
