//! The comparison as text and Markdown.

use std::fmt::Write as _;

use super::Comparison;
use super::judge::Cell;
use super::totals::Totals;
use crate::report::table::{aligned, markdown, plain};

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

impl Comparison {
    /// For the terminal: the verdict, then the measures.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for line in self.said() {
            let _ = writeln!(text, "{line}");
        }
        let _ = write!(text, "\n{}", aligned(&self.rows()));
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
        let mut said = vec![self.headline()];
        said.extend(self.findings.iter().map(|f| f.sentence.clone()));
        said.extend(self.warnings.iter().map(|w| format!("note: {w}")));
        said
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
        if self.pace.is_some() {
            add("as good as the worst, s", &|t| {
                t.as_good.map_or("never".into(), number)
            });
        }
        add("evaluations in all", &|t| t.evaluations.to_string());
        rows
    }

    pub(super) fn to_markdown(&self) -> String {
        let mut text = format!("# {}\n\n", plain(&self.name));
        for line in self.said() {
            let _ = writeln!(text, "- {}", plain(&line));
        }
        let _ = write!(text, "\n{}", markdown(&self.rows()));
        let _ = writeln!(text, "\n{}\n\n```\n{}\n```", LEGEND, self.command);
        text
    }
}

pub(super) const LEGEND: &str = "Means over the elements that all methods have, with 95 % intervals by the bootstrap \
    over recordings, or over stretches of one; less is better.";

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
}
