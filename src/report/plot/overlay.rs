//! The picture of one view: detected and fitted points of a few frames, joined by their errors.

use std::ops::Range;

use plotters::{prelude::*, style::text_anchor::HPos};

use super::{
    Plot, PlotError, csv_number, csv_text,
    stats::{quantile, sorted_finite},
    style::{self, BLUE, Canvas, Chart, FAINT, FONT, INK, Panel, SMALL, VERMILLION, text, write},
    ticks::short,
    window::Window,
};

/// What one view saw and what the fit says it should have seen, pixels.
pub(crate) struct Overlay {
    pub term: String,
    pub view: String,
    /// Width and height.
    pub image: [f64; 2],
    pub labels: Vec<String>,
    pub frames: Vec<OverlayFrame>,
}

pub(crate) struct OverlayFrame {
    pub number: u64,
    pub choice: Choice,
    /// (points).
    pub points: Vec<OverlayPoint>,
    /// Ends of the body's bones.
    pub bones: Vec<[[f64; 2]; 2]>,
}

impl OverlayFrame {
    /// All that is marked in the image.
    fn marks(&self) -> impl Iterator<Item = [f64; 2]> {
        let both = |point: &OverlayPoint| [point.observed.map(|o| o.0), point.predicted];
        self.points.iter().flat_map(both).flatten()
    }
}

#[derive(Clone, Copy)]
pub(crate) struct OverlayPoint {
    /// Pixel and confidence.
    pub observed: Option<([f64; 2], f64)>,
    pub predicted: Option<[f64; 2]>,
}

impl OverlayPoint {
    fn error(&self) -> f64 {
        match (self.observed, self.predicted) {
            (Some(([u, v], _)), Some([x, y])) => (u - x).hypot(v - y),
            _ => f64::NAN,
        }
    }
}

/// Why a frame is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Worst,
    Typical,
}

const WORST: usize = 5;

/// Of (frame, score) the frames with the largest scores, apart from each other in time, and the
/// one in the middle of the ranking.
pub(crate) fn choose(mut scores: Vec<(usize, f64)>) -> Vec<(usize, Choice)> {
    scores.retain(|(_, score)| score.is_finite());
    scores.sort_by(|a, b| b.1.total_cmp(&a.1));
    // Neighbours of a bad frame are as bad, and show nothing new.
    let apart = scores.len() / 20;
    let mut chosen: Vec<(usize, Choice)> = Vec::new();
    for &(frame, _) in &scores {
        let far = |(other, _): &(usize, Choice)| frame.abs_diff(*other) > apart;
        if chosen.len() < WORST && chosen.iter().all(far) {
            chosen.push((frame, Choice::Worst));
        }
    }
    if let Some(&(frame, _)) = scores.get(scores.len() / 2)
        && chosen.iter().all(|(other, _)| *other != frame)
    {
        chosen.push((frame, Choice::Typical));
    }
    chosen
}

pub(crate) fn plot(overlay: &Overlay) -> Result<Plot, PlotError> {
    Ok(Plot {
        svg: draw(overlay)?,
        csv: numbers(overlay),
    })
}

const COLUMNS: usize = 3;
/// Of a panel, in square pixels; its sides follow the image's.
const AREA: f64 = 120_000.0;
const GAP: f64 = 64.0;
const HEAD: f64 = 58.0;
const LABELS: usize = 3;
const LONGEST_LABEL: usize = 22;
const BONE: RGBColor = RGBColor(178, 178, 178);

fn numbers(overlay: &Overlay) -> String {
    let header = [
        "frame",
        "choice",
        "point",
        "confidence",
        "observed_x",
        "observed_y",
        "predicted_x",
        "predicted_y",
        "error_px",
    ];
    let rows = overlay.frames.iter().flat_map(|frame| {
        let choice = match frame.choice {
            Choice::Worst => "worst",
            Choice::Typical => "typical",
        };
        frame
            .points
            .iter()
            .zip(&overlay.labels)
            .map(move |(point, label)| {
                let (seen, confidence) = point.observed.unwrap_or(([f64::NAN; 2], 0.0));
                let predicted = point.predicted.unwrap_or([f64::NAN; 2]);
                let numbers = [
                    confidence,
                    seen[0],
                    seen[1],
                    predicted[0],
                    predicted[1],
                    point.error(),
                ];
                [frame.number.to_string(), choice.into(), label.clone()]
                    .into_iter()
                    .chain(numbers.map(csv_number))
                    .collect()
            })
    });
    csv_text(std::iter::once(header.map(String::from).to_vec()).chain(rows))
}

