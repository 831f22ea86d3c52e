//! The normal equations of blocks that residuals read together: those that can be are eliminated, block
//! by block, and what is left is factored whole.

use std::sync::Arc;

use super::blocks::{
    bilinear, cholesky, solve_lower, solve_upper, subtract_product, subtract_transposed, triangle,
};
use super::network::Network;

/// JᵀJ and Jᵀr of one problem, in whitened tangent coordinates.
#[derive(Clone, Debug)]
pub struct Linked {
    pub(crate) network: Arc<Network>,
    /// The squares of all blocks, (width, width), the lower triangles.
    squares: Vec<f64>,
    /// Of each pair of blocks the rows of the later one, (later, earlier).
    pairs: Vec<f64>,
    /// Half the gradient of E, as a tangent vector.
    pub slope: Vec<f64>,
    /// Directions off spheres, in which nothing moves, with what stands for them in JᵀJ.
    normals: Vec<(usize, Vec<f64>, f64)>,
}

impl PartialEq for Linked {
    fn eq(&self, other: &Self) -> bool {
        (&self.squares, &self.pairs, &self.slope) == (&other.squares, &other.pairs, &other.slope)
    }
}

/// A part of the unknowns that a residual reads: a block, and where its unknowns stand among them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub block: usize,
    pub first: usize,
}

/// What is left when blocks are eliminated, and what they leave behind.
struct Reduced {
    /// For each eliminated block its factor.
    factors: Vec<f64>,
    /// For each of its pairs E L⁻ᵀ.
    borders: Vec<f64>,
    squares: Vec<f64>,
    pairs: Vec<f64>,
    /// L⁻¹ of the eliminated slopes, and the slopes that are left; in the order of blocks.
    slope: Vec<f64>,
}

impl Linked {
    pub(crate) fn new(network: Arc<Network>) -> Self {
        Self {
            squares: vec![0.0; network.square_begins[network.blocks()]],
            pairs: vec![0.0; *network.pair_begins.last().unwrap_or(&0)],
            slope: vec![0.0; network.unknowns()],
            normals: Vec::new(),
            network,
        }
    }

    /// Adds the products of a residual's unknowns: entry (i, j) of the packed lower triangle of JᵀJ by
    /// `square`, of Jᵀr by `slope`.
    pub(crate) fn add(
        &mut self,
        parts: &[Part],
        square: impl Fn(usize, usize) -> f64,
        slope: impl Fn(usize) -> f64,
    ) {
        let network = Arc::clone(&self.network);
        for (p, a) in parts.iter().enumerate() {
            let width = network.width(a.block);
            let places = &network.places[network.begins[a.block]..];
            for i in 0..width {
                self.slope[places[i]] += slope(a.first + i);
            }
            let own = &mut self.squares[network.square_begins[a.block]..][..width * width];
            for i in 0..width {
                for j in 0..=i {
                    own[j * width + i] += square(a.first + i, a.first + j);
                }
            }
            for b in &parts[..p] {
                let columns = network.width(b.block);
                if a.block == b.block {
                    for i in 0..width {
                        for j in 0..columns {
                            let x = square(a.first + i, b.first + j);
                            let twice = if i == j { 2.0 * x } else { x };
                            own[i.min(j) * width + i.max(j)] += twice;
                        }
                    }
                    continue;
                }
                let Some(pair) = network.pair(a.block, b.block) else {
                    continue;
                };
                let to = &mut self.pairs[network.pair_begins[pair]..network.pair_begins[pair + 1]];
                for i in 0..width {
                    for j in 0..columns {
                        let x = square(a.first + i, b.first + j);
                        match a.block > b.block {
                            true => to[j * width + i] += x,
                            false => to[i * columns + j] += x,
                        }
                    }
                }
            }
        }
    }

