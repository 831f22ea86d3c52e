//! The layers of a spec: defaults, what it extends, the file, the command line; laid over each other.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::tree::{self, Node, Table, Value};
use super::validate::{OwnKind, Role, expand_shorthand, forget_places};
use crate::diagnostic::{Diagnostic, Diagnostics, Origin, Sources, list};

/// Kinds of priors whose variable is a code `z`.
const CODED: &[&str] = &["vposer", "vposer-gmm", "gan-s", "gan-u", "gan-n"];

/// Specs that others extend, by the names that they go by.
pub(crate) const PRESETS: &[(&str, &str)] = &[
    (
        "presets/hands.toml",
        include_str!("../../specs/presets/hands.toml"),
    ),
    (
        "presets/hands-pca.toml",
        include_str!("../../specs/presets/hands-pca.toml"),
    ),
    (
        "presets/whole-body.toml",
        include_str!("../../specs/presets/whole-body.toml"),
    ),
    (
        "presets/markers.toml",
        include_str!("../../specs/presets/markers.toml"),
    ),
    (
        "presets/multiview.toml",
        include_str!("../../specs/presets/multiview.toml"),
    ),
    (
        "presets/one-camera.toml",
        include_str!("../../specs/presets/one-camera.toml"),
    ),
    (
        "presets/smooth.toml",
        include_str!("../../specs/presets/smooth.toml"),
    ),
];
const BODY_DEFAULTS: &str = include_str!("defaults/body.toml");
const GENERIC_DEFAULTS: &str = include_str!("defaults/generic.toml");
const CODE_DEFAULTS: &str = include_str!("defaults/code.toml");
const JOINT_STAGE: &str = include_str!("defaults/together.toml");

/// The layers of one spec, merged; `sources` names every text that took part.
pub(crate) struct Layers<'a> {
    pub sources: &'a mut Sources,
    pub diagnostics: &'a mut Diagnostics,
    open: Vec<PathBuf>,
    /// Files that were read, with all that they extend.
    loaded: Vec<(PathBuf, Table)>,
}

impl<'a> Layers<'a> {
    /// For a spec that lies at `path`.
    pub fn new(path: &Path, sources: &'a mut Sources, diagnostics: &'a mut Diagnostics) -> Self {
        Self {
            sources,
            diagnostics,
            open: vec![path.canonicalize().unwrap_or(path.into())],
            loaded: Vec::new(),
        }
    }

    /// The text's tree laid over everything that it extends. `folder` is where its paths start.
    pub fn load(&mut self, name: &str, text: &str, folder: &Path) -> Table {
        let source = self.sources.add(name, text);
        let mut table = tree::parse(text, source, self.diagnostics);
        make_paths_absolute(&mut table, folder);
        let mut merged = Table::default();
        for base in extends(&table) {
            let below = self.load_base(&base, folder);
            merge(&mut merged, below);
        }
        merge(&mut merged, table);
        merged
    }

