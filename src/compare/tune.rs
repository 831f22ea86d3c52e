//! Settings that each method may choose for itself, on one half of the data; it is judged on the other.

use std::collections::{HashMap, HashSet};

use super::CompareRun;
use super::gather::tables;
use super::judge::{Element, MeasureTable};
use super::table::number;
use super::verdict::primary;
use crate::error::Error;
use crate::report::measures::is_held_out;

/// So many recordings are dealt out one by one; of fewer each is cut in its middle.
const ENOUGH: usize = 10;

/// Between a method and its setting, where both are one name; nobody writes it.
const BETWEEN: char = '\u{1f}';

/// The runs of the settings that were chosen, with the numbers of the half that did not choose them, and what
/// is to be said of it. Runs without anything to choose come back as they are.
pub(super) fn tuned(
    runs: Vec<CompareRun>,
    measure: Option<&str>,
) -> Result<(Vec<CompareRun>, Vec<String>), Error> {
    if runs.iter().all(|r| r.tuned.is_empty()) {
        return Ok((runs, Vec::new()));
    }
    let named: Vec<CompareRun> = runs.iter().map(with_setting).collect();
    let together = tables(&named, &methods_of(&named));
    let Some(table) = primary(&together, measure)?.map(|p| &together[p]) else {
        return Ok((runs, Vec::new()));
    };
    refuse(table)?;
    let judged = judging_half(table);
    let methods = methods_of(&runs);
    let choose = |m: &String| choice(m, &named, (&table.name, &judged));
    let chosen: Vec<Choice> = methods.iter().filter_map(choose).collect();
    let said = chosen.iter().map(|c| {
        format!(
            "{}: {} was chosen on {} {}s ({} {}) and is judged on the others",
            c.method,
            c.setting,
            c.n,
            table.axis,
            table.title(),
            number(c.mean)
        )
    });
    let said = said.collect();
    let is_chosen = |r: &&CompareRun| {
        let mut of_method = chosen.iter().filter(|c| c.method == r.method);
        of_method.any(|c| c.setting == r.tuned)
    };
    let kept = runs.iter().filter(is_chosen);
    let kept = kept.map(|r| other_half(r, table, &judged));
    Ok((kept.collect(), said))
}

/// What a method chose, and by what.
struct Choice {
    method: String,
    setting: String,
    mean: f64,
    n: usize,
}

/// Fewer elements than this cannot be halved.
const LEAST: usize = 20;

/// What was fitted is always met best by the weakest prior, and few frames choose by chance.
fn refuse(table: &MeasureTable) -> Result<(), Error> {
    let held_out = is_held_out(&table.name);
    if held_out && table.elements.len() >= LEAST {
        return Ok(());
    }
    let mistake = match held_out {
        false => format!(
            "`compare.tune` needs a measure of what is held out, and the verdict's is `{}`: settings that are \
             chosen by what was fitted follow the noise",
            table.name
        ),
        true => format!(
            "`compare.tune` needs {LEAST} {}s or more, one half to choose by and one to judge: there are {}",
            table.axis,
            table.elements.len()
        ),
    };
    Err(Error::Compare {
        mistakes: vec![mistake],
    })
}

/// What is best for a method on the half that chooses, of the elements that all of its settings have: what
/// another method lacks is no matter of this one.
fn choice(
    method: &str,
    named: &[CompareRun],
    (measure, judged): (&str, &HashMap<&Element, bool>),
) -> Option<Choice> {
    let of_method = |r: &&CompareRun| r.method.split(BETWEEN).next() == Some(method);
    let own: Vec<CompareRun> = named.iter().filter(of_method).cloned().collect();
    let names = methods_of(&own);
    let tables = tables(&own, &names);
    let table = tables.iter().find(|t| t.name == measure);
    let mean = |values: &Vec<f64>| {
        let pairs = table.into_iter().flat_map(|t| &t.elements).zip(values);
        let chooses = pairs.filter(|(e, _)| judged.get(e) == Some(&false));
        let (sum, n) = chooses.fold((0.0, 0), |(sum, n), (_, x)| (sum + x, n + 1));
        (sum / n as f64, n)
    };
    let of = |(k, name): (usize, &String)| {
        let values = table.and_then(|t| t.values[k].as_ref());
        let (mean, n) = values.map_or((f64::INFINITY, 0), mean);
        Choice {
            method: method.into(),
            setting: name.split(BETWEEN).nth(1).unwrap_or_default().into(),
            mean,
            n,
        }
    };
    let all = names.iter().enumerate().map(of);
    all.min_by(|a, b| a.mean.total_cmp(&b.mean))
}

/// The methods of runs, once each and in their order.
fn methods_of(runs: &[CompareRun]) -> Vec<String> {
    let mut methods: Vec<String> = Vec::new();
    for run in runs {
        if !methods.contains(&run.method) {
            methods.push(run.method.clone());
        }
    }
    methods
}

fn with_setting(run: &CompareRun) -> CompareRun {
    CompareRun {
        method: format!("{}{BETWEEN}{}", run.method, run.tuned),
        ..run.clone()
    }
}

/// For each element whether it judges: every other recording, or the later half of each.
fn judging_half(table: &MeasureTable) -> HashMap<&Element, bool> {
    table.elements.iter().zip(halves(table)).collect()
}

fn halves(table: &MeasureTable) -> Vec<bool> {
    // Levels of one source are the same frames, and stay together.
    let mut recordings: Vec<(usize, &str)> = Vec::new();
    let mut frames: Vec<Vec<&str>> = Vec::new();
    let mut of: Vec<(usize, &str)> = Vec::new();
    for element in &table.elements {
        let key = (table.sources[element.data], element.recording.as_str());
        let recording = recordings.iter().position(|r| *r == key);
        let recording = recording.unwrap_or_else(|| {
            recordings.push(key);
            frames.push(Vec::new());
            recordings.len() - 1
        });
        frames[recording].push(&element.name);
        of.push((recording, &element.name));
    }
    if recordings.len() >= ENOUGH {
        return of.iter().map(|(recording, _)| recording % 2 == 1).collect();
    }
    let later: Vec<HashSet<&str>> = frames.into_iter().map(later_half).collect();
    of.iter()
        .map(|(r, name)| later[*r].contains(name))
        .collect()
}

/// The later half of the different names, in their order.
fn later_half(names: Vec<&str>) -> HashSet<&str> {
    let mut known = HashSet::new();
    let unique: Vec<&str> = names.into_iter().filter(|n| known.insert(*n)).collect();
    unique[unique.len() / 2..].iter().copied().collect()
}

/// A run's numbers of the elements that judge.
fn other_half(
    run: &CompareRun,
    table: &MeasureTable,
    judges: &HashMap<&Element, bool>,
) -> CompareRun {
    let mut run = run.clone();
    let Some(data) = table.data.iter().position(|d| *d == run.data) else {
        return run;
    };
    for measure in run.measures.iter_mut().filter(|m| m.axis == table.axis) {
        measure.values.retain(|(name, recording, _)| {
            let element = Element {
                data,
                recording: recording.clone(),
                name: name.clone(),
            };
            judges.get(&element).copied().unwrap_or(false)
        });
    }
    run
}
