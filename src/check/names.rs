//! What the names in expressions stand for: columns, variables and points of sources.

use std::sync::Arc;

use super::Checker;
use super::expressions::SAID;
use super::over_points::OverPoints;
use super::sources::Source;
use super::tables::Rows;
use crate::data::{Column, ColumnKind, Dataset, Table};
use crate::diagnostic::{Origin, Sourced};
use crate::expr::{Found, Function, MOST_AHEAD, Needed, Pick, Read, Scope, Shape, Wrong};
use crate::ir::{Node, NodeId, NodeKind, Per, SetId, VariableId};
use crate::manifold::Manifold;
use crate::spec::{Dimension, Spec};

/// The names of a term's expression, and the nodes that it has read.
pub(super) struct InTerm<'c, 'a> {
    pub checker: &'c mut Checker<'a>,
    spec: &'c Spec,
    pub over: Option<Rows<'a>>,
    pub inputs: Vec<NodeId>,
    /// For each row whether all columns that are read have a number there.
    pub known: Vec<bool>,
    /// What it is where nothing may move it, such as a sigma.
    pub still: Option<&'static str>,
    /// The points that it is over.
    pub points: Option<OverPoints>,
    /// The source of which all points are read.
    whole: Option<String>,
    /// Frames that names are read later, and at most.
    ahead: usize,
    pub most_ahead: usize,
    /// The most that it did, and that it did for what was seen of points.
    pub went_ahead: usize,
    pub unseen_ahead: usize,
    rate: Option<f64>,
}

/// Numbers of a column for each row of a set, or for all of them.
pub(super) struct Numbers {
    pub shape: Shape,
    pub dimension: Dimension,
    values: Vec<f64>,
    pub for_all: bool,
    name: String,
}

impl Numbers {
    pub fn of(column: &Column, for_all: bool) -> Result<Self, Wrong> {
        let (dims, dimension, values) = match &column.kind {
            ColumnKind::Numbers {
                shape,
                dimension,
                values,
            } => (shape, dimension, values),
            ColumnKind::Reference { set, .. } => {
                let message = format!(
                    "`{}` refers to rows of `{set}`, it is no number",
                    column.name
                );
                let hint = format!("pick with it: `x[{}]`", column.name);
                return Err((message, Some(hint)));
            }
        };
        Ok(Self {
            shape: match dims.as_slice() {
                [] => Shape::Scalar,
                [n] => Shape::vector(*n),
                [rows, columns, ..] => Shape::Matrix(*rows, *columns),
            },
            dimension: *dimension,
            values: values.clone(),
            for_all,
            name: column.name.clone(),
        })
    }

    pub fn row(&self, row: usize) -> &[f64] {
        let (dims, row) = (self.shape.len(), if self.for_all { 0 } else { row });
        &self.values[row * dims..(row + 1) * dims]
    }

    /// For each of so many rows those of the element that it refers to.
    fn gathered(self, elements: &[u32]) -> Self {
        let rows = elements
            .iter()
            .flat_map(|e| self.row(*e as usize).iter().copied());
        Self {
            values: rows.collect(),
            for_all: false,
            ..self
        }
    }
}

pub(super) fn column<'t>(table: &'t Table, name: &str) -> Option<&'t Column> {
    table.columns.iter().find(|c| c.name == name)
}

pub(super) fn no_column(table: &Rows<'_>, name: &str) -> Wrong {
    let names: Vec<&str> = table
        .table
        .columns
        .iter()
        .map(|c| c.name.as_str())
        .collect();
    let hint = format!("it has {}", crate::diagnostic::list(&names));
    (
        format!("`{}` has no column `{name}`", table.name),
        Some(hint),
    )
}

impl<'c, 'a> InTerm<'c, 'a> {
    pub fn new(
        checker: &'c mut Checker<'a>,
        spec: &'c Spec,
        over: Option<Rows<'a>>,
        rate: Option<f64>,
    ) -> Self {
        if let Some(over) = &over {
            checker.read.insert(over.name.into());
        }
        Self {
            known: vec![true; over.as_ref().map_or(0, |o| o.table.rows)],
            checker,
            spec,
            over,
            inputs: Vec::new(),
            still: None,
            points: None,
            whole: None,
            ahead: 0,
            most_ahead: 0,
            went_ahead: 0,
            unseen_ahead: 0,
            rate,
        }
    }

