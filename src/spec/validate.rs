//! Holds a merged tree against the table of keys: unknown keys, wrong kinds of values, defaults.

use super::keys::{Key, Kind, OWN};
use super::tree::{self, Node, Table, Value};
use super::units::{looks_like_quantity, parse_quantity};
use crate::diagnostic::{Diagnostic, Diagnostics, Origin, list, nearest};

/// A kind that a program adds to tables of these keys, with its own.
#[derive(Clone, Copy)]
pub(crate) struct OwnKind {
    pub table: &'static [Key],
    pub name: &'static str,
    pub keys: &'static [Key],
    pub role: Role,
}

/// What a kind of a program's own means for the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    /// A term that ties frames to each other.
    TiesFrames,
    /// A prior with a code of its own.
    Coded,
}

impl std::fmt::Debug for OwnKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl OwnKind {
    /// Whether a table of these keys may be of this kind.
    fn is_of(&self, keys: &[Key]) -> bool {
        std::ptr::eq(self.table, keys)
    }

    /// What names a kind in its table.
    fn choice(&self) -> Option<&'static Kind> {
        let mut choices = self
            .table
            .iter()
            .filter(|k| ["kind", "format"].contains(&k.name));
        choices.next().map(|k| &k.kind)
    }

    /// Whether it is one more choice of such a value.
    fn is_choice(&self, kind: &Kind) -> bool {
        self.choice().is_some_and(|own| std::ptr::eq(own, kind))
    }

    /// Whether the language itself has one of this name.
    pub fn is_built_in(&self) -> bool {
        matches!(self.choice(), Some(Kind::Choice(names)) if names.contains(&self.name))
    }
}

/// Reports every mistake of form below `table`, removes what is wrong and fills the defaults in.
pub(crate) fn validate(
    table: &mut Table,
    keys: &[Key],
    path: &str,
    (own, diagnostics): (&[OwnKind], &mut Diagnostics),
) {
    validate_within(table, keys, path, None, (own, diagnostics));
}

/// As [`validate`]; a table that has no key `kind` is of the kind of what is `around` it.
pub(super) fn validate_within(
    table: &mut Table,
    keys: &[Key],
    path: &str,
    around: Option<&str>,
    (own, diagnostics): (&[OwnKind], &mut Diagnostics),
) {
    fill_kind(table, keys, path, (own, diagnostics));
    let kind = match keys.iter().any(|k| k.name == "kind") {
        true => table.text("kind").map(String::from),
        false => around.map(String::from),
    };
    let of_kind = |k: &&OwnKind| k.is_of(keys) && Some(k.name) == kind.as_deref();
    let own_kind = own.iter().find(of_kind);
    let keys: Vec<&Key> = own_kind.iter().flat_map(|k| k.keys).chain(keys).collect();
    let applies = |key: &Key| match &kind {
        _ if key.only.is_empty() => true,
        Some(_) if own_kind.is_some() => key.only.contains(&OWN),
        Some(kind) => key.only.contains(&kind.as_str()),
        None => true,
    };
    let present: Vec<String> = table.entries.iter().map(|(n, _)| n.clone()).collect();
    let others = keys.iter().find_map(|k| match k.kind {
        Kind::Others(keys) => Some(keys),
        _ => None,
    });
    let describes = others.is_some();
    let others = others.filter(|_| !present.iter().any(|p| p == "file"));
    table.entries.retain_mut(|(name, node)| {
        let known = keys.iter().any(|k| k.name == *name);
        if let (Some(others), Value::Table(inner)) = (others, &mut node.value)
            && !known
        {
            validate(inner, others, &join(path, name), (own, diagnostics));
            return true;
        }
        if !known {
            let names = || keys.iter().filter(|k| applies(k)).map(|k| k.name);
            let message = match path {
                "" => format!("unknown key `{name}`"),
                _ => format!("unknown key `{name}` in `{path}`"),
            };
            let diagnostic = Diagnostic::error("F0203", message, &node.key);
            let diagnostic = diagnostic.nearest(name, names());
            let is_camera = describes && matches!(node.value, Value::Table(_));
            diagnostics.push(match is_camera {
                true => diagnostic
                    .hint("a data set with a `file` has its cameras from there, not from the spec"),
                false => diagnostic,
            });
            // A slip of the hand stands for the key that was meant, so that it is not missed too.
            match nearest(name, names()) {
                Some(meant) if !present.iter().any(|p| p == meant) => *name = meant.into(),
                _ => return false,
            }
        }
        let Some(key) = keys.iter().find(|k| k.name == *name) else {
            return false;
        };
        if !applies(key) {
            let kind = kind.as_deref().unwrap_or("");
            let message = match path {
                "" => format!("`{name}` has no meaning for the kind `{kind}`"),
                _ if around == Some(kind) => {
                    format!("`{name}` has no meaning in `{path}` for the kind `{kind}`")
                }
                _ => format!("`{name}` has no meaning in `{path}`, whose kind is `{kind}`"),
            };
            let kinds: Vec<&str> = key.only.iter().copied().filter(|k| *k != OWN).collect();
            let hint = format!("it belongs to the kinds {}", list(&kinds));
            diagnostics.push(Diagnostic::error("F0203", message, &node.key).hint(hint));
            return false;
        }
        let path = join(path, name);
        match (&mut node.value, &key.kind) {
            (Value::Table(inner), Kind::Table(keys)) => {
                validate_within(inner, keys, &path, kind.as_deref(), (own, diagnostics));
            }
            _ => check_value(node, &key.kind, &path, (own, diagnostics)),
        }
        true
    });
    for key in keys.iter().filter(|k| applies(k)) {
        fill_default(table, key, path, (own, diagnostics));
    }
}

