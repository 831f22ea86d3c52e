//! The numbers of all runs, element by element, on the elements that all methods have.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::CompareRun;
use super::judge::{Element, MeasureTable};

/// The measures in the order in which runs have them.
pub(super) fn tables(runs: &[CompareRun], methods: &[String]) -> Vec<MeasureTable> {
    let mut data: Vec<String> = Vec::new();
    for run in runs {
        if !data.contains(&run.data) {
            data.push(run.data.clone());
        }
    }
    let mut names: Vec<(String, String, String)> = Vec::new();
    for measure in runs.iter().flat_map(|r| &r.measures) {
        let name = (
            measure.name.clone(),
            measure.unit.clone(),
            measure.axis.clone(),
        );
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let names = names.into_iter();
    let names = names.filter(|(name, ..)| name != "cost" || of_one_energy(runs));
    let tables = names.map(|name| table(name, runs, methods, &data));
    tables.filter(|t| !t.elements.is_empty()).collect()
}

/// Whether all runs on the same data minimise the same E, so that their costs say which found the lower.
fn of_one_energy(runs: &[CompareRun]) -> bool {
    let energies: Vec<(&str, Value)> = runs
        .iter()
        .filter_map(|r| Some((r.data.as_str(), r.energy()?)))
        .collect();
    let alike = |a: &(&str, Value), b: &(&str, Value)| a.0 != b.0 || a.1 == b.1;
    energies
        .iter()
        .all(|a| energies.iter().all(|b| alike(a, b)))
}

impl CompareRun {
    /// The spec without what only says how E is minimised, and the digests of what it reads.
    fn energy(&self) -> Option<Value> {
        let mut spec = self.record["spec"].clone();
        let tables = spec.as_object_mut()?;
        for apart in ["solve", "output", "compare", "name"] {
            tables.remove(apart);
        }
        let stages = tables.get_mut("stages").and_then(Value::as_array_mut);
        for stage in stages
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
        {
            stage.retain(|key, _| ["set", "disable"].contains(&key.as_str()));
        }
        if let Some(stages) = tables.get_mut("stages").and_then(Value::as_array_mut) {
            stages.retain(|stage| stage.as_object().is_some_and(|s| !s.is_empty()));
        }
        let terms = tables.get("terms").and_then(Value::as_object);
        let by_init = terms.is_some_and(|t| t.values().any(|term| term["about"] == "init"));
        let vars = tables.get_mut("vars").and_then(Value::as_object_mut);
        for var in vars.into_iter().flat_map(|v| v.values_mut()) {
            if let Some(var) = var.as_object_mut() {
                var.retain(|key, _| key != "scale" && (key != "init" || by_init));
            }
        }
        Some(Value::Array(vec![spec, self.digests().into()]))
    }
}

/// Sums over seeds of what a method measured, and how many seeds have it.
type Found = HashMap<Element, (f64, usize)>;

fn table(
    (name, unit, axis): (String, String, String),
    runs: &[CompareRun],
    methods: &[String],
    data: &[String],
) -> MeasureTable {
    let mut order: Vec<Element> = Vec::new();
    let mut known: HashSet<Element> = HashSet::new();
    let mut found: Vec<Found> = vec![HashMap::new(); methods.len()];
    let mut seeds: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for run in runs {
        let place = |all: &[String], one: &String| all.iter().position(|x| x == one);
        let (Some(m), Some(d)) = (place(methods, &run.method), place(data, &run.data)) else {
            continue;
        };
        *seeds.entry((m, d)).or_default() += 1;
        let of_run = run
            .measures
            .iter()
            .filter(|x| x.name == name && x.unit == unit && x.axis == axis);
        for (element, recording, value) in of_run.flat_map(|x| &x.values) {
            let element = Element {
                data: d,
                recording: recording.clone(),
                name: element.clone(),
            };
            if known.insert(element.clone()) {
                order.push(element.clone());
            }
            let entry = found[m].entry(element).or_insert((0.0, 0));
            entry.0 += value;
            entry.1 += 1;
        }
    }
    order.sort_by_key(|e| e.data);
    // An element that only some seeds have is one that the method lacks.
    for (m, of_method) in found.iter_mut().enumerate() {
        of_method.retain(|e, (_, n)| seeds.get(&(m, e.data)) == Some(n));
    }
    let has_any: Vec<bool> = found.iter().map(|f| !f.is_empty()).collect();
    let in_all = |e: &&Element| {
        let mut of = found.iter().zip(&has_any);
        of.all(|(f, any)| !any || f.contains_key(*e))
    };
    let elements: Vec<Element> = order.iter().filter(in_all).cloned().collect();
    let of_method = |f: &Found| -> Option<Vec<f64>> {
        let values = elements
            .iter()
            .map(|e| f.get(e).map(|(sum, n)| sum / *n as f64));
        values
            .collect::<Option<Vec<f64>>>()
            .filter(|_| !f.is_empty())
    };
    let values: Vec<Option<Vec<f64>>> = found.iter().map(of_method).collect();
    MeasureTable {
        name,
        unit,
        axis,
        data: data.to_vec(),
        elements,
        values,
        sources: sources(runs, data),
        missing: found.iter().map(|f| order.len() - f.len()).collect(),
        whole: vec![None; methods.len()],
        parts: Vec::new(),
    }
}

/// A number for each data: the same where it comes of the same files.
fn sources(runs: &[CompareRun], data: &[String]) -> Vec<usize> {
    let of = |d: &String| {
        runs.iter()
            .find(|r| r.data == *d)
            .map(CompareRun::data_digests)
    };
    let digests: Vec<Option<Vec<String>>> = data.iter().map(of).collect();
    let same = |d: usize| {
        let known = digests[d].as_ref().filter(|x| !x.is_empty());
        let first = digests.iter().position(|other| other.as_ref() == known);
        known.and(first).unwrap_or(d)
    };
    (0..data.len()).map(same).collect()
}
