//! r = |left bone| − |right bone| of the rest skeleton: how uneven a shape is.

use crate::graph::linear3::{add_scaled, dot, sub, v3};
use crate::graph::{At, Kernel, Number, Scalar};

/// A bone from a joint to one of its children.
pub type Bone = [usize; 2];

/// Rest joints (3·joints) to one difference in length for each pair of bones.
pub(crate) struct BoneDifferences {
    /// Left and right.
    pub pairs: Vec<[Bone; 2]>,
}

impl<E: Scalar> Kernel<E> for BoneDifferences {
    fn out_dims(&self) -> usize {
        self.pairs.len()
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        for ([left, right], y) in self.pairs.iter().zip(y) {
            *y = length(along(x[0], *left)) - length(along(x[0], *right));
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let Some(gx) = &mut gx[0] else { return };
        for ([left, right], g) in self.pairs.iter().zip(gy) {
            for (bone, g) in [(left, *g), (right, -*g)] {
                let along = along(at.x[0], *bone);
                let length = length(along);
                // A bone of no length has no direction.
                let g = T::zero().less(length, g / length, T::zero());
                let [from, end] = bone.map(|joint| 3 * joint);
                add_scaled(g, along, &mut gx[end..end + 3]);
                add_scaled(-g, along, &mut gx[from..from + 3]);
            }
        }
    }
}

#[inline(always)]
fn along<T: Number>(rest: &[T], [from, end]: Bone) -> [T; 3] {
    sub(v3(&rest[3 * end..]), v3(&rest[3 * from..]))
}

#[inline(always)]
fn length<T: Number>(along: [T; 3]) -> T {
    dot(along, along).root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_left_bone_gives_the_difference_in_metres() {
        let rest = [0.0, 0.0, 0.0, 0.3, -0.4, 0.0, -0.2, 0.0, 0.4];
        let pairs = vec![[[0, 1], [0, 2]]];
        let mut out = [0.0];
        Kernel::forward::<f64>(&BoneDifferences { pairs }, &[&rest], &mut out);
        assert!((out[0] - (0.5 - 0.2_f64.sqrt())).abs() < 1e-15);
    }
}
