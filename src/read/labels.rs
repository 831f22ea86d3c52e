//! The names that points go by: `map`, and labels that stand twice.

use std::collections::BTreeMap;

use super::Reader;
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::spec::View;

impl Reader<'_> {
    /// The labels after `map`, where each stands for one point; a mistake is reported.
    pub(super) fn named_anew(&mut self, labels: Vec<String>) -> Option<Vec<String>> {
        if let Some(label) = repeated(&labels) {
            let message = format!("the label `{label}` stands twice in `{}`", self.view.path());
            let origin = self.view.origin_of("names", &self.origin);
            self.diagnostics.push(
                Diagnostic::error("F0403", message, &origin)
                    .hint("points are joined by label, so each needs its own"),
            );
            return None;
        }
        let renamed = self.renamed(&labels)?;
        let given = |label: &String| match renamed.get(label) {
            Some((name, _)) => name.clone(),
            None => label.clone(),
        };
        let given: Vec<String> = labels.iter().map(given).collect();
        let Some(clash) = repeated(&given) else {
            return Some(given);
        };
        let (_, origin) = renamed.values().find(|(name, _)| name == clash)?;
        let message = format!(
            "`{}.map` names a label `{clash}`, but the file has another one of that name",
            self.view.path()
        );
        let others = format!("choose another name, or map `{clash}` to one as well");
        self.diagnostics
            .push(Diagnostic::error("F0403", message, origin).hint(others));
        None
    }

    /// `map` holds for labels; people, cameras and motions have none of their own.
    pub(super) fn refuse_map(&mut self, format: &str) {
        let Some(node) = self.view.node("map") else {
            return;
        };
        let message = format!("`{}.map` has no meaning for {format}", self.view.path());
        self.diagnostics.push(
            Diagnostic::error("F0203", message, &node.key)
                .hint("it belongs to the formats `npz`, `csv`, `c3d` and `trc`"),
        );
    }

    /// Only labels of c3d, trc and csv name a subject.
    pub(super) fn refuse_subject(&mut self, format: &str) {
        let Some(node) = self.view.node("subject") else {
            return;
        };
        let message = format!("`{}.subject` has no meaning for {format}", self.view.path());
        self.diagnostics.push(
            Diagnostic::error("F0203", message, &node.key)
                .hint("it belongs to the formats `c3d`, `trc` and `csv`"),
        );
    }

    /// By the file's label the new name, with its place in the spec.
    fn renamed(&mut self, labels: &[String]) -> Option<BTreeMap<String, (String, Origin)>> {
        let mut renamed: BTreeMap<String, (String, Origin)> = BTreeMap::new();
        let map = self.view.table("map");
        let mut good = true;
        for (name, node) in map.iter().flat_map(|table| table.entries.iter()) {
            let Some(label) = map.and_then(|table| View::new(table, "map").text(name)) else {
                good = false;
                continue;
            };
            good &= self.check_known(&label, labels);
            let given = (name.clone(), node.key.clone());
            if let Some((other, _)) = renamed.insert(label.value.into(), given) {
                let path = self.view.path();
                let message = format!("`{path}.map` gives `{}` two names", label.value);
                self.diagnostics.push(
                    Diagnostic::error("F0403", message, &label.origin)
                        .hint(format!("`{other}` and `{name}`: keep one of them")),
                );
                good = false;
            }
        }
        good.then_some(renamed)
    }

    fn check_known(&mut self, label: &Sourced<&str>, labels: &[String]) -> bool {
        let known = labels.iter().any(|l| l == label.value);
        if !known {
            let path = self.view.path();
            let message = format!("the file of `{path}` has no label `{}`", label.value);
            let names = labels.iter().map(String::as_str);
            let diagnostic = Diagnostic::error("F0403", message, &label.origin);
            self.diagnostics
                .push(diagnostic.nearest(label.value, names));
        }
        known
    }
}

/// The first label that another point has too.
fn repeated(labels: &[String]) -> Option<&String> {
    let mut seen = std::collections::BTreeSet::new();
    labels.iter().find(|label| !seen.insert(label.as_str()))
}
