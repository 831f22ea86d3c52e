//! Decoding as operations of the graph: dense layers with their activation, in f32 or f64.

use super::network::{Decoder, OUT, leaky};
use super::{Latent, Learned, Mixture, Prior};
use crate::graph::directions::Directions;
use crate::graph::rodrigues::Rodrigues;
use crate::graph::rotation_log::RotationLog;
use crate::graph::six_d::SixD;
use crate::graph::{At, Kernel, Number, Scalar};

/// Inputs of a block of a product.
const DEPTH: usize = 64;
/// Directions that share a block of weights.
const TOGETHER: usize = 4;

/// y = LeakyReLU(W x + b) with fixed weights.
///
/// Where `soft` is above zero the kink is rounded: a x + b √(x² + soft²), with a and b such that the
/// slopes far from it are the same.
pub(crate) struct DenseLayer<E> {
    inputs: usize,
    /// (outputs, inputs), row-major.
    weight: Vec<E>,
    bias: Vec<E>,
    slope: E,
    soft: E,
}

impl<E: Scalar> DenseLayer<E> {
    /// One of a decoder's layers; the last has no activation. `softness` is the width of its kinks,
    /// over the usual size of what they are given.
    pub fn new(decoder: &Decoder, layer: usize, softness: f64) -> Self {
        let soft = decoder.spread.get(layer).map_or(0.0, |s| s * softness);
        let slope = if layer < 2 { decoder.slope } else { 1.0 };
        let layer = &decoder.layers[layer];
        let convert = |numbers: &[f64]| numbers.iter().map(|x| E::of(*x)).collect();
        Self {
            inputs: layer.inputs,
            weight: convert(&layer.weight),
            bias: convert(&layer.bias),
            slope: E::of(slope),
            soft: E::of(soft),
        }
    }

    /// y = W x for some x, the result of each where `to` says in y.
    ///
    /// In blocks that stay in the nearest cache: six outputs of [`DEPTH`] inputs at a time, and each
    /// block of weights for all x before the next.
    #[inline(always)]
    fn products<T: Number<Scalar = E>>(&self, x: &[&[T]], to: &[usize], y: &mut [T]) {
        let n = self.bias.len();
        for to in to {
            y[*to..to + n].fill(T::zero());
        }
        for from in (0..self.inputs).step_by(DEPTH) {
            let depth = from..(from + DEPTH).min(self.inputs);
            for (i, rows) in self.weight.chunks(6 * self.inputs).enumerate() {
                for (x, to) in x.iter().zip(to) {
                    let count = rows.len() / self.inputs;
                    let y = &mut y[to + 6 * i..to + 6 * i + count];
                    self.add_product(rows, &x[depth.clone()], from, y);
                }
            }
        }
    }

    /// As [`DenseLayer::products`] for any number of x.
    #[inline(always)]
    fn products_of_all<T: Number<Scalar = E>>(&self, x: &[&[T]], to: &[usize], y: &mut [T]) {
        for (x, to) in x.chunks(TOGETHER).zip(to.chunks(TOGETHER)) {
            self.products(x, to, y);
        }
    }

    /// As [`DenseLayer::products_of_all`] for the leading frames alone: those of several directions
    /// fill the lanes of a number.
    #[inline(always)]
    fn products_of_some<T: Number<Scalar = E>>(
        &self,
        x: &[&[T]],
        to: &[usize],
        y: &mut [T],
        used: usize,
    ) {
        let n = self.bias.len();
        let filled = (x.len() * used).div_ceil(T::FRAMES);
        let mut few = vec![T::zero(); filled * self.inputs];
        for (i, x) in x.iter().enumerate() {
            for k in 0..used {
                let (number, lane) = ((i * used + k) / T::FRAMES, (i * used + k) % T::FRAMES);
                let few = &mut few[number * self.inputs..(number + 1) * self.inputs];
                for (few, x) in few.iter_mut().zip(*x) {
                    few.set_lane(lane, x.lane(k));
                }
            }
        }
        let mut out = vec![T::zero(); filled * n];
        let rows: Vec<&[T]> = few.chunks_exact(self.inputs).collect();
        let places: Vec<usize> = (0..filled).map(|number| number * n).collect();
        self.products_of_all(&rows, &places, &mut out);
        for (i, to) in to.iter().enumerate() {
            for k in 0..used {
                let (number, lane) = ((i * used + k) / T::FRAMES, (i * used + k) % T::FRAMES);
                let out = &out[number * n..(number + 1) * n];
                for (y, out) in y[*to..to + n].iter_mut().zip(out) {
                    y.set_lane(k, out.lane(lane));
                }
            }
        }
    }

