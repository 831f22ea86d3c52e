//! A stage as a batched objective: chunks of frames on all cores, sums in one fixed order.

use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use super::along_frames;
use super::elements::OfElements;
use super::forward::{lanes, numbers};
use super::linear::{Linear, Products};
use super::program::{Program, Source};
use super::rows::Tables;
use crate::graph::{Host, LANES, Scalar};
use crate::ir::{Per, Problem, SetId, Stage, Values, VariableId};
use crate::memory::Memory;
use crate::normal::lanes::{Batch, start};
use crate::normal::{Lane, Normal};
use crate::objective::{Block, Evaluation, Layout, Objective, Want};
use crate::precondition::Preconditioner;
use crate::term::residuals::Rows;

/// Neighbouring slots that go through the program together.
#[derive(Clone, Copy)]
pub(super) struct Chunk {
    pub first: usize,
    /// Slots whose residuals are counted here.
    pub core: usize,
    pub used: usize,
}

/// One stage of a problem, ready to be minimised.
pub(crate) struct CompiledObjective<'a, E: Scalar, D: Host<E>> {
    pub(super) problem: &'a Problem,
    pub(super) program: Program<E>,
    pub(super) linear: Linear,
    /// Terms on shared variables alone, counted once in a joint solve.
    pub(super) shared: Program<E>,
    pub(super) linear_shared: Linear,
    /// What is over the rows of tables, in a joint solve.
    pub(super) tables: Option<Tables<E>>,
    /// The same where every element of a set is a problem.
    pub(super) elements: Option<Vec<OfElements<E>>>,
    /// Places of the frames' unknowns in a joint tangent vector.
    pub(super) parts: Vec<(usize, usize)>,
    pub(super) free: Vec<Free>,
    pub(super) values: &'a Values,
    /// The frame of each problem, or the frames of the one joint problem.
    pub(super) frames: Vec<usize>,
    joint: bool,
    pub(super) layout: Layout,
    pub(super) names: Vec<String>,
    has_energies: bool,
    preconditioner: Option<Preconditioner>,
    device: std::marker::PhantomData<fn() -> D>,
}

/// A free variable's place in a problem's parameter vector.
pub(super) struct Free {
    pub variable: VariableId,
    pub per: Per,
    pub ambient: usize,
    pub offset: usize,
    /// Frames or elements that have a copy of their own in the vector.
    pub elements: usize,
    /// Whether those are all of a set.
    pub whole: bool,
    /// Unknowns of one copy, and where those of the first begin in a tangent vector.
    pub unknowns: usize,
    pub tangent: usize,
}

impl<'a, E: Scalar, D: Host<E>> CompiledObjective<'a, E, D> {
    /// Fixed variables keep `values`; `joint` makes one problem of all `frames`.
    pub fn new(
        problem: &'a Problem,
        stage: &Stage,
        values: &'a Values,
        frames: Vec<usize>,
        joint: bool,
    ) -> Self {
        let per = |node: crate::ir::NodeId| problem.nodes[node.0].per;
        let numbered = || stage.terms.iter().enumerate();
        let of_frames = numbered().filter(|(_, t)| per(t.node) == Per::Frame);
        let of_subject = numbered().filter(|(_, t)| per(t.node) == Per::Subject && joint);
        let parts = along_frames::parts(problem, stage, frames.len());
        let preconditioner = match joint {
            true => along_frames::preconditioner(problem, stage, &frames, parts.clone()),
            false => None,
        };
        let (free, layout) = parameters(problem, stage, joint.then_some(frames.len()));
        let program = Program::new(problem, stage, values, of_frames);
        let shared = Program::new(problem, stage, values, of_subject);
        let unknowns = Unknowns::new(problem, &free, joint);
        let linear = unknowns.linear(problem, &program);
        let over = Tables::over(problem, stage, values);
        let (mut tables, mut elements) = (None, None);
        match problem.batch {
            Some(set) if !joint => {
                let of_set = |(_, program): (SetId, Program<E>)| {
                    let linear = unknowns.linear(problem, &program);
                    OfElements::new(problem, (set, stage), program, linear)
                };
                elements = Some(over.into_iter().map(of_set).collect());
            }
            _ if joint && (!over.is_empty() || free.iter().any(|f| f.whole)) => {
                tables = Some(Tables::new(problem, &free, frames.len(), &linear, over));
            }
            _ => {}
        }
        Self {
            linear,
            linear_shared: unknowns.linear(problem, &shared),
            tables,
            elements,
            problem,
            program,
            shared,
            free,
            values,
            frames,
            joint,
            layout,
            parts,
            has_energies: stage.has_energies(),
            names: stage.terms.iter().map(|t| t.name.clone()).collect(),
            preconditioner,
            device: std::marker::PhantomData,
        }
    }

