//! Decoding as one operation of the graph, with its Jacobian.

use std::sync::{Arc, OnceLock};

use super::Learned;
use super::converted::Weights;
use super::jacobian::{Outer, Product};
use super::layer::{Kink, not_zero, used};
use super::network::OUT;
use crate::graph::directions::{Column, Directions};
use crate::graph::{At, Kernel, LANES, Number, Scalar};
use crate::memory::Kept;

/// A code to six numbers of each joint, and behind them the values of both hidden layers.
pub(crate) struct Decoding<E> {
    weights: Arc<Weights<E>>,
    latent: usize,
    /// Units of each hidden layer.
    hidden: usize,
    kinks: [Kink<E>; 2],
    mode: Vec<E>,
    /// Slopes and product where fits start.
    start: OnceLock<(Vec<E>, Vec<E>)>,
}

impl<E: Scalar> Decoding<E> {
    /// `softness` is the width of the kinks, over the usual size of what they are given.
    pub fn new(learned: &Learned, softness: f64) -> Self {
        let decoder = &learned.decoder;
        let kink = |spread: f64| Kink::new(decoder.slope, spread, softness);
        Self {
            weights: Weights::of(decoder),
            latent: decoder.latent_dim(),
            hidden: decoder.layers[0].outputs,
            kinks: decoder.spread.map(kink),
            mode: learned.mode.iter().map(|x| E::of(*x)).collect(),
            start: OnceLock::new(),
        }
    }

    /// Numbers of T that hold a row of the code's.
    #[inline(always)]
    fn width<T: Number<Scalar = E>>(&self) -> usize {
        self.latent.next_multiple_of(LANES) / T::FRAMES
    }

    /// The product at a frame's slopes, from what was kept of the frame or from the one at the start.
    #[inline(always)]
    fn products<T: Number<Scalar = E>>(&self, slopes: &[T], kept: Vec<Kept>) -> Vec<Product<T>> {
        let width = self.width::<T>();
        let mut first = Vec::with_capacity(self.hidden * width);
        for row in self.weights.first.chunks_exact(T::FRAMES) {
            first.push(T::load(row));
        }
        let mut products = Vec::with_capacity(kept.len());
        for kept in kept {
            let kept = kept.and_then(|k| k.downcast::<Product<T>>().ok());
            products.push(match kept {
                Some(kept) if !kept.is_old() => *kept,
                _ => self.at_start(&first),
            });
        }
        let mut changes = Vec::with_capacity(products.len());
        for (k, product) in products.iter_mut().enumerate() {
            changes.push(product.change(slopes, k, &first, width));
        }
        self.add(&changes, &mut products);
        products
    }

    #[inline(always)]
    fn add<T: Number<Scalar = E>>(&self, changes: &[Outer<T>], products: &mut [Product<T>]) {
        let mut to = Vec::with_capacity(products.len());
        for product in products {
            to.push(product.data.as_mut_slice());
        }
        self.weights
            .through()
            .add(changes, &mut to, self.width::<T>());
    }

    /// The product where fits start; the first call computes it.
    #[inline(always)]
    fn at_start<T: Number<Scalar = E>>(&self, first: &[T]) -> Product<T> {
        if let Some(start) = self.start.get() {
            return Product::of(start);
        }
        let width = self.width::<T>();
        let mut code = Vec::with_capacity(self.latent);
        for x in &self.mode {
            code.push(T::splat(*x));
        }
        let mut slopes = vec![T::zero(); self.hidden];
        self.weights.layers[0].forward(&code, &mut slopes, 1);
        for x in &mut slopes {
            *x = self.kinks[0].slope_at(self.kinks[0].bend(*x));
        }
        let mut product = Product::zero(self.hidden, self.weights.through().rows(), width);
        let change = product.change(&slopes, 0, first, width);
        self.add(&[change], std::slice::from_mut(&mut product));
        // Another thread may have been faster, with the same bits.
        let _ = self.start.set(product.numbers());
        product
    }

