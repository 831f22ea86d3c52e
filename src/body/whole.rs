//! What SMPL+H and SMPL-X have beside the body: hands, jaw, eyes and expression.

use super::{BODY_JOINTS, BodyModel, SMPL_JOINTS};

/// A variable that turns some joints beyond those of `pose_body`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PosePart {
    /// The variable's name.
    pub name: &'static str,
    /// The first joint that it turns.
    pub first: usize,
    pub joints: usize,
}

const fn part(name: &'static str, first: usize, joints: usize) -> PosePart {
    PosePart {
        name,
        first,
        joints,
    }
}

/// SMPL+H: both hands behind the body's joints.
const SMPLH: &[PosePart] = &[part("pose_hand", 22, 30)];

/// SMPL-X: jaw, both eyes, both hands.
const SMPLX: &[PosePart] = &[
    part("pose_jaw", 22, 1),
    part("pose_eye", 23, 2),
    part("pose_hand", 25, 30),
];

/// Names of all such variables.
pub(crate) const TURNS: [&str; 3] = ["pose_hand", "pose_jaw", "pose_eye"];

/// With the expression, which turns nothing.
pub(crate) const PARTS: [&str; 4] = ["pose_hand", "pose_jaw", "pose_eye", "expression"];

const FINGERS: [&str; 5] = ["index", "middle", "pinky", "ring", "thumb"];

impl BodyModel {
    /// In the order of their joints.
    pub(crate) fn pose_parts(&self) -> &'static [PosePart] {
        match self.num_joints() {
            52 => SMPLH,
            55 => SMPLX,
            _ => &[],
        }
    }

    /// Numbers of a variable beside the body, where this model has it.
    pub(crate) fn dims_of_part(&self, name: &str) -> Option<usize> {
        if name == "expression" {
            return Some(self.num_expressions).filter(|n| *n > 0);
        }
        let part = self.pose_parts().iter().find(|p| p.name == name)?;
        Some(3 * part.joints)
    }

    /// All axis-angle numbers of joints 1 and up, from those of the body and of the parts by name.
    pub(crate) fn full_pose(
        &self,
        body: &[f64],
        part: impl Fn(&str) -> Option<Vec<f64>>,
    ) -> Vec<f64> {
        let mut pose = body.to_vec();
        pose.resize(3 * (self.num_joints() - 1), 0.0);
        for known in self.pose_parts() {
            if let Some(numbers) = part(known.name) {
                let at = 3 * (known.first - 1);
                pose[at..at + numbers.len()].copy_from_slice(&numbers);
            }
        }
        pose
    }
}

/// How many of a file's shape directions are expressions: SMPL-X keeps them behind the shape's.
pub(super) fn expressions(joints: usize, directions: usize) -> usize {
    match (joints, directions) {
        (55, 400) => 100,
        (55, 20) => 10,
        _ => 0,
    }
}

/// Names in the order of SMPL, SMPL+H or SMPL-X.
pub(super) fn joint_names(count: usize) -> Vec<String> {
    let mut names: Vec<String> = SMPL_JOINTS.iter().map(|n| n.to_string()).collect();
    if count == SMPL_JOINTS.len() {
        return names;
    }
    names.truncate(BODY_JOINTS + 1);
    if count == 55 {
        names.extend(["jaw", "left_eye", "right_eye"].map(String::from));
    }
    for side in ["left", "right"] {
        for finger in FINGERS {
            names.extend((1..=3).map(|k| format!("{side}_{finger}{k}")));
        }
    }
    names.truncate(count);
    let unnamed = names.len()..count;
    names.extend(unnamed.map(|j| format!("joint{j}")));
    names
}
