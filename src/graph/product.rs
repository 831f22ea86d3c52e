//! Matrix products of row-major rows, the same bits for a row in any company of at least two.

use faer::{Accum, MatMut, MatRef, Par};

use super::Scalar;
use super::matmul::matmul;

/// A row-major matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows2<'a, E> {
    pub data: &'a [E],
    pub rows: usize,
    pub columns: usize,
}

macro_rules! products {
    ($name:ident, $E:ty) => {
        /// out += a bᵀ.
        pub(super) fn $name(out: &mut [$E], a: Rows2<'_, $E>, b: Rows2<'_, $E>) {
            let a_rows = MatRef::from_row_major_slice(a.data, a.rows, a.columns);
            let b_rows = MatRef::from_row_major_slice(b.data, b.rows, b.columns);
            let b_rows = b_rows.transpose();
            let out = MatMut::from_row_major_slice_mut(out, a.rows, b_rows.ncols());
            matmul(out, Accum::Add, a_rows, b_rows, 1.0, Par::Seq);
        }
    };
}

products!(add_product_f32, f32);
products!(add_product_f64, f64);

/// out += a bᵀ: (m, k) by (n, k).
///
/// A single row takes another path through the kernels, so it is given company.
pub(crate) fn add_a_bt<E: Scalar>(out: &mut [E], a: Rows2<'_, E>, b: Rows2<'_, E>) {
    if a.rows != 1 {
        return E::add_product(out, a, b);
    }
    let twice = a.data.repeat(2);
    let mut both = out.repeat(2);
    let pair = Rows2 {
        data: &twice,
        rows: 2,
        columns: a.columns,
    };
    E::add_product(&mut both, pair, b);
    let n = out.len();
    out.copy_from_slice(&both[..n]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    fn numbers(count: usize, random: &mut SplitMix64) -> Vec<f32> {
        (0..count).map(|_| random.normal() as f32).collect()
    }

    fn rows(data: &[f32], columns: usize) -> Rows2<'_, f32> {
        Rows2 {
            data,
            rows: data.len() / columns,
            columns,
        }
    }

    #[test]
    fn a_row_has_the_same_bits_in_any_company() {
        let mut random = SplitMix64(2);
        for (inner, outer) in [(32, 512), (512, 512), (512, 126), (126, 512)] {
            let a = numbers(64 * inner, &mut random);
            let b = numbers(outer * inner, &mut random);
            let mut all = vec![0.0; 64 * outer];
            add_a_bt(&mut all, rows(&a, inner), rows(&b, inner));
            for count in [1, 2, 3, 7, 16, 33, 63] {
                for first in [0, 64 - count] {
                    let mut some = vec![0.0; count * outer];
                    let part = &a[first * inner..(first + count) * inner];
                    add_a_bt(&mut some, rows(part, inner), rows(&b, inner));
                    let same = some == all[first * outer..(first + count) * outer];
                    assert!(same, "{count} rows from {first} of {inner} to {outer}");
                }
            }
        }
    }

    #[test]
    fn a_product_is_the_sum_of_products() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
        let square = |data| Rows2 {
            data,
            rows: 2,
            columns: 2,
        };
        let mut out = [1.0; 4];
        add_a_bt(&mut out, square(&a), square(&b));
        assert_eq!(out, [18.0, 24.0, 40.0, 54.0]);
    }
}
