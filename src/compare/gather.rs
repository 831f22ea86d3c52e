//! The numbers of all runs, element by element, on the elements that all methods have.

use std::collections::{BTreeMap, HashMap};

use super::CompareRun;
use super::judge::{Cell, Element, MeasureTable};

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

/// Whether all runs minimise the same E, so that their costs say which found the lower.
fn of_one_energy(runs: &[CompareRun]) -> bool {
    let energies: Vec<serde_json::Value> = runs.iter().filter_map(CompareRun::energy).collect();
    energies.windows(2).all(|pair| pair[0] == pair[1])
}

impl CompareRun {
    /// The spec without what only says how E is minimised.
    fn energy(&self) -> Option<serde_json::Value> {
        let mut spec = self.record["spec"].clone();
        let tables = spec.as_object_mut()?;
        for apart in ["solve", "stages", "output", "compare", "name"] {
            tables.remove(apart);
        }
        let vars = tables.get_mut("vars").and_then(|v| v.as_object_mut());
        for var in vars.into_iter().flat_map(|v| v.values_mut()) {
            if let Some(var) = var.as_object_mut() {
                var.remove("init");
                var.remove("scale");
            }
        }
        Some(spec)
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
    let mut known: HashMap<Element, ()> = HashMap::new();
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
            .filter(|x| x.name == name && x.unit == unit);
        for (element, recording, value) in of_run.flat_map(|x| &x.values) {
            let element = Element {
                data: d,
                recording: recording.clone(),
                name: element.clone(),
            };
            if known.insert(element.clone(), ()).is_none() {
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
    let cell = |(f, v): (&Found, &Option<Vec<f64>>)| {
        let v = v.as_ref().filter(|v| !v.is_empty())?;
        let everything: Vec<&Element> = elements.iter().collect();
        Cell::of(v, &everything, order.len() - f.len())
    };
    let whole = found.iter().zip(&values).map(cell).collect();
    MeasureTable {
        name,
        unit,
        axis,
        data: data.to_vec(),
        elements,
        values,
        whole,
        parts: Vec::new(),
    }
}
