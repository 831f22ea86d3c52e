//! The terms of a chunk linearised: directions through the program, their products in lanes.

use super::choose::Choice;
use super::fixed::{Fixed, add_smallest};
use super::program::{Action, Computed, Program, Source};
use super::seeds;
use crate::graph::directions::{Columns, Directions, Plan};
use crate::graph::number::{Lanes, Work, dispatch};
use crate::graph::scratch::Scratch;
use crate::graph::{Few, LANES, Number, Scalar};
use crate::ir::{Problem, VariableId};
use crate::memory::{Kept, Memory};
use crate::term::residuals::Rows;

/// How a program's directions hang together, for the unknowns of one stage.
///
/// The unknowns of a lane are those of its frame, those of the frames after it that a residual reads,
/// and the shared ones.
pub(super) struct Linear {
    steps: Vec<Way>,
    /// Where each step's directions begin among those of all, and where the last ones end.
    places: Vec<usize>,
    /// For each term its residuals in groups that move in the same directions.
    groups: Vec<Vec<Group>>,
    /// For each term the Jacobians of its alternatives, where they are the same everywhere.
    fixed: Vec<Vec<Fixed>>,
    pub own: usize,
    pub shared: usize,
    /// Frames whose unknowns those of a lane are.
    pub frames: usize,
    /// Where the unknowns of each frame begin, those that are shared, and their number.
    pub parts: Vec<usize>,
}

/// How a step comes by its directions.
enum Way {
    Still,
    Seed(VariableId),
    Through(Plan),
    /// They are known beforehand, and only a term asks for them.
    Fixed(Plan),
}

/// Unknowns, and where the first component of a group stands among the numbers of all directions.
type Moves = [(usize, usize)];

/// Where and of what a linearisation is.
pub(super) type Linearised<'a, E> = (&'a Problem, &'a Program<E>, &'a Computed<'a, E>, Rows<'a>);

/// The directions of all steps for one chunk.
pub(super) struct Moved<'l, E: Scalar> {
    linear: &'l Linear,
    numbers: Scratch<E>,
}

impl<E: Scalar> Moved<'_, E> {
    fn of(&self, step: usize) -> Option<&[E]> {
        self.linear.moved(&self.numbers, step)
    }
}

/// Neighbouring residuals of a term that move in the same directions.
pub(super) struct Group {
    /// The first component.
    pub first: usize,
    pub count: usize,
    pub columns: Vec<(usize, usize)>,
}

/// JᵀJ and Jᵀr of lanes.
pub(super) struct Products<E: Scalar> {
    pub costs: Vec<f64>,
    /// The lower triangle of JᵀJ, packed, (entries, LANES).
    pub square: Scratch<E>,
    /// Jᵀr, (unknowns, LANES).
    pub slope: Vec<E>,
    /// By how much the residuals that were chosen cost more than the smallest ones.
    pub excess: [f64; LANES],
}

