//! Which joints of a skeleton are the body's: by the names that families of rigs give them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::body::{BODY_JOINTS, SMPL_JOINTS};

const FAMILIES: &str = include_str!("roles.toml");
/// Names of joints that a message shows.
const SHOWN: usize = 80;
/// Characters of a name that it shows.
const LONGEST: usize = 40;
const FINGERS: [&str; 5] = ["thumb", "index", "middle", "ring", "pinky"];
/// Without these there is no body to pose.
const NEEDED: [&str; 15] = [
    "pelvis",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "neck",
    "head",
];

#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

/// The bones of each role; several are one joint.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Roles {
    /// Of joints 0 to 21.
    pub body: Vec<Vec<usize>>,
    /// Of fingers, by the names that SMPL-X gives their joints.
    pub fingers: BTreeMap<String, usize>,
}

impl Roles {
    /// What a bone was found to be it is not, since the spec says otherwise.
    fn take(&mut self, bone: usize) {
        self.body
            .iter_mut()
            .for_each(|bones| bones.retain(|b| *b != bone));
        self.fingers.retain(|_, b| *b != bone);
    }
}

/// `given` names joints of the skeleton by role; whatever it leaves out is found by names.
pub(super) fn find(names: &[String], given: &BTreeMap<String, String>) -> Result<Roles, String> {
    let families: BTreeMap<String, BTreeMap<String, Names>> =
        toml::from_str(FAMILIES).expect("the embedded names are valid");
    let plain: Vec<String> = names.iter().map(|n| normal(n)).collect();
    let roles = families.values().map(|family| of_family(family, &plain));
    let known = |roles: &Roles| roles.body.iter().filter(|b| !b.is_empty()).count();
    let mut roles = roles.max_by_key(known).expect("there are families");
    let mut wrong = Vec::new();
    for (role, name) in given {
        let place = SMPL_JOINTS[..=BODY_JOINTS].iter().position(|r| r == role);
        let bone = names.iter().position(|n| n == name);
        match (place, bone) {
            (Some(place), Some(bone)) => {
                let other = given.iter().find(|(r, n)| *n == name && *r != role);
                if let Some((other, _)) = other.filter(|(r, _)| *r > role) {
                    wrong.push(format!(
                        "joint `{name}` cannot be both `{role}` and `{other}`"
                    ));
                }
                roles.take(bone);
                roles.body[place] = vec![bone];
            }
            (None, _) => wrong.push(format!("there is no role `{role}`")),
            (_, None) => wrong.push(format!("there is no joint `{name}`")),
        }
    }
    let lacks = |role: &&&str| {
        let place = SMPL_JOINTS.iter().position(|r| *r == **role);
        place.is_none_or(|p| roles.body[p].is_empty())
    };
    let lacking: Vec<&str> = NEEDED.iter().filter(lacks).copied().collect();
    if !lacking.is_empty() {
        let lacking = lacking.join("`, `");
        let short = |n: &String| n.escape_debug().take(LONGEST).collect::<String>();
        let own: Vec<String> = names.iter().take(SHOWN).map(short).collect();
        let more = if names.len() > SHOWN { ", …" } else { "" };
        wrong.push(format!(
            "no joint is known to be `{lacking}`: say which by `body.roles = {{ {} = \"…\" }}`; its joints are `{}`{more}",
            lacking.split('`').next().unwrap_or_default(),
            own.join("`, `")
        ));
    }
    match wrong.is_empty() {
        true => Ok(roles),
        false => Err(wrong.join("; ")),
    }
}

fn of_family(family: &BTreeMap<String, Names>, plain: &[String]) -> Roles {
    let place = |name: &str| plain.iter().position(|n| n == name);
    let bones = |role: &str| -> Vec<usize> {
        let (side, own) = match role.split_once('_') {
            Some((side @ ("left" | "right"), own)) => (side, own),
            _ => ("", role),
        };
        let sided = |name: &String| {
            let name = name.replace("{side}", side);
            place(&name.replace("{s}", &side[..side.len().min(1)]))
        };
        match family.get(own) {
            Some(Names::One(name)) => sided(name).into_iter().collect(),
            Some(Names::Several(names)) => names.iter().filter_map(sided).collect(),
            None => Vec::new(),
        }
    };
    let mut fingers = BTreeMap::new();
    if let Some(Names::One(pattern)) = family.get("fingers") {
        for side in ["left", "right"] {
            for (n, finger) in FINGERS.iter().enumerate() {
                for k in 1..=3 {
                    let name = pattern.replace("{side}", side).replace("{s}", &side[..1]);
                    let name = name.replace("{finger}", finger);
                    let name = name.replace("{n}", &(n + 1).to_string());
                    let bone = place(&name.replace("{k}", &k.to_string()));
                    fingers.extend(bone.map(|b| (format!("{side}_{finger}{k}"), b)));
                }
            }
        }
    }
    let body = SMPL_JOINTS[..=BODY_JOINTS].iter();
    Roles {
        body: body.map(|role| bones(role)).collect(),
        fingers,
    }
}

/// Lower case, letters and digits alone, without what stands before a colon.
fn normal(name: &str) -> String {
    let own = name.rsplit(':').next().unwrap_or(name);
    let letters = own.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str]) -> Result<Roles, String> {
        let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
        find(&names, &BTreeMap::new())
    }

    #[test]
    fn a_foot_is_an_ankle_where_toes_follow_it() {
        let mut names = vec!["Hips", "Spine", "Spine1", "Spine2", "Neck", "Head"];
        let sides = ["Left", "Right"].iter().flat_map(|side| {
            let own = [
                "UpLeg", "Leg", "Foot", "ToeBase", "Shoulder", "Arm", "ForeArm", "Hand",
            ];
            own.map(|own| format!("mixamorig:{side}{own}"))
        });
        let sides: Vec<String> = sides.collect();
        names.extend(sides.iter().map(String::as_str));
        let roles = found(&names).unwrap();
        let of = |role: &str| {
            let place = SMPL_JOINTS.iter().position(|r| *r == role).unwrap();
            roles.body[place]
                .iter()
                .map(|b| names[*b])
                .collect::<Vec<_>>()
        };
        assert_eq!(of("left_ankle"), ["mixamorig:LeftFoot"]);
        assert_eq!(of("right_foot"), ["mixamorig:RightToeBase"]);
        assert_eq!(of("left_collar"), ["mixamorig:LeftShoulder"]);
        assert_eq!(of("spine3"), ["Spine2"]);
    }

    #[test]
    fn what_is_missing_is_said_at_once() {
        let message = found(&["root", "arm"]).unwrap_err();
        assert!(message.starts_with("no joint is known to be"), "{message}");
        assert!(message.contains("`left_knee`"), "{message}");
    }
}
