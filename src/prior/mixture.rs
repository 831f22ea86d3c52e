//! The Gaussian mixture over `pose_body`: E = 2 (L − min L), L(θ) = min_m ½(θ−μ_m)ᵀP_m(θ−μ_m) − log ŵ_m.

use nalgebra::{DMatrix, DVector};

use crate::graph::directions::Directions;
use crate::graph::{At, Kernel, Number, Scalar};
use crate::io::tensors::Tensors;

/// SMPL's 23 joints, of which the hands come last; published mixtures are over these.
const SMPL_DIMS: usize = 69;
/// The joints 1 to 21 of `pose_body`.
const POSE_DIMS: usize = 63;

/// Components in f64; precisions as Cholesky factors, weights as offsets in log space.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    pub dims: usize,
    /// (components, dims), radians.
    pub means: Vec<Vec<f64>>,
    /// For each component the lower factor K of P = K Kᵀ, (dims, dims) row-major.
    factors: Vec<Vec<f64>>,
    /// −log ŵ_m − min_k(−log ŵ_k) with ŵ_m = w_m/√det Σ_m: never below zero.
    offsets: Vec<f64>,
}

impl Mixture {
    /// From `weights` (m), `means` (m, d) and `covariances` (m, d, d).
    pub(crate) fn from_tensors(tensors: &Tensors) -> Result<Self, String> {
        let dims = |name: &str| {
            let found = tensors.arrays.get(name).map(|t| t.shape.as_slice());
            found.ok_or_else(|| {
                format!(
                    "there is no tensor `{name}`; a mixture has `weights`, `means`, `covariances`"
                )
            })
        };
        let (&[components], &[_, d]) = (dims("weights")?, dims("means")?) else {
            return Err("`weights` should have one axis and `means` two".into());
        };
        dims("covariances")?;
        if components == 0 || d == 0 {
            return Err("the mixture is empty".into());
        }
        let weights = tensors.get("weights", &[components])?;
        let means = tensors.get("means", &[components, d])?;
        let covariances = tensors.get("covariances", &[components, d, d])?;
        for (name, tensor) in [
            ("weights", weights),
            ("means", means),
            ("covariances", covariances),
        ] {
            if !tensor.data.iter().all(|x| x.is_finite()) {
                return Err(format!("`{name}` holds numbers that are not finite"));
            }
        }
        let kept = if d == SMPL_DIMS { POSE_DIMS } else { d };
        Self::marginal(&weights.data, &means.data, &covariances.data, d, kept)
    }

    /// As [`Mixture::new`], of the first `kept` of `dims` numbers: the first entries of the means, and the first
    /// rows and columns of the covariances. Everything else follows from these.
    pub fn marginal(
        weights: &[f64],
        means: &[f64],
        covariances: &[f64],
        dims: usize,
        kept: usize,
    ) -> Result<Self, String> {
        let first = |numbers: &[f64]| -> Vec<f64> {
            let rows = numbers.chunks_exact(dims);
            rows.flat_map(|row| row.iter().take(kept).copied())
                .collect()
        };
        let blocks = covariances.chunks_exact(dims * dims);
        let covariances: Vec<f64> = blocks
            .flat_map(|block| first(&block[..kept.min(dims) * dims]))
            .collect();
        Self::new(weights, &first(means), &covariances, kept.min(dims))
    }

    /// From weights (m), means (m, d) and covariances (m, d, d), all row-major.
    pub fn new(
        weights: &[f64],
        means: &[f64],
        covariances: &[f64],
        dims: usize,
    ) -> Result<Self, String> {
        let mut factors = Vec::new();
        let mut offsets = Vec::new();
        for (m, weight) in weights.iter().enumerate() {
            let block = &covariances[m * dims * dims..(m + 1) * dims * dims];
            let cholesky = DMatrix::from_row_slice(dims, dims, block)
                .cholesky()
                .ok_or_else(|| format!("covariance {m} is not positive definite"))?;
            let root = cholesky.l();
            let log_det: f64 = (0..dims).map(|i| 2.0 * root[(i, i)].ln()).sum();
            // Σ = L Lᵀ, so P = K Kᵀ with K = L⁻ᵀ; its transpose L⁻¹ is stored by columns of K.
            let inverse = root
                .solve_lower_triangular(&DMatrix::identity(dims, dims))
                .ok_or_else(|| format!("covariance {m} is singular"))?;
            factors.push(inverse.as_slice().to_vec());
            offsets.push(0.5 * log_det - weight.ln());
        }
        let least = offsets.iter().copied().fold(f64::INFINITY, f64::min);
        if !least.is_finite() {
            return Err("the weights are not positive numbers".into());
        }
        Ok(Self {
            dims,
            means: means.chunks_exact(dims).map(<[f64]>::to_vec).collect(),
            factors,
            offsets: offsets.iter().map(|o| o - least).collect(),
        })
    }