    /// Makes the matrix definite along the normal of a sphere whose unknowns begin at a place.
    pub(crate) fn stiffen(&mut self, first: usize, normal: Vec<f64>) {
        let network = &self.network;
        let Some(at) = network.places.iter().position(|p| *p == first) else {
            return;
        };
        let block = network.begins.partition_point(|b| *b <= at) - 1;
        let (i0, width) = (at - network.begins[block], network.width(block));
        let square = &mut self.squares[network.square_begins[block]..][..width * width];
        let diagonal = (0..normal.len()).map(|i| square[(i0 + i) * (width + 1)]);
        let by = match diagonal.sum::<f64>() / normal.len() as f64 {
            usual if usual > 0.0 => usual,
            _ => 1.0,
        };
        for (j, b) in normal.iter().enumerate() {
            for (i, a) in normal.iter().enumerate().skip(j) {
                square[(i0 + j) * width + i0 + i] += by * a * b;
            }
        }
        self.normals.push((first, normal, by));
    }

    fn square_of(&self, block: usize) -> &[f64] {
        &self.squares[self.network.square_begins[block]..self.network.square_begins[block + 1]]
    }

    fn pair_of(&self, pair: usize) -> &[f64] {
        &self.pairs[self.network.pair_begins[pair]..self.network.pair_begins[pair + 1]]
    }

