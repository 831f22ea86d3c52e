//! The plot of the loss terms: what share of the cost each has, iteration after iteration, and what remains of it.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    Plot, PlotError, csv_number, csv_text,
    stages::Stages,
    style::{self, Canvas, Chart, FONT, INK, Panel, SMALL, text, write},
    ticks::{Axis, short},
};

/// The mean over frames of every term's contribution to the cost.
pub(crate) struct TermSeries {
    pub names: Vec<String>,
    pub stages: Vec<TermStage>,
}

/// Samples (iteration, one value per term) in the order of the iterations.
pub(crate) struct TermStage {
    pub name: String,
    pub samples: Vec<(u32, Vec<f64>)>,
}

/// Stacked shares of the cost beside bars of the final values; the bars are the legend.
pub(crate) fn plot(series: &TermSeries) -> Result<Plot, PlotError> {
    let header = ["stage", "iteration"]
        .map(String::from)
        .into_iter()
        .chain(series.names.iter().cloned())
        .collect();
    let rows = series.stages.iter().flat_map(|stage| {
        stage.samples.iter().map(move |(iteration, values)| {
            let numbers = values.iter().copied().map(csv_number);
            [stage.name.clone(), iteration.to_string()]
                .into_iter()
                .chain(numbers)
                .collect()
        })
    });
    let csv = csv_text(std::iter::once(header).chain(rows));
    Ok(Plot {
        svg: draw(series)?,
        csv,
    })
}

const WIDTH: f64 = 430.0;
const BARS: f64 = 190.0;
const ROW: f64 = 38.0;
const SAMPLES_PER_STAGE: usize = 400;

fn draw(series: &TermSeries) -> Result<String, PlotError> {
    let Some((_, last)) = series
        .stages
        .iter()
        .rev()
        .find_map(|stage| stage.samples.last())
    else {
        return style::empty_sheet("nothing was solved");
    };
    if series.names.is_empty() {
        return style::empty_sheet("there are no terms");
    }
    let lengths = series
        .stages
        .iter()
        .map(|stage| (stage.name.clone(), length(stage)));
    let stages = Stages::new(lengths);
    let top = stages.headroom(WIDTH) + 6.0;
    let height = (series.names.len() as f64 * ROW).max(290.0);
    let panel = Panel {
        left: style::LEFT,
        top,
        width: WIDTH,
        height,
        x_title: "iteration",
        y_title: "share of the cost",
    };
    let bars_left = panel.left + WIDTH + 34.0;
    let size = (bars_left + BARS + 130.0, top + height + style::BELOW + 8.0);
    style::sheet((size.0 as i32, size.1 as i32), |canvas| {
        draw_shares(canvas, series, &stages, &panel)?;
        write(
            canvas,
            "at the end",
            (bars_left, top - 12.0),
            text(FONT, INK, HPos::Left),
        )?;
        draw_bars(canvas, &series.names, last, (bars_left, top))
    })
}

/// A stage of one sample is drawn one iteration wide.
fn length(stage: &TermStage) -> f64 {
    stage
        .samples
        .last()
        .map_or(0.0, |(iteration, _)| f64::from(*iteration).max(1.0))
}

fn draw_shares(
    canvas: &Canvas,
    series: &TermSeries,
    stages: &Stages,
    panel: &Panel,
) -> Result<(), PlotError> {
    let y = Axis {
        range: 0.0..1.0,
        ticks: [0, 25, 50, 75, 100]
            .map(|percent| (f64::from(percent) / 100.0, format!("{percent} %")))
            .to_vec(),
        minor: Vec::new(),
    };
    let mut chart = panel.draw(canvas, &Axis::counts(stages.range(), 6), &y)?;
    for (stage, start) in series.stages.iter().zip(&stages.starts) {
        draw_stage(&mut chart, stage, *start, series.names.len())?;
    }
    stages.draw(canvas, &mut chart, panel, &y)
}

fn draw_stage(
    chart: &mut Chart,
    stage: &TermStage,
    start: f64,
    terms: usize,
) -> Result<(), PlotError> {
    let mut borders: Vec<(f64, Vec<f64>)> = thinned(&stage.samples)
        .map(|(iteration, values)| (start + f64::from(*iteration), stacked(values, terms)))
        .collect();
    if let [(x, only)] = &borders[..] {
        borders.push(((start + length(stage)).max(*x), only.clone()));
        borders[0].0 = start;
    }
    for term in 0..terms {
        let above = borders.iter().map(|(x, sums)| (*x, sums[term + 1]));
        let below = borders.iter().rev().map(|(x, sums)| (*x, sums[term]));
        chart.draw_series([Polygon::new(
            above.chain(below).collect::<Vec<_>>(),
            style::colour(term).filled(),
        )])?;
    }
    for term in 1..terms {
        let edge: Vec<(f64, f64)> = borders.iter().map(|(x, sums)| (*x, sums[term])).collect();
        chart.draw_series([PathElement::new(edge, WHITE.stroke_width(2))])?;
    }
    Ok(())
}

