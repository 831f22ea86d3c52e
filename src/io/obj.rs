//! Meshes as Wavefront `.obj`.

use std::fmt::Write;
use std::path::Path;

use ndarray::Array2;

use super::error::FileError;

/// Writes vertices (V, 3), in metres, and triangles (F, 3).
pub(crate) fn write(
    path: impl AsRef<Path>,
    vertices: &Array2<f64>,
    faces: &Array2<u32>,
) -> Result<(), FileError> {
    super::atomic::write(path, text(vertices, faces).as_bytes())
}

fn text(vertices: &Array2<f64>, faces: &Array2<u32>) -> String {
    let mut text = String::from("# fitrun\n");
    for vertex in vertices.outer_iter() {
        let _ = writeln!(text, "v {:.6} {:.6} {:.6}", vertex[0], vertex[1], vertex[2]);
    }
    for face in faces.outer_iter() {
        // The format counts from 1.
        let _ = writeln!(text, "f {} {} {}", face[0] + 1, face[1] + 1, face[2] + 1);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn a_triangle_counts_from_one() {
        let vertices = arr2(&[[0.0, 1.5, -2.0], [1e-7, 0.0, 0.0], [0.25, 0.0, 3.0]]);
        let expected = "# fitrun\nv 0.000000 1.500000 -2.000000\nv 0.000000 0.000000 0.000000\nv 0.250000 0.000000 3.000000\nf 3 1 2\n";
        assert_eq!(text(&vertices, &arr2(&[[2, 0, 1]])), expected);
    }
}