    /// The same problems in another form of their stage, with the same unknowns.
    pub fn like(&self, stage: &Stage) -> Self {
        let frames = self.frames.clone();
        Self {
            layout: self.layout.clone(),
            ..Self::new(self.problem, stage, self.values, frames, self.joint)
        }
    }

    /// Keeps the first frames of a joint problem where they are.
    pub fn hold_first(&mut self, frames: usize) {
        for free in self.free.iter().filter(|f| f.per == Per::Frame) {
            let unknowns = free.tangent..free.tangent + frames * free.unknowns;
            self.layout.held.extend(unknowns);
        }
    }

    /// Some of the problems alone; not of a joint one.
    pub fn part(&self, stage: &Stage, problems: &[usize]) -> Self {
        let frames = problems.iter().map(|p| self.frames[*p]).collect();
        Self::new(self.problem, stage, self.values, frames, false)
    }

    /// The parameter vectors that stand for the given values, problem by problem.
    pub fn start(&self) -> Vec<f64> {
        self.start_from(self.values)
    }

    /// The parameter vectors that stand for other values of the free variables.
    pub fn start_from(&self, values: &Values) -> Vec<f64> {
        let mut x = vec![0.0; self.layout.ambient() * self.problems()];
        for (slot, &frame) in self.frames.iter().enumerate() {
            for free in self.free.iter().filter(|f| !f.whole) {
                let at = self.place(free, slot);
                x[at..at + free.ambient].copy_from_slice(values.get(free.variable, frame));
            }
        }
        for free in self.free.iter().filter(|f| f.whole) {
            let all = values.all(free.variable);
            x[free.offset..free.offset + all.len()].copy_from_slice(all);
        }
        x
    }

    /// Writes the copies of `slot` (a problem, or a frame of the joint one) into `values`.
    pub fn store(&self, x: &[f64], slot: usize, values: &mut Values) {
        for free in self.free.iter().filter(|f| !f.whole) {
            let at = self.place(free, slot);
            let from = &x[at..at + free.ambient];
            values
                .get_mut(free.variable, self.frames[slot])
                .copy_from_slice(from);
        }
        // What all frames share is written with the first of them.
        for free in self.free.iter().filter(|f| f.whole && slot == 0) {
            let all = values.all_mut(free.variable);
            let count = all.len();
            all.copy_from_slice(&x[free.offset..free.offset + count]);
        }
    }

    /// Where a free variable stands in the parameter vector of one frame.
    pub fn offset(&self, variable: VariableId) -> Option<usize> {
        let free = self.free.iter().find(|f| f.variable == variable)?;
        Some(free.offset)
    }

    /// Where a variable's copy for a slot, or for an element of its set, stands among all numbers.
    pub(super) fn place(&self, free: &Free, slot: usize) -> usize {
        match (self.joint, free.per) {
            (false, _) => slot * self.layout.ambient() + free.offset,
            (true, Per::Frame | Per::Row(_)) => free.offset + slot * free.ambient,
            (true, Per::Subject) => free.offset,
        }
    }

    /// Writes a chunk's numbers of a leaf; `slots` are its places in x, `frames` its frames or rows.
    pub(super) fn leaf(
        &self,
        source: &Source,
        x: &[f64],
        slots: &[usize],
        frames: &[usize],
        out: &mut [E],
    ) {
        let variable = source.variable();
        match self.free.iter().find(|f| Some(f.variable) == variable) {
            Some(free) => {
                let element = |slot| match self.joint {
                    true => source.element(slot),
                    false => slot,
                };
                let copy = |slot| &x[self.place(free, element(slot))..][..free.ambient];
                lanes(slots, copy, out);
            }
            None => lanes(frames, |row| numbers(source, self.values, row), out),
        }
    }

    /// The chunks of so many slots; neighbours that a term reads belong to two.
    pub(super) fn chunks(&self, slots: usize) -> Vec<Chunk> {
        // Where nothing is free, each frame is told the terms that begin at it.
        let reach = match self.joint || self.free.is_empty() {
            true => self.program.reach,
            false => 0,
        };
        let core = LANES - reach;
        let chunk = |first: usize| Chunk {
            first,
            core: core.min(slots - first),
            used: LANES.min(slots - first),
        };
        (0..slots).step_by(core).map(chunk).collect()
    }

