//! A residual that is one of several, such as that of a mixture's nearest component: which of them
//! promises the lowest cost after a step.

use std::sync::Arc;

use num_traits::Zero;

use super::fixed::Fixed;
use super::linear::{Group, Square};
use crate::graph::directions::{Directions, Plan};
use crate::graph::number::{Lanes, Work, dispatch};
use crate::graph::scratch::Scratch;
use crate::graph::{LANES, Number, Operation, Scalar};
use crate::normal::lanes::{damp, factor, solve_lower, start};
use crate::term::residuals::{Residuals, Rows, Weighed};

/// Damping of the step that is promised, in units of the diagonal.
const DAMPING: f64 = 1e-3;

/// One of the residuals that a term may be, linearised.
#[derive(Clone)]
pub(super) struct Candidate<E: Scalar> {
    /// The lower triangle of JᵀJ, packed, (entries, LANES), up to the last unknown that moves it.
    pub square: Scratch<E>,
    /// Jᵀr.
    pub slope: Scratch<E>,
    pub costs: [f64; LANES],
    /// The cost after a step, but for what all candidates have in common.
    promised: [f64; LANES],
}

/// A term whose residual is one of several, at one point.
pub(super) struct Choice<'a, E> {
    pub residuals: &'a Residuals<E>,
    pub rows: Rows<'a>,
    /// Values and directions of what the residual reads, and how they hang together.
    pub x: &'a [&'a [E]],
    pub dx: &'a [Option<&'a [E]>],
    pub plan: &'a Plan,
    pub groups: &'a [Group],
    /// Unknowns of the frame alone: the leading ones of the triangle.
    pub own: usize,
    /// Products of all other terms.
    pub square: &'a [E],
    pub slope: &'a [E],
    pub parts: &'a [usize],
}

impl<E: Scalar> Choice<'_, E> {
    /// For each lane the best candidate.
    pub fn best(&self, all: &[Arc<dyn Operation<E>>], fixed: &[Fixed]) -> Option<Candidate<E>> {
        let mut best: Option<Candidate<E>> = None;
        for (m, operation) in all.iter().enumerate() {
            let other = self.linearise(operation.as_ref(), fixed.get(m));
            match &mut best {
                None => best = Some(other),
                Some(best) => best.take_better(&other),
            }
        }
        best
    }

    fn linearise(&self, operation: &dyn Operation<E>, fixed: Option<&Fixed>) -> Candidate<E> {
        let mut y = Scratch::zeros(operation.out_dims() * LANES);
        operation.forward(self.x, &mut y);
        let weighed = self.residuals.weigh(self.rows, &y);
        let unknowns = self.groups.iter().map(Group::end).max().unwrap_or(0);
        let mut square = Scratch::zeros(start(unknowns) * LANES);
        let mut slope = Scratch::zeros(unknowns * LANES);
        match fixed {
            Some(fixed) => {
                let all = [E::one(); LANES];
                fixed.add(self.groups, &weighed, all, (&mut square, &mut slope));
            }
            None => self.add_products(operation, &y, &weighed, (&mut square, &mut slope)),
        }
        let gain = dispatch(Gain {
            unknowns: self.own,
            squares: [self.square, &square],
            slopes: [self.slope, &slope],
        });
        let promised = |k: usize| weighed.costs[k] - gain[k].wide();
        Candidate {
            promised: std::array::from_fn(promised),
            costs: weighed.costs,
            square,
            slope,
        }
    }

    /// Adds Jᵀ W J and Jᵀ W r of an operation at y.
    fn add_products(
        &self,
        operation: &dyn Operation<E>,
        y: &[E],
        weighed: &Weighed<E>,
        (square, slope): (&mut [E], &mut [E]),
    ) {
        let mut directions = Scratch::zeros(self.plan.out.len * LANES);
        let to = Directions {
            plan: self.plan,
            dx: self.dx,
            dy: &mut directions,
            memory: &mut [],
            used: self.rows.used,
        };
        operation.tangents(self.x, y, to);
        dispatch(Square {
            groups: self.groups,
            directions: &directions,
            residuals: &weighed.residuals,
            weights: &weighed.weights,
            square,
            slope,
            parts: self.parts,
        });
    }
}

impl<E: Scalar> Candidate<E> {
    /// Takes over the lanes in which the other one promises less.
    fn take_better(&mut self, other: &Self) {
        for k in 0..LANES {
            let better = other.promised[k] < self.promised[k];
            if better || (self.promised[k].is_nan() && other.costs[k] < self.costs[k]) {
                self.promised[k] = other.promised[k];
                self.costs[k] = other.costs[k];
                let lane = |to: &mut [E], from: &[E]| {
                    let to = to.iter_mut().skip(k).step_by(LANES);
                    let from = from.iter().skip(k).step_by(LANES);
                    to.zip(from).for_each(|(to, from)| *to = *from);
                };
                lane(&mut self.square, &other.square);
                lane(&mut self.slope, &other.slope);
            }
        }
    }
}

/// By how much a damped step lowers the linearised cost: sᵀ (A + D)⁻¹ s.
struct Gain<'a, E> {
    unknowns: usize,
    squares: [&'a [E]; 2],
    slopes: [&'a [E]; 2],
}

impl<E: Scalar> Work for Gain<'_, E> {
    type Out = [E; LANES];

    #[inline(always)]
    fn run<const WIDTH: u8>(self) -> [E; LANES] {
        let n = self.unknowns;
        let mut square = sum::<E, WIDTH>(self.squares, start(n));
        let mut x = sum::<E, WIDTH>(self.slopes, n);
        damp(&mut square, n, Lanes::splat(E::nearest(DAMPING)));
        factor(&mut square, n);
        solve_lower(&square, &mut x);
        let mut gain = Lanes::zero();
        for x in x {
            gain = x.fused(x, gain);
        }
        gain.0
    }
}

#[inline(always)]
fn sum<E: Scalar, const WIDTH: u8>(parts: [&[E]; 2], count: usize) -> Vec<Lanes<E, WIDTH>> {
    let mut out = Lanes::of_row(parts[0])[..count].to_vec();
    let other: &[Lanes<E, WIDTH>] = Lanes::of_row(parts[1]);
    for (out, other) in out.iter_mut().zip(other) {
        *out += *other;
    }
    out
}
