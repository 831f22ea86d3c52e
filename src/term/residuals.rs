//! A term's residuals: a prediction less what it is held against.

use std::sync::Arc;

use num_traits::Zero;

use crate::graph::number::{Lanes, Work, dispatch};
use crate::graph::scratch::Scratch;
use crate::graph::{LANES, Number, Scalar};

use super::{Whitener, Whitening};

/// What a prediction is held against.
pub(crate) enum About<E> {
    /// One value for all frames, (dims).
    Value(Vec<E>),
    /// Zero, each row with its weight, which is zero where the prediction is not known.
    Rows(Vec<E>),
    /// Zero, each with its weight in each frame.
    Seen {
        /// Residuals of a frame.
        points: usize,
        /// (frames, points): confidence^p times the keypoint's weight.
        weights: Vec<E>,
    },
    /// Of each frame its own, such as observations; what is not observed holds zeros, and its weight is zero.
    Observed {
        /// Residuals of a frame.
        points: usize,
        /// (frames, points, k).
        values: Vec<E>,
        /// (frames, points): confidence^p times the keypoint's weight.
        weights: Vec<E>,
    },
}

/// A term in the graph's precision.
pub(crate) struct Residuals<E> {
    whitener: Whitener<E>,
    about: About<E>,
    weight: E,
    is_energy: bool,
    /// Components of one residual.
    k: usize,
    along: Along,
}

/// How a term ties a frame to others.
#[derive(Clone)]
pub(crate) struct Along {
    /// Frames after a frame that its prediction reads.
    pub reach: usize,
    /// Frames that are no neighbours of those after them, ascending.
    pub gaps: Arc<[usize]>,
}

impl Along {
    /// Whether a frame and the next `reach` follow each other without a gap.
    fn are_whole(&self, frame: usize) -> bool {
        let next = self.gaps.partition_point(|g| *g < frame);
        let gap = self.gaps.get(next);
        gap.is_none_or(|g| *g >= frame + self.reach)
    }
}

/// The frame of each lane.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub frames: &'a [usize; LANES],
    /// Lanes that are counted; those after them are neighbours, or fill the rest.
    pub core: usize,
    /// Lanes that stand for a frame at all.
    pub used: usize,
}

/// What a term says of sixteen frames.
#[derive(Clone, Debug)]
pub(crate) struct Weighed<E: Scalar> {
    pub costs: [f64; LANES],
    /// (dims, LANES).
    pub residuals: Scratch<E>,
    /// For each component what its square counts where the cost is linearised.
    pub weights: Scratch<E>,
}

impl<E: Scalar> Residuals<E> {
    pub fn new(whitening: &Whitening, about: About<E>, k: usize, along: Along) -> Self {
        Self {
            whitener: Whitener::new(whitening),
            about,
            weight: E::of(whitening.weight),
            is_energy: whitening.is_energy,
            k,
            along,
        }
    }

    /// Whether it is one residual of so many components, all with the same weight.
    pub fn is_one(&self, dims: usize) -> bool {
        self.k == dims && self.whitener.is_even()
    }

    /// The residuals of a prediction, (dims, LANES), their costs and weights.
    pub fn weigh(&self, rows: Rows<'_>, prediction: &[E]) -> Weighed<E> {
        dispatch(Weigh {
            term: self,
            rows,
            prediction,
        })
    }

    /// Lanes whose residual is complete, as factors 1 and 0.
    fn complete(&self, rows: Rows<'_>) -> [E; LANES] {
        let reach = self.along.reach;
        std::array::from_fn(|k| {
            let (first, last) = (rows.frames[k], k + reach);
            let whole = k < rows.core && last < rows.used;
            match whole && rows.frames[last] == first + reach && self.along.are_whole(first) {
                true => E::one(),
                false => E::zero(),
            }
        })
    }

    /// The gradient of the cost with respect to the prediction.
    pub fn gradient(&self, weighed: &Weighed<E>) -> Vec<E> {
        let two = E::of(2.0);
        let pairs = weighed.residuals.iter().zip(weighed.weights.iter());
        pairs.map(|(r, w)| two * *r * *w).collect()
    }
}

