//! Tables of numbers with a header, and the labelled points that such tables hold.

mod deeplabcut;
mod long;
mod motive;
mod points;

use std::path::Path;

use ndarray::Array3;

use super::error::FileError;
use super::markers::Markers;
pub(crate) use points::Points;

/// Columns of equal length; an empty cell is NaN.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    pub names: Vec<String>,
    pub columns: Vec<Vec<f64>>,
}

/// Points or markers, however a program laid them out.
pub(crate) enum PointTable {
    Points(Points),
    Markers(Markers),
}

/// Whatever points a file holds, with the program whose layout it has.
pub(crate) fn read_points(path: &Path) -> Result<(PointTable, &'static str), FileError> {
    let bytes = std::fs::read(path).map_err(|error| FileError::reading(path, &error))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if motive::is(bytes) {
        let markers = motive::parse(path, bytes)?;
        return Ok((PointTable::Markers(markers), "Motive"));
    }
    let (points, program) = if deeplabcut::is(bytes) {
        (deeplabcut::parse(path, bytes)?, "DeepLabCut")
    } else if let Some(columns) = long::columns(bytes) {
        (long::parse(path, bytes, &columns)?, "a row a point")
    } else {
        (points::parse(path, bytes)?, "")
    };
    Ok((PointTable::Points(points), program))
}

/// All rows as they are, each with its line; a row may have any number of cells.
fn rows(path: &Path, bytes: &[u8]) -> Result<Vec<(usize, csv::StringRecord)>, FileError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| damaged(path, bytes, &error))?;
        rows.push((line_of(bytes, row.position()), row));
    }
    Ok(rows)
}

/// The cell of a row as a number, NaN where it is empty or not there.
fn cell(path: &Path, line: usize, row: &csv::StringRecord, at: usize) -> Result<f64, FileError> {
    let cell = row.get(at).unwrap_or_default();
    number(cell).ok_or_else(|| {
        let message = format!("line {line}: expected a number, found `{cell:.20}`");
        FileError::new(path, message)
    })
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
    fn written_points_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let labels = ["pelvis".to_string(), "left,hip".to_string()];
        let mut values = Array3::from_shape_fn((3, 2, 3), |(f, p, a)| {
            f as f64 + 0.1 * p as f64 - 1e-9 * a as f64
        });
        values[[1, 0, 2]] = f64::NAN;
        write_points(&path, &labels, &[0, 1, 2], &values).unwrap();
        let (PointTable::Points(back), _) = read_points(&path).unwrap() else {
            panic!("points")
        };
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
                let _ = (table(bytes), points::parse(Path::new("a.csv"), bytes));
            },
        );
    }
}
