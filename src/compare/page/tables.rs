//! The tables of the page.

use std::fmt::Write as _;

use super::html::{chip, escape};
use crate::compare::Comparison;
use crate::compare::judge::Cell;
use crate::compare::table::number;
use crate::compare::totals::Totals;
use crate::compare::verdict::p_value;

/// By the measure of the verdict: a method a line.
pub(super) fn summary(of: &Comparison) -> String {
    let Some(table) = of.primary.map(|p| &of.measures[p]) else {
        return String::new();
    };
    let title = escape(&table.title());
    let lacks = table.whole.iter().flatten().any(|c| c.missing > 0);
    let base = escape(&of.methods[of.baseline]);
    let mut rows = String::new();
    for (m, method) in of.methods.iter().enumerate() {
        let totals = of.totals(method);
        let class = if m == of.baseline {
            " class=\"base\""
        } else {
            ""
        };
        let _ = writeln!(
            rows,
            "<tr{class}><td>{}{}</td>{}{}</tr>",
            chip(m),
            short(method),
            measured(table.whole[m].as_ref(), lacks),
            effort(&totals, of.pace.is_some())
        );
    }
    format!(
        "<div class=\"wide\"><table class=\"sortable\">\n<thead><tr><th>method</th><th>{title}</th>\
         <th>median</th><th>95 % below</th><th>minus {base}</th><th>better in</th><th>p</th>{}\
         <th>converged</th><th>solve, s</th>{}<th>evaluations</th></tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>\n",
        if lacks { "<th>missing</th>" } else { "" },
        if of.pace.is_some() { AS_GOOD } else { "" }
    )
}

fn measured(cell: Option<&Cell>, lacks: bool) -> String {
    let Some(cell) = cell else {
        return "<td>–</td>".repeat(6 + usize::from(lacks));
    };
    let plain = |x: f64| format!("<td data-sort=\"{x}\">{}</td>", number(x));
    let difference = match cell.difference {
        None => "<td>–</td>".repeat(3),
        Some(d) => {
            let (class, sign) = match (d.shown(), d.mean.value < 0.0) {
                (false, _) => ("", ""),
                (true, true) => ("good", "▼ "),
                (true, false) => ("bad", "▲ "),
            };
            format!(
                "<td data-sort=\"{0}\" class=\"{class}\">{sign}{1} <span class=\"interval\">[{2}, {3}]</span></td>\
                 <td data-sort=\"{4}\">{4:.0} %</td><td data-sort=\"{5}\">{6}</td>",
                d.mean.value,
                number(d.mean.value),
                number(d.mean.low),
                number(d.mean.high),
                d.wins,
                d.adjusted,
                p_value(d.adjusted)
            )
        }
    };
    let missing = match lacks {
        true => format!("<td data-sort=\"{0}\">{0}</td>", cell.missing),
        false => String::new(),
    };
    [
        with_interval(cell),
        plain(cell.median),
        plain(cell.p95),
        difference,
        missing,
    ]
    .concat()
}

/// A name that leaves room for numbers; the whole of it shows when it is pointed at.
fn short(name: &str) -> String {
    const LONGEST: usize = 40;
    if name.chars().count() <= LONGEST {
        return escape(name);
    }
    let head: String = name.chars().take(LONGEST - 1).collect();
    format!("<span title=\"{}\">{}…</span>", escape(name), escape(&head))
}

fn with_interval(cell: &Cell) -> String {
    let e = &cell.mean;
    let interval = match e.n {
        1 => String::new(),
        _ => format!(
            " <span class=\"interval\">[{}, {}]</span>",
            number(e.low),
            number(e.high)
        ),
    };
    format!(
        "<td data-sort=\"{}\">{}{interval}</td>",
        e.value,
        number(e.value)
    )
}

/// The head of a column.
const AS_GOOD: &str = "<th title=\"seconds until all frames or rows cost as little, within 5 %, as where the \
    method ends that ends worst; of the terms that all methods have\">as good, s</th>";

