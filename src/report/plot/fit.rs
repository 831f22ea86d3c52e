//! A model through what was observed: points and a line, for one group of rows or for several.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    Plot, PlotError, csv_number, csv_text,
    style::{self, Canvas, INK, Panel, SMALL, text, write},
    ticks::Axis,
};

/// What is drawn, and what the axes are called.
pub(crate) struct FitSeries {
    pub groups: Vec<Group>,
    pub x_title: String,
    pub y_title: String,
}

/// Rows that have a line of their own.
pub(crate) struct Group {
    /// Empty where it is the only one.
    pub name: String,
    /// Place, observed and predicted.
    pub points: Vec<[f64; 3]>,
    /// Places and values of the model.
    pub line: Vec<[f64; 2]>,
}

const PANEL: (f64, f64) = (560.0, 340.0);
const TOP: f64 = 14.0;
const LEGEND_ROW: f64 = 18.0;
/// Points beyond which they are drawn small.
const MANY: usize = 200;

pub(crate) fn plot(series: &FitSeries) -> Result<Plot, PlotError> {
    let rows = match series.groups.len() {
        0 | 1 => 0,
        n => n.div_ceil(3),
    };
    let size = (
        PANEL.0 + style::LEFT + 28.0,
        TOP + PANEL.1 + style::BELOW + rows as f64 * LEGEND_ROW + 18.0,
    );
    let svg = match (series.range(0), series.range(1)) {
        (Some(x), Some(y)) => style::sheet((size.0 as i32, size.1 as i32), |canvas| {
            series.draw(canvas, Axis::linear(x, 7), Axis::linear(y, 6))
        })?,
        _ => style::empty_sheet("no row has a number")?,
    };
    let csv = series.csv();
    Ok(Plot { svg, csv })
}

impl FitSeries {
    /// The extent of finite places (0) or values (1), with a margin.
    fn range(&self, axis: usize) -> Option<std::ops::Range<f64>> {
        let of_group = |g: &Group| {
            let points = g.points.iter().map(|p| p[axis]);
            points
                .chain(g.line.iter().map(|p| p[axis]))
                .collect::<Vec<f64>>()
        };
        let all = self.groups.iter().flat_map(of_group);
        let finite = all.filter(|x| x.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| {
            (l.min(x), h.max(x))
        });
        let margin = 0.04 * (high - low);
        (low <= high).then_some(low - margin..high + margin)
    }

    fn draw(&self, canvas: &Canvas, x: Axis, y: Axis) -> Result<(), PlotError> {
        let panel = Panel {
            left: style::LEFT,
            top: TOP,
            width: PANEL.0,
            height: PANEL.1,
            x_title: &self.x_title,
            y_title: &self.y_title,
        };
        let mut chart = panel.draw(canvas, &x, &y)?;
        let count: usize = self.groups.iter().map(|g| g.points.len()).sum();
        let size = style::units(if count > MANY { 1.5 } else { 3.5 });
        for (at, group) in self.groups.iter().enumerate() {
            let colour = style::colour(at);
            for run in group.line.split(|p| !p[1].is_finite()) {
                let run: Vec<(f64, f64)> = run.iter().map(|p| (p[0], p[1])).collect();
                if run.len() > 1 {
                    chart.draw_series([PathElement::new(run, colour.stroke_width(7))])?;
                }
            }
            let finite = group
                .points
                .iter()
                .filter(|p| p[0].is_finite() && p[1].is_finite());
            let dot = |p: &[f64; 3]| Circle::new((p[0], p[1]), size, colour.mix(0.8).filled());
            chart.draw_series(finite.map(dot))?;
        }
        self.draw_legend(canvas)
    }

    fn draw_legend(&self, canvas: &Canvas) -> Result<(), PlotError> {
        if self.groups.len() < 2 {
            return Ok(());
        }
        for (at, group) in self.groups.iter().enumerate() {
            let x = style::LEFT + (at % 3) as f64 * PANEL.0 / 3.0;
            let y = TOP + PANEL.1 + style::BELOW + 14.0 + (at / 3) as f64 * LEGEND_ROW;
            let dot = (style::units(x + 8.0), style::units(y));
            let colour = style::colour(at).filled();
            canvas.draw(&Circle::new(dot, style::units(4.0), colour))?;
            let words = style::shortened(&group.name, 22);
            write(canvas, &words, (x + 18.0, y), text(SMALL, INK, HPos::Left))?;
        }
        Ok(())
    }

    /// Of the rows that are drawn: group, place, observed, predicted.
    fn csv(&self) -> String {
        let head = ["group", &self.x_title, &self.y_title, "predicted"];
        let head = head.map(String::from).to_vec();
        let rows = self.groups.iter().flat_map(|group| {
            let row = |p: &[f64; 3]| {
                let numbers = p.iter().map(|x| csv_number(*x));
                std::iter::once(group.name.clone()).chain(numbers).collect()
            };
            group.points.iter().map(row)
        });
        csv_text(std::iter::once(head).chain(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_that_are_no_numbers_leave_gaps_and_one_point_has_a_plot() {
        for (points, line) in [
            (
                vec![[0.0, 1.0, 1.1], [1.0, f64::NAN, 2.0]],
                vec![[0.0, 1.1], [1.0, f64::NAN]],
            ),
            (vec![[2.0, 3.0, 3.0]], vec![[2.0, 3.0], [2.0, 3.0]]),
        ] {
            let group = Group {
                name: "sample 7".into(),
                points,
                line,
            };
            let series = FitSeries {
                groups: vec![group],
                x_title: "t (s)".into(),
                y_title: "y".into(),
            };
            let plot = plot(&series).unwrap();
            assert!(plot.svg.contains("t (s)") && !plot.svg.contains("NaN"));
            assert!(plot.csv.starts_with("group,t (s),y,predicted\nsample 7,"));
        }
    }
}
