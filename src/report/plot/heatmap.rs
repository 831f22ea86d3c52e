//! The heat map of errors: a row for each point, the worst on top, a column for each frame.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    Plot, PlotError, csv_number, csv_text,
    raster::{self, Place},
    stats::{quantile, sorted_finite},
    style::{self, Canvas, FAINT, FONT, INK, Panel, SMALL, text, write},
    ticks::{Axis, short},
    time::{Bins, ErrorsByFrame, finite},
};
use crate::report::render::Image;

/// The colours end a little above the usual errors, so that one slip does not darken all others.
pub(crate) fn plot(series: &ErrorsByFrame) -> Result<Plot, PlotError> {
    let bins = Bins::new(&series.numbers, MOST_COLUMNS);
    let rows: Vec<Row> = series
        .worst_first()
        .into_iter()
        .map(|(point, mean)| Row::new(series, &bins, point, mean))
        .collect();
    let header = ["point".into(), format!("mean_{}", series.unit)]
        .into_iter()
        .chain((0..bins.count()).map(|bin| bins.start(bin).to_string()))
        .collect();
    let csv = csv_text(std::iter::once(header).chain(rows.iter().map(Row::csv_row)));
    Ok(Plot {
        svg: draw(series, &bins, &rows)?,
        csv,
    })
}

const WIDTH: f64 = 640.0;
const MOST_COLUMNS: usize = 400;
const MOST_ROWS: usize = 120;
const LONGEST_LABEL: usize = 34;
const BAR: f64 = 14.0;
/// The colours end at this many times this quantile, or at the largest error.
const USUAL: f64 = 0.9;
const ABOVE_USUAL: f64 = 1.5;
const MISSING: [u8; 3] = [225, 225, 225];

/// Matplotlib's viridis at every tenth: equal steps look equal.
const VIRIDIS: [[u8; 3]; 11] = [
    [68, 1, 84],
    [72, 36, 117],
    [65, 68, 135],
    [53, 95, 141],
    [42, 120, 142],
    [33, 145, 140],
    [34, 168, 132],
    [68, 191, 112],
    [122, 209, 81],
    [189, 223, 38],
    [253, 231, 37],
];

struct Row {
    label: String,
    mean: f64,
    /// The largest error of each bin; NaN where not observed.
    cells: Vec<f64>,
}

impl Row {
    fn new(series: &ErrorsByFrame, bins: &Bins, point: usize, mean: f64) -> Self {
        let column = series.errors.column(point);
        let largest = |bin: usize| {
            let seen = column.slice(ndarray::s![bins.frames(bin)]);
            finite(seen.iter()).fold(f64::NAN, f64::max)
        };
        Self {
            label: series.labels[point].clone(),
            mean,
            cells: (0..bins.count()).map(largest).collect(),
        }
    }

    fn csv_row(&self) -> Vec<String> {
        let numbers = [self.mean].into_iter().chain(self.cells.iter().copied());
        std::iter::once(self.label.clone())
            .chain(numbers.map(csv_number))
            .collect()
    }
}

fn draw(series: &ErrorsByFrame, bins: &Bins, rows: &[Row]) -> Result<String, PlotError> {
    let sorted = sorted_finite(rows.iter().flat_map(|row| row.cells.iter().copied()));
    let Some(&largest) = sorted.last() else {
        return style::empty_sheet("nothing was observed");
    };
    let usual = ABOVE_USUAL * quantile(&sorted, USUAL);
    let strongest = match usual > 0.0 {
        true => usual.min(largest),
        false => largest.max(f64::MIN_POSITIVE),
    };
    let shown = &rows[..rows.len().min(MOST_ROWS)];
    let height = (240.0 / shown.len() as f64).clamp(14.0, 26.0);
    let names: Vec<String> = shown
        .iter()
        .map(|row| style::shortened(&row.label, LONGEST_LABEL))
        .collect();
    let widths = names.iter().map(|name| style::text_width(name, SMALL));
    let panel = Panel {
        left: widths.fold(style::LEFT, f64::max) + 20.0,
        top: 34.0,
        width: WIDTH,
        height: height * shown.len() as f64,
        x_title: &bins.title("each column the largest of"),
        y_title: "",
    };
    let size = (
        panel.left + WIDTH + 110.0,
        panel.top + panel.height + style::BELOW + 8.0,
    );
    let title = match rows.len() - shown.len() {
        0 => series.title(),
        _ => format!(
            "{}, the {MOST_ROWS} worst of {}",
            series.title(),
            rows.len()
        ),
    };
    let svg = style::sheet((size.0 as i32, size.1 as i32), |canvas| {
        let none = Axis {
            range: 0.0..1.0,
            ticks: Vec::new(),
            minor: Vec::new(),
        };
        panel.draw(canvas, &bins.axis(), &none)?;
        write(
            canvas,
            &title,
            (panel.left, 16.0),
            text(FONT, INK, HPos::Left),
        )?;
        for (at, name) in names.iter().enumerate() {
            let middle = panel.top + (at as f64 + 0.5) * height;
            write(
                canvas,
                name,
                (panel.left - 8.0, middle),
                text(SMALL, INK, HPos::Right),
            )?;
        }
        let capped = strongest < largest;
        draw_bar(canvas, &panel, strongest, capped, &series.unit)
    })?;
    let place = Place {
        left: panel.left,
        top: panel.top,
        width: panel.width,
        height: panel.height,
    };
    raster::embed(&svg, &picture(shown, strongest), &place)
}

