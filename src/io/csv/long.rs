//! A row a point: the frame, the point and its coordinates, often the camera.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{Array3, Array4};

use super::{FileError, Points, cell, rows};

/// Cells of frames, views and points for each byte of the file.
const CELLS_PER_BYTE: usize = 4;

/// Where the columns stand.
#[derive(Debug, Default)]
pub(super) struct Columns {
    frame: usize,
    point: usize,
    camera: Option<usize>,
    axes: Vec<usize>,
    confidence: Option<usize>,
}

/// The columns, if the header is that of such a table.
pub(super) fn columns(bytes: &[u8]) -> Option<Columns> {
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    let names: Vec<String> = std::str::from_utf8(line)
        .ok()?
        .split(',')
        .map(|name| name.trim().trim_matches('"').to_lowercase())
        .collect();
    let place = |known: &[&str]| {
        let found = known
            .iter()
            .find_map(|k| names.iter().position(|name| name == k));
        found.filter(|_| names.len() < 64)
    };
    let x = place(&["img_loc_x", "x_coord", "x", "u"])?;
    let y = place(&["img_loc_y", "y_coord", "y", "v"])?;
    let z = place(&["z_coord", "z"]);
    Some(Columns {
        frame: place(&["sync_index", "frame", "frame_index", "frame_number"])?,
        point: place(&[
            "point_id", "point", "keypoint", "label", "marker", "landmark", "bodypart",
        ])?,
        camera: place(&["cam_id", "camera", "cam", "port", "view"]),
        axes: [x, y].into_iter().chain(z).collect(),
        confidence: place(&["confidence", "likelihood", "score", "visibility"]),
    })
}

pub(super) fn parse(path: &Path, bytes: &[u8], columns: &Columns) -> Result<Points, FileError> {
    let rows = rows(path, bytes)?;
    let rows = rows.get(1..).unwrap_or_default();
    let mut frames = BTreeMap::new();
    let (mut views, mut labels) = (Vec::new(), Vec::new());
    let (mut view_places, mut label_places) = (BTreeMap::new(), BTreeMap::new());
    for (line, row) in rows {
        frames.insert(frame(path, *line, row, columns)?, 0);
        enter(row.get(columns.point), &mut labels, &mut label_places);
        let view = columns.camera.map_or(Some(""), |camera| row.get(camera));
        enter(view, &mut views, &mut view_places);
    }
    frames
        .values_mut()
        .enumerate()
        .for_each(|(place, to)| *to = place);
    let dims = columns.axes.len();
    let cells = [frames.len(), views.len(), labels.len(), dims];
    let cells = cells.iter().fold(1usize, |all, n| all.saturating_mul(*n));
    if cells == 0 {
        return Err(FileError::new(path, "the file holds no frames"));
    }
    if cells > bytes.len().saturating_mul(CELLS_PER_BYTE) {
        return Err(FileError::new(
            path,
            "most points of most frames are not there",
        ));
    }
    let shape = (frames.len(), views.len(), labels.len());
    let mut values = Array4::from_elem((shape.0, shape.1, shape.2, dims), f64::NAN);
    let mut confidence = Array3::zeros(shape);
    for (line, row) in rows {
        let view = columns.camera.map_or(Some(""), |camera| row.get(camera));
        let f = frames[&frame(path, *line, row, columns)?];
        let v = view_places[view.unwrap_or_default()];
        let p = label_places[row.get(columns.point).unwrap_or_default()];
        if confidence[[f, v, p]] != 0.0 {
            let message = format!("line {line}: `{}` stands twice in one frame", labels[p]);
            return Err(FileError::new(path, message));
        }
        for (axis, column) in columns.axes.iter().enumerate() {
            values[[f, v, p, axis]] = cell(path, *line, row, *column)?;
        }
        confidence[[f, v, p]] = match columns.confidence {
            Some(column) => cell(path, *line, row, column)?,
            None => 1.0,
        };
    }
    Ok(Points {
        labels,
        views,
        values,
        confidence: Some(confidence),
        frame_numbers: frames.into_keys().collect(),
    })
}

fn frame(
    path: &Path,
    line: usize,
    row: &csv::StringRecord,
    columns: &Columns,
) -> Result<u64, FileError> {
    let number = cell(path, line, row, columns.frame)?;
    match number >= 0.0 && number.fract() == 0.0 && number < 9e15 {
        true => Ok(number as u64),
        false => {
            let message = format!("line {line}: expected the number of a frame, found {number}");
            Err(FileError::new(path, message))
        }
    }
}

/// Gives a name its place, in the order of their first rows.
fn enter<'a>(
    name: Option<&'a str>,
    names: &mut Vec<String>,
    places: &mut BTreeMap<&'a str, usize>,
) {
    let name = name.unwrap_or_default();
    places.entry(name).or_insert_with(|| {
        names.push(name.to_string());
        names.len() - 1
    });
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::damage;
    use super::*;

    const ROWS: &str = "sync_index,cam_id,frame_time,point_id,img_loc_x,img_loc_y
3,0,1.0,0,520,193
3,1,1.0,0,410,201
5,0,1.02,7,521,193
";

    fn read(text: &str) -> Result<Points, FileError> {
        let columns = columns(text.as_bytes()).expect("a table of points");
        parse(Path::new("a.csv"), text.as_bytes(), &columns)
    }

    #[test]
    fn rows_are_gathered_by_frame_camera_and_point() {
        let points = read(ROWS).unwrap();
        assert_eq!(
            (points.views.join(" "), points.labels.join(" ")),
            ("0 1".into(), "0 7".into())
        );
        assert_eq!(points.frame_numbers, [3, 5]);
        assert_eq!(points.values.dim(), (2, 2, 2, 2));
        assert_eq!(points.values[[0, 1, 0, 0]], 410.0);
        assert_eq!(points.values[[1, 0, 1, 0]], 521.0);
        assert!(points.values[[1, 1, 1, 0]].is_nan());
        let tidy = "frame,keypoint,x,y,z\n0,hip,1,2,3\n0,knee,4,5,6\n";
        assert_eq!(read(tidy).unwrap().values.dim(), (1, 1, 2, 3));
        assert!(columns(b"frame,hip.x,hip.y\n").is_none());
    }

    #[test]
    fn a_point_that_stands_twice_is_an_error() {
        let said = read(&format!("{ROWS}5,0,1.02,7,1,1\n")).unwrap_err();
        assert_eq!(said.message, "line 5: `7` stands twice in one frame");
    }

    #[test]
    fn damage_never_panics() {
        damage(ROWS.as_bytes(), |bytes| {
            if let Some(columns) = columns(bytes) {
                let _ = parse(Path::new("a.csv"), bytes, &columns);
            }
        });
    }
}
