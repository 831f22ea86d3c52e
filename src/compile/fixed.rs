//! Residuals that are one of several linear ones: the Jacobian of each is the same everywhere, and so is
//! its square.

use super::linear::Group;
use super::program::ProgramTerm;
use crate::graph::directions::{Directions, Plan};
use crate::graph::number::{Lanes, Work, dispatch};
use crate::graph::scratch::Scratch;
use crate::graph::{LANES, Number, Operation, Scalar};
use crate::normal::lanes::start;
use crate::term::residuals::{Rows, Weighed};

/// A linear operation's Jacobian J, and JᵀJ.
pub(super) struct Fixed {
    /// Its directions, as a plan places them.
    directions: Vec<f64>,
    /// The lower triangle, packed, up to the last unknown that moves it.
    square: Vec<f64>,
}

impl Fixed {
    /// `x` and `dx` are any values of its inputs and their directions, which are the same everywhere.
    pub fn new<E: Scalar>(
        operation: &dyn Operation<E>,
        plan: &Plan,
        (x, dx): (&[&[E]], &[Option<&[E]>]),
        groups: &[Group],
    ) -> Self {
        let mut y = vec![E::zero(); operation.out_dims() * LANES];
        operation.forward(x, &mut y);
        let mut dy = vec![E::zero(); plan.out.len * LANES];
        let to = Directions {
            plan,
            dx,
            dy: &mut dy,
            used: LANES,
            memory: &mut [],
        };
        operation.tangents(x, &y, to);
        let directions: Vec<f64> = dy.iter().step_by(LANES).map(|d| d.wide()).collect();
        let unknowns = groups.iter().map(Group::end).max().unwrap_or(0);
        let mut square = vec![0.0; start(unknowns)];
        for group in groups {
            for (i, &(a, at)) in group.columns.iter().enumerate() {
                for &(b, other) in &group.columns[..=i] {
                    let pairs = directions[at..].iter().zip(&directions[other..]);
                    let product: f64 = pairs.take(group.count).map(|(x, y)| x * y).sum();
                    square[start(a) + b] += product;
                }
            }
        }
        Self { directions, square }
    }

    /// Adds JᵀWJ and JᵀWr, each lane times its number of `lanes`.
    pub fn add<E: Scalar>(
        &self,
        groups: &[Group],
        weighed: &Weighed<E>,
        lanes: [E; LANES],
        (square, slope): (&mut [E], &mut [E]),
    ) {
        dispatch(Add {
            fixed: self,
            groups,
            residuals: &weighed.residuals,
            weights: &weighed.weights,
            lanes,
            square,
            slope,
        });
    }
}

struct Add<'a, E> {
    fixed: &'a Fixed,
    groups: &'a [Group],
    residuals: &'a [E],
    weights: &'a [E],
    lanes: [E; LANES],
    square: &'a mut [E],
    slope: &'a mut [E],
}

impl<E: Scalar> Work for Add<'_, E> {
    type Out = ();

    #[inline(always)]
    fn run<const WIDTH: u8>(self) {
        let Some(first) = self.groups.first() else {
            return;
        };
        let residuals: &[Lanes<E, WIDTH>] = Lanes::of_row(self.residuals);
        let weights: &[Lanes<E, WIDTH>] = Lanes::of_row(self.weights);
        let weight = weights[first.first] * Lanes(self.lanes);
        let square = Lanes::of_row_mut(self.square).iter_mut();
        for (to, product) in square.zip(&self.fixed.square) {
            *to = weight.fused(Lanes::splat(E::of(*product)), *to);
        }
        let slope: &mut [Lanes<E, WIDTH>] = Lanes::of_row_mut(self.slope);
        for group in self.groups {
            for d in 0..group.count {
                let pull = weight * residuals[group.first + d];
                for &(unknown, at) in &group.columns {
                    let direction = Lanes::splat(E::of(self.fixed.directions[at + d]));
                    slope[unknown] = direction.fused(pull, slope[unknown]);
                }
            }
        }
    }
}

