//! One pass over a chunk of frames: values are made once, dfdx's tape carries the gradients back.

use std::mem;
use std::sync::Arc;

use dfdx::prelude::{PutTape, Tape};
use dfdx::shapes::{HasShape, Rank0};
use dfdx::tensor::{Gradients, OwnedTape, Storage, Tensor};
use dfdx::tensor_ops::Backward;

use super::backend::{Backend, Buffer, Host, Matrix, Scalar};
use super::operation::Operation;

/// A node's value during a pass, and whether its gradient is wanted.
pub(crate) struct Traced<E: Scalar, D: Backend<E>> {
    pub tensor: Matrix<E, D>,
    pub wanted: bool,
}

/// Values of one chunk and the tape that they were recorded on.
pub(crate) struct Pass<E: Scalar, D: Backend<E>> {
    device: D,
    tape: OwnedTape<E, D>,
    seeds: Vec<(Matrix<E, D>, Matrix<E, D>)>,
}

impl<E: Scalar, D: Backend<E>> Pass<E, D> {
    pub fn new(device: &D) -> Self {
        Self {
            device: device.clone(),
            tape: OwnedTape::default(),
            seeds: Vec::new(),
        }
    }

    /// A variable or constant, (rows, dims).
    pub fn leaf(&self, data: Vec<E>, rows: usize, wanted: bool) -> Traced<E, D> {
        let dims = data.len() / rows.max(1);
        Traced {
            tensor: self.device.tensor_from_vec(data, (rows, dims)),
            wanted,
        }
    }

    pub fn apply(
        &mut self,
        operation: &Arc<dyn Operation<E>>,
        inputs: &[&Traced<E, D>],
    ) -> Traced<E, D> {
        let tensors: Vec<&Matrix<E, D>> = inputs.iter().map(|t| &t.tensor).collect();
        let out = self.device.run(operation.as_ref(), &tensors);
        let wanted = inputs.iter().any(|t| t.wanted);
        if wanted {
            self.record(operation, inputs, &out);
        }
        Traced {
            tensor: out,
            wanted,
        }
    }

    fn record(
        &mut self,
        operation: &Arc<dyn Operation<E>>,
        inputs: &[&Traced<E, D>],
        out: &Matrix<E, D>,
    ) {
        let operation = Arc::clone(operation);
        let device = self.device.clone();
        self.on_tape(inputs, out, move |tensors, out, out_gradient, buffers| {
            device.run_back(operation.as_ref(), tensors, out, out_gradient, buffers);
        });
    }

    /// Puts on the tape how the gradients of `inputs` grow with that of `out`.
    fn on_tape<F>(&mut self, inputs: &[&Traced<E, D>], out: &Matrix<E, D>, backward: F)
    where
        F: FnOnce(&[&Matrix<E, D>], &Matrix<E, D>, &mut Buffer<E, D>, &mut [Option<Buffer<E, D>>])
            + 'static,
    {
        let out = out.clone();
        let inputs: Vec<(Matrix<E, D>, bool)> = inputs
            .iter()
            .map(|t| (t.tensor.clone(), t.wanted))
            .collect();
        self.tape.add_backward_op(move |gradients| {
            let mut out_gradient = take(gradients, &out)?;
            let mut buffers = Vec::with_capacity(inputs.len());
            for (tensor, wanted) in &inputs {
                buffers.push(match wanted {
                    true => Some(take(gradients, tensor)?),
                    false => None,
                });
            }
            let tensors: Vec<&Matrix<E, D>> = inputs.iter().map(|(t, _)| t).collect();
            backward(&tensors, &out, &mut out_gradient, &mut buffers);
            for ((tensor, _), buffer) in inputs.iter().zip(buffers) {
                if let Some(buffer) = buffer {
                    *gradients.get_or_alloc_mut(tensor)? = buffer;
                }
            }
            Ok(())
        });
    }

