//! Markers in TRC, the tab-separated text of Motion Analysis, OpenSim and Pose2Sim.

use std::path::Path;

use ndarray::Array3;

use super::error::FileError;
use super::markers::{Markers, or_missing};

/// Cells that a file may leave out at the ends of its rows, for each byte that it has.
const CELLS_PER_BYTE: usize = 4;

pub(crate) fn read(path: impl AsRef<Path>) -> Result<Markers, FileError> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|error| FileError::reading(path, &error))?;
    // The first line often holds a folder's name in an old encoding.
    parse(path, &String::from_utf8_lossy(&bytes))
}

fn parse(path: &Path, text: &str) -> Result<Markers, FileError> {
    let fail = |message: String| FileError::new(path, message);
    if text.trim().is_empty() {
        return Err(fail("the file is empty".into()));
    }
    let mut lines = text.lines().enumerate();
    let header = Header::read(&mut lines).map_err(fail)?;
    let (places, labels): (Vec<usize>, Vec<String>) = header.named().into_iter().unzip();
    if labels.is_empty() {
        return Err(fail("no marker has a name".into()));
    }
    let rows = rows(lines, &header, text.len()).map_err(fail)?;
    let columns = header.names.len();
    let shape = (rows.numbers.len(), labels.len(), 3);
    Ok(Markers {
        values: Array3::from_shape_fn(shape, |(frame, point, axis)| {
            rows.points[frame * columns + places[point]][axis]
        }),
        labels,
        warnings: header.contradictions(rows.numbers.len()),
        unit: header.unit,
        rate: header.rate,
        frame_numbers: rows.numbers,
        ..Markers::default()
    })
}

struct Header {
    rate: Option<f64>,
    unit: Option<String>,
    frames: usize,
    markers: usize,
    /// Cells after `Frame#` and `Time`.
    names: Vec<String>,
}

impl Header {
    fn read<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Result<Header, String> {
        let mut next = || lines.next().map_or("", |(_, line)| line);
        if !next()
            .trim_start_matches('\u{feff}')
            .starts_with("PathFileType")
        {
            return Err("expected a TRC file, which begins with `PathFileType`".into());
        }
        let (keys, values) = (next(), next());
        let value = |name: &str| {
            let place = keys.split_whitespace().position(|key| key == name)?;
            values.split_whitespace().nth(place)
        };
        let count = |name: &str| {
            let found = value(name).ok_or_else(|| format!("lines 2 and 3 do not say `{name}`"))?;
            let wrong = || format!("line 3, `{name}`: expected a whole number, found `{found}`");
            found.parse::<usize>().map_err(|_| wrong())
        };
        let (frames, markers) = (count("NumFrames")?, count("NumMarkers")?);
        let names = names(next(), markers);
        // The line of `X1 Y1 Z1 …` says nothing that is not known.
        next();
        Ok(Header {
            rate: value("DataRate")
                .and_then(|rate| rate.parse().ok())
                .filter(|rate: &f64| rate.is_finite() && *rate > 0.0),
            unit: value("Units").map(str::to_string),
            frames,
            markers,
            names,
        })
    }

    /// Counts of line 3 that the rest of the file does not bear out.
    fn contradictions(&self, frames: usize) -> Vec<String> {
        let counts = [
            ("NumFrames", self.frames, frames, "frames"),
            ("NumMarkers", self.markers, self.names.len(), "markers"),
        ];
        let wrong = counts.into_iter().filter(|(_, said, held, _)| said != held);
        wrong
            .map(|(key, said, held, what)| {
                format!(
                    "line 3 says `{key}` {said}, but the file holds {held} {what}, which are read"
                )
            })
            .collect()
    }

    /// The markers by place and name; an unnamed one (or `*12`) is left out.
    fn named(&self) -> Vec<(usize, String)> {
        let named = |(_, name): &(usize, &String)| !name.is_empty() && !name.starts_with('*');
        let names = self.names.iter().enumerate().filter(named);
        names.map(|(place, name)| (place, name.clone())).collect()
    }
}

/// One name for each marker, in every third column or one after the other.
fn names(line: &str, markers: usize) -> Vec<String> {
    let cells: Vec<&str> = match line.contains('\t') {
        true => cells_of(line).skip(2).collect(),
        false => line.split_whitespace().skip(2).collect(),
    };
    let own = cells.iter().filter(|cell| !cell.is_empty());
    let own: Vec<String> = own.map(|cell| cell.to_string()).collect();
    let mut others = cells.iter().enumerate().filter(|(at, _)| at % 3 != 0);
    if own.len() == markers || !others.all(|(_, cell)| cell.is_empty()) {
        return own;
    }
    let mut thirds: Vec<String> = cells.iter().step_by(3).map(|c| c.to_string()).collect();
    while thirds.last().is_some_and(String::is_empty) {
        thirds.pop();
    }
    thirds
}

/// Some programs begin every row with a tab.
fn cells_of(line: &str) -> impl Iterator<Item = &str> {
    line.trim_start().split('\t').map(str::trim)
}

struct Rows {
    numbers: Vec<u64>,
    /// All markers of the first frame, then of the next.
    points: Vec<[f64; 3]>,
}

fn rows<'a>(
    lines: impl Iterator<Item = (usize, &'a str)>,
    header: &Header,
    bytes: usize,
) -> Result<Rows, String> {
    let markers = header.names.len();
    let unnamed = 3 * header.markers.saturating_sub(markers).min(bytes);
    let mut rows = Rows {
        numbers: Vec::new(),
        points: Vec::new(),
    };
    for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let line_number = at + 1;
        let mut cells: Box<dyn Iterator<Item = &str>> = match line.contains('\t') {
            true => Box::new(cells_of(line)),
            false => Box::new(line.split_whitespace()),
        };
        let number = frame_number(cells.next().unwrap_or_default(), rows.numbers.last())
            .map_err(|message| format!("line {line_number}: {message}"))?;
        rows.numbers.push(number);
        cells.next();
        if rows.numbers.len().saturating_mul(markers).saturating_mul(3) > CELLS_PER_BYTE * bytes {
            return Err(format!(
                "line {line_number}: most cells of the rows are not there"
            ));
        }
        for _ in 0..markers {
            let mut axis = || coordinate(cells.next(), line_number);
            rows.points.push(or_missing([axis()?, axis()?, axis()?]));
        }
        if let Some(extra) = cells.skip(unnamed).find(|cell| !cell.is_empty()) {
            return Err(format!(
                "line {line_number}: `{extra}` stands after the last of {markers} markers"
            ));
        }
    }
    match rows.numbers.is_empty() {
        true => Err("the file holds no frames".into()),
        false => Ok(rows),
    }
}

fn frame_number(cell: &str, before: Option<&u64>) -> Result<u64, String> {
    let number: u64 = cell
        .parse()
        .map_err(|_| format!("expected the number of a frame, found `{cell:.20}`"))?;
    match before.filter(|before| number <= **before) {
        Some(before) => Err(format!("frame {number} stands after frame {before}")),
        None => Ok(number),
    }
}

/// An empty cell is a gap, as is one that is not there.
fn coordinate(cell: Option<&str>, line: usize) -> Result<f64, String> {
    match cell.unwrap_or_default() {
        "" => Ok(f64::NAN),
        cell => cell
            .parse()
            .map_err(|_| format!("line {line}: expected a number, found `{cell:.20}`")),
    }
}

#[cfg(test)]
mod tests;