impl Linear {
    /// `places` says where the unknowns of the free variable that a step holds begin, among those of a
    /// frame, or of a row, and the shared ones.
    pub fn new<E: Scalar>(
        problem: &Problem,
        program: &Program<E>,
        places: impl Fn(usize, &Source) -> Option<usize>,
        own: usize,
        shared: usize,
    ) -> Self {
        let frames = program.reach + 1;
        let first_shared = frames * own;
        let place = |first: usize| match first < own {
            true => first,
            false => first - own + first_shared,
        };
        let mut steps = Vec::new();
        let mut moving: Vec<(Columns, usize)> = Vec::new();
        for (at, step) in program.steps.iter().enumerate() {
            let (way, columns, dims) = match &step.action {
                Action::Constant(data) => (Way::Still, Columns::default(), data.len() / LANES),
                Action::Leaf(source) => {
                    let dims = problem.nodes[step.node.0].dims;
                    match (source.variable(), places(at, source)) {
                        (Some(id), Some(first)) => {
                            let it = &problem.variables[id.0];
                            (Way::Seed(id), seeds::columns(it, place(first)), dims)
                        }
                        _ => (Way::Still, Columns::default(), dims),
                    }
                }
                Action::Apply { operation, inputs } => {
                    let plan = match operation.neighbours() {
                        1 => {
                            let inputs = inputs.iter().map(|i| moving[*i].clone());
                            let (columns, dims) = inputs.unzip();
                            Plan::new(columns, dims, |moved| operation.reach(moved))
                        }
                        count => {
                            let (columns, dims) = moving[inputs[0]].clone();
                            Plan::of_neighbours(columns, dims, count, (own, first_shared))
                        }
                    };
                    let out = plan.out.clone();
                    let way = match out.columns.is_empty() {
                        true => Way::Still,
                        false => Way::Through(plan),
                    };
                    (way, out, operation.out_dims())
                }
            };
            steps.push(way);
            moving.push((columns, dims));
        }
        let of_terms = program.terms.iter();
        let groups: Vec<Vec<Group>> = of_terms
            .map(|term| groups(&moving[term.step].0, moving[term.step].1))
            .collect();
        let fixed: Vec<Vec<Fixed>> = (0..groups.len())
            .map(|t| fixed_of(problem, (program, t), &steps, &moving, &groups[t]))
            .collect();
        for (term, _) in program
            .terms
            .iter()
            .zip(&fixed)
            .filter(|(_, f)| !f.is_empty())
        {
            let way = &mut steps[term.step];
            if let Way::Through(plan) = way
                && program.readers(term.step) == 1
            {
                *way = Way::Fixed(std::mem::take(plan));
            }
        }
        let mut places = vec![0];
        for (way, (columns, _)) in steps.iter().zip(&moving) {
            let len = match way {
                Way::Still | Way::Fixed(_) => 0,
                _ => columns.len,
            };
            places.push(places[places.len() - 1] + len * LANES);
        }
        Self {
            groups,
            fixed,
            steps,
            places,
            own,
            shared,
            frames,
            parts: (0..=frames)
                .map(|i| i * own)
                .chain([first_shared + shared])
                .collect(),
        }
    }

    /// Whether what moves a term's residual is one of several.
    pub fn has_alternatives<E: Scalar>(&self, program: &Program<E>) -> bool {
        let moves = |step: usize| matches!(self.steps[step], Way::Through(_) | Way::Fixed(_));
        let mut terms = program.terms.iter();
        terms.any(|t| !t.alternatives.is_empty() && moves(t.step))
    }

    /// Numbers of the directions of all steps.
    pub fn directions_len(&self) -> usize {
        let of_step = |way: &Way| match way {
            Way::Through(plan) => plan.out.len,
            _ => 0,
        };
        self.steps.iter().map(of_step).sum()
    }

    /// Multiply-adds of the terms' squares for one frame that a residual reads.
    pub fn square_products(&self) -> usize {
        let of_group = |group: &Group| {
            let columns = group.columns.len();
            group.count * columns * (columns + 1) / 2
        };
        self.groups.iter().flatten().map(of_group).sum()
    }

    /// Unknowns of a lane.
    fn unknowns(&self) -> usize {
        self.frames * self.own + self.shared
    }

    /// The directions of every step at the program's values.
    fn directions<E: Scalar>(
        &self,
        (problem, program, values, rows): Linearised<'_, E>,
        memory: &mut [Memory],
        numbers: &mut Scratch<E>,
    ) {
        for (at, (step, way)) in program.steps.iter().zip(&self.steps).enumerate() {
            let (done, rest) = numbers.split_at_mut(self.places[at]);
            let own = &mut rest[..self.places[at + 1] - self.places[at]];
            match (way, &step.action) {
                (Way::Seed(variable), _) => {
                    let variable = &problem.variables[variable.0];
                    seeds::directions(variable, values.of(at), own);
                }
                (Way::Through(plan), Action::Apply { operation, inputs }) => {
                    let x: Few<&[E]> = inputs.iter().map(|i| values.of(*i)).collect();
                    let dx: Few<Option<&[E]>> =
                        inputs.iter().map(|i| self.moved(done, *i)).collect();
                    let remembering = memory.iter_mut().filter(|_| operation.remembers());
                    let mut kept: Vec<Kept> = remembering.map(|m| m.take(at)).collect();
                    let directions = Directions {
                        plan,
                        dx: &dx,
                        dy: own,
                        used: rows.used,
                        memory: &mut kept,
                    };
                    operation.tangents(&x, values.of(at), directions);
                    for (memory, kept) in memory.iter_mut().zip(kept) {
                        memory.put(at, kept);
                    }
                }
                _ => {}
            }
        }
    }

