//! Tables that OptiTrack's Motive exports: a line about the take, rows of headings, then a row a frame.

use std::path::Path;

use ndarray::Array3;

use super::super::markers::{Markers, or_missing};
use super::{FileError, cell, rows};

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"Format Version,")
}

/// The markers; rotations, rigid bodies and bones are left out.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Markers, FileError> {
    let fail = |message: &str| FileError::new(path, message);
    let rows = rows(path, bytes)?;
    let take = &rows.first().ok_or_else(|| fail("the file is empty"))?.1;
    let said = |key: &str| {
        let place = take.iter().position(|cell| cell == key)?;
        take.get(place + 1).filter(|value| !value.is_empty())
    };
    let axes = rows
        .iter()
        .take(12)
        .position(|(_, row)| row.get(0) == Some("Frame"));
    let axes = axes.filter(|&at| at >= 4);
    let axes = axes.ok_or_else(|| fail("Motive's table lacks its rows of headings"))?;
    let headings = [1, 2, axes - 1, axes].map(|at| &rows[at].1);
    let columns = columns(headings);
    if columns.is_empty() {
        return Err(
            fail("none of its columns is the position of a labelled marker")
                .with_hint("switch on `Markers` when exporting"),
        );
    }
    let frames = &rows[axes + 1..];
    let mut values = Array3::from_elem((frames.len(), columns.len(), 3), f64::NAN);
    let mut frame_numbers = Vec::with_capacity(frames.len());
    for ((line, row), mut points) in frames.iter().zip(values.outer_iter_mut()) {
        let number: u64 = row.get(0).unwrap_or_default().parse().map_err(|_| {
            FileError::new(path, format!("line {line}: expected the number of a frame"))
        })?;
        if frame_numbers.last().is_some_and(|last| *last >= number) {
            let message = format!("line {line}: frame {number} stands after a later one");
            return Err(FileError::new(path, message));
        }
        frame_numbers.push(number);
        for ((_, place), mut point) in columns.iter().zip(points.outer_iter_mut()) {
            let axis = |axis: usize| cell(path, *line, row, place + axis);
            let found = or_missing([axis(0)?, axis(1)?, axis(2)?]);
            point.iter_mut().zip(found).for_each(|(to, x)| *to = x);
        }
    }
    if frame_numbers.is_empty() {
        return Err(fail("the file holds no frames"));
    }
    let rates = ["Export Frame Rate", "Capture Frame Rate"];
    let rate = rates.iter().find_map(|key| said(key)?.parse().ok());
    Ok(Markers {
        labels: columns.into_iter().map(|(label, _)| label).collect(),
        values,
        unit: said("Length Units").map(str::to_string),
        rate: rate.filter(|rate: &f64| rate.is_finite() && *rate > 0.0),
        frame_numbers,
        ..Markers::default()
    })
}

/// Labels with the column of x, of which y and z are the next; of assets only where no marker has a column.
fn columns([kinds, names, parts, axes]: [&csv::StringRecord; 4]) -> Vec<(String, usize)> {
    let of_kind = |wanted: &dyn Fn(&str) -> bool| {
        let place = |&at: &usize| {
            let axis = |k: usize| axes.get(at + k);
            let name = names.get(at).unwrap_or_default();
            kinds.get(at).is_some_and(wanted)
                && parts.get(at) == Some("Position")
                && [axis(0), axis(1), axis(2)] == [Some("X"), Some("Y"), Some("Z")]
                && !name.is_empty()
                && !name.starts_with("Unlabeled")
        };
        let labelled = (2..kinds.len()).filter(place);
        let labelled = labelled.map(|at| (names.get(at).unwrap_or_default().to_string(), at));
        labelled.collect::<Vec<_>>()
    };
    let markers = of_kind(&|kind| kind == "Marker");
    match markers.is_empty() {
        true => of_kind(&|kind| kind.ends_with(" Marker")),
        false => markers,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::damage;
    use super::*;

    const TAKE: &str = "Format Version,1.23,Take Name,t,Capture Frame Rate,120.000000,Export Frame Rate,60.000000,Length Units,Millimeters,Coordinate Space,Global

,Type,Rigid Body,Rigid Body,Rigid Body,Rigid Body,Marker,Marker,Marker,Marker,Marker,Marker
,Name,box,box,box,box,Ann:LASI,Ann:LASI,Ann:LASI,Unlabeled 1000,Unlabeled 1000,Unlabeled 1000
,ID,1,1,1,1,2,2,2,3,3,3
,,Rotation,Position,Position,Position,Position,Position,Position,Position,Position,Position
Frame,Time (Seconds),X,X,Y,Z,X,Y,Z,X,Y,Z
10,0.000000,0,7,7,7,100,900,50,1,2,3
11,0.016667,0,7,7,7,,,,1,2,3
";

    #[test]
    fn positions_of_labelled_markers_are_read() {
        let markers = parse(Path::new("a.csv"), TAKE.as_bytes()).unwrap();
        assert_eq!(markers.labels, ["Ann:LASI"]);
        assert_eq!((markers.rate, markers.metres()), (Some(60.0), Some(0.001)));
        assert_eq!(markers.frame_numbers, [10, 11]);
        let row = |f: usize| markers.values.slice(ndarray::s![f, 0, ..]).to_vec();
        assert_eq!(row(0), [100.0, 900.0, 50.0]);
        assert!(row(1).iter().all(|x| x.is_nan()));
    }

    #[test]
    fn damage_never_panics() {
        damage(TAKE.as_bytes(), |bytes| {
            let _ = parse(Path::new("a.csv"), bytes);
        });
    }
}
