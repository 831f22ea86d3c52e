//! Centres of markers: points beside the skin, or fixed to a joint.

use crate::graph::directions::Directions;
use crate::graph::linear3::{
    V3, add, add_outer, add_scaled, cross, dot, rotate, rotate_back, sub, v3,
};
use crate::graph::{At, Kernel, Number, Scalar};

/// What a marker hangs on, in the numbers of the graph.
#[derive(Clone, Debug, PartialEq)]
pub enum Mount<E> {
    /// Three of the evaluated vertices, counter-clockwise from outside, and barycentric weights.
    Skin {
        corners: [usize; 3],
        weights: [E; 3],
        /// From the skin to the marker's centre, along the normal.
        distance: E,
    },
    /// An offset in the joint's own axes.
    Joint { joint: usize, offset: [E; 3] },
}

/// Inputs: transforms (12·joints), skinned vertices (3·vertices) if any marker is on the skin, and
/// free offsets (3·slots) if there are any. Output (3·markers).
///
/// On the skin p = Σ wᵢ vᵢ + t o₁ + s o₂ + n (distance + o₃), where n is the face's normal, t its
/// first edge and s = n × t; at a joint p = p_j + R_j (offset + o).
pub(crate) struct MarkerPoints<E> {
    pub mounts: Vec<Mount<E>>,
    /// For each marker its copy of the free offset; empty where offsets are fixed.
    pub slots: Vec<usize>,
    pub on_skin: bool,
}

const TRANSFORMS: usize = 0;
const VERTICES: usize = 1;

/// The axes of a face, and the lengths that they were divided by.
struct Face<T> {
    edges: [V3<T>; 2],
    tangent: V3<T>,
    side: V3<T>,
    normal: V3<T>,
    edge_length: T,
    area: T,
}

impl<T: Number> Face<T> {
    #[inline(always)]
    fn new(vertices: &[T], corners: [usize; 3]) -> Self {
        T::apart(
            #[inline(always)]
            || {
                let [a, b, c] = corners.map(|v| v3(&vertices[3 * v..]));
                let edges = [sub(b, a), sub(c, a)];
                let (tangent, edge_length) = unit(edges[0]);
                let (normal, area) = unit(cross(edges[0], edges[1]));
                Self {
                    edges,
                    tangent,
                    side: cross(normal, tangent),
                    normal,
                    edge_length,
                    area,
                }
            },
        )
    }

    /// What the gradients of the three axes mean for the corners.
    #[inline(always)]
    fn pull_back(&self, axes: [V3<T>; 3]) -> [V3<T>; 3] {
        T::apart(
            #[inline(always)]
            || {
                let [mut g_tangent, g_side, mut g_normal] = axes;
                add(cross(self.tangent, g_side), &mut g_normal);
                add(cross(g_side, self.normal), &mut g_tangent);
                let g_area = across(g_normal, self.normal, self.area);
                let mut first = across(g_tangent, self.tangent, self.edge_length);
                add(cross(self.edges[1], g_area), &mut first);
                let second = cross(g_area, self.edges[0]);
                let origin = std::array::from_fn(|k| -first[k] - second[k]);
                [origin, first, second]
            },
        )
    }

    /// How the axes turn with the corners.
    #[inline(always)]
    fn push(&self, corners: [V3<T>; 3]) -> [V3<T>; 3] {
        T::apart(
            #[inline(always)]
            || {
                let edges = [sub(corners[1], corners[0]), sub(corners[2], corners[0])];
                let tangent = across(edges[0], self.tangent, self.edge_length);
                let mut area = cross(edges[0], self.edges[1]);
                add(cross(self.edges[0], edges[1]), &mut area);
                let normal = across(area, self.normal, self.area);
                let mut side = cross(normal, self.tangent);
                add(cross(self.normal, tangent), &mut side);
                [tangent, side, normal]
            },
        )
    }
}

impl<E: Scalar> MarkerPoints<E> {
    /// The free offset of a marker, among the numbers of the input that holds them.
    #[inline(always)]
    fn offset<T: Number>(&self, marker: usize, offsets: Option<&[T]>) -> V3<T> {
        match (self.slots.get(marker), offsets) {
            (Some(slot), Some(offsets)) => v3(&offsets[3 * slot..]),
            _ => [T::zero(); 3],
        }
    }

    /// The input that holds the offsets.
    fn offsets(&self) -> usize {
        1 + usize::from(self.on_skin)
    }