    /// Works off chunks on all threads; `work` is given rows, slots and frames of each.
    pub(super) fn on_chunks<R: Send>(
        &self,
        frames: &[usize],
        work: impl Fn(Rows<'_>, &[usize], &[usize]) -> R + Sync,
    ) -> Vec<(Chunk, R)> {
        self.on(&self.chunks(frames.len()), frames, work)
    }

    /// As [`Self::on_chunks`], for some of them.
    pub(super) fn on<R: Send>(
        &self,
        chunks: &[Chunk],
        frames: &[usize],
        work: impl Fn(Rows<'_>, &[usize], &[usize]) -> R + Sync,
    ) -> Vec<(Chunk, R)> {
        let results = chunks.par_iter();
        let results = results.map(|chunk| (*chunk, self.of_chunk(chunk, frames, &work)));
        results.collect()
    }

    /// Does something with the rows, the places and the frames of one chunk.
    pub(super) fn of_chunk<R>(
        &self,
        chunk: &Chunk,
        frames: &[usize],
        work: impl FnOnce(Rows<'_>, &[usize], &[usize]) -> R,
    ) -> R {
        let slots: [usize; LANES] = std::array::from_fn(|k| chunk.first + k);
        let frames = &frames[chunk.first..chunk.first + chunk.used];
        let of_lanes = std::array::from_fn(|k| frames[k.min(frames.len() - 1)]);
        let rows = Rows {
            frames: &of_lanes,
            core: chunk.core,
            used: chunk.used,
        };
        work(rows, &slots[..chunk.used], frames)
    }

    fn evaluate_independent(&self, x: &[f64], active: &[usize], want: Want, out: &mut Evaluation) {
        let frames: Vec<usize> = active.iter().map(|&p| self.frames[p]).collect();
        if let Some(over) = &self.elements {
            self.evaluate_elements(over, x, &frames, want, out);
            return sum_terms(self.names.len(), out);
        }
        if matches!(want, Want::Normal | Want::Promising) {
            return self.normal_independent(x, &frames, want, out);
        }
        let stride = self.layout.ambient();
        let columns = self.names.len();
        let results = self.on_chunks(&frames, |rows, slots, frames| {
            let leaf = |s: &Source, out: &mut [E]| self.leaf(s, x, slots, frames, out);
            let differentiate = want == Want::Gradient;
            self.program.run::<D>(rows, differentiate, leaf)
        });
        out.gradient.resize(active.len() * stride, 0.0);
        for (chunk, result) in &results {
            out.terms.extend(&result.costs);
            for (step, gradient) in &result.gradients {
                let (free, _) = self.find(&self.program, *step);
                for (d, lanes) in gradient.chunks_exact(LANES).enumerate() {
                    for (k, g) in lanes[..chunk.used].iter().enumerate() {
                        out.gradient[(chunk.first + k) * stride + free.offset + d] = g.wide();
                    }
                }
            }
        }
        sum_terms(columns, out);
    }

    fn normal_independent(&self, x: &[f64], frames: &[usize], want: Want, out: &mut Evaluation) {
        let columns = self.names.len();
        let damping = std::mem::take(&mut out.damping);
        let first = |slots: &[usize]| slots.first().copied().unwrap_or(0);
        let mut memory = std::mem::take(&mut out.memory);
        memory.resize_with(frames.len(), Memory::default);
        let of_chunks: Vec<_> = memory.chunks_mut(LANES).map(Mutex::new).collect();
        let results = self.on_chunks(frames, |rows, slots, frames| {
            let leaf = |s: &Source, out: &mut [E]| self.leaf(s, x, slots, frames, out);
            let mut memory = of_chunks[first(slots) / LANES].lock();
            let memory = memory.as_deref_mut().map_or(&mut [][..], |m| &mut **m);
            let products = self.products(&self.program, &self.linear, rows, want, leaf, memory);
            let damping = std::array::from_fn(|k| match k < rows.used {
                true => damping.get(first(slots) + k).copied().unwrap_or(0.0),
                false => 1.0,
            });
            let own = self.linear.own;
            let slope = products.slope[..own * LANES].iter();
            let slope = slope.map(|x| x.wide()).collect();
            // What frames ahead would add is not there where frames are apart.
            let mut square = products.square;
            square.truncate(start(own) * LANES);
            let square = E::either(square);
            let batch = Arc::new(Batch::new(square, slope, damping));
            let normal = |k: usize| Lane {
                batch: Arc::clone(&batch),
                k,
            };
            let normals: Vec<Lane> = (0..rows.used).map(normal).collect();
            let excess = products.excess[..rows.used].to_vec();
            (products.costs, normals, excess)
        });
        let mut all = Vec::with_capacity(frames.len());
        for (_, (costs, normals, excess)) in results {
            out.terms.extend(costs);
            out.excess.extend(excess);
            all.extend(normals);
        }
        drop(of_chunks);
        out.memory = memory;
        out.normal = Normal::Lanes(all);
        sum_terms(columns, out);
    }

    pub(super) fn products(
        &self,
        program: &Program<E>,
        linear: &Linear,
        rows: Rows<'_>,
        want: Want,
        leaf: impl Fn(&Source, &mut [E]),
        memory: &mut [Memory],
    ) -> Products<E> {
        let values = program.values(leaf);
        let choose = want == Want::Promising;
        let problem = self.problem;
        linear.products(problem, program, &values, rows, choose, memory)
    }

    /// The free variable that a step holds, and where its numbers come from.
    pub(super) fn find<'p>(&self, program: &'p Program<E>, step: usize) -> (&Free, &'p Source) {
        let source = match &program.steps[step].action {
            super::program::Action::Leaf(source) => source,
            _ => unreachable!("gradients are formed for leaves"),
        };
        let variable = source.variable();
        let found = self.free.iter().find(|f| Some(f.variable) == variable);
        (
            found.expect("gradients are formed for free variables"),
            source,
        )
    }
}

/// Where the unknowns of one lane begin: those of its frame, then those of all.
struct Unknowns {
    places: Vec<(VariableId, usize)>,
    own: usize,
    shared: usize,
}

impl Unknowns {
    /// In a problem of one frame every variable is its own.
    fn new(problem: &Problem, free: &[Free], joint: bool) -> Self {
        let (mut places, mut at, mut own) = (Vec::new(), 0, 0);
        let order: &[Option<Per>] = match joint {
            true => &[Some(Per::Frame), Some(Per::Subject)],
            false => &[None],
        };
        for per in order {
            for free in free.iter().filter(|f| per.is_none_or(|per| f.per == per)) {
                let variable = &problem.variables[free.variable.0];
                places.push((free.variable, at));
                at += variable.copies * variable.manifold.tangent();
            }
            if *per != Some(Per::Subject) {
                own = at;
            }
        }
        let shared = at - own;
        Self {
            places,
            own,
            shared,
        }
    }

    fn linear<E: Scalar>(&self, problem: &Problem, program: &Program<E>) -> Linear {
        let place = |_: usize, source: &Source| {
            let mut places = self.places.iter();
            let found = places.find(|(v, _)| Some(*v) == source.variable());
            found.map(|(_, first)| *first)
        };
        Linear::new(problem, program, place, self.own, self.shared)
    }
}

impl<E: Scalar, D: Host<E>> Objective for CompiledObjective<'_, E, D> {
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

    fn has_residuals(&self) -> bool {
        !self.has_energies
    }

    fn has_alternatives(&self) -> bool {
        self.linear.has_alternatives(&self.program)
    }

    fn evaluate(&self, x: &[f64], active: &[usize], want: Want, out: &mut Evaluation) {
        out.costs.clear();
        out.terms.clear();
        out.gradient.clear();
        out.excess.clear();
        match self.joint {
            true => self.evaluate_joint(x, want, out),
            false => self.evaluate_independent(x, active, want, out),
        }
    }
}

/// Shared variables first, then those of the frames, then those of sets, each variable's copies side by
/// side; one of each where no `frames` are joined.
fn parameters(problem: &Problem, stage: &Stage, frames: Option<usize>) -> (Vec<Free>, Layout) {
    let mut free = Vec::new();
    let mut layout = Layout::default();
    let rows = (0..problem.sets.len()).map(|s| Per::Row(SetId(s)));
    for per in [Per::Subject, Per::Frame].into_iter().chain(rows) {
        for &id in &stage.free {
            let variable = &problem.variables[id.0];
            if variable.per != per {
                continue;
            }
            let elements = match (per, frames) {
                (Per::Subject, _) | (_, None) => 1,
                (Per::Frame, Some(frames)) => frames,
                (Per::Row(set), Some(_)) => problem.sets[set.0].ids.len(),
            };
            let tangent = layout.tangent();
            free.push(Free {
                variable: id,
                per,
                ambient: variable.numbers(),
                elements,
                whole: frames.is_some() && matches!(per, Per::Row(_)),
                offset: layout.ambient(),
                unknowns: variable.unknowns(),
                tangent,
            });
            layout.blocks.push(Block {
                manifold: variable.manifold,
                copies: variable.copies * elements,
                scale: variable.scale,
            });
            let (n, copy) = (variable.unknowns(), variable.manifold.tangent());
            let held = variable.held.iter();
            layout
                .held
                .extend(held.flat_map(|e| tangent + e * n..tangent + (e + 1) * n));
            for first in (0..variable.copies * elements).map(|c| tangent + c * copy) {
                let still = stage.held(id).iter();
                layout.held.extend(still.map(|c| first + c));
            }
        }
    }
    (free, layout)
}

/// The costs of problems from those of their terms.
fn sum_terms(columns: usize, out: &mut Evaluation) {
    let sums = out.terms.chunks_exact(columns.max(1));
    let costs = sums.map(|terms| terms.iter().sum::<f64>());
    out.costs.extend(costs);
}
