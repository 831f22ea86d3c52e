//! Closed-form starts: Kabsch for points in space or triangulated ones, rays for a single camera.

use nalgebra::{Matrix3, Rotation3, Vector2, Vector3};
use rayon::prelude::*;

use crate::body::rigid::{Pair, robust_kabsch};
use crate::camera::Camera;
use crate::camera::triangulate::{ray, triangulate_robust};
use crate::compile::{CompiledObjective, forward};
use crate::graph::{Host, Scalar};
use crate::ir::{Observed, Placement, Problem, Values, VariableId};
use crate::manifold::{Manifold, write_rows};
use crate::objective::Objective;

/// Pixels by which a view may disagree before a triangulated point is found without it.
const DISAGREEMENT: f64 = 60.0;

/// Headings that are tried where points in space do not say which way the body faces.
const HEADINGS: usize = 8;

/// One start of one frame.
pub(super) struct Start {
    pub frame: usize,
    pub copies: Vec<(VariableId, Vec<f64>)>,
}

/// A point of the body and the ray of a camera that saw it.
struct Sight {
    model: Vector3<f64>,
    centre: Vector3<f64>,
    direction: Vector3<f64>,
    weight: f64,
}

/// Moves some frames to the first of their starts, in place.
pub(crate) fn place(problem: &Problem, frames: &[usize], values: &mut Values) {
    let starts = starts(problem, values, frames).unwrap_or_default();
    for start in starts.iter().rev() {
        for (variable, numbers) in &start.copies {
            values
                .get_mut(*variable, start.frame)
                .copy_from_slice(numbers);
        }
    }
}

/// The starts of some observed frames, in their order.
pub(super) fn starts(problem: &Problem, values: &Values, frames: &[usize]) -> Option<Vec<Start>> {
    let placement = problem.placement.as_ref()?;
    let model: Vec<Vec<f64>> = placement
        .observed
        .iter()
        .map(|o| forward(problem, o.points, values, &[0]))
        .collect();
    let hinge = Hinge::new(problem, placement, values);
    let of_frame = |&frame: &usize| {
        let poses = placements(placement, &model, frame).into_iter();
        let start = move |(turn, shift)| Start {
            frame,
            copies: within(problem, hinge.copies(placement, &turn, &shift)),
        };
        poses.map(start).collect::<Vec<_>>()
    };
    let starts: Vec<Start> = frames.par_iter().flat_map_iter(of_frame).collect();
    Some(starts).filter(|s| !s.is_empty())
}

/// Values no further than the bounds of their variables.
fn within(
    problem: &Problem,
    mut copies: Vec<(VariableId, Vec<f64>)>,
) -> Vec<(VariableId, Vec<f64>)> {
    for (id, numbers) in &mut copies {
        if let Manifold::Box { low, high, .. } = problem.variables[id.0].manifold {
            numbers.iter_mut().for_each(|x| *x = x.clamp(low, high));
        }
    }
    copies
}

/// The parameter vectors of problems that begin at these starts.
pub(super) fn begin<E: Scalar, D: Host<E>>(
    objective: &CompiledObjective<'_, E, D>,
    starts: &[Start],
) -> Vec<f64> {
    let mut x = objective.start();
    let stride = objective.layout().ambient();
    for (start, x) in starts.iter().zip(x.chunks_exact_mut(stride.max(1))) {
        for (variable, numbers) in &start.copies {
            if let Some(offset) = objective.offset(*variable) {
                x[offset..offset + numbers.len()].copy_from_slice(numbers);
            }
        }
    }
    x
}

/// The problem with the least cost for each frame; starts of a frame lie side by side.
pub(super) fn best_of_each_frame(starts: &[Start], costs: &[f64]) -> Vec<usize> {
    let mut best: Vec<usize> = Vec::new();
    for p in 0..starts.len() {
        match best.last_mut() {
            Some(last) if starts[*last].frame == starts[p].frame => {
                if costs[p] < costs[*last] || !costs[*last].is_finite() {
                    *last = p;
                }
            }
            _ => best.push(p),
        }
    }
    best
}

/// Rotations and translations (x ↦ R x + t) of the unplaced points.
fn placements(
    placement: &Placement,
    model: &[Vec<f64>],
    frame: usize,
) -> Vec<(Matrix3<f64>, Vector3<f64>)> {
    let mut pairs = Vec::new();
    let mut sights = Vec::new();
    for (observed, model) in placement.observed.iter().zip(model) {
        match &observed.cameras {
            None => pairs.extend(pairs_in_space(observed, model, frame)),
            Some(cameras) => {
                pairs.extend(triangulated(observed, cameras, model, frame));
                sights.extend(sights_of(observed, cameras, model, frame));
            }
        }
    }
    if let Some(found) = robust_kabsch(&mut pairs) {
        return vec![found];
    }
    if !pairs.is_empty() && sights.is_empty() {
        return vec![(Matrix3::identity(), mean_shift(&pairs))];
    }
    let heading = |i: usize| {
        let angle = i as f64 * std::f64::consts::TAU / HEADINGS as f64;
        *Rotation3::from_axis_angle(&Vector3::y_axis(), angle).matrix()
    };
    let all = (0..HEADINGS).map(heading);
    let found: Vec<_> = all
        .filter_map(|turn| Some((turn, shift_onto_rays(&sights, &turn)?)))
        .collect();
    match found.is_empty() {
        true => vec![(Matrix3::identity(), Vector3::zeros())],
        false => found,
    }
}

