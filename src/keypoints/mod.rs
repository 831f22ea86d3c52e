//! Keypoint conventions and what their points are on a body.

pub(crate) mod combine;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use combine::Part;
use nalgebra::Vector3;

use crate::body::{BodyModel, Transforms};

/// Labels of each convention with their recipes.
static CONVENTIONS: LazyLock<BTreeMap<String, Vec<(String, String)>>> = LazyLock::new(|| {
    let written: Written = toml::from_str(include_str!("conventions.toml"))
        .expect("the embedded conventions are valid");
    let whole = |name: &String| (name.clone(), points(&written, name));
    written.keys().map(whole).collect()
});

/// Each point as its label and recipe; a lone name is another convention.
type Written = BTreeMap<String, Vec<Vec<String>>>;

fn points(written: &Written, convention: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in &written[convention] {
        match &entry[..] {
            [label, recipe] => all.push((label.clone(), recipe.clone())),
            inner => inner
                .iter()
                .for_each(|name| all.extend(points(written, name))),
        }
    }
    all
}

/// The names of the conventions that fitrun knows.
pub fn conventions() -> Vec<&'static str> {
    CONVENTIONS.keys().map(String::as_str).collect()
}

/// Labels of a convention in its maker's order.
pub fn labels(convention: &str) -> Option<Vec<String>> {
    let points = CONVENTIONS.get(convention)?;
    Some(points.iter().map(|(label, _)| label.clone()).collect())
}

/// Labels of a convention, and what joints and landmarks each is the mean of.
pub(crate) fn recipes(convention: &str) -> Option<impl Iterator<Item = (&str, &str)>> {
    let points = CONVENTIONS.get(convention)?;
    Some(
        points
            .iter()
            .map(|(label, recipe)| (label.as_str(), recipe.as_str())),
    )
}

/// How many points of a convention are on no body, and how many more only on one with fingers.
pub(crate) fn beyond(convention: &str) -> (usize, usize) {
    let points = CONVENTIONS.get(convention).into_iter().flatten();
    let nowhere = points.clone().filter(|(_, recipe)| recipe.is_empty());
    let fingers = ["thumb", "index", "middle", "ring", "pinky"];
    let of_finger = |recipe: &str| fingers.iter().any(|finger| recipe.contains(finger));
    let on_fingers = points.filter(|(_, recipe)| of_finger(recipe));
    (nowhere.count(), on_fingers.count())
}

/// A keypoint as a mean of joints and vertices of the body's own numbering.
pub(crate) type Recipe = Vec<(Part, f64)>;

/// The labels of a convention that are somewhere on a body.
pub(crate) fn labels_on(body: &BodyModel, convention: &str) -> Option<Vec<String>> {
    let mut labels = labels(convention)?;
    labels.retain(|label| recipe(body, convention, label).is_some());
    Some(labels)
}

/// The recipe of a label within a convention; `None` where this body has no such point.
pub(crate) fn recipe(body: &BodyModel, convention: &str, label: &str) -> Option<Recipe> {
    let points = CONVENTIONS.get(convention)?;
    let (_, recipe) = points.iter().find(|(l, _)| l == label)?;
    let recipe = if recipe.is_empty() { label } else { recipe };
    let parts: Vec<&str> = recipe.split('+').collect();
    let share = 1.0 / parts.len() as f64;
    parts
        .iter()
        .map(|name| Some((part(body, name)?, share)))
        .collect()
}

/// Where the points of a convention are on a posed body, metres.
///
/// `vertices` are all vertices of the body, skinned. `None` for an unknown convention, or a body
/// without one of its points.
pub fn keypoints_of(
    body: &BodyModel,
    convention: &str,
    transforms: &Transforms,
    vertices: &[Vector3<f64>],
) -> Option<Vec<Vector3<f64>>> {
    let position = |part: Part| match part {
        Part::Joint(j) => transforms[j].1,
        Part::Vertex(v) => vertices[v],
    };
    let mean = |label: &String| {
        let parts = recipe(body, convention, label)?;
        Some(parts.iter().map(|(p, w)| position(*p) * *w).sum())
    };
    labels(convention)?.iter().map(mean).collect()
}

