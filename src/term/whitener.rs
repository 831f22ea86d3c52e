//! From a residual to its cost, and the weight of its square where the cost is linearised.

use super::Whitening;
use crate::graph::{Number, Scalar};
use crate::robust::{On, Robustifier};

/// A [`Whitening`] in the graph's precision, without the term's weight.
pub(crate) struct Whitener<E> {
    inverse_sigma: Vec<E>,
    robust: Robustifier,
    c2: Vec<E>,
    on: On,
}

impl<E: Scalar> Whitener<E> {
    pub fn new(whitening: &Whitening) -> Self {
        let c2 = |sigma: &f64| E::of((whitening.scale / sigma).powi(2));
        Self {
            inverse_sigma: whitening.sigma.iter().map(|s| E::of(1.0 / s)).collect(),
            robust: whitening.robust,
            c2: whitening.sigma.iter().map(c2).collect(),
            on: whitening.on,
        }
    }

    /// Whether all components of a residual have the same weight.
    pub fn is_even(&self) -> bool {
        let same = self.inverse_sigma.windows(2).all(|s| s[0] == s[1]);
        same && (self.on == On::Norm || self.robust == Robustifier::None)
    }

    /// f ρ(‖r/σ‖²) of one residual r, and for each component f ρ′/σ²: twice its product with r is
    /// the cost's gradient, and its product with JᵀJ half the Hessian of Gauss and Newton.
    #[inline(always)]
    pub fn weigh<T: Number<Scalar = E>>(&self, r: &[T], factor: T, weights: &mut [T]) -> T {
        let components = || r.iter().zip(&self.inverse_sigma);
        match self.on {
            On::Norm => {
                let square = |r: T, inverse: E| (r * T::splat(inverse)).square();
                let sum = |s: T, (r, inverse): (&T, &E)| s + square(*r, *inverse);
                let s = components().fold(T::zero(), sum);
                let (rho, slope) = self.robust.rho(s, T::splat(self.c2[0]));
                for (weight, inverse) in weights.iter_mut().zip(&self.inverse_sigma) {
                    *weight = factor * slope * T::splat(*inverse * *inverse);
                }
                factor * rho
            }
            On::Coordinate => {
                let mut total = T::zero();
                for ((r, inverse), (weight, c2)) in
                    components().zip(weights.iter_mut().zip(&self.c2))
                {
                    let s = (*r * T::splat(*inverse)).square();
                    let (rho, slope) = self.robust.rho(s, T::splat(*c2));
                    *weight = factor * slope * T::splat(*inverse * *inverse);
                    total += factor * rho;
                }
                total
            }
        }
    }
}
