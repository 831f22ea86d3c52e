//! The plot of errors per joint: a median, its quartiles and a 5–95 % whisker for each label, the smallest first.

use plotters::{element::DashedPathElement, prelude::*, style::text_anchor::HPos};

use super::{
    Plot, PlotError, csv_number, csv_text,
    stats::{mean, quantile, sorted_finite},
    style::{self, BLUE, Canvas, FAINT, FONT, INK, Panel, SMALL, VERMILLION, text, write},
    ticks::{Axis, short},
};

/// Errors of all frames, per label in the order of `labels`; a label without errors was not observed.
pub(crate) struct PerJointErrors {
    pub unit: String,
    pub labels: Vec<String>,
    pub errors: Vec<Vec<f64>>,
}

/// One row per label, sorted by the median, and the mean of all errors as a dashed line.
pub(crate) fn plot(series: &PerJointErrors) -> Result<Plot, PlotError> {
    let labelled = series.labels.iter().zip(&series.errors);
    let mut rows: Vec<Row> = labelled
        .map(|(label, errors)| Row::new(label, errors.iter().copied()))
        .collect();
    rows.sort_by(|a, b| a.rank().total_cmp(&b.rank()));
    let overall = Row::new("all", series.errors.iter().flatten().copied());
    let header = ["mean", "p05", "p25", "median", "p75", "p95"]
        .map(|name| format!("{name}_{}", series.unit));
    let header = ["label", "observations"]
        .map(String::from)
        .into_iter()
        .chain(header)
        .collect();
    let numbers = rows.iter().chain([&overall]).map(Row::csv_row);
    let csv = csv_text(std::iter::once(header).chain(numbers));
    Ok(Plot {
        svg: draw(&rows, &overall, &series.unit)?,
        csv,
    })
}

/// The height of a row, and of one among more than [`MANY`].
const ROW: f64 = 20.0;
const LOW_ROW: f64 = 16.0;
const MANY: usize = 30;
const WIDTH: f64 = 420.0;
const LONGEST_LABEL: usize = 34;

struct Row {
    label: String,
    count: usize,
    spread: Option<Spread>,
}

#[derive(Clone, Copy)]
struct Spread {
    mean: f64,
    /// 5, 25, 50, 75 and 95 %.
    quantiles: [f64; 5],
}

impl Row {
    fn new(label: &str, errors: impl Iterator<Item = f64>) -> Self {
        let sorted = sorted_finite(errors);
        let spread = (!sorted.is_empty()).then(|| Spread {
            mean: mean(&sorted),
            quantiles: [0.05, 0.25, 0.5, 0.75, 0.95].map(|q| quantile(&sorted, q)),
        });
        Self {
            label: label.to_string(),
            count: sorted.len(),
            spread,
        }
    }

    fn rank(&self) -> f64 {
        self.spread
            .map_or(f64::INFINITY, |spread| spread.quantiles[2])
    }

    fn csv_row(&self) -> Vec<String> {
        let numbers = self.spread.map_or(
            [f64::NAN; 6],
            |Spread {
                 mean,
                 quantiles: [a, b, c, d, e],
             }| [mean, a, b, c, d, e],
        );
        [self.label.clone(), self.count.to_string()]
            .into_iter()
            .chain(numbers.map(csv_number))
            .collect()
    }
}

fn draw(rows: &[Row], overall: &Row, unit: &str) -> Result<String, PlotError> {
    let Some(all) = overall.spread else {
        return style::empty_sheet("nothing was observed");
    };
    let longest = rows
        .iter()
        .filter_map(|row| row.spread)
        .map(|spread| spread.quantiles[4])
        .fold(all.mean, f64::max);
    let x = Axis::linear(0.0..if longest > 0.0 { longest * 1.03 } else { 1.0 }, 6);
    let row_height = if rows.len() > MANY { LOW_ROW } else { ROW };
    let y = Axis {
        range: rows.len() as f64..0.0,
        ticks: Vec::new(),
        minor: Vec::new(),
    };
    let names: Vec<String> = rows
        .iter()
        .map(|row| style::shortened(&row.label, LONGEST_LABEL))
        .collect();
    let left = names
        .iter()
        .map(|name| style::text_width(name, SMALL))
        .fold(style::LEFT, f64::max)
        + 20.0;
    let title = format!("error / {unit} (median, 25–75 %, 5–95 %)");
    let panel = Panel {
        left,
        top: 28.0,
        width: WIDTH,
        height: rows.len() as f64 * row_height,
        x_title: &title,
        y_title: "",
    };
    let size = (
        left + WIDTH + 24.0,
        panel.top + panel.height + style::BELOW + 8.0,
    );
    style::sheet((size.0 as i32, size.1 as i32), |canvas| {
        panel.draw(canvas, &x, &y)?;
        for (at, (row, name)) in rows.iter().zip(&names).enumerate() {
            let height = panel.top + (at as f64 + 0.5) * row_height;
            let shade = if row.spread.is_some() { INK } else { FAINT };
            write(
                canvas,
                name,
                (left - 8.0, height),
                text(SMALL, shade, HPos::Right),
            )?;
            match row.spread {
                Some(spread) => draw_spread(
                    canvas,
                    spread.quantiles.map(|q| panel.column(&x, q)),
                    height,
                )?,
                None => write(
                    canvas,
                    "not observed",
                    (left + 8.0, height),
                    text(SMALL, FAINT, HPos::Left),
                )?,
            }
        }
        draw_mean(
            canvas,
            &panel,
            panel.column(&x, all.mean),
            &format!("mean {} {unit}", short(all.mean)),
        )
    })
}