/// A joint by its name, a landmark by its name, or a vertex written `v123`.
pub(crate) fn part(body: &BodyModel, name: &str) -> Option<Part> {
    if let Some(joint) = body.joint_names.iter().position(|j| j == name) {
        return Some(Part::Joint(joint));
    }
    if let Some(&vertex) = body.landmarks.get(name) {
        return Some(Part::Vertex(vertex));
    }
    let vertex: usize = name.strip_prefix('v')?.parse().ok()?;
    (vertex < body.template.nrows()).then_some(Part::Vertex(vertex))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_of_the_body_is_found_on_the_built_in_one() {
        let body = BodyModel::builtin(None).unwrap();
        let elsewhere = |label: &str| {
            const PARTS: [&str; 8] = [
                "face-",
                "mouth_",
                "_inner",
                "_outer",
                "olecranon",
                "fossa",
                "acromion",
                "_thumb",
            ];
            let fingers = ["finger", "_pinky", "_index"];
            let mut parts = PARTS.iter().chain(&fingers);
            parts.any(|part| label.contains(part)) && !label.contains("foot")
        };
        for convention in conventions() {
            for label in labels(convention).unwrap() {
                let found = recipe(&body, convention, &label).is_some();
                assert_eq!(found, !elsewhere(&label), "{convention} {label}");
            }
        }
        assert_eq!(labels_on(&body, "COCO_WHOLEBODY_133").unwrap().len(), 25);
        assert_eq!(beyond("COCO_WHOLEBODY_133"), (68, 40));
        assert_eq!(beyond("COCO_17"), (0, 0));
    }

    #[test]
    fn fingers_are_found_on_a_body_that_has_them() {
        let mut body = BodyModel::builtin(None).unwrap();
        let on = |body: &BodyModel| labels_on(body, "HAND_LEFT_21").unwrap();
        assert_eq!(on(&body), ["left_hand_root"]);
        body.joint_names[22] = "left_index3".into();
        body.landmarks.insert("left_index_tip".into(), 7);
        assert_eq!(
            on(&body),
            ["left_hand_root", "left_forefinger3", "left_forefinger4"]
        );
        assert_eq!(
            recipe(&body, "HALPE_136", "left_forefinger4"),
            Some(vec![(Part::Vertex(7), 1.0)])
        );
        body.landmarks.insert("face-30".into(), 9);
        assert_eq!(
            recipe(&body, "FACE_70", "face-30"),
            Some(vec![(Part::Vertex(9), 1.0)])
        );
    }

    #[test]
    fn conventions_have_their_makers_counts() {
        let count = |name| labels(name).unwrap().len();
        let counts = [
            "SMPL_22",
            "SMPL_24",
            "BODY_25",
            "BODY_25B",
            "COCO_17",
            "HALPE_26",
            "COCO_18",
            "COCO_WHOLEBODY_133",
            "HALPE_136",
            "H36M_17",
            "BLAZEPOSE_33",
            "MHR_70",
            "HAND_LEFT_21",
            "HAND_RIGHT_21",
            "FACE_68",
            "FACE_70",
            "BODY_25_HANDS",
            "BODY_25_HANDS_FACE",
        ]
        .map(count);
        assert_eq!(
            counts,
            [
                22, 24, 25, 25, 17, 26, 18, 133, 136, 17, 33, 70, 21, 21, 68, 70, 67, 137
            ]
        );
        assert_eq!(counts.len(), conventions().len());
    }

    #[test]
    fn no_convention_has_a_label_twice() {
        for convention in conventions() {
            let labels = labels(convention).unwrap();
            let unique: std::collections::BTreeSet<_> = labels.iter().collect();
            assert_eq!(unique.len(), labels.len(), "{convention}");
        }
    }

    #[test]
    fn points_stand_at_their_makers_places() {
        let at = |convention, place: usize| labels(convention).unwrap()[place].clone();
        let whole = "COCO_WHOLEBODY_133";
        assert_eq!(at(whole, 22), "right_heel");
        assert_eq!(at(whole, 23), "face-0");
        assert_eq!(at(whole, 91), "left_hand_root");
        assert_eq!(at(whole, 99), "left_forefinger4");
        assert_eq!(at(whole, 112), "right_hand_root");
        assert_eq!(at(whole, 132), "right_pinky_finger4");
        assert_eq!(at("HALPE_136", 26), "face-0");
        assert_eq!(at("HALPE_136", 94), "left_hand_root");
        assert_eq!(at("HALPE_136", 115), "right_hand_root");
        assert_eq!(at("MHR_70", 41), "right_wrist");
        assert_eq!(at("MHR_70", 62), "left_wrist");
        assert_eq!(at("MHR_70", 69), "neck");
        assert_eq!(at("BLAZEPOSE_33", 31), "left_foot_index");
        assert_eq!(at("H36M_17", 11), "left_shoulder");
    }
}
