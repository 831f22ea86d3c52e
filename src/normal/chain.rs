//! The normal equations of frames that pull on their neighbours and share some unknowns: a banded
//! block matrix with a border.

use rayon::prelude::*;

use super::arms::Arms;
use super::blocks::{bilinear, upper};
use super::lanes::start;
use crate::graph::Scalar;

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
    pub(super) fn places(&self, frame: usize) -> impl Iterator<Item = usize> {
        let parts = self.parts.iter();
        parts.flat_map(move |&(first, dims)| first + frame * dims..first + (frame + 1) * dims)
    }

    /// The frame of a place, and which of that frame's unknowns it is.
    fn find(&self, place: usize) -> Option<(usize, usize)> {
        let mut before = 0;
        for &(first, dims) in &self.parts {
            if (first..first + self.frames * dims).contains(&place) {
                let at = place - first;
                return Some((at / dims, before + at % dims));
            }
            before += dims;
        }
        None
    }

    /// Numbers of a frame's record in a [`Chain`].
    fn record(&self) -> usize {
        self.own() * (self.own() * (1 + self.width) + self.shared)
    }
}

/// JᵀJ and Jᵀr of one problem of linked frames, in whitened tangent coordinates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain {
    pub links: Links,
    /// For each frame the rows of its own unknowns, column-major: the upper triangle of its square, then
    /// the columns of every frame after it within the width, then those of the shared unknowns.
    records: Vec<f64>,
    /// (shared, shared), the upper triangle, column-major.
    corner: Vec<f64>,
    /// Half the gradient of E, as a tangent vector.
    pub slope: Vec<f64>,
}

/// What [`Chain::add`] takes.
pub(crate) struct Window<'a, E> {
    pub first: usize,
    pub square: &'a [E],
    pub slope: &'a [E],
}

impl Chain {
    pub fn new(links: Links) -> Self {
        let mut new = Self::default();
        new.begin(links);
        new
    }

    /// Starts anew in the same memory: all of it zero.
    pub(crate) fn begin(&mut self, links: Links) {
        let len = links.record();
        self.records.truncate(links.frames * len);
        let records = self.records.par_chunks_mut(len.max(1));
        records.for_each(|record| record.fill(0.0));
        self.records.resize(links.frames * len, 0.0);
        self.corner = vec![0.0; links.shared * links.shared];
        self.slope = vec![0.0; links.unknowns()];
        self.links = links;
    }

    /// The rows of a frame's unknowns: of its own square, of the frames after it, of the shared unknowns.
    pub(super) fn record(&self, frame: usize) -> [&[f64]; 3] {
        let (own, len) = (self.links.own(), self.links.record());
        let (square, rest) = self.records[frame * len..(frame + 1) * len].split_at(own * own);
        let (across, border) = rest.split_at(own * own * self.links.width);
        [square, across, border]
    }

    /// (shared, shared), the upper triangle, column-major.
    pub(super) fn corner(&self) -> &[f64] {
        &self.corner
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
            let [square, across, border] = self.record(frame);
            let here = places(frame);
            for (i, row) in here.iter().enumerate() {
                (i..own).for_each(|j| set(*row, here[j], square[i + j * own]));
                (0..shared).for_each(|s| set(s, *row, border[i + s * own]));
                for (d, block) in across.chunks_exact(own * own).enumerate() {
                    if frame + d + 1 < self.links.frames {
                        let after = places(frame + d + 1);
                        (0..own).for_each(|j| set(after[j], *row, block[i + j * own]));
                    }
                }
            }
        }
        for j in 0..shared {
            (0..=j).for_each(|i| set(i, j, self.corner[i + j * shared]));
        }
        out
    }

    /// Adds JᵀJ and Jᵀr of residuals that read some frames from one on, as a window has them: a packed
    /// lower triangle of the unknowns of those frames, one after the other, and of the shared ones after
    /// them. Frames beyond the last one are left out.
    pub fn add(&mut self, first: usize, square: &[f64], slope: &[f64]) {
        self.add_all(&[Window {
            first,
            square,
            slope,
        }]);
    }

    /// As [`Self::add`], of windows that begin at frames in their order and read the same number of them.
    pub(crate) fn add_all<E: Scalar>(&mut self, windows: &[Window<'_, E>]) {
        let (Some(one), Some(last)) = (windows.first(), windows.last()) else {
            return;
        };
        let (own, shared, len) = (self.links.own(), self.links.shared, self.links.record());
        let count = (one.slope.len() - shared).checked_div(own).unwrap_or(0);
        let end = (last.first + count).min(self.links.frames);
        let records = &mut self.records[one.first * len..end.max(one.first) * len];
        let frames = records.par_chunks_mut(len.max(1)).enumerate();
        let links = &self.links;
        frames.for_each(|(i, record)| {
            let frame = one.first + i;
            let from = windows.partition_point(|w| w.first + count <= frame);
            let to = windows.partition_point(|w| w.first <= frame);
            let reading = windows[from..to].iter();
            reading.for_each(|w| w.add_to(record, links, frame - w.first, count));
        });
        for window in windows {
            for i in 0..count.min(self.links.frames - window.first) {
                let slopes = &window.slope[i * own..(i + 1) * own];
                for (place, x) in self.links.places(window.first + i).zip(slopes) {
                    self.slope[place] += x.wide();
                }
            }
            for s in 0..shared {
                let row = &window.square[start(count * own + s)..][count * own..];
                add(&row[..s + 1], &mut self.corner[s * shared..]);
                self.slope[s] += window.slope[count * own + s].wide();
            }
        }
    }

    /// The diagonal of JᵀJ, as a tangent vector.
    pub fn diagonal(&self) -> Vec<f64> {
        let (own, shared) = (self.links.own(), self.links.shared);
        let mut diagonal = vec![0.0; self.slope.len()];
        (0..shared).for_each(|i| diagonal[i] = self.corner[i + i * shared]);
        for frame in 0..self.links.frames {
            let [square, ..] = self.record(frame);
            for (i, place) in self.links.places(frame).enumerate() {
                diagonal[place] = square[i + i * own];
            }
        }
        diagonal
    }

    /// δᵀ JᵀJ δ.
    pub fn curvature(&self, step: &[f64]) -> f64 {
        let links = &self.links;
        let (own, all) = (links.own(), &step[..links.shared]);
        let steps: Vec<f64> = (0..links.frames)
            .flat_map(|f| links.places(f).map(|p| step[p]))
            .collect();
        let of_frame = |f: usize| {
            let [square, across, border] = self.record(f);
            let (here, after) = steps[f * own..].split_at(own);
            let after = &after[..after.len().min(own * links.width)];
            let tied = &across[..after.len() * own];
            upper(square, here) + 2.0 * (bilinear(tied, here, after) + bilinear(border, here, all))
        };
        let of_frames: Vec<f64> = (0..links.frames).into_par_iter().map(of_frame).collect();
        upper(&self.corner, all) + of_frames.iter().sum::<f64>()
    }

    /// Takes unknowns out: they keep still.
    pub fn hold(&mut self, held: &[usize]) {
        let (own, shared, len) = (self.links.own(), self.links.shared, self.links.record());
        for &h in held {
            self.slope[h] = 0.0;
            if h < shared {
                clear(&mut self.corner, shared, h);
                self.corner[h + h * shared] = 1.0;
                let column = own * (own * (1 + self.links.width) + h);
                for record in self.records.chunks_exact_mut(len.max(1)) {
                    record[column..column + own].fill(0.0);
                }
                continue;
            }
            let Some((f, i)) = self.links.find(h) else {
                continue;
            };
            let record = &mut self.records[f * len..(f + 1) * len];
            clear(record, own, i);
            record[i + i * own] = 1.0;
            for d in 1..=self.links.width.min(f) {
                let column = (f - d) * len + own * (own * d + i);
                self.records[column..column + own].fill(0.0);
            }
        }
    }

    /// The δ with (JᵀJ + diag(damping)) δ = −Jᵀr; `None` where the matrix is not positive definite.
    /// `room` is memory for the factor, to be used again.
    pub fn solve(&self, damping: &[f64], room: &mut Vec<f64>) -> Option<Vec<f64>> {
        let step = Arms::new(self, damping).solve(room)?;
        step.iter().all(|x| x.is_finite()).then_some(step)
    }
}

