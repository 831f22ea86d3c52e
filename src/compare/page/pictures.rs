//! The frames that went worst, drawn: skeletons from the front, and points in images.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::html::{chip, escape};
use super::scene::Scene;
use crate::compare::Comparison;
use crate::compare::judge::MeasureTable;
use crate::compare::table::number;

/// Frames that are shown.
const WORST: usize = 4;

/// The elements at which any method is furthest off, apart from each other, the worst first.
pub(super) fn worst_elements(table: &MeasureTable) -> Vec<usize> {
    let most = |e: usize| {
        let values = table.values.iter().flatten().map(|v| v[e]);
        values.fold(f64::NEG_INFINITY, f64::max)
    };
    let mut order: Vec<usize> = (0..table.elements.len()).collect();
    order.sort_by(|a, b| most(*b).total_cmp(&most(*a)));
    let apart = (table.elements.len() / 20).clamp(1, 25);
    let mut chosen: Vec<usize> = Vec::new();
    for e in order {
        if chosen.iter().all(|c| c.abs_diff(e) >= apart) {
            chosen.push(e);
        }
        if chosen.len() == WORST {
            break;
        }
    }
    chosen
}

pub(super) fn worst(of: &Comparison, scene: Option<&Scene>) -> String {
    let Some(table) = of
        .primary
        .map(|p| &of.measures[p])
        .filter(|t| t.axis == "frame")
    else {
        return String::new();
    };
    let images = Images::read(of, table);
    let mut figures = String::new();
    for e in worst_elements(table) {
        let element = &table.elements[e];
        let data = &table.data[element.data];
        let values = of.methods.iter().zip(&table.values).enumerate();
        let said = values.filter_map(|(m, (name, values))| {
            let value = number(values.as_ref()?[e]);
            Some(format!(
                "<span>{}{}: {value}</span> ",
                chip(m),
                escape(name)
            ))
        });
        let said: String = said.collect();
        let found = scene.and_then(|s| {
            let at = s
                .frames
                .iter()
                .position(|f| f.data == *data && f.number == element.name)?;
            Some((s, at))
        });
        let go = found.map_or(String::new(), |(_, at)| {
            format!(" <button type=\"button\" data-frame=\"{at}\">Show in space</button>")
        });
        let drawn = found.map_or(String::new(), |(s, at)| skeletons(s, at));
        let name = match data.as_str() {
            "" => format!("Frame {}", element.name),
            data => format!("{data}, frame {}", element.name),
        };
        let _ = writeln!(
            figures,
            "<figure>{drawn}{}<figcaption><strong>{}</strong>{go}<br>{}: {said}</figcaption></figure>",
            images.draw(e),
            escape(&name),
            escape(&table.title())
        );
    }
    match figures.is_empty() {
        true => figures,
        false => {
            format!("<h2>Where it went worst</h2>\n<div class=\"pictures\">\n{figures}</div>\n")
        }
    }
}

/// Pixels of a skeleton's picture, and of a metre at most.
const WIDTH: f64 = 170.0;
const HEIGHT: f64 = 220.0;

