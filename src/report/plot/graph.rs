//! Places that are tied two by two: where they began, faint, and where they ended.

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    Plot, PlotError, csv_number, csv_text,
    style::{self, BLUE, Canvas, FAINT, INK, Panel, SMALL, VERMILLION, text, write},
    ticks::Axis,
};

/// What is drawn, and what the axes are called.
pub(crate) struct GraphSeries {
    pub ids: Vec<i64>,
    pub start: Vec<[f64; 2]>,
    pub end: Vec<[f64; 2]>,
    /// Elements that are tied.
    pub edges: Vec<[u32; 2]>,
    pub titles: [String; 2],
}

/// Width of the data, and bounds of its height, in pixels.
const WIDTH: f64 = 560.0;
const HEIGHT: (f64, f64) = (220.0, 700.0);
const TOP: f64 = 14.0;
const LEGEND: f64 = 30.0;
/// Edges that are drawn at most, evenly spread.
const MOST: usize = 20_000;
/// A start that reaches further than so many extents of the end is left out.
const FAR: f64 = 4.0;
/// Elements up to which each has a dot.
const FEW: usize = 200;

pub(crate) fn plot(series: &GraphSeries) -> Result<Plot, PlotError> {
    let svg = match series.frame() {
        Some((ranges, height, with_start)) => {
            let size = (
                WIDTH + style::LEFT + 28.0,
                TOP + height + style::BELOW + LEGEND,
            );
            style::sheet((size.0 as i32, size.1 as i32), |canvas| {
                series.draw(canvas, ranges, height, with_start)
            })?
        }
        None => style::empty_sheet("no place is a number")?,
    };
    Ok(Plot {
        svg,
        csv: series.csv(),
    })
}

type Ranges = [std::ops::Range<f64>; 2];

impl GraphSeries {
    /// What the axes span, the same length a pixel on both, the height in pixels, and whether the start
    /// is drawn.
    fn frame(&self) -> Option<(Ranges, f64, bool)> {
        let [end, start] = [&self.end, &self.start].map(|places| extent(places));
        let end = end?;
        let both = start.map(|start| [0, 1].map(|k| union(&end[k], &start[k])));
        let size = |of: &Ranges| of.iter().map(|r| r.end - r.start).fold(0.0, f64::max);
        let near = both.filter(|both| size(both) <= FAR * size(&end));
        let with_start = near.is_some();
        let [x, y] = near.unwrap_or(end);
        let margin = (0.04 * size(&[x.clone(), y.clone()])).max(1e-9 * x.end.abs().max(1.0));
        let [x, y] = [x, y].map(|r| r.start - margin..r.end + margin);
        let across = x.end - x.start;
        let height = (WIDTH * (y.end - y.start) / across).clamp(HEIGHT.0, HEIGHT.1);
        let pixel = (across / WIDTH).max((y.end - y.start) / height);
        let x = widened(&x, pixel * WIDTH);
        let y = widened(&y, pixel * height);
        Some(([x, y], height, with_start))
    }

    fn draw(
        &self,
        canvas: &Canvas,
        [x, y]: Ranges,
        height: f64,
        with_start: bool,
    ) -> Result<(), PlotError> {
        let panel = Panel {
            left: style::LEFT,
            top: TOP,
            width: WIDTH,
            height,
            x_title: &self.titles[0],
            y_title: &self.titles[1],
        };
        let mut chart = panel.draw(canvas, &Axis::linear(x, 7), &Axis::linear(y, 6))?;
        let count = self.edges.len().min(MOST);
        let drawn = (0..count).map(|i| self.edges[i * self.edges.len() / count.max(1)]);
        let drawn: Vec<[u32; 2]> = drawn.collect();
        let mut lines = |places: &[[f64; 2]], far: bool, style: ShapeStyle| {
            let is_far = |e: &&[u32; 2]| (e[0].abs_diff(e[1]) > 1) == far;
            let ends = drawn.iter().filter(is_far).filter_map(|[from, to]| {
                let at = |i: &u32| places.get(*i as usize).filter(|p| is_finite(p));
                Some([at(from)?, at(to)?])
            });
            let line = ends.map(|ends| PathElement::new(ends.map(|p| (p[0], p[1])), style));
            chart.draw_series(line).map(|_| ())
        };
        if with_start {
            lines(&self.start, false, FAINT.mix(0.6).stroke_width(2))?;
        }
        lines(&self.end, true, VERMILLION.mix(0.5).stroke_width(2))?;
        lines(&self.end, false, BLUE.stroke_width(4))?;
        if self.end.len() <= FEW {
            let places = self.end.iter().filter(|p| is_finite(p));
            let dot = |p: &[f64; 2]| Circle::new((p[0], p[1]), style::units(2.5), BLUE.filled());
            chart.draw_series(places.map(dot))?;
        }
        self.draw_legend(canvas, TOP + height + style::BELOW + 12.0, with_start)
    }