    /// The place of a node among the inputs.
    fn input(&mut self, node: NodeId) -> usize {
        let known = self.inputs.iter().position(|n| *n == node);
        known.unwrap_or_else(|| {
            self.inputs.push(node);
            self.inputs.len() - 1
        })
    }

    fn read_node(&mut self, node: NodeId, shape: Shape) -> Read {
        self.read_part(node, 0, shape)
    }

    /// Some components of a node, as it is in the frame that is looked at.
    fn read_part(&mut self, node: NodeId, first: usize, shape: Shape) -> Read {
        let Node {
            per,
            dims,
            dimension,
            ..
        } = self.checker.nodes[node.0];
        let goes = per == Per::Frame && self.most_ahead > 0 && self.still.is_none();
        let (node, first) = match goes {
            true => {
                let count = self.most_ahead + 1;
                let side_by_side = self.checker.neighbours(node, count);
                (side_by_side, self.ahead * dims + first)
            }
            false => (node, first),
        };
        Read {
            input: self.input(node),
            first,
            shape,
            dimension,
        }
    }

    /// A column as a node over the rows of the term.
    fn numbers(&mut self, numbers: Numbers, over: SetId) -> Read {
        let dims = numbers.shape.len();
        let rows = self.known.len();
        let numbers = match numbers.for_all {
            true => numbers.gathered(&vec![0; rows]),
            false => numbers,
        };
        let mut values = numbers.values;
        for (row, known) in values.chunks_exact_mut(dims).zip(&mut self.known) {
            *known &= row.iter().all(|x| x.is_finite());
            row.iter_mut()
                .filter(|x| !x.is_finite())
                .for_each(|x| *x = 0.0);
        }
        let (name, dimension) = (&numbers.name, numbers.dimension);
        let node = self
            .checker
            .column_node(name, over, values, dims, dimension);
        self.read_node(node, numbers.shape)
    }

    /// `table.column`, by the row itself, by what it refers to, or of a table of one row.
    fn of_table(&mut self, table: &str, name: &str, picks: &[Pick<'_>]) -> Found {
        let rows = self.checker.rows(table)?;
        self.checker.read.insert(table.into());
        Some(match picks.first() {
            Some(Pick::Column(by)) => self.of_rows_by(&rows, name, by).map(|read| (read, 1)),
            _ => self.of_rows(&rows, name).map(|read| (read, 0)),
        })
    }

    /// The column of the elements that a column of the term's table refers to.
    fn of_rows_by(&mut self, rows: &Rows<'a>, name: &str, by: &str) -> Result<Read, Wrong> {
        let found = column(rows.table, name).ok_or_else(|| no_column(rows, name))?;
        let numbers = Numbers::of(found, false)?;
        let Some(over) = self.over.as_ref().map(|o| (o.set, o.table)) else {
            let message = format!("`{by}` is no column of the rows that the term is over");
            return Err((message, Some("say `over` which rows the term is".into())));
        };
        let ids = self.references_by(over.1, by, (rows.set, &format!("{}.{name}", rows.name)))?;
        let elements = self.checker.elements(rows.set, ids);
        Ok(self.numbers(numbers.gathered(&elements), over.0))
    }

    /// The ids in a column that refers to a set, of which something has a value for each element.
    fn references_by(
        &self,
        table: &'a Table,
        by: &str,
        (set, of): (SetId, &str),
    ) -> Result<&'a [i64], Wrong> {
        let references = self.checker.references(table);
        match references.iter().find(|r| r.0 == by) {
            Some((_, to, ids)) if *to == set => Ok(ids),
            Some((_, to, _)) => {
                let (to, each) = (&self.checker.sets[to.0], &self.checker.sets[set.0]);
                let message = format!(
                    "`{by}` refers to `{}`, but `{of}` has a value for each `{}`",
                    to.name, each.name
                );
                Err((message, None))
            }
            None => {
                let names: Vec<&str> = references.iter().map(|r| r.0).collect();
                let hint = (!names.is_empty())
                    .then(|| format!("columns that do: {}", crate::diagnostic::list(&names)));
                Err((format!("`{by}` is no column that refers to rows"), hint))
            }
        }
    }