struct Weigh<'a, E> {
    term: &'a Residuals<E>,
    rows: Rows<'a>,
    prediction: &'a [E],
}

impl<E: Scalar> Work for Weigh<'_, E> {
    type Out = Weighed<E>;

    #[inline(always)]
    fn run<const WIDTH: u8>(self) -> Weighed<E> {
        let (term, k) = (self.term, self.term.k);
        let mut residuals = Scratch::zeros(self.prediction.len());
        let mut weights = Scratch::zeros(self.prediction.len());
        let mut costs = [0.0; LANES];
        let complete = Lanes::<E, WIDTH>(term.complete(self.rows));
        let predicted: &[Lanes<E, WIDTH>] = Lanes::of_row(self.prediction);
        let r_rows: &mut [Lanes<E, WIDTH>] = Lanes::of_row_mut(&mut residuals);
        let w_rows: &mut [Lanes<E, WIDTH>] = Lanes::of_row_mut(&mut weights);
        let parts = predicted.chunks_exact(k).zip(r_rows.chunks_exact_mut(k));
        for (p, ((x, r), w)) in parts.zip(w_rows.chunks_exact_mut(k)).enumerate() {
            let confidence = term.residual(p, self.rows, x, r) * complete;
            if confidence.is_zero() {
                // Also what is no number is no mistake where nothing is held against it.
                r.fill(Lanes::zero());
                continue;
            }
            let factor = Lanes::splat(term.weight) * confidence;
            let cost = match term.is_energy {
                true => energy(r, factor, w),
                false => term.whitener.weigh(r, factor, w),
            };
            for i in 0..LANES {
                // Lanes that do not count hold anything.
                if confidence.0[i] != E::zero() {
                    costs[i] += cost.0[i].wide();
                }
            }
            for (r, w) in r.iter_mut().zip(w) {
                for i in 0..LANES {
                    if confidence.0[i] == E::zero() {
                        (r.0[i], w.0[i]) = (E::zero(), E::zero());
                    }
                }
            }
        }
        Weighed {
            costs,
            residuals,
            weights,
        }
    }
}

/// The sum of energies; r and w become such that 2 r w is its slope.
#[inline(always)]
fn energy<E: Scalar, const WIDTH: u8>(
    r: &mut [Lanes<E, WIDTH>],
    factor: Lanes<E, WIDTH>,
    w: &mut [Lanes<E, WIDTH>],
) -> Lanes<E, WIDTH> {
    let sum = r.iter().fold(Lanes::zero(), |sum, x| sum + *x);
    r.fill(Lanes::splat(E::of(0.5)));
    w.fill(factor);
    sum * factor
}

impl<E: Scalar> Residuals<E> {
    /// Writes residual `p` and returns its confidence.
    #[inline(always)]
    fn residual<const WIDTH: u8>(
        &self,
        p: usize,
        rows: Rows<'_>,
        x: &[Lanes<E, WIDTH>],
        r: &mut [Lanes<E, WIDTH>],
    ) -> Lanes<E, WIDTH> {
        let k = self.k;
        match &self.about {
            About::Value(value) => {
                for (c, (x, r)) in x.iter().zip(r).enumerate() {
                    *r = *x - Lanes::splat(value[p * k + c]);
                }
                Lanes::splat(E::one())
            }
            About::Rows(weights) => {
                r.copy_from_slice(x);
                Lanes(rows.frames.map(|row| weights[row]))
            }
            About::Seen { weights, points } => {
                r.copy_from_slice(x);
                Lanes(rows.frames.map(|frame| weights[frame * points + p]))
            }
            About::Observed {
                values,
                weights,
                points,
            } => {
                let first = rows.frames.map(|frame| frame * points + p);
                for (c, (x, r)) in x.iter().zip(r).enumerate() {
                    for i in 0..LANES {
                        r.0[i] = x.0[i] - values[first[i] * k + c];
                    }
                }
                Lanes(first.map(|at| weights[at]))
            }
        }
    }
}
