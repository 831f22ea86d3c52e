//! What a closed form can find before the first stage: where the body stands and which way it faces.

use super::Checker;
use super::sources::Source;
use crate::ir::{Observed, Placement};
use crate::keypoints::combine::Part;
use crate::keypoints::{part, recipe};
use crate::spec::View;

/// Joints that move little against each other; a limb says less about the whole's orientation.
const TORSO: [&str; 12] = [
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "spine2",
    "spine3",
    "neck",
    "left_collar",
    "right_collar",
    "left_shoulder",
    "right_shoulder",
    "head",
];
const LIMB: f64 = 0.02;

impl Checker<'_> {
    pub(super) fn placement(&mut self, observed: &[Observed]) -> Option<Placement> {
        let root = self.spec.root();
        let auto = root.table("solve").and_then(|t| t.text("start")) != Some("init");
        let given = |name: &str| {
            let vars = root.table("vars").and_then(|t| t.table(name));
            let init = vars.map(|t| View::new(t, "vars").node("init"));
            init.flatten()
                .is_some_and(|n| n.origin != crate::diagnostic::Origin::Default)
        };
        if !auto || given("root_orient") || given("trans") || observed.is_empty() {
            return None;
        }
        Some(Placement {
            rotation: self.variable_id("root_orient")?,
            translation: self.variable_id("trans")?,
            observed: observed.to_vec(),
        })
    }

    /// For each label 1 where it is on the torso, little where it is on a limb.
    pub(super) fn rigidity(
        &self,
        source: &Source,
        convention: Option<&str>,
        labels: &[String],
    ) -> Vec<f64> {
        let on_body = match source {
            Source::Project { of, .. } => of.as_ref(),
            other => other,
        };
        if let Source::Surface { name, .. } = on_body {
            return self.marker_rigidity(name, labels, LIMB);
        }
        let own = match on_body {
            Source::Body { convention, .. } => convention.as_deref(),
            _ => None,
        };
        let Some(body) = &self.inputs.body else {
            return vec![1.0; labels.len()];
        };
        let on_torso = |label: &String| {
            let parts = match own.or(convention) {
                Some(convention) => recipe(body, convention, label),
                None => part(body, label).map(|p| vec![(p, 1.0)]),
            };
            parts.unwrap_or_default().iter().all(|(p, _)| match p {
                Part::Joint(j) => TORSO.contains(&body.joint_names[*j].as_str()),
                Part::Vertex(_) => false,
            })
        };
        labels
            .iter()
            .map(|l| if on_torso(l) { 1.0 } else { LIMB })
            .collect()
    }
}