    /// y += W x of up to six rows, for the inputs from `from` on.
    #[inline(always)]
    fn add_product<T: Number<Scalar = E>>(&self, rows: &[E], x: &[T], from: usize, y: &mut [T]) {
        let row = |i: usize| &rows[i * self.inputs + from..][..x.len()];
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

    /// y = W x of an x that is zero but for the given inputs.
    #[inline(always)]
    fn product_of_few<T: Number<Scalar = E>>(&self, x: &[T], inputs: &[usize], y: &mut [T]) {
        for (y, row) in y.iter_mut().zip(self.weight.chunks_exact(self.inputs)) {
            *y = T::zero();
            for (x, k) in x.iter().zip(inputs) {
                *y = T::splat(row[*k]).fused(*x, *y);
            }
        }
    }

    /// The slope of the activation at an output, which has the sign of what it was given.
    #[inline(always)]
    fn slope_at<T: Number<Scalar = E>>(&self, y: T) -> T {
        let slope = T::splat(self.slope);
        if self.soft == E::zero() {
            return y.less(T::zero(), slope, T::one());
        }
        let (a, b) = self.halves::<T>();
        let c = T::splat(self.slope * self.soft * self.soft);
        slope / (a - b * y / y.fused(y, c).root())
    }

    /// The activation.
    #[inline(always)]
    fn bend<T: Number<Scalar = E>>(&self, x: T) -> T {
        if self.soft == E::zero() {
            return x.less(T::zero(), T::splat(self.slope) * x, x);
        }
        let (a, b) = self.halves::<T>();
        let length = x.fused(x, T::splat(self.soft * self.soft)).root();
        a.fused(x, b * length)
    }

    /// Half the sum and half the difference of the slopes beside the kink.
    #[inline(always)]
    fn halves<T: Number<Scalar = E>>(&self) -> (T, T) {
        let half = E::of(0.5);
        let (one, slope) = (E::one(), self.slope);
        (
            T::splat(half * (one + slope)),
            T::splat(half * (one - slope)),
        )
    }
}

impl<E: Scalar> Kernel<E> for DenseLayer<E> {
    fn out_dims(&self) -> usize {
        self.bias.len()
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        self.products(&[x[0]], &[0], y);
        for (y, b) in y.iter_mut().zip(&self.bias) {
            *y = self.bend(*y + T::splat(*b));
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let Some(gx) = &mut gx[0] else { return };
        let rows = self.weight.chunks_exact(self.inputs);
        for ((y, g), row) in at.y.iter().zip(gy).zip(rows) {
            let g = *g * self.slope_at(*y);
            for (to, w) in gx.iter_mut().zip(row) {
                *to = T::splat(*w).fused(g, *to);
            }
        }
    }

    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, at: At<'_, T>, directions: Directions<'_, T>) {
        let (plan, n) = (directions.plan, self.bias.len());
        let Some(dx) = directions.dx[0] else { return };
        let dy = directions.dy;
        let (mut whole, mut to) = (Vec::new(), Vec::new());
        for (column, from) in plan.out.columns.iter().zip(&plan.from) {
            let Some(from) = from[0].map(|from| &plan.inputs[0].columns[from]) else {
                continue;
            };
            let dx = &dx[from.at..from.at + from.dims.len()];
            if dx.len() == self.inputs {
                whole.push(dx);
                to.push(column.at);
            } else {
                self.product_of_few(dx, &from.dims, &mut dy[column.at..column.at + n]);
            }
        }
        match directions.used.min(T::FRAMES) {
            used if used == T::FRAMES => self.products_of_all(&whole, &to, dy),
            used => self.products_of_some(&whole, &to, dy, used),
        }
        let slopes: Vec<T> = at.y.iter().map(|y| self.slope_at(*y)).collect();
        for column in &plan.out.columns {
            let dy = &mut dy[column.at..column.at + n];
            for (dy, slope) in dy.iter_mut().zip(&slopes) {
                *dy *= *slope;
            }
        }
    }
}

impl Decoder {
    /// (rows, latent) to (rows, 126).
    fn six(&self, codes: &[f64]) -> Vec<f64> {
        let mut x = codes.to_vec();
        for (k, layer) in self.layers.iter().enumerate() {
            x = layer.apply(&x);
            if k < 2 {
                leaky(&mut x, self.slope);
            }
        }
        x
    }
}

impl Learned {
    /// Poses of codes, (rows, latent) to (rows, 21·9), matrices row-major.
    pub fn rotations(&self, codes: &[f64]) -> Vec<f64> {
        let six = self.decoder.six(codes);
        rows(&SixD { count: 21 }, &six, OUT)
    }
}

impl Prior {
    /// Numbers of a code.
    pub fn latent_dim(&self) -> usize {
        match self {
            Self::None => 63,
            Self::Mixture(mixture) => mixture.dims,
            Self::Learned(learned) => learned.latent_dim(),
        }
    }

    /// Where its codes live; a mixture's are poses.
    pub fn latent(&self) -> Latent {
        match self {
            Self::Learned(learned) => learned.latent(),
            _ => Latent::Normal,
        }
    }