fn draw_spread(canvas: &Canvas, columns: [f64; 5], height: f64) -> Result<(), PlotError> {
    let at = |x: f64, y: f64| (style::units(x), style::units(height + y));
    let [low, lower, median, upper, high] = columns;
    canvas.draw(&PathElement::new(
        vec![at(low, 0.0), at(high, 0.0)],
        BLUE.stroke_width(5),
    ))?;
    for end in [low, high] {
        canvas.draw(&PathElement::new(
            vec![at(end, -3.0), at(end, 3.0)],
            BLUE.stroke_width(5),
        ))?;
    }
    canvas.draw(&Rectangle::new(
        [at(lower, -5.5), at(upper, 5.5)],
        RGBColor(153, 199, 224).filled(),
    ))?;
    canvas.draw(&Circle::new(
        at(median, 0.0),
        style::units(3.6),
        WHITE.filled(),
    ))?;
    canvas.draw(&Circle::new(
        at(median, 0.0),
        style::units(2.8),
        BLUE.filled(),
    ))?;
    Ok(())
}

fn draw_mean(canvas: &Canvas, panel: &Panel, column: f64, words: &str) -> Result<(), PlotError> {
    let ends = [panel.top - 4.0, panel.top + panel.height]
        .map(|y| (style::units(column), style::units(y)));
    let line = DashedPathElement::new(
        ends,
        style::units(5.0),
        style::units(4.0),
        VERMILLION.stroke_width(6),
    );
    canvas.draw(&line)?;
    let half = style::text_width(words, FONT) / 2.0;
    let middle = column.clamp(panel.left + half, panel.left + panel.width - half);
    write(
        canvas,
        words,
        (middle, panel.top - 14.0),
        text(FONT, VERMILLION, HPos::Center),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(errors: Vec<Vec<f64>>) -> PerJointErrors {
        let labels = ["left_knee", "right_ankle", "head"]
            .map(String::from)
            .to_vec();
        PerJointErrors {
            unit: "mm".to_string(),
            labels,
            errors,
        }
    }

    #[test]
    fn labels_are_sorted_by_their_median_and_the_unobserved_come_last() {
        let plot = plot(&series(vec![
            vec![30.0, 10.0, 20.0, f64::NAN],
            vec![],
            vec![5.0],
        ]))
        .unwrap();
        let expected = "label,observations,mean_mm,p05_mm,p25_mm,median_mm,p75_mm,p95_mm\n\
            head,1,5.0,5.0,5.0,5.0,5.0,5.0\n\
            left_knee,3,20.0,11.0,15.0,20.0,25.0,29.0\n\
            right_ankle,0,,,,,,\n\
            all,4,16.25,5.75,8.75,15.0,22.5,28.5\n";
        assert_eq!(plot.csv, expected);
        for label in [
            "left_knee",
            "not observed",
            "error / mm (median, 25–75 %, 5–95 %)",
            "mean 16.2 mm",
        ] {
            assert!(
                plot.svg.contains(&format!("\n{label}\n")),
                "`{label}` is missing"
            );
        }
    }

    #[test]
    fn without_an_error_the_plot_says_that_nothing_was_observed() {
        let none = plot(&series(vec![vec![], vec![f64::NAN], vec![]])).unwrap();
        assert!(none.svg.contains("nothing was observed"));
        assert!(
            plot(&series(vec![vec![0.0], vec![], vec![]]))
                .unwrap()
                .svg
                .contains("mean 0 mm")
        );
    }
}
