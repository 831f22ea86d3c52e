//! A contact sheet: bodies in a grid, one in each cell, all at the same scale.

use rayon::prelude::*;

use super::{Body, Image, Picture, render};

/// Bodies to be laid out row by row; each faces +z and stands on its lowest vertex.
pub(crate) struct Sheet<'a> {
    pub faces: &'a [[u32; 3]],
    /// For each body its posed vertices (vertices, 3), metres, y up.
    pub bodies: &'a [Vec<[f32; 3]>],
    pub columns: usize,
    /// Pixels along a cell's edge.
    pub cell: usize,
}

/// Metres that a cell shows to each side of a body and half of those upwards.
const ROOM: f32 = 0.95;

impl Sheet<'_> {
    /// A cell without a finite body stays white.
    pub fn render(&self) -> Image {
        let columns = self.columns.clamp(1, self.bodies.len().max(1));
        let rows = self.bodies.len().div_ceil(columns);
        let cells: Vec<Image> = self.bodies.par_iter().map(|b| self.picture(b)).collect();
        let mut sheet = Image::white(columns * self.cell, rows * self.cell);
        for (k, cell) in cells.iter().enumerate() {
            let (row, column) = (k / columns, k % columns);
            let top = row * self.cell + (self.cell - cell.height.min(self.cell));
            sheet.paste(cell, column * self.cell, top);
        }
        sheet
    }

    fn picture(&self, vertices: &[[f32; 3]]) -> Image {
        render(&Picture {
            faces: self.faces,
            bodies: vec![Body {
                vertices,
                points: &[],
            }],
            facing: [0.0, 0.0, 1.0],
            towards_camera: None,
            room: Some(ROOM),
            width: self.cell,
            max_height: self.cell,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_shows_its_body_and_an_unknown_one_stays_white() {
        let tetrahedron = vec![
            [0.0, 1.7, 0.0],
            [-0.4, 0.0, 0.3],
            [0.4, 0.0, 0.3],
            [0.0, 0.0, -0.4],
        ];
        let missing = vec![[f32::NAN; 3]; 4];
        let sheet = Sheet {
            faces: &[[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]],
            bodies: &[tetrahedron.clone(), tetrahedron, missing],
            columns: 2,
            cell: 80,
        };
        let image = sheet.render();
        assert_eq!((image.width, image.height), (160, 160));
        let blue = |column: usize, row: usize| {
            let [red, _, blue] = image.pixel(column, row);
            blue > red.saturating_add(10)
        };
        assert!(blue(40, 45) && blue(120, 45));
        for row in 80..160 {
            assert!((0..160).all(|c| image.pixel(c, row).iter().all(|x| *x == 255)));
        }
        // A body keeps to its cell.
        assert!((0..80).all(|row| !blue(80, row) && !blue(79, row)));
    }
}
