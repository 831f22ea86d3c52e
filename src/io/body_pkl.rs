//! Body models of the SMPL family as they are published: pickles of Python 2 and 3, with chumpy's wrappers.

use std::path::Path;

use ndarray::ArrayD;

use super::FileError;
use super::body_fields::{self, BodyArrays, Fields};
use super::error::listed;
use super::pickle::Pickle;
use super::pickle::arrays::{self, Array, NumberKind};

/// Reads a file in memory, which messages call `path`.
pub(crate) fn read_bytes(path: &Path, bytes: &[u8]) -> Result<BodyArrays, FileError> {
    let pickle = Pickle::parse(bytes).map_err(|message| FileError::new(path, message))?;
    body_fields::body(&Pickled { path, pickle })
}

/// Whether a pickle is a body model.
pub(super) fn is_body(pickle: &Pickle<'_>) -> bool {
    ["v_template", "kintree_table"]
        .iter()
        .all(|name| pickle.get(pickle.root, name).is_some())
}

struct Pickled<'a> {
    path: &'a Path,
    pickle: Pickle<'a>,
}

impl Pickled<'_> {
    fn array(&self, name: &str) -> Result<Array, FileError> {
        let pickle = &self.pickle;
        let place = pickle.get(pickle.root, name).ok_or_else(|| {
            let names = pickle.names(pickle.root);
            self.error(match names.is_empty() {
                true => format!(
                    "there is no array `{name}`: the pickle is {}",
                    pickle.describe(pickle.root)
                ),
                false => format!(
                    "there is no array `{name}`; the pickle holds {}",
                    listed(&names)
                ),
            })
        })?;
        arrays::array(pickle, place)
            .map_err(|message| self.error(format!("array `{name}` {message}")))
    }

    fn shaped<T>(
        &self,
        name: &str,
        shape: &[usize],
        values: Vec<T>,
    ) -> Result<ArrayD<T>, FileError> {
        ArrayD::from_shape_vec(shape, values)
            .map_err(|error| self.error(format!("array `{name}`: {error}")))
    }
}

impl Fields for Pickled<'_> {
    fn has(&self, name: &str) -> bool {
        self.pickle.get(self.pickle.root, name).is_some()
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>, FileError> {
        Ok(self.array(name)?.shape)
    }

    fn floats(&self, name: &str) -> Result<ArrayD<f64>, FileError> {
        let array = self.array(name)?;
        self.shaped(name, &array.shape, array.values)
    }

    fn integers(&self, name: &str) -> Result<ArrayD<i64>, FileError> {
        let array = self.array(name)?;
        if array.kind != NumberKind::Whole {
            return Err(self.error(format!("array `{name}`: expected integers, found floats")));
        }
        let values = array.values.iter().map(|&x| x as i64).collect();
        self.shaped(name, &array.shape, values)
    }

    /// The published models have none.
    fn joint_names(&self) -> Result<Option<Vec<String>>, FileError> {
        Ok(None)
    }

    fn error(&self, message: String) -> FileError {
        FileError::new(self.path, message)
    }
}
