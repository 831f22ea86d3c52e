//! The nested dictionaries of a checkpoint as one list of tensors.

use super::super::pickle::arrays::{self, Array, NumberKind};
use super::super::pickle::{Id, Pickle, Value};
use super::super::tensors::{Tensor, Tensors};
use super::storage::Storages;
use super::tensor::tensor;

/// Dictionaries inside of dictionaries.
const MAX_DEPTH: usize = 32;
/// Longer texts are no remarks.
const MAX_TEXT: usize = 200;

/// What a file may become in memory: many names may stand for the same numbers.
pub(crate) struct Budget {
    left: usize,
}

impl Budget {
    /// So many bytes for each of the file, and some besides.
    pub fn of(length: usize) -> Self {
        Self {
            left: length.saturating_mul(24).saturating_add(4 << 20),
        }
    }

    pub fn spend(&mut self, bytes: usize) -> Result<(), String> {
        let left = self.left.checked_sub(bytes);
        self.left = left
            .ok_or("the file's values refer to each other far more often than its size allows")?;
        Ok(())
    }
}

/// All tensors and arrays of a pickle's dictionaries; `length` is that of the whole file.
pub(crate) fn flat(
    pickle: &Pickle<'_>,
    storages: &mut dyn Storages,
    length: usize,
) -> Result<Tensors, String> {
    if pickle.entries(pickle.root).is_none() {
        return Err(format!(
            "a checkpoint is a dictionary of tensors, but this is {}",
            pickle.describe(pickle.root)
        ));
    }
    let mut walk = Walk {
        pickle,
        storages,
        budget: Budget::of(length),
        found: Tensors::default(),
    };
    walk.dictionary(pickle.root, "", 0)?;
    Ok(walk.found)
}

struct Walk<'a, 'b> {
    pickle: &'a Pickle<'b>,
    storages: &'a mut dyn Storages,
    budget: Budget,
    found: Tensors,
}

impl Walk<'_, '_> {
    fn dictionary(&mut self, id: Id, above: &str, depth: usize) -> Result<(), String> {
        if depth == MAX_DEPTH {
            return Err(format!(
                "`{above:.60}` is nested more than {MAX_DEPTH} deep"
            ));
        }
        for (key, value) in self.pickle.entries(id).unwrap_or_default() {
            let Some(key) = self.key(key) else { continue };
            let name = match above {
                "" => key,
                above => format!("{above}.{key}"),
            };
            self.budget.spend(64 + 2 * name.len())?;
            self.leaf(name, value, depth)?;
        }
        Ok(())
    }

    fn leaf(&mut self, name: String, id: Id, depth: usize) -> Result<(), String> {
        let within = |message: String| format!("`{name:.200}` {message}");
        if let Some(found) = tensor(self.pickle, id, self.storages, &mut self.budget) {
            let found = found.map_err(within)?;
            self.found.insert(name, found);
        } else if let Some(remark) = self.remark(id) {
            self.found.metadata.insert(name, remark);
        } else if let Some(array) = self.array(id) {
            // One that cannot be read is passed over, but the look at it is paid for.
            let cost = array
                .as_ref()
                .map_or(self.pickle.length, |a| 8 * a.values.len());
            self.budget.spend(cost).map_err(within)?;
            if let Ok(array) = array {
                self.found.insert(name, of_array(array));
            }
        } else {
            self.dictionary(id, &name, depth + usize::from(self.is_dictionary(id)))?;
        }
        Ok(())
    }

    fn is_dictionary(&self, id: Id) -> bool {
        self.pickle.entries(id).is_some()
    }

    fn array(&self, id: Id) -> Option<Result<Array, String>> {
        arrays::is_numpy(self.pickle, id).then(|| arrays::array(self.pickle, id))
    }

    fn key(&self, id: Id) -> Option<String> {
        match self.pickle.int(id) {
            Some(number) => Some(number.to_string()),
            None => self.pickle.text(id).map(|text| text.into_owned()),
        }
    }

    fn remark(&self, id: Id) -> Option<String> {
        match self.pickle.value(id) {
            Value::Bool(yes) => Some(yes.to_string()),
            Value::Int(number) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            Value::Text(_) | Value::Bytes(_) => {
                let text = self.pickle.text(id)?;
                (text.len() <= MAX_TEXT).then(|| text.into_owned())
            }
            _ => None,
        }
    }
}

pub(crate) fn of_array(array: Array) -> Tensor {
    Tensor {
        shape: array.shape,
        data: array.values,
        double: array.kind != NumberKind::Single,
    }
}
