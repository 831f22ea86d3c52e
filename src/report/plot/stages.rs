//! Stages one after the other along an x axis, with a separator and a name where each begins.

use std::ops::Range;

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    PlotError,
    style::{self, Canvas, Chart, FAINT, INK, Panel, SMALL, text, text_width, write},
    ticks::Axis,
};

const ROW: f64 = 17.0;
const LONGEST_NAME: usize = 32;

/// Where the stages begin on the x axis, and where the last one ends.
pub(super) struct Stages {
    pub names: Vec<String>,
    pub starts: Vec<f64>,
    pub end: f64,
}

/// A name that has found its row above the panel; rows count upwards.
struct Flag {
    name: String,
    column: f64,
    side: HPos,
    row: usize,
}

impl Stages {
    pub(super) fn new(named_lengths: impl IntoIterator<Item = (String, f64)>) -> Self {
        let mut stages = Self {
            names: Vec::new(),
            starts: Vec::new(),
            end: 0.0,
        };
        for (name, length) in named_lengths {
            stages.names.push(name);
            stages.starts.push(stages.end);
            stages.end += length;
        }
        stages
    }

    /// The extent of all stages, which is never empty.
    pub(super) fn range(&self) -> Range<f64> {
        0.0..if self.end > 0.0 { self.end } else { 1.0 }
    }

    /// The height in pixels that the names need above a panel of this width.
    pub(super) fn headroom(&self, width: f64) -> f64 {
        let rows = self
            .flags(0.0, width)
            .iter()
            .map(|flag| flag.row + 1)
            .max()
            .unwrap_or(0);
        rows as f64 * ROW + 6.0
    }

    /// Draws the separators into the chart and the names above it.
    pub(super) fn draw(
        &self,
        canvas: &Canvas,
        chart: &mut Chart,
        panel: &Panel,
        y: &Axis,
    ) -> Result<(), PlotError> {
        for start in self.starts.iter().skip(1) {
            let line = vec![(*start, y.range.start), (*start, y.range.end)];
            chart.draw_series([PathElement::new(line, FAINT.mix(0.7).stroke_width(4))])?;
        }
        for flag in self.flags(panel.left, panel.width) {
            let foot = panel.top - 2.0;
            let middle = foot - (flag.row as f64 + 0.5) * ROW;
            let pole = [(flag.column, foot), (flag.column, middle - 5.0)]
                .map(|(x, y)| (style::units(x), style::units(y)));
            canvas.draw(&PathElement::new(
                pole.to_vec(),
                FAINT.mix(0.7).stroke_width(4),
            ))?;
            let aside = if matches!(flag.side, HPos::Left) {
                5.0
            } else {
                -5.0
            };
            write(
                canvas,
                &flag.name,
                (flag.column + aside, middle),
                text(SMALL, INK, flag.side),
            )?;
        }
        Ok(())
    }

    /// Gives every name the lowest row that is still free, from right to left so that no pole crosses a name.
    fn flags(&self, left: f64, width: f64) -> Vec<Flag> {
        let scale = width / self.range().end;
        let mut taken: Vec<f64> = Vec::new();
        let mut flags = Vec::new();
        for (name, start) in self.names.iter().zip(&self.starts).rev() {
            let (name, column) = (style::shortened(name, LONGEST_NAME), start * scale);
            let needs = text_width(&name, SMALL) + 10.0;
            let fits = column + needs <= width + 12.0;
            let (from, to) = if fits {
                (column, column + needs)
            } else {
                (column - needs, column)
            };
            let row = taken
                .iter()
                .rposition(|begin| to > *begin)
                .map_or(0, |blocked| blocked + 1);
            taken.resize(taken.len().max(row + 1), f64::INFINITY);
            for begin in &mut taken[..=row] {
                *begin = begin.min(from);
            }
            flags.push(Flag {
                name,
                column: left + column,
                side: if fits { HPos::Left } else { HPos::Right },
                row,
            });
        }
        flags
    }
}
