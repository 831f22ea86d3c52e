//! The fits in space: what the page's view is given.

use ndarray::Array3;
use serde_json::json;

use super::files::{
    Skeletons, chosen, is_later_seed, point_names, read_points, read_skeletons, upright,
};
use super::html::{chip, escape};
use crate::compare::Comparison;
use crate::report::plot::base64;

/// More skeletons than this nobody tells apart, and a page would be slow.
const MOST: usize = 16;

/// A frame of some data.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    pub data: String,
    /// What the data call it.
    pub number: String,
}

/// Points of one method's frames: (frames, points, 3), metres, y up; NaN where there are none.
pub(super) struct Scene {
    pub frames: Vec<Shown>,
    pub parents: Vec<i64>,
    pub joints: Vec<Array3<f32>>,
    pub observed: Array3<f32>,
    pub predicted: Vec<Array3<f32>>,
    rate: f64,
}

impl Scene {
    /// None where no run has a body.
    pub fn read(of: &Comparison) -> Option<Self> {
        if of.methods.len() > MOST {
            return None;
        }
        let frames = chosen(of)?;
        let names = point_names(of);
        let mut scene: Option<Self> = None;
        for run in &of.runs {
            let method = of.methods.iter().position(|m| *m == run.method);
            let Some((m, dir)) = method.zip(run.dir.as_ref().ok()) else {
                continue;
            };
            let Some(found) = read_skeletons(dir).filter(|_| !is_later_seed(of, run)) else {
                continue;
            };
            let methods = of.methods.len();
            let scene = scene
                .get_or_insert_with(|| Self::empty(frames.clone(), &found, (methods, names.len())));
            if found.parents != scene.parents {
                continue;
            }
            let up = run.record["up"].as_str().unwrap_or("y");
            scene.put_joints(m, &run.data, &found, up);
            let (path, shown) = (dir.join("points.csv"), scene.frames.clone());
            read_points(&path, &names, (&shown, &run.data), &mut |at, seen, said| {
                scene.put_point(m, at, upright(seen, up), upright(said, up));
            });
        }
        scene
    }

    fn empty(frames: Vec<Shown>, of: &Skeletons, (methods, points): (usize, usize)) -> Self {
        let none = |n: usize| Array3::from_elem((frames.len(), n, 3), f32::NAN);
        Self {
            joints: vec![none(of.parents.len()); methods],
            predicted: vec![none(points); methods],
            observed: none(points),
            parents: of.parents.clone(),
            rate: of.rate,
            frames,
        }
    }

    fn put_joints(&mut self, method: usize, data: &str, of: &Skeletons, up: &str) {
        for (f, shown) in self.frames.iter().enumerate() {
            let Some(row) = of.rows.get(&shown.number).filter(|_| shown.data == data) else {
                continue;
            };
            for j in 0..of.parents.len() {
                let place = [0, 1, 2].map(|k| of.joints[[*row, j, k]]);
                for (k, x) in upright(place, up).into_iter().enumerate() {
                    self.joints[method][[f, j, k]] = x as f32;
                }
            }
        }
    }

    fn put_point(&mut self, method: usize, (f, p): (usize, usize), seen: [f64; 3], said: [f64; 3]) {
        for k in 0..3 {
            self.observed[[f, p, k]] = seen[k] as f32;
            self.predicted[method][[f, p, k]] = said[k] as f32;
        }
    }

    pub fn section(&self, of: &Comparison) -> String {
        let boxes = of.methods.iter().enumerate().map(|(m, name)| {
            format!(
                "<label><input type=\"checkbox\" data-method=\"{m}\" checked> {}{}</label>\n",
                chip(m),
                escape(name)
            )
        });
        format!(
            "<section class=\"scene\">\n<h2>The fits in space</h2>\n<div id=\"scene\"></div>\n\
             <div class=\"controls\"><button id=\"play\" type=\"button\">Play</button>\n\
             <input id=\"frame\" type=\"range\" min=\"0\" value=\"0\" step=\"1\" aria-label=\"frame\">\n\
             <output id=\"frame-said\"></output></div>\n\
             <div class=\"controls\">{}<label><input type=\"checkbox\" id=\"apart\" checked> side by side</label>\n\
             <label><input type=\"checkbox\" id=\"errors\"> colour by error</label>\n\
             <button id=\"home\" type=\"button\">Reset view</button></div>\n\
             {}</section>\n",
            boxes.collect::<String>(),
            match self.scale() {
                Some(scale) => format!(
                    "<p class=\"note\">Dots are observed points, lines lead to where the fit puts them; coloured by \
                     error, vermillion is {:.0} mm or more.</p>\n",
                    1000.0 * scale
                ),
                None => String::new(),
            }
        )
    }

