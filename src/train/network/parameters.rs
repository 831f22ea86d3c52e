//! The numbers that a network learns, by name.

use super::{Batch, Forward};
use crate::graph::Real;
use crate::io::tensors::{Tensor, Tensors};

/// Learned arrays in the order in which they were added.
pub(crate) struct Parameters<E: Real> {
    entries: Vec<Parameter<E>>,
}

pub(super) struct Parameter<E: Real> {
    pub name: String,
    pub shape: Vec<usize>,
    pub value: Batch<E>,
}

impl<E: Real> Parameters<E> {
    pub fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// Adds an array and returns its index.
    pub fn add(&mut self, name: String, shape: &[usize], data: Vec<E>) -> usize {
        let rows = if shape.len() > 1 { shape[0] } else { 1 };
        self.entries.push(Parameter {
            name,
            shape: shape.to_vec(),
            value: Forward::<E>::new(&E::Device::default()).leaf(data, rows, true),
        });
        self.entries.len() - 1
    }

    pub fn batch(&self, index: usize) -> &Batch<E> {
        &self.entries[index].value
    }

    /// All of them, as [`Forward::backward_into`] wants its leaves.
    pub fn batches_mut(&mut self) -> impl Iterator<Item = &mut Batch<E>> {
        self.entries.iter_mut().map(|entry| &mut entry.value)
    }

    /// Whether passes from now on make gradients for them.
    pub fn set_wanted(&mut self, wanted: bool) {
        for entry in &mut self.entries {
            entry.value.wanted = wanted;
        }
    }

    pub fn save(&self, to: &mut Tensors) {
        for entry in &self.entries {
            to.insert(&entry.name, tensor(&entry.shape, entry.value.numbers()));
        }
    }

    pub fn restore(&mut self, from: &Tensors) -> Result<(), String> {
        for entry in &mut self.entries {
            let found = from.get(&entry.name, &entry.shape)?;
            fill(entry.value.numbers_mut(), found);
        }
        Ok(())
    }

    pub(super) fn entries(&self) -> &[Parameter<E>] {
        &self.entries
    }
}

pub(super) fn tensor<E: Real>(shape: &[usize], numbers: &[E]) -> Tensor {
    Tensor {
        shape: shape.to_vec(),
        data: numbers.iter().map(|x| x.wide()).collect(),
        double: size_of::<E>() == 8,
    }
}

pub(super) fn fill<E: Real>(to: &mut [E], from: &Tensor) {
    for (to, from) in to.iter_mut().zip(&from.data) {
        *to = E::of(*from);
    }
}
