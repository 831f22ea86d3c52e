//! Terms over the rows of tables: a program for each index set, and how its rows tie unknowns together.

use std::sync::Arc;

use super::joint::{FIRST, ONE, WAVE, add_terms};
use super::linear::{Linear, Products};
use super::objective::{Chunk, CompiledObjective, Free};
use super::program::{Action, Program, Source};
use crate::graph::{Host, LANES, Scalar};
use crate::ir::{Per, Problem, SetId, Stage, Values};
use crate::normal::lanes::start;
use crate::normal::{Kind, Linked, Network, Normal, Part};
use crate::objective::{Evaluation, Want};

/// The terms of one index set.
pub(super) struct OverRows<E> {
    pub program: Program<E>,
    linear: Linear,
    /// The rows' numbers, from 0 on.
    pub rows: Vec<usize>,
    blocks: Vec<Block>,
}

/// Unknowns that move together: all that are free of one element.
struct Block {
    per: Per,
    /// Which element a row means; its own where there is none.
    taken: Option<Arc<Vec<u32>>>,
    /// Where they begin among the unknowns of a row.
    first: usize,
}

/// A joint problem over tables, and how its unknowns hang together.
pub(super) struct Tables<E> {
    pub over: Vec<OverRows<E>>,
    kinds: Vec<Per>,
    network: Arc<Network>,
    /// The unknowns of a frame and the shared ones.
    of_frames: Vec<Block>,
}

/// Chunks of rows of which none reads another's.
pub(super) fn whole_chunks(rows: usize) -> Vec<Chunk> {
    let chunk = |first: usize| Chunk {
        first,
        core: LANES.min(rows - first),
        used: LANES.min(rows - first),
    };
    (0..rows).step_by(LANES).map(chunk).collect()
}

impl<E: Scalar> OverRows<E> {
    pub fn chunks(&self) -> Vec<Chunk> {
        whole_chunks(self.rows.len())
    }

    fn new(problem: &Problem, set: SetId, program: Program<E>, free: &[Free]) -> Self {
        let mut blocks: Vec<Block> = Vec::new();
        let mut places: Vec<Option<usize>> = Vec::new();
        let mut count = 0;
        for step in &program.steps {
            let Action::Leaf(source) = &step.action else {
                places.push(None);
                continue;
            };
            let variable = source.variable();
            let Some(found) = free.iter().find(|f| Some(f.variable) == variable) else {
                places.push(None);
                continue;
            };
            let block = blocks
                .iter()
                .find(|b| b.per == found.per && b.is_of(source));
            let first = block.map_or(count, |b| b.first);
            if first == count {
                let taken = match source {
                    Source::Taken(_, rows) => Some(Arc::clone(rows)),
                    _ => None,
                };
                blocks.push(Block {
                    per: found.per,
                    taken,
                    first,
                });
                let same = free.iter().filter(|f| f.per == found.per);
                count += same.map(|f| f.unknowns).sum::<usize>();
            }
            let before = free.iter().filter(|f| f.per == found.per);
            let before = before.take_while(|f| f.variable != found.variable);
            places.push(Some(first + before.map(|f| f.unknowns).sum::<usize>()));
        }
        let linear = Linear::new(problem, &program, |step, _| places[step], count, 0);
        Self {
            program,
            linear,
            rows: (0..problem.sets[set.0].ids.len()).collect(),
            blocks,
        }
    }
}

impl Block {
    fn is_of(&self, source: &Source) -> bool {
        match (source, &self.taken) {
            (Source::Taken(_, rows), Some(own)) => Arc::ptr_eq(rows, own) || rows == own,
            (Source::Own(_), None) => true,
            _ => false,
        }
    }

    fn element(&self, row: usize) -> usize {
        match (&self.taken, self.per) {
            (Some(rows), _) => rows[row] as usize,
            (None, Per::Subject) => 0,
            (None, _) => row,
        }
    }
}

impl<E: Scalar> Tables<E> {
    /// The programs of a stage's terms over sets.
    pub fn over(problem: &Problem, stage: &Stage, values: &Values) -> Vec<(SetId, Program<E>)> {
        let program = |s: usize| {
            let of_set = |(_, t): &(usize, &crate::ir::Term)| {
                problem.nodes[t.node.0].per == Per::Row(SetId(s))
            };
            let mut terms = stage.terms.iter().enumerate().filter(of_set).peekable();
            terms.peek()?;
            Some((SetId(s), Program::new(problem, stage, values, terms)))
        };
        (0..problem.sets.len()).filter_map(program).collect()
    }

    pub fn new(
        problem: &Problem,
        free: &[Free],
        frames: usize,
        linear: &Linear,
        over: Vec<(SetId, Program<E>)>,
    ) -> Self {
        let over = over.into_iter();
        let over: Vec<OverRows<E>> = over
            .map(|(set, program)| OverRows::new(problem, set, program, free))
            .collect();
        let mut kinds: Vec<Per> = free.iter().map(|f| f.per).collect();
        kinds.sort();
        kinds.dedup();
        let of_kind = |per: &Per| Kind {
            places: free
                .iter()
                .filter(|f| f.per == *per)
                .flat_map(|f| (0..f.unknowns).map(move |i| (f.tangent + i, f.unknowns)))
                .collect(),
            count: match per {
                Per::Subject => 1,
                Per::Frame => frames,
                Per::Row(set) => problem.sets[set.0].ids.len(),
            },
        };
        let blocks: Vec<Kind> = kinds.iter().map(of_kind).collect();
        let place = |per: Per| kinds.binary_search(&per).ok();
        let mut rows: Vec<Vec<(usize, u32)>> = Vec::new();
        for over in &over {
            let read = |row: &usize| {
                let of_row = over.blocks.iter();
                of_row
                    .filter_map(|b| Some((place(b.per)?, b.element(*row) as u32)))
                    .collect()
            };
            rows.extend(over.rows.iter().map(read));
        }
        let of_frames: Vec<Block> = [(Per::Frame, 0), (Per::Subject, linear.own)]
            .into_iter()
            .filter(|(per, _)| place(*per).is_some())
            .map(|(per, first)| Block {
                per,
                taken: None,
                first,
            })
            .collect();
        if linear.own + linear.shared > 0 {
            let read = |slot: usize| {
                let of_slot = of_frames.iter();
                of_slot
                    .filter_map(|b| Some((place(b.per)?, b.element(slot) as u32)))
                    .collect()
            };
            rows.extend((0..frames).map(read));
        }
        Self {
            network: Arc::new(Network::new(&blocks, &rows)),
            over,
            kinds,
            of_frames,
        }
    }