/// Adds the products of the smallest of a term's residuals, lane by lane; `x` are the values of what they
/// read.
pub(super) fn add_smallest<E: Scalar>(
    term: &ProgramTerm<E>,
    (fixed, groups): (&[Fixed], &[Group]),
    x: &[&[E]],
    rows: Rows<'_>,
    (square, slope): (&mut [E], &mut [E]),
) {
    let weighed = term.alternatives.iter().map(|operation| {
        let mut y = Scratch::zeros(operation.out_dims() * LANES);
        operation.forward(x, &mut y);
        term.residuals.weigh(rows, &y)
    });
    let weighed: Vec<Weighed<E>> = weighed.collect();
    let least: [usize; LANES] = std::array::from_fn(|k| {
        let less = |best: usize, m: usize| match weighed[m].costs[k] < weighed[best].costs[k] {
            true => m,
            false => best,
        };
        (1..weighed.len()).fold(0, less)
    });
    for (m, (fixed, weighed)) in fixed.iter().zip(&weighed).enumerate() {
        if least.contains(&m) {
            let lanes = least.map(|l| if l == m { E::one() } else { E::zero() });
            fixed.add(groups, weighed, lanes, (&mut *square, &mut *slope));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::linear::{Square, groups};
    use crate::graph::directions::Columns;
    use crate::prior::Mixture;
    use crate::prior::mixture::NearestComponent;

    #[test]
    fn products_made_once_are_those_of_the_directions() {
        let covariances = [1.0, 0.3, 0.3, 4.0, 2.0, 0.5, 0.5, 1.0];
        let mixture = Mixture::new(&[0.25, 0.75], &[0.0, 1.0, 3.0, 1.0], &covariances, 2).unwrap();
        let mut columns = Columns::default();
        (0..2).for_each(|unknown| columns.add(unknown, vec![unknown]));
        let scale = vec![0.5; 2 * LANES];
        let (x, dx) = (vec![0.7; 2 * LANES], [Some(&scale[..])]);
        for operation in NearestComponent::<f64>::each(&mixture) {
            let operation: &dyn Operation<f64> = &operation;
            assert!(operation.is_linear());
            let plan = Plan::new(vec![columns.clone()], vec![2], |m| operation.reach(m));
            let groups = groups(&plan.out, 3);
            let weighed = Weighed {
                costs: [0.0; LANES],
                residuals: Scratch::of((0..3 * LANES).map(|i| (i as f64).sin())),
                weights: Scratch::of((0..3 * LANES).map(|i| 1.0 + (i % LANES) as f64)),
            };
            let mut found = (vec![0.0; 3 * LANES], vec![0.0; 2 * LANES]);
            let origin = vec![0.0; 2 * LANES];
            let fixed = Fixed::new(operation, &plan, (&[&origin], &dx), &groups);
            let to = (&mut found.0[..], &mut found.1[..]);
            fixed.add(&groups, &weighed, [1.0; LANES], to);
            let mut directions = vec![0.0; plan.out.len * LANES];
            let mut y = vec![0.0; 3 * LANES];
            operation.forward(&[&x], &mut y);
            let to = Directions {
                plan: &plan,
                dx: &dx,
                dy: &mut directions,
                used: LANES,
                memory: &mut [],
            };
            operation.tangents(&[&x], &y, to);
            let mut expected = (vec![0.0; 3 * LANES], vec![0.0; 2 * LANES]);
            dispatch(Square {
                groups: &groups,
                directions: &directions,
                residuals: &weighed.residuals,
                weights: &weighed.weights,
                square: &mut expected.0,
                slope: &mut expected.1,
                parts: &[0, 2],
            });
            let of = |found: &(Vec<f64>, Vec<f64>)| [&found.0[..], &found.1].concat();
            let pairs = of(&found).into_iter().zip(of(&expected));
            for (found, expected) in pairs {
                assert!((found - expected).abs() < 1e-12, "{found} {expected}");
            }
            assert!(expected.0.iter().all(|x| *x != 0.0));
        }
    }
}
