//! Keypoint conventions and what their points are on a body.

pub(crate) mod combine;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use combine::Part;
use nalgebra::Vector3;

use crate::body::{BodyModel, Transforms};

static CONVENTIONS: LazyLock<BTreeMap<String, Vec<(String, String)>>> = LazyLock::new(|| {
    toml::from_str(include_str!("conventions.toml")).expect("the embedded conventions are valid")
});

/// The names of the conventions that fitrun knows.
pub fn conventions() -> Vec<&'static str> {
    CONVENTIONS.keys().map(String::as_str).collect()
}

/// Labels of a convention in its maker's order.
pub fn labels(convention: &str) -> Option<Vec<String>> {
    let points = CONVENTIONS.get(convention)?;
    Some(points.iter().map(|(label, _)| label.clone()).collect())
}

/// A keypoint as a mean of joints and vertices of the body's own numbering.
pub(crate) type Recipe = Vec<(Part, f64)>;

/// The recipe of a label within a convention.
pub(crate) fn recipe(body: &BodyModel, convention: &str, label: &str) -> Option<Recipe> {
    let points = CONVENTIONS.get(convention)?;
    let (_, recipe) = points.iter().find(|(l, _)| l == label)?;
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
    fn every_point_of_every_convention_is_found_on_the_built_in_body() {
        let body = BodyModel::builtin(None).unwrap();
        for convention in conventions() {
            for label in labels(convention).unwrap() {
                assert!(
                    recipe(&body, convention, &label).is_some(),
                    "{convention} {label}"
                );
            }
        }
    }

    #[test]
    fn conventions_have_their_makers_counts() {
        let count = |name| labels(name).unwrap().len();
        let counts = [
            "SMPL_22", "SMPL_24", "BODY_25", "BODY_25B", "COCO_17", "HALPE_26",
        ]
        .map(count);
        assert_eq!(counts, [22, 24, 25, 25, 17, 26]);
    }
}