    /// The mean of the component with the highest peak, where E = 0.
    pub fn mode(&self) -> Vec<f64> {
        // The first of those whose peaks are equally high but for rounding, as of mirror images.
        let best = (0..self.offsets.len()).find(|&m| self.offsets[m] < 1e-9);
        self.means[best.unwrap_or(0)].clone()
    }

    /// The components' shares, (components), summing to one.
    pub fn weights(&self) -> Vec<f64> {
        // log ŵ_m = log w_m − ½ log det Σ_m, and the factors hold Σ_m^{-1/2}.
        let log_weight = |m: usize| {
            let diagonal = (0..self.dims).map(|i| self.factors[m][i * self.dims + i].ln());
            -self.offsets[m] - diagonal.sum::<f64>()
        };
        let logs: Vec<f64> = (0..self.offsets.len()).map(log_weight).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logs.iter().map(|l| (l - most).exp()).sum();
        logs.iter().map(|l| (l - most).exp() / sum).collect()
    }

    /// Σ_m, for drawing samples.
    pub fn covariance(&self, component: usize) -> Vec<f64> {
        let inverse = DMatrix::from_column_slice(self.dims, self.dims, &self.factors[component]);
        let root = inverse.try_inverse().unwrap_or_default();
        (&root * root.transpose()).as_slice().to_vec()
    }

    /// A pose of one component: μ + L n for a standard normal n of `dims` numbers.
    pub fn pose(&self, component: usize, normal: &[f64]) -> Vec<f64> {
        let inverse = DMatrix::from_column_slice(self.dims, self.dims, &self.factors[component]);
        let moved = inverse.solve_lower_triangular(&DVector::from_column_slice(normal));
        let mean = DVector::from_column_slice(&self.means[component]);
        (mean + moved.unwrap_or_default()).as_slice().to_vec()
    }
}

/// The mixture as a residual whose square is its energy: y = [L⁻¹ (θ − μ), √(2 offset)] of the
/// nearest component.
pub(crate) struct NearestComponent<E> {
    means: Vec<Vec<E>>,
    /// L⁻¹ by rows, the lower triangle alone: entry (i, j) at i(i+1)/2 + j.
    factors: Vec<Vec<E>>,
    /// √(2 offset).
    roots: Vec<E>,
}

impl<E: Scalar> NearestComponent<E> {
    /// Of all components.
    pub fn new(mixture: &Mixture) -> Self {
        Self::among(mixture, 0..mixture.means.len())
    }

    /// Each component as if it were the only one.
    pub fn each(mixture: &Mixture) -> impl Iterator<Item = Self> {
        (0..mixture.means.len()).map(|m| Self::among(mixture, m..m + 1))
    }

    fn among(mixture: &Mixture, some: std::ops::Range<usize>) -> Self {
        let n = mixture.dims;
        let triangle = |columns: &Vec<f64>| {
            let rows = (0..n).flat_map(|i| (0..=i).map(move |j| (i, j)));
            rows.map(|(i, j)| E::of(columns[j * n + i])).collect()
        };
        let convert = |v: &Vec<f64>| v.iter().map(|&x| E::of(x)).collect();
        let roots = mixture.offsets[some.clone()].iter();
        Self {
            means: mixture.means[some.clone()].iter().map(convert).collect(),
            factors: mixture.factors[some].iter().map(triangle).collect(),
            roots: roots.map(|o| E::of((2.0 * o).sqrt())).collect(),
        }
    }

