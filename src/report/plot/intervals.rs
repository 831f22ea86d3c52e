//! Figures of several candidates with their intervals, and curves of them side by side.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    PlotError,
    lines::{self, Across, Line},
    style::{self, FONT, INK, Panel, SMALL, colour, text, text_width, write},
    ticks::{Axis, short},
};

/// A figure with its interval.
pub(crate) struct Mark {
    pub name: String,
    pub value: f64,
    pub low: f64,
    pub high: f64,
    /// A candidate has the same colour in every plot.
    pub colour: usize,
}

const WIDTH: f64 = 420.0;
const ROW: f64 = 26.0;
const LONGEST_NAME: usize = 36;

/// A row for each mark: a dot on its interval, and the figure beside it.
pub(crate) fn draw(title: &str, unit: &str, marks: &[Mark]) -> Result<String, PlotError> {
    let names: Vec<String> = marks
        .iter()
        .map(|m| style::shortened(&m.name, LONGEST_NAME))
        .collect();
    let widest = names
        .iter()
        .map(|n| text_width(n, FONT))
        .fold(40.0, f64::max);
    let height = ROW * marks.len() as f64;
    let left = widest + 24.0;
    let low = marks.iter().map(|m| m.low).fold(0.0, f64::min);
    let high = marks.iter().map(|m| m.high).fold(0.0, f64::max);
    let margin = 0.04 * (high - low);
    let low = if low < 0.0 { low - margin } else { low };
    let x = Axis::linear(low..high + margin, 7);
    let mut y = Axis::linear(0.0..marks.len() as f64, 2);
    y.ticks.clear();
    let x_title = match unit {
        "" => title.to_string(),
        unit => format!("{title}, {unit}"),
    };
    let size = (
        (left + WIDTH + 80.0) as i32,
        (height + style::BELOW + 20.0) as i32,
    );
    style::sheet(size, |canvas| {
        let panel = Panel {
            left,
            top: 10.0,
            width: WIDTH,
            height,
            x_title: &x_title,
            y_title: "",
        };
        let mut chart = panel.draw(canvas, &x, &y)?;
        for (k, mark) in marks.iter().enumerate() {
            let at = marks.len() as f64 - k as f64 - 0.5;
            let ink = colour(mark.colour);
            let line = vec![(mark.low, at), (mark.high, at)];
            chart.draw_series([PathElement::new(line, ink.stroke_width(8))])?;
            for end in [mark.low, mark.high] {
                let cap = vec![(end, at - 0.16), (end, at + 0.16)];
                chart.draw_series([PathElement::new(cap, ink.stroke_width(6))])?;
            }
            let dot = Circle::new((mark.value, at), style::units(4.0), ink.filled());
            chart.draw_series([dot])?;
            let row = panel.top + ROW * (k as f64 + 0.5);
            write(
                canvas,
                &names[k],
                (left - 10.0, row),
                text(FONT, INK, HPos::Right),
            )?;
            let place = (left + WIDTH + 8.0, row);
            write(
                canvas,
                &short(mark.value),
                place,
                text(SMALL, INK, HPos::Left),
            )?;
        }
        Ok(())
    })
}

/// A candidate's colour, name and figures over 1, 2, ….
pub(crate) type Curve<'a> = (usize, &'a str, &'a [f64]);

/// A line for each candidate, with a key at the side.
pub(crate) fn curves(
    x_title: &str,
    y_title: &str,
    curves: &[Curve<'_>],
) -> Result<String, PlotError> {
    let step = |(i, y): (usize, &f64)| (i as f64 + 1.0, *y);
    let lines = curves.iter().map(|curve| Line {
        name: curve.1,
        colour: curve.0,
        points: curve.2.iter().enumerate().map(step).collect(),
    });
    let lines: Vec<Line<'_>> = lines.collect();
    lines::draw((x_title, Across::Counts), (y_title, None), &lines)
}
