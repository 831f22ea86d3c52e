//! Forward kinematics: joint rotations and rest joints to joint transforms in the world.

use crate::graph::directions::Directions;
use crate::graph::linear3::{
    add, add_a_b, add_a_bt, add_at_b, add_outer, add_scaled, multiply, rotate, rotate_back, sub, v3,
};
use crate::graph::{At, Kernel, Number, Scalar};

/// Inputs: root rotation (9), rotations of joints 1..=n (9·n), rest joints (3·joints), translation
/// (3); joints after n keep their parent's rotation.
///
/// Output (12·joints): for each joint its world rotation, then its position
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

impl<E: Scalar> Kernel<E> for Kinematics {
    fn out_dims(&self) -> usize {
        12 * self.parents.len()
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        let (rest, body) = (x[REST], x[BODY]);
        y[..9].copy_from_slice(x[ROOT]);
        for k in 0..3 {
            y[9 + k] = rest[k] + x[TRANS][k];
        }
        for j in 1..self.parents.len() {
            let (done, rows) = y.split_at_mut(12 * j);
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

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let (rest, body) = (at.x[REST], at.x[BODY]);
        let mut g = gy.to_vec();
        for j in (1..self.parents.len()).rev() {
            let p = self.parents[j];
            let parent = &at.y[12 * p..12 * p + 9];
            let (above, rows) = g.split_at_mut(12 * j);
            let (g_parent, g_joint) = (&mut above[12 * p..12 * p + 12], &rows[..12]);
            let g_position = v3(&g_joint[9..]);
            match body.get(9 * (j - 1)..9 * j) {
                Some(local) => {
                    add_a_bt(&g_joint[..9], local, &mut g_parent[..9]);
                    if let Some(to) = &mut gx[BODY] {
                        add_at_b(parent, &g_joint[..9], &mut to[9 * (j - 1)..9 * j]);
                    }
                }
                None => {
                    for k in 0..9 {
                        g_parent[k] += g_joint[k];
                    }
                }
            }
            add_outer(T::one(), g_position, bone(rest, j, p), &mut g_parent[..9]);
            add(g_position, &mut g_parent[9..]);
            if let Some(to) = &mut gx[REST] {
                let g_bone = rotate_back(parent, g_position);
                add(g_bone, &mut to[3 * j..3 * j + 3]);
                add_scaled(-T::one(), g_bone, &mut to[3 * p..3 * p + 3]);
            }
        }
        for (input, from, len) in [(ROOT, 0, 9), (REST, 9, 3), (TRANS, 9, 3)] {
            if let Some(to) = &mut gx[input] {
                for k in 0..len {
                    to[k] += g[from + k];
                }
            }
        }
    }

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        let any = |input: usize, from: usize, len: usize| {
            let part = moved[input].and_then(|m| m.get(from..from + len));
            part.is_some_and(|part| part.contains(&true))
        };
        let mut reached = vec![false; 12 * self.parents.len()];
        for j in 0..self.parents.len() {
            let turned = match j {
                0 => any(ROOT, 0, 9),
                _ => reached[12 * self.parents[j]] || any(BODY, 9 * (j - 1), 9),
            };
            let carried = match j {
                0 => any(TRANS, 0, 3),
                _ => reached[12 * self.parents[j]] || reached[12 * self.parents[j] + 9],
            };
            let carried =
                carried || any(REST, 3 * j, 3) || (j > 0 && any(REST, 3 * self.parents[j], 3));
            reached[12 * j..12 * j + 9].fill(turned);
            reached[12 * j + 9..12 * j + 12].fill(carried);
        }
        reached
    }

    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, at: At<'_, T>, directions: Directions<'_, T>) {
        let (rest, body) = (at.x[REST], at.x[BODY]);
        directions.for_each_of(
            12 * self.parents.len(),
            #[inline(always)]
            |dx, moving, active, dy| {
                // A rotation or a position moves as a whole, so its first number stands for it.
                for (j, part) in active.iter().map(|i| (i / 12, i % 12)) {
                    if part != 0 && part != 9 {
                        continue;
                    }
                    if j == 0 {
                        self.root_tangent(part, dx, dy);
                        continue;
                    }
                    let p = self.parents[j];
                    let parent = &at.y[12 * p..12 * p + 9];
                    let (above, rows) = dy.split_at_mut(12 * j);
                    let d_parent = &above[12 * p..12 * p + 12];
                    if part == 0 {
                        match body.get(9 * (j - 1)..9 * j) {
                            Some(local) => multiply(d_parent, local, &mut rows[..9]),
                            None => rows[..9].copy_from_slice(&d_parent[..9]),
                        }
                        let turns = moving[BODY].binary_search(&(9 * (j - 1))).is_ok();
                        if let Some(dx) = dx[BODY].filter(|_| turns) {
                            let dx = &dx[9 * (j - 1)..9 * j];
                            add_a_b(parent, dx, &mut rows[..9]);
                        }
                        continue;
                    }
                    let mut moved = rotate(d_parent, bone(rest, j, p));
                    if let Some(dx) = dx[REST] {
                        add(rotate(parent, bone(dx, j, p)), &mut moved);
                    }
                    for k in 0..3 {
                        rows[9 + k] = d_parent[9 + k] + moved[k];
                    }
                }
            },
        );
    }
}

impl Kinematics {
    #[inline(always)]
    fn root_tangent<T: Number>(&self, part: usize, dx: &[Option<&[T]>], dy: &mut [T]) {
        if part == 0 {
            if let Some(dx) = dx[ROOT] {
                dy[..9].copy_from_slice(dx);
            }
            return;
        }
        for input in [REST, TRANS] {
            if let Some(dx) = dx[input] {
                add(v3(dx), &mut dy[9..12]);
            }
        }
    }
}

#[inline(always)]
fn bone<T: Number>(rest: &[T], joint: usize, parent: usize) -> [T; 3] {
    sub(v3(&rest[3 * joint..]), v3(&rest[3 * parent..]))
}
