//! A row a frame, with columns such as `pelvis.x`.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{Array3, Array4};

use super::{FileError, Table};

/// Labelled points over time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Points {
    /// With the subject before a colon where the file tells several apart.
    pub labels: Vec<String>,
    /// One without a name where the file has one view, or points in space.
    pub views: Vec<String>,
    /// (frames, views, points, 2 or 3); NaN is missing.
    pub values: Array4<f64>,
    /// (frames, views, points), where any point has one; points without one have confidence 1.
    pub confidence: Option<Array3<f64>>,
    /// What the file calls each frame; ascending.
    pub frame_numbers: Vec<u64>,
}

/// Columns that number the frames, and those that say when they were, where nothing numbers them.
const FRAMES: [&str; 5] = [
    "frame",
    "frame#",
    "frame_index",
    "frame_number",
    "sync_index",
];
const SECONDS: [&str; 4] = ["time", "time (seconds)", "time_s", "timestamp"];

/// How many times the usual step of time is a gap.
const GAP: f64 = 1.5;

/// Columns that say when a row was, by names that programs give them.
const TIMES: [&str; 14] = [
    "",
    "frame",
    "frame#",
    "frame_index",
    "frame_number",
    "header",
    "index",
    "sync_index",
    "time",
    "time (seconds)",
    "time_s",
    "timestamp",
    "timestamp_by_camera",
    "unnamed: 0",
];

pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Points, FileError> {
    let fail = |message: String| {
        let hint = "columns such as `pelvis.x`, `pelvis.y`, `pelvis.z` make up a point; `frame` and `time` number the rows";
        FileError::new(path, message).with_hint(hint)
    };
    let table = super::parse(path, bytes, |name| part(name).is_some())?;
    let names = table.names.iter().map(String::as_str);
    if !names.clone().any(|name| part(name).is_some()) {
        return Err(fail("no column is a point's coordinate".into()));
    }
    for name in names.filter(|name| part(name).is_none() && !passed_over(name)) {
        if !counts_up(path, bytes, name) {
            return Err(fail(format!("column `{name}` is no coordinate of a point")));
        }
    }
    let mut points = points(&table).map_err(fail)?;
    if let Some(numbers) = numbered(path, bytes, &table.names, points.frame_numbers.len())? {
        points.frame_numbers = numbers;
    }
    Ok(points)
}

/// What a column calls the frames; nothing where it holds no whole numbers.
fn numbered(
    path: &Path,
    bytes: &[u8],
    header: &[String],
    frames: usize,
) -> Result<Option<Vec<u64>>, FileError> {
    let column = |names: &[&str]| {
        let wanted = |name: &str| names.contains(&name.to_lowercase().as_str());
        header.iter().find(|name| wanted(name))?;
        let table = super::parse(path, bytes, wanted).ok()?;
        let mut filled = table.columns.into_iter().filter(|c| c.len() == frames);
        filled.next()
    };
    let whole = |x: &f64| x.fract() == 0.0 && (0.0..1e15).contains(x);
    let Some(numbers) = column(&FRAMES).filter(|c| c.iter().all(whole)) else {
        return Ok(column(&SECONDS).and_then(|c| by_time(&c)));
    };
    if let Some(at) = numbers.windows(2).position(|pair| pair[1] <= pair[0]) {
        let message = format!(
            "frame {} stands after frame {}: frame numbers must ascend",
            numbers[at + 1],
            numbers[at]
        );
        let hint = "sort the rows, keep one of each frame, or remove the column of frames";
        return Err(FileError::new(path, message).with_hint(hint));
    }
    Ok(Some(numbers.into_iter().map(|x| x as u64).collect()))
}

