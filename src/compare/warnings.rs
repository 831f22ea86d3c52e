//! What limits a comparison.

use std::collections::BTreeSet;

use super::CompareRun;
use super::judge::MeasureTable;

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
