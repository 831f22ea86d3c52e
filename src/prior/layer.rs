//! A decoder's dense layers and their activation, over the graph's numbers.

use std::sync::OnceLock;

use super::network::Dense;
use crate::graph::{Number, Scalar};

/// Inputs of a block of a product.
const DEPTH: usize = 64;

/// y = W x + b with fixed weights.
pub(super) struct Layer<E> {
    pub inputs: usize,
    /// (outputs, inputs), row-major.
    pub weight: Vec<E>,
    bias: Vec<E>,
    transposed: OnceLock<Vec<E>>,
}

/// LeakyReLU.
///
/// Where `soft` is above zero the kink is rounded: of |x| in a x + b |x| it makes (x² + soft²)/(2 soft)
/// up to there, as smooth as that is, and nothing else beyond.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kink<E> {
    /// Below the kink.
    pub slope: E,
    pub soft: E,
}

impl<E: Scalar> Layer<E> {
    pub fn new(dense: &Dense) -> Self {
        Self {
            inputs: dense.inputs,
            weight: dense.weight.iter().map(|x| E::of(*x)).collect(),
            bias: dense.bias.iter().map(|x| E::of(*x)).collect(),
            transposed: OnceLock::new(),
        }
    }

    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// (inputs, outputs), row-major.
    pub fn transposed(&self) -> &[E] {
        self.transposed.get_or_init(|| {
            let column = |j: usize| self.weight.iter().skip(j).step_by(self.inputs);
            (0..self.inputs).flat_map(column).copied().collect()
        })
    }

    /// Of the leading frames alone where those are few; the others have the last one's numbers then.
    #[inline(always)]
    pub fn forward<T: Number<Scalar = E>>(&self, x: &[T], y: &mut [T], used: usize) {
        for (y, b) in y.iter_mut().zip(&self.bias) {
            *y = T::splat(*b);
        }
        match are_few::<T>(used) {
            true => {
                add_product_of_few(self.transposed(), x, y, used);
                repeat(y, used);
            }
            false => add_product(&self.weight, self.inputs, x, y),
        }
    }

    /// gx += Wᵀ g; of the leading frames alone where those are few, and nothing to the others.
    #[inline(always)]
    pub fn back<T: Number<Scalar = E>>(&self, g: &[T], gx: &mut [T], used: usize) {
        match are_few::<T>(used) {
            true => add_product_of_few(&self.weight, g, gx, used),
            false => add_product(self.transposed(), self.bias.len(), g, gx),
        }
    }
}

/// How many leading frames there are after which all repeat the last one.
#[inline(always)]
pub(super) fn used<T: Number>(x: &[T]) -> usize {
    let mut used = 1;
    for k in 1..T::FRAMES {
        for x in x {
            if x.lane(k) != x.lane(k - 1) {
                used = k + 1;
            }
        }
    }
    used
}

/// How many leading frames there are whose numbers are not all zero, at least.
#[inline(always)]
pub(super) fn not_zero<T: Number>(x: &[T]) -> usize {
    let mut used = 1;
    for k in 1..T::FRAMES {
        for x in x {
            if x.lane(k) != T::Scalar::of(0.0) {
                used = k + 1;
            }
        }
    }
    used
}

/// Gives the frames from `used` on the numbers of the one before them.
#[inline(always)]
fn repeat<T: Number>(y: &mut [T], used: usize) {
    for y in y {
        for k in used..T::FRAMES {
            y.set_lane(k, y.lane(used - 1));
        }
    }
}

/// Frames that share a row of weights.
const TOGETHER: usize = 4;

/// Whether frames are so few that lanes are better filled with a frame's own numbers.
#[inline(always)]
fn are_few<T: Number>(used: usize) -> bool {
    used * 2 <= T::FRAMES
}

/// y += Mᵀ x of the leading frames, for the rows of M; each sum in the same order as those of
/// [`add_product`], so that a frame has the same bits in any company.
#[inline(always)]
fn add_product_of_few<E: Scalar, T: Number<Scalar = E>>(
    m: &[E],
    x: &[T],
    y: &mut [T],
    used: usize,
) {
    let columns = y.len();
    for first in (0..used).step_by(TOGETHER) {
        for from in (0..columns).step_by(T::FRAMES) {
            let end = (from + T::FRAMES).min(columns);
            let frame = |i: usize| (first + i).min(used - 1);
            let mut sums = [T::zero(); TOGETHER];
            for (i, sum) in sums.iter_mut().enumerate() {
                for (l, y) in y[from..end].iter().enumerate() {
                    sum.set_lane(l, y.lane(frame(i)));
                }
            }
            let [mut s0, mut s1, mut s2, mut s3] = sums;
            let (a, b, c, d) = (frame(0), frame(1), frame(2), frame(3));
            for (x, row) in x.iter().zip(m.chunks_exact(columns)) {
                let w = T::load(&row[from..end]);
                s0 = T::splat(x.lane(a)).fused(w, s0);
                s1 = T::splat(x.lane(b)).fused(w, s1);
                s2 = T::splat(x.lane(c)).fused(w, s2);
                s3 = T::splat(x.lane(d)).fused(w, s3);
            }
            for (i, sum) in [s0, s1, s2, s3].iter().enumerate() {
                for (l, y) in y[from..end].iter_mut().enumerate() {
                    y.set_lane(frame(i), sum.lane(l));
                }
            }
        }
    }
}