    /// L⁻¹ (θ − μ) and √(2 offset) of a component.
    #[inline(always)]
    fn residual<T: Number<Scalar = E>>(&self, m: usize, pose: &[T], y: &mut [T]) {
        let n = pose.len();
        let mut apart = pose.to_vec();
        for (x, mean) in apart.iter_mut().zip(&self.means[m]) {
            *x -= T::splat(*mean);
        }
        let mut start = 0;
        for (i, y) in y[..n].iter_mut().enumerate() {
            *y = product(&self.factors[m][start..start + i + 1], &apart);
            start += i + 1;
        }
        y[n] = T::splat(self.roots[m]);
    }

    /// For each component 1 where it is the nearest, else 0.
    #[inline(always)]
    fn shares<T: Number<Scalar = E>>(&self, pose: &[T]) -> Vec<T> {
        let count = self.means.len();
        let mut shares = vec![T::zero(); count];
        let mut own = vec![T::zero(); pose.len() + 1];
        let mut least = T::of(f64::INFINITY);
        for m in 0..count {
            self.residual(m, pose, &mut own);
            let energy = square(&own);
            for share in &mut shares[..m] {
                *share = energy.less(least, T::zero(), *share);
            }
            shares[m] = energy.less(least, T::one(), T::zero());
            least = energy.less(least, energy, least);
        }
        shares
    }
}

/// Σ a x in four sums, so that none waits for itself.
#[inline(always)]
fn product<T: Number>(a: &[T::Scalar], x: &[T]) -> T {
    let mut sums = (T::zero(), T::zero(), T::zero(), T::zero());
    let (fours, rest) = a.as_chunks::<4>();
    for (a, x) in fours.iter().zip(x.as_chunks::<4>().0) {
        sums.0 = T::splat(a[0]).fused(x[0], sums.0);
        sums.1 = T::splat(a[1]).fused(x[1], sums.1);
        sums.2 = T::splat(a[2]).fused(x[2], sums.2);
        sums.3 = T::splat(a[3]).fused(x[3], sums.3);
    }
    for (a, x) in rest.iter().zip(&x[4 * fours.len()..]) {
        sums.0 = T::splat(*a).fused(*x, sums.0);
    }
    (sums.0 + sums.1) + (sums.2 + sums.3)
}

#[inline(always)]
fn square<T: Number>(y: &[T]) -> T {
    let mut sum = T::zero();
    for y in y {
        sum = y.fused(*y, sum);
    }
    sum
}

