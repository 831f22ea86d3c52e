//! Warnings for what a spec says without effect.

use super::Checker;
use crate::body::markers::sides::other_side;
use crate::diagnostic::{Diagnostic, Origin};
use crate::ir::{Stage, Term, VariableId};
use crate::spec::{Value, View};

impl Checker<'_> {
    /// A spec with mistakes is not told what they leave unused.
    pub(super) fn warn_unused(&mut self, terms: &[Term], stages: &[Stage]) {
        if self.diagnostics.has_errors() {
            return;
        }
        self.warn_unread(
            "data",
            "data set",
            &[("terms", "target"), ("sources", "cameras")],
        );
        self.warn_unread(
            "sources",
            "source",
            &[("terms", "source"), ("terms", "of"), ("sources", "of")],
        );
        self.warn_never_free(stages);
        self.warn_zero_prior();
        self.warn_one_sided(terms);
    }

    /// Named tables that none of the readers, (section, key), names.
    fn warn_unread(&mut self, section: &str, what: &str, readers: &[(&str, &str)]) {
        let root = self.spec.root();
        let read: Vec<&str> = readers
            .iter()
            .flat_map(|(section, key)| {
                let tables = root.named(section).into_iter();
                let read = tables.filter_map(|(_, table, _)| table.text(key));
                read.chain(set_in_stages(&root, section, key))
            })
            .collect();
        for (name, _, node) in root.named(section) {
            if !read.contains(&name) && !self.read.contains(name) {
                let message = format!("no term reads the {what} `{name}`");
                self.warn("F0501", message, &node.key);
            }
        }
    }

    fn warn_never_free(&mut self, stages: &[Stage]) {
        let root = self.spec.root();
        for (name, _, node) in root.named("vars") {
            let Some(id) = self.variable_id(name) else {
                continue;
            };
            let free = |id: VariableId| stages.iter().any(|s| s.free.contains(&id));
            // A default variable that a schedule keeps fixed is a choice; one that was written is not.
            if !free(id) && node.key != Origin::Default && !self.spec.has_body {
                let message = format!("the variable `{name}` is free in no stage");
                self.warn("F0501", message, &node.key);
            }
        }
    }

    fn warn_zero_prior(&mut self) {
        let root = self.spec.root();
        let Some(prior) = root.table("terms").and_then(|t| t.table("prior")) else {
            return;
        };
        let weight = View::new(prior, "terms.prior").number("weight");
        if let Some(weight) = weight.filter(|w| w.value == 0.0) {
            let message = "the prior has the weight zero, so it does nothing".to_string();
            self.warn("F0503", message, &weight.origin);
        }
    }

    /// A left point without its right one, or the reverse, is usually a slip of the labels.
    fn warn_one_sided(&mut self, terms: &[Term]) {
        for term in terms {
            let Some(targets) = term.residual.targets() else {
                continue;
            };
            let labels = &targets.labels;
            let lone: Vec<&String> = labels
                .iter()
                .filter(|l| self.lacks_its_other_side(l, labels))
                .collect();
            if !lone.is_empty() {
                let message = format!(
                    "`terms.{}`: on one side only: {}",
                    term.name,
                    crate::diagnostic::list(&lone)
                );
                let root = self.spec.root();
                let node = root.table("terms").and_then(|t| t.get(&term.name));
                let origin = node.map_or(Origin::Default, |n| n.key.clone());
                self.warn("F0504", message, &origin);
            }
        }
    }

    /// Whether the other side is missing that somebody would expect: some layouts have one side only.
    fn lacks_its_other_side(&self, label: &str, labels: &[String]) -> bool {
        let Some(other) = other_side(label).filter(|o| !labels.contains(o)) else {
            return false;
        };
        let mut layouts = self.inputs.markers.iter();
        !layouts.any(|set| set.marker(label).is_some() && set.marker(&other).is_none())
    }

    fn warn(&mut self, code: &'static str, message: String, origin: &Origin) {
        self.diagnostics
            .push(Diagnostic::warning(code, message, origin));
    }
}

/// What stages set a key of a section's tables to.
fn set_in_stages<'a>(root: &View<'a>, section: &str, key: &str) -> Vec<&'a str> {
    let Some(Value::Array(stages)) = root.node("stages").map(|n| &n.value) else {
        return Vec::new();
    };
    let sets = stages.iter().filter_map(|stage| match &stage.value {
        Value::Table(stage) => stage.table("set"),
        _ => None,
    });
    let is_key = |path: &str| {
        let mut parts = path.split('.');
        parts.next() == Some(section) && parts.nth(1) == Some(key)
    };
    let paths = sets.flat_map(|set| set.entries.iter().map(move |(path, _)| (set, path)));
    let set = paths.filter(|(_, path)| is_key(path));
    set.filter_map(|(set, path)| set.text(path)).collect()
}
