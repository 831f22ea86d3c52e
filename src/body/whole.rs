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

/// What turns the joints of a skeleton beyond the body's, by their names.
pub(super) fn parts(names: &[String]) -> Vec<PosePart> {
    // A rig may have as many joints, but others.
    let of_smpl = names == joint_names(names.len());
    match names.len() {
        24 if of_smpl => return Vec::new(),
        52 if of_smpl => return SMPLH.to_vec(),
        55 if of_smpl => return SMPLX.to_vec(),
        _ => {}
    }
    let fingers = finger_names();
    let beyond = names.get(FIRST_BEYOND..).unwrap_or_default();
    let hands = if beyond.starts_with(&fingers) {
        FINGER_JOINTS
    } else {
        0
    };
    let all = [
        part("pose_hand", FIRST_BEYOND, hands),
        part("pose_other", FIRST_BEYOND + hands, beyond.len() - hands),
    ];
    all.into_iter().filter(|p| p.joints > 0).collect()
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

/// Names of all such variables; the last turns what else a skeleton has.
pub(crate) const TURNS: [&str; 4] = ["pose_hand", "pose_jaw", "pose_eye", "pose_other"];

/// Weights of the hands' principal components, those of the left hand first; in the place of `pose_hand`.
pub(crate) const HAND_PCA: &str = "hand_pca";
/// Numbers of `hand_pca` where the spec does not say: six for each hand, as SMPL-X.
const HAND_PCA_DIMS: usize = 12;

/// With those that turn nothing by themselves.
pub(crate) const PARTS: [&str; 6] = [
    "pose_hand",
    HAND_PCA,
    "pose_jaw",
    "pose_eye",
    "pose_other",
    "expression",
];

/// Joints of both hands' fingers.
pub(super) const FINGER_JOINTS: usize = 30;
const FIRST_BEYOND: usize = BODY_JOINTS + 1;

const FINGERS: [&str; 5] = ["index", "middle", "pinky", "ring", "thumb"];

impl BodyModel {
    /// In the order of their joints.
    pub(crate) fn pose_parts(&self) -> &[PosePart] {
        &self.parts
    }

    /// Numbers of a variable beside the body, where this model has it.
    pub(crate) fn dims_of_part(&self, name: &str) -> Option<usize> {
        if name == "expression" {
            return Some(self.num_expressions).filter(|n| *n > 0);
        }
        if name == HAND_PCA {
            return self.hands.as_ref().map(|_| HAND_PCA_DIMS);
        }
        let part = self.pose_parts().iter().find(|p| p.name == name)?;
        Some(3 * part.joints)
    }

    /// `pose_hand` as offset (90) and matrix (90, `columns`), row-major, of as many components of either hand.
    pub(crate) fn hand_map(&self, columns: usize) -> Option<(Vec<f64>, Vec<f64>)> {
        let hands = self.hands.as_ref()?;
        let (count, n) = (columns / 2, hands.means[0].len());
        let mut matrix = vec![0.0; 2 * n * columns];
        for (side, components) in hands.components.iter().enumerate() {
            for (component, row) in components.rows().into_iter().take(count).enumerate() {
                for (k, x) in row.iter().enumerate() {
                    matrix[(side * n + k) * columns + side * count + component] = *x;
                }
            }
        }
        Some((hands.means.concat(), matrix))
    }

    /// `pose_hand` of weights of components.
    pub(crate) fn hand_pose(&self, weights: &[f64]) -> Option<Vec<f64>> {
        let (mut pose, matrix) = self.hand_map(weights.len())?;
        for (x, row) in pose.iter_mut().zip(matrix.chunks_exact(weights.len())) {
            *x += row.iter().zip(weights).map(|(a, w)| a * w).sum::<f64>();
        }
        Some(pose)
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
    names.extend(finger_names());
    names.truncate(count);
    let unnamed = names.len()..count;
    names.extend(unnamed.map(|j| format!("joint{j}")));
    names
}

/// Of the left hand, then of the right, as SMPL-X has them.
pub(crate) fn finger_names() -> Vec<String> {
    let of = |side: &'static str| {
        let finger = move |finger| (1..=3).map(move |k| format!("{side}_{finger}{k}"));
        FINGERS.into_iter().flat_map(finger)
    };
    ["left", "right"].into_iter().flat_map(of).collect()
}