fn draw(overlay: &Overlay) -> Result<String, PlotError> {
    if overlay.frames.is_empty() {
        return style::empty_sheet("this view saw nothing");
    }
    let aspect = (overlay.image[0] / overlay.image[1]).clamp(0.2, 5.0);
    let width = (AREA * aspect).sqrt().clamp(240.0, 460.0).round();
    let height = (width / aspect).clamp(120.0, 700.0).round();
    let columns = overlay.frames.len().min(COLUMNS);
    let rows = overlay.frames.len().div_ceil(COLUMNS);
    let across = style::LEFT + columns as f64 * (width + GAP) - 30.0;
    let down = HEAD + rows as f64 * (height + GAP) + 6.0;
    style::sheet((across.max(640.0) as i32, down as i32), |canvas| {
        draw_head(canvas, overlay)?;
        for (at, frame) in overlay.frames.iter().enumerate() {
            let (column, row) = (at % COLUMNS, at / COLUMNS);
            let last = at + COLUMNS >= overlay.frames.len();
            let panel = Panel {
                left: style::LEFT + column as f64 * (width + GAP),
                top: HEAD + row as f64 * (height + GAP) + 8.0,
                width,
                height,
                x_title: if last { "x / px" } else { "" },
                y_title: if column == 0 { "y / px" } else { "" },
            };
            draw_frame(canvas, overlay, frame, &panel)?;
        }
        Ok(())
    })
}

/// The view's name, and what the marks mean.
fn draw_head(canvas: &Canvas, overlay: &Overlay) -> Result<(), PlotError> {
    let words = match overlay.view.as_str() {
        "" => overlay.term.clone(),
        view => format!("{view} ({})", overlay.term),
    };
    let row = 18.0;
    write(
        canvas,
        &words,
        (style::LEFT, row),
        text(FONT + 2, INK, HPos::Left),
    )?;
    let mut left = style::LEFT + style::text_width(&words, FONT + 2) + 34.0;
    let at = |x: f64| (style::units(x), style::units(row));
    canvas.draw(&dot(at(left), 1.0))?;
    let mut entry = |words: &str| -> Result<f64, PlotError> {
        write(
            canvas,
            words,
            (left + 10.0, row),
            text(SMALL, INK, HPos::Left),
        )?;
        left += 34.0 + style::text_width(words, SMALL);
        Ok(left)
    };
    let next = entry("detected, larger where surer")?;
    canvas.draw(&ring(at(next)))?;
    let next = entry("fitted")?;
    canvas.draw(&PathElement::new(
        vec![at(next - 8.0), at(next + 6.0)],
        error_line(),
    ))?;
    let next = entry("error")?;
    canvas.draw(&PathElement::new(
        vec![at(next - 8.0), at(next + 6.0)],
        BONE.stroke_width(7),
    ))?;
    entry("bones").map(|_| ())
}

fn draw_frame(
    canvas: &Canvas,
    overlay: &Overlay,
    frame: &OverlayFrame,
    panel: &Panel,
) -> Result<(), PlotError> {
    let window = Window::around(frame.marks(), overlay.image);
    let (x, y) = (window.axis(0, panel.width), window.axis(1, panel.height));
    let mut chart = panel.draw(canvas, &x, &y)?;
    let mut segment = |from: [f64; 2], to: [f64; 2], style: ShapeStyle| {
        draw_segment(&mut chart, &window, from, to, style)
    };
    let [w, h] = overlay.image;
    for (from, to) in [
        ([0.0, 0.0], [w, 0.0]),
        ([w, 0.0], [w, h]),
        ([w, h], [0.0, h]),
        ([0.0, h], [0.0, 0.0]),
    ] {
        segment(from, to, FAINT.stroke_width(6))?;
    }
    for [from, to] in &frame.bones {
        segment(*from, *to, BONE.stroke_width(7))?;
    }
    for point in &frame.points {
        if let (Some((from, _)), Some(to)) = (point.observed, point.predicted) {
            segment(from, to, error_line())?;
        }
    }
    for point in &frame.points {
        if let Some(at) = point.predicted.filter(|at| window.holds(*at)) {
            canvas.draw(&ring(window.place(panel, at)))?;
        }
        if let Some((at, confidence)) = point.observed.filter(|o| window.holds(o.0)) {
            canvas.draw(&dot(window.place(panel, at), confidence))?;
        }
    }
    draw_title(canvas, frame, panel)?;
    draw_labels(canvas, overlay, frame, panel, &window)
}

