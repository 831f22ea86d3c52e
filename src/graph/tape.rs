//! One pass over a chunk of frames: values are made once, dfdx's tape carries the gradients back.

use std::mem;
use std::sync::Arc;

use dfdx::prelude::{PutTape, Tape};
use dfdx::shapes::Rank0;
use dfdx::tensor::{Gradients, OwnedTape, Storage, Tensor};
use dfdx::tensor_ops::Backward;

use super::backend::{Backend, Buffer, Matrix, Scalar};
use super::operation::{CostOperation, Operation, Rows};

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
        rows: usize,
        inputs: &[&Traced<E, D>],
    ) -> Traced<E, D> {
        let tensors: Vec<&Matrix<E, D>> = inputs.iter().map(|t| &t.tensor).collect();
        let out = self.device.run(operation.as_ref(), rows, &tensors);
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
        let out = out.clone();
        let inputs: Vec<(Matrix<E, D>, bool)> = inputs
            .iter()
            .map(|t| (t.tensor.clone(), t.wanted))
            .collect();
        self.tape.add_backward_op(move |gradients| {
            let out_gradient = take(gradients, &out)?;
            let mut buffers = Vec::with_capacity(inputs.len());
            for (tensor, wanted) in &inputs {
                buffers.push(match wanted {
                    true => Some(take(gradients, tensor)?),
                    false => None,
                });
            }
            let tensors: Vec<&Matrix<E, D>> = inputs.iter().map(|(t, _)| t).collect();
            device.run_back(
                operation.as_ref(),
                &tensors,
                &out,
                &out_gradient,
                &mut buffers,
            );
            for ((tensor, _), buffer) in inputs.iter().zip(buffers) {
                if let Some(buffer) = buffer {
                    *gradients.get_or_alloc_mut(tensor)? = buffer;
                }
            }
            Ok(())
        });
    }

    /// Evaluates a term; its costs are known at once, its gradient waits for [`Pass::backward`].
    pub fn cost(
        &mut self,
        operation: &dyn CostOperation<E>,
        rows: Rows<'_>,
        input: &Traced<E, D>,
        costs: &mut [f64],
    ) {
        let seed = self.device.cost(operation, rows, &input.tensor, costs);
        if input.wanted {
            self.seeds.push((input.tensor.clone(), seed));
        }
    }

    /// The gradient of the sum of all costs with respect to each leaf; zero where a leaf took no part.
    pub fn backward(mut self, leaves: &[&Traced<E, D>]) -> Vec<Vec<E>> {
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
        let mut gradients = total.put_tape(self.tape).backward();
        let mut result = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            // Asking for the buffer first makes one of zeros where the leaf took no part.
            let known = gradients.get_or_alloc_mut(&leaf.tensor).is_ok();
            debug_assert!(known);
            result.push(gradients.get(&leaf.tensor).as_vec());
        }
        result
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