    /// The diagonal of JᵀJ.
    pub fn diagonal(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.slope.len()];
        for block in 0..self.network.blocks() {
            let (square, width) = (self.square_of(block), self.network.width(block));
            for i in 0..width {
                out[self.network.places[self.network.begins[block] + i]] = square[i * width + i];
            }
        }
        out
    }

    /// JᵀJ itself, where it has no more unknowns than so many: (unknowns, unknowns), by places in the
    /// tangent vector.
    pub(crate) fn whole(&self, most: usize) -> Option<Vec<f64>> {
        let (network, n) = (&self.network, self.slope.len());
        if n > most {
            return None;
        }
        let mut out = vec![0.0; n * n];
        let place = |block: usize, i: usize| network.places[network.begins[block] + i];
        for block in 0..network.blocks() {
            let (square, width) = (self.square_of(block), network.width(block));
            for j in 0..width {
                for i in j..width {
                    let (a, b) = (place(block, i), place(block, j));
                    out[a * n + b] = square[j * width + i];
                    out[b * n + a] = square[j * width + i];
                }
            }
        }
        for (pair, (a, b)) in network.pairs.iter().enumerate() {
            let (a, b, numbers) = (*a as usize, *b as usize, self.pair_of(pair));
            let rows = network.width(a);
            for (at, x) in numbers.iter().enumerate() {
                let (i, j) = (place(a, at % rows), place(b, at / rows));
                out[i * n + j] = *x;
                out[j * n + i] = *x;
            }
        }
        Some(out)
    }

    /// A tangent vector in the order of blocks.
    fn in_blocks(&self, x: &[f64]) -> Vec<f64> {
        self.network.places.iter().map(|p| x[*p]).collect()
    }

    /// δᵀ JᵀJ δ.
    pub fn curvature(&self, step: &[f64]) -> f64 {
        let (network, step) = (&self.network, self.in_blocks(step));
        let of = |block: usize| &step[network.begins[block]..network.begins[block + 1]];
        let squares = (0..network.blocks()).map(|b| triangle(self.square_of(b), of(b)));
        let total: f64 = squares.sum();
        let pairs = network.pairs.iter().enumerate().map(|(i, (a, b))| {
            let (a, b) = (of(*a as usize), of(*b as usize));
            2.0 * bilinear(self.pair_of(i), a, b)
        });
        total + pairs.sum::<f64>()
    }

    /// Takes unknowns out: they keep still.
    pub fn hold(&mut self, held: &[usize]) {
        if held.is_empty() {
            return;
        }
        let network = Arc::clone(&self.network);
        let mut still = vec![false; self.slope.len()];
        for &place in held {
            still[place] = true;
            self.slope[place] = 0.0;
        }
        let is_still = |block: usize, i: usize| still[network.places[network.begins[block] + i]];
        for block in 0..network.blocks() {
            let width = network.width(block);
            let square = &mut self.squares[network.square_begins[block]..];
            for j in 0..width {
                for i in j..width {
                    if is_still(block, i) || is_still(block, j) {
                        square[j * width + i] = if i == j { 1.0 } else { 0.0 };
                    }
                }
            }
        }
        for (pair, (a, b)) in network.pairs.iter().enumerate() {
            let (a, b) = (*a as usize, *b as usize);
            let rows = network.width(a);
            let numbers = &mut self.pairs[network.pair_begins[pair]..];
            for j in 0..network.width(b) {
                for i in 0..rows {
                    if is_still(a, i) || is_still(b, j) {
                        numbers[j * rows + i] = 0.0;
                    }
                }
            }
        }
    }

    /// Eliminates the blocks that can be; `None` where one is not positive definite.
    fn reduced(&self, damping: &[f64]) -> Option<Reduced> {
        let network = &self.network;
        let damping = self.in_blocks(damping);
        let mut slope: Vec<f64> = self.in_blocks(&self.slope);
        slope.iter_mut().for_each(|s| *s = -*s);
        let (mut squares, mut pairs) = (self.squares.clone(), self.pairs.clone());
        for block in 0..network.blocks() {
            let width = network.width(block);
            let square = &mut squares[network.square_begins[block]..];
            for i in 0..width {
                square[i * width + i] += damping[network.begins[block] + i];
            }
        }
        let end = network
            .after
            .get(network.eliminated.wrapping_sub(1))
            .map_or(0, |r| r.end);
        let (of_eliminated, left) = pairs.split_at_mut(network.pair_begins[end]);
        let borders = of_eliminated;
        let offset = network.pair_begins[end];
        let (factors, rest) = squares.split_at_mut(network.square_begins[network.eliminated]);
        let rest_offset = factors.len();
        for block in 0..network.eliminated {
            let width = network.width(block);
            let factor = &mut factors[network.square_begins[block]..][..width * width];
            cholesky(factor, width)?;
            let (own, after) = slope.split_at_mut(network.begins[block + 1]);
            let own = &mut own[network.begins[block]..];
            solve_lower(factor, width, own);
            let range = network.after[block].clone();
            for pair in range.clone() {
                let begin = network.pair_begins[pair];
                let border = &mut borders[begin..network.pair_begins[pair + 1]];
                solve_from_right(factor, width, border);
                let other = network.pairs[pair].0 as usize;
                let at = network.begins[other] - network.begins[block + 1];
                subtract_product(border, own, &mut after[at..at + network.width(other)]);
            }
            let mut fills = network.fills[block].iter();
            for (i, pair) in range.clone().enumerate() {
                let a = &borders[network.pair_begins[pair]..network.pair_begins[pair + 1]];
                let (later, rows) = (network.pairs[pair].0 as usize, a.len() / width);
                let to = &mut rest[network.square_begins[later] - rest_offset..][..rows * rows];
                subtract_outer(to, a, a, width);
                for other in range.clone().take(i) {
                    let b = &borders[network.pair_begins[other]..network.pair_begins[other + 1]];
                    let fill = *fills.next()? as usize;
                    let to = &mut left[network.pair_begins[fill] - offset..];
                    subtract_outer(&mut to[..rows * b.len() / width], a, b, width);
                }
            }
        }
        let (factors, borders) = (factors.to_vec(), borders.to_vec());
        Some(Reduced {
            factors,
            borders,
            squares,
            pairs,
            slope,
        })
    }

    /// The δ with (JᵀJ + diag(damping)) δ = −Jᵀr; `None` where the matrix is not positive definite.
    pub fn solve(&self, damping: &[f64]) -> Option<Vec<f64>> {
        let network = &self.network;
        let reduced = self.reduced(damping)?;
        let mut x = reduced.slope.clone();
        let first = network.first_left();
        match &network.pattern {
            Some(pattern) => {
                pattern.solve(network, &reduced.squares, &reduced.pairs, &mut x[first..])?;
            }
            None => {
                let n = network.unknowns() - first;
                let mut dense = self.dense_left(&reduced);
                cholesky(&mut dense, n)?;
                solve_lower(&dense, n, &mut x[first..]);
                solve_upper(&dense, n, &mut x[first..]);
            }
        }
        self.back(&reduced, &mut x);
        let mut step = vec![0.0; x.len()];
        network
            .places
            .iter()
            .zip(&x)
            .for_each(|(place, x)| step[*place] = *x);
        step.iter().all(|x| x.is_finite()).then_some(step)
    }

    /// The eliminated unknowns from those that are left.
    fn back(&self, reduced: &Reduced, x: &mut [f64]) {
        let network = &self.network;
        for block in (0..network.eliminated).rev() {
            let (own, after) = x.split_at_mut(network.begins[block + 1]);
            let own = &mut own[network.begins[block]..];
            for pair in network.after[block].clone() {
                let other = network.pairs[pair].0 as usize;
                let at = network.begins[other] - network.begins[block + 1];
                let border =
                    &reduced.borders[network.pair_begins[pair]..network.pair_begins[pair + 1]];
                subtract_transposed(border, &after[at..at + network.width(other)], own);
            }
            let width = own.len();
            let factor = &reduced.factors[network.square_begins[block]..][..width * width];
            solve_upper(factor, width, own);
        }
    }

    /// The matrix of what is left, (n, n) column-major, its lower triangle.
    fn dense_left(&self, reduced: &Reduced) -> Vec<f64> {
        let network = &self.network;
        let (first, n) = (
            network.first_left(),
            network.unknowns() - network.first_left(),
        );
        let mut dense = vec![0.0; n * n];
        for block in network.eliminated..network.blocks() {
            let (begin, width) = (network.begins[block] - first, network.width(block));
            let square = &reduced.squares[network.square_begins[block]..];
            for j in 0..width {
                let to = (begin + j) * n + begin;
                dense[to..to + width].copy_from_slice(&square[j * width..(j + 1) * width]);
                for pair in network.after[block].clone() {
                    let other = network.pairs[pair].0 as usize;
                    let rows = network.width(other);
                    let from = &reduced.pairs[network.pair_begins[pair] + j * rows..][..rows];
                    let to = (begin + j) * n + network.begins[other] - first;
                    dense[to..to + rows].copy_from_slice(from);
                }
            }
        }
        dense
    }

    /// The matrix of the unknowns that are left when all that can be are eliminated, its lower triangle,
    /// and their places; nothing where it is large, or where what is eliminated is open itself.
    pub(crate) fn left(&self, most: usize) -> Option<(Vec<f64>, Vec<usize>)> {
        let network = &self.network;
        let first = network.first_left();
        if network.unknowns() - first > most {
            return None;
        }
        let mut damping = self.diagonal();
        // Held and untouched unknowns are not open.
        damping
            .iter_mut()
            .for_each(|d| *d = if *d > 0.0 { *d * 1e-14 } else { 1.0 });
        let reduced = self.reduced(&damping)?;
        Some((self.dense_left(&reduced), network.places[first..].to_vec()))
    }

    /// The diagonal of (JᵀJ)⁻¹, unknown by unknown; `None` where it has no inverse, or is too large.
    pub(crate) fn variances(&self, most: usize) -> Option<Vec<f64>> {
        let network = &self.network;
        let first = network.first_left();
        let n = network.unknowns() - first;
        if n > most {
            return None;
        }
        let plain = vec![0.0; self.slope.len()];
        // Where a combination is open, the others keep theirs and its own is huge.
        let hardly = self
            .diagonal()
            .iter()
            .map(|d| 1e-13 * d)
            .collect::<Vec<f64>>();
        let (reduced, dense) = self.factored(&plain).or_else(|| self.factored(&hardly))?;
        // Columns of the inverse of what is left.
        let mut inverse = vec![0.0; n * n];
        for j in 0..n {
            let column = &mut inverse[j * n..(j + 1) * n];
            column[j] = 1.0;
            solve_lower(&dense, n, column);
            solve_upper(&dense, n, column);
        }
        let mut out = vec![0.0; network.unknowns()];
        (0..n).for_each(|j| out[network.places[first + j]] = inverse[j * n + j]);
        for block in 0..network.eliminated {
            self.variances_of(block, &reduced, &inverse, &mut out);
        }
        for (first, normal, by) in &self.normals {
            let own = out[*first..].iter_mut().zip(normal);
            own.for_each(|(x, a)| *x = (*x - a * a / by).max(0.0));
        }
        Some(out)
    }

    /// What is left after elimination, and its dense factor.
    fn factored(&self, damping: &[f64]) -> Option<(Reduced, Vec<f64>)> {
        let reduced = self.reduced(damping)?;
        let mut dense = self.dense_left(&reduced);
        let n = self.network.unknowns() - self.network.first_left();
        cholesky(&mut dense, n)?;
        Some((reduced, dense))
    }

    /// Of an eliminated block: L⁻ᵀ (I + Yᵀ S⁻¹ Y) L⁻¹ with the rows Y = E L⁻ᵀ of what is left.
    fn variances_of(&self, block: usize, reduced: &Reduced, inverse: &[f64], out: &mut [f64]) {
        let network = &self.network;
        let (first, width) = (network.first_left(), network.width(block));
        let n = network.unknowns() - first;
        let factor = &reduced.factors[network.square_begins[block]..][..width * width];
        let rows: Vec<(usize, usize)> = network.after[block]
            .clone()
            .flat_map(|pair| {
                let other = network.pairs[pair].0 as usize;
                let height = network.width(other);
                (0..height).map(move |i| {
                    (
                        network.begins[other] - first + i,
                        network.pair_begins[pair] + i,
                    )
                })
            })
            .collect();
        let heights: Vec<usize> = network.after[block]
            .clone()
            .flat_map(|pair| {
                let height = network.width(network.pairs[pair].0 as usize);
                vec![height; height]
            })
            .collect();
        for i in 0..width {
            let mut unit = vec![0.0; width];
            unit[i] = 1.0;
            solve_lower(factor, width, &mut unit);
            let own: f64 = unit.iter().map(|x| x * x).sum();
            let border: Vec<f64> = rows
                .iter()
                .zip(&heights)
                .map(|((_, at), height)| {
                    (0..width)
                        .map(|c| reduced.borders[at + c * height] * unit[c])
                        .sum()
                })
                .collect();
            let mut through = 0.0;
            for ((a, _), x) in rows.iter().zip(&border) {
                for ((b, _), y) in rows.iter().zip(&border) {
                    through += x * y * inverse[b * n + a];
                }
            }
            out[network.places[network.begins[block] + i]] = own + through;
        }
    }
}

