//! Which triangle is nearest at each pixel.

pub(super) const NOTHING: u32 = u32::MAX;

/// Per pixel the nearest triangle's index and how near it is there.
pub(super) struct Visible {
    pub width: usize,
    pub triangle: Vec<u32>,
    pub nearness: Vec<f32>,
}

/// What is seen of triangles whose corners are (column, row, nearness); nearness must be linear across the picture.
pub(super) fn visible(
    corners: &[[f32; 3]],
    faces: &[[u32; 3]],
    width: usize,
    height: usize,
) -> Visible {
    let mut triangle = vec![NOTHING; width * height];
    let mut nearest = vec![f32::NEG_INFINITY; width * height];
    for (index, face) in faces.iter().enumerate() {
        let corners = face.map(|corner| corners[corner as usize]);
        fill(corners, width, height, |at, nearness| {
            if nearness > nearest[at] {
                nearest[at] = nearness;
                triangle[at] = index as u32;
            }
        });
    }
    Visible {
        width,
        triangle,
        nearness: nearest,
    }
}

/// How near the nearest triangle is at each pixel, without which one it is.
pub(super) fn nearness(
    corners: &[[f32; 3]],
    faces: &[[u32; 3]],
    width: usize,
    height: usize,
) -> Vec<f32> {
    let mut nearest = vec![f32::NEG_INFINITY; width * height];
    for face in faces {
        let corners = face.map(|corner| corners[corner as usize]);
        fill(corners, width, height, |at, nearness| {
            nearest[at] = nearest[at].max(nearness);
        });
    }
    nearest
}

/// Calls `paint` with the place of each pixel whose centre a triangle covers and its nearness there.
fn fill([a, b, c]: [[f32; 3]; 3], width: usize, height: usize, mut paint: impl FnMut(usize, f32)) {
    let columns = covered(a[0], b[0], c[0], width);
    let rows = covered(a[1], b[1], c[1], height);
    let (ab, ac) = (minus(b, a), minus(c, a));
    let per_area = 1.0 / (ab[0] * ac[1] - ac[0] * ab[1]);
    if columns.is_empty() || rows.is_empty() || !per_area.is_finite() {
        return;
    }
    let (u_step, v_step) = (ac[1] * per_area, -ab[1] * per_area);
    for row in rows {
        let (x, y) = (columns.start as f32 + 0.5 - a[0], row as f32 + 0.5 - a[1]);
        let mut u = (x * ac[1] - ac[0] * y) * per_area;
        let mut v = (ab[0] * y - x * ab[1]) * per_area;
        for column in columns.clone() {
            if u >= 0.0 && v >= 0.0 && u + v <= 1.0 {
                paint(row * width + column, a[2] + u * ab[2] + v * ac[2]);
            }
            u += u_step;
            v += v_step;
        }
    }
}

fn minus(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    std::array::from_fn(|k| a[k] - b[k])
}

/// The pixels along one axis whose centres the triangle can cover.
fn covered(a: f32, b: f32, c: f32, size: usize) -> std::ops::Range<usize> {
    let pixel = |edge: f32| ((edge + 0.5) as u32 as usize).min(size);
    pixel(a.min(b).min(c))..pixel(a.max(b).max(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_triangle_wins_whatever_the_order() {
        let far = [[0.0, 0.0, 1.0], [8.0, 0.0, 1.0], [0.0, 8.0, 1.0]];
        let near = [[0.0, 0.0, 2.0], [4.0, 0.0, 2.0], [0.0, 4.0, 2.0]];
        for (first, second, nearest) in [(far, near, 1), (near, far, 0)] {
            let corners = [first, second].concat();
            let visible = visible(&corners, &[[0, 1, 2], [3, 4, 5]], 8, 8);
            assert_eq!(visible.triangle[0], nearest);
            assert_eq!(visible.triangle[5], 1 - nearest);
            assert_eq!(visible.triangle[63], NOTHING);
            let alone = nearness(&corners, &[[0, 1, 2], [3, 4, 5]], 8, 8);
            assert_eq!(alone, visible.nearness);
        }
    }
}
