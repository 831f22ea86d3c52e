//! Meshes as binary `.ply`.

use std::path::Path;

use ndarray::Array2;

use super::error::FileError;

/// Writes vertices (V, 3), in metres, and triangles (F, 3).
pub(crate) fn write(
    path: impl AsRef<Path>,
    vertices: &Array2<f64>,
    faces: &Array2<u32>,
) -> Result<(), FileError> {
    super::atomic::write(path, &bytes(vertices, faces))
}

fn bytes(vertices: &Array2<f64>, faces: &Array2<u32>) -> Vec<u8> {
    let header = format!(
        "ply\nformat binary_little_endian 1.0\ncomment fitrun, metres, y up\n\
         element vertex {}\nproperty float x\nproperty float y\nproperty float z\n\
         element face {}\nproperty list uchar int vertex_indices\nend_header\n",
        vertices.nrows(),
        faces.nrows(),
    );
    let mut bytes = header.into_bytes();
    for coordinate in vertices {
        bytes.extend((*coordinate as f32).to_le_bytes());
    }
    for face in faces.outer_iter() {
        bytes.push(face.len() as u8);
        for vertex in face {
            bytes.extend((*vertex as i32).to_le_bytes());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn the_bytes_after_the_header_are_the_vertices_and_the_counted_faces() {
        let vertices = arr2(&[[0.0, 1.5, -2.0], [0.25, 0.0, 3.0]]);
        let faces = arr2(&[[1, 0, 1], [0, 1, 0], [1, 1, 0]]);
        let written = bytes(&vertices, &faces);
        let end = b"end_header\n";
        let body = end.len() + written.windows(end.len()).position(|w| w == end).unwrap();
        let header = std::str::from_utf8(&written[..body]).unwrap();
        assert!(header.contains("element vertex 2\n") && header.contains("element face 3\n"));
        let (points, triangles) = written[body..].split_at(2 * 12);
        let numbers: Vec<f32> = points
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        assert_eq!(numbers, [0.0, 1.5, -2.0, 0.25, 0.0, 3.0]);
        assert_eq!(triangles.len(), 3 * 13);
        assert_eq!(triangles[..13], [3, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    }
}
