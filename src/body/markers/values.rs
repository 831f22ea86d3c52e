//! The values of a marker layout's TOML; a mistake has its place in the text.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::rule::Direction;
use crate::spec::{Dimension, parse_quantity};

/// No marker's centre stands further off the skin, m: a number in millimetres is caught.
pub(super) const LARGEST_OFFSET: f64 = 0.5;

pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// A place in the text and what is wrong there.
pub(super) struct Wrong(pub usize, pub String);

pub(super) type Read<T> = Result<T, Wrong>;

pub(super) fn in_order<'t, 'a>(
    table: &'t DeTable<'a>,
) -> Vec<(&'t Spanned<Cow<'a, str>>, &'t Value<'a>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

pub(super) fn permit(table: &DeTable<'_>, what: &str, permitted: &[&str]) -> Read<()> {
    for (key, _) in in_order(table) {
        let name: &str = key.get_ref();
        if !permitted.contains(&name) {
            let quoted: Vec<String> = permitted.iter().map(|p| format!("`{p}`")).collect();
            let message = format!(
                "{what} has no key `{name}`, permitted: {}",
                quoted.join(", ")
            );
            return Err(Wrong(key.span().start, message));
        }
    }
    Ok(())
}

pub(super) fn table<'t, 'a>(path: &str, value: &'t Value<'a>) -> Read<&'t DeTable<'a>> {
    match value.get_ref() {
        DeValue::Table(table) => Ok(table),
        _ => Err(expected(path, value, "a table")),
    }
}

pub(super) fn array<'t, 'a>(
    path: &str,
    value: &'t Value<'a>,
    length: usize,
) -> Read<&'t [Value<'a>]> {
    match value.get_ref() {
        DeValue::Array(items) if items.len() == length => Ok(items),
        _ => Err(expected(path, value, &format!("a list of {length}"))),
    }
}

pub(super) fn string<'t>(path: &str, value: &'t Value<'_>) -> Read<&'t str> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text),
        _ => Err(expected(path, value, "a string")),
    }
}

pub(super) fn strings(path: &str, value: &Value<'_>) -> Read<Vec<String>> {
    match value.get_ref() {
        DeValue::Array(items) => items
            .iter()
            .map(|item| Ok(string(path, item)?.to_string()))
            .collect(),
        _ => Err(expected(path, value, "a list of strings")),
    }
}

/// A finite number.
pub(super) fn float(path: &str, value: &Value<'_>) -> Read<f64> {
    let number = match value.get_ref() {
        DeValue::Float(float) => float.as_str().parse().ok(),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .map(|n| n as f64),
        _ => None,
    };
    let finite = number.filter(|n: &f64| n.is_finite());
    finite.ok_or_else(|| expected(path, value, "a finite number"))
}

pub(super) fn vector(path: &str, value: &Value<'_>) -> Read<[f64; 3]> {
    let mut numbers = [0.0; 3];
    for (item, number) in array(path, value, 3)?.iter().zip(&mut numbers) {
        *number = float(path, item)?;
    }
    Ok(numbers)
}

/// `"9.5 mm"`; a plain number is metres.
pub(super) fn quantity(path: &str, value: &Value<'_>) -> Read<f64> {
    let DeValue::String(text) = value.get_ref() else {
        return float(path, value);
    };
    let quantity = parse_quantity(text)
        .map_err(|what| Wrong(value.span().start, format!("`{path}`: {what}")))?;
    match quantity.dimension == Dimension::LENGTH && quantity.value.is_finite() {
        true => Ok(quantity.value),
        false => Err(expected(path, value, "a length such as \"9.5 mm\"")),
    }
}

pub(super) fn skin_offset(path: &str, value: &Value<'_>) -> Read<f64> {
    let offset = quantity(path, value)?;
    match (0.0..=LARGEST_OFFSET).contains(&offset) {
        true => Ok(offset),
        false => Err(expected(
            path,
            value,
            "a distance from the skin such as \"9.5 mm\"",
        )),
    }
}

/// `"+x"`, or `[left, up, front]`.
pub(super) fn direction(path: &str, value: &Value<'_>) -> Read<Direction> {
    let start = value.span().start;
    if let DeValue::String(text) = value.get_ref() {
        return axis(text).ok_or_else(|| not_a_direction(path, start));
    }
    let [x, y, z] = vector(path, value)?;
    let length = (x * x + y * y + z * z).sqrt();
    match length > 1e-6 && length.is_finite() {
        true => Ok([x / length, y / length, z / length]),
        false => Err(not_a_direction(path, start)),
    }
}

pub(super) fn axis(text: &str) -> Option<Direction> {
    match text {
        "+x" => Some([1.0, 0.0, 0.0]),
        "-x" => Some([-1.0, 0.0, 0.0]),
        "+y" => Some([0.0, 1.0, 0.0]),
        "-y" => Some([0.0, -1.0, 0.0]),
        "+z" => Some([0.0, 0.0, 1.0]),
        "-z" => Some([0.0, 0.0, -1.0]),
        _ => None,
    }
}

pub(super) fn not_a_direction(path: &str, start: usize) -> Wrong {
    let what = "expected a direction: `+x` left, `+y` up, `+z` front, `-x`, `-y` or `-z`";
    Wrong(start, format!("`{path}`: {what}"))
}

pub(super) fn expected(path: &str, value: &Value<'_>, what: &str) -> Wrong {
    Wrong(value.span().start, format!("`{path}`: expected {what}"))
}
