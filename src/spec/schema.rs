//! The languages of specs as JSON Schema (draft 7), made of the tables of keys that the reader uses.

use serde_json::{Map, Value, json};

use super::keys::{Key, Kind, SPEC};
use super::training_keys::TRAINING;

/// What a fitting spec may say.
pub fn of_fits() -> Value {
    whole("A fitting spec", SPEC)
}

/// What the spec of a training may say.
pub fn of_trainings() -> Value {
    whole("A training", TRAINING)
}

fn whole(title: &str, keys: &[Key]) -> Value {
    let mut schema = of_table(keys);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!(title);
    schema
}

/// A table with these keys and no others.
fn of_table(keys: &[Key]) -> Value {
    let named = keys.iter().filter(|k| !matches!(k.kind, Kind::Others(_)));
    let properties: Map<String, Value> = named.map(|k| (k.name.into(), of_key(k))).collect();
    let others = keys.iter().find(|k| matches!(k.kind, Kind::Others(_)));
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": others.map_or(json!(false), of_key),
    });
    let apart = of_kinds(keys);
    if !apart.is_empty() {
        schema["allOf"] = json!(apart);
    }
    schema
}

/// For each kind of a table the keys that it does not have; a preset may say the kind, so that nothing is
/// known of a table that does not.
fn of_kinds(keys: &[Key]) -> Vec<Value> {
    let Some(key) = keys.iter().find(|k| k.name == "kind") else {
        return Vec::new();
    };
    let Kind::Choice(kinds) = key.kind else {
        return Vec::new();
    };
    let of_kind = |kind: &&'static str| {
        let lacks = |k: &&Key| !k.only.is_empty() && !k.only.contains(kind);
        let lacking = keys.iter().filter(lacks);
        let never: Map<String, Value> = lacking.map(|k| (k.name.into(), json!(false))).collect();
        let chosen = json!({ "properties": { "kind": { "const": kind } }, "required": ["kind"] });
        (!never.is_empty()).then_some(json!({ "if": chosen, "then": { "properties": never } }))
    };
    kinds.iter().filter_map(of_kind).collect()
}

fn of_key(key: &Key) -> Value {
    let mut schema = of_value(&key.kind);
    schema["description"] = json!(key.help);
    if let Some(default) = key.default.and_then(value_of) {
        schema["default"] = default;
    }
    schema
}

/// The value that a TOML text stands for.
fn value_of(text: &str) -> Option<Value> {
    let parsed: toml::Table = format!("x = {text}").parse().ok()?;
    serde_json::to_value(parsed.get("x")?).ok()
}

fn of_value(kind: &Kind) -> Value {
    let list_of = |item: Value| json!({ "type": "array", "items": item });
    let any_of = |kinds: Vec<Value>| json!({ "anyOf": kinds });
    let (text, number) = (
        || json!({ "type": "string" }),
        || json!({ "type": "number" }),
    );
    let map_of = |value: Value| json!({ "type": "object", "additionalProperties": value });
    let quantity = || json!({ "type": ["number", "string"] });
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Integer => json!({ "type": "integer" }),
        Kind::Number => number(),
        Kind::Text | Kind::Quantity(_) => text(),
        Kind::Choice(names) => json!({ "type": "string", "enum": names }),
        Kind::NumberOrExpression => json!({ "type": ["number", "string"] }),
        Kind::Quantities | Kind::QuantitiesOrExpression => {
            any_of(vec![quantity(), list_of(quantity())])
        }
        Kind::Texts => list_of(text()),
        Kind::TextOrTexts => any_of(vec![text(), list_of(text())]),
        Kind::TextOrInteger => json!({ "type": ["string", "integer"] }),
        Kind::Numbers => any_of(vec![number(), list_of(number())]),
        Kind::NumberOrTexts => any_of(vec![number(), list_of(text())]),
        Kind::Table(keys) | Kind::Others(keys) => of_table(keys),
        Kind::Kinded(keys) => {
            let kind = keys.iter().find(|k| k.name == "kind");
            any_of(vec![
                kind.map_or(text(), |k| of_value(&k.kind)),
                of_table(keys),
            ])
        }
        Kind::Named(keys) => map_of(of_table(keys)),
        Kind::List(keys) => list_of(of_table(keys)),
        Kind::NumberMap => map_of(number()),
        Kind::TextMap => map_of(text()),
        Kind::AnyMap => map_of(json!({})),
    }
}
