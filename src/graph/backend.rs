//! The one place that knows dfdx's insides: reading tensors, running operations on a device.

use std::cell::RefCell;

use dfdx::prelude::{Cpu, Device};
use dfdx::shapes::Dtype;
use dfdx::tensor::{Storage, Tensor, TensorFromVec};
use num_traits::Float;

use super::number::{LANES, Number};
use super::operation::Operation;
use super::product::{self, Rows2};
use super::scratch::{Either, Scratch};
use super::vectors::Vectors;

/// The number type of a graph: f32 or f64.
pub(crate) trait Scalar:
    Dtype + Float + Number<Scalar = Self> + Vectors + std::iter::Sum
{
    /// Adding and taking away this number rounds to a whole one.
    const WHOLE: Self;
    /// π/2 in three parts, of which the first two have few bits.
    const QUARTER: [f64; 3];
    /// Of sin x/x³ and cos x/x⁴ in x², without their first terms; the highest power first.
    const SINE: &[f64];
    const COSINE: &[f64];

    fn nearest(x: f64) -> Self;

    fn wide(self) -> f64;

    /// out += a bᵀ.
    fn add_product(out: &mut [Self], a: Rows2<'_, Self>, b: Rows2<'_, Self>);

    /// Buffers of this thread's that nobody uses.
    fn spare<R>(with: impl FnOnce(&mut Vec<Vec<Self>>) -> R) -> R;

    /// Numbers as those of either precision.
    fn either(numbers: Scratch<Self>) -> Either;
}

impl Scalar for f32 {
    const WHOLE: f32 = 12_582_912.0;
    const QUARTER: [f64; 3] = [
        1.570_312_5,
        4.837_512_969_970_703e-4,
        7.549_789_948_768_648e-8,
    ];
    const SINE: &[f64] = &[-1.951_529_589_1e-4, 8.332_160_873_6e-3, -1.666_665_461_1e-1];
    const COSINE: &[f64] = &[
        2.443_315_711_809_948e-5,
        -1.388_731_625_493_765e-3,
        4.166_664_568_298_827e-2,
    ];

    fn nearest(x: f64) -> f32 {
        x as f32
    }
    fn wide(self) -> f64 {
        self.into()
    }
    fn add_product(out: &mut [f32], a: Rows2<'_, f32>, b: Rows2<'_, f32>) {
        product::add_product_f32(out, a, b);
    }

    fn either(numbers: Scratch<Self>) -> Either {
        Either::F32(numbers)
    }

    fn spare<R>(with: impl FnOnce(&mut Vec<Vec<f32>>) -> R) -> R {
        thread_local!(static SPARE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) });
        SPARE.with(|spare| with(&mut spare.borrow_mut()))
    }
}

impl Scalar for f64 {
    const WHOLE: f64 = 6_755_399_441_055_744.0;
    const QUARTER: [f64; 3] = [
        1.570_796_251_296_997,
        7.549_789_415_861_596e-8,
        5.390_302_529_957_765e-15,
    ];
    const SINE: &[f64] = &[
        1.589_623_015_765_465_7e-10,
        -2.505_074_776_285_780_7e-8,
        2.755_731_362_138_572_4e-6,
        -1.984_126_982_958_954e-4,
        8.333_333_333_322_118e-3,
        -1.666_666_666_666_663e-1,
    ];
    const COSINE: &[f64] = &[
        -1.135_853_652_138_768_2e-11,
        2.087_570_084_197_473e-9,
        -2.755_731_417_929_674e-7,
        2.480_158_728_885_170_4e-5,
        -1.388_888_888_887_305_6e-3,
        4.166_666_666_666_659e-2,
    ];

    fn nearest(x: f64) -> f64 {
        x
    }
    fn wide(self) -> f64 {
        self
    }
    fn add_product(out: &mut [f64], a: Rows2<'_, f64>, b: Rows2<'_, f64>) {
        product::add_product_f64(out, a, b);
    }

    fn either(numbers: Scratch<Self>) -> Either {
        Either::F64(numbers)
    }

    fn spare<R>(with: impl FnOnce(&mut Vec<Vec<f64>>) -> R) -> R {
        thread_local!(static SPARE: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) });
        SPARE.with(|spare| with(&mut spare.borrow_mut()))
    }
}

/// Everything lowers to (rows, dims) tensors.
pub(crate) type Matrix<E, D> = Tensor<(usize, usize), E, D>;

/// A gradient buffer of a device.
pub(crate) type Buffer<E, D> = <D as Storage<E>>::Vec;

/// A device that runs our operations.
pub(crate) trait Backend<E: Scalar>: Device<E> + TensorFromVec<E> + Default {
    fn run(&self, operation: &dyn Operation<E>, inputs: &[&Matrix<E, Self>]) -> Matrix<E, Self>;