/// `kind` comes first, since it decides which other keys exist.
fn fill_kind(
    table: &mut Table,
    keys: &[Key],
    path: &str,
    (own, diagnostics): (&[OwnKind], &mut Diagnostics),
) {
    let Some(key) = keys.iter().find(|k| k.name == "kind") else {
        return;
    };
    if let Some(node) = table.get_mut("kind") {
        check_value(node, &key.kind, &join(path, "kind"), (own, diagnostics));
    }
    fill_default(table, key, path, (own, diagnostics));
}

fn fill_default(
    table: &mut Table,
    key: &Key,
    path: &str,
    (own, diagnostics): (&[OwnKind], &mut Diagnostics),
) {
    let Some(default) = key.default else { return };
    if table.get(key.name).is_none() {
        let text = format!("x = {default}");
        let mut mistakes = Diagnostics::default();
        let parsed = tree::parse(&text, 0, &mut mistakes).entries;
        let Some((_, mut node)) = parsed.into_iter().next().filter(|_| !mistakes.has_errors())
        else {
            let message = format!(
                "the default of `{}` is `{default}`, which is not TOML: the program is at fault",
                join(path, key.name)
            );
            diagnostics.push(Diagnostic::error("F0310", message, &Origin::Default));
            return;
        };
        forget_places(&mut node);
        let path = join(path, key.name);
        check_value(&mut node, &key.kind, &path, (own, diagnostics));
        table.set(key.name, node);
    }
}

/// Marks a node and all below it as defaults.
pub(crate) fn forget_places(node: &mut Node) {
    node.origin = Origin::Default;
    node.key = Origin::Default;
    match &mut node.value {
        Value::Table(t) => t.entries.iter_mut().for_each(|(_, n)| forget_places(n)),
        Value::Array(items) => items.iter_mut().for_each(forget_places),
        _ => {}
    }
}

/// Says what was expected where a value is not of its key's kind, and marks it as invalid.
fn check_value(
    node: &mut Node,
    kind: &Kind,
    path: &str,
    (own, diagnostics): (&[OwnKind], &mut Diagnostics),
) {
    if let (Value::Text(text), Kind::Kinded(_)) = (&node.value, kind) {
        expand_shorthand(node, text.clone());
    }
    if let (Value::Integer(i), Kind::Number) = (&node.value, kind) {
        node.value = Value::Number(*i as f64);
    }
    match (&mut node.value, kind) {
        (Value::Invalid, _) => {}
        (Value::Table(t), Kind::Table(keys) | Kind::Kinded(keys) | Kind::Others(keys)) => {
            validate(t, keys, path, (own, diagnostics));
        }
        (Value::Table(t), Kind::Named(keys)) => {
            for (name, node) in &mut t.entries {
                check_named(node, keys, &join(path, name), (own, diagnostics));
            }
        }
        (Value::Array(items), Kind::List(keys)) => {
            for (i, node) in items.iter_mut().enumerate() {
                check_named(node, keys, &format!("{path}[{i}]"), (own, diagnostics));
            }
        }
        (Value::Table(t), Kind::NumberMap) => {
            for (name, node) in &mut t.entries {
                check_value(node, &Kind::Number, &join(path, name), (own, diagnostics));
            }
        }
        (Value::Table(t), Kind::TextMap) => {
            for (name, node) in &mut t.entries {
                check_value(node, &Kind::Text, &join(path, name), (own, diagnostics));
            }
        }
        (value, kind) => {
            let of_own = own.iter().filter(|k| k.is_choice(kind));
            let of_own: Vec<&str> = of_own.map(|k| k.name).collect();
            let Some(reason) = form_error(value, kind, &of_own) else {
                return;
            };
            let code = match (&value, kind) {
                (Value::Text(_), Kind::Choice(_)) => "F0204",
                _ => "F0205",
            };
            let mut diagnostic =
                Diagnostic::error(code, format!("`{path}` {reason}"), &node.origin);
            if let Kind::Choice(choices) = kind {
                let written = match &value {
                    Value::Text(text) => text.as_str(),
                    _ => "",
                };
                diagnostic = diagnostic.nearest(written, choices.iter().copied().chain(of_own));
            }
            diagnostics.push(diagnostic);
            node.value = Value::Invalid;
        }
    }
}

