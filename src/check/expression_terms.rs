//! Terms whose residual is an expression, or written by a kind of a program's own.

use std::sync::Arc;

use super::Checker;
use super::expressions::is_quantity;
use super::names::InTerm;
use super::tables::Rows;
use super::terms::Measured;
use super::whitening::Form;
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::expr::{self, Expression, Lowered, Needed, Scope, Shape, Tape, Value};
use crate::ir::{Curve, NodeId, NodeKind, Observed, Per, Residual};
use crate::own::{self, TermKind};
use crate::spec::{Spec, View};

/// What else a term leaves behind while it is read.
pub(super) struct Left<'o> {
    pub form: &'o mut Option<Form>,
    /// What the body can be placed by.
    pub observed: &'o mut Vec<Observed>,
}

/// What a residual is made of.
enum Written<'w> {
    Text(&'w Sourced<&'w str>, &'w Expression),
    Own(&'w dyn TermKind),
}

impl<'a> Checker<'a> {
    /// The residual of a term of the kind `expr`.
    pub(super) fn expression_term(
        &mut self,
        spec: &Spec,
        view: &View<'_>,
        (origin, rate): (&Origin, Option<f64>),
        left: &mut Left<'_>,
    ) -> Option<Measured> {
        let residual = self.required(view, "residual", origin)?;
        let sigma = view.text("sigma").filter(|t| !is_quantity(t.value));
        let parsed = self.parsed(&residual);
        let parsed_sigma = sigma.as_ref().map(|s| self.parsed(s));
        let parsed = parsed?;
        let parsed_sigma = match parsed_sigma {
            Some(None) => return None,
            other => other.flatten(),
        };
        let mut names = parsed.names();
        names.extend(parsed_sigma.iter().flat_map(|s| s.names()));
        if let Some(found) = self.plain_points(spec, view, (&parsed, sigma.is_some()), left) {
            return Some(found);
        }
        let sigma = sigma.as_ref().zip(parsed_sigma.as_ref());
        let written = Written::Text(&residual, &parsed);
        let around = (spec, view, origin, rate);
        self.written_term(around, &names, (written, parsed.most_ahead()), sigma, left)
    }

    /// The residual of a kind of term of a program's own.
    pub(super) fn own_term(
        &mut self,
        spec: &Spec,
        view: &View<'_>,
        (origin, rate): (&Origin, Option<f64>),
        kind: &dyn TermKind,
        left: &mut Left<'_>,
    ) -> Option<Measured> {
        let texts = kind.keys().iter().filter_map(|k| view.text(k.name));
        let parsed = texts.map(|t| expr::parse(t.value, &mut Vec::new()));
        let parsed: Vec<Expression> = parsed.collect();
        let names: Vec<&str> = parsed.iter().flat_map(Expression::names).collect();
        let ahead = match kind.ties_frames() {
            true => expr::MOST_AHEAD,
            false => 0,
        };
        let written = (Written::Own(kind), ahead);
        self.written_term((spec, view, origin, rate), &names, written, None, left)
    }

    fn written_term(
        &mut self,
        (spec, view, origin, rate): (&Spec, &View<'_>, &Origin, Option<f64>),
        names: &[&str],
        (written, most_ahead): (Written<'_>, usize),
        sigma: Option<(&Sourced<&str>, &Expression)>,
        left: &mut Left<'_>,
    ) -> Option<Measured> {
        let points = match self.names_points(view) {
            true => Some(self.over_points(spec, view, names)?),
            false => None,
        };
        let over = match points.is_some() {
            true => None,
            false => self.over(view, names)?,
        };
        if over.is_none() {
            self.needs_rate_if_named(view, origin, rate, names)?;
        }
        let mut scope = InTerm::new(self, spec, over, rate);
        (scope.points, scope.most_ahead) = (points, most_ahead);
        let lowered = written.lowered(&mut scope, view, origin);
        let mut of_sigma = Vec::new();
        let lowered = match sigma {
            Some((text, parsed)) => {
                scope.of_sigma = true;
                let divided = lowered.and_then(|l| l.over(parsed, &mut scope, &mut of_sigma));
                scope.checker.report(text, of_sigma);
                divided
            }
            None => lowered,
        };
        let lowered = lowered?;
        let (k, dims) = match lowered.value.shape {
            Shape::Matrix(rows, columns) => (columns, rows * columns),
            other => (other.len(), other.len()),
        };
        let dimension = lowered.value.dimension;
        *left.form = Some(Form {
            dimension,
            k,
            height: None,
        });
        let needed = lowered.formula(&scope.dims());
        let of_sigma = lowered.sigma(&scope.dims());
        let InTerm {
            over,
            inputs,
            known,
            points,
            ..
        } = scope;
        let text = written.text();
        let place = text.map_or_else(|| origin.clone(), |t| t.origin.clone());
        self.warn_missing(view.path(), &known, over.as_ref(), &place)?;
        if let (Some(of), Some((text, _))) = (of_sigma, sigma) {
            self.check_above_zero(&of, &inputs, &known, text)?;
        }
        if let Some(text) = text {
            self.warn_no_number(&needed, &inputs, &known, text);
        }
        let of = needed.inputs.iter().map(|i| inputs[*i]).collect();
        let kind = NodeKind::Formula {
            of,
            formula: Arc::new(needed.formula),
            over: over.as_ref().map(|o| o.set),
        };
        let node = self.node(&format!("{}: residual", view.path()), kind, dims, dimension);
        if let Written::Text(_, parsed) = written
            && dims == 1
        {
            let curve = self.curve(parsed, &inputs, node);
            self.curves.extend(curve);
        }
        let residual = match (over, points) {
            (_, Some(points)) => {
                left.observed.extend(points.seen);
                let targets = points.targets;
                Residual::Seen { k, targets }
            }
            (Some(_), None) => Residual::Rows {
                k,
                known: known.into(),
            },
            (None, None) => Residual::value(k, dims),
        };
        Some((node, residual))
    }

    /// A term that reads frames ahead by a rate that nobody says.
    fn needs_rate_if_named(
        &mut self,
        view: &View<'_>,
        origin: &Origin,
        rate: Option<f64>,
        names: &[&str],
    ) -> Option<()> {
        let root = self.spec.root();
        let mut data = root.named("data").into_iter();
        // A file that could not be read may have had it for a column.
        let lost = data.any(|(name, ..)| self.inputs.get(name).is_none());
        match !lost && names.contains(&"rate") && !self.declares_variable("rate") {
            true => self.needs_rate(view, origin, rate).map(|_| ()),
            false => Some(()),
        }
    }

    /// A residual that is a model less a column, or the reverse.
    fn curve(&self, parsed: &Expression, inputs: &[NodeId], node: NodeId) -> Option<Curve> {
        let column = |name: &str| {
            let of_name = |id: &&NodeId| {
                let node = &self.nodes[id.0];
                matches!(node.kind, NodeKind::Column { .. }) && node.dims == 1 && node.name == name
            };
            inputs.iter().find(of_name).copied()
        };
        let [left, right] = parsed.difference()?;
        let (observed, sign) = match (
            right.alone().and_then(column),
            left.alone().and_then(column),
        ) {
            (Some(observed), _) => (observed, 1.0),
            (None, Some(observed)) => (observed, -1.0),
            (None, None) => return None,
        };
        let mut read: Vec<NodeId> = parsed.names().into_iter().filter_map(column).collect();
        // A model that reads what was observed is none to be held against it.
        if read.iter().filter(|id| **id == observed).count() > 1 {
            return None;
        }
        read.sort_unstable();
        read.dedup();
        read.retain(|id| *id != observed);
        Some(Curve {
            node,
            observed,
            sign,
            along: <[NodeId; 1]>::try_from(read).ok().map(|[only]| only),
        })
    }

    /// Rows without a number are left out, and said; nothing else is left, it is a mistake.
    fn warn_missing(
        &mut self,
        path: &str,
        known: &[bool],
        over: Option<&Rows<'_>>,
        origin: &Origin,
    ) -> Option<()> {
        let (Some(over), missing) = (over, known.iter().filter(|k| !**k).count()) else {
            return Some(());
        };
        let name = over.name;
        if missing == known.len() {
            let message = format!("`{path}`: no row of `{name}` has a number in all columns");
            self.diagnostics
                .push(Diagnostic::error("F0404", message, origin));
            return None;
        }
        if missing > 0 {
            let message = format!(
                "`{path}` leaves out {missing} of {} rows of `{name}`, which lack a number",
                known.len()
            );
            self.diagnostics
                .push(Diagnostic::warning("F0513", message, origin));
        }
        Some(())
    }

    /// A sigma of columns is above zero in every row that takes part.
    fn check_above_zero(
        &mut self,
        sigma: &Needed,
        inputs: &[crate::ir::NodeId],
        known: &[bool],
        text: &Sourced<&str>,
    ) -> Option<()> {
        for row in (0..known.len()).filter(|r| known[*r]) {
            let of_row = sigma.inputs.iter().map(|i| self.start_of(inputs[*i], row));
            let found = sigma.formula.evaluate(&of_row.collect::<Option<Vec<_>>>()?);
            if let Some(x) = found.iter().find(|x| !(**x > 0.0 && x.is_finite())) {
                let message = format!("a sigma should be above zero, but in row {row} it is {x}");
                let diagnostic = Diagnostic::error("F0205", message, &text.origin);
                self.diagnostics
                    .push(diagnostic.hint("rows are counted from 0"));
                return None;
            }
        }
        Some(())
    }

    /// An expression that is no number where the solve starts, with the row and the part of it.
    fn warn_no_number(
        &mut self,
        needed: &Needed,
        inputs: &[crate::ir::NodeId],
        known: &[bool],
        text: &Sourced<&str>,
    ) {
        let rows = known.len().max(1);
        for row in (0..rows).filter(|r| known.get(*r).copied().unwrap_or(true)) {
            let of_row = needed.inputs.iter().map(|i| self.start_of(inputs[*i], row));
            let Some(of_row) = of_row.collect::<Option<Vec<&[f64]>>>() else {
                return;
            };
            let Some(step) = needed.formula.first_fault(&of_row) else {
                continue;
            };
            let (first, end) = needed.spans[step];
            let place = self
                .spec
                .sources
                .within(&text.origin, text.value, &(first..end));
            let message = match known.is_empty() {
                true => "this is no number where the solve starts".to_string(),
                false => format!("this is no number where the solve starts, in row {row}"),
            };
            let hint = "other starting values, `init` of the variables, or `select` mend it";
            // Where each element is a problem of its own, the others are solved.
            let per = |v: &crate::ir::Variable| v.per;
            let first = self.variables.first().map(per);
            let apart = matches!(first, Some(Per::Row(_)))
                && self.variables.iter().all(|v| Some(v.per) == first);
            let diagnostic = match apart {
                true => Diagnostic::warning("F0309", message, &place),
                false => Diagnostic::error("F0309", message, &place),
            };
            self.diagnostics.push(diagnostic.hint(hint));
            return;
        }
    }

    /// What a leaf holds in a row at the start.
    fn start_of(&self, node: crate::ir::NodeId, row: usize) -> Option<&[f64]> {
        let of = |id: crate::ir::VariableId, element: usize| {
            let variable = &self.variables[id.0];
            let n = variable.numbers();
            let at = if variable.init.len() == n {
                0
            } else {
                element * n
            };
            variable.init.get(at..at + n)
        };
        match &self.nodes[node.0].kind {
            NodeKind::Variable(id) => of(*id, row),
            NodeKind::Taken { of: id, rows, .. } => of(*id, rows[row] as usize),
            NodeKind::Column { values, .. } => {
                let dims = self.nodes[node.0].dims;
                values.get(row * dims..(row + 1) * dims)
            }
            _ => None,
        }
    }
}

impl Written<'_> {
    fn text(&self) -> Option<&Sourced<&str>> {
        match self {
            Self::Text(text, _) => Some(text),
            Self::Own(_) => None,
        }
    }

    /// The typed residual; of each point in turn, where it is over points.
    fn lowered(
        &self,
        scope: &mut InTerm<'_, '_>,
        view: &View<'_>,
        origin: &Origin,
    ) -> Option<Lowered> {
        let tape = Tape::new();
        let Some(count) = scope
            .points
            .as_ref()
            .map(super::over_points::OverPoints::count)
        else {
            let value = self.value(&tape, scope, view, origin)?;
            let recorded = scope.checker.recorded(&value, view.path(), origin)?;
            return Some(Lowered::of(tape, recorded));
        };
        let (mut all, mut of_one) = (Vec::new(), None);
        for at in 0..count {
            if let Some(points) = &mut scope.points {
                points.at = at;
            }
            let value = self.value(&tape, scope, view, origin)?;
            of_one.get_or_insert((value.shape.len(), value.dimension));
            all.extend(value.numbers);
        }
        let (k, dimension) = of_one?;
        let value = Value {
            shape: Shape::Matrix(count, k),
            dimension,
            numbers: all,
        };
        let recorded = scope.checker.recorded(&value, view.path(), origin)?;
        Some(Lowered::of(tape, recorded))
    }

    fn value<'t>(
        &self,
        tape: &'t Tape,
        scope: &mut InTerm<'_, '_>,
        view: &View<'_>,
        origin: &Origin,
    ) -> Option<Value<'t>> {
        match self {
            Self::Text(text, parsed) => {
                let mut mistakes = Vec::new();
                let value = expr::lower_on(tape, parsed, scope, &mut mistakes);
                scope.checker.report(text, mistakes);
                value
            }
            Self::Own(kind) => {
                let write = |scope: &mut own::Scope<'_, 't>| kind.residual(scope);
                super::own_kinds::written(tape, scope, (view, origin), write)
            }
        }
    }
}
