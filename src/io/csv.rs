//! Tables of numbers with a header, and the labelled points that such tables hold.

use std::path::Path;

use ndarray::{Array2, Array3};

use super::error::FileError;

/// Columns of equal length; an empty cell is NaN.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    pub names: Vec<String>,
    pub columns: Vec<Vec<f64>>,
}

/// Labelled points over time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Points {
    pub labels: Vec<String>,
    /// 2 or 3.
    pub dims: usize,
    /// (frames, points, dims).
    pub values: Array3<f64>,
    /// (frames, points), where any point has such a column; points without one have confidence 1.
    pub confidence: Option<Array2<f64>>,
}

pub(crate) fn read(path: impl AsRef<Path>) -> Result<Table, FileError> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|error| FileError::reading(path, &error))?;
    parse(path, &bytes, |_| true)
}

/// Some of the columns alone, and the names of all: others may hold anything.
pub(crate) fn read_some(
    path: &Path,
    wanted: impl Fn(&str) -> bool,
) -> Result<(Table, Vec<String>), FileError> {
    let bytes = std::fs::read(path).map_err(|error| FileError::reading(path, &error))?;
    let mut table = parse(path, &bytes, &wanted)?;
    let names = table.names.clone();
    let mut columns = std::mem::take(&mut table.columns).into_iter();
    table.columns = columns
        .by_ref()
        .zip(&names)
        .filter(|(_, n)| wanted(n))
        .map(|(c, _)| c)
        .collect();
    table.names.retain(|n| wanted(n));
    Ok((table, names))
}

fn parse(path: &Path, bytes: &[u8], wanted: impl Fn(&str) -> bool) -> Result<Table, FileError> {
    if bytes.trim_ascii().is_empty() {
        return Err(FileError::new(path, "the file is empty"));
    }
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let names = header(path, bytes, &mut reader)?;
    let mut columns = vec![Vec::new(); names.len()];
    for row in reader.records() {
        let row = row.map_err(|error| damaged(path, bytes, &error))?;
        for ((cell, name), column) in row.iter().zip(&names).zip(&mut columns) {
            if !wanted(name) {
                continue;
            }
            let value = number(cell).ok_or_else(|| {
                let line = line_of(bytes, row.position());
                FileError::new(
                    path,
                    format!("line {line}, column `{name}`: expected a number, found `{cell}`"),
                )
            })?;
            column.push(value);
        }
    }
    Ok(Table { names, columns })
}

/// Groups columns such as `pelvis.x`, `pelvis_y`, `nose.u`, `nose.confidence`; `frame` and `time` are passed over.
///
/// `None` where another column is left over, or where the points do not all have the same axes.
pub(crate) fn points(table: &Table) -> Option<Points> {
    let groups = grouped(table)?;
    let dims = groups.first()?.axes.iter().flatten().count();
    let frames = table.columns.first().map_or(0, Vec::len);
    let complete = |group: &Group| {
        group.axes[..dims].iter().all(Option::is_some)
            && group.axes[dims..].iter().all(Option::is_none)
    };
    if dims < 2 || !groups.iter().all(complete) {
        return None;
    }
    let cell = |column: Option<usize>, frame: usize, missing: f64| {
        column.map_or(missing, |column| table.columns[column][frame])
    };
    let shape = (frames, groups.len());
    Some(Points {
        dims,
        values: Array3::from_shape_fn((shape.0, shape.1, dims), |(frame, point, axis)| {
            cell(groups[point].axes[axis], frame, f64::NAN)
        }),
        confidence: groups
            .iter()
            .any(|group| group.confidence.is_some())
            .then(|| {
                Array2::from_shape_fn(shape, |(frame, point)| {
                    cell(groups[point].confidence, frame, 1.0)
                })
            }),
        labels: groups.into_iter().map(|group| group.label).collect(),
    })
}

