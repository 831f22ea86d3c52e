//! A stage as a batched objective: chunks of frames on all cores, sums in one fixed order.

use rayon::prelude::*;

use super::{ChunkResult, Leaf, Program, along_frames};
use crate::graph::{Backend, Rows, Scalar};
use crate::ir::{Per, Problem, Stage, Values, VariableId};
use crate::objective::{Block, Evaluation, Layout, Objective};
use crate::precondition::Preconditioner;

/// Frames that share a tape. A constant, so that results do not depend on the machine.
const CHUNK: usize = 64;

/// One stage of a problem, ready to be minimised.
pub(crate) struct CompiledObjective<'a, E: Scalar, D: Backend<E>> {
    program: Program<E>,
    /// Terms on shared variables alone, counted once in a joint solve.
    shared: Program<E>,
    free: Vec<Free>,
    values: &'a Values,
    /// The frame of each problem, or the frames of the one joint problem.
    frames: Vec<usize>,
    joint: bool,
    layout: Layout,
    names: Vec<String>,
    preconditioner: Option<Preconditioner>,
    device: std::marker::PhantomData<fn() -> D>,
}

/// A free variable's place in a problem's parameter vector.
struct Free {
    variable: VariableId,
    per: Per,
    ambient: usize,
    offset: usize,
}

impl<'a, E: Scalar, D: Backend<E>> CompiledObjective<'a, E, D> {
    /// Fixed variables keep `values`; `joint` makes one problem of all `frames`.
    pub fn new(
        problem: &Problem,
        stage: &Stage,
        values: &'a Values,
        frames: Vec<usize>,
        joint: bool,
    ) -> Self {
        let per = |node: crate::ir::NodeId| problem.nodes[node.0].per;
        let numbered = || stage.terms.iter().enumerate();
        let of_frames = numbered().filter(|(_, t)| per(t.node) == Per::Frame);
        let of_subject = numbered().filter(|(_, t)| per(t.node) == Per::Subject && joint);
        let preconditioner = match joint {
            true => {
                let parts = along_frames::parts(problem, stage, frames.len());
                along_frames::preconditioner(problem, stage, &frames, parts)
            }
            false => None,
        };
        let (free, layout) = parameters(problem, stage, if joint { frames.len() } else { 1 });
        Self {
            program: Program::new(problem, of_frames),
            shared: Program::new(problem, of_subject),
            free,
            values,
            frames,
            joint,
            layout,
            names: stage.terms.iter().map(|t| t.name.clone()).collect(),
            preconditioner,
            device: std::marker::PhantomData,
        }
    }

    /// The parameter vectors that stand for the given values, problem by problem.
    pub fn start(&self) -> Vec<f64> {
        self.start_from(self.values)
    }

    /// The parameter vectors that stand for other values of the free variables.
    pub fn start_from(&self, values: &Values) -> Vec<f64> {
        let mut x = vec![0.0; self.layout.ambient() * self.problems()];
        for (slot, &frame) in self.frames.iter().enumerate() {
            for free in &self.free {
                let at = self.place(free, slot);
                x[at..at + free.ambient].copy_from_slice(values.get(free.variable, frame));
            }
        }
        x
    }

    /// What an unknown of the joint problem is, in words.
    pub fn describe(&self, problem: &Problem, unknown: usize) -> String {
        let mut at = 0;
        for free in &self.free {
            let variable = &problem.variables[free.variable.0];
            let dims = variable.copies * variable.manifold.tangent();
            let copies = if free.per == Per::Frame {
                self.frames.len()
            } else {
                1
            };
            if unknown < at + copies * dims {
                let (copy, component) = ((unknown - at) / dims, (unknown - at) % dims);
                return match free.per {
                    Per::Frame => {
                        let number = problem.frame_numbers[self.frames[copy]];
                        format!("{}[{component}] of frame {number}", variable.name)
                    }
                    Per::Subject => format!("{}[{component}]", variable.name),
                };
            }
            at += copies * dims;
        }
        "no unknown".into()
    }

    /// Writes the copies of `slot` (a problem, or a frame of the joint one) into `values`.
    pub fn store(&self, x: &[f64], slot: usize, values: &mut Values) {
        for free in &self.free {
            let at = self.place(free, slot);
            let from = &x[at..at + free.ambient];
            values
                .get_mut(free.variable, self.frames[slot])
                .copy_from_slice(from);
        }
    }

    /// Where a free variable stands in the parameter vector of one frame.
    pub fn offset(&self, variable: VariableId) -> Option<usize> {
        let free = self.free.iter().find(|f| f.variable == variable)?;
        Some(free.offset)
    }

    /// Where a variable's copy for a slot stands among all numbers.
    fn place(&self, free: &Free, slot: usize) -> usize {
        match (self.joint, free.per) {
            (false, _) => slot * self.layout.ambient() + free.offset,
            (true, Per::Frame) => free.offset + slot * free.ambient,
            (true, Per::Subject) => free.offset,
        }
    }

    /// A chunk's copies of one variable; `slots` are its places in x, `frames` its frames.
    fn leaf(&self, variable: VariableId, x: &[f64], slots: &[usize], frames: &[usize]) -> Leaf<E> {
        let free = self.free.iter().find(|f| f.variable == variable);
        let mut data = Vec::new();
        let mut push = |numbers: &[f64]| data.extend(numbers.iter().map(|&n| E::of(n)));
        let shared = self.values.all(variable).len() == self.values.get(variable, 0).len();
        match free {
            Some(free) if free.per == Per::Subject => {
                push(&x[free.offset..free.offset + free.ambient]);
            }
            Some(free) => {
                for &slot in slots {
                    let at = self.place(free, slot);
                    push(&x[at..at + free.ambient]);
                }
            }
            None if shared => push(self.values.all(variable)),
            None => frames
                .iter()
                .for_each(|&f| push(self.values.get(variable, f))),
        }
        let one = match free {
            Some(free) => free.per == Per::Subject,
            None => shared,
        };
        Leaf {
            data,
            rows: if one { 1 } else { slots.len() },
            free: free.is_some(),
        }
    }