    /// Poses of codes, (rows, latent) to (rows, 21·9), matrices row-major.
    pub fn rotations(&self, codes: &[f64]) -> Vec<f64> {
        match self {
            Self::Learned(learned) => learned.rotations(codes),
            _ => rows(&Rodrigues { count: 21 }, codes, 63),
        }
    }

    /// Poses of codes, (rows, latent) to (rows, 63), axis-angle, rad.
    pub fn pose_body(&self, codes: &[f64]) -> Vec<f64> {
        match self {
            Self::Learned(learned) => rows(
                &RotationLog { count: 21 },
                &learned.rotations(codes),
                9 * 21,
            ),
            _ => codes.to_vec(),
        }
    }

    /// Codes of poses, (rows, 63) to (rows, latent): the means that the encoder gives, where there is
    /// one; a mixture's codes are the poses themselves.
    pub fn encode(&self, poses: &[f64]) -> Option<Vec<f64>> {
        match self {
            Self::Learned(learned) => Some(learned.encoder.as_ref()?.means(poses)),
            _ => Some(poses.to_vec()),
        }
    }

    /// Codes drawn from the prior, (count, latent); nothing can be drawn from no prior.
    pub fn sample(&self, count: usize, seed: u64) -> Option<Vec<f64>> {
        let mut random = crate::random::SplitMix64(seed);
        let mut draw = || match self {
            Self::None => None,
            Self::Mixture(mixture) => Some(mixture.draw(&mut random)),
            Self::Learned(learned) => Some(learned.draw_code(&mut random)),
        };
        let codes: Option<Vec<Vec<f64>>> = (0..count).map(|_| draw()).collect();
        Some(codes?.concat())
    }
}

impl Mixture {
    /// A pose drawn from the mixture.
    pub(super) fn draw(&self, random: &mut crate::random::SplitMix64) -> Vec<f64> {
        let mut left = random.uniform();
        let weights = self.weights();
        let mut component = weights.len() - 1;
        for (m, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                component = m;
                break;
            }
        }
        let normal: Vec<f64> = (0..self.dims).map(|_| random.normal()).collect();
        self.pose(component, &normal)
    }
}

/// An operation on all rows in f64, outside of any graph.
fn rows(operation: &impl Kernel<f64>, data: &[f64], dims: usize) -> Vec<f64> {
    let mut out = vec![0.0; data.len() / dims * operation.out_dims()];
    let rows = data.chunks_exact(dims);
    for (x, y) in rows.zip(out.chunks_exact_mut(operation.out_dims())) {
        operation.forward::<f64>(&[x], y);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prior::Prior;

    #[test]
    fn slopes_of_rounded_kinks_are_those_of_differences() {
        for (kind, softness) in [("vposer", 0.05), ("gan-s", 0.01)] {
            let Ok(Prior::Learned(learned)) = Prior::builtin(kind) else {
                panic!("{kind} is built in");
            };
            let layer = DenseLayer::<f64>::new(&learned.decoder, 0, softness);
            let x = learned.draw(1, 3).concat();
            let value = |x: &[f64]| {
                let mut y = vec![0.0; layer.bias.len()];
                layer.forward::<f64>(&[x], &mut y);
                y
            };
            let y = value(&x);
            let weights: Vec<f64> = (0..y.len()).map(|i| (i as f64).sin()).collect();
            let mut gradient = vec![0.0; x.len()];
            let at = At { x: &[&x], y: &y };
            layer.adjoint::<f64>(at, &weights, &mut [Some(&mut gradient)]);
            let sum =
                |x: &[f64]| -> f64 { value(x).iter().zip(&weights).map(|(y, w)| y * w).sum() };
            for (k, g) in gradient.iter().enumerate() {
                let moved = |by: f64| {
                    let mut x = x.clone();
                    x[k] += by;
                    sum(&x)
                };
                let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                assert!((slope - g).abs() < 1e-6 * g.abs().max(1.0), "{kind}, {k}");
            }
        }
    }

    #[test]
    fn far_from_a_kink_rounding_changes_nothing() {
        let Ok(Prior::Learned(learned)) = Prior::builtin("vposer") else {
            panic!("vposer is built in");
        };
        let (sharp, soft) = (
            DenseLayer::<f64>::new(&learned.decoder, 0, 0.0),
            DenseLayer::<f64>::new(&learned.decoder, 0, 0.01),
        );
        for x in [-3.0f64, 3.0] {
            assert!((sharp.bend(x) - soft.bend(x)).abs() < 1e-5);
            let y: f64 = sharp.bend(x);
            assert!((sharp.slope_at(y) - soft.slope_at(y)).abs() < 1e-4);
        }
        assert_eq!(sharp.bend(-1.0f64), -0.01);
    }
}
