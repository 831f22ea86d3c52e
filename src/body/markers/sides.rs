//! Left and right in marker names, and recordings whose labels have them exchanged.

use nalgebra::Vector3;

use super::super::rigid::{Pair, robust_kabsch};

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

/// With all labels exchanged the model must fit this much better to say that all are.
const FAR_BETTER: f64 = 0.6;

/// Distances beyond this tell how a limb is posed, not how the body stands, m.
const POSED: f64 = 0.1;

/// Pairs of labels whose left and right look exchanged in a recording.
///
/// `model` are the markers on a body at rest. Each frame has its say: the model is laid onto it with
/// the labels as they are or all exchanged, whichever fits far better, and each pair is held against
/// the left of the model as it then lies.
pub(crate) fn swapped(
    labels: &[String],
    model: &[Vector3<f64>],
    frames: &[Vec<Option<Vector3<f64>>>],
) -> Vec<(String, String)> {
    let pairs = pairs(labels, model);
    let step = frames.len().div_ceil(FRAMES).max(1);
    let votes: Vec<Vote> = frames
        .iter()
        .step_by(step)
        .filter_map(|frame| vote(&pairs, model, frame))
        .collect();
    let mirrored = votes.iter().filter(|v| v.mirrored).count() as f64;
    let all = mirrored > MAJORITY * votes.len() as f64;
    let exchanged = |(n, _): &(usize, &(usize, usize))| {
        let seen = votes.iter().filter(|v| v.mirrored == all);
        let says: Vec<Side> = seen.filter_map(|v| v.sides[*n]).collect();
        let share = |side| says.iter().filter(|s| **s == side).count() as f64 / says.len() as f64;
        match all {
            false => !says.is_empty() && share(Side::Wrong) >= MAJORITY,
            true => !says.is_empty() && share(Side::Wrong) < MAJORITY,
        }
    };
    let found = pairs.iter().enumerate().filter(exchanged);
    found
        .map(|(_, &(left, right))| (labels[left].clone(), labels[right].clone()))
        .collect()
}

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

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Right,
    Unclear,
    Wrong,
}

/// What one frame says.
struct Vote {
    /// Whether the model fits far better with all labels exchanged.
    mirrored: bool,
    /// Of each pair, in the better of the two; none where it is not seen.
    sides: Vec<Option<Side>>,
}

fn vote(
    pairs: &[(usize, usize)],
    model: &[Vector3<f64>],
    frame: &[Option<Vector3<f64>>],
) -> Option<Vote> {
    let seen = |at: usize| frame.get(at).copied().flatten();
    let mut other: Vec<usize> = (0..model.len()).collect();
    for &(left, right) in pairs {
        other.swap(left, right);
    }
    let lay = |exchange: bool| {
        let label = |at: usize| if exchange { other[at] } else { at };
        let point = |at: usize| {
            let seen = seen(label(at)).filter(|p| p.iter().all(|x| x.is_finite()))?;
            Some(Pair {
                model: model[at],
                seen,
                weight: 1.0,
            })
        };
        let mut points: Vec<Pair> = (0..model.len()).filter_map(point).collect();
        let (turn, shift) = robust_kabsch(&mut points)?;
        let misfit = |p: &Pair| {
            let squared = (turn * p.model + shift - p.seen).norm_squared();
            squared / (squared + POSED * POSED)
        };
        let cost: f64 = points.iter().map(misfit).sum();
        Some((turn * Vector3::x(), cost))
    };
    let (as_is, exchanged) = (lay(false)?, lay(true)?);
    let mirrored = exchanged.1 < FAR_BETTER * as_is.1;
    let left_axis = if mirrored { exchanged.0 } else { as_is.0 };
    let side = |&(left, right): &(usize, usize)| {
        let (mut l, mut r) = (seen(left)?, seen(right)?);
        if mirrored {
            std::mem::swap(&mut l, &mut r);
        }
        let apart = CLEARLY * (model[left].x - model[right].x).min(WIDEST);
        Some(match (l - r).dot(&left_axis) {
            d if d < -apart => Side::Wrong,
            d if d > apart => Side::Right,
            _ => Side::Unclear,
        })
    };
    Some(Vote {
        mirrored,
        sides: pairs.iter().map(side).collect(),
    })
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
        ("opensim_markers_walk", "clusters-41"),
        ("opensim_subject01_static", "clusters-49"),
        ("opensim_subject01_walk1", "clusters-49"),
        ("opensim_walking2", "gait-trunk-38"),
    ];

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
