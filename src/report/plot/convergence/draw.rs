//! The picture of the convergence: one panel per x axis, bands and lines.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    super::{
        PlotError,
        style::{self, BLUE, Canvas, Chart, INK, Panel, SMALL, text, write},
        ticks::Axis,
    },
    Curves, Row,
    scale::CostScale,
};

const PANEL: (f64, f64) = (430.0, 290.0);

pub(super) fn draw(panels: &[Curves; 2]) -> Result<String, PlotError> {
    let rows: Vec<&Row> = panels
        .iter()
        .flat_map(|curves| curves.bands.iter().flatten())
        .collect();
    if rows.is_empty() {
        return style::empty_sheet("nothing was solved");
    }
    let (scale, y) = CostScale::new(&rows);
    let headroom = panels
        .iter()
        .map(|curves| curves.stages.headroom(PANEL.0))
        .fold(0.0, f64::max);
    let stride = PANEL.0 + style::LEFT + 12.0;
    let foot = headroom + PANEL.1 + style::BELOW + 10.0;
    let has_band = rows.iter().any(|row| row.low < row.high);
    let size = (
        2.0 * stride + 20.0,
        if has_band { foot + 20.0 } else { foot },
    );
    style::sheet((size.0 as i32, size.1 as i32), |canvas| {
        if has_band {
            draw_legend(canvas, size.0 / 2.0, foot + 6.0)?;
        }
        for (at, curves) in panels.iter().enumerate() {
            let left = at as f64 * stride + style::LEFT;
            let panel = Panel {
                left,
                top: headroom + 6.0,
                width: PANEL.0,
                height: PANEL.1,
                x_title: curves.title,
                y_title: "cost of a frame",
            };
            draw_panel(canvas, curves, &panel, &scale, &y)?;
        }
        Ok(())
    })
}

/// The key to line and band, centred below the panels.
fn draw_legend(canvas: &Canvas, middle: f64, height: f64) -> Result<(), PlotError> {
    let at = |x: f64, y: f64| (style::units(middle + x), style::units(height + y));
    canvas.draw(&PathElement::new(
        vec![at(-150.0, 0.0), at(-126.0, 0.0)],
        BLUE.stroke_width(8),
    ))?;
    canvas.draw(&Rectangle::new(
        [at(28.0, -6.0), at(52.0, 6.0)],
        BLUE.mix(0.22).filled(),
    ))?;
    write(
        canvas,
        "median over frames",
        (middle - 120.0, height),
        text(SMALL, INK, HPos::Left),
    )?;
    write(
        canvas,
        "5–95 % of frames",
        (middle + 58.0, height),
        text(SMALL, INK, HPos::Left),
    )
}

fn draw_panel(
    canvas: &Canvas,
    curves: &Curves,
    panel: &Panel,
    scale: &CostScale,
    y: &Axis,
) -> Result<(), PlotError> {
    let mut chart = panel.draw(canvas, &curves.x, y)?;
    curves.stages.draw(canvas, &mut chart, panel, y)?;
    for band in curves.bands.iter().filter(|band| !band.is_empty()) {
        draw_band(&mut chart, band, scale)?;
    }
    Ok(())
}

fn draw_band(chart: &mut Chart, band: &[Row], scale: &CostScale) -> Result<(), PlotError> {
    if band.iter().any(|row| row.low < row.high) {
        let above = band.iter().map(|row| (row.x, scale.height(row.high)));
        let below = band.iter().rev().map(|row| (row.x, scale.height(row.low)));
        chart.draw_series([Polygon::new(
            above.chain(below).collect::<Vec<_>>(),
            BLUE.mix(0.22),
        )])?;
    }
    let line: Vec<(f64, f64)> = band
        .iter()
        .map(|row| (row.x, scale.height(row.median)))
        .collect();
    if let [point] = line[..] {
        chart.draw_series([Circle::new(point, style::units(3.5), BLUE.filled())])?;
    }
    chart.draw_series([PathElement::new(line, BLUE.stroke_width(8))])?;
    Ok(())
}
