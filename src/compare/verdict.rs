//! What is to be said: which method is better by the measure that counts, and by how much.

use super::CompareRun;
use super::judge::{Cell, MeasureTable};
use super::table::number;
use crate::diagnostic::nearest;
use crate::error::Error;
use crate::report::measures::HELD_OUT;

/// What is said of a method beside the baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub method: String,
    pub verdict: Verdict,
    pub sentence: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Better,
    Worse,
    /// Chance may be the reason of what is seen.
    NoDifference,
    /// There is nothing to compare.
    Missing,
}

/// The measure that is asked for; else the first that is held out, of the data, or the cost.
pub(super) fn primary(
    measures: &[MeasureTable],
    wanted: Option<&str>,
) -> Result<Option<usize>, Error> {
    if let Some(wanted) = wanted.filter(|_| !measures.is_empty()) {
        known(wanted, measures.iter().map(|m| m.name.as_str()))?;
        return Ok(measures.iter().position(|m| m.name == wanted));
    }
    // A term's name stands before the measure's.
    let of = |what: &&str| {
        let last = |m: &MeasureTable| m.name.rsplit('.').next().unwrap_or("").starts_with(*what);
        measures.iter().position(last)
    };
    let usual = [
        HELD_OUT,
        "mpjpe",
        "marker",
        "reprojection",
        "residual",
        "cost",
    ];
    Ok(usual.iter().find_map(of))
}

/// A mistake where no measure is called so.
pub(super) fn known<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let mut names: Vec<&str> = names.collect();
    names.dedup();
    if names.contains(&wanted) {
        return Ok(());
    }
    let near = nearest(wanted, names.iter().copied());
    let near = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
    let names = names.join(", ");
    Err(Error::Compare {
        mistakes: vec![format!(
            "no run has the measure `{wanted}`{near}; there are {names}"
        )],
    })
}

pub(super) fn findings(
    measures: &[MeasureTable],
    primary: Option<usize>,
    methods: &[String],
    baseline: usize,
    runs: &[CompareRun],
) -> Vec<Finding> {
    let Some(table) = primary.map(|p| &measures[p]) else {
        return Vec::new();
    };
    let others = methods.iter().enumerate().filter(|(m, _)| *m != baseline);
    let base = &methods[baseline];
    let of = |(m, method): (usize, &String)| {
        let (verdict, sentence) = match &table.whole[m] {
            Some(cell) => compared(table, cell, method, base),
            None => (Verdict::Missing, nothing(method, runs)),
        };
        let sentence = sentence + &unconverged(method, &table.axis, runs);
        Finding {
            method: method.clone(),
            verdict,
            sentence,
        }
    };
    others.map(of).collect()
}

/// Said where not all has converged.
fn unconverged(method: &str, axis: &str, runs: &[CompareRun]) -> String {
    let of_method = runs.iter().filter(|r| r.method == method);
    let count = |key: &str| {
        let counts = of_method.clone().filter_map(|r| r.record[key].as_u64());
        counts.sum::<u64>()
    };
    let (converged, all) = (count("converged"), count("frames"));
    let what = if axis == "frame" { "frames" } else { "fits" };
    match converged == all {
        true => String::new(),
        false => format!(" ({converged} of {all} {what} converged)"),
    }
}

/// With fewer clusters no p value of a sign-flip test is below 0.05.
pub(super) const ENOUGH: usize = 6;

fn nothing(method: &str, runs: &[CompareRun]) -> String {
    let mut failed = runs.iter().filter(|r| r.method == method);
    let reason = failed.find_map(|r| r.dir.as_ref().err());
    match reason {
        Some(reason) => format!("{method}: no results: {reason}"),
        None => format!("{method}: nothing was measured"),
    }
}

fn compared(table: &MeasureTable, cell: &Cell, method: &str, base: &str) -> (Verdict, String) {
    let unit = match table.unit.as_str() {
        "" => String::new(),
        unit => format!(" {unit}"),
    };
    let mean = number(cell.mean.value);
    let Some(d) = cell.difference else {
        return (
            Verdict::Missing,
            format!("{method}: {mean}{unit}; {base} has no results to compare with"),
        );
    };
    let by = number(d.mean.value.abs());
    let side = if d.mean.value < 0.0 { "less" } else { "more" };
    if table.axis == "fit" {
        // One number has no chance in it.
        return match d.wins {
            50.0 => (
                Verdict::NoDifference,
                format!("{method}: {mean}{unit}, as {base}"),
            ),
            wins => (
                if wins > 50.0 {
                    Verdict::Better
                } else {
                    Verdict::Worse
                },
                format!("{method}: {mean}{unit}, {by} {side} than {base}"),
            ),
        };
    }
    let (low, high) = (number(d.mean.low), number(d.mean.high));
    if d.clusters < ENOUGH {
        let (n, axis) = (d.clusters, &table.axis);
        let parts = if n == 1 { "part" } else { "parts" };
        return (
            Verdict::NoDifference,
            format!(
                "{method}: {mean}{unit}, {by} {side} than {base}; too few to tell: the {axis}s are {n} {parts} \
                 that know nothing of each other, and a test needs {ENOUGH}"
            ),
        );
    }
    if !d.shown() {
        return (
            Verdict::NoDifference,
            format!(
                "{method}: {mean}{unit}; no difference to {base} shown ({} [{low}, {high}], {})",
                number(d.mean.value),
                p_said(d.adjusted)
            ),
        );
    }
    let verdict = if d.mean.value < 0.0 {
        Verdict::Better
    } else {
        Verdict::Worse
    };
    let sentence = format!(
        "{method}: {mean}{unit}, {by} {side} than {base} [{low}, {high}]; better in {:.0} % of {}s ({})",
        d.wins,
        table.axis,
        p_said(d.adjusted)
    );
    (verdict, sentence)
}

/// As tables have it.
pub(super) fn p_value(p: f64) -> String {
    match p {
        p if p < 0.001 => "< 0.001".into(),
        p if p < 0.1 => format!("{p:.3}"),
        p => format!("{p:.2}"),
    }
}

/// As sentences have it.
fn p_said(p: f64) -> String {
    let value = p_value(p);
    let sign = if value.starts_with('<') { "" } else { "= " };
    format!("p {sign}{value}")
}
