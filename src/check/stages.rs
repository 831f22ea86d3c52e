//! The schedule: what each stage frees and which terms take part, with its own settings.

use std::sync::Arc;

use super::Checker;
use super::terms::Terms;
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::ir::{Coupling, NodeId, NodeKind, Per, Placement};
use crate::ir::{Residual, Stage, Targets, Term, VariableId};
use crate::prior::Learned;
use crate::solve::MethodKind;
use crate::spec::{Dimension, Node, Value, View};

/// Frames below which a calibration of markers says little.
const ENOUGH: i64 = 5;

impl Checker<'_> {
    /// The stages, each with the terms as its own settings state them, also those it disables.
    pub(super) fn stages(&mut self, terms: &Terms, rate: Option<f64>) -> Vec<(Stage, Terms)> {
        let root = self.spec.root();
        let max_iter = root
            .table("solve")
            .and_then(|t| View::new(t, "solve").integer("max_iter"))
            .map_or(500, |n| n.value.max(0) as usize);
        let empty = Default::default();
        let solve = View::new(root.table("solve").unwrap_or(&empty), "solve");
        let gnc = self.gnc(&solve);
        let Some(Value::Array(items)) = root.node("stages").map(|n| &n.value) else {
            let only = self.only_stage(&terms.list, max_iter);
            self.check_method(&only, &solve);
            self.check_graduated(std::slice::from_ref(&only), &solve);
            return self.graduated((only, terms.clone()), gnc.unwrap_or(1.0));
        };
        if items.is_empty() {
            let origin = root.origin_of("stages", &Origin::Default);
            let message = "`stages` is empty, so nothing would be solved";
            self.diagnostics
                .push(Diagnostic::error("F0202", message, &origin));
        }
        let mut stages = Vec::new();
        for (i, node) in items.iter().enumerate() {
            if let Value::Table(table) = &node.value {
                let path = format!("stages[{i}]");
                let view = View::new(table, &path);
                let own = self.gnc(&view);
                if let Some(stage) = self.stage(&view, node, terms, rate, max_iter) {
                    self.check_method(&stage.0, &view);
                    self.check_graduated(std::slice::from_ref(&stage.0), &view);
                    stages.extend(self.graduated(stage, own.or(gnc).unwrap_or(1.0)));
                }
            }
        }
        self.check_graduated(stages.iter().map(|s| &s.0), &solve);
        stages
    }

    /// Without a schedule everything is free at once.
    fn only_stage(&self, terms: &[Term], max_iter: usize) -> Stage {
        let free: Vec<VariableId> = (0..self.variables.len()).map(VariableId).collect();
        let coupling = self.coupling(&free, terms, None);
        Stage {
            name: "all".into(),
            coupling,
            method: self.method(None, (&free, terms), coupling, false),
            free,
            held: Vec::new(),
            terms: terms.to_vec(),
            max_iter,
            softness: 0.0,
        }
    }

    fn stage(
        &mut self,
        view: &View<'_>,
        node: &Node,
        terms: &Terms,
        rate: Option<f64>,
        max_iter: usize,
    ) -> Option<(Stage, Terms)> {
        let name = view
            .text("name")
            .map_or(view.path().to_string(), |n| n.value.to_string());
        let disabled = view.texts("disable").unwrap_or_default();
        self.check_disabled(&disabled);
        let terms = match view.table("set") {
            Some(changes) => {
                let changed = self.spec.with(changes, self.diagnostics);
                let set = |name: &str| changes.entries.iter().any(|(path, _)| is_of(path, name));
                self.changed_terms(&changed, terms, set, rate)
            }
            None => terms.clone(),
        };
        let relax = view.number("relax").map_or(1.0, |r| r.value);
        if !(relax > 0.0 && relax.is_finite()) {
            let message = format!("`{}.relax` should be above zero", view.path());
            let origin = view.origin_of("relax", &node.origin);
            self.diagnostics
                .push(Diagnostic::error("F0205", message, &origin));
        }
        let disabled = |t: &&Term| disabled.iter().any(|d| d.value == t.name);
        let mut active: Vec<Term> = terms
            .list
            .iter()
            .filter(|t| !disabled(t))
            .cloned()
            .collect();
        if active.is_empty() && !terms.list.is_empty() {
            let message = format!(
                "`{}` disables every term, so it has nothing to minimise",
                view.path()
            );
            let origin = view.origin_of("disable", &node.origin);
            let diagnostic = Diagnostic::error("F0202", message, &origin);
            self.diagnostics
                .push(diagnostic.hint("leave a term in, or the stage out"));
        }
        active.iter_mut().for_each(|t| t.whitening.scale *= relax);
        let (free, held) = self.freed(view, &node.origin)?;
        if let Some(placement) = self.placement(&terms.observed)
            && free == placement.variables()
        {
            trust_torso(&mut active, &placement);
        }
        let frames = view.integer("frames");
        if let Some(n) = frames.as_ref().filter(|n| n.value < 1) {
            let message = format!("`{}.frames` should be at least 1", view.path());
            self.diagnostics
                .push(Diagnostic::error("F0205", message, &n.origin));
        }
        if let Some(frames) = &frames {
            self.warn_few_frames(view.path(), &name, frames, &free, &active);
        }
        let frames = frames.map(|n| n.value.max(1) as usize);
        let coupling = self.coupling(&free, &active, frames);
        let own = view.text("method").map(|m| m.value);
        let reaches = relax > 1.0 && terms.observed.iter().any(|o| o.cameras.is_some());
        let stage = Stage {
            name,
            coupling,
            method: self.method(own, (&free, &active), coupling, reaches),
            free,
            held,
            terms: active,
            max_iter: self.max_iter(view, max_iter),
            softness: 0.0,
        };
        Some((stage, terms))
    }

    /// A calibration with less to see than it asks for, or than it needs.
    fn warn_few_frames(
        &mut self,
        path: &str,
        name: &str,
        asked: &Sourced<i64>,
        free: &[VariableId],
        terms: &[Term],
    ) {
        if self.diagnostics.has_errors() {
            return;
        }
        let seen = super::observed_frames(self.frames, terms);
        let seen = seen.iter().filter(|s| **s).count() as i64;
        if seen == 0 {
            return;
        }
        if seen < asked.value && asked.origin != Origin::Default {
            let message = format!(
                "`{path}` (`{name}`) asks for {} frames, but only {seen} have data",
                asked.value
            );
            self.diagnostics
                .push(Diagnostic::warning("F0510", message, &asked.origin));
        }
        let offsets = |id: &VariableId| {
            let variable = &self.variables[id.0];
            variable.per == Per::Subject && variable.dimension == Dimension::LENGTH
        };
        if seen.min(asked.value) < ENOUGH && free.iter().any(offsets) {
            let message = format!(
                "`{path}` (`{name}`) calibrates on {} frames, which hardly tell offsets from pose",
                seen.min(asked.value)
            );
            let hint = "take 20 or more, of a motion in which the joints bend";
            self.diagnostics
                .push(Diagnostic::warning("F0510", message, &asked.origin).hint(hint));
        }
    }

    /// The stage's own method, else that of all stages, else the one that suits it.
    fn method(
        &self,
        own: Option<&str>,
        (free, terms): (&[VariableId], &[Term]),
        coupling: Coupling,
        reaches: bool,
    ) -> MethodKind {
        let root = self.spec.root();
        let solve = root.table("solve").and_then(|t| t.text("method"));
        let name = own.or(solve).unwrap_or("auto");
        let found = MethodKind::NAMES.iter().find(|(n, _)| *n == name);
        found.map_or_else(
            || match coupling {
                _ if terms.iter().any(|t| t.whitening.is_energy) => MethodKind::Lbfgs,
                Coupling::Independent if self.has_valleys(free) => MethodKind::Lbfgs,
                // The long steps of `lm` end where a side is taken for the other.
                Coupling::Independent if reaches && !self.moves_code(free) => MethodKind::Lbfgs,
                _ => MethodKind::Lm,
            },
            |(_, kind)| *kind,
        )
    }

    /// Levenberg and Marquardt's method solves for residuals, which an energy has none of.
    fn check_method(&mut self, stage: &Stage, own: &View<'_>) {
        if stage.method != MethodKind::Lm || !stage.has_energies() {
            return;
        }
        let energies = stage.terms.iter().filter(|t| t.whitening.is_energy);
        let names: Vec<&str> = energies.map(|t| t.name.as_str()).collect();
        let message = format!(
            "`lm` needs residuals, and {} is an energy",
            crate::diagnostic::list(&names)
        );
        let root = self.spec.root();
        let solve = root.table("solve").and_then(|t| t.get("method"));
        let of_all = solve.map_or(Origin::Default, |n| n.origin.clone());
        let origin = own.origin_of("method", &of_all);
        let diagnostic = Diagnostic::error("F0306", message, &origin);
        self.diagnostics
            .push(diagnostic.hint("`auto`, `lbfgs` and `adam` take both"));
    }

    /// Whether a stage moves the code of a generator, which has many deep valleys: the long steps of
    /// `lm` end in the first one.
    fn has_valleys(&self, free: &[VariableId]) -> bool {
        self.decodes(free, |prior| prior.is_generator())
    }

    /// Whether it moves the code of any decoder.
    fn moves_code(&self, free: &[VariableId]) -> bool {
        self.decodes(free, |_| true)
    }

    fn decodes(&self, free: &[VariableId], is_one: impl Fn(&Learned) -> bool) -> bool {
        let moves = |node: NodeId| match self.nodes[node.0].kind {
            NodeKind::Variable(id) => free.contains(&id),
            _ => false,
        };
        self.nodes.iter().any(|node| match &node.kind {
            NodeKind::Decoded { of, prior, .. } => is_one(prior) && moves(*of),
            _ => false,
        })
    }

    /// The stage's own limit, unless it is a default and the spec sets a lower one for all.
    fn max_iter(&self, view: &View<'_>, of_all: usize) -> usize {
        let root = self.spec.root();
        let solve = root.table("solve").and_then(|t| t.get("max_iter"));
        let written = solve.is_some_and(|n| n.origin != Origin::Default);
        match view.integer("max_iter") {
            Some(own) if own.origin == Origin::Default && written => {
                of_all.min(own.value.max(0) as usize)
            }
            Some(own) => own.value.max(0) as usize,
            None => of_all,
        }
    }

    fn check_disabled(&mut self, disabled: &[Sourced<&str>]) {
        let root = self.spec.root();
        let names: Vec<&str> = root.named("terms").iter().map(|(n, ..)| *n).collect();
        for text in disabled {
            if !names.contains(&text.value) {
                let message = format!("unknown term `{}`", text.value);
                let diagnostic = Diagnostic::error("F0304", message, &text.origin);
                let names = names.iter().copied();
                self.diagnostics.push(diagnostic.nearest(text.value, names));
            }
        }
    }

    /// What the axes say: a shared free variable or a term along frames ties frames together.
    fn coupling(&self, free: &[VariableId], terms: &[Term], frames: Option<usize>) -> Coupling {
        let shared = free.iter().any(|v| self.variables[v.0].per != Per::Frame);
        let tied = terms.iter().any(|t| t.couples());
        match frames {
            Some(n) if n < self.frames => Coupling::Subset(n),
            Some(_) => Coupling::Joint,
            None if shared || tied => Coupling::Joint,
            None => Coupling::Independent,
        }
    }
}

/// Whether a path such as `terms.data.sigma` is a setting of a term.
fn is_of(path: &str, term: &str) -> bool {
    path.split('.').nth(1) == Some(term)
}

/// A stage that only places the body holds its limbs still, so they say little about the placement.
fn trust_torso(terms: &mut [Term], placement: &Placement) {
    for term in terms {
        let (Residual::Points(targets) | Residual::Seen { targets, .. }) = &mut term.residual
        else {
            continue;
        };
        let Some(observed) = placement.observed.iter().find(|o| o.term == term.name) else {
            continue;
        };
        let rigidity = observed.rigidity.iter().cycle();
        let weights = targets.weights.iter().zip(rigidity).map(|(w, r)| w * r);
        *targets = Arc::new(Targets {
            weights: weights.collect(),
            ..targets.as_ref().clone()
        });
    }
}