    fn of_rows(&mut self, rows: &Rows<'a>, name: &str) -> Result<Read, Wrong> {
        let found = column(rows.table, name).ok_or_else(|| no_column(rows, name))?;
        let numbers = Numbers::of(found, rows.table.rows == 1)?;
        let Some(over) = &self.over else {
            let message = format!("`{}.{name}` has a value for each row", rows.name);
            return Err((message, Some("say `over` which rows the term is".into())));
        };
        let set = over.set;
        if rows.set == set || numbers.for_all {
            return Ok(self.numbers(numbers, set));
        }
        let (_, ids) = self.only_reference(rows.set, name)?;
        let elements = self.checker.elements(rows.set, ids);
        Ok(self.numbers(numbers.gathered(&elements), set))
    }

    /// The one column of the term's table that refers to a set.
    fn only_reference(&self, set: SetId, name: &str) -> Result<(&'a str, &'a [i64]), Wrong> {
        let over = self.over.as_ref();
        let references = over.map_or(Vec::new(), |o| self.checker.references(o.table));
        let to_set: Vec<_> = references.iter().filter(|r| r.1 == set).collect();
        let of = &self.checker.sets[set.0].name;
        match to_set.as_slice() {
            [(column, _, ids)] => Ok((column, ids)),
            [] => Err((
                format!("`{name}` has a value for each `{of}`, and no row here refers to one"),
                None,
            )),
            [(first, ..), ..] => Err((
                format!("`{name}` has a value for each `{of}`, and the rows refer to several"),
                Some(format!("pick one, such as `{name}[{first}]`")),
            )),
        }
    }