fn effort(totals: &Totals, paced: bool) -> String {
    let others = match totals.others.as_str() {
        "" => String::new(),
        others => format!(" title=\"{}\"", escape(others)),
    };
    let converged = match (totals.elements, totals.failed) {
        (0, _) => "no results".into(),
        (all, 0) => format!("{} of {all}", totals.converged),
        (all, failed) => format!("{} of {all}, {failed} runs failed", totals.converged),
    };
    let as_good = match (paced, totals.as_good) {
        (false, _) => String::new(),
        (true, None) => "<td data-sort=\"1e99\">never</td>".into(),
        (true, Some(s)) => format!("<td data-sort=\"{s}\">{}</td>", number(s)),
    };
    let share = totals.converged as f64 / totals.elements.max(1) as f64;
    format!(
        "<td data-sort=\"{share}\"{others}>{converged}</td><td data-sort=\"{0}\">{1}</td>\
         {as_good}<td data-sort=\"{2}\">{2}</td>",
        totals.seconds,
        number(totals.seconds),
        totals.evaluations
    )
}

/// Every measure a line, and beneath it the data that it is of.
pub(super) fn measures(of: &Comparison) -> String {
    let mut rows = String::new();
    for table in &of.measures {
        line(&mut rows, "", &table.title(), &table.whole);
        for (data, part) in table.data.iter().zip(&table.parts) {
            line(&mut rows, " class=\"part\"", data, part);
        }
    }
    let heads = of.methods.iter().enumerate();
    let heads = heads.map(|(m, name)| format!("<th>{}{}</th>", chip(m), short(name)));
    format!(
        "<h2>All measures</h2>\n<div class=\"wide\"><table id=\"measures\">\n<thead><tr><th>measure</th>{}</tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>\n",
        heads.collect::<String>()
    )
}

fn line(rows: &mut String, class: &str, title: &str, cells: &[Option<Cell>]) {
    let cell = |c: &Option<Cell>| {
        let Some(c) = c else {
            return "<td>–</td>".to_string();
        };
        let sign = match c.difference.filter(|d| d.shown()) {
            Some(d) if d.mean.value < 0.0 => " <span class=\"good\">▼</span>",
            Some(_) => " <span class=\"bad\">▲</span>",
            None => "",
        };
        let cell = with_interval(c);
        match cell.contains(" <span class=\"interval\">") {
            true => cell.replacen(
                " <span class=\"interval\">",
                &format!("{sign} <span class=\"interval\">"),
                1,
            ),
            false => cell.replace("</td>", &format!("{sign}</td>")),
        }
    };
    let cells: String = cells.iter().map(cell).collect();
    let _ = writeln!(rows, "<tr{class}><td>{}</td>{cells}</tr>", escape(title));
}

/// What problems over tables found, with standard deviations.
pub(super) fn parameters(of: &Comparison) -> String {
    let mut names: Vec<(&String, &str)> = Vec::new();
    for run in &of.runs {
        for (name, found) in run.record["parameters"].as_object().into_iter().flatten() {
            if !names.iter().any(|(n, _)| *n == name) {
                names.push((name, found["unit"].as_str().unwrap_or("")));
            }
        }
    }
    if names.is_empty() {
        return String::new();
    }
    let of_run = |run: &crate::compare::CompareRun, name: &str| {
        let found = &run.record["parameters"][name];
        let Some(value) = found["value"].as_f64() else {
            return "<td>–</td>".to_string();
        };
        let sd = found["sd"].as_f64();
        let sd = sd.map_or(String::new(), |s| {
            format!(" <span class=\"interval\">± {}</span>", number(s))
        });
        format!("<td data-sort=\"{value}\">{}{sd}</td>", exact(value))
    };
    let row = |(name, unit): &(&String, &str)| {
        let unit = if unit.is_empty() {
            String::new()
        } else {
            format!(", {unit}")
        };
        let cells = of.runs.iter().map(|r| of_run(r, name)).collect::<String>();
        format!(
            "<tr><td>{}</td>{cells}</tr>\n",
            escape(&format!("{name}{unit}"))
        )
    };
    let heads = of
        .runs
        .iter()
        .map(|r| format!("<th>{}</th>", escape(&r.name())));
    format!(
        "<h2>Parameters</h2>\n<div class=\"wide\"><table class=\"sortable\">\n<thead><tr><th>parameter</th>{}</tr></thead>\n\
         <tbody>\n{}</tbody></table></div>\n",
        heads.collect::<String>(),
        names.iter().map(row).collect::<String>()
    )
}

/// Ten digits: parameters are compared to the last that counts.
fn exact(x: f64) -> String {
    let size = x.abs();
    match size {
        0.0 => "0".into(),
        s if (1e-3..1e7).contains(&s) => {
            let digits = (9 - s.log10().floor() as i32).clamp(0, 12) as usize;
            format!("{x:.digits$}")
        }
        _ => format!("{x:.9e}"),
    }
}
