//! What a method took, and how its fits ended.

use serde_json::Value;

use super::Comparison;

/// What a method took over all its runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub elements: u64,
    pub converged: u64,
    /// Such as `3 stalled, 1 invalid`.
    pub others: String,
    pub seconds: f64,
    /// Until all elements cost as little as where the worst method ends.
    pub as_good: Option<f64>,
    pub evaluations: u64,
    pub failed: usize,
}

impl Comparison {
    pub(super) fn totals(&self, method: &str) -> Totals {
        let place = self.methods.iter().position(|m| m == method);
        let mut total = Totals {
            as_good: self.pace.as_ref().zip(place).and_then(|(p, m)| p.last(m)),
            ..Totals::default()
        };
        let mut others: Vec<(String, u64)> = Vec::new();
        for run in self.runs.iter().filter(|r| r.method == method) {
            if run.dir.is_err() {
                total.failed += 1;
                continue;
            }
            let record = &run.record;
            total.elements += record["frames"].as_u64().unwrap_or(0);
            total.converged += record["converged"].as_u64().unwrap_or(0);
            total.seconds += record["seconds"]["solve"].as_f64().unwrap_or(0.0);
            let stages = record["stages"].as_array().into_iter().flatten();
            let evaluations = stages.filter_map(|s| s["evaluations"]["total"].as_u64());
            total.evaluations += evaluations.sum::<u64>();
            add_statuses(&record["status"], &mut others);
        }
        let texts = others.iter().map(|(name, n)| format!("{n} {name}"));
        total.others = texts.collect::<Vec<_>>().join(", ");
        total
    }
}

fn add_statuses(status: &Value, others: &mut Vec<(String, u64)>) {
    for (name, value) in status.as_object().into_iter().flatten() {
        let count = value.as_u64().or(value["count"].as_u64()).unwrap_or(0);
        if count == 0 || name == "converged" {
            continue;
        }
        match others.iter_mut().find(|(n, _)| n == name) {
            Some((_, n)) => *n += count,
            None => others.push((name.clone(), count)),
        }
    }
}
