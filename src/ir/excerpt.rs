//! A problem of some of the frames of another.

use std::ops::Range;
use std::sync::Arc;

use ndarray::s;

use super::{NodeKind, Per, Problem, Residual, Targets, Term};

impl Problem {
    /// The same problem with some neighbouring frames alone.
    pub(crate) fn excerpt(&self, frames: Range<usize>) -> Self {
        let mut excerpt = self.clone();
        // Tables are taken whole.
        if self.batch.is_some() {
            return excerpt;
        }
        let terms = excerpt.stages.iter_mut().flat_map(|s| &mut s.terms);
        for term in excerpt.terms.iter_mut().chain(terms) {
            term.cut(&frames, self.frames, self.nodes[term.node.0].dims);
        }
        for variable in &mut excerpt.variables {
            let numbers = variable.numbers();
            if variable.per == Per::Frame && variable.init.len() > numbers {
                variable.init = rows(&variable.init, &frames, numbers);
            }
        }
        for node in &mut excerpt.nodes {
            if let NodeKind::Column { over: None, values } = &mut node.kind {
                *values = rows(values, &frames, node.dims).into();
            }
        }
        for observed in excerpt.placement.iter_mut().flat_map(|p| &mut p.observed) {
            observed.targets = observed.targets.cut(&frames, self.frames);
        }
        excerpt.frame_numbers = self.frame_numbers[frames.clone()].to_vec();
        let within = self.gaps.iter().filter(|g| frames.contains(g));
        excerpt.gaps = within.map(|g| g - frames.start).collect();
        excerpt.observed = self.observed[frames.clone()].to_vec();
        excerpt.frames = frames.len();
        excerpt
    }
}

impl Term {
    fn cut(&mut self, frames: &Range<usize>, of: usize, dims: usize) {
        match &mut self.residual {
            Residual::Points(targets) | Residual::Seen { targets, .. } => {
                *targets = targets.cut(frames, of);
            }
            Residual::Value { about, .. } if about.len() > dims => {
                *about = rows(about, frames, dims).into();
            }
            _ => {}
        }
    }
}

/// Those of some frames, of so many numbers each.
fn rows(all: &[f64], frames: &Range<usize>, numbers: usize) -> Vec<f64> {
    all[frames.start * numbers..frames.end * numbers].to_vec()
}

impl Targets {
    /// Those of some of so many frames.
    fn cut(&self, frames: &Range<usize>, of: usize) -> Arc<Self> {
        let mut cut = self.clone();
        let all = &self.observations;
        let within = frames.start..frames.end;
        let own = Arc::make_mut(&mut cut.observations);
        own.values = all.values.slice(s![within.clone(), .., .., ..]).to_owned();
        own.confidence = all.confidence.slice(s![within, .., ..]).to_owned();
        own.frame_numbers = all.frame_numbers[frames.clone()].to_vec();
        let n = self.weights.len() / of.max(1);
        cut.weights = self.weights[frames.start * n..frames.end * n].to_vec();
        Arc::new(cut)
    }
}