fn check_named(
    node: &mut Node,
    keys: &[Key],
    path: &str,
    (own, diagnostics): (&[OwnKind], &mut Diagnostics),
) {
    match &mut node.value {
        Value::Invalid => {}
        Value::Table(t) => validate(t, keys, path, (own, diagnostics)),
        other => {
            let message = format!("`{path}` is {}, but should be a table", other.kind());
            diagnostics.push(Diagnostic::error("F0205", message, &node.origin));
            node.value = Value::Invalid;
        }
    }
}

/// `prior = "gmm"` is `prior = { kind = "gmm" }`.
pub(crate) fn expand_shorthand(node: &mut Node, kind: String) {
    let inner = Node {
        value: Value::Text(kind),
        ..node.clone()
    };
    let entries = vec![("kind".to_string(), inner)];
    node.value = Value::Table(Table { entries });
}

fn form_error(value: &Value, kind: &Kind, own: &[&str]) -> Option<String> {
    use Value::*;
    let texts = |items: &[Node]| items.iter().all(|n| matches!(n.value, Text(_)));
    let number = |v: &Value| matches!(v, Integer(_) | Number(_));
    let expected = match (value, kind) {
        (Bool(_), Kind::Bool) | (Integer(_), Kind::Integer | Kind::TextOrInteger) => return None,
        (Number(_), Kind::Number) => return None,
        (Text(_), Kind::Text | Kind::TextOrInteger | Kind::TextOrTexts) => return None,
        (Text(text), Kind::Choice(choices)) => {
            let known = choices.iter().chain(own).any(|c| c == text);
            return (!known).then(|| format!("cannot be `{text}`"));
        }
        (Array(items), Kind::Texts | Kind::TextOrTexts) if texts(items) => return None,
        (Array(items), Kind::Numbers) if items.iter().all(|n| number(&n.value)) => return None,
        (Text(_), Kind::NumberOrExpression) => return None,
        (v, Kind::Numbers | Kind::NumberOrTexts | Kind::NumberOrExpression) if number(v) => {
            return None;
        }
        (Array(items), Kind::NumberOrTexts) if texts(items) => return None,
        (Table(_), Kind::AnyMap) => return None,
        (Text(text), Kind::Quantity(dimension)) => match parse_quantity(text) {
            Ok(q) if q.dimension == *dimension => return None,
            Ok(q) => {
                return Some(format!(
                    "has the unit `{}`, but should be like `{}`",
                    q.dimension,
                    dimension.example()
                ));
            }
            Err(reason) => return Some(format!("is not a quantity: {reason}")),
        },
        (Array(items), Kind::Quantities | Kind::QuantitiesOrExpression) => {
            return items.iter().find_map(|n| quantity_error(&n.value));
        }
        (Text(text), Kind::QuantitiesOrExpression) if !looks_like_quantity(text) => return None,
        (Text(text), Kind::QuantitiesOrExpression) if is_calculated(text) => return None,
        (v, Kind::Quantities | Kind::QuantitiesOrExpression) => return quantity_error(v),
        (_, Kind::Bool) => "true or false",
        (_, Kind::Integer) => "a whole number",
        (_, Kind::Number) => "a number",
        (_, Kind::NumberOrExpression) => "a number or an expression in quotes",
        (_, Kind::Text | Kind::Choice(_)) => "a text in quotes",
        (_, Kind::Quantity(dimension)) => {
            let (kind, example) = (value.kind(), dimension.example());
            return Some(format!(
                "is {kind}, but should be a quantity in quotes, such as \"{example}\""
            ));
        }
        (_, Kind::Texts) => "a list of texts",
        (_, Kind::TextOrTexts) => "a text or a list of texts",
        (_, Kind::TextOrInteger) => "a text or a whole number",
        (_, Kind::Numbers) => "a number or a list of numbers",
        (_, Kind::NumberOrTexts) => "a number or a list of texts",
        (_, Kind::List(_)) => "a list of tables, written [[…]]",
        _ => "a table",
    };
    Some(format!("is {}, but should be {expected}", value.kind()))
}

/// Whether a text that begins with a number goes on as an expression, such as `2 * err`.
fn is_calculated(text: &str) -> bool {
    parse_quantity(text).is_err() && text.contains(['*', '(', '+', '['])
}

fn quantity_error(value: &Value) -> Option<String> {
    match value {
        Value::Integer(_) | Value::Number(_) => None,
        Value::Text(text) if looks_like_quantity(text) => parse_quantity(text)
            .err()
            .map(|reason| format!("is not a quantity: {reason}")),
        Value::Text(text) => Some(format!(
            "is `{text}`, but should be a quantity such as \"1 cm\""
        )),
        other => Some(format!(
            "is {}, but should be a quantity such as \"1 cm\"",
            other.kind()
        )),
    }
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.into(),
        _ => format!("{path}.{name}"),
    }
}
