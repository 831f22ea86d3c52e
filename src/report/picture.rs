//! `body.png`: some of the fitted bodies with the points that were observed in space.

use std::path::Path;

use nalgebra::Vector3;
use rayon::prelude::*;

use super::bodies::Bodies;
use super::render::{Body, Picture, render};
use crate::io::{FileError, atomic};
use crate::ir::{Problem, Residual};

/// Bodies in one picture at most.
const SHOWN: usize = 6;

pub(super) fn write(path: &Path, problem: &Problem, bodies: &Bodies<'_>) -> Result<(), FileError> {
    let known: Vec<usize> = (0..problem.frames).filter(|&f| bodies.known(f)).collect();
    let count = known.len().min(SHOWN);
    let spread = |i: usize| match count {
        1 => known[known.len() / 2],
        _ => known[i * (known.len() - 1) / (count - 1)],
    };
    let frames: Vec<usize> = (0..count).map(spread).collect();
    let vertices: Vec<Vec<[f32; 3]>> = frames
        .par_iter()
        .map(|&f| bodies.vertices(f).iter().map(single).collect())
        .collect();
    let points: Vec<Vec<[f32; 3]>> = frames.iter().map(|&f| observed(problem, f)).collect();
    let facing: Vector3<f64> = frames.iter().map(|&f| bodies.root(f) * Vector3::z()).sum();
    let faces: Vec<[u32; 3]> = bodies
        .model
        .faces
        .rows()
        .into_iter()
        .map(|f| [f[0], f[1], f[2]])
        .collect();
    let shown = vertices.iter().zip(&points);
    let image = render(&Picture {
        faces: &faces,
        bodies: shown
            .map(|(vertices, points)| Body { vertices, points })
            .collect(),
        facing: single(&facing),
        towards_camera: None,
        room: None,
        width: 1400,
        max_height: 900,
    });
    let bytes = image
        .to_png()
        .map_err(|e| FileError::new(path, format!("cannot be drawn: {e}")))?;
    atomic::write(path, &bytes)
}

fn single(v: &Vector3<f64>) -> [f32; 3] {
    [v.x as f32, v.y as f32, v.z as f32]
}

/// The points that terms in space observe at a frame.
fn observed(problem: &Problem, frame: usize) -> Vec<[f32; 3]> {
    let mut seen = Vec::new();
    for term in problem.final_terms() {
        let Residual::Points(targets) = &term.residual else {
            continue;
        };
        let observations = &targets.observations;
        let (_, views, points, k) = observations.values.dim();
        if k != 3 || views != 1 {
            continue;
        }
        for p in (0..points).filter(|&p| observations.confidence[[frame, 0, p]] > 0.0) {
            let at = |c: usize| observations.values[[frame, 0, p, c]] as f32;
            seen.push([at(0), at(1), at(2)]);
        }
    }
    seen
}
