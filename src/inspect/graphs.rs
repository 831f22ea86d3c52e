//! Pose graphs: how many poses and edges, and where.

use std::path::Path;

use super::Inspection;
use crate::io::FileError;
use crate::io::g2o::{self, Pose};

pub(super) fn inspect(path: &Path) -> Result<Inspection, FileError> {
    let graph = g2o::read(path)?;
    let plane = matches!(graph.edges.first().map(|e| &e.pose), Some(Pose::Plane(_)));
    let place = if plane { "in the plane" } else { "in space" };
    let mut found = Inspection::new(format!("pose graph {place} (g2o)"));
    found.fact("vertices", graph.vertices.len().to_string());
    found.fact("edges", graph.edges.len().to_string());
    found.fact("held", graph.fixed.len().to_string());
    found.contents = match plane {
        true => {
            "edges have `i`, `j`, `x`, `y`, `theta`, `sqrt_info`; `vertex` has `x`, `y`, `theta`\n"
        }
        false => "edges have `i`, `j`, `t`, `r`, `sqrt_info`; `vertex` has `t`, `r`\n",
    }
    .into();
    found.snippet("data.edge", "file", path);
    Ok(found)
}
