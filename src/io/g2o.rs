//! Pose graphs in g2o's text format: vertices and edges in the plane (SE2) or in space (SE3:QUAT).

use std::path::Path;

use nalgebra::{Quaternion, UnitQuaternion};

use super::error::FileError;

/// A pose: place and angle, or place and rotation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pose {
    Plane([f64; 3]),
    /// The rotation row by row.
    Space([f64; 3], [f64; 9]),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PoseGraph {
    pub vertices: Vec<(i64, Pose)>,
    pub edges: Vec<Edge>,
    /// Vertices that the file holds still.
    pub fixed: Vec<i64>,
}

/// Where the second vertex was seen from the first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edge {
    pub ends: [i64; 2],
    pub pose: Pose,
    /// R with Rᵀ R the information matrix, row by row.
    pub sqrt_info: Vec<f64>,
}

pub(crate) fn read(path: &Path) -> Result<PoseGraph, FileError> {
    let bytes = std::fs::read(path).map_err(|error| FileError::reading(path, &error))?;
    let text = String::from_utf8_lossy(&bytes);
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<PoseGraph, FileError> {
    let mut graph = PoseGraph::default();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fail = |reason: String| FileError::new(path, format!("line {}: {reason}", number + 1));
        add(&mut graph, line).map_err(fail)?;
    }
    let mut ids: Vec<i64> = graph.vertices.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    if let Some(pair) = ids.windows(2).find(|p| p[0] == p[1]) {
        return Err(FileError::new(
            path,
            format!("vertex {} stands twice", pair[0]),
        ));
    }
    if let Some(id) = graph.fixed.iter().find(|id| ids.binary_search(id).is_err()) {
        return Err(FileError::new(
            path,
            format!("`FIX {id}`, but there is no vertex {id}"),
        ));
    }
    let plane = |pose: &Pose| matches!(pose, Pose::Plane(_));
    let poses = graph.vertices.iter().map(|v| &v.1);
    let mut poses = poses.chain(graph.edges.iter().map(|e| &e.pose));
    let first = poses.next().map(plane);
    if first.is_none() || graph.edges.is_empty() {
        return Err(FileError::new(
            path,
            "there are no vertices and edges of a pose graph",
        ));
    }
    if poses.any(|p| Some(plane(p)) != first) {
        return Err(FileError::new(path, "SE2 and SE3 stand side by side"));
    }
    Ok(graph)
}

fn add(graph: &mut PoseGraph, line: &str) -> Result<(), String> {
    let mut words = line.split_ascii_whitespace();
    let tag = words.next().unwrap_or_default();
    let words: Vec<&str> = words.collect();
    let (ids, numbers, info) = match tag {
        "VERTEX_SE2" => (1, 3, 0),
        "VERTEX_SE3:QUAT" => (1, 7, 0),
        "EDGE_SE2" => (2, 3, 6),
        "EDGE_SE3:QUAT" => (2, 7, 21),
        "FIX" => (words.len(), 0, 0),
        other => {
            return Err(format!(
                "`{other}` is not read; vertices and edges of SE2 and SE3:QUAT are"
            ));
        }
    };
    if words.len() != ids + numbers + info {
        return Err(format!(
            "`{tag}` is followed by {} numbers instead of {}",
            words.len(),
            ids + numbers + info
        ));
    }
    let id = |w: &&str| w.parse::<i64>().map_err(|_| format!("`{w}` is no vertex"));
    let all_ids: Vec<i64> = words[..ids].iter().map(id).collect::<Result<_, _>>()?;
    let number = |w: &&str| match w.parse::<f64>() {
        Ok(x) if x.is_finite() => Ok(x),
        _ => Err(format!("expected a number, found `{w}`")),
    };
    let all: Vec<f64> = words[ids..].iter().map(number).collect::<Result<_, _>>()?;
    if tag == "FIX" {
        graph.fixed.extend(all_ids);
        return Ok(());
    }
    let pose = pose(&all[..numbers])?;
    match all_ids.as_slice() {
        [only] => graph.vertices.push((*only, pose)),
        [from, to] => graph.edges.push(Edge {
            ends: [*from, *to],
            pose,
            sqrt_info: root(&all[numbers..])?,
        }),
        _ => {}
    }
    Ok(())
}

fn pose(numbers: &[f64]) -> Result<Pose, String> {
    Ok(match *numbers {
        [x, y, angle] => Pose::Plane([x, y, angle]),
        [x, y, z, qx, qy, qz, qw] => {
            let quaternion = Quaternion::new(qw, qx, qy, qz);
            let length = quaternion.norm();
            if !(0.5..2.0).contains(&length) {
                return Err(format!("the quaternion has the length {length}, not 1"));
            }
            let turn = UnitQuaternion::from_quaternion(quaternion).to_rotation_matrix();
            let mut rows = [0.0; 9];
            (0..9).for_each(|i| rows[i] = turn[(i / 3, i % 3)]);
            Pose::Space([x, y, z], rows)
        }
        _ => unreachable!("the numbers were counted"),
    })
}

/// The upper factor of a symmetric matrix whose upper triangle is given row by row.
fn root(upper: &[f64]) -> Result<Vec<f64>, String> {
    let n = if upper.len() == 6 { 3 } else { 6 };
    let mut whole = nalgebra::DMatrix::zeros(n, n);
    let mut numbers = upper.iter();
    for i in 0..n {
        for k in i..n {
            let x = numbers.next().copied().unwrap_or(0.0);
            whole[(i, k)] = x;
            whole[(k, i)] = x;
        }
    }
    let factor = whole
        .cholesky()
        .ok_or("the information matrix is not positive definite")?;
    let lower = factor.l();
    Ok((0..n * n).map(|at| lower[(at % n, at / n)]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::testing::damage;

    const TEXT: &str = "# a graph\nVERTEX_SE2 0 0 0 0\nVERTEX_SE2 7 1 0 0.5\nFIX 0\n\
                        EDGE_SE2 0 7 1 0.1 0.5 4 0 0 9 0 16\n";

    fn graph(text: &str) -> Result<PoseGraph, String> {
        parse(Path::new("a.g2o"), text).map_err(|e| e.message)
    }

    #[test]
    fn vertices_edges_and_roots_of_information_are_read() {
        let found = graph(TEXT).unwrap();
        assert_eq!(found.vertices[1], (7, Pose::Plane([1.0, 0.0, 0.5])));
        assert_eq!(found.fixed, [0]);
        assert_eq!(
            found.edges[0].sqrt_info,
            [2.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 4.0]
        );
    }

    #[test]
    fn messages_name_the_line() {
        let wrong = TEXT.replace("0.1", "x");
        assert_eq!(
            graph(&wrong).unwrap_err(),
            "line 5: expected a number, found `x`"
        );
        let short = TEXT.replace(" 16", "");
        let message = "line 5: `EDGE_SE2` is followed by 10 numbers instead of 11";
        assert_eq!(graph(&short).unwrap_err(), message);
        let open = TEXT.replace("9 0 16", "-9 0 16");
        let message = "line 5: the information matrix is not positive definite";
        assert_eq!(graph(&open).unwrap_err(), message);
    }

    #[test]
    fn damage_never_panics() {
        damage(TEXT.as_bytes(), |bytes| {
            let _ = graph(&String::from_utf8_lossy(bytes));
        });
    }
}