/// Writes points (frames, points, 2 or 3) with the frames' numbers in a `frame` column; NaN becomes an empty cell.
pub(crate) fn write_points(
    path: impl AsRef<Path>,
    labels: &[String],
    numbers: &[u64],
    values: &Array3<f64>,
) -> Result<(), FileError> {
    let (frames, count, dims) = values.dim();
    assert!(
        count == labels.len() && dims <= 3 && frames == numbers.len(),
        "labels and dims fit the values"
    );
    let path = path.as_ref();
    let failed = |error: csv::Error| FileError::new(path, format!("cannot be written: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = labels.iter().flat_map(|label| {
        ["x", "y", "z"][..dims]
            .iter()
            .map(move |axis| format!("{label}.{axis}"))
    });
    writer
        .write_record(std::iter::once("frame".to_string()).chain(names))
        .map_err(failed)?;
    for (row, number) in values.outer_iter().zip(numbers) {
        let cells = row.iter().map(|&value| {
            if value.is_nan() {
                String::new()
            } else {
                value.to_string()
            }
        });
        writer
            .write_record(std::iter::once(number.to_string()).chain(cells))
            .map_err(failed)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| FileError::writing(path, error.error()))?;
    super::atomic::write(path, &bytes)
}

fn header(
    path: &Path,
    bytes: &[u8],
    reader: &mut csv::Reader<&[u8]>,
) -> Result<Vec<String>, FileError> {
    let header = reader
        .headers()
        .map_err(|error| damaged(path, bytes, &error))?;
    let names: Vec<String> = header.iter().map(str::to_string).collect();
    if names.iter().all(|name| number(name).is_some()) {
        let message = "line 1 holds numbers; expected a header with the names of the columns";
        return Err(FileError::new(path, message));
    }
    for (place, name) in names.iter().enumerate() {
        if names[..place].contains(name) {
            return Err(FileError::new(
                path,
                format!("two columns have the name `{name}`"),
            ));
        }
    }
    Ok(names)
}

fn number(cell: &str) -> Option<f64> {
    match cell {
        "" => Some(f64::NAN),
        _ => cell.parse().ok(),
    }
}

/// The line where a row stands; the reader's own number is that of the empty lines before it.
fn line_of(bytes: &[u8], position: Option<&csv::Position>) -> usize {
    let start = position
        .map_or(0, |position| position.byte() as usize)
        .min(bytes.len());
    let empty = bytes[start..]
        .iter()
        .take_while(|byte| matches!(byte, b'\n' | b'\r'))
        .count();
    1 + bytes[..start + empty]
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count()
}

fn damaged(path: &Path, bytes: &[u8], error: &csv::Error) -> FileError {
    let line = line_of(bytes, error.position());
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("line {line} has {len} cells; expected {expected_len}, as in the header")
        }
        csv::ErrorKind::Utf8 { .. } => {
            format!("line {line}: expected text in UTF-8, found other bytes")
        }
        _ => format!("cannot be read: {error}"),
    };
    FileError::new(path, message)
}

struct Group {
    label: String,
    axes: [Option<usize>; 3],
    confidence: Option<usize>,
}

fn grouped(table: &Table) -> Option<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    for (column, name) in table.names.iter().enumerate() {
        if ["frame", "time"].contains(&name.to_lowercase().as_str()) {
            continue;
        }
        let (label, part) = name.rsplit_once(['.', '_', ' '])?;
        let place = groups
            .iter()
            .position(|group| group.label == label)
            .unwrap_or_else(|| {
                groups.push(Group {
                    label: label.to_string(),
                    axes: [None; 3],
                    confidence: None,
                });
                groups.len() - 1
            });
        let group = &mut groups[place];
        let slot = match part.to_lowercase().as_str() {
            "x" | "u" => &mut group.axes[0],
            "y" | "v" => &mut group.axes[1],
            "z" => &mut group.axes[2],
            "confidence" | "conf" | "score" | "likelihood" => &mut group.confidence,
            _ => return None,
        };
        if slot.replace(column).is_some() {
            return None;
        }
    }
    Some(groups)
}

