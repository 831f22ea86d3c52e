//! Keypoints as weighted means of joints and surface points.

use crate::graph::directions::Directions;
use crate::graph::linear3::{add_scaled, v3};
use crate::graph::{At, Kernel, Number, Scalar};

/// A point that a keypoint is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    Joint(usize),
    /// Index into the evaluated vertices.
    Vertex(usize),
}

/// Inputs: transforms (12·joints) and, if any part is a vertex, skinned vertices (3·vertices).
/// Output (3·keypoints).
pub(crate) struct Combine<E> {
    pub keypoints: Vec<Vec<(Part, E)>>,
}

impl Part {
    /// The input that it is read from and the place in its row.
    fn place(self) -> (usize, usize) {
        match self {
            Self::Joint(j) => (0, 12 * j + 9),
            Self::Vertex(v) => (1, 3 * v),
        }
    }
}

impl<E: Scalar> Kernel<E> for Combine<E> {
    fn out_dims(&self) -> usize {
        3 * self.keypoints.len()
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        for (parts, y) in self.keypoints.iter().zip(y.chunks_exact_mut(3)) {
            let mut sum = [T::zero(); 3];
            for (part, weight) in parts {
                let (input, at) = part.place();
                add_scaled(T::splat(*weight), v3(&x[input][at..]), &mut sum);
            }
            y.copy_from_slice(&sum);
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(
        &self,
        _at: At<'_, T>,
        gy: &[T],
        gx: &mut [Option<&mut [T]>],
    ) {
        for (parts, g) in self.keypoints.iter().zip(gy.chunks_exact(3)) {
            for (part, weight) in parts {
                let (input, at) = part.place();
                if let Some(to) = &mut gx[input] {
                    add_scaled(T::splat(*weight), v3(g), &mut to[at..at + 3]);
                }
            }
        }
    }

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        let moves = |(part, _): &(Part, E)| {
            let (input, at) = part.place();
            moved[input].is_some_and(|m| m[at..at + 3].contains(&true))
        };
        let keypoints = self.keypoints.iter();
        keypoints
            .flat_map(|parts| [parts.iter().any(moves); 3])
            .collect()
    }

    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, _at: At<'_, T>, directions: Directions<'_, T>) {
        directions.for_each(
            3 * self.keypoints.len(),
            #[inline(always)]
            |dx, active, dy| {
                for i in active.iter().step_by(3).map(|i| i / 3) {
                    let mut sum = [T::zero(); 3];
                    for (part, weight) in &self.keypoints[i] {
                        let (input, at) = part.place();
                        if let Some(dx) = dx[input] {
                            add_scaled(T::splat(*weight), v3(&dx[at..]), &mut sum);
                        }
                    }
                    dy[3 * i..3 * i + 3].copy_from_slice(&sum);
                }
            },
        );
    }
}
