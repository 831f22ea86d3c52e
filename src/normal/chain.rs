//! The normal equations of frames that pull on their neighbours and share some unknowns: a banded
//! block matrix with a border, and Cholesky's factor of it block by block.

use faer::Par;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;

use super::blocks::{
    bilinear, cholesky, matrix, matrix_mut, solve_lower, solve_upper, subtract, subtract_product,
    subtract_transposed, triangle,
};
use super::lanes::start;

/// Where the unknowns of frames stand in a tangent vector whose first `shared` entries belong to all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Links {
    pub frames: usize,
    pub shared: usize,
    /// First place of the first frame, and unknowns of one frame, which stand frame after frame.
    pub parts: Vec<(usize, usize)>,
    /// Neighbours on each side that a residual reads.
    pub width: usize,
}

impl Links {
    /// Unknowns of one frame.
    pub fn own(&self) -> usize {
        self.parts.iter().map(|(_, dims)| dims).sum()
    }

    fn unknowns(&self) -> usize {
        self.shared + self.frames * self.own()
    }

    /// The places of one frame's unknowns, in order.
    fn places(&self, frame: usize) -> impl Iterator<Item = usize> {
        let parts = self.parts.iter();
        parts.flat_map(move |&(first, dims)| first + frame * dims..first + (frame + 1) * dims)
    }
}

/// JᵀJ and Jᵀr of one problem of linked frames, in whitened tangent coordinates; blocks column-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain {
    pub links: Links,
    /// For each frame (own, own), the lower triangle.
    squares: Vec<Vec<f64>>,
    /// For each frame the rows of the shared unknowns, (shared, own).
    borders: Vec<Vec<f64>>,
    /// For each distance from 1 on and each frame: the rows of the frame so far after it, (own, own).
    across: Vec<Vec<Vec<f64>>>,
    /// (shared, shared), the lower triangle.
    corner: Vec<f64>,
    /// Half the gradient of E, as a tangent vector.
    pub slope: Vec<f64>,
}

impl Chain {
    pub fn new(links: Links) -> Self {
        let (own, shared) = (links.own(), links.shared);
        let blocks = |count: usize, len: usize| vec![vec![0.0; len]; count];
        Self {
            squares: blocks(links.frames, own * own),
            borders: blocks(links.frames, shared * own),
            across: (1..=links.width)
                .map(|d| blocks(links.frames.saturating_sub(d), own * own))
                .collect(),
            corner: vec![0.0; shared * shared],
            slope: vec![0.0; links.unknowns()],
            links,
        }
    }

    /// The whole JᵀJ, (unknowns, unknowns) with its lower triangle alone; for few frames.
    pub(crate) fn square(&self) -> Vec<f64> {
        let (own, shared, n) = (self.links.own(), self.links.shared, self.links.unknowns());
        let mut out = vec![0.0; n * n];
        let mut set = |row: usize, column: usize, x: f64| {
            out[row.min(column) * n + row.max(column)] = x;
        };
        let places = |frame: usize| self.links.places(frame).collect::<Vec<_>>();
        for frame in 0..self.links.frames {
            let here = places(frame);
            for (j, column) in here.iter().enumerate() {
                let square = &self.squares[frame][j * own..(j + 1) * own];
                (j..own).for_each(|i| set(here[i], *column, square[i]));
                let border = &self.borders[frame][j * shared..(j + 1) * shared];
                (0..shared).for_each(|i| set(i, *column, border[i]));
                for (d, blocks) in self.across.iter().enumerate() {
                    if let Some(block) = blocks.get(frame) {
                        let after = places(frame + d + 1);
                        (0..own).for_each(|i| set(after[i], *column, block[j * own + i]));
                    }
                }
            }
        }
        for j in 0..shared {
            (j..shared).for_each(|i| set(i, j, self.corner[j * shared + i]));
        }
        out
    }

