//! Jacobians of decoders, frame by frame.
//!
//! Between two of its kinks a decoder is linear, so that from one point to the next only the units that
//! have changed their slope change the product of its first layers: few, once a fit is near its end.

use crate::graph::{Number, Scalar};

/// Rows of a block.
const ROWS: usize = 6;
/// Changes after which a product is begun anew, so that roundings do not add up.
const AGE: usize = 64;

/// A matrix in blocks of six rows, of which single columns are read.
pub(super) struct Packed<E> {
    columns: usize,
    /// (blocks, columns, ROWS); zero beyond the last row.
    blocks: Vec<[E; ROWS]>,
}

/// W · diag(slopes) · W₁ of one frame, in T's lanes along the code.
pub(super) struct Product<T: Number> {
    /// (units).
    slopes: Vec<T::Scalar>,
    /// (rows, width), rows in whole blocks.
    pub data: Vec<T>,
    age: usize,
}

/// What is added to a product: the outer products of some columns with rows.
pub(super) struct Outer<T> {
    columns: Vec<usize>,
    /// (width, columns).
    rows: Vec<Vec<T>>,
}

impl<E: Scalar> Packed<E> {
    /// From a row-major matrix.
    pub fn new(matrix: &[E], columns: usize) -> Self {
        let rows: Vec<&[E]> = matrix.chunks_exact(columns).collect();
        let block = |rows: &[&[E]]| -> Vec<[E; ROWS]> {
            let number = |i: usize, column: usize| rows.get(i).map_or(E::zero(), |r| r[column]);
            let column = |at| std::array::from_fn(|i| number(i, at));
            (0..columns).map(column).collect()
        };
        Self {
            columns,
            blocks: rows.chunks(ROWS).flat_map(block).collect(),
        }
    }

    /// Rows, with those that fill the last block.
    pub fn rows(&self) -> usize {
        ROWS * self.blocks.len() / self.columns
    }

    /// Adds for each frame its outer products; block by block, which stay in the nearest cache.
    #[inline(always)]
    pub fn add<T: Number<Scalar = E>>(
        &self,
        outer: &[Outer<T>],
        to: &mut [&mut [T]],
        width: usize,
    ) {
        for (b, block) in self.blocks.chunks_exact(self.columns).enumerate() {
            for (outer, to) in outer.iter().zip(to.iter_mut()) {
                let to = &mut to[b * ROWS * width..(b + 1) * ROWS * width];
                outer.add(block, to, width);
            }
        }
    }
}

impl<T: Number> Outer<T> {
    /// With room for so many columns.
    #[inline(always)]
    pub fn new(width: usize, columns: usize) -> Self {
        Self {
            columns: Vec::with_capacity(columns),
            rows: (0..width).map(|_| Vec::with_capacity(columns)).collect(),
        }
    }

    /// A column with a row times a factor.
    #[inline(always)]
    pub fn push(&mut self, column: usize, row: &[T], factor: T::Scalar) {
        self.columns.push(column);
        for (to, x) in self.rows.iter_mut().zip(row) {
            to.push(T::splat(factor) * *x);
        }
    }

    /// to += block · rows, of a block's columns.
    #[inline(always)]
    fn add(&self, block: &[[T::Scalar; ROWS]], to: &mut [T], width: usize) {
        for (c, rows) in self.rows.iter().enumerate() {
            let at = |i: usize| i * width + c;
            let (mut s0, mut s1, mut s2) = (to[at(0)], to[at(1)], to[at(2)]);
            let (mut s3, mut s4, mut s5) = (to[at(3)], to[at(4)], to[at(5)]);
            for (x, column) in rows.iter().zip(&self.columns) {
                let [a, b, c, d, e, f] = &block[*column];
                s0 = T::splat(*a).fused(*x, s0);
                s1 = T::splat(*b).fused(*x, s1);
                s2 = T::splat(*c).fused(*x, s2);
                s3 = T::splat(*d).fused(*x, s3);
                s4 = T::splat(*e).fused(*x, s4);
                s5 = T::splat(*f).fused(*x, s5);
            }
            (to[at(0)], to[at(1)], to[at(2)]) = (s0, s1, s2);
            (to[at(3)], to[at(4)], to[at(5)]) = (s3, s4, s5);
        }
    }
}

impl<T: Number> Product<T> {
    /// Of slopes that are all zero.
    pub fn zero(units: usize, rows: usize, width: usize) -> Self {
        Self {
            slopes: vec![T::Scalar::of(0.0); units],
            data: vec![T::zero(); rows * width],
            age: 0,
        }
    }

    /// With numbers that were kept by [`Product::numbers`].
    pub fn of((slopes, numbers): &(Vec<T::Scalar>, Vec<T::Scalar>)) -> Self {
        Self {
            slopes: slopes.clone(),
            data: numbers.chunks_exact(T::FRAMES).map(T::load).collect(),
            age: 0,
        }
    }

    pub fn numbers(&self) -> (Vec<T::Scalar>, Vec<T::Scalar>) {
        let lanes = |x: &T| -> Vec<T::Scalar> { (0..T::FRAMES).map(|k| x.lane(k)).collect() };
        (
            self.slopes.clone(),
            self.data.iter().flat_map(lanes).collect(),
        )
    }

    pub fn is_old(&self) -> bool {
        self.age >= AGE
    }

    /// What is to be added for a frame's new slopes; `first` is W₁, (units, width).
    #[inline(always)]
    pub fn change(&mut self, slopes: &[T], frame: usize, first: &[T], width: usize) -> Outer<T> {
        let pairs = self.slopes.iter().zip(slopes);
        let changed = pairs.filter(|(old, new)| new.lane(frame) != **old).count();
        let mut outer = Outer::new(width, changed);
        for (u, (old, new)) in self.slopes.iter_mut().zip(slopes).enumerate() {
            let new = new.lane(frame);
            if new != *old {
                outer.push(u, &first[u * width..(u + 1) * width], new - *old);
                *old = new;
            }
        }
        self.age += 1;
        outer
    }
}
