//! A tensor of a checkpoint: a strided view of a storage.

use super::super::pickle::arrays::count;
use super::super::pickle::{Id, Pickle, Value};
use super::super::tensors::Tensor;
use super::storage::{Dtype, Reference, Storages};
use super::walk::Budget;

/// Tensors inside of parameters inside of subclasses: more do not occur.
const MAX_WRAPPERS: usize = 8;

/// The tensor that a value is; `None` where it is something else.
pub(super) fn tensor(
    pickle: &Pickle<'_>,
    id: Id,
    storages: &mut dyn Storages,
    budget: &mut Budget,
) -> Option<Result<Tensor, String>> {
    let (function, args) = unwrapped(pickle, id)?;
    Some(match View::of(pickle, function, args) {
        Ok(view) => view.read(storages, budget),
        Err(message) => Err(message),
    })
}

/// The function that makes the tensor itself, and what it is given.
fn unwrapped<'a>(pickle: &'a Pickle<'_>, id: Id) -> Option<(&'a str, &'a [Id])> {
    let (mut function, mut args) = (pickle.call(id)?, pickle.args(id));
    for _ in 0..MAX_WRAPPERS {
        match function {
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                let inner = *args.first()?;
                (function, args) = (pickle.call(inner)?, pickle.args(inner));
            }
            ("torch._tensor", "_rebuild_from_type_v2") => {
                let &[inner, _, given, ..] = args else {
                    return None;
                };
                (function, args) = (pickle.global(inner)?, pickle.items(given)?);
            }
            ("torch._utils", name) => return Some((name, args)),
            _ => return None,
        }
    }
    None
}

struct View {
    key: String,
    dtype: Dtype,
    /// In numbers, not bytes.
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl View {
    /// `(storage, offset, sizes, strides, …)`; the third version has its dtype as the seventh.
    fn of(pickle: &Pickle<'_>, function: &str, args: &[Id]) -> Result<Self, String> {
        let damaged = "is a damaged tensor";
        let &[storage, offset, shape, strides, ref rest @ ..] = args else {
            return Err(damaged.into());
        };
        let Value::Persistent(storage) = pickle.value(storage) else {
            return Err(damaged.into());
        };
        let reference = Reference::of(pickle, *storage)?;
        let named = match (function, rest.get(2)) {
            ("_rebuild_tensor_v3", Some(&dtype)) => {
                let (_, name) = pickle.global(dtype).ok_or(damaged)?;
                Some(Dtype::named(name)?)
            }
            _ => reference.dtype,
        };
        let offset = pickle
            .size(offset)
            .and_then(|o| o.checked_add(reference.before));
        let shape = pickle.sizes(shape).ok_or(damaged)?;
        let strides = pickle.sizes(strides).ok_or(damaged)?;
        if shape.len() != strides.len() || shape.len() > 32 {
            return Err(damaged.into());
        }
        Ok(Self {
            key: reference.key,
            dtype: named.ok_or(damaged)?,
            offset: offset.ok_or(damaged)?,
            shape,
            strides,
        })
    }

    fn read(self, storages: &mut dyn Storages, budget: &mut Budget) -> Result<Tensor, String> {
        let claims = || {
            let shape = super::super::error::shape_text(&self.shape);
            format!("claims the shape {shape}")
        };
        let numbers = count(&self.shape).ok_or_else(claims)?;
        budget
            .spend(numbers.saturating_mul(8))
            .map_err(|_| format!("{}, far more than its file can fill", claims()))?;
        let (big, size) = (storages.big(), self.dtype.size());
        let bytes = storages.bytes(&self.key)?;
        let held = bytes.len() / size;
        if numbers > 0 && self.last().is_none_or(|last| last >= held) {
            return Err(format!(
                "{}, but its storage `{}` holds {held} numbers",
                claims(),
                self.key
            ));
        }
        let mut data = Vec::with_capacity(numbers);
        let mut index = vec![0usize; self.shape.len()];
        let mut at = self.offset;
        while data.len() < numbers {
            data.push(self.dtype.number(&bytes[at * size..(at + 1) * size], big));
            self.advance(&mut index, &mut at);
        }
        Ok(Tensor {
            shape: self.shape,
            data,
            double: self.dtype.is_double(),
        })
    }

    /// The place of the last number; `None` where that overflows.
    fn last(&self) -> Option<usize> {
        let axes = self.shape.iter().zip(&self.strides);
        axes.into_iter()
            .try_fold(self.offset, |at, (&size, &stride)| {
                at.checked_add(size.checked_sub(1)?.checked_mul(stride)?)
            })
    }

    /// The next index in C order, and its place.
    fn advance(&self, index: &mut [usize], at: &mut usize) {
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            if index[axis] < self.shape[axis] {
                *at += self.strides[axis];
                return;
            }
            index[axis] = 0;
            *at -= (self.shape[axis] - 1) * self.strides[axis];
        }
    }
}