    fn draw_legend(&self, canvas: &Canvas, y: f64, with_start: bool) -> Result<(), PlotError> {
        let start = with_start.then_some(("start", FAINT));
        let far = self.edges.iter().any(|e| e[0].abs_diff(e[1]) > 1);
        let far = far.then_some(("ties of elements further apart", VERMILLION));
        let entries = [Some(("solution, neighbours", BLUE)), far, start];
        let mut x = style::LEFT;
        for (words, colour) in entries.into_iter().flatten() {
            let ends = [x, x + 16.0].map(|x| (style::units(x), style::units(y)));
            canvas.draw(&PathElement::new(ends, colour.stroke_width(6)))?;
            write(canvas, words, (x + 22.0, y), text(SMALL, INK, HPos::Left))?;
            x += 22.0 + style::text_width(words, SMALL) + 24.0;
        }
        Ok(())
    }

    /// Of every element where it began and where it ended, as drawn.
    fn csv(&self) -> String {
        let [x, y] = &self.titles;
        let head = ["id", &format!("start {x}"), &format!("start {y}"), x, y];
        let head = head.map(String::from).to_vec();
        let pairs = self.ids.iter().zip(self.start.iter().zip(&self.end));
        let rows = pairs.map(|(id, (start, end))| {
            let numbers = start.iter().chain(end).map(|x| csv_number(*x));
            std::iter::once(id.to_string()).chain(numbers).collect()
        });
        csv_text(std::iter::once(head).chain(rows))
    }
}

fn is_finite(place: &[f64; 2]) -> bool {
    place.iter().all(|x| x.is_finite())
}

fn extent(places: &[[f64; 2]]) -> Option<Ranges> {
    let finite = || places.iter().filter(|p| is_finite(p));
    let range = |k: usize| {
        let low = finite().map(|p| p[k]).fold(f64::INFINITY, f64::min);
        let high = finite().map(|p| p[k]).fold(f64::NEG_INFINITY, f64::max);
        low..high
    };
    finite().next().map(|_| [range(0), range(1)])
}

fn union(a: &std::ops::Range<f64>, b: &std::ops::Range<f64>) -> std::ops::Range<f64> {
    a.start.min(b.start)..a.end.max(b.end)
}

/// A range of a length about the same middle.
fn widened(range: &std::ops::Range<f64>, length: f64) -> std::ops::Range<f64> {
    let middle = 0.5 * (range.start + range.end);
    middle - 0.5 * length..middle + 0.5 * length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(start: Vec<[f64; 2]>, end: Vec<[f64; 2]>) -> GraphSeries {
        GraphSeries {
            ids: (0..end.len() as i64).collect(),
            start,
            end,
            edges: vec![[0, 1], [1, 2], [0, 2], [2, 7]],
            titles: ["p.x (m)".into(), "p.y (m)".into()],
        }
    }

    #[test]
    fn axes_have_one_scale_and_a_start_that_is_far_away_is_left_out() {
        let end = vec![[0.0, 0.0], [4.0, 0.0], [4.0, 2.0]];
        for (start, drawn) in [([0.0, 1.0], true), ([90.0, 0.0], false)] {
            let series = series(vec![start; 3], end.clone());
            let ([x, y], height, with_start) = series.frame().unwrap();
            let pixel = (x.end - x.start) / WIDTH;
            assert!(((y.end - y.start) / height - pixel).abs() < 1e-12);
            assert_eq!(with_start, drawn);
            let plot = plot(&series).unwrap();
            assert_eq!(plot.svg.contains(">\nstart\n<"), drawn);
            assert!(
                plot.csv
                    .starts_with("id,start p.x (m),start p.y (m),p.x (m),p.y (m)\n0,")
            );
        }
    }

    #[test]
    fn places_in_one_point_and_places_that_are_no_numbers_have_a_sheet() {
        let nan = [f64::NAN; 2];
        for end in [
            vec![[3.0, 3.0]; 3],
            vec![nan; 3],
            vec![[1.0, 2.0], nan, nan],
        ] {
            let plot = plot(&series(end.clone(), end)).unwrap();
            assert!(plot.svg.contains("</svg>") && !plot.svg.contains("NaN"));
        }
    }
}