#[cfg(test)]
mod tests {
    use super::super::testing::damage;
    use super::*;

    fn table(text: impl AsRef<[u8]>) -> Result<Table, FileError> {
        parse(Path::new("a.csv"), text.as_ref(), |_| true)
    }

    fn message(text: &str) -> String {
        table(text).unwrap_err().message
    }

    #[test]
    fn cells_are_numbers_and_gaps() {
        let table = table("\u{feff}t, y\n0,1.5\n1e-3, \n2,nan\n").unwrap();
        assert_eq!(table.names, ["t", "y"]);
        assert_eq!(table.columns[0], [0.0, 1e-3, 2.0]);
        assert_eq!(table.columns[1][0], 1.5);
        assert!(table.columns[1][1].is_nan() && table.columns[1][2].is_nan());
    }

    #[test]
    fn messages_name_the_line() {
        assert_eq!(message(" \n"), "the file is empty");
        assert_eq!(
            message("t,y\n0,1\n\n1,two\n"),
            "line 4, column `y`: expected a number, found `two`"
        );
        assert_eq!(
            message("t,y\n0,1\n1\n"),
            "line 3 has 1 cells; expected 2, as in the header"
        );
        assert_eq!(
            message("0,1\n1,2\n"),
            "line 1 holds numbers; expected a header with the names of the columns"
        );
        assert_eq!(message("a,b,a\n"), "two columns have the name `a`");
    }

    #[test]
    fn columns_become_points_in_the_order_of_their_labels() {
        let table = table(
            "frame,left_hip.x,left_hip.y,nose_u,nose_v,nose_confidence\n0,1,2,3,4,0.5\n1,5,6,,,0\n",
        )
        .unwrap();
        let points = points(&table).unwrap();
        assert_eq!(
            (points.labels, points.dims),
            (vec!["left_hip".to_string(), "nose".to_string()], 2)
        );
        assert_eq!(points.values[[1, 0, 1]], 6.0);
        assert!(points.values[[1, 1, 0]].is_nan());
        assert_eq!(
            points.confidence.unwrap(),
            ndarray::arr2(&[[1.0, 0.5], [1.0, 0.0]])
        );
    }

    #[test]
    fn other_tables_hold_no_points() {
        for text in [
            "t,y\n1,2\n",
            "a.x,a.y,b.x\n1,2,3\n",
            "a.x,a.y,a.z,b.x,b.y\n1,2,3,4,5\n",
            "a.x\n1\n",
            "frame\n1\n",
            "a.x,a_x,a.y\n1,2,3\n",
        ] {
            assert_eq!(points(&table(text).unwrap()), None, "{text}");
        }
    }

    #[test]
    fn written_points_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let labels = ["pelvis".to_string(), "left,hip".to_string()];
        let mut values = Array3::from_shape_fn((3, 2, 3), |(f, p, a)| {
            f as f64 + 0.1 * p as f64 - 1e-9 * a as f64
        });
        values[[1, 0, 2]] = f64::NAN;
        write_points(&path, &labels, &[0, 1, 2], &values).unwrap();
        let back = points(&read(&path).unwrap()).unwrap();
        assert_eq!(back.labels, labels);
        let same = |(a, b): (&f64, &f64)| a == b || a.is_nan() && b.is_nan();
        assert!(back.values.iter().zip(&values).all(same));
        assert_eq!(back.confidence, None);
    }

    #[test]
    fn damage_never_panics() {
        damage(
            b"frame,a.x,a.y,\"b\"\"c.x\",d_y\n0,1.5,2,3,4\n1,5,,7e3,8\n",
            |bytes| {
                if let Ok(table) = table(bytes) {
                    let _ = points(&table);
                }
            },
        );
    }
}