    /// Adds JᵀJ and Jᵀr of residuals that read some frames from one on: a packed lower triangle of the
    /// unknowns of so many frames, one frame after the other, and of the shared ones after them. Frames
    /// beyond the last one are left out.
    pub fn add(&mut self, first: usize, square: &[f64], slope: &[f64]) {
        let (own, shared) = (self.links.own(), self.links.shared);
        let count = (slope.len() - shared).checked_div(own).unwrap_or(0);
        let used = count.min(self.links.frames - first);
        for i in 0..used {
            for r in 0..own {
                let row = &square[start(i * own + r)..];
                for j in 0..i {
                    let to = &mut self.across[i - j - 1][first + j][r..];
                    add_strided(&row[j * own..(j + 1) * own], to, own);
                }
                let to = &mut self.squares[first + i][r..];
                add_strided(&row[i * own..i * own + r + 1], to, own);
            }
            let slopes = &slope[i * own..(i + 1) * own];
            for (place, x) in self.links.places(first + i).zip(slopes) {
                self.slope[place] += x;
            }
        }
        for s in 0..shared {
            let row = &square[start(count * own + s)..];
            for i in 0..used {
                let to = &mut self.borders[first + i][s..];
                add_strided(&row[i * own..(i + 1) * own], to, shared);
            }
            let corner = &row[count * own..count * own + s + 1];
            add_strided(corner, &mut self.corner[s..], shared);
            self.slope[s] += slope[count * own + s];
        }
    }

    /// The diagonal of JᵀJ, as a tangent vector.
    pub fn diagonal(&self) -> Vec<f64> {
        let (own, shared) = (self.links.own(), self.links.shared);
        let mut diagonal = vec![0.0; self.slope.len()];
        (0..shared).for_each(|i| diagonal[i] = self.corner[i + i * shared]);
        for frame in 0..self.links.frames {
            for (i, place) in self.links.places(frame).enumerate() {
                diagonal[place] = self.squares[frame][i + i * own];
            }
        }
        diagonal
    }

    /// δᵀ JᵀJ δ.
    pub fn curvature(&self, step: &[f64]) -> f64 {
        let shared = self.links.shared;
        let frames: Vec<Vec<f64>> = (0..self.links.frames)
            .map(|f| self.links.places(f).map(|p| step[p]).collect())
            .collect();
        let all = &step[..shared];
        let mut total = triangle(&self.corner, all);
        for (f, own_step) in frames.iter().enumerate() {
            total += triangle(&self.squares[f], own_step);
            total += 2.0 * bilinear(&self.borders[f], all, own_step);
            for (d, across) in self.across.iter().enumerate() {
                if let (Some(block), Some(later)) = (across.get(f), frames.get(f + d + 1)) {
                    total += 2.0 * bilinear(block, later, own_step);
                }
            }
        }
        total
    }

    /// Takes unknowns out: they keep still.
    pub fn hold(&mut self, held: &[usize]) {
        let (own, shared) = (self.links.own(), self.links.shared);
        let clear_row = |block: &mut [f64], rows: usize, i: usize| {
            block
                .iter_mut()
                .skip(i)
                .step_by(rows.max(1))
                .for_each(|x| *x = 0.0);
        };
        let clear_column = |block: &mut [f64], rows: usize, j: usize| {
            block[j * rows..(j + 1) * rows].fill(0.0);
        };
        for &h in held {
            self.slope[h] = 0.0;
            if h < shared {
                clear_row(&mut self.corner, shared, h);
                clear_column(&mut self.corner, shared, h);
                self.corner[h + h * shared] = 1.0;
                self.borders
                    .iter_mut()
                    .for_each(|b| clear_row(b, shared, h));
                continue;
            }
            let frames = 0..self.links.frames;
            let found = frames
                .clone()
                .find_map(|f| Some((f, self.links.places(f).position(|p| p == h)?)));
            let Some((f, i)) = found else { continue };
            clear_row(&mut self.squares[f], own, i);
            clear_column(&mut self.squares[f], own, i);
            self.squares[f][i + i * own] = 1.0;
            clear_column(&mut self.borders[f], shared, i);
            for (d, across) in self.across.iter_mut().enumerate() {
                if let Some(block) = across.get_mut(f) {
                    clear_column(block, own, i);
                }
                if let Some(block) = f.checked_sub(d + 1).and_then(|f| across.get_mut(f)) {
                    clear_row(block, own, i);
                }
            }
        }
    }

