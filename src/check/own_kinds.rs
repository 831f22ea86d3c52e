//! What kinds of terms and sources of a program's own see, and what they write.

use std::sync::Arc;

use super::Checker;
use super::names::InTerm;
use super::sources::Source;
use crate::diagnostic::{Diagnostic, Origin};
use crate::expr::{self, Lowered, Scope, Tape, Value};
use crate::graph::formula::Formula;
use crate::ir::{NodeId, NodeKind};
use crate::own::{self, Failure, Reads, SourceKind};
use crate::spec::{Dimension, Spec, View};

/// A source of a program's own: labels, and a formula of x, y and z of each.
#[derive(Clone)]
pub(super) struct OwnSource {
    pub labels: Vec<String>,
    of: Vec<NodeId>,
    formula: Arc<Formula>,
}

impl OwnSource {
    pub fn has(&self, label: &str) -> bool {
        self.labels.iter().any(|l| l == label)
    }
}

/// The table of a kind, and what names stand for there.
struct Table<'s, 'c, 'a, 'v> {
    scope: &'s mut InTerm<'c, 'a>,
    view: &'s View<'v>,
}

/// What a kind writes; its mistakes are reported.
pub(super) fn written<'t, R>(
    tape: &'t Tape,
    scope: &mut InTerm<'_, '_>,
    (view, origin): (&View<'_>, &Origin),
    write: impl FnOnce(&mut own::Scope<'_, 't>) -> Result<R, Failure>,
) -> Option<R> {
    let mut table = Table { scope, view };
    let result = write(&mut own::Scope::new(&mut table, tape));
    let failure = match result {
        Ok(value) => return Some(value),
        Err(failure) => failure,
    };
    if !failure.said {
        let key = failure.key.as_deref().unwrap_or("");
        let message = format!("`{}`: {}", view.path(), failure.message);
        let mut diagnostic = Diagnostic::error("F0310", message, &view.origin_of(key, origin));
        if let Some(hint) = failure.hint {
            diagnostic = diagnostic.hint(hint);
        }
        scope.checker.diagnostics.push(diagnostic);
    }
    None
}

impl Reads for Table<'_, '_, '_, '_> {
    fn expression<'t>(&mut self, tape: &'t Tape, key: &str) -> Result<Value<'t>, Failure> {
        let Some(text) = self.view.text(key) else {
            let message = format!("it does not say its `{key}`");
            return Err(Failure::new(message));
        };
        let parsed = self.scope.checker.parsed(&text);
        let parsed = parsed.ok_or_else(Failure::said)?;
        let mut mistakes = Vec::new();
        let value = expr::lower_on(tape, &parsed, self.scope, &mut mistakes);
        self.scope.checker.report(&text, mistakes);
        value.ok_or_else(Failure::said)
    }

    fn read<'t>(&mut self, tape: &'t Tape, text: &str) -> Result<Value<'t>, Failure> {
        let mut mistakes = Vec::new();
        let parsed = expr::parse(text, &mut mistakes);
        let value = match mistakes.is_empty() {
            true => expr::lower_on(tape, &parsed, self.scope, &mut mistakes),
            false => None,
        };
        let mistake = mistakes.into_iter().find(|m| !m.message.is_empty());
        match (value, mistake) {
            (Some(value), None) => Ok(value),
            (_, None) => Err(Failure::said()),
            (_, Some(mistake)) => {
                let mut failure = Failure::new(format!("`{text}`: {}", mistake.message));
                failure.hint = mistake.hint;
                Err(failure)
            }
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.view.text(key).map(|t| t.value)
    }

    fn texts(&self, key: &str) -> Option<Vec<&str>> {
        let texts = self.view.texts(key)?;
        Some(texts.into_iter().map(|t| t.value).collect())
    }

    fn numbers(&self, key: &str) -> Option<Vec<f64>> {
        let given = self.view.quantities(key)?.value;
        Some(given.iter().map(|q| q.value).collect())
    }
}

impl Checker<'_> {
    /// What was written, where it has as many numbers as its shape says.
    pub(super) fn recorded(
        &mut self,
        value: &Value<'_>,
        path: &str,
        origin: &Origin,
    ) -> Option<expr::Recorded> {
        let recorded = value.recorded().map_err(|reason| {
            let message = format!("`{path}`: {reason}");
            self.diagnostics
                .push(Diagnostic::error("F0310", message, origin));
        });
        recorded.ok()
    }

    pub(super) fn own_source(
        &mut self,
        spec: &Spec,
        view: &View<'_>,
        origin: &Origin,
        kind: &dyn SourceKind,
    ) -> Option<Source> {
        let tape = Tape::new();
        let mut scope = InTerm::new(self, spec, None, None);
        let found = written(&tape, &mut scope, (view, origin), |s| kind.points(s))?;
        let dims = scope.dims();
        let inputs = scope.inputs;
        let (labels, places): (Vec<String>, Vec<_>) = found.into_iter().unzip();
        let mut sorted = labels.clone();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|p| p[0] == p[1]) {
            let message = format!("`{}`: two points are called `{}`", view.path(), twice[0]);
            self.diagnostics
                .push(Diagnostic::error("F0310", message, origin));
            return None;
        }
        let value = Value::vector(places.concat(), Dimension::LENGTH);
        let recorded = self.recorded(&value, view.path(), origin)?;
        let needed = Lowered::of(tape, recorded, Vec::new()).formula(&dims);
        Some(Source::Own(OwnSource {
            labels,
            of: needed.inputs.iter().map(|i| inputs[*i]).collect(),
            formula: needed.formula.into(),
        }))
    }

    /// The node of some points of a source of a program's own.
    pub(super) fn own_points(
        &mut self,
        name: &str,
        source: &OwnSource,
        labels: &[String],
    ) -> Option<NodeId> {
        let place = |label: &String| source.labels.iter().position(|l| l == label);
        let places: Vec<usize> = labels.iter().map(place).collect::<Option<_>>()?;
        let outputs = places.iter().flat_map(|p| 3 * p..3 * p + 3);
        let formula = Formula {
            outputs: outputs.map(|i| source.formula.outputs[i]).collect(),
            ..Formula::clone(&source.formula)
        };
        let kind = NodeKind::Formula {
            of: source.of.clone(),
            formula: Arc::new(formula),
            over: None,
        };
        Some(self.node(name, kind, 3 * labels.len(), Dimension::LENGTH))
    }

    /// A name of the registry that stands for something already.
    pub(super) fn check_registry(&mut self) {
        let root = self.spec.root();
        let data = root.named("data");
        let unknown = self.registry.data.iter().map(|(name, _)| name);
        let unknown = unknown.filter(|name| !data.iter().any(|(n, ..)| n == name));
        let unknown = unknown.map(|name| {
            let what = format!("data for `{name}`, which the spec does not declare");
            (what, format!("add `[data.{name}]` to the spec"))
        });
        let refused = self.registry.refused().into_iter();
        let refused = refused.map(|what| (what, "give it another name".into()));
        for (what, hint) in refused.chain(unknown) {
            let message = format!("the program adds {what}");
            let diagnostic = Diagnostic::error("F0310", message, &Origin::Default);
            self.diagnostics.push(diagnostic.hint(hint));
        }
    }

    /// The kind of source that a name of the registry stands for.
    pub(super) fn own_source_kind(&self, kind: Option<&str>) -> Option<Arc<dyn SourceKind>> {
        let found = self
            .registry
            .sources
            .iter()
            .find(|s| Some(s.name()) == kind);
        found.cloned()
    }
}