    /// Adds to `gradients` (None: not wanted) what `out_gradient` means for the inputs.
    fn run_back(
        &self,
        operation: &dyn Operation<E>,
        inputs: &[&Matrix<E, Self>],
        out: &Matrix<E, Self>,
        out_gradient: &Buffer<E, Self>,
        gradients: &mut [Option<Buffer<E, Self>>],
    );

    /// `to += factor * from`.
    fn accumulate(&self, to: &mut Buffer<E, Self>, from: &Matrix<E, Self>, factor: E);

    fn first(&self, buffer: &Buffer<E, Self>) -> E;
}

/// A device whose numbers lie in memory that the host reads and writes.
pub(crate) trait Host<E: Scalar>: Backend<E> {
    fn numbers(tensor: &Matrix<E, Self>) -> &[E];

    /// Copies the numbers first where another tensor shares them.
    fn numbers_mut(tensor: &mut Matrix<E, Self>) -> &mut [E];

    fn buffer_mut(buffer: &mut Buffer<E, Self>) -> &mut [E];
}

/// A scalar with the device that networks of it are trained on.
pub(crate) trait Real: Scalar + faer::traits::RealField {
    type Device: Host<Self>;
}

impl Real for f32 {
    type Device = Cpu;
}

impl Real for f64 {
    type Device = Cpu;
}

/// dfdx keeps a tensor's storage private; indexing its first element is the public way to it.
fn slice_of<E: Scalar>(tensor: &Matrix<E, Cpu>) -> &[E]
where
    Cpu: Device<E>,
{
    let (rows, dims) = *dfdx::shapes::HasShape::shape(tensor);
    if rows * dims == 0 {
        return &[];
    }
    let first: *const E = &tensor[[0, 0]];
    // SAFETY: every Matrix is made by `tensor_from_vec`, so it is contiguous and its storage holds
    // exactly rows · dims numbers from the first one on; the borrow keeps the storage alive.
    unsafe { std::slice::from_raw_parts(first, rows * dims) }
}

/// As [`slice_of`], for writing.
fn slice_of_mut<E: Scalar>(tensor: &mut Matrix<E, Cpu>) -> &mut [E]
where
    Cpu: Device<E>,
{
    let (rows, dims) = *dfdx::shapes::HasShape::shape(tensor);
    if rows * dims == 0 {
        return &mut [];
    }
    let first: *mut E = &mut tensor[[0, 0]];
    // SAFETY: as in `slice_of`; indexing for writing has made the storage this tensor's own.
    unsafe { std::slice::from_raw_parts_mut(first, rows * dims) }
}

macro_rules! cpu_backend {
    ($E:ty) => {
        impl Backend<$E> for Cpu {
            fn run(
                &self,
                operation: &dyn Operation<$E>,
                inputs: &[&Matrix<$E, Self>],
            ) -> Matrix<$E, Self> {
                let dims = operation.out_dims();
                let values: Vec<&[$E]> = inputs.iter().map(|t| slice_of(t)).collect();
                let mut out = vec![0.0; dims * LANES];
                operation.forward(&values, &mut out);
                self.tensor_from_vec(out, (dims, LANES))
            }

            fn run_back(
                &self,
                operation: &dyn Operation<$E>,
                inputs: &[&Matrix<$E, Self>],
                out: &Matrix<$E, Self>,
                out_gradient: &Buffer<$E, Self>,
                gradients: &mut [Option<Buffer<$E, Self>>],
            ) {
                let values: Vec<&[$E]> = inputs.iter().map(|t| slice_of(t)).collect();
                let wanted = gradients.iter_mut();
                let wanted = wanted.map(|g| g.as_mut().map(|g| g.as_mut_slice()));
                let mut wanted: Vec<_> = wanted.collect();
                operation.adjoint(&values, slice_of(out), out_gradient, &mut wanted);
            }

            fn accumulate(&self, to: &mut Buffer<$E, Self>, from: &Matrix<$E, Self>, factor: $E) {
                for (to, from) in to.iter_mut().zip(slice_of(from)) {
                    *to += factor * *from;
                }
            }

            fn first(&self, buffer: &Buffer<$E, Self>) -> $E {
                buffer[0]
            }
        }

        impl Host<$E> for Cpu {
            fn numbers(tensor: &Matrix<$E, Self>) -> &[$E] {
                slice_of(tensor)
            }

            fn numbers_mut(tensor: &mut Matrix<$E, Self>) -> &mut [$E] {
                slice_of_mut(tensor)
            }

            fn buffer_mut(buffer: &mut Buffer<$E, Self>) -> &mut [$E] {
                buffer
            }
        }
    };
}

cpu_backend!(f32);
cpu_backend!(f64);