    fn variable(&mut self, id: VariableId, picks: &[Pick<'_>]) -> Result<(Read, usize), Wrong> {
        let variable = &self.checker.variables[id.0];
        let (name, per) = (variable.name.clone(), variable.per);
        if let Some(what) = self.still {
            let message = format!("a {what} cannot depend on what is solved for, such as `{name}`");
            let hint = match what {
                "sigma" => {
                    "it would grow without end; columns and numbers may stand in it, and an `energy` \
                     such as `(r / s)^2 + 2 * log(s)` says the rest"
                }
                _ => "columns and numbers may stand in it",
            };
            return Err((message, Some(hint.into())));
        }
        let shape = match variable.manifold {
            Manifold::So3 => Shape::Matrix(3, 3),
            other => Shape::vector(other.ambient()),
        };
        if variable.copies > 1 {
            let message = format!("`{name}` has a copy for each marker or camera");
            return Err((message, None));
        }
        let Per::Row(set) = per else {
            if per == Per::Frame && self.over.is_some() {
                let message = format!("`{name}` has a value for each frame, and rows have none");
                return Err((message, Some("declare the variable `per` a set".into())));
            }
            let node = self.checker.variable_node(id);
            return Ok((self.read_node(node, shape), 0));
        };
        let Some(over) = self.over.as_ref().map(|o| o.set) else {
            let message = format!("`{name}` has a value for each row of a set");
            return Err((message, Some("say `over` which rows the term is".into())));
        };
        let (ids, used): (&[i64], usize) = match picks.first() {
            Some(Pick::Column(column)) => {
                let table = self.over.as_ref().map(|o| o.table);
                match table {
                    Some(table) => (self.references_by(table, column, (set, &name))?, 1),
                    None => return Err((format!("`{column}` is no column here"), None)),
                }
            }
            Some(Pick::Place(place)) if shape == Shape::Scalar || over != set => {
                let ids = &self.checker.sets[set.0].ids;
                let Some(at) = ids.iter().position(|i| *i == *place as i64) else {
                    let message = format!("`{name}` has no element {place}");
                    return Err((message, None));
                };
                let rows = vec![at as u32; self.known.len()];
                return Ok((self.taken(id, over, rows, shape), 1));
            }
            _ if over == set => {
                let node = self.checker.variable_node(id);
                return Ok((self.read_node(node, shape), 0));
            }
            _ => (self.only_reference(set, &name)?.1, 0),
        };
        let rows = self.checker.elements(set, ids).to_vec();
        Ok((self.taken(id, over, rows, shape), used))
    }

    /// A variable's copies that rows refer to.
    fn taken(&mut self, of: VariableId, over: SetId, rows: Vec<u32>, shape: Shape) -> Read {
        let variable = &self.checker.variables[of.0];
        let (name, dims) = (format!("{} of rows", variable.name), variable.numbers());
        let dimension = variable.dimension;
        let kind = NodeKind::Taken {
            of,
            over,
            rows: rows.into(),
        };
        let node = self.checker.node(&name, kind, dims, dimension);
        self.read_node(node, shape)
    }

    /// A point of a source, by its label; of the points that a term is over, the one that it is about; or
    /// all points.
    fn point(&mut self, name: &str, picks: &[Pick<'_>]) -> Result<(Read, usize), Wrong> {
        if let Some(what) = self.still {
            let message = format!("a {what} cannot depend on what is solved for");
            return Err((message, None));
        }
        let Some(Pick::Label(label)) = picks.first() else {
            let of_over = self.points.as_ref().and_then(|p| p.predicted(name));
            return match of_over {
                Some((node, first, shape)) => Ok((self.read_part(node, first, shape), 0)),
                None => self.all_points(name).map(|read| (read, 0)),
            };
        };
        let source = self.source(name)?;
        if self.over.is_some() {
            let message = format!("`{name}` has points for each frame, and rows have none");
            return Err((message, None));
        }
        if let Source::Project { .. } = source {
            let hint = "`over` a data set of pixels it is the point that is looked at";
            return Err((
                format!("points of `{name}` cannot be picked"),
                Some(hint.into()),
            ));
        }
        let path = format!("{name}: {label}");
        let Some(node) = self.checker.labelled(&path, &source, label) else {
            let labels = self.checker.all_labels(&source);
            // The body's own mistake was said.
            if labels.iter().any(|l| l == label) {
                return Err((SAID.into(), None));
            }
            let hint = crate::diagnostic::nearest(label, labels.iter().map(String::as_str));
            let hint = hint.map(|h| format!("did you mean `{h}`?"));
            return Err((format!("`{name}` has no point `{label}`"), hint));
        };
        self.checker.read.insert(name.into());
        Ok((self.read_node(node, Shape::Vector(3)), 1))
    }

    /// What a data set of points is read by.
    fn hint_at_data(&self, name: &str) -> Option<Wrong> {
        let input = self.checker.inputs.get(name)?;
        if matches!(input.dataset, Dataset::Cameras(_) | Dataset::Table(_)) {
            return None;
        }
        let hint = format!("`over = \"{name}\"` reads it point by point");
        Some((format!("`{name}` is a data set of points"), Some(hint)))
    }

    fn source(&mut self, name: &str) -> Result<Source, Wrong> {
        let named = Sourced::new(name, Origin::Default);
        let found = self.checker.source(self.spec, &named);
        // What is wrong with it was said.
        found.ok_or_else(|| (SAID.into(), None))
    }

    /// All points of a source, a row for each.
    fn all_points(&mut self, name: &str) -> Result<Read, Wrong> {
        let source = self.source(name)?;
        if self.over.is_some() {
            let message = format!("`{name}` has points for each frame, and rows have none");
            return Err((message, None));
        }
        let other = self.whole.get_or_insert_with(|| name.into());
        if *other != name {
            let message = format!("the points of `{name}` and `{other}` are not joined here");
            let hint = format!(
                "pick points by label, such as `{name}['left_heel']`, or say `over` which data set \
                 the points are of"
            );
            return Err((message, Some(hint)));
        }
        if name == "vertices" || matches!(source, Source::Project { .. }) {
            let hint = "`over` a data set of points it is those that were observed";
            let message = format!("`{name}` has no points of its own");
            return Err((message, Some(hint.into())));
        }
        let node = self.checker.whole(name, &source);
        let node = node.ok_or_else(|| (SAID.into(), None))?;
        self.checker.read.insert(name.into());
        let count = self.checker.nodes[node.0].dims / 3;
        Ok(self.read_node(node, Shape::Matrix(count, 3)))
    }
}

impl Scope for InTerm<'_, '_> {
    fn read(&mut self, name: &str, field: Option<&str>, picks: &[Pick<'_>]) -> Found {
        if let Some(field) = field {
            return self.of_table(name, field, picks);
        }
        if let Some(points) = self.points.as_ref().filter(|p| p.name == name) {
            let (node, first, shape) = points.observed();
            self.unseen_ahead = self.unseen_ahead.max(self.ahead);
            return Some(Ok((self.read_part(node, first, shape), 0)));
        }
        let variable = self.checker.variable_id(name);
        let own = self
            .over
            .as_ref()
            .and_then(|o| column(o.table, name))
            .is_some();
        match (own, variable) {
            (true, Some(_)) => {
                let message = format!("`{name}` is both a column and a variable");
                Some(Err((
                    message,
                    Some("`map` gives the column another name".into()),
                )))
            }
            (true, None) => {
                let over = self.over.take()?;
                let table = over.table;
                self.over = Some(over);
                let found = column(table, name)?;
                let over = self.over.as_ref()?.set;
                Some(Numbers::of(found, false).map(|n| (self.numbers(n, over), 0)))
            }
            (false, Some(id)) => Some(self.variable(id, picks)),
            (false, None) if self.checker.is_source(self.spec, name) => {
                Some(self.point(name, picks))
            }
            (false, None) if self.checker.declares_variable(name) => Some(Err((SAID.into(), None))),
            (false, None) => self.hint_at_data(name).map(Err),
        }
    }

    fn is_table(&self, name: &str) -> bool {
        self.checker.rows(name).is_some() && self.checker.variable_id(name).is_none()
    }

    fn names(&self) -> Vec<String> {
        let columns = self.over.iter().flat_map(|o| &o.table.columns);
        let columns = columns.map(|c| c.name.clone());
        let variables = self.checker.variables.iter().map(|v| v.name.clone());
        let root = self.spec.root();
        let sources = root.named("sources").into_iter().map(|(n, ..)| n.into());
        let of_body = self.spec.has_body.then(|| "joints".into());
        let observed = self.points.iter().map(|p| p.name.clone());
        columns
            .chain(variables)
            .chain(sources)
            .chain(of_body)
            .chain(observed)
            .collect()
    }

    fn dims(&self) -> Vec<usize> {
        self.inputs
            .iter()
            .map(|n| self.checker.nodes[n.0].dims)
            .collect()
    }

    fn log_so3(&mut self, rotation: Needed) -> Option<Read> {
        let of = rotation.inputs.iter().map(|i| self.inputs[*i]).collect();
        let kind = NodeKind::Formula {
            of,
            formula: rotation.formula.into(),
            over: self.over.as_ref().map(|o| o.set),
        };
        let of = self.checker.node("rotation", kind, 9, Dimension::NONE);
        let kind = NodeKind::AxisAngle { of };
        let node = self.checker.node("its vector", kind, 3, Dimension::ANGLE);
        // What it is made of has been read ahead already.
        Some(Read {
            input: self.input(node),
            first: 0,
            shape: Shape::Vector(3),
            dimension: Dimension::ANGLE,
        })
    }

    fn ahead(&mut self, frames: isize) -> Result<(), Wrong> {
        if self.over.is_some() {
            return Err(("the rows of a table have no next one".into(), None));
        }
        let ahead = self.ahead.saturating_add_signed(frames);
        if let Some(what) = self.still {
            return Err((format!("a {what} is that of its own frame"), None));
        }
        if self.most_ahead == 0 {
            let hint = "a kind of term that reads other frames says so by `ties_frames`";
            return Err(("`next` has no place here".into(), Some(hint.into())));
        }
        if ahead > self.most_ahead.min(MOST_AHEAD) {
            let message = format!("an expression reads {MOST_AHEAD} frames ahead at most");
            return Err((message, None));
        }
        self.ahead = ahead;
        self.went_ahead = self.went_ahead.max(ahead);
        Ok(())
    }

    fn constant(&self, name: &str) -> Option<(f64, Dimension)> {
        let free = self.checker.variable_id(name).is_none() && self.over.is_none();
        let rate = self.rate.filter(|_| name == "rate" && free)?;
        Some((rate, Dimension::NONE.per_time(1)))
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        self.checker.registry.functions.clone()
    }
}