    #[inline(always)]
    fn forward_one<T: Number<Scalar = E>>(&self, m: usize, x: &[&[T]]) -> V3<T> {
        let o = self.offset(m, x.get(self.offsets()).copied());
        match &self.mounts[m] {
            Mount::Joint { joint, offset } => {
                let transform = &x[TRANSFORMS][12 * joint..][..12];
                let local = std::array::from_fn(|k| T::splat(offset[k]) + o[k]);
                let mut point = rotate(transform, local);
                add(v3(&transform[9..]), &mut point);
                point
            }
            Mount::Skin {
                corners,
                weights,
                distance,
            } => {
                let vertices = x[VERTICES];
                let face = Face::new(vertices, *corners);
                let mut point = [T::zero(); 3];
                for (corner, weight) in corners.iter().zip(weights) {
                    add_scaled(T::splat(*weight), v3(&vertices[3 * corner..]), &mut point);
                }
                add_scaled(o[0], face.tangent, &mut point);
                add_scaled(o[1], face.side, &mut point);
                add_scaled(T::splat(*distance) + o[2], face.normal, &mut point);
                point
            }
        }
    }

    #[inline(always)]
    fn tangent_one<T: Number<Scalar = E>>(
        &self,
        m: usize,
        face: Option<&Face<T>>,
        x: &[&[T]],
        dx: &[Option<&[T]>],
    ) -> V3<T> {
        let o = self.offset(m, x.get(self.offsets()).copied());
        let d = self.offset(m, dx.get(self.offsets()).copied().flatten());
        let mut moved = [T::zero(); 3];
        match (&self.mounts[m], face) {
            (
                Mount::Skin {
                    corners,
                    weights,
                    distance,
                },
                Some(face),
            ) => {
                for (d, axis) in d.into_iter().zip([face.tangent, face.side, face.normal]) {
                    add_scaled(d, axis, &mut moved);
                }
                let Some(dx) = dx[VERTICES] else { return moved };
                let d_corners = corners.map(|c| v3(&dx[3 * c..]));
                for (d, weight) in d_corners.iter().zip(weights) {
                    add_scaled(T::splat(*weight), *d, &mut moved);
                }
                let factors = [o[0], o[1], T::splat(*distance) + o[2]];
                for (factor, axis) in factors.into_iter().zip(face.push(d_corners)) {
                    add_scaled(factor, axis, &mut moved);
                }
            }
            (Mount::Joint { joint, offset }, _) => {
                add(rotate(&x[TRANSFORMS][12 * joint..], d), &mut moved);
                let Some(dx) = dx[TRANSFORMS] else {
                    return moved;
                };
                let local = std::array::from_fn(|k| T::splat(offset[k]) + o[k]);
                add(rotate(&dx[12 * joint..], local), &mut moved);
                add(v3(&dx[12 * joint + 9..]), &mut moved);
            }
            _ => {}
        }
        moved
    }
}

impl<E: Scalar> Kernel<E> for MarkerPoints<E> {
    fn out_dims(&self) -> usize {
        3 * self.mounts.len()
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        for (m, y) in y.chunks_exact_mut(3).enumerate() {
            y.copy_from_slice(&self.forward_one(m, x));
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        for (m, (mount, g)) in self.mounts.iter().zip(gy.chunks_exact(3)).enumerate() {
            let (g, o) = (v3(g), self.offset(m, at.x.get(self.offsets()).copied()));
            let g_offset = match mount {
                Mount::Joint { joint, offset } => {
                    let transform = &at.x[TRANSFORMS][12 * joint..][..12];
                    if let Some(to) = &mut gx[TRANSFORMS] {
                        let to = &mut to[12 * joint..][..12];
                        let local = std::array::from_fn(|k| T::splat(offset[k]) + o[k]);
                        add_outer(T::one(), g, local, &mut to[..9]);
                        add(g, &mut to[9..]);
                    }
                    rotate_back(transform, g)
                }
                Mount::Skin {
                    corners,
                    weights,
                    distance,
                } => {
                    let face = Face::new(at.x[VERTICES], *corners);
                    if let Some(to) = &mut gx[VERTICES] {
                        let factors = [o[0], o[1], T::splat(*distance) + o[2]];
                        let axes = factors.map(|f| g.map(|g| f * g));
                        let turned = face.pull_back(axes);
                        for ((corner, weight), turned) in corners.iter().zip(weights).zip(turned) {
                            let to = &mut to[3 * corner..3 * corner + 3];
                            add_scaled(T::splat(*weight), g, to);
                            add(turned, to);
                        }
                    }
                    [dot(face.tangent, g), dot(face.side, g), dot(face.normal, g)]
                }
            };
            if let Some(slot) = self.slots.get(m)
                && let Some(to) = &mut gx[self.offsets()]
            {
                add(g_offset, &mut to[3 * slot..3 * slot + 3]);
            }
        }
    }

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        let any = |input: usize, from: usize, len: usize| {
            let moved = moved.get(input).copied().flatten();
            moved.is_some_and(|m| m[from..from + len].contains(&true))
        };
        let of_marker = |(m, mount): (usize, &Mount<E>)| {
            let mounted = match mount {
                Mount::Joint { joint, .. } => any(TRANSFORMS, 12 * joint, 12),
                Mount::Skin { corners, .. } => corners.iter().any(|c| any(VERTICES, 3 * c, 3)),
            };
            let slot = self.slots.get(m);
            [mounted || slot.is_some_and(|slot| any(self.offsets(), 3 * slot, 3)); 3]
        };
        self.mounts.iter().enumerate().flat_map(of_marker).collect()
    }

    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, at: At<'_, T>, directions: Directions<'_, T>) {
        let face = |mount: &Mount<E>| match mount {
            Mount::Skin { corners, .. } => Some(Face::new(at.x[VERTICES], *corners)),
            Mount::Joint { .. } => None,
        };
        let faces: Vec<Option<Face<T>>> = self.mounts.iter().map(face).collect();
        directions.for_each(
            3 * self.mounts.len(),
            #[inline(always)]
            |dx, active, dy| {
                for m in active.iter().step_by(3).map(|i| i / 3) {
                    let moved = self.tangent_one(m, faces[m].as_ref(), at.x, dx);
                    dy[3 * m..3 * m + 3].copy_from_slice(&moved);
                }
            },
        );
    }
}

