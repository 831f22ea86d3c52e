//! The factor of a chain of frames, from both of its ends at once: each arm is eliminated frame after
//! frame towards the middle, and what is left there is solved together with the shared unknowns.

use super::blocks::{
    cholesky, matrix, matrix_mut, solve_lower, solve_upper, subtract_product, subtract_square,
    subtract_transposed_product,
};
use super::chain::Chain;
use faer::Par;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;

/// A chain with what is added to its diagonal, as a tangent vector.
pub(super) struct Arms<'c> {
    chain: &'c Chain,
    damping: &'c [f64],
    /// Frames of the first arm, in the middle, and of the second arm.
    counts: [usize; 3],
}

/// Frames of one arm in the order in which they are eliminated, and those in the middle after them.
///
/// Of each there are, column-major with the rows of its unknowns: the lower triangle of its square, the
/// columns of the frames after it within the width, those of the shared unknowns, and the right side.
struct Arm<'r> {
    own: usize,
    shared: usize,
    width: usize,
    count: usize,
    records: &'r mut [f64],
    /// (shared, shared + 1): what the frames take away from the shared unknowns and their right side.
    corner: Vec<f64>,
}

impl<'c> Arms<'c> {
    pub fn new(chain: &'c Chain, damping: &'c [f64]) -> Self {
        let frames = chain.links.frames;
        let middle = chain.links.width.min(frames);
        let first = (frames - middle) / 2;
        Self {
            chain,
            damping,
            counts: [first, middle, frames - middle - first],
        }
    }

    /// The step; `None` where the matrix is not positive definite.
    pub fn solve(&self, room: &mut Vec<f64>) -> Option<Vec<f64>> {
        let links = &self.chain.links;
        let [first, middle, second] = self.counts;
        let record = self.columns() * links.own();
        room.resize((links.frames + middle) * record, 0.0);
        let (one, other) = room.split_at_mut((first + middle) * record);
        let mut arms = [self.arm(first, one), self.arm(second, other)];
        let [one, other] = &mut arms;
        let (done, too) = rayon::join(
            || one.eliminate(|f, to| self.load(f, to)),
            || other.eliminate(|f, to| self.load_back(f, to)),
        );
        done.and(too)?;
        let (inner, shared) = self.solve_middle(&arms)?;
        let own = links.own();
        let turned: Vec<f64> = inner.rchunks_exact(own.max(1)).flatten().copied().collect();
        let [one, other] = &arms;
        let (there, back) = rayon::join(
            || one.substitute(&inner, &shared),
            || other.substitute(&turned, &shared),
        );
        let mut step = vec![0.0; self.chain.slope.len()];
        step[..links.shared].copy_from_slice(&shared);
        let frames = there.chunks_exact(own.max(1));
        let frames = frames.chain(back.rchunks_exact(own.max(1)).skip(middle));
        for (frame, numbers) in frames.enumerate() {
            let places = links.places(frame);
            places.zip(numbers).for_each(|(p, x)| step[p] = *x);
        }
        Some(step)
    }

    fn columns(&self) -> usize {
        let links = &self.chain.links;
        links.own() * (1 + links.width) + links.shared + 1
    }

    fn arm<'r>(&self, count: usize, records: &'r mut [f64]) -> Arm<'r> {
        let links = &self.chain.links;
        Arm {
            own: links.own(),
            shared: links.shared,
            width: links.width,
            count,
            records,
            corner: vec![0.0; links.shared * (links.shared + 1)],
        }
    }

    /// A frame as the first arm has it.
    fn load(&self, frame: usize, to: &mut [f64]) {
        let across = self.load_own(frame, to);
        across.copy_from_slice(self.chain.record(frame)[1]);
    }

    /// A frame as the second arm has it, from the last one on: tied to the frames before it. Those in the
    /// middle begin with nothing, since the first arm has them.
    fn load_back(&self, at: usize, to: &mut [f64]) {
        if at >= self.counts[2] {
            return to.fill(0.0);
        }
        let own = self.chain.links.own();
        let frame = self.chain.links.frames - 1 - at;
        let across = self.load_own(frame, to);
        for (d, to) in across.chunks_exact_mut((own * own).max(1)).enumerate() {
            let Some(before) = frame.checked_sub(d + 1) else {
                to.fill(0.0);
                continue;
            };
            let from = &self.chain.record(before)[1][d * own * own..(d + 1) * own * own];
            transpose(from, own, to);
        }
    }

    /// Loads all but the columns of the frames that a frame is tied to, which it returns.
    fn load_own<'t>(&self, frame: usize, to: &'t mut [f64]) -> &'t mut [f64] {
        let links = &self.chain.links;
        let own = links.own();
        let [square, _, border] = self.chain.record(frame);
        let (own_square, rest) = to.split_at_mut(own * own);
        let (across, rest) = rest.split_at_mut(own * own * links.width);
        let (own_border, right) = rest.split_at_mut(border.len());
        transpose(square, own, own_square);
        own_border.copy_from_slice(border);
        for (i, place) in links.places(frame).enumerate() {
            own_square[i + i * own] += self.damping[place];
            right[i] = -self.chain.slope[place];
        }
        across
    }

    /// The steps of the frames in the middle and of the shared unknowns.
    fn solve_middle(&self, [one, other]: &[Arm<'_>; 2]) -> Option<(Vec<f64>, Vec<f64>)> {
        let links = &self.chain.links;
        let (own, shared, middle) = (links.own(), links.shared, self.counts[1]);
        let (inner, n) = (middle * own, middle * own + shared);
        let mut square = vec![0.0; n * n];
        let mut right = vec![0.0; n];
        for i in 0..middle {
            // The second arm has them the other way round.
            let at = i * own;
            for (arm, i, forwards) in [(one, i, true), (other, middle - 1 - i, false)] {
                let [diagonal, across, border, side] = arm.record(arm.count + i);
                add_block(&mut square, n, [at, at], (diagonal, own, own), false);
                for (d, block) in across.chunks_exact((own * own).max(1)).enumerate() {
                    if i + d + 1 < middle {
                        let there = match forwards {
                            true => [at + (d + 1) * own, at],
                            false => [at, at - (d + 1) * own],
                        };
                        add_block(&mut square, n, there, (block, own, own), forwards);
                    }
                }
                add_block(&mut square, n, [inner, at], (border, own, shared), true);
                let to = &mut right[at..at + own];
                to.iter_mut().zip(side).for_each(|(to, x)| *to += x);
            }
        }
        for s in 0..shared {
            for i in 0..=s {
                let taken = one.corner[s + i * shared] + other.corner[s + i * shared];
                let own = self.chain.corner()[i + s * shared];
                square[inner + s + (inner + i) * n] = own + taken;
            }
            square[(inner + s) * (n + 1)] += self.damping[s];
            let taken = one.corner[s + shared * shared] + other.corner[s + shared * shared];
            right[inner + s] = taken - self.chain.slope[s];
        }
        cholesky(&mut square, n)?;
        solve_lower(&square, n, &mut right);
        solve_upper(&square, n, &mut right);
        let rest = right.split_off(inner);
        Some((right, rest))
    }
}

