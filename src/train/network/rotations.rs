//! Rotation matrices of joints, from and to axis-angle vectors, and from a network's six numbers.

use rayon::prelude::*;

use super::{Batch, Forward};
use crate::graph::rodrigues::Rodrigues;
use crate::graph::rotation_log::RotationLog;
use crate::graph::six_d::SixD;
use crate::graph::{At, Kernel, Real};

/// Joints that are worked off together; none depends on another.
const JOINTS: usize = 1024;
const MATRIX: usize = 9;
const ANGLES: usize = 3;
const SIX: usize = 6;

/// Of axis-angle vectors, (…, 3) to (…, 9).
pub(crate) fn from_angles<E: Real>(angles: &[E]) -> Vec<E> {
    joints(&Rodrigues { count: 1 }, angles, [ANGLES, MATRIX])
}

/// To axis-angle vectors, (…, 9) to (…, 3).
pub(crate) fn to_angles<E: Real>(rotations: &[E]) -> Vec<E> {
    joints(&RotationLog { count: 1 }, rotations, [MATRIX, ANGLES])
}

/// Of a batch with six numbers for each joint, (rows, 6·joints) to (rows, 9·joints).
pub(crate) fn from_six<E: Real>(pass: &mut Forward<E>, six: &Batch<E>) -> Batch<E> {
    let operation = SixD { count: 1 };
    let out = joints(&operation, six.numbers(), [SIX, MATRIX]);
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
fn joints<E: Real>(operation: &impl Kernel<E>, x: &[E], [inputs, outputs]: [usize; 2]) -> Vec<E> {
    let mut out = vec![E::zero(); x.len() / inputs * outputs];
    let parts = out.par_chunks_mut(JOINTS * outputs);
    let parts = parts.zip(x.par_chunks(JOINTS * inputs));
    parts.for_each(|(out, x)| {
        for (x, y) in x.chunks_exact(inputs).zip(out.chunks_exact_mut(outputs)) {
            operation.forward::<E>(&[x], y);
        }
    });
    out
}