impl<E: Scalar> Kernel<E> for NearestComponent<E> {
    fn out_dims(&self) -> usize {
        self.means[0].len() + 1
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        let mut own = vec![T::zero(); y.len()];
        let mut least = T::of(f64::INFINITY);
        // A pose that is no number, or beyond all numbers, has no nearest component, and says so.
        let beyond = T::of(f64::INFINITY);
        y.fill(x[0].iter().fold(beyond, |sum, x| T::zero().fused(*x, sum)));
        for m in 0..self.means.len() {
            self.residual(m, x[0], &mut own);
            let energy = square(&own);
            for (y, own) in y.iter_mut().zip(&own) {
                *y = energy.less(least, *own, *y);
            }
            least = energy.less(least, energy, least);
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let Some(gx) = &mut gx[0] else { return };
        for (m, share) in self.shares(at.x[0]).into_iter().enumerate() {
            if share.is_zero() {
                continue;
            }
            let mut start = 0;
            for (i, g) in gy[..gx.len()].iter().enumerate() {
                let g = *g * share;
                for (to, a) in gx.iter_mut().zip(&self.factors[m][start..start + i + 1]) {
                    *to = T::splat(*a).fused(g, *to);
                }
                start += i + 1;
            }
        }
    }

    fn is_linear(&self) -> bool {
        self.means.len() == 1
    }

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        let first = moved[0].and_then(|m| m.iter().position(|m| *m));
        let n = self.means[0].len();
        let below = |i: usize| first.is_some_and(|first| i >= first && i < n);
        (0..=n).map(below).collect()
    }

    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, at: At<'_, T>, directions: Directions<'_, T>) {
        let shares = self.shares(at.x[0]);
        directions.for_each_of(
            Kernel::<E>::out_dims(self),
            #[inline(always)]
            |dx, moving, active, dy| {
                let Some(dx) = dx[0] else { return };
                for (m, share) in shares.iter().enumerate().filter(|(_, s)| !s.is_zero()) {
                    for &i in active {
                        let row = &self.factors[m][i * (i + 1) / 2..][..i + 1];
                        let mut sum = T::zero();
                        for &k in moving[0] {
                            if k <= i {
                                sum = T::splat(row[k]).fused(dx[k], sum);
                            }
                        }
                        dy[i] = share.fused(sum, dy[i]);
                    }
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_energy_is_twice_the_negative_log_density_of_the_nearest_component_above_its_minimum() {
        let mixture = Mixture::new(
            &[0.25, 0.75],
            &[0.0, 0.0, 3.0, 1.0],
            &[1.0, 0.0, 0.0, 4.0, 2.0, 0.5, 0.5, 1.0],
            2,
        )
        .unwrap();
        let energy = NearestComponent::<f64>::new(&mixture);
        let (mut y, mut gradient) = ([0.0; 3], [0.0; 2]);
        let pose = [2.0, 2.5];
        energy.forward::<f64>(&[&pose], &mut y);
        let cost: f64 = y.iter().map(|y| y * y).sum();
        let (x, slope) = ([&pose[..]], y.map(|y| 2.0 * y));
        let at = At { x: &x, y: &y };
        energy.adjoint::<f64>(at, &slope, &mut [Some(&mut gradient)]);
        // Component 0: (4/1 + 6.25/4) + ln 4 − 2 ln ¼; component 1 has Σ⁻¹ = [1 −½; −½ 2]/1.75.
        let first = 4.0 + 6.25 / 4.0 + 4f64.ln() - 2.0 * 0.25f64.ln();
        let (a, b) = (-1.0, 1.5);
        let second = (a * a - a * b + 2.0 * b * b) / 1.75 + 1.75f64.ln() - 2.0 * 0.75f64.ln();
        let least = 1.75f64.ln() - 2.0 * 0.75f64.ln();
        assert!((cost - (first.min(second) - least)).abs() < 1e-12);
        assert!((gradient[0] - 2.0 * (a - 0.5 * b) / 1.75).abs() < 1e-12);
        assert_eq!(mixture.mode(), vec![3.0, 1.0]);
    }
    #[test]
    fn a_marginal_is_the_mixture_of_the_first_dims_alone() {
        let weights = [0.3, 0.7];
        let means = [1.0, 2.0, 3.0, -1.0, 0.5, 0.25];
        let covariances = [
            4.0, 1.0, 0.5, 1.0, 3.0, 0.2, 0.5, 0.2, 2.0, //
            1.0, 0.1, 0.0, 0.1, 2.0, 0.9, 0.0, 0.9, 5.0,
        ];
        let cut = Mixture::marginal(&weights, &means, &covariances, 3, 2).unwrap();
        let plain = [4.0, 1.0, 1.0, 3.0, 1.0, 0.1, 0.1, 2.0];
        let expected = Mixture::new(&weights, &[1.0, 2.0, -1.0, 0.5], &plain, 2).unwrap();
        assert_eq!(cut, expected);
        let whole = Mixture::marginal(&weights, &means, &covariances, 3, 3).unwrap();
        assert_eq!(
            whole,
            Mixture::new(&weights, &means, &covariances, 3).unwrap()
        );
    }
    #[test]
    fn a_mixture_over_smpls_23_joints_is_cut_to_those_of_a_pose() {
        use crate::io::tensors::Tensor;
        let mut tensors = Tensors::default();
        let diagonal = |i: usize| {
            if i.is_multiple_of(70) {
                1.0 + i as f64
            } else {
                0.0
            }
        };
        tensors.insert("weights", Tensor::double(&[1], vec![1.0]));
        tensors.insert(
            "means",
            Tensor::double(&[1, 69], (0..69).map(f64::from).collect()),
        );
        let covariance = (0..69 * 69).map(diagonal).collect();
        tensors.insert("covariances", Tensor::double(&[1, 69, 69], covariance));
        let mixture = Mixture::from_tensors(&tensors).unwrap();
        assert_eq!((mixture.dims, mixture.means[0][62]), (63, 62.0));
        let variance = mixture.covariance(0)[62 * 64];
        assert!((variance - (1.0 + 62.0 * 70.0)).abs() < 1e-9, "{variance}");
        tensors.insert("means", Tensor::double(&[1, 69], vec![f64::NAN; 69]));
        let said = "`means` holds numbers that are not finite";
        assert_eq!(Mixture::from_tensors(&tensors).unwrap_err(), said);
    }
}
