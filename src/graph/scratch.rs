//! Buffers that a thread takes up again: what a chunk needs is large, and wanted anew for every chunk.

use std::ops::{Deref, DerefMut};

use super::Scalar;

/// Buffers that a thread keeps for later.
const KEPT: usize = 24;

/// Numbers of one chunk; dropped, the next chunk on this thread has their memory.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scratch<E: Scalar>(Vec<E>);

impl<E: Scalar> Scratch<E> {
    pub fn zeros(len: usize) -> Self {
        let mut numbers = Self::empty();
        numbers.0.resize(len, E::zero());
        numbers
    }

    /// Numbers that hold anything until they are written.
    pub fn any(len: usize) -> Self {
        let mut numbers = Self(E::spare(Vec::pop).unwrap_or_default());
        numbers.0.resize(len, E::zero());
        numbers
    }

    pub fn of(numbers: impl Iterator<Item = E>) -> Self {
        let mut all = Self::empty();
        all.0.extend(numbers);
        all
    }

    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    fn empty() -> Self {
        let mut numbers = E::spare(Vec::pop).unwrap_or_default();
        numbers.clear();
        Self(numbers)
    }
}

/// Numbers of the precision that they were made in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Either {
    F32(Scratch<f32>),
    F64(Scratch<f64>),
}

impl Either {
    #[inline(always)]
    pub fn at(&self, i: usize) -> f64 {
        match self {
            Self::F32(numbers) => f64::from(numbers[i]),
            Self::F64(numbers) => numbers[i],
        }
    }

    #[inline(always)]
    pub fn wide(&self) -> Scratch<f64> {
        match self {
            Self::F32(numbers) => Scratch::of(numbers.iter().map(|x| f64::from(*x))),
            Self::F64(numbers) => Scratch::of(numbers.iter().copied()),
        }
    }
}

impl<E: Scalar> Deref for Scratch<E> {
    type Target = [E];

    fn deref(&self) -> &[E] {
        &self.0
    }
}

impl<E: Scalar> DerefMut for Scratch<E> {
    fn deref_mut(&mut self) -> &mut [E] {
        &mut self.0
    }
}

impl<E: Scalar> Drop for Scratch<E> {
    fn drop(&mut self) {
        let numbers = std::mem::take(&mut self.0);
        E::spare(|spare| {
            if spare.len() < KEPT {
                spare.push(numbers);
            }
        });
    }
}
