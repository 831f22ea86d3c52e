//! Typed access to a table whose form was checked: a value, with its origin, or nothing.

use super::tree::{Node, Table, Value};
use super::units::{Quantity, parse_quantity};
use crate::diagnostic::{Origin, Sourced};

/// A table of the spec and its path.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    table: &'a Table,
    path: &'a str,
}

impl<'a> View<'a> {
    pub fn new(table: &'a Table, path: &'a str) -> Self {
        Self { table, path }
    }

    pub fn path(&self) -> &'a str {
        self.path
    }

    pub fn node(&self, key: &str) -> Option<&'a Node> {
        self.table.get(key)
    }

    pub fn keys(&self) -> impl Iterator<Item = (&'a str, &'a Node)> {
        self.table.entries.iter().map(|(k, n)| (k.as_str(), n))
    }

    /// The named tables under `key`.
    pub fn named(&self, key: &str) -> Vec<(&'a str, &'a Table, &'a Node)> {
        let Some(table) = self.table.table(key) else {
            return Vec::new();
        };
        let tables = table.entries.iter().filter_map(|(name, node)| {
            let Value::Table(inner) = &node.value else {
                return None;
            };
            Some((name.as_str(), inner, node))
        });
        tables.collect()
    }

    pub fn table(&self, key: &str) -> Option<&'a Table> {
        self.table.table(key)
    }

    pub fn text(&self, key: &str) -> Option<Sourced<&'a str>> {
        let node = self.node(key)?;
        match &node.value {
            Value::Text(text) => Some(Sourced::new(text.as_str(), node.origin.clone())),
            _ => None,
        }
    }

    /// A list of texts; one text counts as a list of one.
    pub fn texts(&self, key: &str) -> Option<Vec<Sourced<&'a str>>> {
        let node = self.node(key)?;
        let text = |n: &'a Node| match &n.value {
            Value::Text(text) => Some(Sourced::new(text.as_str(), n.origin.clone())),
            _ => None,
        };
        match &node.value {
            Value::Array(items) => items.iter().map(text).collect(),
            _ => Some(vec![text(node)?]),
        }
    }

    pub fn integer(&self, key: &str) -> Option<Sourced<i64>> {
        let node = self.node(key)?;
        match node.value {
            Value::Integer(i) => Some(Sourced::new(i, node.origin.clone())),
            _ => None,
        }
    }

    pub fn number(&self, key: &str) -> Option<Sourced<f64>> {
        let node = self.node(key)?;
        Some(Sourced::new(number(&node.value)?, node.origin.clone()))
    }

    pub fn numbers(&self, key: &str) -> Option<Sourced<Vec<f64>>> {
        let node = self.node(key)?;
        let numbers = match &node.value {
            Value::Array(items) => items
                .iter()
                .map(|n| number(&n.value))
                .collect::<Option<_>>(),
            other => number(other).map(|x| vec![x]),
        };
        Some(Sourced::new(numbers?, node.origin.clone()))
    }

    pub fn quantities(&self, key: &str) -> Option<Sourced<Vec<Quantity>>> {
        let node = self.node(key)?;
        let quantities = match &node.value {
            Value::Array(items) => items
                .iter()
                .map(|n| quantity(&n.value))
                .collect::<Option<_>>(),
            other => quantity(other).map(|q| vec![q]),
        };
        Some(Sourced::new(quantities?, node.origin.clone()))
    }

    /// Where to point when something is missing: the key of this table.
    pub fn origin_of(&self, key: &str, fallback: &Origin) -> Origin {
        self.node(key)
            .map_or(fallback.clone(), |n| n.origin.clone())
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(i) => Some(*i as f64),
        Value::Number(x) => Some(*x),
        _ => None,
    }
}

fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::Text(text) => parse_quantity(text).ok(),
        other => Some(Quantity {
            value: number(other)?,
            dimension: super::Dimension::NONE,
            of_height: false,
        }),
    }
}