/// Several pixels a cell: some viewers blur what they enlarge.
fn picture(rows: &[Row], strongest: f64) -> Image {
    let columns = rows.first().map_or(0, |row| row.cells.len());
    let across = (1200 / columns.max(1)).max(1);
    let down = 16;
    let mut rgb = Vec::with_capacity(3 * columns * across * rows.len() * down);
    for row in rows {
        let line: Vec<u8> = row
            .cells
            .iter()
            .flat_map(|cell| colour(cell / strongest).repeat(across))
            .collect();
        for _ in 0..down {
            rgb.extend(&line);
        }
    }
    Image {
        width: columns * across,
        height: rows.len() * down,
        rgb,
    }
}

/// The colour of a share of the scale; grey for what is missing.
fn colour(share: f64) -> [u8; 3] {
    if share.is_nan() {
        return MISSING;
    }
    let last = VIRIDIS.len() - 1;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = (place as usize).min(last - 1);
    let part = place - below as f64;
    std::array::from_fn(|k| {
        let (a, b) = (
            f64::from(VIRIDIS[below][k]),
            f64::from(VIRIDIS[below + 1][k]),
        );
        (a + (b - a) * part).round() as u8
    })
}

fn draw_bar(
    canvas: &Canvas,
    panel: &Panel,
    strongest: f64,
    capped: bool,
    unit: &str,
) -> Result<(), PlotError> {
    let left = panel.left + panel.width + 24.0;
    let height = panel.height.min(260.0);
    let row = |share: f64| panel.top + height * (1.0 - share);
    let steps = 64;
    for step in 0..steps {
        let [r, g, b] = colour((f64::from(step) + 0.5) / f64::from(steps));
        // Each reaches up to the end, so that no seam shows between them.
        let corners = [
            (left, row(1.0)),
            (left + BAR, row(f64::from(step) / f64::from(steps))),
        ]
        .map(|(x, y)| (style::units(x), style::units(y)));
        canvas.draw(&Rectangle::new(corners, RGBColor(r, g, b).filled()))?;
    }
    let ticks = Axis::linear(0.0..strongest, 5).ticks;
    let top = match capped {
        true => format!("≥ {}", short(strongest)),
        false => short(strongest),
    };
    let room = |place: f64| height * (1.0 - place / strongest) > 19.0;
    let below = ticks.into_iter().filter(|(place, _)| room(*place));
    for (place, label) in below.chain([(strongest, top)]) {
        let y = row(place / strongest);
        let ends = [left + BAR, left + BAR + 4.0].map(|x| (style::units(x), style::units(y)));
        canvas.draw(&PathElement::new(
            ends.to_vec(),
            FAINT.stroke_width(style::UNIT as u32),
        ))?;
        write(
            canvas,
            &label,
            (left + BAR + 8.0, y),
            text(SMALL, INK, HPos::Left),
        )?;
    }
    write(
        canvas,
        unit,
        (left, panel.top - 14.0),
        text(FONT, INK, HPos::Left),
    )?;
    let [r, g, b] = MISSING;
    let missing = panel.top + height + 22.0;
    if missing + 8.0 > panel.top + panel.height + style::BELOW {
        return Ok(());
    }
    let corners = [(left, missing - 6.0), (left + BAR, missing + 6.0)]
        .map(|(x, y)| (style::units(x), style::units(y)));
    canvas.draw(&Rectangle::new(corners, RGBColor(r, g, b).filled()))?;
    write(
        canvas,
        "missing",
        (left + BAR + 8.0, missing),
        text(SMALL, INK, HPos::Left),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn series(errors: Array2<f64>) -> ErrorsByFrame {
        let (frames, points) = errors.dim();
        ErrorsByFrame {
            term: "markers".into(),
            unit: "mm".into(),
            labels: (0..points).map(|p| format!("M{p}")).collect(),
            views: 1,
            numbers: (0..frames as u64).collect(),
            errors,
        }
    }

    #[test]
    fn a_long_recording_shows_the_largest_error_of_each_bin_and_the_worst_point_first() {
        let mut errors = Array2::from_elem((1000, 3), 1.0);
        errors.column_mut(1).fill(f64::NAN);
        errors[[4, 2]] = 90.0;
        errors[[999, 0]] = f64::NAN;
        let plot = plot(&series(errors)).unwrap();
        let rows: Vec<Vec<&str>> = plot.csv.lines().map(|l| l.split(',').collect()).collect();
        assert_eq!(rows.len(), 3, "the point without an error has no row");
        assert_eq!(rows[0][..4], ["point", "mean_mm", "0", "3"]);
        assert_eq!(rows[0].len(), 2 + 334);
        assert_eq!(rows[1][..5], ["M2", "1.089", "1.0", "90.0", "1.0"]);
        assert_eq!((rows[2][0], rows[2][335]), ("M0", ""));
        assert!(
            plot.svg
                .contains("\nframe (each column the largest of 3 frames)\n")
        );
        assert!(plot.svg.contains("<image ") && plot.svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn without_an_error_the_plot_says_that_nothing_was_observed() {
        for shape in [(0, 2), (3, 2), (3, 0)] {
            let none = plot(&series(Array2::from_elem(shape, f64::NAN))).unwrap();
            assert!(none.svg.contains("nothing was observed"));
        }
        assert!(plot(&series(Array2::zeros((1, 1)))).is_ok());
    }

    #[test]
    fn colours_run_from_dark_to_light_and_missing_is_grey() {
        assert_eq!(colour(0.0), VIRIDIS[0]);
        assert_eq!(colour(7.0), VIRIDIS[10]);
        assert_eq!(colour(0.05), [70, 19, 101]);
        assert_eq!(colour(f64::NAN), MISSING);
    }
}