/// to −= a bᵀ of (rows, width) and (columns, width).
fn subtract_outer(to: &mut [f64], a: &[f64], b: &[f64], width: usize) {
    let (rows, columns) = (a.len() / width.max(1), b.len() / width.max(1));
    match (rows, columns) {
        (2, 2) => return subtract_small::<2, 2>(to, a, b),
        (3, 3) => return subtract_small::<3, 3>(to, a, b),
        (6, 6) => return subtract_small::<6, 6>(to, a, b),
        _ => {}
    }
    for (a, b) in a
        .chunks_exact(rows.max(1))
        .zip(b.chunks_exact(columns.max(1)))
    {
        for (to, b) in to.chunks_exact_mut(rows.max(1)).zip(b) {
            to.iter_mut().zip(a).for_each(|(to, a)| *to -= a * b);
        }
    }
}

/// The same of sizes that are common: the sums stay in registers.
fn subtract_small<const R: usize, const C: usize>(to: &mut [f64], a: &[f64], b: &[f64]) {
    let mut sums = [[0.0; R]; C];
    for (a, b) in a.as_chunks::<R>().0.iter().zip(b.as_chunks::<C>().0) {
        for (sum, b) in sums.iter_mut().zip(b) {
            for (sum, a) in sum.iter_mut().zip(a) {
                *sum += a * b;
            }
        }
    }
    for (to, sum) in to.as_chunks_mut::<R>().0.iter_mut().zip(&sums) {
        to.iter_mut().zip(sum).for_each(|(to, sum)| *to -= sum);
    }
}

