//! How blocks of unknowns hang together: which residuals read which, and in which order they are
//! eliminated.

use std::ops::Range;

use super::sparse::Pattern;

/// Unknowns that are left after elimination up to which their matrix is dense.
const DENSE: usize = 1200;
/// Pairs for each row of residuals that elimination may tie where what is left is large.
const FILL: usize = 8;

/// Blocks of unknowns of the same kind, such as those of all points.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kind {
    /// For each unknown of the first block its place in the tangent vector, and what is added for each
    /// further block.
    pub places: Vec<(usize, usize)>,
    pub count: usize,
}

/// The blocks, those first that can be eliminated one by one, and the pairs that some residual reads.
#[derive(Debug)]
pub(crate) struct Network {
    /// First block of each kind.
    firsts: Vec<usize>,
    /// Where the unknowns of each block begin, in the order of blocks, and their number.
    pub begins: Vec<usize>,
    /// For each unknown in the order of blocks its place in the tangent vector.
    pub places: Vec<usize>,
    /// Blocks that no residual reads together with another of them.
    pub eliminated: usize,
    /// Pairs of blocks, the later one first, by their second.
    pub pairs: Vec<(u32, u32)>,
    /// Where the numbers of a pair begin, (later, earlier) column-major, and their number.
    pub pair_begins: Vec<usize>,
    /// Where the square of a block begins, column-major.
    pub square_begins: Vec<usize>,
    /// For each block its pairs as the earlier one.
    pub after: Vec<Range<usize>>,
    /// For each eliminated block, and each pair of its pairs, which pair it changes; those of a block with
    /// itself are left out.
    pub fills: Vec<Vec<u32>>,
    /// The pattern of what is left, where that is large.
    pub pattern: Option<Pattern>,
}

impl Network {
    /// `rows` are the blocks that each residual reads: kind and number.
    pub fn new(kinds: &[Kind], rows: &[Vec<(usize, u32)>]) -> Self {
        let order = order(kinds, rows);
        let mut firsts = vec![0; kinds.len()];
        let (mut begins, mut places, mut square_begins) = (vec![0], Vec::new(), vec![0]);
        for &kind in &order.kinds {
            firsts[kind] = begins.len() - 1;
            for block in 0..kinds[kind].count {
                let of_block = kinds[kind].places.iter();
                places.extend(of_block.map(|(first, stride)| first + block * stride));
                begins.push(places.len());
                let width = kinds[kind].places.len();
                square_begins.push(square_begins[square_begins.len() - 1] + width * width);
            }
        }
        let mut network = Self {
            firsts,
            begins,
            places,
            eliminated: order.eliminated,
            pairs: Vec::new(),
            pair_begins: Vec::new(),
            square_begins,
            after: Vec::new(),
            fills: Vec::new(),
            pattern: None,
        };
        network.connect(rows);
        network
    }

    /// The number of a block.
    pub fn block(&self, kind: usize, element: usize) -> usize {
        self.firsts[kind] + element
    }

    pub fn blocks(&self) -> usize {
        self.begins.len() - 1
    }

    pub fn width(&self, block: usize) -> usize {
        self.begins[block + 1] - self.begins[block]
    }

    /// Unknowns that are eliminated.
    pub fn first_left(&self) -> usize {
        self.begins[self.eliminated]
    }

    pub fn unknowns(&self) -> usize {
        self.places.len()
    }

    /// The pair of two different blocks that a residual reads.
    pub fn pair(&self, a: usize, b: usize) -> Option<usize> {
        let (later, earlier) = (a.max(b), a.min(b));
        let range = self.after[earlier].clone();
        let found = self.pairs[range.clone()].binary_search_by_key(&later, |p| p.0 as usize);
        found.ok().map(|i| range.start + i)
    }

