//! The results as text, CSV, Markdown and JSON.

use serde_json::{Value, json};

use super::{Estimate, Judgement, MEASURES, Measure};
use crate::report::table::{aligned, markdown};

impl Judgement {
    /// Aligned columns: a measure a line, a prior a column.
    pub fn to_text(&self) -> String {
        aligned(&self.cells())
    }

    pub(super) fn to_markdown(&self) -> String {
        markdown(&self.cells())
    }

    pub(super) fn to_csv(&self) -> String {
        let mut text = String::from("prior,measure,unit,value,low,high,n\n");
        for row in &self.rows {
            for (m, e) in row.measured() {
                let numbers = format!("{:?},{:?},{:?},{}", e.value, e.low, e.high, e.n);
                text += &format!("{},{},{},{numbers}\n", row.prior, m.key, m.unit);
            }
        }
        text
    }

    pub(super) fn to_json(&self) -> String {
        let row = |row: &super::Row| {
            let measures: serde_json::Map<String, Value> = row
                .measured()
                .map(|(m, e)| {
                    let value = json!({ "value": e.value, "low": e.low, "high": e.high,
                        "n": e.n, "unit": m.unit });
                    (m.key.to_string(), value)
                })
                .collect();
            json!({ "prior": row.prior, "file": row.file, "measures": measures,
                "interpolation_curve_mm": row.curve, "pairs": row.pairs,
                "pairs_in_full": row.exact, "nearest_seconds": row.nearest_seconds,
                "seconds": row.seconds })
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        let whole = json!({ "on": self.on, "train": self.train, "body": self.body,
            "settings": self.settings, "rows": rows });
        format!("{whole:#}\n")
    }

    /// With a heading; measures that nobody has are left out.
    fn cells(&self) -> Vec<Vec<String>> {
        let names = self.rows.iter().map(|r| r.prior.clone());
        let mut rows = vec![std::iter::once("measure".into()).chain(names).collect()];
        for measure in MEASURES {
            let found: Vec<_> = self.rows.iter().map(|r| r.of(measure.key)).collect();
            if found.iter().any(Option::is_some) {
                let cells = found
                    .iter()
                    .map(|e| e.map_or("–".into(), |e| cell(measure, e)));
                rows.push(std::iter::once(title(measure)).chain(cells).collect());
            }
        }
        rows
    }
}

fn title(measure: &Measure) -> String {
    match measure.unit {
        "" => measure.title.into(),
        unit => format!("{}, {unit}", measure.title),
    }
}

fn cell(_: &Measure, e: Estimate) -> String {
    let digits = if e.value.abs() < 10.0 { 2 } else { 1 };
    format!(
        "{:.digits$} [{:.digits$}, {:.digits$}]",
        e.value, e.low, e.high
    )
}
