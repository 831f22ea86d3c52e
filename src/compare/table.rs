//! The comparison as text, Markdown, CSV and JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::judge::{Cell, MeasureTable};
use super::verdict::{ENOUGH, Outcome, p_value};
use super::{CompareRun, Comparison};

/// Four significant digits, in powers of ten where there are many zeros.
pub(super) fn number(x: f64) -> String {
    let size = x.abs();
    if size == 0.0 || !x.is_finite() {
        return if size == 0.0 {
            "0".into()
        } else {
            "–".into()
        };
    }
    if !(1e-3..1e6).contains(&size) {
        return format!("{x:.3e}");
    }
    let digits = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
    format!("{x:.digits$}")
}

/// Warnings of fits that the terminal shows.
const SHOWN: usize = 8;

/// What a method took over all its runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub elements: u64,
    pub converged: u64,
    /// Such as `3 stalled, 1 invalid`.
    pub others: String,
    pub seconds: f64,
    pub evaluations: u64,
    pub failed: usize,
}

impl Comparison {
    pub(super) fn totals(&self, method: &str) -> Totals {
        let mut total = Totals::default();
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

    /// For the terminal: the verdict, then the measures.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for line in self.said() {
            let _ = writeln!(text, "{line}");
        }
        let rows = self.rows();
        let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
        let _ = writeln!(text);
        for row in &rows {
            let cells = row.iter().enumerate().map(|(c, cell)| match c {
                0 => format!("{cell:<w$}", w = widths[c]),
                _ => format!("{cell:>w$}", w = widths[c]),
            });
            let line = cells.collect::<Vec<_>>().join("   ");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        for said in self.fits_say.iter().take(SHOWN) {
            let _ = writeln!(text, "warning: {said}");
        }
        if self.fits_say.len() > SHOWN {
            let more = self.fits_say.len() - SHOWN;
            let _ = writeln!(text, "and {more} more warnings of fits on the page");
        }
        text
    }

    /// The verdict and what limits it.
    pub(super) fn said(&self) -> Vec<String> {
        let mut said = vec![self.verdict()];
        said.extend(self.findings.iter().map(|f| f.sentence.clone()));
        said.extend(self.warnings.iter().map(|w| format!("note: {w}")));
        said
    }

