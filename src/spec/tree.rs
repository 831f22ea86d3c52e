//! The tree of a parsed TOML layer: values that know where they were written.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Diagnostics, Origin};

/// A value with its place, and the place of the key that holds it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub value: Value,
    pub origin: Origin,
    pub key: Origin,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Table(Table),
    Array(Vec<Node>),
    Text(String),
    Integer(i64),
    Number(f64),
    Bool(bool),
    /// Something of the wrong form, which was reported where it stands.
    Invalid,
}

/// Keys in the order in which they were first written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub entries: Vec<(String, Node)>,
}

impl Table {
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(k, _)| k == key).map(|(_, n)| n)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries
            .iter_mut()
            .find(|(k, _)| k == key)
            .map(|(_, n)| n)
    }

    pub fn set(&mut self, key: &str, node: Node) {
        match self.get_mut(key) {
            Some(old) => *old = node,
            None => self.entries.push((key.into(), node)),
        }
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The table under `key`, if there is one.
    pub fn table(&self, key: &str) -> Option<&Table> {
        match &self.get(key)?.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }
}

impl Value {
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Table(_) => "a table",
            Value::Array(_) => "a list",
            Value::Text(_) => "a text",
            Value::Integer(_) => "a whole number",
            Value::Number(_) => "a number",
            Value::Bool(_) => "true or false",
            Value::Invalid => "not valid",
        }
    }

    /// The value as it would be written in TOML, on one line.
    pub fn to_toml(&self) -> String {
        match self {
            Value::Table(t) if t.entries.is_empty() => "{}".into(),
            Value::Table(t) => {
                let inner: Vec<String> = t
                    .entries
                    .iter()
                    .map(|(k, n)| format!("{} = {}", quote_key(k), n.value.to_toml()))
                    .collect();
                format!("{{ {} }}", inner.join(", "))
            }
            Value::Array(items) => {
                let inner: Vec<String> = items.iter().map(|n| n.value.to_toml()).collect();
                format!("[{}]", inner.join(", "))
            }
            Value::Text(text) => toml::Value::from(text.as_str()).to_string(),
            Value::Integer(i) => i.to_string(),
            Value::Number(x) => toml::Value::from(*x).to_string(),
            Value::Bool(b) => b.to_string(),
            Value::Invalid => "?".into(),
        }
    }

    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Table(t) => serde_json::Value::Object(
                t.entries
                    .iter()
                    .map(|(k, n)| (k.clone(), n.value.to_json()))
                    .collect(),
            ),
            Value::Array(items) => items.iter().map(|n| n.value.to_json()).collect(),
            Value::Text(text) => text.as_str().into(),
            Value::Integer(i) => (*i).into(),
            Value::Number(x) => (*x).into(),
            Value::Bool(b) => (*b).into(),
            Value::Invalid => serde_json::Value::Null,
        }
    }
}

fn quote_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match !key.is_empty() && key.chars().all(bare) {
        true => key.into(),
        false => toml::Value::from(key).to_string(),
    }
}

/// Parses one layer; every syntax error becomes a diagnostic.
pub(crate) fn parse(text: &str, source: usize, diagnostics: &mut Diagnostics) -> Table {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let origin = Origin::At { source, span };
        let message = format!("not valid TOML: {}", error.message());
        let mut diagnostic = Diagnostic::error("F0101", message, &origin);
        if error.message().contains("boolean") {
            diagnostic = diagnostic.hint("a text needs quotes");
        }
        diagnostics.push(diagnostic);
    }
    convert_table(table.get_ref(), source, diagnostics)
}

fn convert_table(table: &DeTable<'_>, source: usize, diagnostics: &mut Diagnostics) -> Table {
    let mut result = Table::default();
    for (key, value) in table.iter() {
        let origin = Origin::At {
            source,
            span: key.span(),
        };
        if let Some(node) = convert(value, origin, source, diagnostics) {
            result.entries.push((key.get_ref().to_string(), node));
        }
    }
    result
}

fn convert(
    value: &Spanned<DeValue<'_>>,
    key: Origin,
    source: usize,
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    let origin = Origin::At {
        source,
        span: value.span(),
    };
    let mut fail = |message: String| {
        diagnostics.push(Diagnostic::error("F0101", message, &origin));
        None
    };
    let converted = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(b) => Value::Bool(*b),
        DeValue::Integer(i) => match i64::from_str_radix(i.as_str(), i.radix()) {
            Ok(i) => Value::Integer(i),
            Err(_) => return fail(format!("`{i}` is out of range")),
        },
        DeValue::Float(x) => match x.as_str().parse() {
            Ok(x) => Value::Number(x),
            Err(_) => return fail(format!("`{x}` is not a number")),
        },
        DeValue::Datetime(_) => return fail("dates are not used in a spec".into()),
        DeValue::Array(items) => Value::Array(
            items
                .iter()
                .filter_map(|item| convert(item, key.clone(), source, diagnostics))
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(convert_table(table, source, diagnostics)),
    };
    Some(Node {
        value: converted,
        origin,
        key,
    })
}