    /// Room for the directions of every step.
    pub fn begin<E: Scalar>(&self) -> Moved<'_, E> {
        Moved {
            linear: self,
            numbers: Scratch::any(self.places[self.steps.len()]),
        }
    }

    /// Products of no residuals.
    pub fn none<E: Scalar>(&self, program: &Program<E>, lanes: usize) -> Products<E> {
        let n = self.unknowns();
        Products {
            costs: vec![0.0; lanes * program.columns],
            square: Scratch::zeros(n * (n + 1) / 2 * LANES),
            slope: vec![E::zero(); n * LANES],
            excess: [0.0; LANES],
        }
    }

    /// A step's directions among those of all; `None` where it stands still.
    fn moved<'a, E>(&self, numbers: &'a [E], at: usize) -> Option<&'a [E]> {
        match self.steps[at] {
            Way::Still => None,
            _ => Some(&numbers[self.places[at]..self.places[at + 1]]),
        }
    }

    /// Costs and products of all terms at the program's values; where `choose`, a residual that is one
    /// of several is the one that promises the lowest cost. `memory` is that of the lanes, or empty.
    pub fn products<E: Scalar>(
        &self,
        problem: &Problem,
        program: &Program<E>,
        values: &Computed<'_, E>,
        rows: Rows<'_>,
        choose: bool,
        memory: &mut [Memory],
    ) -> Products<E> {
        let (mut directions, mut products) = (self.begin(), self.none(program, rows.core));
        let at = (problem, program, values, rows);
        self.add_products(at, choose, memory, &mut directions, &mut products);
        products
    }

    /// Adds costs and products; `directions` are room for those of the steps.
    pub fn add_products<E: Scalar>(
        &self,
        at: Linearised<'_, E>,
        choose: bool,
        memory: &mut [Memory],
        directions: &mut Moved<'_, E>,
        products: &mut Products<E>,
    ) {
        self.directions(at, memory, &mut directions.numbers);
        let (_, program, values, rows) = at;
        let mut open = Vec::new();
        for (t, (term, groups)) in program.terms.iter().zip(&self.groups).enumerate() {
            let weighed = term.residuals.weigh(rows, values.of(term.step));
            program.add_costs(term, &weighed.costs, &mut products.costs);
            let Some(directions) = directions.of(term.step) else {
                continue;
            };
            if choose && !term.alternatives.is_empty() {
                open.push((t, weighed.costs));
                continue;
            }
            if !self.fixed[t].is_empty() {
                let of = (&self.fixed[t][..], &groups[..]);
                let to = (&mut products.square[..], &mut products.slope[..]);
                add_smallest(term, of, &program.inputs(term.step, values), rows, to);
                continue;
            }
            dispatch(Square {
                groups,
                directions,
                residuals: &weighed.residuals,
                weights: &weighed.weights,
                square: &mut products.square,
                slope: &mut products.slope,
                parts: &self.parts,
            });
        }
        for (t, costs) in open {
            self.choose(program, values, directions, t, rows, products);
            (0..LANES).for_each(|k| products.excess[k] -= costs[k]);
        }
    }

    /// Adds the products of the best of a term's alternatives, lane by lane, and counts its cost as
    /// excess.
    fn choose<E: Scalar>(
        &self,
        program: &Program<E>,
        values: &Computed<'_, E>,
        directions: &Moved<'_, E>,
        t: usize,
        rows: Rows<'_>,
        products: &mut Products<E>,
    ) {
        let term = &program.terms[t];
        let step = (&self.steps[term.step], &program.steps[term.step].action);
        let (Way::Through(plan) | Way::Fixed(plan), Action::Apply { inputs, .. }) = step else {
            return;
        };
        let x = program.inputs(term.step, values);
        let dx: Vec<Option<&[E]>> = inputs.iter().map(|i| directions.of(*i)).collect();
        let choice = Choice {
            residuals: &term.residuals,
            rows,
            x: &x,
            dx: &dx,
            plan,
            groups: &self.groups[t],
            own: self.own,
            square: &products.square,
            slope: &products.slope,
            parts: &self.parts,
        };
        let Some(best) = choice.best(&term.alternatives, &self.fixed[t]) else {
            return;
        };
        let add = |to: &mut [E], from: &[E]| {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += *from);
        };
        add(&mut products.square, &best.square);
        add(&mut products.slope, &best.slope);
        (0..LANES).for_each(|k| products.excess[k] += best.costs[k]);
    }
}

