//! What the TOML says: layers merged, held against the table of keys, with every value's origin.

pub mod keys;
mod language;
mod layers;
pub mod schema;
mod training_keys;
mod tree;
mod units;
mod validate;
mod view;

use std::path::Path;

use crate::diagnostic::{Diagnostic, Diagnostics, Origin, Sourced, Sources};
pub(crate) use keys::TERM_KINDS;
pub(crate) use language::Language;
use layers::Layers;
pub(crate) use layers::PRESETS;
pub(crate) use tree::{Node, Table, Value};
pub use units::{Dimension, Quantity};
pub(crate) use units::{likely_unit, looks_like_quantity, parse_quantity, parse_unit, units_of};
pub(crate) use validate::{OwnKind, Role};
pub(crate) use view::View;

/// The version of the language that this crate speaks.
const VERSION: i64 = 1;

/// A spec after its layers were merged and its form was checked.
#[derive(Clone, Debug)]
pub struct Spec {
    pub name: String,
    pub(crate) tree: Table,
    pub(crate) has_body: bool,
    own: Vec<OwnKind>,
    pub sources: Sources,
}

/// What is laid over a spec's text: `path.to.key=value`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Overrides<'a> {
    /// With paths relative to the spec.
    pub varied: &'a [String],
    /// Over these, with paths relative to the working directory.
    pub sets: &'a [String],
}

impl<'a> From<&'a [String]> for Overrides<'a> {
    fn from(sets: &'a [String]) -> Self {
        Self { varied: &[], sets }
    }
}

/// Reads a spec's text with everything that it extends and the `--set` arguments over it.
///
/// Every mistake of form goes to `diagnostics`; what is left of the spec is returned all the same,
/// so that the mistakes of its meaning can be found in the same go.
pub(crate) fn parse(
    path: &Path,
    text: &str,
    over: &Overrides<'_>,
    own: Vec<OwnKind>,
    diagnostics: &mut Diagnostics,
) -> Spec {
    parse_in((Language::Fit, own), path, text, over, diagnostics)
}

