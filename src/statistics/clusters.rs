//! Which values hang together: recordings, or stretches of one as long as it remembers itself.

/// So many recordings stand for themselves.
const ENOUGH: usize = 10;

/// Autocorrelation below which two frames know nothing of each other.
const FORGOTTEN: f64 = 0.05;

/// Frames after which nothing is looked for: a minute and more.
const LONGEST: usize = 4000;

/// For each value the cluster that it is of. `recordings` says of which recording each is, in the order of
/// the frames. With ten recordings or more these are the clusters; else each is cut into stretches of twice
/// its integrated autocorrelation time, since one recording alone says nothing of another.
pub(crate) fn clusters(recordings: &[usize], values: &[f64]) -> Vec<usize> {
    let mut known = recordings.to_vec();
    known.sort_unstable();
    known.dedup();
    if known.len() >= ENOUGH {
        return recordings.to_vec();
    }
    // A short series hides what it remembers: no stretch is shorter than the usual block (Hall et al. 1995).
    let least = (values.len() as f64).cbrt().ceil() as usize;
    let stretch = match known.len() == values.len() {
        true => 1,
        false => stretch(recordings, values).max(least),
    };
    let (mut cluster, mut length) = (0, 0);
    let mut last = None;
    let mut of = Vec::with_capacity(values.len());
    for recording in recordings {
        if last.is_some_and(|l| l != *recording) || length == stretch {
            cluster += 1;
            length = 0;
        }
        last = Some(*recording);
        length += 1;
        of.push(cluster);
    }
    of
}

/// Twice the integrated autocorrelation time (Sokal 1997), frames.
fn stretch(recordings: &[usize], values: &[f64]) -> usize {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let off: Vec<f64> = values.iter().map(|x| x - mean).collect();
    let variance: f64 = off.iter().map(|x| x * x).sum();
    if variance <= 0.0 {
        return 1;
    }
    let mut time = 1.0;
    for lag in 1..(values.len() / 2).min(LONGEST) {
        let pairs = (0..values.len() - lag).filter(|i| recordings[*i] == recordings[i + lag]);
        let correlation = pairs.map(|i| off[i] * off[i + lag]).sum::<f64>() / variance;
        if correlation < FORGOTTEN {
            break;
        }
        time += 2.0 * correlation;
    }
    // Values that know nothing of each other need no stretches.
    match time < 1.5 {
        true => 1,
        false => (2.0 * time).ceil() as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    fn count(of: &[usize]) -> usize {
        of.last().map_or(0, |last| last + 1)
    }

    #[test]
    fn values_that_remember_each_other_lie_in_stretches_and_others_alone() {
        let mut random = SplitMix64(1);
        let one = vec![0; 2000];
        let white: Vec<f64> = one.iter().map(|_| random.normal()).collect();
        // Stretches of ∛2000.
        assert_eq!(count(&clusters(&one, &white)), 154);
        let mut x = 0.0;
        let mut walk = || {
            x = 0.9 * x + random.normal();
            x
        };
        // The integrated time of a first-order process is (1 + 0.9) / (1 − 0.9) = 19.
        let slow: Vec<f64> = one.iter().map(|_| walk()).collect();
        let found = count(&clusters(&one, &slow));
        assert!((35..90).contains(&found), "{found}");
    }

    #[test]
    fn many_recordings_are_the_clusters_and_stretches_end_with_a_recording() {
        let many: Vec<usize> = (0..120).map(|i| i / 10).collect();
        assert_eq!(clusters(&many, &[1.0; 120]), many);
        let two = [0, 0, 0, 1, 1, 1];
        let found = clusters(&two, &[5.0, 5.1, 5.2, 1.0, 1.1, 1.2]);
        assert!(found[2] != found[3]);
    }
}
