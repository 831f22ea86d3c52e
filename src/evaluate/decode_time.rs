//! Time that decoding a pose takes, one at a time and many together.

use std::time::Instant;

use crate::prior::Prior;

/// Rounds of which the median is taken.
const ROUNDS: usize = 9;

/// Microseconds a pose, in batches of `batch`.
pub(super) fn decode_time(prior: &Prior, codes: &[f64], batch: usize) -> Vec<f64> {
    let dims = prior.latent_dim();
    let one: Vec<f64> = codes.iter().cycle().take(batch * dims).copied().collect();
    let calls = (256 / batch).max(1);
    let round = |_| {
        let begun = Instant::now();
        for _ in 0..calls {
            std::hint::black_box(prior.rotations(std::hint::black_box(&one)));
        }
        begun.elapsed().as_secs_f64() * 1e6 / (calls * batch) as f64
    };
    (0..ROUNDS).map(round).collect()
}
