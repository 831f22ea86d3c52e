//! Cholesky's factors of sixteen matrices side by side, packed by rows.

use crate::graph::Number;

/// Factors A = L Lᵀ in place: rows of L, with one over L's diagonal on the diagonal. A lane that is
/// not positive definite holds NaN or infinity from there on.
#[inline(always)]
pub(crate) fn factor<T: Number>(a: &mut [T], n: usize) {
    for i in 0..n {
        let (done, row) = a.split_at_mut(start(i));
        for j in 0..i {
            let above = &done[start(j)..start(j + 1)];
            row[j] = (row[j] - product(&above[..j], &row[..j])) * above[j];
        }
        let square = row[i] - product(&row[..i], &row[..i]);
        row[i] = T::one() / square.root();
    }
}

/// x = L⁻¹ x.
#[inline(always)]
pub(crate) fn solve_lower<T: Number>(l: &[T], x: &mut [T]) {
    for i in 0..x.len() {
        let row = &l[start(i)..start(i + 1)];
        x[i] = (x[i] - product(&row[..i], &x[..i])) * row[i];
    }
}

/// Where a row begins.
#[inline(always)]
pub(crate) fn start(i: usize) -> usize {
    i * (i + 1) / 2
}

/// Σ a x in two sums, so that none waits for itself.
#[inline(always)]
fn product<T: Number>(a: &[T], x: &[T]) -> T {
    let (mut even, mut odd) = (T::zero(), T::zero());
    let (pairs, rest) = a.as_chunks::<2>();
    for (a, x) in pairs.iter().zip(x.as_chunks::<2>().0) {
        even = a[0].fused(x[0], even);
        odd = a[1].fused(x[1], odd);
    }
    for (a, x) in rest.iter().zip(&x[2 * pairs.len()..]) {
        even = a.fused(*x, even);
    }
    even + odd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_solves_the_system_and_what_is_not_positive_definite_is_no_number() {
        // A = L Lᵀ with L = [2; 1 3; −1 0.5 1.5].
        let mut a = [4.0, 2.0, 10.0, -2.0, 0.5, 3.5];
        factor::<f64>(&mut a, 3);
        let expected = [0.5, 1.0, 1.0 / 3.0, -1.0, 0.5, 1.0 / 1.5];
        assert!(a.iter().zip(expected).all(|(a, e)| (a - e).abs() < 1e-12));
        let mut x = [2.0, 7.0, 1.0];
        solve_lower::<f64>(&a, &mut x);
        let expected = [1.0, 2.0, (1.0 + 1.0 - 1.0) / 1.5];
        assert!(x.iter().zip(expected).all(|(x, e)| (x - e).abs() < 1e-12));
        let mut a = [1.0, 2.0, 1.0];
        factor::<f64>(&mut a, 2);
        assert!(!a[2].is_finite());
    }
}
