//! r = |left bone| − |right bone| of the rest skeleton: how uneven a shape is.

use crate::graph::linear3::{add_scaled, dot, sub, v3};
use crate::graph::{Gradient, Operation, Scalar, Value};

/// A bone from a joint to one of its children.
pub type Bone = [usize; 2];

/// Rest joints (rows, 3·joints) to one difference in length for each pair of bones.
pub(crate) struct BoneDifferences {
    /// Left and right.
    pub pairs: Vec<[Bone; 2]>,
}

impl<E: Scalar> Operation<E> for BoneDifferences {
    fn out_dims(&self) -> usize {
        self.pairs.len()
    }

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        let rest = inputs[0].row(i);
        for ([left, right], out) in self.pairs.iter().zip(out) {
            *out = length(rest, *left) - length(rest, *right);
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
        let Some(gradient) = &mut gradients[0] else {
            return;
        };
        let rest = inputs[0].row(i);
        let to = gradient.row(i);
        for ([left, right], g) in self.pairs.iter().zip(out_gradient) {
            for (bone, g) in [(left, *g), (right, -*g)] {
                let length = length(rest, *bone);
                if length == E::zero() {
                    continue;
                }
                let [from, end] = bone.map(|joint| 3 * joint);
                let along = sub(v3(&rest[end..]), v3(&rest[from..]));
                add_scaled(g / length, along, &mut to[end..end + 3]);
                add_scaled(-g / length, along, &mut to[from..from + 3]);
            }
        }
    }
}

fn length<E: Scalar>(rest: &[E], [from, end]: Bone) -> E {
    let along = sub(v3(&rest[3 * end..]), v3(&rest[3 * from..]));
    dot(along, along).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_left_bone_gives_the_difference_in_metres() {
        let rest = [0.0, 0.0, 0.0, 0.3, -0.4, 0.0, -0.2, 0.0, 0.4];
        let value = Value {
            data: &rest[..],
            dims: 9,
            rows: 1,
        };
        let pairs = vec![[[0, 1], [0, 2]]];
        let mut out = [0.0];
        BoneDifferences { pairs }.forward(0, &[value], &mut out);
        assert!((out[0] - (0.5 - 0.2_f64.sqrt())).abs() < 1e-15);
    }
}
