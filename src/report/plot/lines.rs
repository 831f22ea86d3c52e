//! Lines of several candidates over one axis, with a key at the side.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    PlotError,
    style::{self, Canvas, FONT, INK, Panel, colour, text, text_width, write},
    ticks::Axis,
};

/// A candidate's line; gaps where y is not finite.
pub(crate) struct Line<'a> {
    pub name: &'a str,
    /// A candidate has the same colour in every plot.
    pub colour: usize,
    pub points: Vec<(f64, f64)>,
}

/// How the horizontal axis is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Across {
    Linear,
    Counts,
}

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 280.0;
const LONGEST_NAME: usize = 36;

pub(crate) fn draw(
    (x_title, across): (&str, Across),
    (y_title, y_most): (&str, Option<f64>),
    lines: &[Line<'_>],
) -> Result<String, PlotError> {
    let all = || lines.iter().flat_map(|l| l.points.iter());
    let finite = || all().filter(|p| p.0.is_finite() && p.1.is_finite());
    let low = finite().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let high = finite().map(|p| p.0).fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return style::empty_sheet("there is nothing to draw");
    }
    let high = if high > low { high } else { low + 1.0 };
    let x = match across {
        Across::Linear => Axis::linear(low..high, 7),
        Across::Counts => Axis::counts(low..high, 8),
    };
    let most = finite().map(|p| p.1).fold(0.0, f64::max);
    let y = Axis::linear(0.0..y_most.unwrap_or(1.05 * most.max(1e-6)), 6);
    let names: Vec<String> = lines
        .iter()
        .map(|l| style::shortened(l.name, LONGEST_NAME))
        .collect();
    let widths = names.iter().map(|n| text_width(n, FONT));
    let key = widths.fold(0.0, f64::max) + 50.0;
    let size = (style::LEFT + WIDTH + key, HEIGHT + style::BELOW + 10.0);
    style::sheet((size.0 as i32, size.1 as i32), |canvas| {
        let panel = Panel {
            left: style::LEFT,
            top: 10.0,
            width: WIDTH,
            height: HEIGHT,
            x_title,
            y_title,
        };
        let mut chart = panel.draw(canvas, &x, &y)?;
        for (k, line) in lines.iter().enumerate() {
            let ink = colour(line.colour);
            for stretch in line.points.split(|p| !p.1.is_finite()) {
                chart.draw_series([PathElement::new(stretch.to_vec(), ink.stroke_width(8))])?;
            }
            draw_key(canvas, &names[k], k, line.colour)?;
        }
        Ok(())
    })
}

fn draw_key(canvas: &Canvas, name: &str, row: usize, ink: usize) -> Result<(), PlotError> {
    let (left, height) = (style::LEFT + WIDTH + 12.0, 22.0 + 20.0 * row as f64);
    let at = |x: f64| (style::units(left + x), style::units(height));
    let line = PathElement::new(vec![at(0.0), at(18.0)], colour(ink).stroke_width(8));
    canvas.draw(&line)?;
    write(
        canvas,
        name,
        (left + 24.0, height),
        text(FONT, INK, HPos::Left),
    )
}
