//! What the cameras of a spec see: the keypoints of one person, frame by frame.

use std::path::Path;

use nalgebra::Vector2;

use crate::body::BodyModel;
use crate::camera::Camera;
use crate::camera::people::most_prominent;
use crate::camera::relative::Seen;
use crate::check::cameras_of_views;
use crate::data::{Dataset, Observations, median};
use crate::diagnostic::{Diagnostic, Diagnostics, Origin, Sources};
use crate::error::Error;
use crate::io::FileError;
use crate::read::Inputs;
use crate::spec::{Spec, View};

pub(super) struct Sightings {
    pub cameras: Vec<Camera>,
    pub observed: Observations,
    /// The convention that says where the labels are on a body.
    pub convention: Option<String>,
    pub body: BodyModel,
    pub diagnostics: Diagnostics,
    pub sources: Sources,
}

/// Frames that are looked at, spread over all.
const FRAMES: usize = 400;
/// Pixels by which something of a frame differs from the one before, or it is that one again.
const STILL: f64 = 0.01;
/// Confidence below which a keypoint is not looked at.
const CONFIDENT: f64 = 0.3;

impl Sightings {
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::Spec {
            path: path.into(),
            reason: FileError::reading(path, &e).message,
        })?;
        let mut diagnostics = Diagnostics::default();
        let layers = Default::default();
        let spec = crate::spec::parse(path, &text, &layers, Vec::new(), &mut diagnostics);
        let nothing = (&Default::default(), &Default::default());
        let inputs = match diagnostics.unreadable() {
            true => None,
            false => Some(crate::read::read(&spec, nothing, &mut diagnostics)),
        };
        let found = inputs.and_then(|inputs| found(&spec, inputs, &mut diagnostics));
        match found.filter(|_| !diagnostics.has_errors()) {
            Some((cameras, observed, convention, body)) => Ok(Self {
                cameras,
                observed,
                convention,
                body,
                diagnostics,
                sources: spec.sources,
            }),
            None => Err(Error::Rejected {
                diagnostics: diagnostics.into(),
                sources: spec.sources.into(),
            }),
        }
    }

    /// The mistake that cameras cannot be placed.
    pub fn reject(&self, message: String) -> Error {
        let mut diagnostics = self.diagnostics.clone();
        let hint = "the person should walk about where all cameras see it, the lenses should be known, and \
                    `keypoints` should name the convention";
        diagnostics.push(Diagnostic::error("F0529", message, &Origin::Default).hint(hint));
        Error::Rejected {
            diagnostics: diagnostics.into(),
            sources: self.sources.clone().into(),
        }
    }

    /// Frames that are looked at.
    pub fn frames(&self) -> usize {
        self.observed.frames()
    }

    pub fn labels(&self) -> usize {
        self.observed.labels.len()
    }

    /// The middle one over cameras.
    pub fn usual(&self, of: impl Fn(&Camera) -> f64) -> f64 {
        median(self.cameras.iter().map(of)).unwrap_or(1.0)
    }

    /// Where a camera sees a point, in px, and how surely.
    pub fn pixel(&self, camera: usize, point: usize) -> Option<(Vector2<f64>, f64)> {
        let (frame, label) = (point / self.labels(), point % self.labels());
        let confidence = self.observed.confidence[[frame, camera, label]];
        let at = |k: usize| self.observed.values[[frame, camera, label, k]];
        (confidence >= CONFIDENT).then(|| (Vector2::new(at(0), at(1)), confidence))
    }

    /// The same in the plane at depth 1, without the lens's distortion.
    pub fn in_plane(&self, camera: usize, point: usize) -> Option<Vector2<f64>> {
        let (pixel, _) = self.pixel(camera, point)?;
        let ray = self.cameras[camera].undistort(&pixel);
        (ray.z > 0.1).then(|| ray.xy() / ray.z)
    }

    /// Points of all frames one after the other, label by label.
    pub fn in_planes(&self) -> Seen {
        let points = self.frames() * self.labels();
        let of_camera = |c: usize| (0..points).map(|p| self.in_plane(c, p)).collect();
        (0..self.cameras.len()).map(of_camera).collect()
    }
}

type Found = (Vec<Camera>, Observations, Option<String>, BodyModel);

