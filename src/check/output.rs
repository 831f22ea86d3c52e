//! What the run writes, and where.

use super::Checker;
use crate::diagnostic::{Diagnostic, Origin};
use crate::ir::{Output, OutputFile, PlotKind};
use crate::spec::View;

impl Checker<'_> {
    pub(super) fn output(&mut self) -> Output {
        let empty = Default::default();
        let root = self.spec.root();
        let view = View::new(root.table("output").unwrap_or(&empty), "output");
        if self.spec.name.contains(['/', '\\']) || self.spec.name == ".." {
            let message = "`name` names a run, not a path";
            let origin = root.origin_of("name", &Origin::Default);
            self.diagnostics
                .push(Diagnostic::error("F0205", message, &origin));
        }
        let dir = view.text("dir").map_or("runs/{name}", |d| d.value);
        Output {
            dir: dir.replace("{name}", &self.spec.name),
            write: self.chosen(&view, "write", &OutputFile::NAMES),
            plots: self.plots(&view),
        }
    }

    fn plots(&mut self, view: &View<'_>) -> Vec<PlotKind> {
        let mut plots = self.chosen(view, "plots", &PlotKind::NAMES);
        let origin = view.origin_of("plots", &Origin::Default);
        if plots.contains(&PlotKind::Fit) && self.curves.is_empty() {
            plots.retain(|p| *p != PlotKind::Fit);
            if origin != Origin::Default {
                let message =
                    "no term is written as a model less a column, so there is no `fit` to draw";
                let diagnostic = Diagnostic::warning("F0514", message, &origin);
                let hint = "such as `residual = \"a * exp(-b * t) - y\"` of columns t and y";
                self.diagnostics.push(diagnostic.hint(hint));
            }
        }
        plots
    }

    fn chosen<T: Copy>(&mut self, view: &View<'_>, key: &str, names: &[(&str, T)]) -> Vec<T> {
        let mut chosen = Vec::new();
        for text in view.texts(key).unwrap_or_default() {
            match names.iter().find(|(name, _)| *name == text.value) {
                Some((_, what)) => chosen.push(*what),
                None => {
                    let message = format!("`output.{key}` cannot write `{}`", text.value);
                    let names = names.iter().map(|(name, _)| *name);
                    let diagnostic = Diagnostic::error("F0204", message, &text.origin);
                    self.diagnostics.push(diagnostic.nearest(text.value, names));
                }
            }
        }
        chosen
    }
}