    /// Runs the chunks of `count` rows; each knows the slots of its rows and how many are core.
    fn run_chunks(&self, x: &[f64], slots: &[usize], frames: &[usize]) -> Vec<ChunkResult<E>> {
        let reach = if self.joint { self.program.reach } else { 0 };
        let starts: Vec<usize> = (0..slots.len()).step_by(CHUNK).collect();
        starts
            .into_par_iter()
            .map(|start| {
                let core = CHUNK.min(slots.len() - start);
                let end = (start + core + reach).min(slots.len());
                let (slots, frames) = (&slots[start..end], &frames[start..end]);
                let rows = Rows { frames, core };
                self.program
                    .run(&D::default(), rows, self.names.len(), |variable| {
                        self.leaf(variable, x, slots, frames)
                    })
            })
            .collect()
    }

    fn evaluate_independent(&self, x: &[f64], active: &[usize], out: &mut Evaluation) {
        let slots: Vec<usize> = (0..active.len()).collect();
        let frames: Vec<usize> = active.iter().map(|&p| self.frames[p]).collect();
        let stride = self.layout.ambient();
        out.gradient.resize(active.len() * stride, 0.0);
        for (chunk, result) in self.run_chunks(x, &slots, &frames).iter().enumerate() {
            out.terms.extend(&result.costs);
            for (variable, gradient) in &result.gradients {
                let free = self.find(*variable);
                for (row, numbers) in gradient.chunks_exact(free.ambient).enumerate() {
                    let at = (chunk * CHUNK + row) * stride + free.offset;
                    write(numbers, &mut out.gradient[at..at + free.ambient]);
                }
            }
        }
        let sums = out.terms.chunks_exact(self.names.len().max(1));
        out.costs
            .extend(sums.map(|terms| terms.iter().sum::<f64>()));
    }

    fn evaluate_joint(&self, x: &[f64], out: &mut Evaluation) {
        let columns = self.names.len();
        let slots: Vec<usize> = (0..self.frames.len()).collect();
        out.gradient.resize(self.layout.ambient(), 0.0);
        out.terms.resize(columns, 0.0);
        let all = Rows {
            frames: &self.frames,
            core: self.frames.len(),
        };
        let shared = self.shared.run(&D::default(), all, columns, |variable| {
            self.leaf(variable, x, &[0], &[0])
        });
        let mut chunks = self.run_chunks(x, &slots, &self.frames);
        chunks.push(shared);
        let last = chunks.len() - 1;
        for (chunk, result) in chunks.iter().enumerate() {
            for row in result.costs.chunks_exact(columns.max(1)) {
                let sums = out.terms.iter_mut().zip(row);
                sums.for_each(|(sum, cost)| *sum += cost);
            }
            for (variable, gradient) in &result.gradients {
                let free = self.find(*variable);
                let slot = if chunk == last { 0 } else { chunk * CHUNK };
                let at = self.place(free, slot);
                add(gradient, &mut out.gradient[at..at + gradient.len()]);
            }
        }
        out.costs.push(out.terms.iter().sum());
    }

    fn find(&self, variable: VariableId) -> &Free {
        let found = self.free.iter().find(|f| f.variable == variable);
        found.expect("gradients are formed for free variables")
    }
}

impl<E: Scalar, D: Backend<E>> Objective for CompiledObjective<'_, E, D> {
    fn problems(&self) -> usize {
        if self.joint { 1 } else { self.frames.len() }
    }

    fn layout(&self) -> Layout {
        self.layout.clone()
    }

    fn term_names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn preconditioner(&self) -> Option<Preconditioner> {
        self.preconditioner.clone()
    }

    fn evaluate(&self, x: &[f64], active: &[usize], out: &mut Evaluation) {
        out.costs.clear();
        out.terms.clear();
        out.gradient.clear();
        match self.joint {
            true => self.evaluate_joint(x, out),
            false => self.evaluate_independent(x, active, out),
        }
    }
}

/// Shared variables first, then those of the frames, each variable's copies side by side.
fn parameters(problem: &Problem, stage: &Stage, frames: usize) -> (Vec<Free>, Layout) {
    let mut free = Vec::new();
    let mut layout = Layout::default();
    for per in [Per::Subject, Per::Frame] {
        for &id in &stage.free {
            let variable = &problem.variables[id.0];
            if variable.per != per {
                continue;
            }
            free.push(Free {
                variable: id,
                per,
                ambient: variable.init.len(),
                offset: layout.ambient(),
            });
            layout.blocks.push(Block {
                manifold: variable.manifold,
                copies: variable.copies * if per == Per::Frame { frames } else { 1 },
                scale: variable.scale,
            });
        }
    }
    (free, layout)
}

fn write<E: Scalar>(from: &[E], to: &mut [f64]) {
    to.iter_mut()
        .zip(from)
        .for_each(|(to, from)| *to = from.wide());
}

fn add<E: Scalar>(from: &[E], to: &mut [f64]) {
    to.iter_mut()
        .zip(from)
        .for_each(|(to, from)| *to += from.wide());
}
