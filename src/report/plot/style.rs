//! The look that all plots share: palette, fonts, canvas, grid.

use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use super::{PlotError, ticks::Axis};

/// Drawing units per pixel: plotters draws on whole units, and a paper shows quarters of a pixel.
pub(super) const UNIT: i32 = 4;

pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(super) const VERMILLION: RGBColor = RGBColor(213, 94, 0);
pub(super) const INK: RGBColor = RGBColor(40, 40, 40);
pub(super) const FAINT: RGBColor = RGBColor(130, 130, 130);
pub(super) const FONT: i32 = 13;
pub(super) const SMALL: i32 = 12;

/// Okabe and Ito's palette for all kinds of colour vision (2008), without black.
const PALETTE: [RGBColor; 7] = [
    BLUE,
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    VERMILLION,
    RGBColor(86, 180, 233),
    RGBColor(204, 121, 167),
    RGBColor(240, 228, 66),
];

const MAJOR: RGBColor = RGBColor(218, 218, 218);
const MINOR: RGBColor = RGBColor(242, 242, 242);

pub(super) type Backend<'a> = SVGBackend<'a>;
pub(super) type Canvas<'a> = DrawingArea<Backend<'a>, Shift>;
pub(super) type Chart<'a> = ChartContext<'a, Backend<'a>, Cartesian2d<Axis, Axis>>;

/// The colour of a category; after the palette's end it comes again, half as strong.
pub(super) fn colour(category: usize) -> RGBColor {
    let RGBColor(r, g, b) = PALETTE[category % PALETTE.len()];
    match (category / PALETTE.len()) % 2 {
        0 => RGBColor(r, g, b),
        _ => RGBColor(128 + r / 2, 128 + g / 2, 128 + b / 2),
    }
}

/// Draws on a white sheet of `width` × `height` pixels.
pub(super) fn sheet(
    (width, height): (i32, i32),
    draw: impl FnOnce(&Canvas) -> Result<(), PlotError>,
) -> Result<String, PlotError> {
    let units = ((width * UNIT) as u32, (height * UNIT) as u32);
    let mut svg = String::new();
    {
        let canvas = SVGBackend::with_string(&mut svg, units).into_drawing_area();
        canvas.fill(&WHITE)?;
        draw(&canvas)?;
        canvas.present()?;
    }
    let drawn = format!("width=\"{}\" height=\"{}\"", units.0, units.1);
    Ok(svg.replacen(&drawn, &format!("width=\"{width}\" height=\"{height}\""), 1))
}

/// A sheet that only says why there is nothing to see.
pub(super) fn empty_sheet(message: &str) -> Result<String, PlotError> {
    sheet((480, 160), |canvas| {
        write(
            canvas,
            message,
            (240.0, 80.0),
            text(FONT + 1, FAINT, HPos::Center),
        )
    })
}

/// Text of a size in pixels, vertically centred on its point.
pub(super) fn text(size: i32, colour: RGBColor, side: HPos) -> TextStyle<'static> {
    // The SVG backend divides a font's size by 1.24.
    let font = ("sans-serif", f64::from(size * UNIT) * 1.24).into_font();
    font.color(&colour).pos(Pos::new(side, VPos::Center))
}

/// Writes text at a place in pixels of the sheet.
pub(super) fn write(
    canvas: &Canvas,
    words: &str,
    at: (f64, f64),
    style: TextStyle,
) -> Result<(), PlotError> {
    let at = (units(at.0), units(at.1));
    Ok(canvas.draw(&Text::new(words.to_string(), at, style))?)
}

pub(super) fn units(pixels: f64) -> i32 {
    (pixels * f64::from(UNIT)).round() as i32
}

/// An estimate of a text's width in pixels; no font is at hand when an SVG is written.
pub(super) fn text_width(words: &str, size: i32) -> f64 {
    words.chars().count() as f64 * f64::from(size) * 0.58
}

/// The words, with an ellipsis in the middle where they are longer than `most` characters.
pub(super) fn shortened(words: &str, most: usize) -> String {
    let letters: Vec<char> = words.chars().collect();
    if letters.len() <= most {
        return words.to_string();
    }
    let (head, tail) = (most * 3 / 5, most - 1 - most * 3 / 5);
    letters[..head]
        .iter()
        .chain(&['…'])
        .chain(&letters[letters.len() - tail..])
        .collect()
}

/// Where a panel's data area lies on the sheet, in pixels, and what its axes are called.
pub(super) struct Panel<'a> {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
    pub x_title: &'a str,
    pub y_title: &'a str,
}

/// Room that a panel needs for its numbers and titles, in pixels left of and below its data.
pub(super) const LEFT: f64 = 66.0;
pub(super) const BELOW: f64 = 42.0;

impl Panel<'_> {
    /// Draws grid, axes and titles, and returns the chart to draw the data into.
    pub(super) fn draw<'b>(
        &self,
        canvas: &Canvas<'b>,
        x: &Axis,
        y: &Axis,
    ) -> Result<Chart<'b>, PlotError> {
        let corner = (units(self.left - LEFT), units(self.top));
        let size = (
            units(self.width + LEFT) as u32,
            units(self.height + BELOW) as u32,
        );
        let mut chart = ChartBuilder::on(&canvas.clone().shrink(corner, size))
            .x_label_area_size(units(BELOW))
            .y_label_area_size(units(LEFT))
            .build_cartesian_2d(x.clone(), y.clone())?;
        chart
            .configure_mesh()
            .axis_style(FAINT.stroke_width(UNIT as u32))
            .bold_line_style(MAJOR.stroke_width(3))
            .light_line_style(MINOR.stroke_width(3))
            .label_style(text(SMALL, INK, HPos::Left))
            .axis_desc_style(text(FONT, INK, HPos::Left))
            .x_desc(self.x_title)
            .set_all_tick_mark_size(units(4.0))
            .draw()?;
        let upright = text(FONT, INK, HPos::Center).transform(FontTransform::Rotate270);
        write(
            canvas,
            self.y_title,
            (self.left - LEFT + 12.0, self.top + self.height / 2.0),
            upright,
        )?;
        Ok(chart)
    }

    /// The sheet's pixel column of a value on the x axis.
    pub(super) fn column(&self, x: &Axis, value: f64) -> f64 {
        self.left + self.width * (value - x.range.start) / (x.range.end - x.range.start)
    }
}