/// As [`parse`], of a spec in another language.
pub(crate) fn parse_in(
    (language, own): (Language, Vec<OwnKind>),
    path: &Path,
    text: &str,
    over: &Overrides<'_>,
    diagnostics: &mut Diagnostics,
) -> Spec {
    let mut sources = Sources::default();
    let mut layers = Layers::new(path, &mut sources, diagnostics);
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut tree = layers.load(&path.display().to_string(), text, folder);
    for set in over.varied {
        layers.set(&mut tree, ("[compare]", set), folder);
    }
    for set in over.sets {
        layers.set(&mut tree, ("--set", set), Path::new(""));
    }
    check_version(&tree, diagnostics);
    language.refuse_the_other(&tree, diagnostics);
    let has_body = language.uses_body(&tree);
    let mut tree = language.lay_over_defaults(tree, &own);
    for section in language.sections(&tree) {
        if tree.get(section).is_none() {
            tree.set(section, empty_table());
        }
    }
    // The form of a text that is not TOML, or in the other language, can only be guessed.
    if !diagnostics.unreadable() {
        language.validate(&mut tree, (&own, diagnostics));
        fill_inner_tables(&mut tree, diagnostics);
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Spec {
        name: tree.text("name").unwrap_or(&stem).to_string(),
        tree,
        has_body,
        own,
        sources,
    }
}

fn check_version(tree: &Table, diagnostics: &mut Diagnostics) {
    let origin = Origin::At {
        source: 0,
        span: 0..0,
    };
    match tree.get("fitrun") {
        Some(Node {
            value: Value::Integer(VERSION),
            ..
        }) => {}
        Some(node) => {
            let message = format!("this fitrun speaks version {VERSION} of the language");
            diagnostics.push(
                Diagnostic::error("F0104", message, &node.origin)
                    .label(format!("write `fitrun = {VERSION}`")),
            );
        }
        None if tree.entries.is_empty() => diagnostics.push(
            Diagnostic::error("F0104", "the spec is empty", &origin)
                .hint(format!("begin it with `fitrun = {VERSION}`")),
        ),
        None => diagnostics.push(
            Diagnostic::error("F0104", "the spec does not say its version", &origin)
                .hint(format!("begin it with `fitrun = {VERSION}`")),
        ),
    }
}

fn empty_table() -> Node {
    Node {
        value: Value::Table(Table::default()),
        origin: Origin::Default,
        key: Origin::Default,
    }
}

/// Tables inside tables that nobody wrote have defaults too.
fn fill_inner_tables(tree: &mut Table, diagnostics: &mut Diagnostics) {
    if let Some(Value::Table(solve)) = tree.get_mut("solve").map(|n| &mut n.value)
        && solve.get("tolerance").is_none()
    {
        let mut tolerance = Table::default();
        validate::validate(
            &mut tolerance,
            keys::TOLERANCE,
            "solve.tolerance",
            (&[], diagnostics),
        );
        let value = Value::Table(tolerance);
        solve.set(
            "tolerance",
            Node {
                value,
                ..empty_table()
            },
        );
    }
}

impl Spec {
    pub(crate) fn root(&self) -> View<'_> {
        View::new(&self.tree, "")
    }

    /// The same spec with some settings of terms replaced, as a stage's `set` asks for.
    pub(crate) fn with(&self, changes: &Table, diagnostics: &mut Diagnostics) -> Self {
        let mut changed = self.clone();
        for (path, node) in &changes.entries {
            if !path.starts_with("terms.") {
                let message = format!("a stage can set what is under `terms`, not `{path}`");
                diagnostics.push(Diagnostic::error("F0305", message, &node.key).hint(
                    "a path is one key in quotes: `set = { \"terms.data.sigma\" = \"1 cm\" }`",
                ));
                continue;
            }
            let term = path.split('.').nth(1).unwrap_or("");
            if !self.root().named("terms").iter().any(|(n, ..)| *n == term) {
                let message = format!("unknown term `{term}`");
                let names: Vec<&str> = self.root().named("terms").iter().map(|t| t.0).collect();
                let diagnostic = Diagnostic::error("F0304", message, &node.key);
                diagnostics.push(diagnostic.nearest(term, names));
                continue;
            }
            let layer = path.rsplit('.').fold(node.clone(), |inner, key| Node {
                value: Value::Table(Table {
                    entries: vec![(key.to_string(), inner)],
                }),
                origin: node.origin.clone(),
                key: node.key.clone(),
            });
            if let Value::Table(layer) = layer.value {
                layers::merge(&mut changed.tree, layer);
            }
        }
        let within = (self.own.as_slice(), diagnostics);
        validate::validate(&mut changed.tree, keys::SPEC, "", within);
        changed
    }

    /// Every resolved value with its origin, in the order of the tree.
    pub fn leaves(&self) -> Vec<(String, Sourced<String>)> {
        let mut leaves = Vec::new();
        collect(&self.tree, "", &mut leaves);
        leaves
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        Value::Table(self.tree.clone()).to_json()
    }
}

fn collect(table: &Table, path: &str, leaves: &mut Vec<(String, Sourced<String>)>) {
    for (key, node) in &table.entries {
        let path = match path {
            "" => key.clone(),
            _ => format!("{path}.{key}"),
        };
        match &node.value {
            Value::Table(inner) if !inner.entries.is_empty() => collect(inner, &path, leaves),
            Value::Array(items) if items.iter().any(|n| matches!(n.value, Value::Table(_))) => {
                for (i, item) in items.iter().enumerate() {
                    if let Value::Table(inner) = &item.value {
                        collect(inner, &format!("{path}[{i}]"), leaves);
                    }
                }
            }
            value => {
                let text = Sourced::new(value.to_toml(), node.origin.clone());
                leaves.push((path, text));
            }
        }
    }
}
