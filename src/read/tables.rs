//! Tables of named columns: from csv, npz and g2o.

use std::path::Path;

use super::{Reader, Up};
use crate::data::{Column, ColumnKind, Dataset, Table};
use crate::diagnostic::{Diagnostic, list};
use crate::io::g2o::{Edge, Pose, PoseGraph};
use crate::io::npz::Npz;
use crate::io::{FileError, csv, g2o};
use crate::spec::{Dimension, Node, Value, parse_unit};

/// Numbers of a column with their shape.
type Numbers = (Vec<usize>, Vec<f64>);

/// The set of the vertices of pose graphs.
const VERTEX: &str = "vertex";

impl Reader<'_> {
    pub(super) fn csv_table(&mut self, path: &Path) -> Result<Option<(Dataset, Up)>, FileError> {
        let wanted = self.wanted();
        let asked = |name: &str| wanted.iter().any(|of_file| of_file == name);
        let (table, names) = csv::read_some(path, asked)?;
        self.files.push(path.into());
        self.table(&Columns::Csv(table, names))
    }

    /// What the file calls the columns that the spec declares.
    fn wanted(&self) -> Vec<String> {
        let declared = self.view.table("columns").into_iter();
        let in_file = |name: &String| {
            let renamed = self.view.table("map").and_then(|m| m.text(name));
            renamed.unwrap_or(name).to_string()
        };
        declared
            .flat_map(|t| &t.entries)
            .map(|(n, _)| in_file(n))
            .collect()
    }

    /// The columns that the spec declares, each with its unit, `ref:SET` or `id`.
    pub(super) fn table(&mut self, file: &Columns) -> Result<Option<(Dataset, Up)>, FileError> {
        let Some(declared) = self.view.table("columns").cloned() else {
            return Ok(None);
        };
        let path_of = self.view.path().to_string();
        let wanted = self.wanted();
        let mut table = Table {
            index: self.view.text("index").map(|t| t.value.to_string()),
            ..Table::default()
        };
        let mut rows: Option<(String, usize)> = None;
        let mut ids = None;
        for ((name, node), of_file) in declared.entries.iter().zip(&wanted) {
            let Some((shape, values)) = file.column(of_file)? else {
                self.no_column(of_file, file, node);
                continue;
            };
            let count = values.len() / shape.iter().product::<usize>().max(1);
            match &rows {
                Some((first, known)) if *known != count => {
                    let message = format!(
                        "`{path_of}`: `{name}` has {count} rows, but `{first}` has {known}"
                    );
                    self.fail("F0301", message, &node.key);
                    continue;
                }
                _ => rows = Some((name.clone(), count)),
            }
            match self.declared(name, node, (shape, values)) {
                Some(Declared::Ids(found)) => ids = Some(found),
                Some(Declared::Column(kind)) => table.columns.push(Column {
                    name: name.clone(),
                    kind,
                }),
                None => {}
            }
        }
        table.rows = rows.map_or(0, |(_, count)| count);
        table.ids = ids.unwrap_or_else(|| (0..table.rows as i64).collect());
        let mut sorted = table.ids.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|p| p[0] == p[1]) {
            let message = format!("`{path_of}`: two rows have the id {}", pair[0]);
            self.fail("F0401", message, &self.origin.clone());
            return Ok(None);
        }
        if table.rows == 0 {
            let message = format!("`{path_of}` has no rows");
            self.fail("F0402", message, &self.origin.clone());
            return Ok(None);
        }
        Ok(Some((Dataset::Table(table), Up::Y)))
    }

    fn no_column(&mut self, name: &str, file: &Columns, node: &Node) {
        let message = format!("`{}`: the file has no column `{name}`", self.view.path());
        let names = file.names();
        let names = names.iter().map(String::as_str);
        let diagnostic = Diagnostic::error("F0402", message, &node.key);
        self.diagnostics.push(diagnostic.nearest(name, names));
    }

    /// What a column is, by the text that declares it; a mistake is reported.
    fn declared(&mut self, name: &str, node: &Node, numbers: Numbers) -> Option<Declared> {
        let Value::Text(text) = &node.value else {
            return None;
        };
        let (shape, values) = numbers;
        let set = text.strip_prefix("ref:").map(str::trim);
        if text == "id" || set.is_some() {
            let ids = whole(&values).map_err(|row| {
                let path = self.view.path();
                let message =
                    format!("`{path}`: row {row} of `{name}` is no whole number, as ids are");
                self.fail("F0401", message, &node.origin);
            });
            let ids = ids.ok()?;
            return Some(match set {
                None => Declared::Ids(ids),
                Some(set) => Declared::Column(ColumnKind::Reference {
                    set: set.into(),
                    ids,
                }),
            });
        }
        match parse_unit(if text == "1" { "" } else { text }) {
            Ok((factor, dimension)) => Some(Declared::Column(ColumnKind::Numbers {
                shape,
                dimension,
                values: values.iter().map(|x| x * factor).collect(),
            })),
            Err(reason) => {
                let message = format!("`{}.columns.{name}`: {reason}", self.view.path());
                let hint = "a unit such as `m`, or `1` for numbers of any other; `ref:` with the name of \
                            a set, or `id`";
                let diagnostic = Diagnostic::error("F0302", message, &node.origin);
                self.diagnostics.push(diagnostic.hint(hint));
                None
            }
        }
    }

    /// The edges of a pose graph; its vertices become a data set of their own.
    pub(super) fn pose_graph(&mut self, path: &Path) -> Result<Option<(Dataset, Up)>, FileError> {
        let graph = g2o::read(path)?;
        self.files.push(path.into());
        self.also.push((VERTEX.into(), vertices(&graph)));
        Ok(Some((Dataset::Table(edges(&graph.edges)), Up::Y)))
    }
}