/// Numbers of rows by their times: a step that is far longer than usual skips frames.
fn by_time(times: &[f64]) -> Option<Vec<u64>> {
    let steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut sorted = steps.clone();
    sorted.sort_by(f64::total_cmp);
    let usual = *sorted.get(sorted.len() / 2)?;
    if !(sorted[0] > 0.0 && sorted[sorted.len() - 1] < 1e9 * usual) {
        return None;
    }
    let mut numbers = vec![0];
    for step in steps {
        let frames = match step > GAP * usual {
            true => (step / usual).round() as u64,
            false => 1,
        };
        numbers.push(numbers[numbers.len() - 1] + frames);
    }
    Some(numbers)
}

/// Groups columns such as `pelvis.x`, `pelvis_y`, `nose.u`, `nose.confidence`; the error is a message.
fn points(table: &Table) -> Result<Points, String> {
    let groups = grouped(table)?;
    let frames = table.columns.iter().map(Vec::len).max().unwrap_or(0);
    let dims = groups[0].axes.iter().flatten().count();
    let complete = |group: &&Group| {
        let given = group.axes.map(|axis| axis.is_some());
        dims > 1 && given == [true, true, dims == 3]
    };
    if let Some(other) = groups.iter().find(|group| !complete(group)) {
        return Err(format!(
            "point `{}` has not the axes of the others; expected x and y, or x, y and z, of each",
            other.label
        ));
    }
    let cell = |column: Option<usize>, frame: usize, missing: f64| {
        column.map_or(missing, |column| table.columns[column][frame])
    };
    let shape = (frames, 1, groups.len(), dims);
    let sure = groups.iter().any(|group| group.confidence.is_some());
    Ok(Points {
        views: vec![String::new()],
        values: Array4::from_shape_fn(shape, |(frame, _, point, axis)| {
            cell(groups[point].axes[axis], frame, f64::NAN)
        }),
        confidence: sure.then(|| {
            Array3::from_shape_fn((frames, 1, groups.len()), |(frame, _, point)| {
                cell(groups[point].confidence, frame, 1.0)
            })
        }),
        labels: groups.into_iter().map(|group| group.label).collect(),
        frame_numbers: (0..frames as u64).collect(),
    })
}

struct Group {
    label: String,
    axes: [Option<usize>; 3],
    confidence: Option<usize>,
}

fn grouped(table: &Table) -> Result<Vec<Group>, String> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (column, name) in table.names.iter().enumerate() {
        let Some((label, part)) = part(name) else {
            continue;
        };
        let place = *places.entry(label).or_insert_with(|| {
            groups.push(Group {
                label: label.to_string(),
                axes: [None; 3],
                confidence: None,
            });
            groups.len() - 1
        });
        let group = &mut groups[place];
        let slot = match part {
            Part::Axis(axis) => &mut group.axes[axis],
            Part::Confidence => &mut group.confidence,
        };
        if slot.replace(column).is_some() {
            return Err(format!(
                "column `{name}` stands for a number that another column has"
            ));
        }
    }
    Ok(groups)
}

enum Part {
    Axis(usize),
    Confidence,
}

/// Label and part that a column's name stands for.
fn part(name: &str) -> Option<(&str, Part)> {
    let (label, part) = name.rsplit_once(['.', '_', ' '])?;
    let part = match part.to_lowercase().as_str() {
        "x" | "u" => Part::Axis(0),
        "y" | "v" => Part::Axis(1),
        "z" => Part::Axis(2),
        "confidence" | "conf" | "score" | "likelihood" | "visibility" => Part::Confidence,
        _ => return None,
    };
    (!label.is_empty()).then_some((label, part))
}

fn passed_over(name: &str) -> bool {
    let name = name.to_lowercase();
    TIMES.contains(&name.as_str()) || name.ends_with("_reprojection_error")
}