/// From the front, each method beside the other, in one scale.
fn skeletons(scene: &Scene, frame: usize) -> String {
    let known: Vec<usize> = (0..scene.joints.len())
        .filter(|m| scene.joints[*m][[frame, 0, 0]].is_finite())
        .collect();
    let place = |m: usize, j: usize| {
        let p = |k: usize| f64::from(scene.joints[m][[frame, j, k]]);
        (p(0), p(1))
    };
    let joints = scene.parents.len();
    let all = known.iter().flat_map(|m| (0..joints).map(move |j| (*m, j)));
    let mut sides = [
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    for (m, j) in all {
        let (x, y) = place(m, j);
        sides = [
            sides[0].min(x),
            sides[1].max(x),
            sides[2].min(y),
            sides[3].max(y),
        ];
    }
    if known.is_empty() || sides.iter().any(|x| !x.is_finite()) {
        return String::new();
    }
    let scale = (0.84 * HEIGHT / (sides[3] - sides[2]).max(0.3))
        .min(0.84 * WIDTH / (sides[1] - sides[0]).max(0.3));
    let (middle_x, middle_y) = (0.5 * (sides[0] + sides[1]), 0.5 * (sides[2] + sides[3]));
    let mut svg = format!(
        "<svg viewBox=\"0 0 {} {HEIGHT}\" width=\"{0}\" role=\"img\" aria-label=\"skeletons from the front\">",
        WIDTH * known.len() as f64
    );
    for (k, m) in known.iter().enumerate() {
        let at = |(x, y): (f64, f64)| {
            let left = WIDTH * (k as f64 + 0.5);
            (
                left + scale * (x - middle_x),
                0.5 * HEIGHT - scale * (y - middle_y),
            )
        };
        for (j, parent) in scene.parents.iter().enumerate().filter(|(_, p)| **p >= 0) {
            let (a, b) = (at(place(*m, *parent as usize)), at(place(*m, j)));
            let _ = write!(
                svg,
                "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"var(--series-{})\" stroke-width=\"4\" stroke-linecap=\"round\"/>",
                a.0,
                a.1,
                b.0,
                b.1,
                m % 7
            );
        }
        for p in 0..scene.observed.dim().1 {
            let x = |k: usize| f64::from(scene.observed[[frame, p, k]]);
            if x(0).is_finite() {
                let (x, y) = at((x(0), x(1)));
                let _ = write!(
                    svg,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.4\" fill=\"var(--paper)\" stroke=\"var(--ink)\"/>"
                );
            }
        }
    }
    svg + "</svg>"
}

/// By element and view: what was observed, and where each method puts it.
#[derive(Default)]
struct Images {
    points: BTreeMap<(usize, String), Vec<ImagePoint>>,
}

struct ImagePoint {
    method: usize,
    observed: (f64, f64),
    predicted: (f64, f64),
}

/// Views that are drawn of a frame.
const VIEWS: usize = 4;

impl Images {
    fn read(of: &Comparison, table: &MeasureTable) -> Self {
        let mut images = Self::default();
        let wanted = worst_elements(table);
        for run in &of.runs {
            let method = of.methods.iter().position(|m| *m == run.method);
            let (Ok(dir), Some(method)) = (&run.dir, method) else {
                continue;
            };
            let Ok(mut reader) = csv::Reader::from_path(dir.join("points.csv")) else {
                continue;
            };
            for row in reader.records().map_while(Result::ok) {
                let in_frame = |e: &&usize| {
                    let element = &table.elements[**e];
                    table.data[element.data] == run.data && row.get(1) == Some(&element.name)
                };
                let Some(e) = wanted
                    .iter()
                    .find(in_frame)
                    .filter(|_| row.get(4) == Some("px"))
                else {
                    continue;
                };
                let number = |c: usize| row.get(c).and_then(|x| x.parse().ok()).unwrap_or(f64::NAN);
                let view = row.get(2).unwrap_or("").to_string();
                images
                    .points
                    .entry((*e, view))
                    .or_default()
                    .push(ImagePoint {
                        method,
                        observed: (number(6), number(7)),
                        predicted: (number(9), number(10)),
                    });
            }
        }
        images
    }

    fn draw(&self, element: usize) -> String {
        let of_frame = self.points.iter().filter(|((e, _), _)| *e == element);
        of_frame
            .take(VIEWS)
            .map(|((_, view), points)| drawn(view, points))
            .collect()
    }
}

/// One view: rings are observed, crosses predicted.
fn drawn(view: &str, points: &[ImagePoint]) -> String {
    let all = || {
        let both = points.iter().flat_map(|p| [p.observed, p.predicted]);
        both.filter(|p| p.0.is_finite() && p.1.is_finite())
    };
    let low = |of: fn(&(f64, f64)) -> f64| all().map(|p| of(&p)).fold(f64::INFINITY, f64::min);
    let high = |of: fn(&(f64, f64)) -> f64| all().map(|p| of(&p)).fold(f64::NEG_INFINITY, f64::max);
    let (left, right, top, bottom) = (low(|p| p.0), high(|p| p.0), low(|p| p.1), high(|p| p.1));
    if left > right {
        return String::new();
    }
    let size = (right - left).max(bottom - top).max(1.0);
    let scale = 240.0 / size;
    let at = |p: (f64, f64)| (12.0 + scale * (p.0 - left), 12.0 + scale * (p.1 - top));
    let (width, height) = (24.0 + scale * (right - left), 44.0 + scale * (bottom - top));
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" role=\"img\" aria-label=\"points in view {0}\">",
        escape(view)
    );
    for p in points {
        let ((a, b), (x, y)) = (at(p.observed), at(p.predicted));
        if x.is_finite() {
            let _ = write!(
                svg,
                "<path d=\"M{:.1} {y:.1}h6M{x:.1} {:.1}v6\" stroke=\"var(--series-{})\" stroke-width=\"1.8\"/>",
                x - 3.0,
                y - 3.0,
                p.method % 7
            );
        }
        if a.is_finite() {
            let _ = write!(
                svg,
                "<circle cx=\"{a:.1}\" cy=\"{b:.1}\" r=\"3.4\" fill=\"none\" stroke=\"var(--ink)\"/>"
            );
        }
    }
    let _ = write!(
        svg,
        "<text x=\"12\" y=\"{:.0}\" fill=\"var(--faint)\" font-size=\"13\">{}</text></svg>",
        height - 8.0,
        escape(view)
    );
    svg
}