    /// The δ with (JᵀJ + diag(damping)) δ = −Jᵀr; `None` where the matrix is not positive definite.
    pub fn solve(&self, damping: &[f64]) -> Option<Vec<f64>> {
        let mut factor = self.clone();
        factor.damp(damping);
        factor.decompose()?;
        let step = factor.substitute();
        step.iter().all(|x| x.is_finite()).then_some(step)
    }

    fn damp(&mut self, damping: &[f64]) {
        let (own, shared) = (self.links.own(), self.links.shared);
        (0..shared).for_each(|i| self.corner[i + i * shared] += damping[i]);
        for frame in 0..self.links.frames {
            for (i, place) in self.links.places(frame).enumerate() {
                self.squares[frame][i + i * own] += damping[place];
            }
        }
    }

    /// Cholesky's factor in place, frame after frame, then of what is left for the shared unknowns.
    fn decompose(&mut self) -> Option<()> {
        let (own, shared) = (self.links.own(), self.links.shared);
        for f in 0..self.links.frames {
            for d in 1..=self.links.width.min(f) {
                let before = matrix(&self.across[d - 1][f - d], own);
                subtract(&mut self.squares[f], own, before, before);
                let (first, rest) = self.borders.split_at_mut(f);
                subtract(&mut rest[0], shared, matrix(&first[f - d], shared), before);
            }
            self.reach_over(f);
            cholesky(&mut self.squares[f], own)?;
            let l = matrix(&self.squares[f], own);
            for across in &mut self.across {
                if let Some(block) = across.get_mut(f) {
                    solve_lower_triangular_in_place(
                        l,
                        matrix_mut(block, own).transpose_mut(),
                        Par::Seq,
                    );
                }
            }
            if shared == 0 {
                continue;
            }
            let border = &mut self.borders[f];
            solve_lower_triangular_in_place(
                l,
                matrix_mut(border, shared).transpose_mut(),
                Par::Seq,
            );
            let border = matrix(&self.borders[f], shared);
            subtract(&mut self.corner, shared, border, border);
        }
        match shared {
            0 => Some(()),
            _ => cholesky(&mut self.corner, shared),
        }
    }

    /// What frames before `f` mean for the blocks between it and those after it.
    fn reach_over(&mut self, f: usize) {
        let own = self.links.own();
        for before in 1..self.links.width.min(f + 1) {
            for after in 1..=self.links.width - before {
                let far = self.across[before + after - 1]
                    .get(f.wrapping_sub(before))
                    .cloned();
                let near = self.across[before - 1].get(f.wrapping_sub(before)).cloned();
                if let (Some(far), Some(near), Some(to)) =
                    (far, near, self.across[after - 1].get_mut(f))
                {
                    subtract(to, own, matrix(&far, own), matrix(&near, own));
                }
            }
        }
    }

    fn substitute(&self) -> Vec<f64> {
        let (own, shared) = (self.links.own(), self.links.shared);
        let frames = self.links.frames;
        let mut y: Vec<Vec<f64>> = Vec::with_capacity(frames);
        let mut rest: Vec<f64> = self.slope[..shared].iter().map(|s| -s).collect();
        for f in 0..frames {
            let mut b: Vec<f64> = self.links.places(f).map(|p| -self.slope[p]).collect();
            for d in 1..=self.links.width.min(f) {
                subtract_product(&self.across[d - 1][f - d], &y[f - d], &mut b);
            }
            solve_lower(&self.squares[f], own, &mut b);
            subtract_product(&self.borders[f], &b, &mut rest);
            y.push(b);
        }
        solve_lower(&self.corner, shared, &mut rest);
        solve_upper(&self.corner, shared, &mut rest);
        let mut step = vec![0.0; self.slope.len()];
        step[..shared].copy_from_slice(&rest);
        for f in (0..frames).rev() {
            let (head, after) = y.split_at_mut(f + 1);
            let b = &mut head[f];
            for (d, across) in self.across.iter().enumerate() {
                if let (Some(block), Some(later)) = (across.get(f), after.get(d)) {
                    subtract_transposed(block, later, b);
                }
            }
            subtract_transposed(&self.borders[f], &rest, b);
            solve_upper(&self.squares[f], own, b);
            self.links.places(f).zip(b).for_each(|(p, x)| step[p] = *x);
        }
        step
    }
}

