//! A skeleton as the body's joints with others behind them.

use nalgebra::Vector3;
use ndarray::Array2;

use super::place::{mean, row};
use super::roles::Roles;
use crate::body::whole::{FINGER_JOINTS, finger_names};
use crate::body::{BODY_JOINTS, BodyModel, SMPL_JOINTS};
use crate::io::rig::Rig;

const ROLES: usize = BODY_JOINTS + 1;
const LEFT_HIP: usize = 1;
const RIGHT_HIP: usize = 2;
/// From between the hips to the pelvis, as a share of their distance: of the built-in body.
const ABOVE_HIPS: Vector3<f64> = Vector3::new(0.0, 0.2, 0.045);

/// J joints of a body, of the bones of a rig.
pub(super) struct Skeleton {
    pub names: Vec<String>,
    pub parents: Vec<Option<usize>>,
    /// (J, 3).
    pub heads: Array2<f64>,
    /// The bones whose heads, in these shares, a joint is.
    pub sources: Vec<Vec<(usize, f64)>>,
    /// The joint that each bone of the rig moves with.
    pub owners: Vec<usize>,
}

/// What a bone is to the body.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Role(usize),
    Finger(usize),
    /// Between joints of the body, or nothing that moves: it keeps to the joint above.
    Fixed,
    Other,
}

impl Skeleton {
    pub fn new(rig: &Rig, roles: &Roles) -> Result<Self, String> {
        let parts = parts(rig, roles);
        let fingers = parts
            .iter()
            .filter(|p| matches!(p, Part::Finger(_)))
            .count();
        let others = ordered(rig, &parts);
        let mut places = vec![None; rig.parents.len()];
        for (bone, part) in parts.iter().enumerate() {
            places[bone] = match part {
                Part::Role(role) => Some(*role),
                Part::Finger(finger) => Some(ROLES + finger),
                Part::Fixed | Part::Other => None,
            };
        }
        for (k, bone) in others.iter().enumerate() {
            places[*bone] = Some(ROLES + fingers + k);
        }
        let owner = |bone: usize| above(rig, Some(bone), &places).unwrap_or(0);
        let owners = (0..places.len()).map(owner).collect();
        let mut parents: Vec<Option<usize>> = vec![None; ROLES + fingers + others.len()];
        let mut sources = vec![Vec::new(); parents.len()];
        for (bone, place) in places.iter().enumerate() {
            let Some(place) = *place else { continue };
            let parent = above(rig, rig.parents[bone], &places).filter(|p| *p != place);
            parents[place] = parents[place].or(parent);
            sources[place].push(bone);
        }
        let mut names: Vec<String> = SMPL_JOINTS[..ROLES].iter().map(|n| n.to_string()).collect();
        names.extend(finger_names().into_iter().take(fingers));
        names.extend(others.iter().map(|b| rig.joint_names[*b].clone()));
        fill(&mut parents[..ROLES], &sources, &names)?;
        let (heads, sources) = heads(rig, &parents, sources);
        Ok(Self {
            names,
            parents,
            heads,
            sources,
            owners,
        })
    }
}

fn parts(rig: &Rig, roles: &Roles) -> Vec<Part> {
    let mut parts = vec![Part::Other; rig.parents.len()];
    // Hands are turned as SMPL-X turns them, or not by that name.
    if roles.fingers.len() == FINGER_JOINTS {
        for (k, name) in finger_names().iter().enumerate() {
            parts[roles.fingers[name]] = Part::Finger(k);
        }
    }
    for (role, bones) in roles.body.iter().enumerate() {
        bones.iter().for_each(|b| parts[*b] = Part::Role(role));
    }
    let known: Vec<usize> = (0..parts.len())
        .filter(|b| parts[*b] != Part::Other)
        .collect();
    let mut moves = vec![false; parts.len()];
    for (bone, weight) in rig.weights.iter().flatten() {
        moves[*bone] |= *weight > 0.0;
    }
    let moving: Vec<usize> = (0..parts.len()).filter(|b| moves[*b]).collect();
    let up = |bone: usize| std::iter::successors(Some(bone), |b| rig.parents[*b]);
    let (mut carries, mut moved) = (vec![false; parts.len()], vec![false; parts.len()]);
    known
        .iter()
        .flat_map(|b| up(*b))
        .for_each(|b| carries[b] = true);
    moving
        .iter()
        .flat_map(|b| up(*b))
        .for_each(|b| moved[b] = true);
    let several = |bone: usize| {
        let role = up(bone).find_map(|b| match parts[b] {
            Part::Role(role) => Some(role),
            _ => None,
        });
        role.is_none_or(|role| roles.body[role].len() > 1)
    };
    let fixed: Vec<usize> = (0..parts.len())
        .filter(|b| parts[*b] == Part::Other)
        .filter(|b| carries[*b] || !moved[*b] || several(*b))
        .collect();
    fixed.into_iter().for_each(|b| parts[b] = Part::Fixed);
    parts
}