/// Running sums of the terms' shares, from 0 to 1; what is negative or not finite has no share.
fn stacked(values: &[f64], terms: usize) -> Vec<f64> {
    let parts = (0..terms).map(|term| values.get(term).map_or(0.0, |value| part(*value)));
    let total: f64 = parts.clone().sum();
    let mut sums = vec![0.0];
    for part in parts {
        sums.push(sums[sums.len() - 1] + if total > 0.0 { part / total } else { 0.0 });
    }
    sums
}

fn part(value: f64) -> f64 {
    if value.is_finite() {
        value.max(0.0)
    } else {
        0.0
    }
}

/// At most about `SAMPLES_PER_STAGE` of the samples, the first and the last among them.
fn thinned(samples: &[(u32, Vec<f64>)]) -> impl Iterator<Item = &(u32, Vec<f64>)> {
    let every = samples.len().div_ceil(SAMPLES_PER_STAGE).max(1);
    let last = samples.len().saturating_sub(1);
    samples
        .iter()
        .enumerate()
        .filter(move |(at, _)| at % every == 0 || *at == last)
        .map(|(_, sample)| sample)
}

/// Name, bar and number per term, the uppermost layer of the stack on top.
fn draw_bars(
    canvas: &Canvas,
    names: &[String],
    values: &[f64],
    (left, top): (f64, f64),
) -> Result<(), PlotError> {
    let total: f64 = values.iter().map(|value| part(*value)).sum();
    let largest = values
        .iter()
        .map(|value| part(*value))
        .fold(f64::MIN_POSITIVE, f64::max);
    for (at, term) in (0..names.len()).rev().enumerate() {
        let value = values.get(term).copied().unwrap_or(f64::NAN);
        let (row, length) = (
            top + at as f64 * ROW,
            (BARS * part(value) / largest).max(2.0),
        );
        write(
            canvas,
            &style::shortened(&names[term], 40),
            (left, row + 9.0),
            text(SMALL, INK, HPos::Left),
        )?;
        if value.is_nan() {
            let absent = text(SMALL, style::FAINT, HPos::Left);
            write(canvas, "not in the last stage", (left, row + 23.5), absent)?;
            continue;
        }
        let corners = [(left, row + 18.0), (left + length, row + 29.0)]
            .map(|(x, y)| (style::units(x), style::units(y)));
        canvas.draw(&Rectangle::new(corners, style::colour(term).filled()))?;
        let percent = if total > 0.0 {
            100.0 * part(value) / total
        } else {
            0.0
        };
        let number = format!(
            "{}  ({} %)",
            short(value),
            short((10.0 * percent).round() / 10.0)
        );
        write(
            canvas,
            &number,
            (left + length + 6.0, row + 23.5),
            text(SMALL, INK, HPos::Left),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(samples: Vec<(u32, Vec<f64>)>) -> TermSeries {
        let names = ["markers", "pose prior"].map(String::from).to_vec();
        TermSeries {
            names,
            stages: vec![TermStage {
                name: "pose".to_string(),
                samples,
            }],
        }
    }

    #[test]
    fn the_numbers_are_the_samples_and_the_bars_show_the_last() {
        let plot = plot(&series(vec![(0, vec![9.0, 1.0]), (5, vec![0.75, 0.25])])).unwrap();
        assert_eq!(
            plot.csv,
            "stage,iteration,markers,pose prior\npose,0,9.0,1.0\npose,5,0.75,0.25\n"
        );
        for label in [
            "markers",
            "pose prior",
            "0.75  (75 %)",
            "0.25  (25 %)",
            "share of the cost",
        ] {
            assert!(
                plot.svg.contains(&format!("\n{label}\n")),
                "`{label}` is missing"
            );
        }
    }

    #[test]
    fn a_term_that_has_no_part_in_the_last_stage_is_not_drawn_as_nothing() {
        let plot = plot(&series(vec![(0, vec![9.0, f64::NAN])])).unwrap();
        assert!(plot.svg.contains("\nnot in the last stage\n"));
        assert!(!plot.svg.contains("0  (0 %)"));
    }

    #[test]
    fn shares_add_up_to_one_without_what_is_negative_or_missing() {
        assert_eq!(
            stacked(&[1.0, -2.0, f64::NAN, 3.0], 4),
            [0.0, 0.25, 0.25, 0.25, 1.0]
        );
        assert_eq!(stacked(&[0.0, 0.0], 2), [0.0; 3]);
    }

    #[test]
    fn no_sample_or_one_gives_a_plot() {
        assert!(
            plot(&series(vec![]))
                .unwrap()
                .svg
                .contains("nothing was solved")
        );
        assert!(
            plot(&series(vec![(0, vec![f64::NAN, 0.0])]))
                .unwrap()
                .svg
                .contains("0  (0 %)")
        );
    }
}
