//! Terms whose residual is an expression, or written by a kind of a program's own.

use std::sync::Arc;

use super::Checker;
use super::expressions::is_quantity;
use super::names::InTerm;
use super::over_points::OverPoints;
use super::tables::Rows;
use super::terms::Measured;
use super::whitening::Form;
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::expr::{self, Expression, Lowered, Needed, Scope, Shape, Tape, Value};
use crate::ir::{Curve, NodeId, NodeKind, Observed, Per, Residual};
use crate::own::{self, TermKind};
use crate::spec::{Dimension, Spec, View};

/// What else a term leaves behind while it is read.
pub(super) struct Left<'o> {
    pub form: &'o mut Option<Form>,
    /// What the body can be placed by.
    pub observed: &'o mut Vec<Observed>,
}

/// What a residual is made of.
enum Written<'w> {
    Text(Parsed<'w>, Option<Parsed<'w>>),
    Own(&'w dyn TermKind),
}

/// A text of the spec, and what it says.
type Parsed<'w> = (&'w Sourced<&'w str>, &'w Expression);

/// The spec, the term's table, where it is, and the frames in a second.
type Around<'s> = (&'s Spec, &'s View<'s>, &'s Origin, Option<f64>);

/// A value and what it was divided by.
type Divided<'t> = (Value<'t>, Option<Value<'t>>);

impl<'a> Checker<'a> {
    /// The residual of a term of the kind `expr`.
    pub(super) fn expression_term(
        &mut self,
        spec: &Spec,
        view: &View<'_>,
        (origin, rate): (&Origin, Option<f64>),
        left: &mut Left<'_>,
    ) -> Option<Measured> {
        let residual = self.residual_or_energy(view, origin)?;
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
        let is_energy = view.node("energy").is_some();
        if !is_energy
            && let Some(found) = self.plain_points(spec, view, (&parsed, sigma.is_some()), left)
        {
            return found;
        }
        let sigma = sigma.as_ref().zip(parsed_sigma.as_ref());
        let of_weight = view.text("weight");
        let of_weight = of_weight.map(|w| expr::parse(w.value, &mut Vec::new()));
        names.extend(of_weight.iter().flat_map(Expression::names));
        let written = Written::Text((&residual, &parsed), sigma);
        let around = (spec, view, origin, rate);
        self.written_term(around, &names, (&written, parsed.most_ahead()), left)
    }

