//! Terms and starting values that are expressions, and where in the spec a mistake of one is.

use super::Checker;
use super::names::column;
use super::start_names::InStart;
use super::tables::{Rows, tables};
use super::variables::on_manifold;
use crate::data::Dataset;
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::expr::{self, Expression, Mistake, Scope};
use crate::ir::Per;
use crate::manifold::Manifold;
use crate::spec::{Dimension, View, looks_like_quantity, parse_quantity};

/// Stands for a mistake that was said where it was made, such as that of a variable which is read here.
pub(super) const SAID: &str = "";

/// Whether a text is a quantity such as `1 cm`, and not an expression.
pub(super) fn is_quantity(text: &str) -> bool {
    looks_like_quantity(text) && parse_quantity(text).is_ok()
}

impl<'a> Checker<'a> {
    /// An expression; `None` where its form has mistakes.
    pub(super) fn parsed(&mut self, text: &Sourced<&str>) -> Option<Expression> {
        let mut mistakes = Vec::new();
        let parsed = expr::parse(text.value, &mut mistakes);
        let right = mistakes.is_empty();
        self.report(text, mistakes);
        right.then_some(parsed)
    }

    /// Whether a data set is declared, but could not be read, which was said.
    fn is_lost(&self, name: &str) -> bool {
        let root = self.spec.root();
        let declared = root.table("data").is_some_and(|t| t.get(name).is_some());
        declared && self.inputs.get(name).is_none()
    }

    /// Whether any is.
    pub(super) fn lost_data(&self) -> bool {
        let data = self.spec.root().named("data");
        data.iter().any(|(name, ..)| self.is_lost(name))
    }

    /// The table whose rows an expression is over: as the spec says, or the one whose columns it reads.
    pub(super) fn over(&mut self, view: &View<'_>, names: &[&str]) -> Option<Option<Rows<'a>>> {
        if let Some(given) = view.texts("over") {
            return match given.as_slice() {
                [] => Some(None),
                [only] if only.value == "frame" => Some(None),
                [only] => match self.rows(only.value) {
                    Some(rows) => Some(Some(rows)),
                    None => {
                        if self.is_lost(only.value) {
                            return None;
                        }
                        let message =
                            format!("`{}` is no table, and no data set of points", only.value);
                        let data = self.inputs.data.iter();
                        let data = data.filter(|d| !matches!(d.dataset, Dataset::Cameras(_)));
                        let names: Vec<&str> = data.map(|d| d.name.as_str()).collect();
                        let diagnostic = Diagnostic::error("F0304", message, &only.origin);
                        let names = names.into_iter().chain(["frame"]);
                        self.diagnostics.push(diagnostic.nearest(only.value, names));
                        None
                    }
                },
                [_, other, ..] => {
                    let message = "an expression is over the rows of one table, or the points of one data set";
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

    /// Whether a table was read with a column.
    fn has_column(&self, table: &str, name: &str) -> bool {
        let mut all = tables(self.inputs);
        all.any(|(n, t, _)| n == table && column(t, name).is_some())
    }

    /// Mistakes of an expression, where they are in the spec.
    pub(super) fn report(&mut self, text: &Sourced<&str>, mistakes: Vec<Mistake>) {
        let root = self.spec.root();
        // What a file that could not be read would have named is not missed too.
        let lost = self.lost_data();
        // Nor a column that is declared with a mistake, so that its table lacks it.
        let missing = |column: &str| {
            root.named("data").into_iter().any(|(name, table, _)| {
                let declared = table.table("columns").and_then(|c| c.get(column));
                declared.is_some() && !self.has_column(name, column)
            })
        };
        let followed = |m: &Mistake| match &m.names {
            Some((found, _)) => lost || missing(found),
            None => false,
        };
        let news = |m: &Mistake| m.message != SAID && !followed(m);
        let mistakes: Vec<Mistake> = mistakes.into_iter().filter(news).collect();
        for mistake in mistakes {
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
                let elsewhere = tables(self.inputs).find(|(_, t, _)| column(t, found).is_some());
                diagnostic = match elsewhere {
                    Some((table, ..)) => diagnostic.hint(format!(
                        "`{table}` has a column of that name: `{table}.{found}`"
                    )),
                    None => diagnostic.nearest(found, names.iter().map(String::as_str)),
                };
            }
            self.diagnostics.push(diagnostic);
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
