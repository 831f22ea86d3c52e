//! What the names in starting values stand for: columns.

use std::sync::Arc;

use super::Checker;
use super::experiments::held_out;
use super::names::{Numbers, column, no_column};
use super::tables::{Rows, tables};
use crate::expr::{Found, Function, Needed, Pick, Read, Scope, Wrong};
use crate::ir::SetId;
use crate::spec::Dimension;

/// The names of a starting value: columns alone.
pub(super) struct InStart<'c, 'a> {
    checker: &'c mut Checker<'a>,
    set: Option<SetId>,
    pub inputs: Vec<Numbers>,
}

impl<'c, 'a> InStart<'c, 'a> {
    pub fn new(checker: &'c mut Checker<'a>, set: Option<SetId>) -> Self {
        Self {
            checker,
            set,
            inputs: Vec::new(),
        }
    }

    fn numbers(&mut self, rows: &Rows<'_>, name: &str) -> Result<Read, Wrong> {
        let found = column(rows.table, name).ok_or_else(|| no_column(rows, name))?;
        let numbers = Numbers::of(found, rows.table.rows == 1)?;
        if self.checker.is_held_out(rows.name) {
            return Err((held_out(rows.name), None));
        }
        if !numbers.for_all && Some(rows.set) != self.set {
            let of = &self.checker.sets[rows.set.0].name;
            let message = format!("`{}.{name}` has a value for each `{of}`", rows.name);
            let hint = format!("a variable that starts there is `per = \"{of}\"`");
            return Err((message, Some(hint)));
        }
        self.checker.read.insert(rows.name.into());
        let (shape, dimension) = (numbers.shape, numbers.dimension);
        self.inputs.push(numbers);
        Ok(Read {
            input: self.inputs.len() - 1,
            first: 0,
            shape,
            dimension,
        })
    }
}

impl Scope for InStart<'_, '_> {
    fn read(&mut self, name: &str, field: Option<&str>, _: &[Pick<'_>]) -> Found {
        let found = match field {
            Some(field) => {
                let rows = self.checker.rows(name)?;
                self.numbers(&rows, field)
            }
            None => {
                let inputs = self.checker.inputs;
                let of_set = tables(inputs).filter(|(_, t, _)| column(t, name).is_some());
                let of_set: Vec<_> = of_set.filter_map(|(n, ..)| self.checker.rows(n)).collect();
                let mut fitting = of_set.iter().filter(|r| Some(r.set) == self.set);
                let rows = fitting.next().or(of_set.first())?;
                self.numbers(rows, name)
            }
        };
        Some(found.map(|read| (read, 0)))
    }

    fn is_table(&self, name: &str) -> bool {
        self.checker.rows(name).is_some()
    }

    fn names(&self) -> Vec<String> {
        let tables = tables(self.checker.inputs);
        let columns = tables.flat_map(|(name, table, _)| {
            table
                .columns
                .iter()
                .map(move |c| format!("{name}.{}", c.name))
        });
        columns.collect()
    }

    fn dims(&self) -> Vec<usize> {
        self.inputs.iter().map(|n| n.shape.len()).collect()
    }

    fn log_so3(&mut self, _: Needed) -> Option<Read> {
        None
    }

    fn ahead(&mut self, _: isize) -> Result<(), Wrong> {
        Err(("`next` has no place in a starting value".into(), None))
    }

    fn constant(&self, _: &str) -> Option<(f64, Dimension)> {
        None
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        self.checker.registry.functions.clone()
    }
}