/// y += M x, in blocks that stay in the nearest cache: six rows of [`DEPTH`] columns at a time.
#[inline(always)]
fn add_product<E: Scalar, T: Number<Scalar = E>>(m: &[E], columns: usize, x: &[T], y: &mut [T]) {
    for from in (0..columns).step_by(DEPTH) {
        let x = &x[from..(from + DEPTH).min(columns)];
        for (rows, y) in m.chunks(6 * columns).zip(y.chunks_mut(6)) {
            add_rows(rows, columns, from, x, y);
        }
    }
}

/// y += M x of up to six rows, for the columns from `from` on.
#[inline(always)]
fn add_rows<E: Scalar, T: Number<Scalar = E>>(
    rows: &[E],
    columns: usize,
    from: usize,
    x: &[T],
    y: &mut [T],
) {
    let row = |i: usize| &rows[i * columns + from..][..x.len()];
    let Some(y) = y.as_mut_array::<6>() else {
        for (i, y) in y.iter_mut().enumerate() {
            for (x, w) in x.iter().zip(row(i)) {
                *y = T::splat(*w).fused(*x, *y);
            }
        }
        return;
    };
    let (a, b, c, d, e, f) = (row(0), row(1), row(2), row(3), row(4), row(5));
    let [mut s0, mut s1, mut s2, mut s3, mut s4, mut s5] = *y;
    for (k, x) in x.iter().enumerate() {
        s0 = T::splat(a[k]).fused(*x, s0);
        s1 = T::splat(b[k]).fused(*x, s1);
        s2 = T::splat(c[k]).fused(*x, s2);
        s3 = T::splat(d[k]).fused(*x, s3);
        s4 = T::splat(e[k]).fused(*x, s4);
        s5 = T::splat(f[k]).fused(*x, s5);
    }
    *y = [s0, s1, s2, s3, s4, s5];
}

impl<E: Scalar> Kink<E> {
    /// `softness` is the width of the kink over the usual size of what it is given.
    pub fn new(slope: f64, spread: f64, softness: f64) -> Self {
        Self {
            slope: E::of(slope),
            soft: E::of(spread * softness),
        }
    }

    #[inline(always)]
    pub fn bend<T: Number<Scalar = E>>(&self, x: T) -> T {
        let bent = x.less(T::zero(), T::splat(self.slope) * x, x);
        if self.soft == E::zero() {
            return bent;
        }
        let soft = T::splat(self.soft);
        let half = E::of(0.5);
        let a = T::splat(half * (E::one() + self.slope));
        let b = T::splat(half * (E::one() - self.slope) * half / self.soft);
        let round = a.fused(x, b * x.fused(x, soft * soft));
        x.magnitude().less(soft, round, bent)
    }

    /// The slope where the activation has the value y.
    #[inline(always)]
    pub fn slope_at<T: Number<Scalar = E>>(&self, y: T) -> T {
        let slope = T::splat(self.slope);
        let sharp = y.less(T::zero(), slope, T::one());
        if self.soft == E::zero() {
            return sharp;
        }
        let soft = T::splat(self.soft);
        let steep = T::splat((E::one() - self.slope) / self.soft);
        let round = steep.fused(y, slope).at_least(slope * slope).root();
        let low = (-slope * soft).less(y, round, sharp);
        y.less(soft, low, sharp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rounded_kink_is_smooth_and_the_sharp_one_beyond_its_width() {
        let (sharp, soft) = (Kink::new(0.2, 2.0, 0.0), Kink::new(0.2, 2.0, 0.05));
        for x in [-3.0f64, -0.1, -0.07, -1e-3, 0.0, 0.02, 0.0999, 0.1, 3.0] {
            let (y, h) = (soft.bend(x), 1e-6);
            let slope = (soft.bend(x + h) - soft.bend(x - h)) / (2.0 * h);
            assert!((soft.slope_at(y) - slope).abs() < 1e-5, "{x}");
            if x.abs() >= 0.1 {
                assert!((y - sharp.bend(x)).abs() < 1e-12, "{x}");
                assert_eq!(soft.slope_at(y), sharp.slope_at(y), "{x}");
            }
        }
        assert_eq!(sharp.bend(-1.0f64), -0.2);
        assert!((soft.bend(0.0f64) - 0.02).abs() < 1e-12);
    }

    #[test]
    fn what_goes_back_through_a_layer_is_the_transpose_of_what_goes_forward() {
        let dense = Dense {
            inputs: 2,
            outputs: 7,
            weight: (0..14).map(|i| f64::from(i) - 5.0).collect(),
            bias: vec![0.5; 7],
        };
        let layer = Layer::<f64>::new(&dense);
        let (x, g) = ([0.3, -2.0], [1.0, 2.0, 0.0, -1.0, 0.5, 3.0, 1.0]);
        let (mut y, mut gx) = ([0.0; 7], [1.0; 2]);
        layer.forward::<f64>(&x, &mut y, 1);
        layer.back::<f64>(&g, &mut gx, 1);
        let forward: f64 = y.iter().zip(&g).map(|(y, g)| (y - 0.5) * g).sum();
        let back: f64 = gx.iter().zip(&x).map(|(g, x)| (g - 1.0) * x).sum();
        assert!((forward - back).abs() < 1e-12);
    }
}
