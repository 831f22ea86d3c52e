//! What `[compare]` varies: lists of values by path, and named settings.

use super::cases::Reader;
use crate::diagnostic::{Diagnostic, Origin};
use crate::spec::{Node, Table, Value, View};

/// What a factor makes several of: data and bodies, methods, or settings that a method chooses among.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Data,
    Methods,
    Settings,
}

/// One of the things that are varied.
pub(super) struct Factor {
    pub of: Of,
    /// What is varied, in one word; said where several things of its kind are.
    pub title: String,
    pub levels: Vec<Level>,
}

pub(super) struct Level {
    pub name: String,
    pub settings: Vec<String>,
}

impl Reader<'_> {
    /// The lists of `vary`, or of `tune`.
    pub(super) fn factors(&mut self, view: &View<'_>, key: &str) -> Vec<Factor> {
        let mut lists = Vec::new();
        if let Some(table) = view.table(key) {
            self.lists(table, (key, ""), &mut lists);
        }
        let factor = |(path, items): (String, Vec<Node>)| {
            let level = |node: &Node| Level {
                name: name_of(&node.value),
                settings: vec![format!("{path} = {}", node.value.to_toml())],
            };
            Factor {
                of: match key {
                    "tune" => Of::Settings,
                    _ if is_data(&path) => Of::Data,
                    _ => Of::Methods,
                },
                title: path.rsplit('.').next().unwrap_or(&path).into(),
                levels: items.iter().map(level).collect(),
            }
        };
        let mut factors: Vec<Factor> = lists.into_iter().map(factor).collect();
        for factor in &mut factors {
            self.tell_apart(factor, view, key);
        }
        factors
    }

    /// Paths down to the first list.
    fn lists(
        &mut self,
        table: &Table,
        (key, path): (&str, &str),
        found: &mut Vec<(String, Vec<Node>)>,
    ) {
        for (name, node) in &table.entries {
            let path = match path {
                "" => name.clone(),
                _ => format!("{path}.{name}"),
            };
            match &node.value {
                Value::Table(inner) => self.lists(inner, (key, &path), found),
                Value::Array(items) if !items.is_empty() => {
                    self.exists(&path, node);
                    found.push((path, items.clone()));
                }
                _ => {
                    let message =
                        format!("`compare.{key}.{path}` should be a list of values, one or more");
                    self.diagnostics
                        .push(Diagnostic::error("F0205", message, &node.origin));
                }
            }
        }
    }

    /// Levels of one name would be taken for one, such as files of one name in several folders.
    fn tell_apart(&mut self, factor: &mut Factor, view: &View<'_>, key: &str) {
        let names: Vec<String> = factor.levels.iter().map(|l| l.name.clone()).collect();
        let twice = |name: &String| names.iter().filter(|n| *n == name).count() > 1;
        for level in factor.levels.iter_mut().filter(|l| twice(&l.name)) {
            let value = level.settings[0].split_once(" = ").map_or("", |s| s.1);
            level.name = value.trim_matches(['"', '\'']).to_string();
        }
        let mut known: Vec<&String> = Vec::new();
        for level in &factor.levels {
            if known.contains(&&level.name) {
                let message = format!("`compare.{key}` has `{}` twice", level.name);
                let origin = view.origin_of(key, &Origin::Default);
                self.diagnostics
                    .push(Diagnostic::error("F0701", message, &origin));
            }
            known.push(&level.name);
        }
    }

    /// What is varied is a table that the spec has, or a key of one.
    fn exists(&mut self, path: &str, node: &Node) {
        let parts: Vec<&str> = path.split('.').collect();
        let (section, name) = (parts[0], parts.get(1).copied());
        let named = ["data", "terms", "sources"];
        let root = self.spec.root();
        let Some(name) = name.filter(|_| named.contains(&section)) else {
            return;
        };
        let names: Vec<&str> = root.named(section).iter().map(|t| t.0).collect();
        if parts.len() > 2 && !names.contains(&name) {
            let message = format!("`compare`: the spec has no `{section}.{name}`");
            let diagnostic = Diagnostic::error("F0701", message, &node.key);
            self.diagnostics.push(diagnostic.nearest(name, names));
        }
    }

    pub(super) fn variants(&mut self, view: &View<'_>) -> Option<Factor> {
        let variants = view.table("variants")?;
        let mut levels = Vec::new();
        for (name, node) in &variants.entries {
            let Value::Table(settings) = &node.value else {
                let message = format!("`compare.variants.{name}` should be a table of settings");
                self.diagnostics
                    .push(Diagnostic::error("F0205", message, &node.origin));
                continue;
            };
            if let Some((path, node)) = settings.entries.iter().find(|(path, _)| is_data(path)) {
                let message = format!(
                    "`compare.variants.{name}` sets `{path}`: variants are methods on the same data"
                );
                self.diagnostics.push(
                    Diagnostic::error("F0701", message, &node.key)
                        .hint("`vary` takes several data: all methods are then judged on each"),
                );
            }
            let set = |(path, node): &(String, Node)| format!("{path} = {}", node.value.to_toml());
            levels.push(Level {
                name: name.clone(),
                settings: settings.entries.iter().map(set).collect(),
            });
        }
        (!levels.is_empty()).then_some(Factor {
            of: Of::Methods,
            title: String::new(),
            levels,
        })
    }
}

/// Whether a path is of what is fitted to, and not of how.
fn is_data(path: &str) -> bool {
    ["data", "body"].contains(&path.split('.').next().unwrap_or(path))
}

/// What people call a value.
fn name_of(value: &Value) -> String {
    match value {
        Value::Text(text) => match std::path::Path::new(text).file_name() {
            Some(name) if text.contains('/') => name.to_string_lossy().into_owned(),
            _ => text.clone(),
        },
        Value::Table(table) => {
            let part = |(key, node): &(String, Node)| match key.as_str() {
                "kind" => name_of(&node.value),
                _ => format!("{key} {}", name_of(&node.value)),
            };
            table.entries.iter().map(part).collect::<Vec<_>>().join(" ")
        }
        other => other.to_toml(),
    }
}