/// The first term that compares a projection with what cameras saw.
fn found(spec: &Spec, inputs: Inputs, diagnostics: &mut Diagnostics) -> Option<Found> {
    let root = spec.root();
    let sources = root.named("sources");
    let projected = |name: &str| {
        let source = sources.iter().find(|(n, ..)| *n == name)?;
        (source.1.text("kind") == Some("project")).then_some(source.1)
    };
    let terms = root.named("terms");
    let seen = terms.iter().find_map(|(_, term, _)| {
        let source = projected(term.text("source")?)?;
        Some((source, term.text("target")?))
    });
    let Some((source, target)) = seen else {
        let message = "no term compares a source of the kind `project` with what cameras saw";
        let hint =
            "`presets/multiview.toml` has one; name the data sets `detections` and `cameras`";
        diagnostics.push(Diagnostic::error("F0202", message, &Origin::Default).hint(hint));
        return None;
    };
    let set = |name: &str| inputs.get(name).map(|input| &input.dataset);
    let named = source.text("cameras").unwrap_or("cameras");
    let seen = match set(target) {
        Some(Dataset::Points(o)) => Some((&o.views, None)),
        Some(Dataset::People(p)) => Some((&p.views, Some(p))),
        _ => None,
    };
    let (Some(body), Some(Dataset::Cameras(cameras)), Some((views, people))) =
        (inputs.body.clone(), set(named), seen)
    else {
        // What could not be read was complained about.
        if !diagnostics.has_errors() {
            let message = format!(
                "`{target}` should be what cameras saw of a body, and `{named}` the cameras with their lenses"
            );
            let hint = "`[data.cameras.NAME]` with `size` and `focal` for each of them";
            diagnostics.push(Diagnostic::error("F0202", message, &Origin::Default).hint(hint));
        }
        return None;
    };
    let joined = cameras_of_views(views, cameras).map_err(|missing| {
        let message = format!(
            "no camera is called as the view `{}`; cameras are {}",
            missing.join("`, `"),
            cameras
                .iter()
                .map(|c| format!("`{}`", c.name))
                .collect::<Vec<_>>()
                .join(", ")
        );
        diagnostics.push(Diagnostic::error("F0403", message, &Origin::Default));
    });
    let joined = joined.ok()?.to_vec();
    let observed = match (set(target)?, people) {
        (Dataset::Points(o), _) => o.clone(),
        (_, Some(people)) => most_prominent(people, &joined),
        _ => return None,
    };
    if joined.len() < 2 {
        let message = "one camera alone has no place but its own";
        let hint = "two or more see where they stand to each other";
        diagnostics.push(Diagnostic::error("F0529", message, &Origin::Default).hint(hint));
        return None;
    }
    let data = root.table("data")?;
    let convention = [Some(source), data.table(target)].into_iter().flatten();
    let of = |name: &str| root.named("sources").into_iter().find(|(n, ..)| *n == name);
    let below = source.text("of").and_then(of).map(|(_, t, _)| t);
    let mut convention = below.into_iter().chain(convention);
    let convention = convention.find_map(|t| {
        View::new(t, "")
            .text("keypoints")
            .map(|t| t.value.to_string())
    });
    Some((joined, thinned(observed), convention, body))
}

/// Every n-th frame of many, without those that show nothing new.
fn thinned(observed: Observations) -> Observations {
    let of = |f: usize| observed.values.index_axis(ndarray::Axis(0), f);
    // What stands still is one observation, however often it was taken.
    let same = |a: usize, b: usize| {
        let (a, b) = (of(a), of(b));
        let mut pairs = a.iter().zip(b.iter());
        pairs.all(|(x, y)| (x - y).abs() < STILL || x.is_nan() && y.is_nan())
    };
    let mut moving: Vec<usize> = Vec::new();
    for f in 0..observed.frames() {
        if moving.last().is_none_or(|last| !same(*last, f)) {
            moving.push(f);
        }
    }
    let step = moving.len().div_ceil(FRAMES).max(1);
    let frames = moving.into_iter().step_by(step).collect::<Vec<_>>();
    let axis = ndarray::Axis(0);
    Observations {
        values: observed.values.select(axis, &frames),
        confidence: observed.confidence.select(axis, &frames),
        frame_numbers: frames.iter().map(|f| observed.frame_numbers[*f]).collect(),
        ..observed
    }
}
