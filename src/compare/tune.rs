//! Settings that each method may choose for itself, on one half of the data; it is judged on the other.

use std::collections::HashMap;

use super::CompareRun;
use super::gather::tables;
use super::judge::{Element, MeasureTable};
use super::table::number;
use super::verdict::primary;
use crate::error::Error;

/// So many recordings are dealt out one by one; of fewer each is cut in its middle.
const ENOUGH: usize = 10;

/// The runs of the settings that were chosen, with the numbers of the half that did not choose them, and what
/// is to be said of it. Runs without anything to choose come back as they are.
pub(super) fn tuned(
    runs: Vec<CompareRun>,
    measure: Option<&str>,
) -> Result<(Vec<CompareRun>, Vec<String>), Error> {
    if runs.iter().all(|r| r.tuned.is_empty()) {
        return Ok((runs, Vec::new()));
    }
    let settings = settings(&runs);
    let named: Vec<CompareRun> = runs.iter().map(with_setting).collect();
    let names: Vec<String> = settings.iter().map(|(m, t)| name(m, t)).collect();
    let tables = tables(&named, &names);
    let Some(table) = primary(&tables, measure)?.map(|p| &tables[p]) else {
        return Ok((runs, Vec::new()));
    };
    let judges = judging_half(table);
    let choosing: Vec<usize> = (0..judges.len()).filter(|e| !judges[*e]).collect();
    let mut chosen: Vec<(String, String, f64)> = Vec::new();
    for ((method, setting), values) in settings.iter().zip(&table.values) {
        let Some(values) = values else { continue };
        let mean = choosing.iter().map(|e| values[*e]).sum::<f64>() / choosing.len() as f64;
        match chosen.iter_mut().find(|(m, ..)| m == method) {
            Some(best) if mean < best.2 => *best = (method.clone(), setting.clone(), mean),
            Some(_) => {}
            None => chosen.push((method.clone(), setting.clone(), mean)),
        }
    }
    let said = chosen.iter().map(|(method, setting, mean)| {
        let (title, half) = (table.title(), choosing.len());
        let axis = &table.axis;
        let mean = number(*mean);
        format!("{method}: {setting} was chosen on {half} {axis}s ({title} {mean}) and is judged on the others")
    });
    let said = said.collect();
    let is_chosen = |r: &CompareRun| {
        let of_method = chosen.iter().find(|(m, ..)| *m == r.method);
        of_method.is_none_or(|(_, setting, _)| *setting == r.tuned)
    };
    let judged: HashMap<&Element, bool> = table.elements.iter().zip(judges).collect();
    let kept = runs.iter().filter(|r| is_chosen(r));
    let kept = kept.map(|r| other_half(r, table, &judged));
    Ok((kept.collect(), said))
}

/// Method and setting of each run, once each.
fn settings(runs: &[CompareRun]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for run in runs {
        let one = (run.method.clone(), run.tuned.clone());
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

fn name(method: &str, setting: &str) -> String {
    format!("{method}\n{setting}")
}

fn with_setting(run: &CompareRun) -> CompareRun {
    CompareRun {
        method: name(&run.method, &run.tuned),
        ..run.clone()
    }
}

/// For each element whether it judges: every other recording, or the later half of each.
fn judging_half(table: &MeasureTable) -> Vec<bool> {
    let mut recordings: Vec<(usize, &str)> = Vec::new();
    let mut of: Vec<usize> = Vec::new();
    for element in &table.elements {
        let key = (element.data, element.recording.as_str());
        let known = recordings.iter().position(|r| *r == key);
        of.push(known.unwrap_or(recordings.len()));
        if known.is_none() {
            recordings.push(key);
        }
    }
    if recordings.len() >= ENOUGH {
        return of.iter().map(|r| r % 2 == 1).collect();
    }
    let mut sizes = vec![0usize; recordings.len()];
    of.iter().for_each(|r| sizes[*r] += 1);
    let mut seen = vec![0usize; recordings.len()];
    let later = |r: &usize| {
        seen[*r] += 1;
        2 * seen[*r] > sizes[*r]
    };
    of.iter().map(later).collect()
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
