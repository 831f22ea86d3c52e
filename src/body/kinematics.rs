//! Forward kinematics: joint rotations and rest joints to joint transforms in the world.

use crate::graph::linear3::{
    add_a_bt, add_at_b, add_outer, add_scaled, multiply, rotate, rotate_back, sub, v3,
};
use crate::graph::{Gradient, Operation, Scalar, Value};

/// Inputs: root rotation (rows, 9), rotations of joints 1..=n (rows, 9·n), rest joints
/// (rows, 3·joints), translation (rows, 3); joints after n keep their parent's rotation.
///
/// Output (rows, 12·joints): for each joint its world rotation, then its position
/// p_0 = J_0 + trans, p_j = p_parent + R_parent (J_j − J_parent).
pub(crate) struct Kinematics {
    /// `parents[j] < j`; the root's own entry is not read.
    pub parents: Vec<usize>,
}

/// Positions of the inputs.
const ROOT: usize = 0;
const BODY: usize = 1;
const REST: usize = 2;
const TRANS: usize = 3;

impl<E: Scalar> Operation<E> for Kinematics {
    fn out_dims(&self) -> usize {
        12 * self.parents.len()
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        let (rest, body) = (inputs[REST].row(i), inputs[BODY].row(i));
        out[..9].copy_from_slice(inputs[ROOT].row(i));
        for k in 0..3 {
            out[9 + k] = rest[k] + inputs[TRANS].row(i)[k];
        }
        for j in 1..self.parents.len() {
            let (done, rows) = out.split_at_mut(12 * j);
            let parent = &done[12 * self.parents[j]..][..12];
            let joint = &mut rows[..12];
            match body.get(9 * (j - 1)..9 * j) {
                Some(local) => multiply(parent, local, &mut joint[..9]),
                None => joint[..9].copy_from_slice(&parent[..9]),
            }
            let bone = rotate(parent, bone(rest, j, self.parents[j]));
            for k in 0..3 {
                joint[9 + k] = parent[9 + k] + bone[k];
            }
        }
    }

    fn backward(
        &self,
        i: usize,
        inputs: &[Value<'_, E>],
        out: &[E],
        out_gradient: &[E],
        gradients: &mut [Option<Gradient<'_, E>>],
    ) {
        let (rest, body) = (inputs[REST].row(i), inputs[BODY].row(i));
        let mut g = out_gradient.to_vec();
        for j in (1..self.parents.len()).rev() {
            let p = self.parents[j];
            let parent = &out[12 * p..12 * p + 9];
            let (above, rows) = g.split_at_mut(12 * j);
            let (g_parent, g_joint) = (&mut above[12 * p..12 * p + 12], &rows[..12]);
            let g_position = v3(&g_joint[9..]);
            match body.get(9 * (j - 1)..9 * j) {
                Some(local) => {
                    add_a_bt(&g_joint[..9], local, &mut g_parent[..9]);
                    if let Some(to) = &mut gradients[BODY] {
                        let to = &mut to.row(i)[9 * (j - 1)..9 * j];
                        add_at_b(parent, &g_joint[..9], to);
                    }
                }
                None => {
                    for k in 0..9 {
                        g_parent[k] += g_joint[k];
                    }
                }
            }
            add_outer(E::one(), g_position, bone(rest, j, p), &mut g_parent[..9]);
            add_scaled(E::one(), g_position, &mut g_parent[9..]);
            if let Some(to) = &mut gradients[REST] {
                let g_bone = rotate_back(parent, g_position);
                add_scaled(E::one(), g_bone, &mut to.row(i)[3 * j..3 * j + 3]);
                add_scaled(-E::one(), g_bone, &mut to.row(i)[3 * p..3 * p + 3]);
            }
        }
        for (input, from, len) in [(ROOT, 0, 9), (REST, 9, 3), (TRANS, 9, 3)] {
            if let Some(to) = &mut gradients[input] {
                for k in 0..len {
                    to.row(i)[k] = to.row(i)[k] + g[from + k];
                }
            }
        }
    }
}

#[inline(always)]
fn bone<E: Scalar>(rest: &[E], joint: usize, parent: usize) -> [E; 3] {
    sub(v3(&rest[3 * joint..]), v3(&rest[3 * parent..]))
}