    /// The gradient of the sum of all costs with respect to each leaf; zero where a leaf took no part.
    pub fn backward(self, leaves: &[&Traced<E, D>]) -> Vec<Vec<E>> {
        let mut gradients = self.gradients();
        let mut result = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            // Asking for the buffer first makes one of zeros where the leaf took no part.
            let known = gradients.get_or_alloc_mut(&leaf.tensor).is_ok();
            debug_assert!(known);
            result.push(gradients.get(&leaf.tensor).as_vec());
        }
        result
    }

    fn gradients(mut self) -> Gradients<E, D> {
        let total: Tensor<Rank0, E, D> = self.device.zeros();
        let (device, seeds, ghost) = (self.device.clone(), self.seeds, total.clone());
        self.tape.add_backward_op(move |gradients| {
            let factor = device.first(gradients.get_or_alloc_mut(&ghost)?);
            for (input, seed) in &seeds {
                gradients.try_alloc_for(input)?;
                device.accumulate(gradients.get_or_alloc_mut(input)?, seed, factor);
            }
            Ok(())
        });
        total.put_tape(self.tape).backward()
    }
}

/// What the backward part of an operation on whole matrices reads and adds to, row-major.
pub(crate) struct Whole<'a, E> {
    pub inputs: Vec<&'a [E]>,
    pub out: &'a [E],
    /// No longer needed afterwards, so that it may be overwritten.
    pub out_gradient: &'a mut [E],
    /// None: not wanted.
    pub gradients: Vec<Option<&'a mut [E]>>,
}

impl<E: Scalar, D: Host<E>> Pass<E, D> {
    /// An operation on whole matrices whose value is `out`, (rows, ·); no input may stand twice.
    pub fn join<F>(
        &mut self,
        inputs: &[&Traced<E, D>],
        out: Vec<E>,
        rows: usize,
        backward: F,
    ) -> Traced<E, D>
    where
        F: FnOnce(Whole<'_, E>) + 'static,
    {
        let wanted = inputs.iter().any(|t| t.wanted);
        let out = self.leaf(out, rows, wanted);
        if wanted {
            self.on_tape(inputs, &out.tensor, |tensors, out, gradient, buffers| {
                backward(Whole {
                    inputs: tensors.iter().map(|t| D::numbers(t)).collect(),
                    out: D::numbers(out),
                    out_gradient: D::buffer_mut(gradient),
                    gradients: buffers
                        .iter_mut()
                        .map(|b| b.as_mut().map(D::buffer_mut))
                        .collect(),
                });
            });
        }
        out
    }

    /// Adds a cost whose gradient with respect to `input` is known.
    pub fn seed(&mut self, input: &Traced<E, D>, gradient: Vec<E>) {
        if input.wanted {
            let seed = self.leaf(gradient, input.rows(), false);
            self.seeds.push((input.tensor.clone(), seed.tensor));
        }
    }

    /// Hands each leaf's index, numbers and gradient to `update`, which may change the numbers.
    pub fn backward_into<'a>(
        self,
        leaves: impl Iterator<Item = &'a mut Traced<E, D>>,
        mut update: impl FnMut(usize, &mut [E], &[E]),
    ) {
        let mut gradients = self.gradients();
        for (index, leaf) in leaves.enumerate() {
            if let Ok(buffer) = gradients.get_or_alloc_mut(&leaf.tensor) {
                update(
                    index,
                    D::numbers_mut(&mut leaf.tensor),
                    D::buffer_mut(buffer),
                );
            }
        }
    }
}

impl<E: Scalar, D: Host<E>> Traced<E, D> {
    pub fn numbers(&self) -> &[E] {
        D::numbers(&self.tensor)
    }

    pub fn numbers_mut(&mut self) -> &mut [E] {
        D::numbers_mut(&mut self.tensor)
    }

    pub fn rows(&self) -> usize {
        HasShape::shape(&self.tensor).0
    }
}

/// Takes a tensor's gradient out of the map, so that several can be borrowed at once.
fn take<E: Scalar, D: Backend<E>>(
    gradients: &mut Gradients<E, D>,
    tensor: &Matrix<E, D>,
) -> Result<Buffer<E, D>, D::Err> {
    let empty = Storage::<E>::try_alloc_len(tensor.device(), 0)?;
    Ok(mem::replace(gradients.get_or_alloc_mut(tensor)?, empty))
}