impl Arm<'_> {
    fn record_len(&self) -> usize {
        self.own * (self.own * (1 + self.width) + self.shared + 1)
    }

    /// A frame's square, its ties, its border and its right side.
    fn record(&self, at: usize) -> [&[f64]; 4] {
        let (own, len) = (self.own, self.record_len());
        let (square, rest) = self.records[at * len..(at + 1) * len].split_at(own * own);
        let (across, rest) = rest.split_at(own * own * self.width);
        let (border, right) = rest.split_at(own * self.shared);
        [square, across, border, right]
    }

    /// Loads frames and eliminates them, one after the other.
    fn eliminate(&mut self, load: impl Fn(usize, &mut [f64])) -> Option<()> {
        let len = self.record_len();
        let frames = self.records.len() / len.max(1);
        let mut loaded = 0;
        for f in 0..self.count {
            while loaded < frames.min(f + self.width + 1) {
                load(loaded, &mut self.records[loaded * len..(loaded + 1) * len]);
                loaded += 1;
            }
            self.take_out(f)?;
        }
        (loaded..frames).for_each(|f| load(f, &mut self.records[f * len..(f + 1) * len]));
        Some(())
    }

    /// Factors a frame's square and takes what it means off the frames after it and the corner.
    fn take_out(&mut self, f: usize) -> Option<()> {
        let (own, shared, width, len) = (self.own, self.shared, self.width, self.record_len());
        let (before, after) = self.records.split_at_mut((f + 1) * len);
        let (square, ties) = before[f * len..].split_at_mut(own * own);
        cholesky(square, own)?;
        let (l, x) = (matrix(square, own), matrix_mut(ties, own));
        solve_lower_triangular_in_place(l, x, Par::Seq);
        let (across, border) = ties.split_at(own * own * width);
        for (d, to) in after.chunks_exact_mut(len.max(1)).take(width).enumerate() {
            let (own_across, further) = across[d * own * own..].split_at(own * own);
            let (square, to) = to.split_at_mut(own * own);
            subtract_square(square, own, own_across);
            let (to, side) = to.split_at_mut(own * own * width);
            subtract_transposed_product(to, own, own_across, further);
            subtract_transposed_product(side, own, own_across, border);
        }
        let shared_columns = &border[..own * shared];
        subtract_transposed_product(&mut self.corner, own, shared_columns, border);
        Some(())
    }

    /// The steps of its frames and of those in the middle, which are given.
    fn substitute(&self, middle: &[f64], shared: &[f64]) -> Vec<f64> {
        let own = self.own;
        let mut steps = vec![0.0; self.count * own];
        steps.extend_from_slice(middle);
        for f in (0..self.count).rev() {
            let [square, across, border, right] = self.record(f);
            let (here, after) = steps[f * own..].split_at_mut(own);
            here.copy_from_slice(right);
            subtract_product(across, after, here);
            subtract_product(border, shared, here);
            solve_upper(square, own, here);
        }
        steps
    }
}

/// A square block, column-major, the other way round.
fn transpose(from: &[f64], n: usize, to: &mut [f64]) {
    for (i, row) in to.chunks_exact_mut(n.max(1)).enumerate() {
        let column = from[i..].iter().step_by(n);
        row.iter_mut().zip(column).for_each(|(to, x)| *to = *x);
    }
}

/// Adds a block, column-major, or its transpose, at a row and a column of a square matrix.
fn add_block(
    square: &mut [f64],
    n: usize,
    [row, column]: [usize; 2],
    (block, rows, columns): (&[f64], usize, usize),
    transposed: bool,
) {
    for j in 0..columns {
        for i in 0..rows {
            let (a, b) = if transposed { (j, i) } else { (i, j) };
            square[row + a + (column + b) * n] += block[i + j * rows];
        }
    }
}
