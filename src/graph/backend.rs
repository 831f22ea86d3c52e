//! The one place that knows dfdx's insides: reading tensors, running operations on a device.

use dfdx::prelude::{Cpu, Device};
use dfdx::shapes::Dtype;
use dfdx::tensor::{Storage, Tensor, TensorFromVec};
use num_traits::Float;

use super::operation::{CostOperation, Gradient, Operation, Rows, Value};
use super::product::{self, Rows2};

/// The number type of a graph: f32 or f64.
pub(crate) trait Scalar: Dtype + Float + std::iter::Sum {
    fn of(x: f64) -> Self;
    fn wide(self) -> f64;

    /// out += a b, or a bᵀ.
    fn add_product(out: &mut [Self], a: Rows2<'_, Self>, b: Rows2<'_, Self>, transposed: bool);
}

impl Scalar for f32 {
    fn of(x: f64) -> Self {
        x as f32
    }
    fn wide(self) -> f64 {
        self.into()
    }
    fn add_product(out: &mut [f32], a: Rows2<'_, f32>, b: Rows2<'_, f32>, transposed: bool) {
        product::add_product_f32(out, a, b, transposed);
    }
}

impl Scalar for f64 {
    fn of(x: f64) -> Self {
        x
    }
    fn wide(self) -> f64 {
        self
    }
    fn add_product(out: &mut [f64], a: Rows2<'_, f64>, b: Rows2<'_, f64>, transposed: bool) {
        product::add_product_f64(out, a, b, transposed);
    }
}

/// Everything lowers to (rows, dims) tensors.
pub(crate) type Matrix<E, D> = Tensor<(usize, usize), E, D>;

/// A gradient buffer of a device.
pub(crate) type Buffer<E, D> = <D as Storage<E>>::Vec;

/// A device that runs our operations.
pub(crate) trait Backend<E: Scalar>: Device<E> + TensorFromVec<E> + Default {
    fn run(
        &self,
        operation: &dyn Operation<E>,
        rows: usize,
        inputs: &[&Matrix<E, Self>],
    ) -> Matrix<E, Self>;

    /// Adds to `gradients` (None: not wanted) what `out_gradient` means for the inputs.
    fn run_back(
        &self,
        operation: &dyn Operation<E>,
        inputs: &[&Matrix<E, Self>],
        out: &Matrix<E, Self>,
        out_gradient: &Buffer<E, Self>,
        gradients: &mut [Option<Buffer<E, Self>>],
    );

    /// Writes the costs of the core rows and returns the gradient with respect to `input`.
    fn cost(
        &self,
        operation: &dyn CostOperation<E>,
        rows: Rows<'_>,
        input: &Matrix<E, Self>,
        costs: &mut [f64],
    ) -> Matrix<E, Self>;

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

fn value_of<E: Scalar>(tensor: &Matrix<E, Cpu>) -> Value<'_, E>
where
    Cpu: Device<E>,
{
    let (rows, dims) = *dfdx::shapes::HasShape::shape(tensor);
    Value {
        data: slice_of(tensor),
        dims,
        rows,
    }
}

macro_rules! cpu_backend {
    ($E:ty) => {
        impl Backend<$E> for Cpu {
            fn run(
                &self,
                operation: &dyn Operation<$E>,
                rows: usize,
                inputs: &[&Matrix<$E, Self>],
            ) -> Matrix<$E, Self> {
                let dims = operation.out_dims();
                let values: Vec<_> = inputs.iter().map(|t| value_of(t)).collect();
                let mut out = vec![0.0; rows * dims];
                operation.forward_rows(rows, &values, &mut out);
                self.tensor_from_vec(out, (rows, dims))
            }

            fn run_back(
                &self,
                operation: &dyn Operation<$E>,
                inputs: &[&Matrix<$E, Self>],
                out: &Matrix<$E, Self>,
                out_gradient: &Buffer<$E, Self>,
                gradients: &mut [Option<Buffer<$E, Self>>],
            ) {
                let values: Vec<_> = inputs.iter().map(|t| value_of(t)).collect();
                let out = value_of(out);
                let mut wanted: Vec<Option<Gradient<'_, $E>>> = gradients
                    .iter_mut()
                    .zip(&values)
                    .map(|(buffer, value)| {
                        let data = buffer.as_mut()?;
                        Some(Gradient {
                            data,
                            dims: value.dims,
                            rows: value.rows,
                        })
                    })
                    .collect();
                operation.backward_rows(&values, out, out_gradient, &mut wanted);
            }

            fn cost(
                &self,
                operation: &dyn CostOperation<$E>,
                rows: Rows<'_>,
                input: &Matrix<$E, Self>,
                costs: &mut [f64],
            ) -> Matrix<$E, Self> {
                let value = value_of(input);
                let mut data = vec![0.0; value.data.len()];
                let gradient = Gradient {
                    data: &mut data,
                    dims: value.dims,
                    rows: value.rows,
                };
                operation.evaluate(rows, value, costs, gradient);
                self.tensor_from_vec(data, (value.rows, value.dims))
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