    /// The numbers, for the script.
    pub fn data(&self, methods: &[String]) -> String {
        let all: Vec<[f32; 3]> = points(&self.joints);
        let low = |k: usize| all.iter().map(|p| p[k]).fold(f32::INFINITY, f32::min);
        let high = |k: usize| all.iter().map(|p| p[k]).fold(f32::NEG_INFINITY, f32::max);
        let size = self.size().max(0.1);
        let label = |s: &Shown| match s.data.as_str() {
            "" => format!("frame {}", s.number),
            data => format!("{data}, frame {}", s.number),
        };
        let ground = if all.is_empty() { 0.0 } else { low(1) };
        let centre = [
            0.5 * (low(0) + high(0)),
            ground + 0.5 * size,
            0.5 * (low(2) + high(2)),
        ];
        let centre = centre.map(|x| if x.is_finite() { x } else { 0.0 });
        let value = json!({
            "frames": self.frames.iter().map(label).collect::<Vec<_>>(),
            "first": self.first(),
            "methods": methods,
            "parents": self.parents,
            "points": self.observed.dim().1,
            "centre": centre, "ground": ground, "size": size, "reach": size,
            "spacing": 0.85 * size,
            "scale": self.scale().unwrap_or(0.05),
            "step": self.step(),
            "joints": self.joints.iter().map(floats).collect::<Vec<_>>(),
            "observed": floats(&self.observed),
            "predicted": self.predicted.iter().map(floats).collect::<Vec<_>>(),
        });
        // A name must not end the script.
        let text = value.to_string().replace('<', "\\u003c");
        format!("<script type=\"application/json\" id=\"scene-data\">{text}</script>\n")
    }

    /// Milliseconds from a shown frame to the next, as the motion was, within what a page can show.
    fn step(&self) -> f64 {
        let numbers = self
            .frames
            .iter()
            .filter_map(|f| f.number.parse::<f64>().ok());
        let numbers: Vec<f64> = numbers.collect();
        let mut apart: Vec<f64> = numbers.windows(2).map(|w| w[1] - w[0]).collect();
        apart.sort_by(f64::total_cmp);
        let apart = apart.get(apart.len() / 2).copied().unwrap_or(1.0);
        (1000.0 * apart / self.rate).clamp(16.0, 500.0)
    }

    /// The first frame in which most methods have a body.
    fn first(&self) -> usize {
        let known = |f: usize| {
            self.joints
                .iter()
                .filter(|j| j[[f, 0, 0]].is_finite())
                .count()
        };
        let best = (0..self.frames.len()).map(|f| (known(f), std::cmp::Reverse(f)));
        best.max().map_or(0, |(_, f)| f.0)
    }

    /// How tall the body is: the 90th percentile of its extents.
    fn size(&self) -> f32 {
        let extent = |of: ndarray::ArrayView2<'_, f32>| {
            let along = |k: usize| {
                let column = of.column(k);
                let low = column.iter().copied().fold(f32::INFINITY, f32::min);
                let high = column.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                high - low
            };
            (0..3).map(along).fold(0.0, f32::max)
        };
        let skeletons = self.joints.iter().flat_map(|j| j.outer_iter());
        let sizes = skeletons.map(extent);
        let mut sizes: Vec<f32> = sizes.filter(|x| x.is_finite() && *x > 0.0).collect();
        sizes.sort_by(f32::total_cmp);
        sizes.get(sizes.len() * 9 / 10).copied().unwrap_or(1.7)
    }

    /// The error that is drawn in the strongest colour, metres: the 95th percentile of all.
    fn scale(&self) -> Option<f64> {
        let (frames, points, _) = self.observed.dim();
        let mut all = Vec::new();
        for predicted in &self.predicted {
            for f in 0..frames {
                for p in 0..points {
                    let squares =
                        (0..3).map(|k| (predicted[[f, p, k]] - self.observed[[f, p, k]]).powi(2));
                    all.push(f64::from(squares.sum::<f32>().sqrt()));
                }
            }
        }
        all.retain(|x| x.is_finite());
        all.sort_by(f64::total_cmp);
        all.get(all.len() * 95 / 100).copied().filter(|x| *x > 0.0)
    }
}

fn points(of: &[Array3<f32>]) -> Vec<[f32; 3]> {
    let rows = of.iter().flat_map(|a| {
        a.rows()
            .into_iter()
            .map(|r| [r[0], r[1], r[2]])
            .collect::<Vec<_>>()
    });
    rows.filter(|p| p[0].is_finite()).collect()
}

/// Little-endian floats.
fn floats(numbers: &Array3<f32>) -> String {
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    base64(&bytes)
}
