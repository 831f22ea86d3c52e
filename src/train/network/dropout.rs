//! Dropout (Srivastava et al. 2014), scaled so that nothing is left to do when it is off.

use super::product::sweep;
use super::{Batch, Forward};
use crate::graph::Real;
use crate::random::SplitMix64;

/// Sets each number to zero with this probability and divides the others by what is left of 1.
///
/// Probabilities are multiples of 2⁻¹⁶, so that one draw of bits serves four numbers.
pub(crate) fn dropout<E: Real>(
    pass: &mut Forward<E>,
    x: &Batch<E>,
    probability: f64,
    random: &mut SplitMix64,
) -> Batch<E> {
    let numbers = x.numbers();
    let bound = (probability * 65536.0).round() as u64;
    let scale = E::of(65536.0 / (65536 - bound.min(65535)) as f64);
    let mut mask = vec![E::zero(); numbers.len()];
    for four in mask.chunks_mut(4) {
        let mut bits = random.bits();
        for factor in four {
            *factor = if bits & 0xffff < bound {
                E::zero()
            } else {
                scale
            };
            bits >>= 16;
        }
    }
    let mut out = mask.clone();
    sweep(&mut out, numbers, 1, multiply);
    pass.join(&[x], out, x.rows(), move |mut whole| {
        if let Some(dx) = &mut whole.gradients[0] {
            sweep(whole.out_gradient, &mask, 1, multiply);
            sweep(dx, whole.out_gradient, 1, |dx, g| {
                for (dx, g) in dx.iter_mut().zip(g) {
                    *dx += *g;
                }
            });
        }
    })
}

fn multiply<E: Real>(out: &mut [E], by: &[E]) {
    for (out, by) in out.iter_mut().zip(by) {
        *out *= *by;
    }
}
