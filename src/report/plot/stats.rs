//! Order statistics of a sample.

/// The finite numbers of a sample, in ascending order.
pub(super) fn sorted_finite(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.into_iter().filter(|x| x.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The quantile `q` in 0–1 of a sorted sample that is not empty, linear between neighbours (NumPy's default).
pub(super) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let (below, above) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    below + (above - below) * place.fract()
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_linear_between_neighbours() {
        let sample = sorted_finite([4.0, f64::NAN, 1.0, 2.0, 3.0]);
        assert_eq!(
            [0.0, 0.25, 0.5, 1.0].map(|q| quantile(&sample, q)),
            [1.0, 1.75, 2.5, 4.0]
        );
        assert_eq!(quantile(&[7.0], 0.95), 7.0);
    }
}