/// x = x L⁻ᵀ of (rows, n), column by column.
fn solve_from_right(l: &[f64], n: usize, x: &mut [f64]) {
    let rows = x.len() / n.max(1);
    for j in 0..n {
        for k in 0..j {
            let a = l[k * n + j];
            let (done, rest) = x.split_at_mut(j * rows);
            let column = &done[k * rows..(k + 1) * rows];
            rest[..rows]
                .iter_mut()
                .zip(column)
                .for_each(|(x, y)| *x -= a * y);
        }
        let diagonal = l[j * n + j];
        x[j * rows..(j + 1) * rows]
            .iter_mut()
            .for_each(|x| *x /= diagonal);
    }
}

#[cfg(test)]
mod tests {
    use super::super::network::Kind;
    use super::*;
    use crate::random::SplitMix64;

    /// Random residuals of points and cameras with something that all share, against a dense solve.
    #[test]
    fn steps_and_variances_are_those_of_the_whole_matrix() {
        let mut random = SplitMix64(1);
        let kinds = [
            Kind {
                places: vec![(0, 0), (1, 0)],
                count: 1,
            },
            Kind {
                places: vec![(2, 3), (3, 3), (4, 3)],
                count: 4,
            },
            Kind {
                places: vec![(14, 2), (15, 2)],
                count: 6,
            },
        ];
        let pairs: Vec<(u32, u32)> = (0..24).map(|i| (i % 4, (i / 3) % 6)).collect();
        let rows: Vec<Vec<(usize, u32)>> = pairs
            .iter()
            .map(|(a, b)| vec![(1, *a), (2, *b), (0, 0)])
            .collect();
        let network = Arc::new(Network::new(&kinds, &rows));
        assert_eq!(network.eliminated, 6);
        let n = network.unknowns();
        let mut linked = Linked::new(Arc::clone(&network));
        let (mut square, mut slope) = (vec![0.0_f64; n * n], vec![0.0_f64; n]);
        for row in &rows {
            let j: Vec<f64> = (0..7).map(|_| random.normal()).collect();
            let r = random.normal();
            let mut first = 0;
            let mut places: Vec<usize> = Vec::new();
            let mut parts = Vec::new();
            for (kind, element) in row {
                let block = network.block(*kind, *element as usize);
                parts.push(Part { block, first });
                first += network.width(block);
                places.extend(&network.places[network.begins[block]..network.begins[block + 1]]);
            }
            linked.add(&parts, |a, b| j[a] * j[b], |a| j[a] * r);
            for (a, p) in places.iter().enumerate() {
                slope[*p] += j[a] * r;
                places
                    .iter()
                    .enumerate()
                    .for_each(|(b, q)| square[p * n + q] += j[a] * j[b]);
            }
        }
        let damping = vec![0.1; n];
        let step = linked.solve(&damping).unwrap();
        let curvature: f64 = (0..n * n)
            .map(|i| step[i / n] * square[i] * step[i % n])
            .sum();
        assert!((curvature - linked.curvature(&step)).abs() < 1e-9 * curvature.abs());
        (0..n).for_each(|i| square[i * n + i] += 0.1);
        for i in 0..n {
            let sum: f64 = (0..n).map(|k| square[i * n + k] * step[k]).sum();
            assert!((sum + slope[i]).abs() < 1e-9, "{i}");
        }
        let whole = nalgebra::DMatrix::from_row_slice(n, n, &square);
        for block in 0..network.blocks() {
            let width = network.width(block);
            let at = network.square_begins[block];
            (0..width).for_each(|i| linked.squares[at + i * width + i] += 0.1);
        }
        let inverse = whole.try_inverse().unwrap();
        let variances = linked.variances(1000).unwrap();
        (0..n).for_each(|i| assert!((variances[i] - inverse[(i, i)]).abs() < 1e-9, "{i}"));
    }
}
