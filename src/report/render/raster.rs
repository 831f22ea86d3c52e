//! Which triangle is nearest at each pixel.

pub(super) const NOTHING: u32 = u32::MAX;

/// Per pixel the nearest triangle's index and how near it is there.
pub(super) struct Visible {
    pub width: usize,
    pub height: usize,
    pub triangle: Vec<u32>,
    pub nearness: Vec<f32>,
}

/// Fills triangles whose corners are (column, row, nearness); nearness must be linear across the picture.
pub(super) fn rasterise(
    corners: &[[f32; 3]],
    faces: &[[u32; 3]],
    width: usize,
    height: usize,
) -> Visible {
    let size = width * height;
    let mut visible = Visible {
        width,
        height,
        triangle: vec![NOTHING; size],
        nearness: vec![f32::NEG_INFINITY; size],
    };
    for (index, face) in faces.iter().enumerate() {
        fill(
            &mut visible,
            index as u32,
            face.map(|corner| corners[corner as usize]),
        );
    }
    visible
}

fn fill(visible: &mut Visible, index: u32, [a, b, c]: [[f32; 3]; 3]) {
    let area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]);
    if area == 0.0 || !area.is_finite() {
        return;
    }
    let columns = covered(a[0], b[0], c[0], visible.width);
    for row in covered(a[1], b[1], c[1], visible.height) {
        for column in columns.clone() {
            let (x, y) = (column as f32 + 0.5, row as f32 + 0.5);
            let u = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area;
            let v = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area;
            let at = row * visible.width + column;
            let nearness = a[2] + u * (b[2] - a[2]) + v * (c[2] - a[2]);
            if u >= 0.0 && v >= 0.0 && u + v <= 1.0 && nearness > visible.nearness[at] {
                visible.nearness[at] = nearness;
                visible.triangle[at] = index;
            }
        }
    }
}

/// The pixels along one axis that the triangle can touch.
fn covered(a: f32, b: f32, c: f32, size: usize) -> std::ops::Range<usize> {
    let low = a.min(b).min(c).floor().max(0.0) as usize;
    let high = a.max(b).max(c).ceil().max(0.0) as usize;
    low.min(size)..high.min(size)
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
            let visible = rasterise(&corners, &[[0, 1, 2], [3, 4, 5]], 8, 8);
            assert_eq!(visible.triangle[0], nearest);
            assert_eq!(visible.triangle[5], 1 - nearest);
            assert_eq!(visible.triangle[63], NOTHING);
        }
    }
}