    /// Of each frame the Jacobian, (OUT, width), from its product and the second layer's slopes.
    #[inline(always)]
    fn jacobians<T: Number<Scalar = E>>(
        &self,
        slopes: &[T],
        products: &[Product<T>],
    ) -> Vec<Vec<T>> {
        let (width, least) = (self.width::<T>(), self.kinks[1].slope);
        let (mut all, mut above) = (Vec::new(), Vec::new());
        for (k, product) in products.iter().enumerate() {
            let (second, third) = product.data.split_at(self.hidden * width);
            let mut jacobian = third[..OUT * width].to_vec();
            for x in &mut jacobian {
                *x *= T::splat(least);
            }
            all.push(jacobian);
            let mut outer = Outer::new(width, slopes.len());
            for (u, slope) in slopes.iter().enumerate() {
                let more = slope.lane(k) - least;
                if more != E::zero() {
                    outer.push(u, &second[u * width..(u + 1) * width], more);
                }
            }
            above.push(outer);
        }
        let mut to = Vec::with_capacity(all.len());
        for jacobian in &mut all {
            to.push(jacobian.as_mut_slice());
        }
        self.weights.last().add(&above, &mut to, width);
        all
    }

    /// The Jacobians of frames side by side, (OUT, latent).
    #[inline(always)]
    fn side_by_side<T: Number<Scalar = E>>(&self, jacobians: &[Vec<T>]) -> Vec<T> {
        let width = self.width::<T>();
        let mut out = vec![T::zero(); OUT * self.latent];
        for (k, jacobian) in jacobians.iter().enumerate() {
            for (to, from) in out
                .chunks_exact_mut(self.latent)
                .zip(jacobian.chunks_exact(width))
            {
                for (to, from) in to.chunks_mut(T::FRAMES).zip(from) {
                    for (l, to) in to.iter_mut().enumerate() {
                        to.set_lane(k, from.lane(l));
                    }
                }
            }
        }
        out
    }
}

impl<E: Scalar> Kernel<E> for Decoding<E> {
    fn out_dims(&self) -> usize {
        OUT + 2 * self.hidden
    }

    /// The hidden layers are nobody else's.
    fn reach(&self, _moved: &[Option<&[bool]>]) -> Vec<bool> {
        (0..self.out_dims()).map(|i| i < OUT).collect()
    }

    fn remembers(&self) -> bool {
        true
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        let (six, hidden) = y.split_at_mut(OUT);
        let (first, second) = hidden.split_at_mut(self.hidden);
        let used = used(x[0]);
        self.weights.layers[0].forward(x[0], first, used);
        for x in first.iter_mut() {
            *x = self.kinks[0].bend(*x);
        }
        self.weights.layers[1].forward(first, second, used);
        for x in second.iter_mut() {
            *x = self.kinks[1].bend(*x);
        }
        self.weights.layers[2].forward(second, six, used);
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let Some(gx) = &mut gx[0] else { return };
        let (first, second) = at.y[OUT..].split_at(self.hidden);
        let used = not_zero(&gy[..OUT]);
        let mut g2 = vec![T::zero(); self.hidden];
        self.weights.layers[2].back(&gy[..OUT], &mut g2, used);
        for (g, y) in g2.iter_mut().zip(second) {
            *g *= self.kinks[1].slope_at(*y);
        }
        let mut g1 = vec![T::zero(); self.hidden];
        self.weights.layers[1].back(&g2, &mut g1, used);
        for (g, y) in g1.iter_mut().zip(first) {
            *g *= self.kinks[0].slope_at(*y);
        }
        self.weights.layers[0].back(&g1, gx, used);
    }

    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, at: At<'_, T>, directions: Directions<'_, T>) {
        let Some(dx) = directions.dx[0] else { return };
        let mut slopes = at.y[OUT..].to_vec();
        let (first, second) = slopes.split_at_mut(self.hidden);
        for (slopes, kink) in [&mut *first, &mut *second].into_iter().zip(&self.kinks) {
            for y in slopes {
                *y = kink.slope_at(*y);
            }
        }
        let mut kept = Vec::with_capacity(T::FRAMES);
        for k in 0..directions.used.min(T::FRAMES) {
            kept.push(directions.memory.get_mut(k).and_then(Option::take));
        }
        let products = self.products(first, kept);
        let jacobian = self.side_by_side(&self.jacobians(second, &products));
        for (kept, product) in directions.memory.iter_mut().zip(products) {
            *kept = Some(Box::new(product));
        }
        for (column, from) in directions.plan.pairs() {
            let dy = &mut directions.dy[column.at..column.at + OUT];
            along(&jacobian, self.latent, from, dx, dy);
        }
    }
}

