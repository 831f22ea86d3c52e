//! What limits a comparison.

use std::collections::{BTreeMap, BTreeSet};

use super::CompareRun;
use super::judge::MeasureTable;
use crate::report::measures::is_held_out;

pub(super) fn warnings(
    runs: &[CompareRun],
    methods: &[String],
    table: Option<&MeasureTable>,
) -> Vec<String> {
    let failed = runs.iter().filter_map(|run| {
        let reason = run.dir.as_ref().err()?;
        Some(format!("{} has no results: {reason}", run.name()))
    });
    let mut all: Vec<String> = failed.collect();
    all.extend(versions(runs));
    all.extend(held_out(runs));
    all.extend(not_judged(runs));
    let Some(table) = table else { return all };
    all.extend(few_recordings(table));
    for (method, cell) in methods.iter().zip(&table.whole) {
        let missing = cell.as_ref().map_or(0, |c| c.missing);
        if missing > 0 {
            let axis = &table.axis;
            all.push(format!(
                "{method} lacks {missing} {axis}s that others have; they are left out of all"
            ));
        }
    }
    all
}

/// What fits had to say, once each with those that said it.
pub(super) fn of_fits(runs: &[CompareRun]) -> Vec<String> {
    let mut said: Vec<(&str, Vec<String>)> = Vec::new();
    for run in runs {
        let warnings = run.record["warnings"].as_array().into_iter().flatten();
        for warning in warnings.filter_map(|w| w.as_str()) {
            match said.iter_mut().find(|(known, _)| *known == warning) {
                Some((_, by)) => by.push(run.name()),
                None => said.push((warning, vec![run.name()])),
            }
        }
    }
    let all = runs.len();
    let text = |(warning, by): (&str, Vec<String>)| match by.len() {
        n if n == all && n > 1 => format!("every fit: {warning}"),
        n if n > 3 => format!("{} and {} more fits: {warning}", by[0], n - 1),
        _ => format!("{}: {warning}", by.join("; ")),
    };
    said.into_iter().map(text).collect()
}

fn versions(runs: &[CompareRun]) -> Option<String> {
    let versions = runs.iter().filter_map(|r| r.record["fitrun"].as_str());
    let versions: BTreeSet<&str> = versions.collect();
    let several: Vec<&str> = versions.into_iter().collect();
    (several.len() > 1).then(|| format!("the runs are of fitrun {}", several.join(" and ")))
}

/// A verdict by what was fitted, where something was to be held out.
fn not_judged(runs: &[CompareRun]) -> Option<String> {
    let holds = |r: &CompareRun| {
        let sets = r.record["spec"]["data"].as_object();
        sets.is_some_and(|d| d.values().any(|set| set["hold_out"].is_object()))
    };
    let mut measures = runs.iter().flat_map(|r| &r.measures);
    let judged = measures.any(|m| is_held_out(&m.name));
    (runs.iter().any(holds) && !judged).then(|| {
        "what is held out could not be judged, so the verdict is by what was fitted; see the warnings of the fits"
            .into()
    })
}

/// What of a term's points is fitted, and what judges.
#[derive(Default)]
struct Parts {
    held_labels: BTreeSet<String>,
    held_views: BTreeSet<String>,
    fitted_views: BTreeSet<String>,
}

/// Which terms, views or labels judge, by the first run that has points.
fn held_out(runs: &[CompareRun]) -> Option<String> {
    let dirs = runs.iter().filter_map(|r| r.dir.as_ref().ok());
    let paths = dirs.map(|d| d.join("points.csv"));
    let mut reader = paths
        .filter_map(|p| csv::Reader::from_path(p).ok())
        .next()?;
    let mut terms: BTreeMap<String, Parts> = BTreeMap::new();
    for row in reader.records().map_while(Result::ok) {
        let cell = |c: usize| row.get(c).unwrap_or_default().to_string();
        let parts = terms.entry(cell(0)).or_default();
        match row.get(13) {
            Some("1") => {
                parts.held_views.insert(cell(2));
                parts.held_labels.insert(cell(3));
            }
            // Of what is neither observed nor held out nothing is known.
            _ if cell(6).is_empty() => {}
            _ => drop(parts.fitted_views.insert(cell(2))),
        }
    }
    let held = terms.iter().filter(|(_, p)| !p.held_labels.is_empty());
    let said: Vec<String> = held.map(|(term, parts)| parts.text(term)).collect();
    (!said.is_empty()).then(|| format!("held out: {}", said.join("; ")))
}

impl Parts {
    fn text(&self, term: &str) -> String {
        let join = |names: Vec<&String>| {
            let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
            names.join(", ")
        };
        let views: Vec<&String> = self.held_views.difference(&self.fitted_views).collect();
        match (self.fitted_views.is_empty(), views.is_empty()) {
            (true, _) => format!("all of `{term}`"),
            (_, false) => format!("{} of `{term}`", join(views)),
            (_, true) => format!("{} of `{term}`", join(self.held_labels.iter().collect())),
        }
    }
}

/// Fewer recordings than this say little of others.
const FEW: usize = 10;

fn few_recordings(table: &MeasureTable) -> Option<String> {
    let elements = table.elements.iter();
    let known: BTreeSet<_> = elements
        .map(|e| (table.sources[e.data], &e.recording))
        .collect();
    let speaks = table.axis == "frame" && table.elements.len() > 1 && known.len() < FEW;
    let plural = if known.len() == 1 { "" } else { "s" };
    speaks.then(|| {
        format!(
            "{} recording{plural}: intervals and tests speak of more frames of the same, not of other people \
             or motions",
            known.len()
        )
    })
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
