//! Runs side by side, element by element: means with intervals, paired differences, tests.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::cases::Question;
use super::{CompareRun, Comparison, tune, verdict};
use crate::error::Error;
use crate::statistics::{Estimate, clusters, holm, sign_flip};

/// A measure of all methods, on the elements that all of them have.
#[derive(Clone, Debug)]
pub struct MeasureTable {
    pub name: String,
    pub unit: String,
    pub axis: String,
    /// The data that are compared on; one, without a name, where they are not varied.
    pub data: Vec<String>,
    /// Which data, recording and element each is that all methods have.
    pub elements: Vec<Element>,
    /// (methods) of (elements), the mean over seeds; none where a method does not have the measure.
    pub values: Vec<Option<Vec<f64>>>,
    /// (methods): over all data.
    pub whole: Vec<Option<Cell>>,
    /// (data) of (methods), where there are several.
    pub parts: Vec<Vec<Option<Cell>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Element {
    /// A place in `MeasureTable::data`.
    pub data: usize,
    pub recording: String,
    pub name: String,
}

/// What a method measured.
#[derive(Clone, Debug)]
pub struct Cell {
    pub mean: Estimate,
    pub median: f64,
    pub p95: f64,
    /// Elements that others have, and this method has not.
    pub missing: usize,
    /// Of all but the baseline.
    pub difference: Option<Difference>,
}

/// A method less the baseline, in pairs.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    pub mean: Estimate,
    /// Of the sign-flip test over clusters.
    pub p: f64,
    /// The same with Holm's correction: of the measure of the verdict over its methods, of all others over all
    /// of them.
    pub adjusted: f64,
    /// The share of elements that are better than the baseline's, percent; ties count half.
    pub wins: f64,
}

impl Difference {
    /// Whether chance is an unlikely reason.
    pub fn shown(&self) -> bool {
        self.adjusted < 0.05
    }
}

pub(super) fn judged(
    question: Question,
    runs: Vec<CompareRun>,
    dir: PathBuf,
) -> Result<Comparison, Error> {
    let measure = question.measure.as_deref();
    let (runs, tuned) = tune::tuned(runs, measure)?;
    let methods = question.methods;
    let place = |name: &String| methods.iter().position(|m| m == name);
    let baseline = question.baseline.as_ref().and_then(place).unwrap_or(0);
    let mut measures = tables(&runs, &methods);
    let primary = verdict::primary(&measures, measure)?;
    for table in &mut measures {
        table.judge(baseline);
    }
    adjust(&mut measures, primary);
    let findings = verdict::findings(&measures, primary, &methods, baseline, &runs);
    let mut warnings = warnings(&runs, &measures, primary);
    warnings.extend(tuned);
    Ok(Comparison {
        name: question.name,
        methods,
        baseline,
        runs,
        measures,
        primary,
        findings,
        warnings,
        command: question.command,
        dir,
    })
}

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

impl Cell {
    fn of(values: &[f64], elements: &[&Element], missing: usize) -> Option<Self> {
        let clusters = clusters(&recordings(elements), values);
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |q: f64| sorted[(q * (sorted.len() - 1) as f64).round() as usize];
        Some(Self {
            mean: Estimate::mean_of_clusters(values, &clusters, 0)?,
            median: at(0.5),
            p95: at(0.95),
            missing,
            difference: None,
        })
    }
}

/// A number for each recording of each data.
fn recordings(elements: &[&Element]) -> Vec<usize> {
    let mut known: HashMap<(usize, &str), usize> = HashMap::new();
    let mut of = Vec::with_capacity(elements.len());
    for element in elements {
        let next = known.len();
        let key = (element.data, element.recording.as_str());
        of.push(*known.entry(key).or_insert(next));
    }
    of
}

impl MeasureTable {
    /// What people call it, such as `held-out MPJPE`.
    pub fn called(&self) -> String {
        let name = self.name.replace("held_out_", "held-out ");
        let name = name
            .replace("pa_mpjpe", "PA-MPJPE")
            .replace("mpjpe", "MPJPE");
        name.replace('_', " ")
    }

    /// The same with its unit.
    pub fn title(&self) -> String {
        let name = self.called();
        match self.unit.as_str() {
            "" => name,
            unit => format!("{name}, {unit}"),
        }
    }

    fn judge(&mut self, baseline: usize) {
        let everything: Vec<usize> = (0..self.elements.len()).collect();
        for m in 0..self.values.len() {
            let difference = self.difference(m, baseline, &everything);
            if let Some(cell) = &mut self.whole[m] {
                cell.difference = difference;
            }
        }
        if self.data.len() < 2 {
            return;
        }
        for d in 0..self.data.len() {
            let of_data = |e: &usize| self.elements[*e].data == d;
            let chosen: Vec<usize> = everything.iter().copied().filter(of_data).collect();
            let part = (0..self.values.len()).map(|m| self.part(m, baseline, &chosen));
            let part = part.collect();
            self.parts.push(part);
        }
    }

