//! A residual that is one of several, such as that of a mixture's nearest component: which of them
//! promises the lowest cost after a step.

use num_traits::Zero;

use super::linear::{Group, Square};
use crate::graph::directions::{Directions, Plan};
use crate::graph::number::{Lanes, Work, dispatch};
use crate::graph::{LANES, Number, Operation, Scalar};
use crate::normal::lanes::{damp, factor, solve_lower, start};
use crate::term::residuals::{Residuals, Rows};

/// Damping of the step that is promised, in units of the diagonal.
const DAMPING: f64 = 1e-3;

/// One of the residuals that a term may be, linearised.
#[derive(Clone)]
pub(super) struct Candidate<E> {
    /// The lower triangle of JᵀJ, packed, (entries, LANES).
    pub square: Vec<E>,
    /// Jᵀr.
    pub slope: Vec<E>,
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
    pub fn best(&self, all: &[std::sync::Arc<dyn Operation<E>>]) -> Option<Candidate<E>> {
        let mut best: Option<Candidate<E>> = None;
        for operation in all {
            let other = self.linearise(operation.as_ref());
            match &mut best {
                None => best = Some(other),
                Some(best) => best.take_better(&other),
            }
        }
        best
    }

    fn linearise(&self, operation: &dyn Operation<E>) -> Candidate<E> {
        let mut y = vec![E::zero(); operation.out_dims() * LANES];
        operation.forward(self.x, &mut y);
        let mut directions = vec![E::zero(); self.plan.out.len * LANES];
        let to = Directions {
            plan: self.plan,
            dx: self.dx,
            dy: &mut directions,
            memory: &mut [],
            used: self.rows.used,
        };
        operation.tangents(self.x, &y, to);
        let weighed = self.residuals.weigh(self.rows, &y);
        let mut square = vec![E::zero(); self.square.len()];
        let mut slope = vec![E::zero(); self.slope.len()];
        dispatch(Square {
            groups: self.groups,
            directions: &directions,
            residuals: &weighed.residuals,
            weights: &weighed.weights,
            square: &mut square,
            slope: &mut slope,
            parts: self.parts,
        });
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
