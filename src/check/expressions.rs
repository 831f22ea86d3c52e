//! Terms and starting values that are expressions, and where in the spec a mistake of one is.

use std::sync::Arc;

use super::Checker;
use super::names::{InStart, InTerm};
use super::tables::{Rows, tables};
use super::terms::Measured;
use super::variables::on_manifold;
use super::whitening::Form;
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::expr::{self, Expression, Mistake, Needed, Scope, Shape};
use crate::ir::{Curve, NodeId, NodeKind, Per, Residual};
use crate::manifold::Manifold;
use crate::spec::{Dimension, Spec, View, looks_like_quantity, parse_quantity};

/// Stands for a mistake that was said where it was made, such as that of a variable which is read here.
pub(super) const SAID: &str = "";

/// Whether a text is a quantity such as `1 cm`, and not an expression.
pub(super) fn is_quantity(text: &str) -> bool {
    looks_like_quantity(text) && parse_quantity(text).is_ok()
}

impl<'a> Checker<'a> {
    /// The residual of a term of the kind `expr`.
    pub(super) fn expression_term(
        &mut self,
        spec: &Spec,
        view: &View<'_>,
        origin: &Origin,
        form: &mut Option<Form>,
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
        let over = self.over(view, &names)?;
        let mut scope = InTerm::new(self, spec, over);
        let mut mistakes = Vec::new();
        let lowered = expr::lower(&parsed, &mut scope, &mut mistakes);
        scope.checker.report(&residual, mistakes);
        let mut of_sigma = Vec::new();
        let lowered = match &parsed_sigma {
            Some(sigma) => {
                scope.of_sigma = true;
                lowered.and_then(|l| l.over(sigma, &mut scope, &mut of_sigma))
            }
            None => lowered,
        };
        if let Some(sigma) = &sigma {
            scope.checker.report(sigma, of_sigma);
        }
        let lowered = lowered?;
        if let Shape::Matrix(..) = lowered.value.shape {
            let message = format!(
                "a residual is a number or a vector, not {}",
                lowered.value.shape
            );
            let diagnostic = Diagnostic::error("F0308", message, &residual.origin);
            scope.checker.diagnostics.push(diagnostic);
            return None;
        }
        let (k, dimension) = (lowered.value.shape.len(), lowered.value.dimension);
        *form = Some(Form {
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
            ..
        } = scope;
        self.warn_missing(view.path(), &known, over.as_ref(), &residual.origin)?;
        if let (Some(of), Some(text)) = (of_sigma, &sigma) {
            self.check_above_zero(&of, &inputs, &known, text)?;
        }
        self.warn_no_number(&needed, &inputs, &known, &residual);
        let of = needed.inputs.iter().map(|i| inputs[*i]).collect();
        let kind = NodeKind::Formula {
            of,
            formula: Arc::new(needed.formula),
            over: over.as_ref().map(|o| o.set),
        };
        let node = self.node(&format!("{}: residual", view.path()), kind, k, dimension);
        if k == 1 {
            let curve = self.curve(&parsed, &inputs, node);
            self.curves.extend(curve);
        }
        let residual = match over {
            Some(_) => Residual::Rows {
                k,
                known: known.into(),
            },
            None => Residual::value(k, k),
        };
        Some((node, residual))
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

    /// An expression; `None` where its form has mistakes.
    fn parsed(&mut self, text: &Sourced<&str>) -> Option<Expression> {
        let mut mistakes = Vec::new();
        let parsed = expr::parse(text.value, &mut mistakes);
        let right = mistakes.is_empty();
        self.report(text, mistakes);
        right.then_some(parsed)
    }

    /// The table whose rows an expression is over: as the spec says, or the one whose columns it reads.
    fn over(&mut self, view: &View<'_>, names: &[&str]) -> Option<Option<Rows<'a>>> {
        if let Some(given) = view.texts("over") {
            return match given.as_slice() {
                [] => Some(None),
                [only] if only.value == "frame" => Some(None),
                [only] => match self.rows(only.value) {
                    Some(rows) => Some(Some(rows)),
                    None => {
                        let message = format!("there is no table `{}`", only.value);
                        let names: Vec<&str> = tables(self.inputs).map(|(n, ..)| n).collect();
                        let diagnostic = Diagnostic::error("F0304", message, &only.origin);
                        let names = names.into_iter().chain(["frame"]);
                        self.diagnostics.push(diagnostic.nearest(only.value, names));
                        None
                    }
                },
                [_, other, ..] => {
                    let message = "an expression is over the rows of one table";
                    let diagnostic = Diagnostic::error("F0308", message, &other.origin);
                    let hint = "join the tables by a `ref:` column in one of them";
                    self.diagnostics.push(diagnostic.hint(hint));
                    None
                }
            };
        }
        let declared = |name: &str| self.declares_variable(name);
        let reads = |table: &crate::data::Table| {
            let mut columns = table.columns.iter();
            columns.any(|c| names.contains(&c.name.as_str()) && !declared(&c.name))
        };
        let read: Vec<&str> = tables(self.inputs)
            .filter(|(_, t, _)| reads(t))
            .map(|(n, ..)| n)
            .collect();
        match read.as_slice() {
            [] => Some(None),
            [only] => Some(self.rows(only)),
            several => {
                let message = format!(
                    "`{}` reads columns of several tables: {}",
                    view.path(),
                    crate::diagnostic::list(several)
                );
                let origin = view.origin_of("residual", &Origin::Default);
                let hint = format!(
                    "say which rows it is over, such as `over = \"{}\"`",
                    several[0]
                );
                let diagnostic = Diagnostic::error("F0308", message, &origin).hint(hint);
                self.diagnostics.push(diagnostic);
                None
            }
        }
    }

    /// Mistakes of an expression, where they are in the spec.
    pub(super) fn report(&mut self, text: &Sourced<&str>, mistakes: Vec<Mistake>) {
        let root = self.spec.root();
        let mut data = root.named("data").into_iter();
        // What a file that could not be read would have named is not missed too.
        let lost = data.any(|(name, ..)| self.inputs.get(name).is_none());
        let tables = root.named("data").into_iter();
        let columns: Vec<&crate::spec::Table> =
            tables.filter_map(|(_, t, _)| t.table("columns")).collect();
        // Nor a column that is declared with a mistake.
        let followed = |m: &Mistake| match &m.names {
            Some((found, _)) => lost || columns.iter().any(|c| c.get(found).is_some()),
            None => false,
        };
        let news = |m: &Mistake| m.message != SAID && !followed(m);
        for mistake in mistakes.into_iter().filter(news) {
            let origin = self
                .spec
                .sources
                .within(&text.origin, text.value, &mistake.span);
            let code = match mistake.names {
                Some(_) => "F0304",
                None => "F0308",
            };
            let mut diagnostic = Diagnostic::error(code, mistake.message, &origin);
            if let Some(hint) = mistake.hint {
                diagnostic = diagnostic.hint(hint);
            }
            if let Some((found, names)) = &mistake.names {
                diagnostic = diagnostic.nearest(found, names.iter().map(String::as_str));
            }
            self.diagnostics.push(diagnostic);
        }
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

    /// Starting values by an expression of tables, one row after the other, in stored numbers, and their
    /// unit.
    pub(super) fn start(
        &mut self,
        text: &Sourced<&str>,
        manifold: impl Fn(usize) -> Option<Manifold>,
        wanted: Option<Dimension>,
        per: Per,
    ) -> Option<(Manifold, Vec<f64>, Dimension)> {
        let parsed = self.parsed(text)?;
        let set = match per {
            Per::Row(set) => Some(set),
            _ => None,
        };
        let mut scope = InStart::new(self, set);
        let mut mistakes = Vec::new();
        let lowered = expr::lower(&parsed, &mut scope, &mut mistakes);
        let (dims, inputs) = (scope.dims(), scope.inputs);
        self.report(text, mistakes);
        let lowered = lowered?;
        let found = lowered.value.dimension;
        let wanted = wanted.unwrap_or(found);
        let fail = |message: String| Diagnostic::error("F0302", message, &text.origin);
        if found.without_angle() != wanted.without_angle() {
            let message = format!("the start is in {found}, but the variable in {wanted}");
            self.diagnostics.push(fail(message));
            return None;
        }
        let count = lowered.value.shape.len();
        let Some(manifold) = manifold(count) else {
            let message = format!(
                "the start is {}, which the variable is not",
                lowered.value.shape
            );
            self.diagnostics
                .push(Diagnostic::error("F0303", message, &text.origin));
            return None;
        };
        let needed = lowered.formula(&dims);
        let rows = set.map_or(1, |s| self.sets[s.0].ids.len());
        let mut all = Vec::new();
        for row in 0..rows {
            let of_row = needed.inputs.iter().map(|i| inputs[*i].row(row));
            let value = needed.formula.evaluate(&of_row.collect::<Vec<_>>());
            let stored = match value.iter().all(|x| x.is_finite()) {
                true => stored(manifold, value),
                false => Err("is no number".into()),
            };
            match stored {
                Ok(stored) => all.extend(stored),
                Err(reason) => {
                    let place = if set.is_some() {
                        format!("row {row} of ")
                    } else {
                        String::new()
                    };
                    let message = format!("{place}the start {reason}");
                    self.diagnostics
                        .push(Diagnostic::error("F0205", message, &text.origin));
                    return None;
                }
            }
        }
        Some((manifold, all, wanted))
    }
}

/// The stored numbers of a start: a rotation is a matrix or a vector.
fn stored(manifold: Manifold, value: Vec<f64>) -> Result<Vec<f64>, String> {
    if manifold != Manifold::So3 || value.len() != 9 {
        return on_manifold(manifold, value);
    }
    let m = nalgebra::Matrix3::from_row_slice(&value);
    let off = (m.transpose() * m - nalgebra::Matrix3::identity())
        .abs()
        .max();
    match off < 1e-6 && m.determinant() > 0.0 {
        true => Ok(value),
        false => Err("is no rotation".into()),
    }
}