/// The Jacobians of a term's alternatives, where they are linear in variables that are numbers.
fn fixed_of<E: Scalar>(
    problem: &Problem,
    (program, t): (&Program<E>, usize),
    steps: &[Way],
    moving: &[(Columns, usize)],
    groups: &[Group],
) -> Vec<Fixed> {
    let term = &program.terms[t];
    let all = &term.alternatives;
    let step = (&steps[term.step], &program.steps[term.step].action);
    let (Way::Through(plan), Action::Apply { inputs, .. }) = step else {
        return Vec::new();
    };
    if !(all.iter().all(|a| a.is_linear()) && term.residuals.is_one(moving[term.step].1)) {
        return Vec::new();
    }
    let zeros = |dims: usize| vec![E::zero(); dims * LANES];
    let (mut x, mut dx) = (Vec::new(), Vec::new());
    for &input in inputs {
        let (columns, dims) = &moving[input];
        x.push(zeros(*dims));
        dx.push(match steps[input] {
            Way::Still => None,
            Way::Seed(id) if problem.variables[id.0].manifold.is_flat() => {
                let mut own = zeros(columns.len);
                seeds::directions(&problem.variables[id.0], &x[x.len() - 1], &mut own);
                Some(own)
            }
            _ => return Vec::new(),
        });
    }
    let x: Vec<&[E]> = x.iter().map(Vec::as_slice).collect();
    let dx: Vec<Option<&[E]>> = dx.iter().map(Option::as_deref).collect();
    let fixed = all.iter();
    let fixed = fixed.map(|a| Fixed::new(a.as_ref(), plan, (&x, &dx), groups));
    fixed.collect()
}

/// Numbers that move in the same directions, as far as they are neighbours.
pub(super) fn groups(columns: &Columns, dims: usize) -> Vec<Group> {
    let mut of_dims: Vec<Vec<(usize, usize)>> = vec![Vec::new(); dims];
    for column in &columns.columns {
        for (i, &d) in column.dims.iter().enumerate() {
            of_dims[d].push((column.unknown, column.at + i));
        }
    }
    let mut groups: Vec<Group> = Vec::new();
    for (d, columns) in of_dims.into_iter().enumerate() {
        match groups.last_mut() {
            Some(last) if last.continues(d, &columns) => last.count += 1,
            _ if columns.is_empty() => {}
            _ => groups.push(Group {
                first: d,
                count: 1,
                columns,
            }),
        }
    }
    groups
}

impl Group {
    /// One more than the last unknown that moves it.
    pub fn end(&self) -> usize {
        self.columns.last().map_or(0, |(unknown, _)| unknown + 1)
    }

    /// The columns of unknowns between two bounds.
    #[inline(always)]
    fn within(&self, bounds: &[usize]) -> &Moves {
        let place = |bound: usize| self.columns.partition_point(|(u, _)| *u < bound);
        &self.columns[place(bounds[0])..place(bounds[1])]
    }

