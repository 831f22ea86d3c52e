//! DeepLabCut's tables: rows for scorer, individuals, body parts and coordinates, then a row a frame.

use std::path::Path;

use ndarray::{Array3, Array4};

use super::{FileError, Points, cell, rows};

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"scorer,")
}

pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Points, FileError> {
    let rows = rows(path, bytes)?;
    let heading = |name: &str| {
        let found = rows
            .iter()
            .take(4)
            .find(|(_, row)| row.get(0) == Some(name));
        found.map(|(_, row)| row)
    };
    let missing =
        |name: &str| FileError::new(path, format!("DeepLabCut's table lacks its row `{name}`"));
    let parts = heading("bodyparts").ok_or_else(|| missing("bodyparts"))?;
    let coords = heading("coords").ok_or_else(|| missing("coords"))?;
    let individuals = heading("individuals");
    let mut labels: Vec<String> = Vec::new();
    // Of each label the columns of x, y, z and likelihood.
    let mut columns: Vec<[Option<usize>; 4]> = Vec::new();
    for (at, part) in parts.iter().enumerate().skip(1) {
        let slot = match coords.get(at) {
            Some("x") => 0,
            Some("y") => 1,
            Some("z") => 2,
            Some("likelihood") => 3,
            _ => continue,
        };
        let label = match individuals.and_then(|row| row.get(at)) {
            Some(individual) => format!("{individual}:{part}"),
            None => part.to_string(),
        };
        let last = labels.last() == Some(&label);
        let place = match last {
            true => labels.len() - 1,
            false => {
                labels.push(label);
                columns.push([None; 4]);
                labels.len() - 1
            }
        };
        columns[place][slot] = Some(at);
    }
    let space = columns.iter().all(|c| c[2].is_some());
    let dims = if space { 3 } else { 2 };
    if labels.is_empty() || columns.iter().any(|c| c[..dims].contains(&None)) {
        return Err(FileError::new(path, "a body part lacks its x or y"));
    }
    let header = 3 + usize::from(individuals.is_some());
    let frames = rows.get(header..).unwrap_or_default();
    let mut values = Vec::with_capacity(frames.len() * labels.len() * dims);
    let mut confidence = Vec::with_capacity(frames.len() * labels.len());
    for (line, row) in frames {
        for places in &columns {
            for place in places[..dims].iter().flatten() {
                values.push(cell(path, *line, row, *place)?);
            }
            confidence.push(match places[3] {
                Some(place) => cell(path, *line, row, place)?,
                None => 1.0,
            });
        }
    }
    let failed = |_| FileError::new(path, "the table is too large");
    let shape = (frames.len(), 1, labels.len());
    Ok(Points {
        views: vec![String::new()],
        values: Array4::from_shape_vec((shape.0, 1, shape.2, dims), values).map_err(failed)?,
        confidence: Some(Array3::from_shape_vec(shape, confidence).map_err(failed)?),
        labels,
        frame_numbers: (0..frames.len() as u64).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::damage;
    use super::*;

    const ONE: &str = "scorer,Ann,Ann,Ann,Ann,Ann,Ann
bodyparts,hip,hip,hip,knee,knee,knee
coords,x,y,likelihood,x,y,likelihood
0,10,20,0.9,11,40,0.8
1,10,21,0.9,,,
";

    #[test]
    fn body_parts_are_points_and_likelihood_is_confidence() {
        let points = parse(Path::new("a.csv"), ONE.as_bytes()).unwrap();
        assert_eq!(points.labels, ["hip", "knee"]);
        assert_eq!(points.values.dim(), (2, 1, 2, 2));
        assert_eq!(points.values[[1, 0, 0, 1]], 21.0);
        assert!(points.values[[1, 0, 1, 0]].is_nan());
        assert_eq!(points.confidence.unwrap()[[0, 0, 1]], 0.8);
    }

    #[test]
    fn individuals_are_subjects() {
        let rows: String = [
            "scorer,s,s,s,s",
            "individuals,a,a,b,b",
            "bodyparts,hip,hip,hip,hip",
            "coords,x,y,x,y",
            "0,1,2,3,4",
        ]
        .map(|row| format!("{row}\n"))
        .concat();
        let points = parse(Path::new("a.csv"), rows.as_bytes()).unwrap();
        assert_eq!(points.labels, ["a:hip", "b:hip"]);
        assert_eq!(points.values[[0, 0, 1, 0]], 3.0);
    }

    #[test]
    fn damage_never_panics() {
        damage(ONE.as_bytes(), |bytes| {
            let _ = parse(Path::new("a.csv"), bytes);
        });
    }
}