fn point(numbers: &[f64], at: usize) -> Vector3<f64> {
    Vector3::from_column_slice(&numbers[3 * at..3 * at + 3])
}

/// What a term's weight for a point in a view is at one frame.
fn weight(observed: &Observed, frame: usize, view: usize, at: usize) -> f64 {
    let (_, views, points, _) = observed.targets.observations.values.dim();
    observed.targets.weights[(frame * views + view) * points + at] * observed.rigidity[at]
}

fn pairs_in_space(observed: &Observed, model: &[f64], frame: usize) -> Vec<Pair> {
    let values = &observed.targets.observations.values;
    let pair = |at: usize| {
        let seen = values.slice(ndarray::s![frame, 0usize, at, ..]);
        let weight = weight(observed, frame, 0, at);
        (weight > 0.0).then(|| Pair {
            model: point(model, at),
            seen: Vector3::new(seen[0], seen[1], seen[2]),
            weight,
        })
    };
    (0..observed.rigidity.len()).filter_map(pair).collect()
}

fn triangulated(observed: &Observed, cameras: &[Camera], model: &[f64], frame: usize) -> Vec<Pair> {
    let values = &observed.targets.observations.values;
    let pair = |at: usize| {
        let view = |(v, camera)| {
            let pixel = values.slice(ndarray::s![frame, v, at, ..]);
            let weight = weight(observed, frame, v, at);
            (weight > 0.0).then(|| (camera, Vector2::new(pixel[0], pixel[1]), weight))
        };
        let seen: Vec<_> = cameras.iter().enumerate().filter_map(view).collect();
        Some(Pair {
            model: point(model, at),
            seen: triangulate_robust(&seen, DISAGREEMENT)?,
            weight: seen.iter().map(|s| s.2).sum(),
        })
    };
    (0..observed.rigidity.len()).filter_map(pair).collect()
}

fn sights_of(observed: &Observed, cameras: &[Camera], model: &[f64], frame: usize) -> Vec<Sight> {
    let values = &observed.targets.observations.values;
    let mut sights = Vec::new();
    for (v, camera) in cameras.iter().enumerate() {
        for at in 0..observed.rigidity.len() {
            let weight = weight(observed, frame, v, at);
            if weight > 0.0 {
                let pixel = values.slice(ndarray::s![frame, v, at, ..]);
                sights.push(Sight {
                    model: point(model, at),
                    centre: camera.centre(),
                    direction: ray(camera, &Vector2::new(pixel[0], pixel[1])).direction,
                    weight,
                });
            }
        }
    }
    sights
}

fn mean_shift(pairs: &[Pair]) -> Vector3<f64> {
    let total: f64 = pairs.iter().map(|p| p.weight).sum();
    let moved = pairs.iter().map(|p| (p.seen - p.model) * p.weight);
    moved.sum::<Vector3<f64>>() / total
}

/// The translation that brings the turned model nearest to the rays: similar triangles for all
/// points at once, min Σ w ‖(I − d dᵀ)(R m + t − c)‖².
fn shift_onto_rays(sights: &[Sight], turn: &Matrix3<f64>) -> Option<Vector3<f64>> {
    let mut normal = Matrix3::zeros();
    let mut right = Vector3::zeros();
    for sight in sights {
        let across = Matrix3::identity() - sight.direction * sight.direction.transpose();
        normal += across * sight.weight;
        right += across * (sight.centre - turn * sight.model) * sight.weight;
    }
    let eigenvalues = normal.symmetric_eigenvalues();
    if sights.len() < 2 || eigenvalues.min() < 1e-9 * eigenvalues.max() {
        return None;
    }
    normal.cholesky().map(|c| c.solve(&right))
}

/// How the rotation variable turns the unplaced body: a point goes to centre + R arm.
#[derive(Clone, Copy)]
struct Hinge {
    centre: Vector3<f64>,
    arm: Vector3<f64>,
    /// The point and the translation variable where nothing is placed.
    before: Vector3<f64>,
    trans: Vector3<f64>,
}

impl Hinge {
    fn new(problem: &Problem, placement: &Placement, values: &Values) -> Self {
        let one = values.of_frame(0);
        let node = placement.observed[0].points;
        let place = |values: &Values| point(&forward(problem, node, values, &[0]), 0);
        let turned = |signs: [f64; 3]| {
            let mut turned = one.clone();
            let rows = turned.get_mut(placement.rotation, 0);
            write_rows(&Matrix3::from_diagonal(&signs.into()), rows);
            place(&turned)
        };
        // The half turns about the axes and none: their mean takes every arm to zero.
        let plain = turned([1.0; 3]);
        let half = [[1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]].map(turned);
        let centre = (plain + half[0] + half[1] + half[2]) / 4.0;
        Self {
            centre,
            arm: plain - centre,
            before: place(&one),
            trans: Vector3::from_column_slice(one.get(placement.translation, 0)),
        }
    }

    /// The two variables for which the body stands where x ↦ R x + t puts the unplaced one.
    fn copies(
        &self,
        placement: &Placement,
        turn: &Matrix3<f64>,
        shift: &Vector3<f64>,
    ) -> Vec<(VariableId, Vec<f64>)> {
        let mut rows = vec![0.0; 9];
        write_rows(turn, &mut rows);
        let there = turn * self.before + shift;
        let trans = self.trans + there - (self.centre + turn * self.arm);
        vec![
            (placement.rotation, rows),
            (placement.translation, trans.as_slice().to_vec()),
        ]
    }
}
