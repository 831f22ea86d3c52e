//! The curves of a training: what was lowered, and what was validated, against epochs or iterations.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    PlotError,
    stats::sorted_finite,
    style::{self, Canvas, INK, Panel, SMALL, text, write},
    ticks::Axis,
};

/// One panel's curves.
pub(crate) struct LossPanel {
    pub x_title: &'static str,
    pub y_title: &'static str,
    pub curves: Vec<Curve>,
    /// Where the weights that were kept lie on the first curve.
    pub kept: Option<f64>,
}

/// Places and values in order; what is not finite leaves a gap.
pub(crate) struct Curve {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

const PANEL: (f64, f64) = (400.0, 270.0);
const LEGEND_ROW: f64 = 18.0;
/// Values that span less are easier to read as they are.
const LOG_FROM: f64 = 5.0;

/// The panels side by side, each with its legend below.
pub(crate) fn plot(panels: &[LossPanel]) -> Result<String, PlotError> {
    let panels: Vec<&LossPanel> = panels
        .iter()
        .filter(|p| p.finite().next().is_some())
        .collect();
    if panels.is_empty() {
        return style::empty_sheet("no epoch was finished");
    }
    let stride = PANEL.0 + style::LEFT + 16.0;
    let names = panels
        .iter()
        .map(|p| p.curves.len() + usize::from(p.kept.is_some()));
    let rows = names.map(|n| n.div_ceil(2)).max().unwrap_or(0) as f64;
    let size = (
        panels.len() as f64 * stride + 12.0,
        14.0 + PANEL.1 + style::BELOW + rows * LEGEND_ROW + 14.0,
    );
    style::sheet((size.0 as i32, size.1 as i32), |canvas| {
        for (at, panel) in panels.iter().enumerate() {
            panel.draw(canvas, at as f64 * stride + style::LEFT)?;
        }
        Ok(())
    })
}

impl LossPanel {
    fn finite(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let points = self.curves.iter().flat_map(|c| c.points.iter().copied());
        points.filter(|(x, y)| x.is_finite() && y.is_finite())
    }

    fn draw(&self, canvas: &Canvas, left: f64) -> Result<(), PlotError> {
        let places = sorted_finite(self.finite().map(|p| p.0));
        let x = Axis::counts(places[0]..places[places.len() - 1], 6);
        let (y, log) = self.heights();
        let panel = Panel {
            left,
            top: 14.0,
            width: PANEL.0,
            height: PANEL.1,
            x_title: self.x_title,
            y_title: self.y_title,
        };
        let mut chart = panel.draw(canvas, &x, &y)?;
        let height = |y: f64| if log { y.log10() } else { y };
        for (index, curve) in self.curves.iter().enumerate() {
            let colour = style::colour(index);
            for run in curve
                .points
                .split(|p| !p.1.is_finite())
                .filter(|r| !r.is_empty())
            {
                let line: Vec<(f64, f64)> = run.iter().map(|p| (p.0, height(p.1))).collect();
                if let [point] = line[..] {
                    chart.draw_series([Circle::new(point, style::units(3.0), colour.filled())])?;
                }
                chart.draw_series([PathElement::new(line, colour.stroke_width(7))])?;
            }
        }
        let first = self.curves.first().map_or(&[][..], |c| &c.points);
        let kept = first
            .iter()
            .find(|p| Some(p.0) == self.kept && p.1.is_finite());
        if let Some(kept) = kept {
            let at = (kept.0, height(kept.1));
            chart.draw_series([Circle::new(at, style::units(5.0), INK.stroke_width(7))])?;
        }
        self.draw_legend(canvas, left)
    }

    /// Decades where everything is above zero and spans much.
    fn heights(&self) -> (Axis, bool) {
        let values = sorted_finite(self.finite().map(|p| p.1));
        let (low, high) = (values[0], values[values.len() - 1]);
        let log = low > 0.0 && high / low > LOG_FROM;
        let (low, high) = if log {
            (low.log10(), high.log10())
        } else {
            (low, high)
        };
        let margin = 0.05 * (high - low);
        let range = low - margin..high + margin;
        match log {
            true => (Axis::decades(range), true),
            false => (Axis::linear(range, 6), false),
        }
    }

    fn draw_legend(&self, canvas: &Canvas, left: f64) -> Result<(), PlotError> {
        let top = 14.0 + PANEL.1 + style::BELOW + 12.0;
        let names = self.curves.iter().map(|c| c.name.as_str());
        let names = names.chain(self.kept.map(|_| "the weights that were kept"));
        for (index, name) in names.enumerate() {
            let x = left + (index % 2) as f64 * 0.5 * PANEL.0;
            let y = top + (index / 2) as f64 * LEGEND_ROW;
            let at = |x: f64| (style::units(x), style::units(y));
            match index < self.curves.len() {
                true => canvas.draw(&PathElement::new(
                    vec![at(x), at(x + 22.0)],
                    style::colour(index).stroke_width(8),
                ))?,
                false => canvas.draw(&Circle::new(
                    at(x + 11.0),
                    style::units(5.0),
                    INK.stroke_width(7),
                ))?,
            }
            let words = style::shortened(name, 26);
            write(canvas, &words, (x + 28.0, y), text(SMALL, INK, HPos::Left))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(values: &[f64], kept: Option<f64>) -> LossPanel {
        let points = values.iter().enumerate();
        LossPanel {
            x_title: "epoch",
            y_title: "loss",
            curves: vec![Curve {
                name: "total".into(),
                points: points.map(|(i, y)| (i as f64 + 1.0, *y)).collect(),
            }],
            kept,
        }
    }

    #[test]
    fn a_wide_span_has_decades_and_a_narrow_one_plain_numbers() {
        assert!(panel(&[100.0, 1.0], None).heights().1);
        assert!(!panel(&[2.0, 1.0], None).heights().1);
        assert!(!panel(&[100.0, -1.0], None).heights().1);
    }

    #[test]
    fn gaps_single_points_and_nothing_at_all_are_drawn_without_nan() {
        for values in [&[1.0, f64::NAN, 3.0][..], &[2.0], &[1.0, 1.0]] {
            let svg = plot(&[panel(values, Some(1.0))]).unwrap();
            assert!(!svg.contains("NaN"), "{values:?}");
            assert!(svg.contains("total") && svg.contains("kept"), "{values:?}");
        }
        assert!(
            plot(&[panel(&[f64::NAN], None)])
                .unwrap()
                .contains("no epoch")
        );
    }
}