/// A column, or what the rows are called.
enum Declared {
    Ids(Vec<i64>),
    Column(ColumnKind),
}

/// What a file's columns are read from.
pub(super) enum Columns {
    Csv(csv::Table, Vec<String>),
    Arrays(Npz),
}

impl Columns {
    fn names(&self) -> Vec<String> {
        match self {
            Self::Csv(_, names) => names.clone(),
            Self::Arrays(npz) => npz.members().iter().map(|m| m.name.clone()).collect(),
        }
    }

    fn column(&self, name: &str) -> Result<Option<Numbers>, FileError> {
        match self {
            Self::Csv(table, _) => {
                let at = table.names.iter().position(|n| n == name);
                Ok(at.map(|at| (Vec::new(), table.columns[at].clone())))
            }
            Self::Arrays(npz) if !npz.has(name) => Ok(None),
            Self::Arrays(npz) => {
                let array = npz.floats(name)?;
                let shape = array.shape().get(1..).unwrap_or_default().to_vec();
                if array.ndim() == 0 || shape.len() > 2 || shape.iter().product::<usize>() == 0 {
                    let names = list(&[name]);
                    return Err(npz.error(format!(
                        "{names} is not rows of numbers, vectors or matrices"
                    )));
                }
                Ok(Some((shape, array.iter().copied().collect())))
            }
        }
    }
}

/// Whole numbers, or the first row that is none.
fn whole(values: &[f64]) -> Result<Vec<i64>, usize> {
    let fits = |x: &f64| x.fract() == 0.0 && x.abs() < 9e15;
    match values.iter().position(|x| !fits(x)) {
        Some(row) => Err(row),
        None => Ok(values.iter().map(|x| *x as i64).collect()),
    }
}

fn numbers(name: &str, shape: &[usize], dimension: Dimension, values: Vec<f64>) -> Column {
    Column {
        name: name.into(),
        kind: ColumnKind::Numbers {
            shape: shape.to_vec(),
            dimension,
            values,
        },
    }
}

/// The columns of some poses: `x`, `y`, `theta` in the plane, `t` and `r` in space; g2o has no units.
fn columns<'p>(poses: impl Iterator<Item = &'p Pose> + Clone) -> Vec<Column> {
    let none = Dimension::NONE;
    let in_plane = |c: usize| {
        let component = move |pose: &Pose| match pose {
            Pose::Plane(numbers) => numbers[c],
            Pose::Space(..) => f64::NAN,
        };
        poses.clone().map(component).collect::<Vec<f64>>()
    };
    if matches!(poses.clone().next(), Some(Pose::Plane(_))) {
        return vec![
            numbers("x", &[], none, in_plane(0)),
            numbers("y", &[], none, in_plane(1)),
            numbers("theta", &[], Dimension::ANGLE, in_plane(2)),
        ];
    }
    let (mut places, mut rotations) = (Vec::new(), Vec::new());
    for pose in poses {
        if let Pose::Space(place, rotation) = pose {
            places.extend(place);
            rotations.extend(rotation);
        }
    }
    vec![
        numbers("t", &[3], none, places),
        numbers("r", &[3, 3], none, rotations),
    ]
}

fn vertices(graph: &PoseGraph) -> Table {
    let ids: Vec<i64> = graph.vertices.iter().map(|(id, _)| *id).collect();
    let held = graph.fixed.iter();
    Table {
        rows: ids.len(),
        columns: columns(graph.vertices.iter().map(|(_, pose)| pose)),
        index: Some(VERTEX.into()),
        held: held
            .filter_map(|f| ids.iter().position(|id| id == f))
            .collect(),
        ids,
    }
}

fn edges(edges: &[Edge]) -> Table {
    let end = |name: &str, i: usize| Column {
        name: name.into(),
        kind: ColumnKind::Reference {
            set: VERTEX.into(),
            ids: edges.iter().map(|e| e.ends[i]).collect(),
        },
    };
    let mut all = vec![end("i", 0), end("j", 1)];
    all.extend(columns(edges.iter().map(|e| &e.pose)));
    let n = match edges.first().map(|e| e.sqrt_info.len()) {
        Some(9) => 3,
        _ => 6,
    };
    let roots = edges
        .iter()
        .flat_map(|e| e.sqrt_info.iter().copied())
        .collect();
    all.push(numbers("sqrt_info", &[n, n], Dimension::NONE, roots));
    Table {
        rows: edges.len(),
        columns: all,
        ids: (0..edges.len() as i64).collect(),
        ..Table::default()
    }
}
