//! The charts of the page.

use std::collections::HashMap;

use super::html::figure;
use crate::compare::Comparison;
use crate::compare::judge::{Cell, Element, MeasureTable};
use crate::compare::pace::Pace;
use crate::report::plot::PlotError;
use crate::report::plot::intervals::{self, Mark};
use crate::report::plot::lines::{self, Across, Line};

pub(super) fn charts(of: &Comparison) -> Result<String, PlotError> {
    let Some(table) = of.primary.map(|p| &of.measures[p]) else {
        return Ok(String::new());
    };
    let mut all = vec![means(of, table)?];
    all.extend(differences(of, table)?);
    if table.elements.len() > 2 {
        all.push(shares(of, table)?);
        all.push(along(of, table)?);
    }
    let named = |name: &str| of.measures.iter().find(|m| m.name == name);
    if let (Some(work), Some(failed)) = (named("evaluations"), named("unconverged")) {
        all.push(effort(of, work, failed)?);
    }
    if let Some(pace) = &of.pace {
        all.push(speed(of, pace)?);
    }
    Ok(format!(
        "<h2>Charts</h2>\n<div class=\"charts\">\n{}</div>\n",
        all.concat()
    ))
}

fn means(of: &Comparison, table: &MeasureTable) -> Result<String, PlotError> {
    let svg = intervals::draw(
        &table.called(),
        &table.unit,
        &marks(of, table, |c| Some(c.mean)),
    )?;
    Ok(figure(
        &svg,
        &format!("Mean {} with its 95 % interval", table.title()),
    ))
}

fn differences(of: &Comparison, table: &MeasureTable) -> Result<Option<String>, PlotError> {
    let marks = marks(of, table, |c| c.difference.map(|d| d.mean));
    if marks.is_empty() {
        return Ok(None);
    }
    let base = &of.methods[of.baseline];
    let svg = intervals::draw(&format!("difference to {base}"), &table.unit, &marks)?;
    let caption = format!(
        "Difference to {base} on the same {}s, with its 95 % interval; left of zero is better",
        table.axis
    );
    Ok(Some(figure(&svg, &caption)))
}

fn marks(
    of: &Comparison,
    table: &MeasureTable,
    estimate: impl Fn(&Cell) -> Option<crate::statistics::Estimate>,
) -> Vec<Mark> {
    let cells = of.methods.iter().zip(&table.whole).enumerate();
    let found = cells.filter_map(|(m, (name, cell))| {
        let e = estimate(cell.as_ref()?)?;
        Some(Mark {
            name: name.clone(),
            value: e.value,
            // Without an interval there is only the value.
            low: if e.low.is_finite() { e.low } else { e.value },
            high: if e.high.is_finite() { e.high } else { e.value },
            colour: m,
        })
    });
    found.collect()
}

/// Points that a line needs at most.
const POINTS: usize = 600;

/// The share of elements below each value: to the 99th percentile of all.
fn shares(of: &Comparison, table: &MeasureTable) -> Result<String, PlotError> {
    let mut all: Vec<f64> = table.values.iter().flatten().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let most = all.get(all.len() * 99 / 100).copied().unwrap_or(f64::MAX);
    let lines = lines_of(of, table, |values| cumulative(values, most));
    let title = table.title();
    let svg = lines::draw(
        (&title, Across::Linear),
        (&format!("share of {}s, %", table.axis), Some(102.0)),
        &lines,
    )?;
    let caption = format!(
        "Share of {}s that are at most so far off; higher is better (up to the 99th percentile)",
        table.axis
    );
    Ok(figure(&svg, &caption))
}

fn cumulative(values: &[f64], most: f64) -> Vec<(f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let points = sorted.iter().enumerate();
    let points = points.map(|(k, x)| (*x, 100.0 * (k + 1) as f64 / n));
    thinned(points.filter(|p| p.0 <= most).collect())
}

fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(POINTS).max(1);
    points.into_iter().step_by(step).collect()
}