    fn part(&self, m: usize, baseline: usize, chosen: &[usize]) -> Option<Cell> {
        let values = self.values[m].as_ref()?;
        let values: Vec<f64> = chosen.iter().map(|e| values[*e]).collect();
        let elements: Vec<&Element> = chosen.iter().map(|e| &self.elements[*e]).collect();
        let mut cell = Cell::of(&values, &elements, 0).filter(|_| !values.is_empty())?;
        cell.difference = self.difference(m, baseline, chosen);
        Some(cell)
    }

    fn difference(&self, m: usize, baseline: usize, chosen: &[usize]) -> Option<Difference> {
        let (of, base) = (self.values[m].as_ref()?, self.values[baseline].as_ref()?);
        if m == baseline || chosen.is_empty() {
            return None;
        }
        let apart: Vec<f64> = chosen.iter().map(|e| of[*e] - base[*e]).collect();
        let elements: Vec<&Element> = chosen.iter().map(|e| &self.elements[*e]).collect();
        let clusters = clusters(&recordings(&elements), &apart);
        let tie = |x: f64, e: usize| x.abs() <= 1e-9 * base[e].abs();
        let won = apart.iter().zip(chosen).map(|(x, e)| match *x {
            x if tie(x, *e) => 0.5,
            x if x < 0.0 => 1.0,
            _ => 0.0,
        });
        let p = sign_flip(&apart, &clusters, 0);
        Some(Difference {
            mean: Estimate::mean_of_clusters(&apart, &clusters, 0)?,
            p,
            adjusted: p,
            wins: 100.0 * won.sum::<f64>() / apart.len() as f64,
        })
    }

    fn differences(&mut self) -> impl Iterator<Item = &mut Difference> {
        let cells = self.whole.iter_mut().chain(self.parts.iter_mut().flatten());
        cells.flatten().filter_map(|c| c.difference.as_mut())
    }
}

/// Accounts for the number of comparisons: the verdict's over its methods, all others together.
fn adjust(measures: &mut [MeasureTable], primary: Option<usize>) {
    let mut verdict = Vec::new();
    let mut others = Vec::new();
    for (k, table) in measures.iter_mut().enumerate() {
        let first = table
            .whole
            .iter()
            .flatten()
            .filter(|c| c.difference.is_some());
        let first = first.count();
        for (place, difference) in table.differences().enumerate() {
            match Some(k) == primary && place < first {
                true => verdict.push(difference),
                false => others.push(difference),
            }
        }
    }
    for group in [verdict, others] {
        let p: Vec<f64> = group.iter().map(|d| d.p).collect();
        for (difference, adjusted) in group.into_iter().zip(holm(&p)) {
            difference.adjusted = adjusted;
        }
    }
}

fn warnings(runs: &[CompareRun], measures: &[MeasureTable], primary: Option<usize>) -> Vec<String> {
    let mut all = Vec::new();
    for run in runs {
        if let Err(reason) = &run.dir {
            let case = run.name();
            all.push(format!("{case} has no results: {reason}"));
        }
    }
    if let Some(table) = primary.map(|p| &measures[p]) {
        let clusters = |e: &Element| (e.data, e.recording.clone());
        let mut known: Vec<_> = table.elements.iter().map(clusters).collect();
        known.sort();
        known.dedup();
        if known.len() < 10 && table.elements.len() > 1 && table.axis == "frame" {
            let plural = if known.len() == 1 { "" } else { "s" };
            all.push(format!(
                "{} recording{plural}: intervals and tests speak of more frames of the same, not of other people or \
                 motions",
                known.len()
            ));
        }
        for (m, cell) in table.whole.iter().enumerate() {
            if let Some(missing) = cell.as_ref().map(|c| c.missing).filter(|n| *n > 0) {
                let method = runs.iter().map(|r| &r.method);
                let mut methods: Vec<&String> = Vec::new();
                method.for_each(|x| {
                    if !methods.contains(&x) {
                        methods.push(x);
                    }
                });
                all.push(format!(
                    "{} lacks {missing} {}s that others have; they are left out of all",
                    methods.get(m).map_or("", |m| m.as_str()),
                    table.axis
                ));
            }
        }
    }
    all
}

impl CompareRun {
    /// Method, data and seed.
    pub fn name(&self) -> String {
        let seed = self.seed.map(|s| format!("seed {s}"));
        let parts = [Some(self.method.clone()), Some(self.data.clone()), seed];
        let parts = parts.into_iter().flatten().filter(|p| !p.is_empty());
        parts.collect::<Vec<_>>().join(", ")
    }
}
