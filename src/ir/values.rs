//! Values of all variables, fixed or free, as stages hand them on.

use super::{Per, Problem, Variable, VariableId};

/// For each variable its copies in stored numbers: (frames, elements or 1, ambient).
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    copies: Vec<Vec<f64>>,
    ambient: Vec<usize>,
    /// Whether there is a copy for each frame.
    of_frames: Vec<bool>,
}

impl Values {
    /// Every variable at its `init`.
    pub fn initial(problem: &Problem) -> Self {
        let copies = problem.variables.iter().map(|v| match v.per {
            Per::Frame if v.init.len() == v.numbers() => v.init.repeat(problem.frames),
            _ => v.init.clone(),
        });
        Self {
            copies: copies.collect(),
            ambient: problem.variables.iter().map(Variable::numbers).collect(),
            of_frames: problem
                .variables
                .iter()
                .map(|v| v.per == Per::Frame)
                .collect(),
        }
    }

    /// Values with these copies of each variable, where their counts and numbers fit the problem.
    pub(crate) fn of_copies(problem: &Problem, copies: Vec<Vec<f64>>) -> Option<Self> {
        let initial = Self::initial(problem);
        let mut pairs = initial.copies.iter().zip(&copies);
        let fits = pairs.all(|(a, b)| a.len() == b.len() && b.iter().all(|x| x.is_finite()));
        (fits && copies.len() == initial.copies.len()).then_some(Self { copies, ..initial })
    }

    /// Those of one frame, as its only ones.
    pub(crate) fn of_frame(&self, frame: usize) -> Self {
        let of_frame = |v: usize| match self.of_frames[v] {
            true => self.get(VariableId(v), frame).to_vec(),
            false => self.copies[v].clone(),
        };
        Self {
            copies: (0..self.copies.len()).map(of_frame).collect(),
            ambient: self.ambient.clone(),
            of_frames: self.of_frames.clone(),
        }
    }

    /// For each variable all its copies.
    pub(crate) fn copies(&self) -> &[Vec<f64>] {
        &self.copies
    }

    /// The copy that a frame, or an element of a set, uses.
    pub fn get(&self, variable: VariableId, frame: usize) -> &[f64] {
        let n = self.ambient[variable.0];
        let all = &self.copies[variable.0];
        let at = if all.len() == n { 0 } else { frame * n };
        &all[at..at + n]
    }

    pub fn get_mut(&mut self, variable: VariableId, frame: usize) -> &mut [f64] {
        let n = self.ambient[variable.0];
        let all = &mut self.copies[variable.0];
        let at = if all.len() == n { 0 } else { frame * n };
        &mut all[at..at + n]
    }

    pub fn all_mut(&mut self, variable: VariableId) -> &mut [f64] {
        &mut self.copies[variable.0]
    }

    /// All copies of a variable.
    pub fn all(&self, variable: VariableId) -> &[f64] {
        &self.copies[variable.0]
    }
}
