//! What the run writes, and where.

use super::Checker;
use crate::diagnostic::{Diagnostic, Origin};
use crate::ir::{Output, OutputFile, PlotKind, graphs};
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
        let fit = (
            PlotKind::Fit,
            "no term is written as a model less a column, so there is no `fit` to draw",
            "such as `residual = \"a * exp(-b * t) - y\"` of columns t and y",
        );
        let graph = (
            PlotKind::Graph,
            "no row refers to two places of one variable, so there is no `graph` to draw",
            "a variable of two or three numbers `per` a set, and a term that reads it as `place[i]` and `place[j]`",
        );
        let no_curve = self.curves.is_empty();
        let no_graph = graphs(&self.nodes, &self.variables).is_empty();
        for ((kind, message, hint), missing) in [(fit, no_curve), (graph, no_graph)] {
            if missing && plots.contains(&kind) {
                plots.retain(|p| *p != kind);
                if origin != Origin::Default {
                    let diagnostic = Diagnostic::warning("F0514", message, &origin);
                    self.diagnostics.push(diagnostic.hint(hint));
                }
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