    fn load_base(&mut self, base: &Sourcing, folder: &Path) -> Table {
        if let Some((name, text)) = PRESETS.iter().find(|p| p.0 == base.name) {
            return self.load(name, text, folder);
        }
        if base.name.starts_with("presets/") {
            let message = format!("there is no preset `{}`", base.name);
            let names: Vec<&str> = PRESETS.iter().map(|p| p.0).collect();
            let hint = format!("there are {}", list(&names));
            let diagnostic = Diagnostic::error("F0102", message, &base.origin);
            self.diagnostics.push(diagnostic.hint(hint));
            return Table::default();
        }
        let path = folder.join(&base.name);
        let place = path.canonicalize().unwrap_or(path.clone());
        if let Some(first) = self.open.iter().position(|open| *open == place) {
            let names = self.open[first..].iter().chain([&place]);
            let chain: Vec<String> = names
                .map(|p| format!("`{}`", p.file_name().unwrap_or_default().display()))
                .collect();
            let message = format!("specs extend each other in a circle: {}", chain.join(" → "));
            self.diagnostics
                .push(Diagnostic::error("F0102", message, &base.origin));
            return Table::default();
        }
        if let Some((_, known)) = self.loaded.iter().find(|(p, _)| *p == place) {
            return known.clone();
        }
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                self.open.push(place.clone());
                let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
                let table = self.load(&path.display().to_string(), &text, &folder);
                self.open.pop();
                self.loaded.push((place, table.clone()));
                table
            }
            Err(error) => {
                let reason = match error.kind() {
                    std::io::ErrorKind::NotFound => "there is no such file".to_string(),
                    _ => error.to_string(),
                };
                let message = format!("cannot read `{}`: {reason}", path.display());
                self.diagnostics
                    .push(Diagnostic::error("F0102", message, &base.origin));
                Table::default()
            }
        }
    }

    /// Lays `path.to.key=value` over the tree; the right side is TOML, else a text.
    /// `from` is what messages call its place.
    pub fn set(&mut self, table: &mut Table, (from, argument): (&str, &str), folder: &Path) {
        let Some((path, value)) = argument.split_once('=') else {
            let source = self.sources.add("--set", argument);
            let span = 0..argument.len();
            let message = format!("`--set {argument}` has no `=`");
            let origin = Origin::At { source, span };
            self.diagnostics.push(
                Diagnostic::error("F0103", message, &origin).hint("write --set path.to.key=value"),
            );
            return;
        };
        if path.trim() == "extends" {
            let source = self.sources.add("--set", argument);
            let span = 0..path.len();
            let message = "what a spec extends is part of the file";
            self.diagnostics.push(Diagnostic::error(
                "F0103",
                message,
                &Origin::At { source, span },
            ));
            return;
        }
        let literal = value.trim();
        let line = format!("{} = {literal}", path.trim());
        let valid = line.parse::<toml::Table>().is_ok();
        let line = match valid {
            true => line,
            false => format!("{} = {}", path.trim(), toml::Value::from(literal)),
        };
        let source = self.sources.add(format!("{from} {argument}"), &line);
        let mut layer = tree::parse(&line, source, self.diagnostics);
        make_paths_absolute(&mut layer, folder);
        merge(table, layer);
    }
}

struct Sourcing {
    name: String,
    origin: Origin,
}