    /// One line: what is shown by the measure that counts.
    pub(super) fn verdict(&self) -> String {
        let Some(table) = self.primary.map(|p| &self.measures[p]) else {
            return "Nothing was measured.".into();
        };
        let title = table.title();
        let mean = |m: usize| table.whole[m].as_ref().map(|c| c.mean.value);
        if self.methods.len() == 1 {
            let cell = table.whole[0].as_ref().map(Cell::to_text);
            return format!("{title}: {}.", cell.unwrap_or("–".into()));
        }
        let base = &self.methods[self.baseline];
        let Some(of_base) = mean(self.baseline) else {
            return format!("By {title}, {base} has no results, so nothing is compared with it.");
        };
        let count = |outcome| {
            self.findings
                .iter()
                .filter(|f| f.outcome == outcome)
                .count()
        };
        let all = self.findings.len();
        let (better, worse) = (count(Outcome::Better), count(Outcome::Worse));
        let of_better = self
            .findings
            .iter()
            .filter(|f| f.outcome == Outcome::Better);
        let values = of_better.filter_map(|f| {
            let place = self.methods.iter().position(|m| *m == f.method)?;
            Some((mean(place)?, &f.method))
        });
        match values.min_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((lowest, method)) => {
                let worse = match worse {
                    0 => String::new(),
                    n => format!(", {n} worse"),
                };
                format!(
                    "By {title}: {better} of {all} better than {base}{worse}; the lowest is {method}, {} against {}.",
                    number(lowest),
                    number(of_base)
                )
            }
            None if worse == all => format!("By {title}, {base} is better than all others."),
            None if worse > 0 => format!(
                "By {title}, nothing is shown to be better than {base}, and {worse} of {all} are worse."
            ),
            None if self.too_few() => format!(
                "By {title}, the {}s are too few, or too much alike, to tell {base} from the others by a test.",
                table.axis
            ),
            None => format!("By {title}, no difference to {base} is shown."),
        }
    }

    /// Whether a test of the verdict's measure could show nothing, whatever the difference.
    fn too_few(&self) -> bool {
        let cells = self.primary.map(|p| &self.measures[p].whole);
        let differences = cells.into_iter().flatten().flatten();
        let mut differences = differences.filter_map(|c| c.difference);
        differences.any(|d| d.clusters < ENOUGH)
    }

    /// With a heading: a measure a line, a method a column.
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![[vec!["measure".to_string()], self.methods.clone()].concat()];
        for table in &self.measures {
            rows.push(row(&table.title(), &table.whole));
            for (data, part) in table.data.iter().zip(&table.parts) {
                rows.push(row(&format!("· {data}"), part));
            }
        }
        let totals: Vec<Totals> = self.methods.iter().map(|m| self.totals(m)).collect();
        let mut add = |title: &str, cell: &dyn Fn(&Totals) -> String| {
            rows.push([vec![title.to_string()], totals.iter().map(cell).collect()].concat());
        };
        add("converged", &|t| {
            format!("{} of {}", t.converged, t.elements)
        });
        add("solve, s", &|t| number(t.seconds));
        add("evaluations in all", &|t| t.evaluations.to_string());
        rows
    }

    pub(super) fn to_markdown(&self) -> String {
        let mut text = format!("# {}\n\n", plain(&self.name));
        for line in self.said() {
            let _ = writeln!(text, "- {}", plain(&line));
        }
        let escaped = |cell: &String| plain(cell).replace('|', "\\|");
        let rows = self.rows();
        for (k, row) in rows.iter().enumerate() {
            let cells: Vec<String> = row.iter().map(escaped).collect();
            let _ = writeln!(
                text,
                "{}| {} |",
                if k == 0 { "\n" } else { "" },
                cells.join(" | ")
            );
            if k == 0 {
                let _ = writeln!(text, "|{}", "---|".repeat(row.len()));
            }
        }
        let _ = writeln!(text, "\n{}\n\n```\n{}\n```", LEGEND, self.command);
        text
    }

    pub(super) fn to_csv(&self) -> String {
        let mut text = String::from(
            "measure,unit,data,method,n,missing,mean,low,high,median,p95,difference,difference_low,\
             difference_high,p,p_adjusted,wins_percent\n",
        );
        for table in &self.measures {
            let whole = std::iter::once((String::new(), &table.whole));
            let parts = table.data.iter().cloned().zip(&table.parts);
            for (data, cells) in whole.chain(parts) {
                for (method, cell) in self.methods.iter().zip(cells) {
                    let Some(cell) = cell else { continue };
                    let names = [&table.name, &table.unit, &data, method];
                    let names: Vec<String> = names.iter().map(|n| quoted(n)).collect();
                    let _ = writeln!(text, "{},{}", names.join(","), cell.to_csv());
                }
            }
        }
        text
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
        let finding = |f: &super::Finding| json!({ "method": f.method, "outcome": format!("{:?}", f.outcome), "sentence": f.sentence });
        let primary = self.primary.map(|p| self.measures[p].name.clone());
        json!({
            "fitrun": env!("CARGO_PKG_VERSION"),
            "name": self.name,
            "command": self.command,
            "verdict": self.verdict(),
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
            "warnings": self.warnings,
            "fits_say": self.fits_say,
            "methods": self.methods,
            "baseline": self.methods.get(self.baseline),
            "primary": primary,
            "measures": self.measures.iter().map(measure).collect::<Vec<_>>(),
            "runs": self.runs.iter().map(run).collect::<Vec<_>>(),
        })
    }
}

pub(super) const LEGEND: &str = "Means over the elements that all methods have, with 95 % intervals by the bootstrap \
    over recordings, or over stretches of one; less is better.";

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

fn row(title: &str, cells: &[Option<Cell>]) -> Vec<String> {
    let cell = |c: &Option<Cell>| c.as_ref().map_or("–".into(), Cell::to_text);
    [vec![title.to_string()], cells.iter().map(cell).collect()].concat()
}

impl Cell {
    /// The mean with its interval, and a sign where the difference to the baseline is shown.
    pub(super) fn to_text(&self) -> String {
        let e = &self.mean;
        if e.n == 1 {
            return number(e.value);
        }
        let sign = self.difference.filter(|d| d.shown());
        let sign = sign.map_or("", |d| if d.mean.value < 0.0 { " ↓" } else { " ↑" });
        format!(
            "{} [{}, {}]{sign}",
            number(e.value),
            number(e.low),
            number(e.high)
        )
    }

    fn to_csv(&self) -> String {
        let e = &self.mean;
        let head = format!(
            "{},{},{:?},{},{},{:?},{:?}",
            e.n,
            self.missing,
            e.value,
            known(e.low),
            known(e.high),
            self.median,
            self.p95
        );
        match self.difference {
            None => format!("{head},,,,,,"),
            Some(d) => format!(
                "{head},{},{},{},{:?},{:?},{:?}",
                known(d.mean.value),
                known(d.mean.low),
                known(d.mean.high),
                d.p,
                d.adjusted,
                d.wins
            ),
        }
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

pub(super) fn adjusted(d: &super::Difference) -> String {
    p_value(d.adjusted).replace("= ", "")
}

/// Text that is no markup of Markdown, on one line.
fn plain(text: &str) -> String {
    text.replace('<', "&lt;").replace(['\n', '\r'], " ")
}

/// Empty where there is no number.
fn known(x: f64) -> String {
    if x.is_finite() {
        format!("{x:?}")
    } else {
        String::new()
    }
}

fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.into(),
    }
}
