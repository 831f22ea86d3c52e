//! Rotation matrices of joints, from axis-angle vectors or from a network's six numbers.

use rayon::prelude::*;

use super::{Batch, Forward};
use crate::graph::rodrigues::Rodrigues;
use crate::graph::six_d::SixD;
use crate::graph::{At, Kernel, Real};

/// Joints that are worked off together; none depends on another.
const JOINTS: usize = 1024;
const MATRIX: usize = 9;
const ANGLES: usize = 3;
const SIX: usize = 6;

/// Of axis-angle vectors, (…, 3) to (…, 9).
pub(crate) fn from_angles<E: Real>(angles: &[E]) -> Vec<E> {
    matrices(&Rodrigues { count: 1 }, angles, ANGLES)
}

/// Of a batch with six numbers for each joint, (rows, 6·joints) to (rows, 9·joints).
pub(crate) fn from_six<E: Real>(pass: &mut Forward<E>, six: &Batch<E>) -> Batch<E> {
    let operation = SixD { count: 1 };
    let out = matrices(&operation, six.numbers(), SIX);
    pass.join(&[six], out, six.rows(), move |mut whole| {
        let Some(to) = &mut whole.gradients[0] else {
            return;
        };
        let from = whole.inputs[0].par_chunks(JOINTS * SIX);
        let out = whole.out.par_chunks(JOINTS * MATRIX);
        let g = whole.out_gradient.par_chunks(JOINTS * MATRIX);
        let parts = to.par_chunks_mut(JOINTS * SIX).zip(from).zip(out.zip(g));
        parts.for_each(|((to, x), (out, g))| {
            let joints = x.chunks_exact(SIX).zip(out.chunks_exact(MATRIX));
            let both = to.chunks_exact_mut(SIX).zip(g.chunks_exact(MATRIX));
            for ((x, y), (to, g)) in joints.zip(both) {
                let x = [x];
                Kernel::adjoint::<E>(&operation, At { x: &x, y }, g, &mut [Some(to)]);
            }
        });
    })
}

/// An operation of single joints on many.
fn matrices<E: Real>(operation: &impl Kernel<E>, x: &[E], dims: usize) -> Vec<E> {
    let mut out = vec![E::zero(); x.len() / dims * MATRIX];
    let parts = out.par_chunks_mut(JOINTS * MATRIX);
    let parts = parts.zip(x.par_chunks(JOINTS * dims));
    parts.for_each(|(out, x)| {
        for (x, y) in x.chunks_exact(dims).zip(out.chunks_exact_mut(MATRIX)) {
            operation.forward::<E>(&[x], y);
        }
    });
    out
}