/// Adds to every so manieth number.
fn add_strided(from: &[f64], to: &mut [f64], stride: usize) {
    let to = to.iter_mut().step_by(stride);
    to.zip(from).for_each(|(to, x)| *to += x);
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};

    /// Two shared unknowns and six frames with two parts, of two unknowns and one.
    fn links(width: usize) -> Links {
        Links {
            frames: 6,
            shared: 2,
            parts: vec![(2, 2), (14, 1)],
            width,
        }
    }

    /// A chain of residuals on each frame and its neighbours, and the same as one dense matrix.
    fn problem(width: usize) -> (Chain, DMatrix<f64>, DVector<f64>) {
        let links = links(width);
        let (own, shared, n) = (links.own(), links.shared, links.unknowns());
        let mut chain = Chain::new(links.clone());
        let mut dense = DMatrix::zeros(n, n);
        let mut slope = DVector::zeros(n);
        for frame in 0..links.frames - width {
            let reads = 0..=width;
            let number = |i: usize| ((frame * 31 + i) as f64 * 1.7).sin();
            // One residual of every frame that it reads and of what is shared.
            let of_frame = |d: usize, i: usize| number(d * own + i);
            let of_all = |i: usize| number(50 + i);
            let (residual, mut row) = (number(70), vec![0.0; n]);
            for d in reads.clone() {
                for (i, place) in links.places(frame + d).enumerate() {
                    row[place] = of_frame(d, i);
                }
            }
            (0..shared).for_each(|i| row[i] = of_all(i));
            let row = DVector::from_vec(row);
            dense += &row * row.transpose();
            slope += &row * residual;
            let numbers: Vec<f64> = reads
                .flat_map(|d| (0..own).map(move |i| (d, i)))
                .map(|(d, i)| of_frame(d, i))
                .chain((0..shared).map(of_all))
                .collect();
            let triangle = (0..numbers.len()).flat_map(|i| (0..=i).map(move |j| (i, j)));
            let square: Vec<f64> = triangle.map(|(i, j)| numbers[i] * numbers[j]).collect();
            let slope: Vec<f64> = numbers.iter().map(|x| x * residual).collect();
            chain.add(frame, &square, &slope);
        }
        (chain, dense, slope)
    }

    #[test]
    fn a_step_is_that_of_the_whole_matrix_whatever_the_width() {
        for width in 0..=2 {
            let (chain, mut dense, slope) = problem(width);
            let damping: Vec<f64> = (0..slope.len()).map(|i| 0.1 + 0.01 * i as f64).collect();
            let step = chain.solve(&damping).unwrap();
            assert!((chain.curvature(&step) - quadratic(&dense, &step)).abs() < 1e-9);
            (0..slope.len()).for_each(|i| dense[(i, i)] += damping[i]);
            let expected = dense.cholesky().unwrap().solve(&-slope);
            for (found, expected) in step.iter().zip(expected.iter()) {
                assert!(
                    (found - expected).abs() < 1e-9,
                    "{width}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn a_held_unknown_keeps_still_and_leaves_the_others_their_own_step() {
        for held in [1, 5, 16] {
            let (mut chain, mut dense, mut slope) = problem(2);
            chain.hold(&[held]);
            dense.row_mut(held).fill(0.0);
            dense.column_mut(held).fill(0.0);
            dense[(held, held)] = 1.0;
            slope[held] = 0.0;
            let damping = vec![0.2; slope.len()];
            let step = chain.solve(&damping).unwrap();
            (0..slope.len()).for_each(|i| dense[(i, i)] += 0.2);
            let expected = dense.cholesky().unwrap().solve(&-slope);
            assert_eq!(step[held], 0.0);
            for (found, expected) in step.iter().zip(expected.iter()) {
                assert!(
                    (found - expected).abs() < 1e-9,
                    "{held}: {found} {expected}"
                );
            }
        }
    }

    fn quadratic(a: &DMatrix<f64>, x: &[f64]) -> f64 {
        let x = DVector::from_column_slice(x);
        (x.transpose() * a * &x)[(0, 0)]
    }
}