    fn continues(&self, d: usize, columns: &[(usize, usize)]) -> bool {
        let next = |(unknown, at): &(usize, usize)| (*unknown, at + self.count);
        d == self.first + self.count && self.columns.iter().map(next).eq(columns.iter().copied())
    }
}

/// square += Jᵀ W J, the lower triangle, and slope += Jᵀ W r.
pub(super) struct Square<'a, E> {
    pub groups: &'a [Group],
    pub directions: &'a [E],
    pub residuals: &'a [E],
    pub weights: &'a [E],
    pub square: &'a mut [E],
    pub slope: &'a mut [E],
    /// Unknowns at which parts of the square begin, and their number: parts stay in the nearest cache.
    pub parts: &'a [usize],
}

impl<E: Scalar> Work for Square<'_, E> {
    type Out = ();

    #[inline(always)]
    fn run<const WIDTH: u8>(self) {
        let j: &[Lanes<E, WIDTH>] = Lanes::of_row(self.directions);
        let (r, w) = (Lanes::of_row(self.residuals), Lanes::of_row(self.weights));
        let (square, slope) = (
            Lanes::of_row_mut(self.square),
            Lanes::of_row_mut(self.slope),
        );
        for (i, rows) in self.parts.windows(2).enumerate() {
            for columns in self.parts.windows(2).take(i + 1) {
                for group in self.groups {
                    let (rows, columns) = (group.within(rows), group.within(columns));
                    let to = (&mut *square, &mut *slope);
                    add_group(group, (rows, columns), j, (r, w), to);
                }
            }
        }
    }
}

/// Adds a group's products of two ranges of its columns, and Jᵀ W r where both are one.
#[inline(always)]
fn add_group<E: Scalar, const WIDTH: u8>(
    group: &Group,
    of: (&Moves, &Moves),
    j: &[Lanes<E, WIDTH>],
    (r, w): (&[Lanes<E, WIDTH>], &[Lanes<E, WIDTH>]),
    (square, slope): (&mut [Lanes<E, WIDTH>], &mut [Lanes<E, WIDTH>]),
) {
    let mut done = 0;
    while done < group.count && !of.0.is_empty() {
        let d = group.first + done;
        let at = (&r[d..], &w[d..]);
        done += match group.count - done {
            1 => add_square::<E, WIDTH, 1>(of, &j[done..], at, square, slope),
            2 => add_square::<E, WIDTH, 2>(of, &j[done..], at, square, slope),
            _ => add_square::<E, WIDTH, 3>(of, &j[done..], at, square, slope),
        };
    }
}

#[inline(always)]
fn add_square<E: Scalar, const WIDTH: u8, const D: usize>(
    (rows, columns): (&Moves, &Moves),
    j: &[Lanes<E, WIDTH>],
    (r, w): (&[Lanes<E, WIDTH>], &[Lanes<E, WIDTH>]),
    square: &mut [Lanes<E, WIDTH>],
    slope: &mut [Lanes<E, WIDTH>],
) -> usize {
    let same = std::ptr::eq(rows, columns);
    for (i, &(a, at)) in rows.iter().enumerate() {
        let j_a = &j[at..at + D];
        // Directions beyond D repeat the last one, and are left out.
        let own = |d: usize| w[d.min(D - 1)] * j_a[d.min(D - 1)];
        let (x, y, z) = (own(0), own(1), own(2));
        if same {
            slope[a] = x.fused(r[0], slope[a]);
        }
        if same && D > 1 {
            slope[a] = y.fused(r[1], slope[a]);
        }
        if same && D > 2 {
            slope[a] = z.fused(r[2], slope[a]);
        }
        let row = &mut square[a * (a + 1) / 2..][..a + 1];
        for &(b, at) in if same { &columns[..i + 1] } else { columns } {
            let j_b = &j[at..at + D];
            let mut sum = x.fused(j_b[0], row[b]);
            if D > 1 {
                sum = y.fused(j_b[1], sum);
            }
            if D > 2 {
                sum = z.fused(j_b[2], sum);
            }
            row[b] = sum;
        }
    }
    D
}
