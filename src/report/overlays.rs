//! Gathers what each view of each projected term saw, for the overlays.

use std::path::Path;

use ndarray::Array4;

use super::bodies::Bodies;
use super::cameras::fitted_of;
use super::metrics::PointErrors;
use super::plot::overlay::{self, Choice, Overlay, OverlayFrame, OverlayPoint};
use super::plots::failed;
use super::{file_part, term_file};
use crate::camera::Camera;
use crate::fit::Fit;
use crate::io::FileError;
use crate::ir::{Problem, Residual, Targets, Term};

/// Nearer than this a point has no place in the image. Metres.
const NEAREST: f64 = 0.05;

/// A plot for each view of each projected term; returns whether there was any.
pub(super) fn write(
    dir: &Path,
    problem: &Problem,
    fit: &Fit,
    bodies: Option<&Bodies<'_>>,
    errors: &[PointErrors],
) -> Result<bool, FileError> {
    let of_term = |e: &PointErrors| Projected::new(problem, fit, bodies, errors, &e.term);
    let terms: Vec<Projected<'_>> = errors.iter().filter_map(of_term).collect();
    for term in &terms {
        let stem = match terms.len() {
            1 => "overlay".into(),
            _ => term_file("overlay", errors, &term.errors.term),
        };
        for view in 0..term.errors.views.len() {
            let plot = overlay::plot(&term.overlay(view)).map_err(|e| failed(dir, &e))?;
            let name = file_part(&term.name(view));
            plot.write(dir, &format!("{stem}_{name}"))
                .map_err(|e| failed(dir, &e))?;
        }
    }
    Ok(!terms.is_empty())
}

/// A term whose points are projected, with its errors.
struct Projected<'a> {
    problem: &'a Problem,
    bodies: Option<&'a Bodies<'a>>,
    term: &'a Term,
    targets: &'a Targets,
    errors: &'a PointErrors,
    /// One for each view, with what variables stand for.
    cameras: Vec<Camera>,
}

impl<'a> Projected<'a> {
    fn new(
        problem: &'a Problem,
        fit: &Fit,
        bodies: Option<&'a Bodies<'a>>,
        errors: &'a [PointErrors],
        name: &str,
    ) -> Option<Self> {
        let term = problem.final_terms().find(|t| t.name == name)?;
        let Residual::Points(targets) = &term.residual else {
            return None;
        };
        let cameras = fitted_of(problem, fit, &problem.nodes[term.node.0]);
        if cameras.is_empty() {
            return None;
        }
        Some(Self {
            problem,
            bodies,
            term,
            targets,
            errors: errors.iter().find(|e| e.term == name)?,
            cameras: cameras.into_iter().map(|(camera, _)| camera).collect(),
        })
    }

    /// The view's name, the camera's where it has none, else its number.
    fn name(&self, view: usize) -> String {
        let names = [&self.errors.views[view], &self.cameras[view].name];
        let named = names.into_iter().find(|name| !name.is_empty());
        named.map_or_else(|| view.to_string(), String::clone)
    }

    fn overlay(&self, view: usize) -> Overlay {
        let seen = (0..self.problem.frames).filter_map(|f| Some((f, self.score(f, view)?)));
        let frames = overlay::choose(seen.collect()).into_iter();
        Overlay {
            term: self.errors.term.clone(),
            view: self.name(view),
            image: self.cameras[view].size,
            labels: self.errors.labels.clone(),
            frames: frames
                .map(|(f, choice)| self.frame(f, view, choice))
                .collect(),
        }
    }

    /// The mean cost of a frame's points as the term weighs them, so that one slip of a detector
    /// counts no more than it did in the fit; none where nothing was compared.
    fn score(&self, frame: usize, view: usize) -> Option<f64> {
        let (_, views, points, k) = self.errors.predicted.dim();
        let (mut cost, mut total) = (0.0, 0.0);
        for p in (0..points).filter(|&p| self.errors.by_frame[[frame, view, p]].is_finite()) {
            let residual: Vec<f64> = (0..k)
                .map(|c| {
                    self.errors.predicted[[frame, view, p, c]]
                        - self.targets.observations.values[[frame, view, p, c]]
                })
                .collect();
            let weight = self.targets.weights[(frame * views + view) * points + p];
            cost += weight * self.term.whitening.rho(&residual);
            total += weight;
        }
        (total > 0.0).then(|| cost / total)
    }

    fn frame(&self, frame: usize, view: usize, choice: Choice) -> OverlayFrame {
        let points = 0..self.errors.labels.len();
        OverlayFrame {
            number: self.problem.frame_numbers[frame],
            choice,
            points: points.map(|p| self.point(frame, view, p)).collect(),
            bones: self.bones(frame, view),
        }
    }

    fn point(&self, frame: usize, view: usize, point: usize) -> OverlayPoint {
        let at = [frame, view, point];
        let pixel = |values: &Array4<f64>| [0, 1].map(|c| values[[at[0], at[1], at[2], c]]);
        let observations = &self.targets.observations;
        let confidence = observations.confidence[at];
        let predicted = pixel(&self.errors.predicted);
        OverlayPoint {
            observed: (confidence > 0.0).then(|| (pixel(&observations.values), confidence)),
            predicted: predicted.iter().all(|x| x.is_finite()).then_some(predicted),
        }
    }

    /// The body's bones in the image, where a body was solved and they lie in front of the camera.
    fn bones(&self, frame: usize, view: usize) -> Vec<[[f64; 2]; 2]> {
        let Some(bodies) = self.bodies.filter(|b| b.known(frame)) else {
            return Vec::new();
        };
        let camera = &self.cameras[view];
        let joints = bodies.transforms(frame);
        let pixel = |joint: usize| {
            let position = joints[joint].1;
            let ahead = camera.to_camera(&position).z > NEAREST;
            ahead.then(|| camera.project(&position).into())
        };
        let bone = |(joint, &parent): (usize, &usize)| Some([pixel(parent)?, pixel(joint)?]);
        let parents = bodies.model.parents.iter().enumerate();
        parents.skip(1).filter_map(bone).collect()
    }
}