/// Whether a column holds whole numbers of which each is one more than that before.
fn counts_up(path: &Path, bytes: &[u8], name: &str) -> bool {
    let Ok(table) = super::parse(path, bytes, |column| column == name) else {
        return false;
    };
    let place = table.names.iter().position(|column| column == name);
    let column = place.map_or(&[][..], |place| &table.columns[place]);
    column.len() > 1
        && column[0].fract() == 0.0
        && column.windows(2).all(|pair| pair[1] == pair[0] + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_and_times_number_the_rows() {
        let numbers = |text: &str| read(text).map(|points| points.frame_numbers);
        let rows = |head: &str, firsts: [&str; 4]| {
            let rows = firsts.map(|first| format!("{first},1,2\n"));
            format!("{head},hip.x,hip.y\n{}", rows.concat())
        };
        assert_eq!(
            numbers(&rows("Frame", ["5", "6", "9", "10"])).unwrap(),
            [5, 6, 9, 10]
        );
        let seconds = ["0.00", "0.03", "0.07", "0.20"];
        assert_eq!(numbers(&rows("time", seconds)).unwrap(), [0, 1, 2, 5]);
        assert_eq!(
            numbers(&rows("frame", ["a.png", "b.png", "c", "d"])).unwrap(),
            [0, 1, 2, 3]
        );
        let said = numbers(&rows("frame", ["0", "1", "1", "2"])).unwrap_err();
        assert_eq!(
            said,
            "frame 1 stands after frame 1: frame numbers must ascend"
        );
    }

    fn read(text: &str) -> Result<Points, String> {
        parse(Path::new("a.csv"), text.as_bytes()).map_err(|error| error.message)
    }

    #[test]
    fn columns_become_points_in_the_order_of_their_labels() {
        let points = read(
            "frame,left_hip.x,left_hip.y,nose_u,nose_v,nose_confidence\n0,1,2,3,4,0.5\n1,5,6,,,0\n",
        )
        .unwrap();
        assert_eq!(points.labels, ["left_hip", "nose"]);
        assert_eq!(points.values.dim(), (2, 1, 2, 2));
        assert_eq!(points.values[[1, 0, 0, 1]], 6.0);
        assert!(points.values[[1, 0, 1, 0]].is_nan());
        let confidence: Vec<f64> = points.confidence.unwrap().into_iter().collect();
        assert_eq!(confidence, [1.0, 0.5, 1.0, 0.0]);
    }

    #[test]
    fn what_counts_rows_is_passed_over_and_any_other_column_is_named() {
        for name in ["Header", "sync_index", "row", "timestamp_by_camera"] {
            let text = format!("{name},C7_x,C7_y,C7_z\n4,0.1,1.2,0.3\n5,0.1,1.2,0.4\n");
            assert_eq!(read(&text).unwrap().labels, ["C7"], "{name}");
        }
        let texts = "C7_x,C7_y,timestamp_by_camera\n1,2,\"{'a': 1}\"\n";
        assert_eq!(read(texts).unwrap().labels, ["C7"]);
        for cells in ["1,1", "1,3", "a,b", "0.5,1.5"] {
            let (first, second) = cells.split_once(',').unwrap();
            let text = format!("speed,C7_x,C7_y\n{first},0.1,1.2\n{second},0.1,1.2\n");
            let said = read(&text).unwrap_err();
            assert_eq!(
                said, "column `speed` is no coordinate of a point",
                "{cells}"
            );
        }
    }

    #[test]
    fn other_tables_hold_no_points() {
        let said = |text: &str| read(text).unwrap_err();
        assert_eq!(said("t,y\n1,2\n"), "no column is a point's coordinate");
        assert_eq!(said("frame\n1\n"), "no column is a point's coordinate");
        let axes =
            "point `b` has not the axes of the others; expected x and y, or x, y and z, of each";
        assert_eq!(said("a.x,a.y,b.x\n1,2,3\n"), axes);
        assert_eq!(said("a.x,a.y,a.z,b.x,b.y\n1,2,3,4,5\n"), axes);
        assert_eq!(
            said("a.x,a_x,a.y\n1,2,3\n"),
            "column `a_x` stands for a number that another column has"
        );
        assert!(said("a.x\n1\n").starts_with("point `a` has not"));
    }
}
