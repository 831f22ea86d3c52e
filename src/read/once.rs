//! Data sets and bodies that were read already, for programs that check one spec in many ways.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::{Dataset, Up};
use crate::body::BodyModel;
use crate::data::Table;
use crate::spec::Value;

/// What the tables of data sets and bodies, and the files that they name, were read as. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct ReadOnce(Option<Arc<Mutex<Memory>>>);

#[derive(Debug, Default)]
struct Memory {
    data: HashMap<String, Known>,
    bodies: HashMap<String, KnownBody>,
}

/// A body, and the files that it was read from.
pub(super) type KnownBody = (BodyModel, Vec<PathBuf>);

/// A data set with all that reading it says.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub dataset: Dataset,
    pub up: Up,
    pub metres: f64,
    pub sequence: Option<Vec<u64>>,
    pub also: Vec<(String, Table)>,
    pub files: Vec<PathBuf>,
}

/// Keys of a data set that say what is done with it after it was read.
const LATER: [&str; 4] = ["hold_out", "noise", "missing", "min_confidence"];

impl ReadOnce {
    /// One that remembers; the default reads every time.
    pub fn remembering() -> Self {
        Self(Some(Arc::default()))
    }

    pub(super) fn remembers(&self) -> bool {
        self.0.is_some()
    }

    /// What tells data sets apart.
    pub(super) fn key(name: &str, table: &crate::spec::Table) -> String {
        let mut table = table.clone();
        table.entries.retain(|(k, _)| !LATER.contains(&k.as_str()));
        format!("{name} {}", Value::Table(table).to_json())
    }

    pub(super) fn get(&self, key: &str) -> Option<Known> {
        self.0.as_ref()?.lock().ok()?.data.get(key).cloned()
    }

    pub(super) fn get_body(&self, key: &str) -> Option<KnownBody> {
        self.0.as_ref()?.lock().ok()?.bodies.get(key).cloned()
    }

    pub(super) fn put_body(&self, key: String, known: KnownBody) {
        if let Some(Ok(mut all)) = self.0.as_ref().map(|all| all.lock()) {
            all.bodies.insert(key, known);
        }
    }

    pub(super) fn put(&self, key: String, known: Known) {
        if let Some(Ok(mut all)) = self.0.as_ref().map(|all| all.lock()) {
            all.data.insert(key, known);
        }
    }
}
