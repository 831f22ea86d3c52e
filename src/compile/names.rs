//! What the unknowns of a joint problem are, in words.

use super::objective::CompiledObjective;
use crate::graph::{Host, Scalar};
use crate::ir::{Per, Variable, VariableId};

/// A component of a variable's copy, for one frame or for all.
struct Unknown<'a> {
    variable: &'a Variable,
    frame: Option<usize>,
    /// Of a variable over a set.
    element: Option<usize>,
    component: usize,
}

impl<E: Scalar, D: Host<E>> CompiledObjective<'_, E, D> {
    fn unknown(&self, mut at: usize) -> Option<Unknown<'_>> {
        for free in &self.free {
            let variable = &self.problem.variables[free.variable.0];
            let dims = dims(variable);
            if at < free.elements * dims {
                return Some(Unknown {
                    variable,
                    frame: (free.per == Per::Frame).then(|| self.frames[at / dims]),
                    element: free.whole.then_some(at / dims),
                    component: at % dims,
                });
            }
            at -= free.elements * dims;
        }
        None
    }

    /// For each free variable where its unknowns stand in a tangent vector.
    pub fn places(&self) -> impl Iterator<Item = (VariableId, std::ops::Range<usize>)> {
        let free = self.free.iter();
        free.map(|free| {
            (
                free.variable,
                free.tangent..free.tangent + free.elements * free.unknowns,
            )
        })
    }

    /// The variables, in words, that have any of some unknowns.
    pub fn variables_at(&self, unknowns: &[usize]) -> Vec<String> {
        let has = |of: &std::ops::Range<usize>| unknowns.iter().any(|u| of.contains(u));
        let found = self.places().filter(|(_, of)| has(of));
        found
            .map(|(id, _)| format!("`{}`", self.problem.variables[id.0].name))
            .collect()
    }

    /// One unknown, with its frame.
    pub fn describe(&self, at: usize) -> String {
        let Some(unknown) = self.unknown(at) else {
            return "no unknown".into();
        };
        let name = match unknown.element {
            Some(element) => format!("{}[{element}]", unknown.variable.name),
            None => unknown.variable.name.clone(),
        };
        let component = match dims(unknown.variable) {
            1 => name,
            _ => format!("{name}[{}]", unknown.component),
        };
        match unknown.frame {
            Some(frame) => format!("{component} of frame {}", self.problem.frame_numbers[frame]),
            None => component,
        }
    }

    /// Some unknowns, ascending: the components of each variable, whatever their frame.
    pub fn name_components(&self, unknowns: &[usize]) -> Vec<String> {
        let found: Vec<Unknown<'_>> = unknowns.iter().filter_map(|u| self.unknown(*u)).collect();
        let of_variables = found.chunk_by(|a, b| std::ptr::eq(a.variable, b.variable));
        let name = |of_one: &[Unknown<'_>]| {
            let sorted = |of: &dyn Fn(&Unknown<'_>) -> Option<usize>| {
                let mut found: Vec<usize> = of_one.iter().filter_map(of).collect();
                found.sort_unstable();
                found.dedup();
                found
            };
            let variable = of_one[0].variable;
            let components = sorted(&|u| Some(u.component));
            let elements = sorted(&|u| u.element);
            let elements = match variable.per {
                Per::Row(set) if !elements.is_empty() => {
                    ranges(&elements, self.problem.sets[set.0].ids.len())
                }
                _ => String::new(),
            };
            format!(
                "`{}`{elements}{}",
                variable.name,
                ranges(&components, dims(variable))
            )
        };
        of_variables.map(name).collect()
    }
}

/// Unknowns of a variable for one frame.
fn dims(variable: &Variable) -> usize {
    variable.copies * variable.manifold.tangent()
}

/// Ascending components as ranges, such as `[3–5, 9]`; nothing where they are all.
fn ranges(components: &[usize], dims: usize) -> String {
    if components.len() == dims {
        return String::new();
    }
    let runs = components.chunk_by(|a, b| a + 1 == *b);
    let text = |run: &[usize]| match run {
        [only] => only.to_string(),
        _ => format!("{}–{}", run[0], run[run.len() - 1]),
    };
    format!("[{}]", runs.map(text).collect::<Vec<_>>().join(", "))
}
