//! The plot of errors over time: the median over points with a 5–95 % band, and the worst few points.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    Plot, PlotError, csv_number, csv_text,
    stats::{mean, quantile, sorted_finite},
    style::{self, BLUE, Canvas, Chart, FAINT, FONT, INK, Panel, SMALL, text, write},
    ticks::{Axis, short},
    time::{Bins, ErrorsByFrame, finite},
};

pub(crate) fn plot(series: &ErrorsByFrame) -> Result<Plot, PlotError> {
    let bins = Bins::new(&series.numbers, MOST_COLUMNS);
    let spread: Vec<Option<[f64; 3]>> = (0..bins.count()).map(|b| band(series, &bins, b)).collect();
    let worst: Vec<Line> = series
        .worst_first()
        .into_iter()
        .take(WORST)
        .map(|(point, mean)| Line::new(series, &bins, point, mean))
        .collect();
    Ok(Plot {
        svg: draw(series, &bins, &spread, &worst)?,
        csv: numbers(series, &bins, &spread, &worst),
    })
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 280.0;
const LEGEND: f64 = 200.0;
const MOST_COLUMNS: usize = 300;
const WORST: usize = 4;
const LONGEST_LABEL: usize = 24;

/// A point's mean error in each bin; NaN where not observed.
struct Line {
    label: String,
    mean: f64,
    values: Vec<f64>,
}

impl Line {
    fn new(series: &ErrorsByFrame, bins: &Bins, point: usize, overall: f64) -> Self {
        let column = series.errors.column(point);
        let of_bin = |bin: usize| {
            let seen = column.slice(ndarray::s![bins.frames(bin)]);
            mean(&finite(seen.iter()).collect::<Vec<_>>())
        };
        Self {
            label: series.labels[point].clone(),
            mean: overall,
            values: (0..bins.count()).map(of_bin).collect(),
        }
    }
}

/// 5, 50 and 95 % of all errors of a bin.
fn band(series: &ErrorsByFrame, bins: &Bins, bin: usize) -> Option<[f64; 3]> {
    let seen = series.errors.slice(ndarray::s![bins.frames(bin), ..]);
    let sorted = sorted_finite(seen.iter().copied());
    (!sorted.is_empty()).then(|| [0.05, 0.5, 0.95].map(|q| quantile(&sorted, q)))
}

fn numbers(
    series: &ErrorsByFrame,
    bins: &Bins,
    spread: &[Option<[f64; 3]>],
    worst: &[Line],
) -> String {
    let unit = &series.unit;
    let header = std::iter::once("frame".to_string())
        .chain(["p05", "median", "p95"].map(|name| format!("{name}_{unit}")))
        .chain(worst.iter().map(|line| format!("{}_{unit}", line.label)))
        .collect();
    let row = |(bin, spread): (usize, &Option<[f64; 3]>)| {
        let quantiles = spread.unwrap_or([f64::NAN; 3]).into_iter();
        let lines = worst.iter().map(|line| line.values[bin]);
        std::iter::once(bins.start(bin).to_string())
            .chain(quantiles.chain(lines).map(csv_number))
            .collect()
    };
    csv_text(std::iter::once(header).chain(spread.iter().enumerate().map(row)))
}

fn draw(
    series: &ErrorsByFrame,
    bins: &Bins,
    spread: &[Option<[f64; 3]>],
    worst: &[Line],
) -> Result<String, PlotError> {
    let drawn = spread.iter().flatten().map(|[.., high]| *high);
    let lines = worst.iter().flat_map(|line| line.values.iter().copied());
    let sorted = sorted_finite(drawn.chain(lines));
    let Some(&largest) = sorted.last() else {
        return style::empty_sheet("nothing was observed");
    };
    let top = top(&sorted);
    let panel = Panel {
        left: style::LEFT + 4.0,
        top: 34.0,
        width: WIDTH,
        height: HEIGHT,
        x_title: &bins.title("each place gathers"),
        y_title: &format!("error / {}", series.unit),
    };
    let size = (
        panel.left + WIDTH + LEGEND,
        panel.top + HEIGHT + style::BELOW + 8.0,
    );
    let title = match top < largest {
        true => format!(
            "{}; peaks up to {} {} are cut off",
            series.title(),
            short(largest),
            series.unit
        ),
        false => series.title(),
    };
    style::sheet((size.0 as i32, size.1 as i32), |canvas| {
        let mut chart = panel.draw(canvas, &bins.axis(), &Axis::linear(0.0..top, 6))?;
        draw_band(&mut chart, bins, spread, top)?;
        for (at, line) in worst.iter().enumerate() {
            draw_line(
                &mut chart,
                bins,
                &line.values,
                top,
                shade(at).stroke_width(5),
            )?;
        }
        let medians: Vec<f64> = spread
            .iter()
            .map(|s| s.map_or(f64::NAN, |s| s[1]))
            .collect();
        draw_line(&mut chart, bins, &medians, top, BLUE.stroke_width(9))?;
        write(
            canvas,
            &title,
            (panel.left, 16.0),
            text(FONT, INK, HPos::Left),
        )?;
        draw_legend(canvas, &panel, series, worst)
    })
}

/// The end of the axis: above all that is drawn, unless a few peaks would flatten the rest.
fn top(sorted: &[f64]) -> f64 {
    let (usual, largest) = (quantile(sorted, 0.95), sorted[sorted.len() - 1]);
    match largest > 4.0 * usual && usual > 0.0 {
        true => 2.0 * usual,
        false if largest > 0.0 => 1.04 * largest,
        false => 1.0,
    }
}

/// The palette after blue, which is the median's.
fn shade(place: usize) -> RGBColor {
    style::colour([3, 1, 2, 5][place % 4])
}

fn draw_band(
    chart: &mut Chart,
    bins: &Bins,
    spread: &[Option<[f64; 3]>],
    top: f64,
) -> Result<(), PlotError> {
    for run in runs(spread, Option::is_some) {
        let of = |which: usize| {
            let run = run.clone();
            run.filter_map(move |b| Some((b, spread[b]?[which].min(top))))
        };
        let (low, high): (Vec<_>, Vec<_>) = (of(0).collect(), of(2).collect());
        let widened = |(b, y): &(usize, f64)| match run.len() {
            // A lone bin is as wide as it is.
            1 => vec![
                (bins.start(*b) - 0.5 * bins.width(), *y),
                (bins.start(*b) + 0.5 * bins.width(), *y),
            ],
            _ => vec![(bins.middle(*b), *y)],
        };
        let back = high.iter().flat_map(widened).rev();
        let border: Vec<(f64, f64)> = low.iter().flat_map(widened).chain(back).collect();
        chart.draw_series([Polygon::new(border, BLUE.mix(0.18).filled())])?;
    }
    Ok(())
}

fn draw_line(
    chart: &mut Chart,
    bins: &Bins,
    values: &[f64],
    top: f64,
    style: ShapeStyle,
) -> Result<(), PlotError> {
    for run in runs(values, |x| x.is_finite()) {
        let points: Vec<(f64, f64)> = run.map(|b| (bins.middle(b), values[b].min(top))).collect();
        match points[..] {
            [only] => chart.draw_series([Circle::new(only, style.stroke_width, style.filled())])?,
            _ => chart.draw_series([PathElement::new(points, style)])?,
        };
    }
    Ok(())
}

/// Stretches without a gap.
fn runs<T>(values: &[T], there: impl Fn(&T) -> bool) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for at in (0..values.len()).filter(|&at| there(&values[at])) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

fn draw_legend(
    canvas: &Canvas,
    panel: &Panel,
    series: &ErrorsByFrame,
    worst: &[Line],
) -> Result<(), PlotError> {
    let left = panel.left + panel.width + 16.0;
    let mut row = panel.top + 8.0;
    let swatch = |row: f64, style: ShapeStyle| {
        let ends = [left, left + 18.0].map(|x| (style::units(x), style::units(row)));
        canvas.draw(&PathElement::new(ends.to_vec(), style))
    };
    let mut entry = |words: &str, style: ShapeStyle| -> Result<(), PlotError> {
        swatch(row, style)?;
        write(
            canvas,
            words,
            (left + 26.0, row),
            text(SMALL, INK, HPos::Left),
        )?;
        row += 19.0;
        Ok(())
    };
    entry("median over points", BLUE.stroke_width(9))?;
    entry("5–95 % of the points", BLUE.mix(0.18).stroke_width(40))?;
    for (at, line) in worst.iter().enumerate() {
        let label = style::shortened(&line.label, LONGEST_LABEL);
        entry(&label, shade(at).stroke_width(5))?;
    }
    let words = match worst {
        [] => return Ok(()),
        [only] => format!("mean {} {}", short(only.mean), series.unit),
        [first, .., last] => format!(
            "means {} to {} {}",
            short(first.mean),
            short(last.mean),
            series.unit
        ),
    };
    write(
        canvas,
        &words,
        (left + 26.0, row),
        text(SMALL, FAINT, HPos::Left),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn series(errors: Array2<f64>) -> ErrorsByFrame {
        let (frames, points) = errors.dim();
        ErrorsByFrame {
            term: "reproj".into(),
            unit: "px".into(),
            labels: (0..points).map(|p| format!("M{p}")).collect(),
            views: 4,
            numbers: (10..10 + frames as u64).collect(),
            errors,
        }
    }

    #[test]
    fn the_numbers_are_the_quantiles_over_points_and_the_worst_points() {
        let mut errors = Array2::from_shape_fn((3, 6), |(f, p)| (f + p) as f64);
        errors.row_mut(1).fill(f64::NAN);
        let plot = plot(&series(errors)).unwrap();
        let expected = "frame,p05_px,median_px,p95_px,M5_px,M4_px,M3_px,M2_px\n\
            10,0.25,2.5,4.75,5.0,4.0,3.0,2.0\n\
            11,,,,,,,\n\
            12,2.25,4.5,6.75,7.0,6.0,5.0,4.0\n";
        assert_eq!(plot.csv, expected);
        for label in [
            "reproj: error of each point (mean of 4 views)",
            "error / px",
            "M5",
            "means 6 to 3 px",
        ] {
            assert!(
                plot.svg.contains(&format!("\n{label}\n")),
                "`{label}` is missing"
            );
        }
    }

    #[test]
    fn a_few_peaks_do_not_flatten_the_rest() {
        let mut errors = Array2::from_elem((300, 3), 2.0);
        errors[[7, 0]] = 500.0;
        let plot = plot(&series(errors)).unwrap();
        assert!(plot.svg.contains("; peaks up to 500 px are cut off"));
        assert_eq!(top(&[1.0, 2.0, 3.0]), 1.04 * 3.0);
        assert_eq!(top(&[0.0, 0.0]), 1.0);
    }

    #[test]
    fn gaps_part_a_line_and_nothing_observed_is_said() {
        let there = [true, false, true, true, false, false];
        assert_eq!(runs(&there, |t| *t), [0..1, 2..4]);
        let none = plot(&series(Array2::from_elem((3, 2), f64::NAN))).unwrap();
        assert!(none.svg.contains("nothing was observed"));
    }
}
