//! r = max(0, height − y): how deep points lie below a level plane.

use crate::graph::{Gradient, Operation, Scalar, Value};

/// Points (rows, 3·points), y up, to their depths (rows, points).
pub(crate) struct Penetration<E> {
    pub points: usize,
    pub height: E,
}

impl<E: Scalar> Operation<E> for Penetration<E> {
    fn out_dims(&self) -> usize {
        self.points
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        for (point, out) in inputs[0].row(i).chunks_exact(3).zip(out) {
            let depth = self.height - point[1];
            // NaN fails the comparison and goes through.
            *out = if depth <= E::zero() { E::zero() } else { depth };
        }
    }

    fn backward(
        &self,
        i: usize,
        _inputs: &[Value<'_, E>],
        out: &[E],
        out_gradient: &[E],
        gradients: &mut [Option<Gradient<'_, E>>],
    ) {
        let Some(gradient) = &mut gradients[0] else {
            return;
        };
        let points = gradient.row(i).chunks_exact_mut(3);
        for ((to, depth), g) in points.zip(out).zip(out_gradient) {
            if *depth != E::zero() {
                to[1] -= *g;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_points_below_the_plane_have_a_depth() {
        let points = [0.3, -0.02, 1.0, 0.3, 0.2, 1.0, 5.0, 0.05, 0.0];
        let value = Value {
            data: &points[..],
            dims: 9,
            rows: 1,
        };
        let ground = Penetration {
            points: 3,
            height: 0.1,
        };
        let mut out = [0.0; 3];
        ground.forward(0, &[value], &mut out);
        let expected: [f64; 3] = [0.12, 0.0, 0.05];
        assert!(out.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
    }
}