/// The other bones, each behind its parent.
fn ordered(rig: &Rig, parts: &[Part]) -> Vec<usize> {
    let depth = |bone: usize| std::iter::successors(rig.parents[bone], |b| rig.parents[*b]).count();
    let mut others: Vec<usize> = (0..parts.len())
        .filter(|b| parts[*b] == Part::Other)
        .collect();
    others.sort_by_key(|b| depth(*b));
    others
}

/// The joint of a bone, or of the nearest above that has one.
fn above(rig: &Rig, bone: Option<usize>, places: &[Option<usize>]) -> Option<usize> {
    std::iter::successors(bone, |b| rig.parents[*b]).find_map(|b| places[b])
}

/// Puts joints that a rig does not have between those that it has.
fn fill(
    parents: &mut [Option<usize>],
    sources: &[Vec<usize>],
    names: &[String],
) -> Result<(), String> {
    let smpl = smpl_parents();
    for role in 1..ROLES {
        if sources[role].is_empty() {
            parents[role] = Some(smpl[role]);
            for child in (1..ROLES).filter(|c| smpl[*c] == role && !sources[*c].is_empty()) {
                parents[child] = Some(role);
            }
        }
        let parent = parents[role].unwrap_or(0);
        // The pelvis carries what hangs beside it.
        parents[role] = Some(parent);
        if parent >= role {
            let (child, parent) = (&names[role], &names[parent]);
            return Err(format!(
                "`{child}` hangs on `{parent}`, which is the other way round in a body"
            ));
        }
    }
    parents[0] = None;
    Ok(())
}

fn smpl_parents() -> Vec<usize> {
    let builtin = BodyModel::builtin(None).expect("the embedded body is valid");
    builtin.parents[..ROLES].to_vec()
}

/// Where joints are, and of which bones they are made.
fn heads(
    rig: &Rig,
    parents: &[Option<usize>],
    sources: Vec<Vec<usize>>,
) -> (Array2<f64>, Vec<Vec<(usize, f64)>>) {
    let share = |bones: &Vec<usize>| -> Vec<(usize, f64)> {
        bones
            .iter()
            .map(|b| (*b, 1.0 / bones.len() as f64))
            .collect()
    };
    let mut shares: Vec<Vec<(usize, f64)>> = sources.iter().map(share).collect();
    let mut heads = Array2::zeros((parents.len(), 3));
    let mut put = |joint: usize, at: Vector3<f64>| (0..3).for_each(|k| heads[[joint, k]] = at[k]);
    for (joint, bones) in sources.iter().enumerate() {
        put(joint, mean(&rig.heads, bones));
    }
    // The root turns about any point of its own: it is put where the built-in body has it.
    let hips = [LEFT_HIP, RIGHT_HIP].map(|hip| mean(&rig.heads, &sources[hip]));
    shares[0] = mixed(&shares[LEFT_HIP], &shares[RIGHT_HIP], 0.5);
    let wide = (hips[0] - hips[1]).norm();
    put(0, (hips[0] + hips[1]) / 2.0 + wide * ABOVE_HIPS);
    for role in (1..ROLES).filter(|r| sources[*r].is_empty()) {
        let above = parents[role].unwrap_or(0);
        let below = |r: usize| (1..ROLES).find(|c| parents[*c] == Some(r));
        // Those that are missing in a row share the way to the next that is there.
        let mut way = std::iter::successors(below(role), |r| below(*r));
        let next = way.position(|r| !sources[r].is_empty());
        let next = next.map(|n| (n, std::iter::successors(below(role), |r| below(*r)).nth(n)));
        if let Some((missing, Some(next))) = next {
            let part = 1.0 / (missing + 2) as f64;
            shares[role] = mixed(&shares[above], &shares[next], part);
        } else {
            shares[role] = shares[above].clone();
        }
        let at = shares[role].iter().fold(Vector3::zeros(), |sum, (b, w)| {
            sum + row(&rig.heads, *b) * *w
        });
        put(role, at);
    }
    (heads, shares)
}

fn mixed(a: &[(usize, f64)], b: &[(usize, f64)], part: f64) -> Vec<(usize, f64)> {
    let a = a.iter().map(|(bone, w)| (*bone, w * (1.0 - part)));
    a.chain(b.iter().map(|(bone, w)| (*bone, w * part)))
        .collect()
}
