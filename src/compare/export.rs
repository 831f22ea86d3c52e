//! The comparison as CSV and JSON.

use serde_json::{Value, json};

use super::judge::{Cell, MeasureTable};
use super::{CompareRun, Comparison, Finding};
use crate::report::table::csv_text;

const COLUMNS: [&str; 18] = [
    "measure",
    "unit",
    "data",
    "method",
    "n",
    "missing",
    "mean",
    "low",
    "high",
    "median",
    "p95",
    "difference",
    "difference_low",
    "difference_high",
    "clusters",
    "p",
    "p_adjusted",
    "wins_percent",
];

impl Comparison {
    pub(super) fn to_csv(&self) -> String {
        let mut rows = vec![COLUMNS.map(String::from).to_vec()];
        for table in &self.measures {
            let whole = std::iter::once((String::new(), &table.whole));
            let parts = table.data.iter().cloned().zip(&table.parts);
            for (data, cells) in whole.chain(parts) {
                for (method, cell) in self.methods.iter().zip(cells) {
                    let Some(cell) = cell else { continue };
                    let names = [&table.name, &table.unit, &data, method];
                    rows.push(names.into_iter().cloned().chain(cell.cells()).collect());
                }
            }
        }
        csv_text(rows)
    }

    /// `compare.json`.
    pub fn to_json_text(&self) -> String {
        format!("{:#}", self.to_json())
    }

    pub(super) fn to_json(&self) -> Value {
        let measure = |t: &MeasureTable| {
            let cells = |cells: &[Option<Cell>]| -> Value {
                let named = self.methods.iter().zip(cells);
                let known = named.filter_map(|(m, c)| Some((m.clone(), c.as_ref()?.to_json())));
                Value::Object(known.collect())
            };
            let parts = t.data.iter().zip(&t.parts);
            let parts = parts.map(|(d, c)| (d.clone(), cells(c)));
            json!({ "measure": t.name, "unit": t.unit, "axis": t.axis, "methods": cells(&t.whole),
                "data": Value::Object(parts.collect()) })
        };
        let finding = |f: &Finding| json!({ "method": f.method, "verdict": format!("{:?}", f.verdict), "sentence": f.sentence });
        let primary = self.primary.map(|p| self.measures[p].name.clone());
        json!({
            "fitrun": env!("CARGO_PKG_VERSION"),
            "name": self.name,
            "command": self.command,
            "verdict": self.headline(),
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
            "warnings": self.warnings,
            "fits_say": self.fits_say,
            "methods": self.methods,
            "baseline": self.methods.get(self.baseline),
            "primary": primary,
            "seconds_until_as_good_as_the_worst": self.pace.as_ref().map(|p| {
                let of = |(m, name): (usize, &String)| (name.clone(), json!(p.last(m)));
                Value::Object(self.methods.iter().enumerate().map(of).collect())
            }),
            "measures": self.measures.iter().map(measure).collect::<Vec<_>>(),
            "runs": self.runs.iter().map(run).collect::<Vec<_>>(),
        })
    }
}

fn run(run: &CompareRun) -> Value {
    json!({
        "method": run.method, "data": run.data, "seed": run.seed,
        "dir": run.dir.as_ref().ok().map(|d| d.display().to_string()),
        "failed": run.dir.as_ref().err(),
        "converged": run.record["converged"], "frames": run.record["frames"],
        "cost": run.record["cost"], "parameters": run.record["parameters"],
        "seconds": run.record["seconds"]["solve"], "peak_memory_mb": run.record["peak_memory_mb"],
        "spec_sha256": run.record["spec_sha256"], "inputs": run.record["inputs"],
    })
}

impl Cell {
    /// Its columns of the table.
    fn cells(&self) -> Vec<String> {
        let e = &self.mean;
        let counts = [e.n.to_string(), self.missing.to_string()];
        let own = [e.value, e.low, e.high, self.median, self.p95].map(known);
        let of_difference = match self.difference {
            None => [const { String::new() }; 7],
            Some(d) => [
                known(d.mean.value),
                known(d.mean.low),
                known(d.mean.high),
                d.clusters.to_string(),
                known(d.p),
                known(d.adjusted),
                known(d.wins),
            ],
        };
        counts.into_iter().chain(own).chain(of_difference).collect()
    }

    fn to_json(&self) -> Value {
        let e = &self.mean;
        let mut value = json!({ "n": e.n, "missing": self.missing, "mean": e.value, "low": e.low, "high": e.high,
            "median": self.median, "p95": self.p95 });
        if let Some(d) = self.difference {
            value["difference"] = json!({ "mean": d.mean.value, "low": d.mean.low, "high": d.mean.high,
                "clusters": d.clusters, "p": d.p, "p_adjusted": d.adjusted, "wins_percent": d.wins });
        }
        value
    }
}

/// Empty where there is no number.
fn known(x: f64) -> String {
    if x.is_finite() {
        format!("{x:?}")
    } else {
        String::new()
    }
}
