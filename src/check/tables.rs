//! The index sets that tables make, and their columns.

use std::collections::HashMap;
use std::sync::Arc;

use super::Checker;
use crate::data::{Column, ColumnKind, Dataset, Table};
use crate::diagnostic::{Diagnostic, Origin};
use crate::ir::{IndexSet, NodeId, NodeKind, SetId};
use crate::read::Inputs;
use crate::spec::Dimension;

/// A table with its name and the set of its rows.
pub(super) struct Rows<'a> {
    pub name: &'a str,
    pub table: &'a Table,
    pub set: SetId,
}

/// All tables of a spec.
pub(super) fn tables(inputs: &Inputs) -> impl Iterator<Item = (&str, &Table, &Origin)> {
    inputs.data.iter().filter_map(|input| match &input.dataset {
        Dataset::Table(table) => Some((input.name.as_str(), table, &input.origin)),
        _ => None,
    })
}

pub(super) fn set_of<'t>(name: &'t str, table: &'t Table) -> &'t str {
    table.index.as_deref().unwrap_or(name)
}

impl<'a> Checker<'a> {
    /// The sets of all tables, and those that columns refer to without a table of their own.
    pub(super) fn index_sets(&mut self) {
        for (name, table, origin) in tables(self.inputs) {
            let set = set_of(name, table);
            match self.sets.iter().find(|s| s.name == set) {
                Some(known) if known.ids != table.ids => {
                    let sorted = |ids: &[i64]| {
                        let mut ids = ids.to_vec();
                        ids.sort_unstable();
                        ids
                    };
                    let message = match sorted(&known.ids) == sorted(&table.ids) {
                        true => format!(
                            "`{name}` has the elements of `{set}` in another order than an earlier table"
                        ),
                        false => format!(
                            "`{name}` has other elements of `{set}` than an earlier table: {} and {}",
                            table.ids.len(),
                            known.ids.len()
                        ),
                    };
                    self.diagnostics
                        .push(Diagnostic::error("F0301", message, origin));
                }
                Some(_) => {}
                None => self.sets.push(IndexSet {
                    name: set.into(),
                    ids: table.ids.clone(),
                }),
            }
            if ["frame", "subject", "marker"].contains(&set) {
                let message = format!("`{set}` is no name for the set of a table");
                let diagnostic = Diagnostic::error("F0304", message, origin);
                self.diagnostics
                    .push(diagnostic.label("choose another name"));
            }
        }
        let mut open: Vec<(String, Vec<i64>)> = Vec::new();
        for (_, table, _) in tables(self.inputs) {
            for column in &table.columns {
                let ColumnKind::Reference { set, ids } = &column.kind else {
                    continue;
                };
                if self.sets.iter().any(|s| s.name == *set) {
                    continue;
                }
                match open.iter_mut().find(|(name, _)| name == set) {
                    Some((_, known)) => known.extend(ids),
                    None => open.push((set.clone(), ids.clone())),
                }
            }
        }
        for (name, mut ids) in open {
            ids.sort_unstable();
            ids.dedup();
            self.sets.push(IndexSet { name, ids });
        }
        self.check_references();
    }

    /// Every reference leads to an element.
    fn check_references(&mut self) {
        for (name, table, origin) in tables(self.inputs) {
            for column in &table.columns {
                let ColumnKind::Reference { set, ids } = &column.kind else {
                    continue;
                };
                let Some(of) = self.sets.iter().find(|s| s.name == *set) else {
                    continue;
                };
                let known: std::collections::HashSet<i64> = of.ids.iter().copied().collect();
                let lost: Vec<usize> = (0..ids.len())
                    .filter(|i| !known.contains(&ids[*i]))
                    .collect();
                if let Some(first) = lost.first() {
                    let message = format!(
                        "row {first} of `{name}` refers to `{}` {}, which is not among its {}; so do {} \
                         rows in all",
                        column.name,
                        ids[*first],
                        of.ids.len(),
                        lost.len()
                    );
                    let diagnostic = Diagnostic::error("F0403", message, origin);
                    self.diagnostics
                        .push(diagnostic.hint("rows are counted from 0"));
                }
            }
        }
    }

    pub(super) fn set_id(&self, name: &str) -> Option<SetId> {
        self.sets.iter().position(|s| s.name == name).map(SetId)
    }

    pub(super) fn rows(&self, name: &str) -> Option<Rows<'a>> {
        let (name, table, _) = tables(self.inputs).find(|(n, ..)| *n == name)?;
        Some(Rows {
            name,
            table,
            set: self.set_id(set_of(name, table))?,
        })
    }

    /// For each row of a column that refers to a set its element; those that lead nowhere, which were
    /// reported, are the first.
    pub(super) fn elements(&self, set: SetId, ids: &[i64]) -> Arc<Vec<u32>> {
        let of = &self.sets[set.0].ids;
        let place: HashMap<i64, u32> = of.iter().copied().zip(0..).collect();
        Arc::new(
            ids.iter()
                .map(|id| place.get(id).copied().unwrap_or(0))
                .collect(),
        )
    }

    /// The references of a table, with the sets that they lead to.
    pub(super) fn references(&self, table: &'a Table) -> Vec<(&'a str, SetId, &'a [i64])> {
        let reference = |column: &'a Column| match &column.kind {
            ColumnKind::Reference { set, ids } => {
                Some((column.name.as_str(), self.set_id(set)?, ids.as_slice()))
            }
            ColumnKind::Numbers { .. } => None,
        };
        table.columns.iter().filter_map(reference).collect()
    }

    /// A column's numbers as a node over a set.
    pub(super) fn column_node(
        &mut self,
        name: &str,
        over: SetId,
        values: Vec<f64>,
        dims: usize,
        dimension: Dimension,
    ) -> NodeId {
        let kind = NodeKind::Column {
            over: Some(over),
            values: values.into(),
        };
        self.node(name, kind, dims, dimension)
    }
}
