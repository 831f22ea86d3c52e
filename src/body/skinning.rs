//! Linear blend skinning of the few vertices that somebody reads, and their pose correctives.

use crate::graph::directions::Directions;
use crate::graph::linear3::{add, add_outer, add_scaled, rotate, rotate_back, sub, v3};
use crate::graph::{At, Kernel, Number, Scalar};

/// Inputs: transforms (12·joints), rest joints (3·joints), rest vertices (3·vertices).
/// Output (3·vertices): v = Σ_j w_j (R_j (x − J_j) + p_j).
pub(crate) struct Skinning<E> {
    /// For each vertex its joints and their weights.
    pub weights: Vec<Vec<(usize, E)>>,
}

const TRANSFORMS: usize = 0;
const JOINTS: usize = 1;
const VERTICES: usize = 2;

impl<E: Scalar> Kernel<E> for Skinning<E> {
    fn out_dims(&self) -> usize {
        3 * self.weights.len()
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        let (transforms, joints) = (x[TRANSFORMS], x[JOINTS]);
        let rest = x[VERTICES].chunks_exact(3);
        for ((x, weights), y) in rest.zip(&self.weights).zip(y.chunks_exact_mut(3)) {
            let x = v3(x);
            let mut sum = [T::zero(); 3];
            for &(j, w) in weights {
                let transform = &transforms[12 * j..12 * j + 12];
                let mut turned = rotate(transform, sub(x, v3(&joints[3 * j..])));
                add(v3(&transform[9..]), &mut turned);
                add_scaled(T::splat(w), turned, &mut sum);
            }
            y.copy_from_slice(&sum);
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let (transforms, joints) = (at.x[TRANSFORMS], at.x[JOINTS]);
        for (v, weights) in self.weights.iter().enumerate() {
            let x = v3(&at.x[VERTICES][3 * v..]);
            let g = v3(&gy[3 * v..]);
            for &(j, w) in weights {
                let w = T::splat(w);
                let transform = &transforms[12 * j..12 * j + 12];
                if let Some(to) = &mut gx[TRANSFORMS] {
                    let to = &mut to[12 * j..12 * j + 12];
                    add_outer(w, g, sub(x, v3(&joints[3 * j..])), &mut to[..9]);
                    add_scaled(w, g, &mut to[9..]);
                }
                let turned = rotate_back(transform, g);
                if let Some(to) = &mut gx[JOINTS] {
                    add_scaled(-w, turned, &mut to[3 * j..3 * j + 3]);
                }
                if let Some(to) = &mut gx[VERTICES] {
                    add_scaled(w, turned, &mut to[3 * v..3 * v + 3]);
                }
            }
        }
    }

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        let any = |input: usize, from: usize, len: usize| {
            moved[input].is_some_and(|m| m[from..from + len].contains(&true))
        };
        let of_vertex = |(v, weights): (usize, &Vec<(usize, E)>)| {
            let mut joints = weights.iter();
            let moved = joints.any(|&(j, _)| any(TRANSFORMS, 12 * j, 12) || any(JOINTS, 3 * j, 3));
            [moved || any(VERTICES, 3 * v, 3); 3]
        };
        self.weights
            .iter()
            .enumerate()
            .flat_map(of_vertex)
            .collect()
    }

    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, at: At<'_, T>, directions: Directions<'_, T>) {
        let (transforms, joints) = (at.x[TRANSFORMS], at.x[JOINTS]);
        directions.for_each(
            3 * self.weights.len(),
            #[inline(always)]
            |dx, active, dy| {
                for v in active.iter().step_by(3).map(|i| i / 3) {
                    let x = v3(&at.x[VERTICES][3 * v..]);
                    let d_vertex = dx[VERTICES].map(|dx| v3(&dx[3 * v..]));
                    let mut sum = [T::zero(); 3];
                    for &(j, w) in &self.weights[v] {
                        let mut moved = [T::zero(); 3];
                        if let Some(dx) = dx[TRANSFORMS] {
                            let d = &dx[12 * j..12 * j + 12];
                            moved = rotate(d, sub(x, v3(&joints[3 * j..])));
                            add(v3(&d[9..]), &mut moved);
                        }
                        let transform = &transforms[12 * j..12 * j + 9];
                        if let Some(d_vertex) = d_vertex {
                            add(rotate(transform, d_vertex), &mut moved);
                        }
                        if let Some(dx) = dx[JOINTS] {
                            let turned = rotate(transform, v3(&dx[3 * j..]));
                            add_scaled(-T::one(), turned, &mut moved);
                        }
                        add_scaled(T::splat(w), moved, &mut sum);
                    }
                    dy[3 * v..3 * v + 3].copy_from_slice(&sum);
                }
            },
        );
    }
}

/// Inputs: rest vertices (3·vertices), rotations of joints 1..=n (9·n).
/// Output: x + posedirs · flatten(R − I), the pose correctives of SMPL.
pub(crate) struct PoseCorrectives<E> {
    /// (3·vertices, 9·n), row-major.
    pub directions: Vec<E>,
    pub features: usize,
}

impl<E: Scalar> Kernel<E> for PoseCorrectives<E> {
    fn out_dims(&self) -> usize {
        self.directions.len() / self.features
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        let turned: Vec<T> = x[1]
            .iter()
            .enumerate()
            .map(|(k, r)| if k % 9 % 4 == 0 { *r - T::one() } else { *r })
            .collect();
        let rows = self.directions.chunks_exact(self.features);
        for ((y, x), row) in y.iter_mut().zip(x[0]).zip(rows) {
            *y = row
                .iter()
                .zip(&turned)
                .fold(*x, |sum, (d, f)| T::splat(*d).fused(*f, sum));
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(
        &self,
        _at: At<'_, T>,
        gy: &[T],
        gx: &mut [Option<&mut [T]>],
    ) {
        if let Some(to) = &mut gx[0] {
            for (to, g) in to.iter_mut().zip(gy) {
                *to += *g;
            }
        }
        let Some(to) = &mut gx[1] else { return };
        for (g, row) in gy.iter().zip(self.directions.chunks_exact(self.features)) {
            for (to, d) in to.iter_mut().zip(row) {
                *to = T::splat(*d).fused(*g, *to);
            }
        }
    }

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        match moved[1] {
            Some(_) => vec![true; Kernel::<E>::out_dims(self)],
            None => moved[0].unwrap_or_default().to_vec(),
        }
    }

    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, _at: At<'_, T>, directions: Directions<'_, T>) {
        directions.for_each_of(
            Kernel::<E>::out_dims(self),
            #[inline(always)]
            |dx, moving, active, dy| {
                for &i in active {
                    let mut sum = dx[0].map_or(T::zero(), |dx| dx[i]);
                    if let Some(dx) = dx[1] {
                        let row = &self.directions[i * self.features..(i + 1) * self.features];
                        for &k in moving[1] {
                            sum = T::splat(row[k]).fused(dx[k], sum);
                        }
                    }
                    dy[i] = sum;
                }
            },
        );
    }
}