    /// Unknowns that are eliminated, those that are left, and whether their factor is sparse.
    pub fn work(&self) -> (usize, usize, bool) {
        let first = self.network.first_left();
        let left = self.network.unknowns() - first;
        (first, left, self.network.pattern.is_some())
    }

    /// The parts of a row's unknowns.
    fn parts(&self, blocks: &[Block], row: usize, parts: &mut Vec<Part>) {
        let part = |block: &Block| {
            let kind = self.kinds.binary_search(&block.per).ok()?;
            Some(Part {
                block: self.network.block(kind, block.element(row)),
                first: block.first,
            })
        };
        parts.clear();
        parts.extend(blocks.iter().filter_map(part));
    }

    fn add(&self, linked: &mut Linked, blocks: &[Block], chunk: &Chunk, products: &Products<E>) {
        let mut parts = Vec::with_capacity(blocks.len());
        for k in 0..chunk.core {
            let square = |i: usize, j: usize| {
                let (row, column) = (i.max(j), i.min(j));
                products.square[(start(row) + column) * LANES + k].wide()
            };
            let slope = |i: usize| products.slope[i * LANES + k].wide();
            self.parts(blocks, chunk.first + k, &mut parts);
            linked.add(&parts, square, slope);
        }
    }
}

impl<E: Scalar, D: Host<E>> CompiledObjective<'_, E, D> {
    /// Of every row of tables its number, its unknowns (their places among the row's own, and in the tangent
    /// vector) and its part of JᵀJ by the former.
    pub fn for_each_row(
        &self,
        x: &[f64],
        mut visit: impl FnMut(usize, &[(usize, usize)], &dyn Fn(usize, usize) -> f64),
    ) {
        let Some(tables) = &self.tables else {
            return;
        };
        let network = &tables.network;
        for over in &tables.over {
            let results = self.on(&over.chunks(), &over.rows, |rows, slots, frames| {
                let leaf = |s: &Source, out: &mut [E]| self.leaf(s, x, slots, frames, out);
                let (program, linear) = (&over.program, &over.linear);
                self.products(program, linear, rows, Want::Normal, leaf, &mut [])
            });
            let (mut parts, mut places) = (Vec::new(), Vec::new());
            for (chunk, products) in results {
                for k in 0..chunk.core {
                    tables.parts(&over.blocks, chunk.first + k, &mut parts);
                    places.clear();
                    for part in &parts {
                        let begin = network.begins[part.block];
                        let of_part = (0..network.width(part.block))
                            .map(|i| (part.first + i, network.places[begin + i]));
                        places.extend(of_part);
                    }
                    let square = |i: usize, j: usize| {
                        let (row, column) = (i.max(j), i.min(j));
                        products.square[(start(row) + column) * LANES + k].wide()
                    };
                    visit(chunk.first + k, &places, &square);
                }
            }
        }
    }

    /// The normal equations of blocks of unknowns that rows read together.
    pub(super) fn normal_linked(
        &self,
        tables: &Tables<E>,
        x: &[f64],
        want: Want,
        out: &mut Evaluation,
    ) {
        let mut linked = Linked::new(Arc::clone(&tables.network));
        out.terms.resize(self.names.len(), 0.0);
        let frames = (&self.program, &self.linear, &self.frames, &tables.of_frames);
        let sets = tables.over.iter();
        let sets = sets.map(|o| (&o.program, &o.linear, &o.rows, &o.blocks));
        for (program, linear, rows, blocks) in [frames].into_iter().chain(sets) {
            if program.terms.is_empty() {
                continue;
            }
            for wave in whole_chunks(rows.len()).chunks(WAVE) {
                let results = self.on(wave, rows, |rows, slots, frames| {
                    let leaf = |s: &Source, out: &mut [E]| self.leaf(s, x, slots, frames, out);
                    self.products(program, linear, rows, want, leaf, &mut [])
                });
                for (chunk, products) in results {
                    add_terms(&products.costs, out);
                    tables.add(&mut linked, blocks, &chunk, &products);
                }
            }
        }
        if !self.shared.terms.is_empty() {
            let leaf = |s: &Source, out: &mut [E]| self.leaf(s, x, &[0], &[0], out);
            let (shared, linear) = (&self.shared, &self.linear_shared);
            let products = self.products(shared, linear, ONE, want, leaf, &mut []);
            add_terms(&products.costs, out);
            tables.add(&mut linked, &tables.of_frames, &FIRST, &products);
        }
        for (first, normal) in self.layout.normals(x) {
            linked.stiffen(first, normal);
        }
        out.excess.push(0.0);
        out.normal = Normal::Linked(Box::new(linked));
        out.costs.push(out.terms.iter().sum());
    }
}