/// The direction of a vector and its length; a vector of no length has no direction, and says so
/// with zeros instead of NaN.
#[inline(always)]
fn unit<T: Number>(x: V3<T>) -> (V3<T>, T) {
    let length = dot(x, x).root();
    let some = |yes: T, no: T| T::zero().less(length, yes, no);
    let safe = some(length, T::one());
    (x.map(|x| some(x / safe, T::zero())), safe)
}

/// The gradient of a vector from that of its direction.
#[inline(always)]
fn across<T: Number>(g: V3<T>, direction: V3<T>, length: T) -> V3<T> {
    let along = dot(g, direction);
    std::array::from_fn(|k| (g[k] - along * direction[k]) / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: f64) -> Vec<f64> {
        (0..count)
            .map(|i| ((i as f64 + seed) * 1.7).sin())
            .collect()
    }

    fn operation() -> MarkerPoints<f64> {
        MarkerPoints {
            mounts: vec![
                Mount::Skin {
                    corners: [0, 2, 1],
                    weights: [0.2, 0.5, 0.3],
                    distance: 0.1,
                },
                Mount::Joint {
                    joint: 1,
                    offset: [0.3, -0.2, 0.1],
                },
                Mount::Skin {
                    corners: [3, 1, 2],
                    weights: [1.0, 0.0, 0.0],
                    distance: 0.0,
                },
            ],
            slots: vec![2, 0, 1],
            on_skin: true,
        }
    }

    #[test]
    fn every_gradient_is_that_of_finite_differences() {
        let operation = operation();
        let inputs = [numbers(24, 0.3), numbers(12, 2.0), numbers(9, 5.0)];
        let weights = numbers(9, 7.0);
        let value = |inputs: &[Vec<f64>; 3]| {
            let mut out = vec![0.0; 9];
            Kernel::forward::<f64>(&operation, &inputs.each_ref().map(Vec::as_slice), &mut out);
            out.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>()
        };
        let mut found = inputs.each_ref().map(|data| vec![0.0; data.len()]);
        let mut gradients: Vec<_> = found.iter_mut().map(|g| Some(g.as_mut_slice())).collect();
        let x = inputs.each_ref().map(Vec::as_slice);
        let at = At { x: &x, y: &[] };
        Kernel::adjoint::<f64>(&operation, at, &weights, &mut gradients);
        for input in 0..3 {
            for k in 0..inputs[input].len() {
                let mut moved = inputs.clone();
                moved[input][k] += 1e-6;
                let up = value(&moved);
                moved[input][k] -= 2e-6;
                let slope = (up - value(&moved)) / 2e-6;
                let error = (slope - found[input][k]).abs();
                assert!(
                    error < 1e-8,
                    "input {input}, {k}: {slope} {}",
                    found[input][k]
                );
            }
        }
    }

    #[test]
    fn a_fixed_distance_lifts_the_marker_along_the_outward_normal() {
        let operation = MarkerPoints {
            mounts: vec![Mount::Skin {
                corners: [0, 1, 2],
                weights: [1.0, 0.0, 0.0],
                distance: 0.01,
            }],
            slots: vec![],
            on_skin: true,
        };
        let corners = [1.0, 2.0, 3.0, 2.0, 2.0, 3.0, 1.0, 3.0, 3.0];
        let mut out = [0.0; 3];
        Kernel::forward::<f64>(&operation, &[&[0.0; 12], &corners], &mut out);
        assert_eq!(out, [1.0, 2.0, 3.01]);
    }
}