fn extends(table: &Table) -> Vec<Sourcing> {
    let one = |node: &Node| match &node.value {
        Value::Text(name) => Some(Sourcing {
            name: name.clone(),
            origin: node.origin.clone(),
        }),
        _ => None,
    };
    match table.get("extends") {
        Some(Node {
            value: Value::Array(items),
            ..
        }) => items.iter().filter_map(one).collect(),
        Some(node) => one(node).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Paths are relative to the file that names them, so they are resolved before layers mix.
fn make_paths_absolute(table: &mut Table, folder: &Path) {
    let resolve = |table: &mut Table, key: &str| {
        if let Some(Node {
            value: Value::Text(text),
            ..
        }) = table.get_mut(key)
            && text != "builtin"
            && !folder.as_os_str().is_empty()
        {
            *text = folder.join(&*text).display().to_string();
        }
    };
    for (section, key) in [("body", "model"), ("prior", "file"), ("prior", "network")] {
        if let Some(Value::Table(t)) = table.get_mut(section).map(|n| &mut n.value) {
            resolve(t, key);
        }
    }
    for key in ["train", "val"] {
        if let Some(Value::Table(t)) = table.get_mut("data").map(|n| &mut n.value) {
            resolve_all(t, key, folder);
        }
    }
    if let Some(Value::Table(sources)) = table.get_mut("sources").map(|n| &mut n.value) {
        for (_, node) in &mut sources.entries {
            if let Value::Table(t) = &mut node.value
                && t.text("layout").is_some_and(is_layout_file)
            {
                resolve(t, "layout");
            }
        }
    }
    if let Some(Value::Table(sets)) = table.get_mut("data").map(|n| &mut n.value) {
        for (_, node) in &mut sets.entries {
            if let Value::Table(t) = &mut node.value {
                resolve(t, "file");
            }
        }
    }
}

/// One path or a list of them.
fn resolve_all(table: &mut Table, key: &str, folder: &Path) {
    if folder.as_os_str().is_empty() {
        return;
    }
    let paths = match table.get_mut(key).map(|n| &mut n.value) {
        Some(Value::Array(items)) => items.iter_mut().map(|n| &mut n.value).collect(),
        Some(value) => vec![value],
        None => Vec::new(),
    };
    for path in paths {
        if let Value::Text(text) = path {
            *text = folder.join(&*text).display().to_string();
        }
    }
}

/// Embedded layouts have names without an extension.
fn is_layout_file(name: &str) -> bool {
    name.ends_with(".toml") || name.ends_with(".json")
}

/// Lays `above` over `below`: tables merge, everything else replaces, and so does a change of `kind`.
pub(crate) fn merge(below: &mut Table, above: Table) {
    let keys = below.entries.iter().enumerate();
    let mut places: HashMap<String, usize> = keys.map(|(at, (key, _))| (key.clone(), at)).collect();
    for (key, mut node) in above.entries {
        let Some(&place) = places.get(&key) else {
            places.insert(key.clone(), below.entries.len());
            below.entries.push((key, node));
            continue;
        };
        let old = &mut below.entries[place].1;
        if let (Value::Table(_), Value::Text(kind)) = (&old.value, &node.value) {
            let kind = kind.clone();
            expand_shorthand(&mut node, kind);
        }
        match (&mut old.value, node.value) {
            (Value::Table(old_table), Value::Table(new_table))
                if same_kind(old_table, &new_table) =>
            {
                merge(old_table, new_table);
            }
            (_, value) => {
                old.value = value;
                old.origin = node.origin;
                old.key = node.key;
            }
        }
    }
}

fn same_kind(old: &Table, new: &Table) -> bool {
    match (old.text("kind"), new.text("kind")) {
        (Some(old), Some(new)) => old == new,
        // What compares a source with a target is of the kind `points` without a word.
        (None, Some(new)) if old.get("target").is_some() => new == "points",
        _ => true,
    }
}

/// The lowest layer: what a spec that uses a body means when it says nothing else.
pub(crate) fn lay_over_defaults(spec: Table, own: &[OwnKind]) -> Table {
    if !uses_body(&spec) {
        let mut merged = default_layer(GENERIC_DEFAULTS);
        merge(&mut merged, spec);
        return merged;
    }
    let mut merged = default_layer(BODY_DEFAULTS);
    if has_code(&spec, own) {
        // A prior with a code owns the pose: `z` stands where `pose_body` stood.
        if let Some(Value::Table(variables)) = merged.get_mut("vars").map(|n| &mut n.value) {
            variables.entries.retain(|(name, _)| name != "pose_body");
        }
        merge(&mut merged, default_layer(CODE_DEFAULTS));
    }
    let terms = coupling_terms(&spec, own);
    if !terms.is_empty()
        && let Some(Value::Array(stages)) = merged.get_mut("stages").map(|n| &mut n.value)
    {
        let mut last = default_layer(JOINT_STAGE);
        for stage in stages.iter_mut() {
            if let Value::Table(stage) = &mut stage.value {
                let disable = Node {
                    value: Value::Array(terms.clone()),
                    origin: Origin::Default,
                    key: Origin::Default,
                };
                stage.set("disable", disable);
            }
        }
        if let Some(Value::Array(extra)) = last.get_mut("stages").map(|n| &mut n.value) {
            stages.append(extra);
        }
    }
    merge(&mut merged, spec);
    merged
}

fn default_layer(text: &str) -> Table {
    let mut table = tree::parse(text, 0, &mut Diagnostics::default());
    table.entries.iter_mut().for_each(|(_, n)| forget_places(n));
    table
}

/// A spec uses the body when it mentions one, or a prior, or a source that only a body has.
pub(crate) fn uses_body(spec: &Table) -> bool {
    let reads_body = |section: &str, keys: &[&str]| {
        spec.table(section).is_some_and(|named| {
            named.entries.iter().any(|(_, node)| match &node.value {
                Value::Table(t) => keys
                    .iter()
                    .any(|k| matches!(t.text(k), Some("joints" | "vertices" | "surface"))),
                _ => false,
            })
        })
    };
    spec.get("body").is_some()
        || spec.get("prior").is_some()
        || reads_body("sources", &["kind", "of"])
        || reads_body("terms", &["source", "of"])
        || reads_joints(spec)
}

/// Whether the spec's prior has a code of its own.
fn has_code(spec: &Table, own: &[OwnKind]) -> bool {
    let kind = match spec.get("prior").map(|n| &n.value) {
        Some(Value::Text(kind)) => Some(kind.as_str()),
        Some(Value::Table(prior)) => prior.text("kind"),
        _ => None,
    };
    let is_own = |kind| own.iter().any(|k| k.role == Role::Coded && k.name == kind);
    kind.is_some_and(|kind| CODED.contains(&kind) || is_own(kind))
}

/// The names in an expression, without its comments, each with whether it is called.
fn names_in(expression: &str) -> Vec<(&str, bool)> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names = Vec::new();
    for line in expression.lines() {
        let mut rest = line.split('#').next().unwrap_or("");
        while let Some(first) = rest.find(part) {
            let from = &rest[first..];
            let (name, after) = from.split_at(from.find(|c| !part(c)).unwrap_or(from.len()));
            names.push((name, after.trim_start().starts_with('(')));
            rest = after;
        }
    }
    names
}

/// Whether an expression calls `next`.
fn reads_next(expression: &str) -> bool {
    names_in(expression).contains(&("next", true))
}

/// Whether a text of a term reads the joints of a body, where nothing else has that name.
fn reads_joints(spec: &Table) -> bool {
    let named = |section: &str| {
        spec.table(section)
            .is_some_and(|t| t.get("joints").is_some())
    };
    let tables = spec.table("data").into_iter().flat_map(|t| &t.entries);
    let mut columns = tables.filter_map(|(_, node)| match &node.value {
        Value::Table(t) => t.table("columns"),
        _ => None,
    });
    if named("vars") || named("data") || columns.any(|c| c.get("joints").is_some()) {
        return false;
    }
    let terms = spec.table("terms").into_iter().flat_map(|t| &t.entries);
    let mut texts = terms.flat_map(|(_, node)| match &node.value {
        Value::Table(t) => t
            .entries
            .iter()
            .filter_map(|(_, n)| match &n.value {
                Value::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    });
    texts.any(|text| names_in(text).iter().any(|(name, _)| *name == "joints"))
}

/// The terms that tie frames to each other.
fn coupling_terms(spec: &Table, own: &[OwnKind]) -> Vec<Node> {
    let Some(terms) = spec.table("terms") else {
        return Vec::new();
    };
    let couples = |node: &Node| match &node.value {
        Value::Table(t) => match t.text("kind") {
            Some("difference" | "contact") => true,
            Some("expr") => {
                let text = t.text("residual").or_else(|| t.text("energy"));
                text.is_some_and(reads_next)
            }
            Some(kind) => {
                let mut own = own.iter().filter(|k| k.role == Role::TiesFrames);
                own.any(|k| k.name == kind)
            }
            None => false,
        },
        _ => false,
    };
    let name = |name: &String| Node {
        value: Value::Text(name.clone()),
        origin: Origin::Default,
        key: Origin::Default,
    };
    let coupling = terms.entries.iter().filter(|(_, n)| couples(n));
    coupling.map(|(k, _)| name(k)).collect()
}
