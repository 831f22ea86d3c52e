//! Centres of markers: points beside the skin, or fixed to a joint.

use crate::graph::linear3::{V3, add_outer, add_scaled, dot, rotate, rotate_back, sub, v3};
use crate::graph::{Gradient, Operation, Scalar, Value};

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

/// Inputs: transforms (rows, 12·joints), skinned vertices (rows, 3·vertices) if any marker is on the
/// skin, and free offsets (rows or 1, 3·slots) if there are any. Output (rows, 3·markers).
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
struct Face<E> {
    edges: [V3<E>; 2],
    tangent: V3<E>,
    side: V3<E>,
    normal: V3<E>,
    edge_length: E,
    area: E,
}

impl<E: Scalar> Face<E> {
    fn new(vertices: &[E], corners: [usize; 3]) -> Self {
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
    }

    /// What the gradients of the three axes mean for the corners.
    fn pull_back(&self, axes: [V3<E>; 3]) -> [V3<E>; 3] {
        let [mut g_tangent, g_side, mut g_normal] = axes;
        add_scaled(E::one(), cross(self.tangent, g_side), &mut g_normal);
        add_scaled(E::one(), cross(g_side, self.normal), &mut g_tangent);
        let g_area = across(g_normal, self.normal, self.area);
        let mut first = across(g_tangent, self.tangent, self.edge_length);
        add_scaled(E::one(), cross(self.edges[1], g_area), &mut first);
        let second = cross(g_area, self.edges[0]);
        let origin = std::array::from_fn(|k| -first[k] - second[k]);
        [origin, first, second]
    }
}

impl<E: Scalar> MarkerPoints<E> {
    /// The free offset of a marker, and the input that holds it.
    fn offset(&self, i: usize, marker: usize, inputs: &[Value<'_, E>]) -> V3<E> {
        match self.slots.get(marker) {
            Some(slot) => v3(&inputs[self.offsets()].row(i)[3 * slot..]),
            None => [E::zero(); 3],
        }
    }

    fn offsets(&self) -> usize {
        1 + usize::from(self.on_skin)
    }
}

impl<E: Scalar> Operation<E> for MarkerPoints<E> {
    fn out_dims(&self) -> usize {
        3 * self.mounts.len()
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        for (m, (mount, out)) in self.mounts.iter().zip(out.chunks_exact_mut(3)).enumerate() {
            let o = self.offset(i, m, inputs);
            match mount {
                Mount::Joint { joint, offset } => {
                    let transform = &inputs[TRANSFORMS].row(i)[12 * joint..][..12];
                    let local = std::array::from_fn(|k| offset[k] + o[k]);
                    out.copy_from_slice(&transform[9..]);
                    add_scaled(E::one(), rotate(transform, local), out);
                }
                Mount::Skin {
                    corners,
                    weights,
                    distance,
                } => {
                    let vertices = inputs[VERTICES].row(i);
                    let face = Face::new(vertices, *corners);
                    out.fill(E::zero());
                    for (corner, weight) in corners.iter().zip(weights) {
                        add_scaled(*weight, v3(&vertices[3 * corner..]), out);
                    }
                    add_scaled(o[0], face.tangent, out);
                    add_scaled(o[1], face.side, out);
                    add_scaled(*distance + o[2], face.normal, out);
                }
            }
        }
    }

    fn backward(
        &self,
        i: usize,
        inputs: &[Value<'_, E>],
        _out: &[E],
        out_gradient: &[E],
        gradients: &mut [Option<Gradient<'_, E>>],
    ) {
        for (m, (mount, g)) in self
            .mounts
            .iter()
            .zip(out_gradient.chunks_exact(3))
            .enumerate()
        {
            let (g, o) = (v3(g), self.offset(i, m, inputs));
            let g_offset = match mount {
                Mount::Joint { joint, offset } => {
                    let transform = &inputs[TRANSFORMS].row(i)[12 * joint..][..12];
                    if let Some(to) = &mut gradients[TRANSFORMS] {
                        let to = &mut to.row(i)[12 * joint..][..12];
                        let local = std::array::from_fn(|k| offset[k] + o[k]);
                        add_outer(E::one(), g, local, &mut to[..9]);
                        add_scaled(E::one(), g, &mut to[9..]);
                    }
                    rotate_back(transform, g)
                }
                Mount::Skin {
                    corners,
                    weights,
                    distance,
                } => {
                    let face = Face::new(inputs[VERTICES].row(i), *corners);
                    if let Some(to) = &mut gradients[VERTICES] {
                        let factors = [o[0], o[1], *distance + o[2]];
                        let axes = factors.map(|f| g.map(|g| f * g));
                        let turned = face.pull_back(axes);
                        let to = to.row(i);
                        for ((corner, weight), turned) in corners.iter().zip(weights).zip(turned) {
                            let to = &mut to[3 * corner..3 * corner + 3];
                            add_scaled(*weight, g, to);
                            add_scaled(E::one(), turned, to);
                        }
                    }
                    [dot(face.tangent, g), dot(face.side, g), dot(face.normal, g)]
                }
            };
            if let Some(slot) = self.slots.get(m)
                && let Some(to) = &mut gradients[self.offsets()]
            {
                add_scaled(E::one(), g_offset, &mut to.row(i)[3 * slot..3 * slot + 3]);
            }
        }
    }
}

#[inline(always)]
fn cross<E: Scalar>(a: V3<E>, b: V3<E>) -> V3<E> {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

/// The direction of a vector and its length; a vector of no length has no direction, and says so
/// with zeros instead of NaN.
#[inline(always)]
fn unit<E: Scalar>(x: V3<E>) -> (V3<E>, E) {
    let length = dot(x, x).sqrt();
    match length > E::zero() {
        true => (x.map(|x| x / length), length),
        false => ([E::zero(); 3], E::one()),
    }
}

/// The gradient of a vector from that of its direction.
#[inline(always)]
fn across<E: Scalar>(g: V3<E>, direction: V3<E>, length: E) -> V3<E> {
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
            let values = inputs.each_ref().map(|data| Value {
                data,
                dims: data.len(),
                rows: 1,
            });
            let mut out = vec![0.0; 9];
            operation.forward(0, &values, &mut out);
            out.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>()
        };
        let mut found = inputs.each_ref().map(|data| vec![0.0; data.len()]);
        let values = inputs.each_ref().map(|data| Value {
            data,
            dims: data.len(),
            rows: 1,
        });
        let mut gradients: Vec<_> = found
            .iter_mut()
            .map(|data| {
                let dims = data.len();
                Some(Gradient {
                    data,
                    dims,
                    rows: 1,
                })
            })
            .collect();
        operation.backward(0, &values, &[], &weights, &mut gradients);
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
        let inputs = [[0.0; 12].as_slice(), &corners].map(|data| Value {
            data,
            dims: data.len(),
            rows: 1,
        });
        let mut out = [0.0; 3];
        operation.forward(0, &inputs, &mut out);
        assert_eq!(out, [1.0, 2.0, 3.01]);
    }
}