    fn connect(&mut self, rows: &[Vec<(usize, u32)>]) {
        let mut pairs = Vec::new();
        let mut blocks = Vec::new();
        for row in rows {
            blocks.clear();
            blocks.extend(
                row.iter()
                    .map(|(kind, i)| self.block(*kind, *i as usize) as u32),
            );
            blocks.sort_unstable();
            blocks.dedup();
            for (i, a) in blocks.iter().enumerate() {
                pairs.extend(blocks[..i].iter().map(|b| (*a, *b)));
            }
        }
        sort(&mut pairs);
        // What eliminated blocks leave behind between those that they are read with.
        let mut left: Vec<(u32, u32)> = Vec::new();
        for group in pairs.chunk_by(|a, b| a.1 == b.1) {
            if (group[0].1 as usize) < self.eliminated {
                for (i, a) in group.iter().enumerate() {
                    left.extend(group[..i].iter().map(|b| (a.0, b.0)));
                }
                if left.len() > 4 * pairs.len() + 1_000_000 {
                    sort(&mut left);
                }
            }
        }
        pairs.extend(left);
        sort(&mut pairs);
        self.pair_begins = vec![0];
        for (i, (a, b)) in pairs.iter().enumerate() {
            let size = self.width(*a as usize) * self.width(*b as usize);
            self.pair_begins.push(self.pair_begins[i] + size);
        }
        let place = |block: usize| pairs.partition_point(|p| (p.1 as usize) < block);
        self.after = (0..self.blocks()).map(|b| place(b)..place(b + 1)).collect();
        self.pairs = pairs;
        self.fills = (0..self.eliminated)
            .map(|block| self.fills_of(block))
            .collect();
        if self.unknowns() - self.first_left() > DENSE {
            self.pattern = Pattern::new(self);
        }
    }
}

impl Network {
    /// The pairs that the pairs of an eliminated block change.
    fn fills_of(&self, block: usize) -> Vec<u32> {
        let own = &self.pairs[self.after[block].clone()];
        let with_earlier = |(i, a): (usize, &(u32, u32))| {
            let with = own[..i].iter();
            let pairs = with.filter_map(|b| self.pair(a.0 as usize, b.0 as usize));
            pairs.map(|p| p as u32).collect::<Vec<u32>>()
        };
        own.iter().enumerate().flat_map(with_earlier).collect()
    }
}

fn sort(pairs: &mut Vec<(u32, u32)>) {
    pairs.sort_unstable_by_key(|(a, b)| (*b, *a));
    pairs.dedup();
}

/// Pairs of blocks that are tied when those of a kind are eliminated.
fn fill(kind: usize, rows: &[Vec<(usize, u32)>]) -> usize {
    let mut ties: Vec<(u32, (usize, u32))> = Vec::new();
    for row in rows {
        for own in row.iter().filter(|b| b.0 == kind) {
            ties.extend(row.iter().filter(|b| b.0 != kind).map(|b| (own.1, *b)));
        }
    }
    ties.sort_unstable();
    ties.dedup();
    let of_blocks = ties.chunk_by(|a, b| a.0 == b.0);
    of_blocks
        .map(|of_block| of_block.len() * of_block.len() / 2)
        .sum()
}

struct Order {
    kinds: Vec<usize>,
    eliminated: usize,
}

/// The kind with the most unknowns of which no residual reads two blocks comes first.
fn order(kinds: &[Kind], rows: &[Vec<(usize, u32)>]) -> Order {
    let mut tied = vec![false; kinds.len()];
    for row in rows {
        for (i, a) in row.iter().enumerate() {
            if row[..i].iter().any(|b| a.0 == b.0 && a.1 != b.1) {
                tied[a.0] = true;
            }
        }
    }
    let unknowns = |k: usize| kinds[k].count * kinds[k].places.len();
    let all: usize = (0..kinds.len()).map(unknowns).sum();
    let pays = |k: usize| all - unknowns(k) <= DENSE || fill(k, rows) <= FILL * rows.len();
    let free = (0..kinds.len())
        .filter(|k| !tied[*k] && kinds[*k].count > 1 && unknowns(*k) > 0)
        .filter(|k| pays(*k));
    let first = free.max_by_key(|k| unknowns(*k));
    let rest = (0..kinds.len()).filter(|k| Some(*k) != first);
    Order {
        eliminated: first.map_or(0, |k| kinds[k].count),
        kinds: first.into_iter().chain(rest).collect(),
    }
}
