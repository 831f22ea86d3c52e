//! Values of all variables, fixed or free, as stages hand them on.

use super::{Per, Problem, VariableId};

/// For each variable its copies in stored numbers: (frames or 1, ambient).
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    copies: Vec<Vec<f64>>,
    ambient: Vec<usize>,
}

impl Values {
    /// Every variable at its `init`.
    pub fn initial(problem: &Problem) -> Self {
        let copies = problem.variables.iter().map(|v| match v.per {
            Per::Frame => v.init.repeat(problem.frames),
            Per::Subject => v.init.clone(),
        });
        Self {
            copies: copies.collect(),
            ambient: problem.variables.iter().map(|v| v.init.len()).collect(),
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
        let variables = (0..self.copies.len()).map(VariableId);
        Self {
            copies: variables.map(|v| self.get(v, frame).to_vec()).collect(),
            ambient: self.ambient.clone(),
        }
    }

    /// For each variable all its copies.
    pub(crate) fn copies(&self) -> &[Vec<f64>] {
        &self.copies
    }

    /// The copy that a frame uses.
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

    /// All copies of a variable.
    pub fn all(&self, variable: VariableId) -> &[f64] {
        &self.copies[variable.0]
    }
}