/// dy = J dx of one direction.
#[inline(always)]
fn along<T: Number>(jacobian: &[T], latent: usize, column: &Column, dx: &[T], dy: &mut [T]) {
    let dx = &dx[column.at..column.at + column.dims.len()];
    for (dy, row) in dy.iter_mut().zip(jacobian.chunks_exact(latent)) {
        let mut sum = T::zero();
        for (x, d) in dx.iter().zip(&column.dims) {
            sum = row[*d].fused(*x, sum);
        }
        *dy = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::directions::{Columns, Plan};
    use crate::prior::Prior;
    use crate::random::SplitMix64;

    fn decoding(kind: &str, softness: f64) -> (Decoding<f64>, SplitMix64) {
        let Ok(Prior::Learned(learned)) = Prior::builtin(kind) else {
            panic!("{kind} is built in");
        };
        (Decoding::new(&learned, softness), SplitMix64(4))
    }

    /// (latent, OUT): the six numbers along each number of the code.
    fn along_axes(decoding: &Decoding<f64>, code: &[f64], kept: &mut Kept) -> Vec<f64> {
        let (latent, dims) = (code.len(), decoding.out_dims());
        let mut axes = Columns::default();
        (0..latent).for_each(|k| axes.add(k, vec![k]));
        let plan = Plan::new(vec![axes], vec![latent], |moved| decoding.reach(moved));
        let mut y = vec![0.0; dims];
        decoding.forward::<f64>(&[code], &mut y);
        let (dx, mut dy) = (vec![1.0; latent], vec![0.0; latent * OUT]);
        let directions = Directions {
            plan: &plan,
            dx: &[Some(&dx)],
            dy: &mut dy,
            used: 1,
            memory: std::slice::from_mut(kept),
        };
        let at = At { x: &[code], y: &y };
        decoding.tangents::<f64>(at, directions);
        dy
    }

    fn six(decoding: &Decoding<f64>, code: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; decoding.out_dims()];
        decoding.forward::<f64>(&[code], &mut y);
        y.truncate(OUT);
        y
    }

    #[test]
    fn the_jacobian_that_is_carried_along_is_that_of_differences() {
        for (kind, softness) in [("vposer", 0.0), ("vposer", 0.15), ("gan-s", 0.03)] {
            let (decoding, mut random) = decoding(kind, softness);
            let mut code: Vec<f64> = decoding.mode.clone();
            let mut kept = None;
            for _ in 0..2 * 40 {
                code.iter_mut().for_each(|x| *x += 0.1 * random.normal());
                along_axes(&decoding, &code, &mut kept);
            }
            let carried = along_axes(&decoding, &code, &mut kept);
            let anew = along_axes(&decoding, &code, &mut None);
            for (k, (carried, anew)) in carried.iter().zip(&anew).enumerate() {
                assert!(
                    (carried - anew).abs() < 1e-11,
                    "{kind}, {k}: {carried} {anew}"
                );
            }
            for (k, along) in carried.chunks_exact(OUT).enumerate() {
                let moved = |by: f64| {
                    let mut code = code.clone();
                    code[k] += by;
                    six(&decoding, &code)
                };
                let pairs = moved(1e-7).into_iter().zip(moved(-1e-7));
                for ((up, down), slope) in pairs.zip(along) {
                    assert!(((up - down) / 2e-7 - slope).abs() < 1e-5, "{kind}, {k}");
                }
            }
        }
    }

    #[test]
    fn what_goes_back_is_the_transpose_of_what_goes_forward() {
        let (decoding, mut random) = decoding("vposer-gmm", 0.15);
        let code: Vec<f64> = (0..decoding.latent).map(|_| random.normal()).collect();
        let mut weights: Vec<f64> = (0..OUT).map(|_| random.normal()).collect();
        let along = along_axes(&decoding, &code, &mut None);
        let rows = along.chunks_exact(OUT);
        let expected: Vec<f64> = rows
            .map(|row| row.iter().zip(&weights).map(|(a, w)| a * w).sum())
            .collect();
        let mut y = vec![0.0; decoding.out_dims()];
        decoding.forward::<f64>(&[&code], &mut y);
        weights.resize(y.len(), 0.0);
        let mut gradient = vec![0.0; decoding.latent];
        let at = At { x: &[&code], y: &y };
        decoding.adjoint::<f64>(at, &weights, &mut [Some(&mut gradient)]);
        for (g, e) in gradient.iter().zip(&expected) {
            assert!((g - e).abs() < 1e-11 * e.abs().max(1.0));
        }
    }

    /// Codes of sixteen frames, of which those from `used` on repeat the one before, (latent, LANES).
    fn codes(decoding: &Decoding<f32>, used: usize) -> Vec<f32> {
        let mut random = SplitMix64(9);
        let code = |_| -> Vec<f32> {
            let numbers = (0..decoding.latent).map(|_| random.normal() as f32);
            numbers.collect()
        };
        let frames: Vec<Vec<f32>> = (0..used).map(code).collect();
        let number = |d: usize| (0..LANES).map(move |k| (k.min(used - 1), d));
        let all = (0..decoding.latent).flat_map(number);
        all.map(|(k, d)| frames[k][d]).collect()
    }

    #[test]
    fn few_frames_have_the_same_bits_as_many() {
        let Ok(Prior::Learned(learned)) = Prior::builtin("vposer") else {
            panic!("vposer is built in");
        };
        let decoding = Decoding::<f32>::new(&learned, 0.0);
        let operation: &dyn crate::graph::Operation<f32> = &decoding;
        let run = |used: usize| {
            let x = codes(&decoding, used);
            let mut y = vec![0.0; operation.out_dims() * LANES];
            operation.forward(&[&x], &mut y);
            // What is wanted of frames that nobody asked about is zero.
            let wanted = |i: usize| match i % LANES < used && i / LANES < OUT {
                true => ((i / LANES + i % LANES) as f32).sin(),
                false => 0.0,
            };
            let gy: Vec<f32> = (0..y.len()).map(wanted).collect();
            let mut gx = vec![0.0; x.len()];
            operation.adjoint(&[&x], &y, &gy, &mut [Some(&mut gx)]);
            (y, gx)
        };
        let of_lane = |data: &[f32], k: usize| -> Vec<u32> {
            data.chunks_exact(LANES)
                .map(|row| row[k].to_bits())
                .collect()
        };
        let (y, gx) = run(LANES);
        for used in [1, 2, 5, 8] {
            let (few, few_gx) = run(used);
            for k in 0..LANES {
                let same = k.min(used - 1);
                assert_eq!(of_lane(&few, k), of_lane(&y, same), "{k} of {used}");
            }
            for k in 0..used {
                assert_eq!(of_lane(&few_gx, k), of_lane(&gx, k), "{k} of {used}");
            }
        }
    }
}
