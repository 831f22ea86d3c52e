//! Which sequences are validated on: whole subjects where they are known, else whole sequences.

use std::collections::BTreeMap;

use super::{Group, HoldOut};
use crate::diagnostic::{list, nearest};
use crate::random::SplitMix64;

/// For each group whether it is held out; frames of one subject never stand on both sides.
pub(super) fn choose(groups: &[Group], hold_out: &HoldOut, seed: u64) -> Result<Vec<bool>, String> {
    match hold_out {
        HoldOut::Subjects(names) => named(groups, names),
        HoldOut::Share(share) => by_share(groups, *share, seed),
    }
}

fn named(groups: &[Group], names: &[String]) -> Result<Vec<bool>, String> {
    let known = super::subjects(groups);
    for name in names {
        if !known.contains(name) {
            let found = nearest(name, known.iter().map(String::as_str));
            return Err(match (found, known.is_empty()) {
                (_, true) => {
                    "`data.hold_out` names subjects, but the files do not say theirs".into()
                }
                (Some(meant), _) => {
                    format!("there is no subject `{name}`; did you mean `{meant}`?")
                }
                (None, _) => format!("there is no subject `{name}`; there are {}", list(&known)),
            });
        }
    }
    let held = |group: &Group| group.subject.as_ref().is_some_and(|s| names.contains(s));
    let held: Vec<bool> = groups.iter().map(held).collect();
    match (held.contains(&true), held.contains(&false)) {
        (_, false) => Err("`data.hold_out` leaves nothing to train on".into()),
        (false, _) => Err("`data.hold_out` is empty: there is nothing to validate on".into()),
        _ => Ok(held),
    }
}

/// Units in random order, as long as they fit into the share; at least the smallest.
fn by_share(groups: &[Group], share: f64, seed: u64) -> Result<Vec<bool>, String> {
    let all_known = groups.iter().all(|g| g.subject.is_some());
    let unit = |group: &Group| match &group.subject {
        Some(subject) if all_known => subject.clone(),
        _ => group.sequence.clone(),
    };
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for group in groups {
        *sizes.entry(unit(group)).or_default() += group.rows.len();
    }
    if sizes.len() < 2 {
        let what = if all_known { "subject" } else { "sequence" };
        return Err(format!(
            "`data.hold_out` needs at least two {what}s, but there is one; name a `val`"
        ));
    }
    let total: usize = sizes.values().sum();
    let mut units: Vec<(&String, &usize)> = sizes.iter().collect();
    SplitMix64(seed).shuffle(&mut units);
    let (mut held, mut count) = (Vec::new(), 0);
    for (name, size) in &units {
        if (count + **size) as f64 <= share * total as f64 {
            held.push((*name).clone());
            count += **size;
        }
    }
    if held.is_empty() {
        let smallest = units.iter().min_by_key(|(_, size)| **size);
        held.extend(smallest.map(|(name, _)| (*name).clone()));
    }
    Ok(groups.iter().map(|g| held.contains(&unit(g))).collect())
}
