//! What a stage frees and holds: variables, and parts of a pose by name.

use std::collections::BTreeMap;

use super::Checker;
use crate::body::BODY_JOINTS;
use crate::body::whole::{TURNS, finger_names};
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::ir::VariableId;
use crate::spec::View;

/// Joints of the body by the names of its parts.
const PARTS: [(&str, &[&str]); 6] = [
    (
        "left_arm",
        &["left_collar", "left_shoulder", "left_elbow", "left_wrist"],
    ),
    (
        "right_arm",
        &[
            "right_collar",
            "right_shoulder",
            "right_elbow",
            "right_wrist",
        ],
    ),
    (
        "left_leg",
        &["left_hip", "left_knee", "left_ankle", "left_foot"],
    ),
    (
        "right_leg",
        &["right_hip", "right_knee", "right_ankle", "right_foot"],
    ),
    ("trunk", &["spine1", "spine2", "spine3"]),
    ("head", &["neck", "head"]),
];
/// Parts of parts.
const BOTH: [(&str, [&str; 2]); 3] = [
    ("arms", ["left_arm", "right_arm"]),
    ("legs", ["left_leg", "right_leg"]),
    ("hands", ["left_hand", "right_hand"]),
];

/// For each variable that a stage frees which coordinates of a copy move.
#[derive(Default)]
struct Freed(BTreeMap<VariableId, Vec<bool>>);

/// A variable, and all of its coordinates or some.
type Named = (VariableId, Option<Vec<usize>>);

impl Freed {
    fn set(&mut self, (id, coordinates): Named, all: usize, moves: bool) {
        let of = self.0.entry(id).or_insert_with(|| vec![false; all]);
        match coordinates {
            None => of.fill(moves),
            Some(some) => some.into_iter().for_each(|c| of[c] = moves),
        }
    }
}

/// Variables in their order, and of those that move in part the coordinates that keep still.
pub(super) type FreeAndHeld = (Vec<VariableId>, Vec<(VariableId, Vec<usize>)>);

