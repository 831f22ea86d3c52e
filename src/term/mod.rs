//! Loss terms: weight · Σ conf · ρ(‖residual‖² / sigma²), each with its gradient in the same sweep.

pub(crate) mod bending;
pub(crate) mod difference;
pub(crate) mod ground;
pub(crate) mod joint_limits;
pub(crate) mod points;
pub(crate) mod symmetry;

use crate::graph::Scalar;
use crate::robust::{On, Robustifier};

/// How a residual becomes a cost, in numbers of the spec.
#[derive(Clone, Debug, PartialEq)]
pub struct Whitening {
    /// One for each component of a residual; SI units and pixels.
    pub sigma: Vec<f64>,
    pub robust: Robustifier,
    /// Where the robustifier starts to act, in the residual's unit.
    pub scale: f64,
    pub on: On,
    pub weight: f64,
}

impl Whitening {
    /// The cost of one residual of confidence 1, without the term's weight.
    pub(crate) fn rho(&self, residual: &[f64]) -> f64 {
        let whitening = Whitening {
            weight: 1.0,
            ..self.clone()
        };
        Whitener::<f64>::new(&whitening).cost(&mut residual.to_vec(), 1.0)
    }
}

/// A [`Whitening`] in the graph's precision.
pub(crate) struct Whitener<E> {
    inverse_sigma: Vec<E>,
    robust: Robustifier,
    c2: Vec<E>,
    on: On,
    weight: f64,
}

impl<E: Scalar> Whitener<E> {
    pub fn new(whitening: &Whitening) -> Self {
        let c2 = |sigma: &f64| E::of((whitening.scale / sigma).powi(2));
        Self {
            inverse_sigma: whitening.sigma.iter().map(|s| E::of(1.0 / s)).collect(),
            robust: whitening.robust,
            c2: whitening.sigma.iter().map(c2).collect(),
            on: whitening.on,
            weight: whitening.weight,
        }
    }

    /// The cost of one residual; replaces it by the gradient of that cost.
    #[inline]
    pub fn cost(&self, residual: &mut [E], confidence: E) -> f64 {
        let factor = E::of(self.weight) * confidence;
        let two = E::of(2.0);
        for (r, inverse) in residual.iter_mut().zip(&self.inverse_sigma) {
            *r *= *inverse;
        }
        let mut total = 0.0;
        match self.on {
            On::Norm => {
                let s = residual.iter().fold(E::zero(), |sum, r| sum + *r * *r);
                let (rho, slope) = self.robust.rho(s, self.c2[0]);
                total += (factor * rho).wide();
                for (r, inverse) in residual.iter_mut().zip(&self.inverse_sigma) {
                    *r = two * factor * slope * *r * *inverse;
                }
            }
            On::Coordinate => {
                let scales = self.inverse_sigma.iter().zip(&self.c2);
                for (r, (inverse, c2)) in residual.iter_mut().zip(scales) {
                    let (rho, slope) = self.robust.rho(*r * *r, *c2);
                    total += (factor * rho).wide();
                    *r = two * factor * slope * *r * *inverse;
                }
            }
        }
        total
    }
}