/// The measure over the elements in their order; means of neighbours where there are many.
fn along(of: &Comparison, table: &MeasureTable) -> Result<String, PlotError> {
    let count = table.elements.len();
    let stretch = count.div_ceil(POINTS / 2).max(1);
    let smooth = |values: &[f64]| -> Vec<(f64, f64)> {
        let means = values.chunks(stretch).enumerate();
        let mean = |c: &[f64]| c.iter().sum::<f64>() / c.len() as f64;
        means
            .map(|(k, c)| (((k * stretch) + 1) as f64, mean(c)))
            .collect()
    };
    let lines = lines_of(of, table, smooth);
    let svg = lines::draw(
        (&format!("{}s in their order", table.axis), Across::Counts),
        (&table.title(), None),
        &lines,
    )?;
    let caption = match stretch {
        1 => format!("The same, {} by {}", table.axis, table.axis),
        n => format!("The same along the {}s, means of {n}", table.axis),
    };
    Ok(figure(&svg, &caption))
}

/// A data profile (Moré and Wild 2009): what part has converged after so many evaluations.
fn effort(
    of: &Comparison,
    work: &MeasureTable,
    failed: &MeasureTable,
) -> Result<String, PlotError> {
    let places = failed.elements.iter().enumerate();
    let places: HashMap<&Element, usize> = places.map(|(k, e)| (e, k)).collect();
    let all = of
        .methods
        .iter()
        .zip(&work.values)
        .zip(&failed.values)
        .enumerate();
    let lines = all.filter_map(|(m, ((name, work_of), failed_of))| {
        let (work_of, failed_of) = (work_of.as_ref()?, failed_of.as_ref()?);
        let pairs = work.elements.iter().zip(work_of);
        let converged = |e: &Element| places.get(e).is_some_and(|k| failed_of[*k] == 0.0);
        let solved: Vec<f64> = pairs
            .filter(|(e, _)| converged(e))
            .map(|(_, n)| *n)
            .collect();
        let share = solved.len() as f64 / work.elements.len().max(1) as f64;
        let points = cumulative(&solved, f64::MAX).into_iter();
        Some(Line {
            name,
            colour: m,
            points: points.map(|(x, y)| (x, share * y)).collect(),
        })
    });
    let lines: Vec<Line<'_>> = lines.collect();
    let svg = lines::draw(
        ("evaluations", Across::Linear),
        (&format!("share of {}s, %", work.axis), Some(102.0)),
        &lines,
    )?;
    Ok(figure(
        &svg,
        &format!(
            "Share of {}s that converged within so many evaluations",
            work.axis
        ),
    ))
}

/// The same against time: what part is as good as it is at the end of the worst method.
fn speed(of: &Comparison, pace: &Pace) -> Result<String, PlotError> {
    let all = of.methods.iter().zip(&pace.seconds).enumerate();
    let lines = all.map(|(m, (name, seconds))| {
        let known: Vec<f64> = seconds.iter().flatten().copied().collect();
        let share = known.len() as f64 / seconds.len() as f64;
        let points = cumulative(&known, f64::MAX).into_iter();
        Line {
            name,
            colour: m,
            points: points.map(|(x, y)| (x, share * y)).collect(),
        }
    });
    let lines: Vec<Line<'_>> = lines.collect();
    let svg = lines::draw(
        ("seconds", Across::Linear),
        (&format!("share of {}s, %", pace.axis), Some(102.0)),
        &lines,
    )?;
    let caption = format!(
        "Share of {}s that within so many seconds cost as little as at the end of the method that ends worst \
         (within 5 %, of the terms that all methods have)",
        pace.axis
    );
    Ok(figure(&svg, &caption))
}

fn lines_of<'a>(
    of: &'a Comparison,
    table: &MeasureTable,
    points: impl Fn(&[f64]) -> Vec<(f64, f64)>,
) -> Vec<Line<'a>> {
    let all = of.methods.iter().zip(&table.values).enumerate();
    let known = all.filter_map(|(m, (name, values))| {
        Some(Line {
            name,
            colour: m,
            points: points(values.as_ref()?),
        })
    });
    known.collect()
}