    /// The text of the one that a term has.
    fn residual_or_energy<'v>(
        &mut self,
        view: &View<'v>,
        origin: &Origin,
    ) -> Option<Sourced<&'v str>> {
        if view.node("energy").is_none() {
            if view.node("residual").is_none() {
                let message = format!("`{}` has no `residual`, and no `energy`", view.path());
                let diagnostic = Diagnostic::error("F0202", message, origin);
                let hint = "such as `residual = \"a * x + b - y\"`";
                self.diagnostics.push(diagnostic.hint(hint));
            }
            return view.text("residual");
        }
        let refused = [
            (
                "residual",
                "a term has a `residual` or an `energy`, not both",
            ),
            (
                "sigma",
                "a `sigma` divides a residual; an energy is divided in its expression",
            ),
            (
                "robust",
                "a robustifier is one of a residual; an energy is what its expression says",
            ),
        ];
        let mut right = true;
        for (key, message) in refused {
            if let Some(node) = view.node(key) {
                let diagnostic = Diagnostic::error("F0306", message, &node.key);
                let hint = format!("leave `{key}` out, or write `residual` instead of `energy`");
                self.diagnostics.push(diagnostic.hint(hint));
                right = false;
            }
        }
        view.text("energy").filter(|_| right)
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
        let (written, around) = (Written::Own(kind), (spec, view, origin, rate));
        let ahead = match ahead {
            0 => 0,
            // How far it reads is known once it has been written; what is read in vain is left out.
            _ => self.ahead_of(around, &names, (&written, ahead))?,
        };
        self.written_term(around, &names, (&written, ahead), left)
    }

    /// Frames that a kind of a program's own reads ahead.
    fn ahead_of(
        &mut self,
        (spec, view, origin, rate): Around<'_>,
        names: &[&str],
        (written, most): (&Written<'_>, usize),
    ) -> Option<usize> {
        let mut scope = self.scope((spec, view, origin, rate), names, most)?;
        written.lowered(&mut scope, view, origin)?;
        Some(scope.went_ahead)
    }

    /// What the names of a term stand for.
    fn scope<'c>(
        &'c mut self,
        (spec, view, origin, rate): Around<'c>,
        names: &[&str],
        most_ahead: usize,
    ) -> Option<InTerm<'c, 'a>> {
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
        Some(scope)
    }

    fn written_term(
        &mut self,
        (spec, view, origin, rate): Around<'_>,
        names: &[&str],
        (written, most_ahead): (&Written<'_>, usize),
        left: &mut Left<'_>,
    ) -> Option<Measured> {
        let mut scope = self.scope((spec, view, origin, rate), names, most_ahead)?;
        let lowered = written.lowered(&mut scope, view, origin)?;
        let (k, dims) = match lowered.value.shape {
            Shape::Matrix(rows, columns) => (columns, rows * columns),
            other => (other.len(), other.len()),
        };
        let dimension = lowered.value.dimension;
        let is_energy = view.node("energy").is_some();
        if is_energy && dimension != Dimension::NONE {
            let message = format!("an energy has no unit, but this one is in {dimension}");
            let origin = view.origin_of("energy", origin);
            let hint = "divide by the unit that it is measured in, such as `/ 1 m`";
            let diagnostic = Diagnostic::error("F0302", message, &origin);
            scope.checker.diagnostics.push(diagnostic.hint(hint));
            return None;
        }
        *left.form = Some(Form {
            dimension,
            k,
            height: scope.points.as_ref().and_then(OverPoints::height),
        });
        let needed = lowered.formula(&scope.dims());
        let of_sigma = lowered.sigma(&scope.dims());
        let weight = view.text("weight");
        let of_weight = match &weight {
            Some(text) => Some((scope.of_weight(text)?, text)),
            None => None,
        };
        let InTerm {
            over,
            inputs,
            known,
            points,
            unseen_ahead,
            ..
        } = scope;
        let text = written.text();
        let place = text.map_or_else(|| origin.clone(), |t| t.origin.clone());
        self.warn_missing(view.path(), &known, over.as_ref(), &place)?;
        if let (Some(of), Written::Text(_, Some((text, _)))) = (of_sigma, written) {
            self.check_above_zero(&of, &inputs, (&known, points.as_ref()), text)?;
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
        if let Written::Text((_, parsed), _) = written
            && dims == 1
            && !is_energy
        {
            let curve = self.curve(parsed, &inputs, node);
            self.curves.extend(curve);
        }
        let residual = match (over, points) {
            (_, Some(points)) => {
                left.observed.extend(points.seen);
                let targets = points.targets.seen_until(unseen_ahead, self.frames);
                Residual::Seen { k, targets }
            }
            (Some(over), None) => {
                let mut weights = self.row_weights(of_weight, &inputs, &known)?;
                self.hold_rows(over.set, &mut weights);
                Residual::Rows {
                    k,
                    weights: weights.into(),
                }
            }
            (None, None) => Residual::value(k, dims),
        };
        Some((node, residual))
    }

    /// A term that reads a rate which nobody says.
    fn needs_rate_if_named(
        &mut self,
        view: &View<'_>,
        origin: &Origin,
        rate: Option<f64>,
        names: &[&str],
    ) -> Option<()> {
        // A file that could not be read may have had it for a column.
        match !self.lost_data() && names.contains(&"rate") && !self.declares_variable("rate") {
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

    /// A sigma is above zero in every row, or of every point, that takes part.
    fn check_above_zero(
        &mut self,
        sigma: &Needed,
        inputs: &[NodeId],
        (known, points): (&[bool], Option<&OverPoints>),
        text: &Sourced<&str>,
    ) -> Option<()> {
        let weights = points.map(|p| (p.count(), p.targets.weights.as_slice()));
        let rows = weights.map_or(known.len().max(1), |(n, w)| w.len() / n.max(1));
        for row in (0..rows).filter(|r| known.get(*r).copied().unwrap_or(true)) {
            let of_row = sigma.inputs.iter().map(|i| self.start_of(inputs[*i], row));
            let Some(of_row) = of_row.collect::<Option<Vec<_>>>() else {
                return Some(());
            };
            let found = sigma.formula.evaluate(&of_row);
            let takes_part = |at: usize| match weights {
                Some((n, w)) => w[row * n + at / (found.len() / n.max(1)).max(1)] > 0.0,
                None => true,
            };
            let wrong = |(at, x): &(usize, &f64)| takes_part(*at) && !(**x > 0.0 && x.is_finite());
            let Some((_, x)) = found.iter().enumerate().find(wrong) else {
                continue;
            };
            let (place, hint) = match (known.is_empty(), points) {
                (false, _) => (
                    format!("but in row {row} it is"),
                    Some("rows are counted from 0"),
                ),
                (_, Some(_)) => (
                    format!("but in frame {} it is", self.frame_number(row)),
                    None,
                ),
                _ => ("but it is".into(), None),
            };
            let message = format!("a sigma should be above zero, {place} {x}");
            let mut diagnostic = Diagnostic::error("F0205", message, &text.origin);
            if let Some(hint) = hint {
                diagnostic = diagnostic.hint(hint);
            }
            self.diagnostics.push(diagnostic);
            return None;
        }
        Some(())
    }

    /// The weight of each row: zero where it is not known, else 1 or what an expression says.
    fn row_weights(
        &mut self,
        expression: Option<(Needed, &Sourced<&str>)>,
        inputs: &[NodeId],
        known: &[bool],
    ) -> Option<Vec<f64>> {
        let plain = known.iter().map(|known| if *known { 1.0 } else { 0.0 });
        let mut weights: Vec<f64> = plain.collect();
        let Some((needed, text)) = expression else {
            return Some(weights);
        };
        for row in (0..known.len()).filter(|r| known[*r]) {
            let of_row = needed.inputs.iter().map(|i| self.start_of(inputs[*i], row));
            let of_row = of_row.collect::<Option<Vec<_>>>()?;
            let found = needed.formula.evaluate(&of_row)[0];
            if !(found >= 0.0 && found.is_finite()) {
                let message = format!(
                    "a weight should be a number from zero on, but in row {row} it is {found}"
                );
                let diagnostic = Diagnostic::error("F0205", message, &text.origin);
                self.diagnostics
                    .push(diagnostic.hint("rows are counted from 0"));
                return None;
            }
            weights[row] = found;
        }
        if weights.iter().all(|w| *w == 0.0) {
            let message = "the weight is zero in every row, so nothing would be fitted";
            self.diagnostics
                .push(Diagnostic::error("F0404", message, &text.origin));
            return None;
        }
        Some(weights)
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
            let of_data = |i: usize| {
                let node = &self.nodes[inputs[i].0];
                matches!(node.kind, NodeKind::Column { .. })
            };
            let hint = match needed.inputs_of(step).into_iter().all(of_data) {
                true => {
                    "it is of data and numbers alone: mend the row, or leave it out by `select`"
                }
                false => "other starting values, `init` of the variables, or `select` mend it",
            };
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

impl InTerm<'_, '_> {
    /// The formula of a weight that is an expression of the columns of a table.
    fn of_weight(&mut self, text: &Sourced<&str>) -> Option<Needed> {
        if self.over.is_none() {
            let message = "a weight is an expression for the rows of a table alone";
            let diagnostic = Diagnostic::error("F0306", message, &text.origin);
            self.checker
                .diagnostics
                .push(diagnostic.hint("write a number"));
            return None;
        }
        let parsed = self.checker.parsed(text)?;
        let mut mistakes = Vec::new();
        self.still = Some("weight");
        let lowered = expr::lower(&parsed, self, &mut mistakes);
        self.still = None;
        self.checker.report(text, mistakes);
        let lowered = lowered?;
        let value = &lowered.value;
        if value.shape.len() != 1 || value.dimension != Dimension::NONE {
            let message = format!(
                "a weight is one number without a unit, but this is {}",
                match value.dimension {
                    Dimension::NONE => format!("{} numbers", value.shape.len()),
                    unit => format!("in {unit}"),
                }
            );
            let diagnostic = Diagnostic::error("F0302", message, &text.origin);
            self.checker.diagnostics.push(diagnostic);
            return None;
        }
        Some(lowered.formula(&self.dims()))
    }
}

impl Written<'_> {
    fn text(&self) -> Option<&Sourced<&str>> {
        match self {
            Self::Text((text, _), _) => Some(text),
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
        let (value, divisor) = match scope.points.as_ref().map(OverPoints::count) {
            None => self.value(&tape, scope, view, origin)?,
            Some(count) => self.of_points(&tape, scope, count, view, origin)?,
        };
        let recorded = scope.checker.recorded(&value, view.path(), origin)?;
        let divisor = divisor.iter().flat_map(Value::registers).collect();
        Some(Lowered::of(tape, recorded, divisor))
    }

    fn of_points<'t>(
        &self,
        tape: &'t Tape,
        scope: &mut InTerm<'_, '_>,
        count: usize,
        view: &View<'_>,
        origin: &Origin,
    ) -> Option<Divided<'t>> {
        let (mut all, mut divisors, mut of_one) = (Vec::new(), Vec::new(), None);
        for at in 0..count {
            if let Some(points) = &mut scope.points {
                points.at = at;
            }
            let (value, divisor) = self.value(tape, scope, view, origin)?;
            of_one.get_or_insert((value.shape.len(), value.dimension));
            all.extend(value.numbers);
            divisors.extend(divisor);
        }
        let (k, dimension) = of_one?;
        let value = Value {
            shape: Shape::Matrix(count, k),
            dimension,
            numbers: all,
        };
        let divisor = divisors.into_iter().reduce(|mut all, one| {
            all.numbers.extend(one.numbers);
            all
        });
        Some((value, divisor))
    }

    /// The value, and what it was divided by.
    fn value<'t>(
        &self,
        tape: &'t Tape,
        scope: &mut InTerm<'_, '_>,
        view: &View<'_>,
        origin: &Origin,
    ) -> Option<Divided<'t>> {
        let (text, parsed, sigma) = match self {
            Self::Text((text, parsed), sigma) => (text, parsed, sigma),
            Self::Own(kind) => {
                let write = |scope: &mut own::Scope<'_, 't>| kind.residual(scope);
                let value = super::own_kinds::written(tape, scope, (view, origin), write)?;
                return Some((value, None));
            }
        };
        let mut mistakes = Vec::new();
        let value = expr::lower_on(tape, parsed, scope, &mut mistakes);
        scope.checker.report(text, mistakes);
        let Some((text, parsed)) = sigma else {
            return Some((value?, None));
        };
        scope.still = Some("sigma");
        let mut mistakes = Vec::new();
        let divided = match &value {
            Some(value) => expr::divided_on(tape, value, parsed, scope, &mut mistakes),
            None => {
                expr::lower_on(tape, parsed, scope, &mut mistakes);
                None
            }
        };
        scope.still = None;
        scope.checker.report(text, mistakes);
        divided.map(|(value, divisor)| (value, Some(divisor)))
    }
}