fn dot(at: (i32, i32), confidence: f64) -> Circle<(i32, i32), i32> {
    // The area grows with the confidence, from one that can just be seen.
    let radius = (1.5 + 9.0 * confidence.clamp(0.0, 1.0)).sqrt();
    Circle::new(at, style::units(radius), BLUE.mix(0.85).filled())
}

fn ring(at: (i32, i32)) -> Circle<(i32, i32), i32> {
    Circle::new(at, style::units(4.8), VERMILLION.stroke_width(5))
}

fn error_line() -> ShapeStyle {
    INK.mix(0.75).stroke_width(4)
}

fn draw_segment(
    chart: &mut Chart,
    window: &Window,
    from: [f64; 2],
    to: [f64; 2],
    style: ShapeStyle,
) -> Result<(), PlotError> {
    if let Some([a, b]) = window.clipped(from, to) {
        chart.draw_series([PathElement::new(vec![(a[0], a[1]), (b[0], b[1])], style)])?;
    }
    Ok(())
}

fn draw_title(canvas: &Canvas, frame: &OverlayFrame, panel: &Panel) -> Result<(), PlotError> {
    let errors = sorted_finite(frame.points.iter().map(OverlayPoint::error));
    let median = match errors.is_empty() {
        true => "no error".into(),
        false => format!("median {} px", short(quantile(&errors, 0.5))),
    };
    let choice = match frame.choice {
        Choice::Worst => "",
        Choice::Typical => " (typical)",
    };
    let words = format!("frame {}{choice}: {median}", frame.number);
    let at = (panel.left, panel.top - 11.0);
    write(canvas, &words, at, text(FONT, INK, HPos::Left))
}

/// Names the points with the largest errors, each where its words cover nothing else.
fn draw_labels(
    canvas: &Canvas,
    overlay: &Overlay,
    frame: &OverlayFrame,
    panel: &Panel,
    window: &Window,
) -> Result<(), PlotError> {
    let mut worst: Vec<(f64, usize)> = frame
        .points
        .iter()
        .enumerate()
        .map(|(p, point)| (point.error(), p))
        .filter(|(error, _)| error.is_finite())
        .collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    let drawn = drawn(frame, window, panel);
    let mut taken: Vec<[Range<f64>; 2]> = Vec::new();
    for &(_, p) in worst.iter().take(LABELS) {
        let Some((seen, _)) = frame.points[p].observed.filter(|o| window.holds(o.0)) else {
            continue;
        };
        let words = style::shortened(&overlay.labels[p], LONGEST_LABEL);
        let [x, y] = window.pixel(panel, seen);
        let width = style::text_width(&words, SMALL);
        let boxes = places(x, y, width);
        let cost = |(far, b): &(usize, [Range<f64>; 2])| {
            let inside = panel.left <= b[0].start
                && b[0].end <= panel.left + panel.width
                && panel.top <= b[1].start
                && b[1].end <= panel.top + panel.height;
            let over = |r: &[Range<f64>; 2]| {
                (0..2).all(|k| r[k].start < b[k].end && b[k].start < r[k].end)
            };
            let covers = |m: &[f64; 2]| b[0].contains(&m[0]) && b[1].contains(&m[1]);
            let covered = drawn.iter().filter(|(m, _)| covers(m));
            covered.map(|(_, cost)| cost).sum::<usize>()
                + 3 * far
                + 50 * taken.iter().filter(|r| over(r)).count()
                + 1000 * usize::from(!inside)
        };
        let Some((_, best)) = boxes.into_iter().min_by_key(cost) else {
            continue;
        };
        let at = (best[0].start, 0.5 * (best[1].start + best[1].end));
        write(canvas, &words, at, text(SMALL, INK, HPos::Left))?;
        taken.push(best);
    }
    Ok(())
}