impl Checker<'_> {
    pub(super) fn freed(&mut self, view: &View<'_>, origin: &Origin) -> Option<FreeAndHeld> {
        let Some(free) = view.texts("free") else {
            let message = format!("`{}` does not say what is `free`", view.path());
            self.diagnostics.push(
                Diagnostic::error("F0202", message, origin)
                    .hint("`free = [\"*\"]` frees everything"),
            );
            return None;
        };
        let mut freed = Freed::default();
        let hold = view.texts("hold").unwrap_or_default();
        for (texts, moves) in [(&free, true), (&hold, false)] {
            for text in texts {
                for named in self.named(text) {
                    let all = self.variables[named.0.0].manifold.tangent();
                    freed.set(named, all, moves);
                }
            }
        }
        freed.0.retain(|_, moves| moves.contains(&true));
        if freed.0.is_empty() && !self.diagnostics.has_errors() {
            let message = format!("`{}` frees nothing", view.path());
            let origin = view.origin_of("free", origin);
            let hint = match hold.is_empty() {
                true => "`free = [\"*\"]` frees everything",
                false => "what is in `free` and in `hold` is held",
            };
            self.diagnostics
                .push(Diagnostic::error("F0202", message, &origin).hint(hint));
        }
        let still = |(id, moves): (&VariableId, &Vec<bool>)| {
            let places = (0..moves.len()).filter(|c| !moves[*c]).collect::<Vec<_>>();
            (!places.is_empty()).then_some((*id, places))
        };
        let held = freed.0.iter().filter_map(still).collect();
        Some((freed.0.into_keys().collect(), held))
    }

    /// What a text means; what it cannot mean is said.
    fn named(&mut self, text: &Sourced<&str>) -> Vec<Named> {
        if let Some(part) = text.value.strip_prefix("pose.") {
            return self.named_part(part, text);
        }
        let whole = |ids: Vec<VariableId>| ids.into_iter().map(|id| (id, None)).collect();
        match text.value {
            "*" => whole((0..self.variables.len()).map(VariableId).collect()),
            // A prior that could not be read has been complained about already.
            "pose" if self.spec.has_body => whole(self.pose_variables()),
            name => match self.variable_id(name) {
                Some(id) => whole(vec![id]),
                None if self.declares_variable(name) => Vec::new(),
                None => {
                    let message = format!("unknown variable `{name}`");
                    let names: Vec<String> =
                        self.variables.iter().map(|v| v.name.clone()).collect();
                    let names = names.iter().map(String::as_str).chain(["pose", "*"]);
                    let diagnostic = Diagnostic::error("F0304", message, &text.origin);
                    self.diagnostics.push(diagnostic.nearest(name, names));
                    Vec::new()
                }
            },
        }
    }

    fn named_part(&mut self, part: &str, text: &Sourced<&str>) -> Vec<Named> {
        let Some(body) = &self.inputs.body else {
            if !self.spec.has_body {
                let message = format!("`{}` is a part of a body, and there is none", text.value);
                self.diagnostics
                    .push(Diagnostic::error("F0304", message, &text.origin));
            }
            return Vec::new();
        };
        let joints = joints_of(part, &body.joint_names);
        if joints.is_empty() {
            let message = format!("a pose has no part `{part}`");
            let diagnostic = Diagnostic::error("F0304", message, &text.origin);
            let groups = PARTS.iter().map(|p| p.0).chain(BOTH.iter().map(|b| b.0));
            let names: Vec<&str> = groups.collect();
            let hint = format!(
                "parts are {}, `left_hand`, `right_hand`, and every joint that turns",
                crate::diagnostic::list(&names)
            );
            let known = names
                .into_iter()
                .chain(body.joint_names.iter().skip(1).map(String::as_str));
            self.diagnostics
                .push(diagnostic.nearest(part, known).hint(hint));
            return Vec::new();
        }
        let mut found: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for j in joints {
            let mut beyond = body.pose_parts().iter();
            let beyond = beyond.find(|p| (p.first..p.first + p.joints).contains(&j));
            let (name, first) = match beyond {
                _ if j <= BODY_JOINTS => ("pose_body", 1),
                Some(part) => (part.name, part.first),
                None => continue,
            };
            let numbers = 3 * (j - first)..3 * (j - first) + 3;
            found.entry(name).or_default().extend(numbers);
        }
        if found.is_empty() {
            let name = body.short_name();
            let message = format!("nothing of `{part}` turns by itself on the body `{name}`");
            let diagnostic = Diagnostic::error("F0304", message, &text.origin);
            self.diagnostics.push(match part.contains("hand") {
                true => diagnostic.hint("it has no fingers"),
                false => diagnostic,
            });
        }
        let mut named = Vec::new();
        for (name, coordinates) in found {
            let numbers = match name {
                "pose_body" => 3 * BODY_JOINTS,
                _ => self
                    .inputs
                    .body
                    .as_ref()
                    .and_then(|b| b.dims_of_part(name))
                    .unwrap_or(0),
            };
            match self.variable_id(name) {
                Some(id) if self.variables[id.0].manifold.tangent() == numbers => {
                    named.push((id, Some(coordinates)));
                }
                Some(_) => self.not_a_pose(name, text),
                None if self.declares_variable(name) => {}
                None => self.no_part(name, text),
            }
        }
        named
    }

    fn not_a_pose(&mut self, name: &str, text: &Sourced<&str>) {
        let message = format!(
            "`{}` is no part of `{name}` as the spec declares it",
            text.value
        );
        let diagnostic = Diagnostic::error("F0306", message, &text.origin);
        let hint = "leave `kind` and `dim` out: it has three numbers for each of its joints";
        self.diagnostics.push(diagnostic.hint(hint));
    }

    /// Why a part of a pose cannot be freed or held.
    fn no_part(&mut self, name: &str, text: &Sourced<&str>) {
        let (message, hint) = match TURNS.contains(&name) {
            true => (
                format!(
                    "`{}` turns by `{name}`, which the spec does not declare",
                    text.value
                ),
                format!("`[vars.{name}]` with `per = \"frame\"` and `unit = \"rad\"` does"),
            ),
            false => (
                format!(
                    "`{}` is a part of `pose_body`, but here the prior's decoder makes the whole pose of `z`",
                    text.value
                ),
                "a prior without a code, such as `gmm`, leaves joints to be held".into(),
            ),
        };
        let diagnostic = Diagnostic::error("F0306", message, &text.origin);
        self.diagnostics.push(diagnostic.hint(hint));
    }
}

/// The joints of a part, or the one that it names.
fn joints_of(part: &str, names: &[String]) -> Vec<usize> {
    let place = |name: &str| names.iter().position(|n| n == name);
    if let Some((_, both)) = BOTH.iter().find(|b| b.0 == part) {
        return both.iter().flat_map(|one| joints_of(one, names)).collect();
    }
    if let Some((_, joints)) = PARTS.iter().find(|p| p.0 == part) {
        return joints.iter().filter_map(|j| place(j)).collect();
    }
    if let Some(side) = part.strip_suffix("_hand") {
        let of_side: Vec<String> = finger_names()
            .into_iter()
            .filter(|name| name.starts_with(side))
            .collect();
        let finger = |name: &String| of_side.contains(name);
        let fingers: Vec<usize> = (0..names.len()).filter(|j| finger(&names[*j])).collect();
        if !fingers.is_empty() {
            return fingers;
        }
    }
    place(part).filter(|j| *j > 0).into_iter().collect()
}