impl<E: Scalar> Window<'_, E> {
    /// Adds the rows of its frame `i`, of `count`, to that frame's record.
    fn add_to(&self, record: &mut [f64], links: &Links, i: usize, count: usize) {
        let own = links.own();
        let here = i * own..(i + 1) * own;
        let frames = links.frames - self.first;
        for later in i..count.min(frames) {
            for r in 0..own {
                let row = &self.square[start(later * own + r)..];
                let row = match later == i {
                    true => &row[here.start..here.start + r + 1],
                    false => &row[here.clone()],
                };
                add(row, &mut record[((later - i) * own + r) * own..]);
            }
        }
        for s in 0..links.shared {
            let row = &self.square[start(count * own + s)..];
            let column = own * (1 + links.width) + s;
            add(&row[here.clone()], &mut record[column * own..]);
        }
    }
}

fn add<E: Scalar>(from: &[E], to: &mut [f64]) {
    to.iter_mut().zip(from).for_each(|(to, x)| *to += x.wide());
}

/// Clears a row of blocks that lie side by side, and that column of the first, which is square.
fn clear(blocks: &mut [f64], rows: usize, i: usize) {
    let row = blocks.iter_mut().skip(i).step_by(rows.max(1));
    row.for_each(|x| *x = 0.0);
    blocks[i * rows..(i + 1) * rows].fill(0.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};

    /// Shared unknowns and frames with two parts, of two unknowns and one.
    fn links(width: usize, frames: usize, shared: usize) -> Links {
        Links {
            frames,
            shared,
            parts: vec![(shared, 2), (shared + 2 * frames, 1)],
            width,
        }
    }

    /// A chain of residuals on each frame and its neighbours, and the same as one dense matrix.
    fn problem(links: Links) -> (Chain, DMatrix<f64>, DVector<f64>) {
        let width = links.width;
        let (own, shared, n) = (links.own(), links.shared, links.unknowns());
        let mut chain = Chain::new(links.clone());
        let mut dense = DMatrix::zeros(n, n);
        let mut slope = DVector::zeros(n);
        for frame in 0..links.frames.saturating_sub(width) {
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
        // Room that holds another factor.
        let mut room = vec![f64::NAN; 5];
        let sizes = (0..=3).flat_map(|width| [1, 2, 3, 4, 6, 9].map(|frames| (width, frames)));
        for (width, frames, shared) in sizes.flat_map(|(w, f)| [(w, f, 0), (w, f, 2)]) {
            let (chain, mut dense, slope) = problem(links(width, frames, shared));
            let damping: Vec<f64> = (0..slope.len()).map(|i| 0.1 + 0.01 * i as f64).collect();
            let step = chain.solve(&damping, &mut room).unwrap();
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
            let (mut chain, mut dense, mut slope) = problem(links(2, 6, 2));
            chain.hold(&[held]);
            dense.row_mut(held).fill(0.0);
            dense.column_mut(held).fill(0.0);
            dense[(held, held)] = 1.0;
            slope[held] = 0.0;
            let damping = vec![0.2; slope.len()];
            let step = chain.solve(&damping, &mut Vec::new()).unwrap();
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