/// Places on the sheet where words would hide something, and how bad that is.
fn drawn(frame: &OverlayFrame, window: &Window, panel: &Panel) -> Vec<([f64; 2], usize)> {
    let mut drawn = Vec::new();
    let mut along = |from: [f64; 2], to: [f64; 2], cost: usize| {
        let (from, to) = (window.pixel(panel, from), window.pixel(panel, to));
        let steps = ((from[0] - to[0]).hypot(from[1] - to[1]) / 6.0).clamp(1.0, 200.0) as usize;
        for step in 0..=steps {
            let share = step as f64 / steps as f64;
            let at = [0, 1].map(|k| from[k] + share * (to[k] - from[k]));
            drawn.push((at, cost));
        }
    };
    for [from, to] in &frame.bones {
        along(*from, *to, 1);
    }
    for point in &frame.points {
        let seen = point.observed.map(|o| o.0);
        if let (Some(from), Some(to)) = (seen, point.predicted) {
            along(from, to, 2);
        }
        for at in [seen, point.predicted].into_iter().flatten() {
            along(at, at, 6);
        }
    }
    drawn
}

/// Boxes for words around a point, the most natural first, with how far off they are.
fn places(x: f64, y: f64, width: f64) -> Vec<(usize, [Range<f64>; 2])> {
    let mut boxes = Vec::new();
    for (ring, far) in [7.0, 18.0, 32.0_f64].into_iter().enumerate() {
        let sides = [x + far, x - far - width, x - 0.5 * width];
        for (at, left) in sides.into_iter().enumerate() {
            let heights: &[f64] = if at < 2 {
                &[0.0, -12.0, 12.0]
            } else {
                &[-14.0, 14.0]
            };
            for height in heights {
                let middle = y + height * (far / 7.0).sqrt();
                boxes.push((ring, [left..left + width, middle - 7.0..middle + 7.0]));
            }
        }
    }
    boxes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_frames_are_apart_in_time_and_the_median_one_is_typical() {
        let score = |f: usize| match f {
            50..=52 => 100.0 + f as f64,
            _ => 99.0 - f as f64 / 10.0,
        };
        let chosen = choose((0..100).map(|f| (f, score(f))).collect());
        let frames: Vec<usize> = chosen.iter().map(|(f, _)| *f).collect();
        assert_eq!(frames, [52, 0, 6, 12, 18, 47]);
        assert!(chosen[..5].iter().all(|(_, c)| *c == Choice::Worst));
        assert_eq!(chosen[5].1, Choice::Typical);
    }

    #[test]
    fn few_frames_are_all_shown_once() {
        assert_eq!(choose(vec![]), []);
        let chosen = choose(vec![(3, 1.0), (4, f64::NAN), (9, 2.0)]);
        assert_eq!(chosen, [(9, Choice::Worst), (3, Choice::Worst)]);
    }

    fn overlay() -> Overlay {
        let point = |x: f64, e: f64| OverlayPoint {
            observed: Some(([x, 300.0], 0.5)),
            predicted: Some([x + e, 300.0]),
        };
        let hidden = OverlayPoint {
            observed: None,
            predicted: None,
        };
        Overlay {
            term: "reproj".into(),
            view: "cam_01".into(),
            image: [800.0, 600.0],
            labels: ["nose", "left_knee", "head"].map(String::from).to_vec(),
            frames: vec![OverlayFrame {
                number: 12,
                choice: Choice::Worst,
                points: vec![point(200.0, 3.0), point(400.0, -40.0), hidden],
                bones: vec![[[200.0, 300.0], [9000.0, 300.0]]],
            }],
        }
    }

    #[test]
    fn the_numbers_are_the_points_and_the_panel_names_the_worst() {
        let plot = plot(&overlay()).unwrap();
        let expected = "frame,choice,point,confidence,observed_x,observed_y,predicted_x,predicted_y,error_px\n\
            12,worst,nose,0.5,200.0,300.0,203.0,300.0,3.0\n\
            12,worst,left_knee,0.5,400.0,300.0,360.0,300.0,40.0\n\
            12,worst,head,0.0,,,,,\n";
        assert_eq!(plot.csv, expected);
        for label in ["cam_01 (reproj)", "frame 12: median 21.5 px", "left_knee"] {
            assert!(
                plot.svg.contains(&format!("\n{label}\n")),
                "`{label}` is missing"
            );
        }
    }

    #[test]
    fn the_window_holds_all_points_in_the_images_proportions() {
        let overlay = overlay();
        let window = Window::around(overlay.frames[0].marks(), overlay.image);
        assert!(window.holds([200.0, 300.0]) && window.holds([400.0, 300.0]));
        let side = |k: usize| window.high[k] - window.low[k];
        assert!((side(0) / side(1) - 800.0 / 600.0).abs() < 1e-9);
        assert!((0..2).all(|k| window.low[k] >= 0.0 && window.high[k] <= overlay.image[k]));
    }
}
