//! Errors of points by frame, and the bins in which a long recording is drawn.

use std::ops::Range;

use ndarray::Array2;

use super::stats::mean;
use super::ticks::Axis;

/// Errors of one term's points; a point that is seen by several views has their mean.
pub(crate) struct ErrorsByFrame {
    pub term: String,
    pub unit: String,
    pub labels: Vec<String>,
    pub views: usize,
    /// What the data call each frame.
    pub numbers: Vec<u64>,
    /// (frames, points); NaN where not observed.
    pub errors: Array2<f64>,
}

impl ErrorsByFrame {
    /// The points with an error and their means over frames, the largest first.
    pub(super) fn worst_first(&self) -> Vec<(usize, f64)> {
        let of_point = |p: usize| {
            let seen: Vec<f64> = finite(self.errors.column(p).iter()).collect();
            (!seen.is_empty()).then(|| (p, mean(&seen)))
        };
        let mut means: Vec<_> = (0..self.labels.len()).filter_map(of_point).collect();
        means.sort_by(|a, b| b.1.total_cmp(&a.1));
        means
    }

    /// What the plot shows, for its head.
    pub(super) fn title(&self) -> String {
        let views = match self.views {
            0 | 1 => String::new(),
            n => format!(" (mean of {n} views)"),
        };
        format!("{}: error of each point{views}", self.term)
    }
}

pub(super) fn finite<'a>(
    values: impl Iterator<Item = &'a f64> + 'a,
) -> impl Iterator<Item = f64> + 'a {
    values.copied().filter(|x| x.is_finite())
}

/// Neighbouring frames that are drawn as one.
pub(super) struct Bins {
    frames: usize,
    pub size: usize,
    first: f64,
    step: f64,
    even: bool,
}

impl Bins {
    /// At most `most` bins; frames whose numbers are not evenly spaced are counted from 0.
    pub(super) fn new(numbers: &[u64], most: usize) -> Self {
        let step = match numbers {
            [a, b, ..] => b.saturating_sub(*a),
            _ => 1,
        };
        let even = step > 0
            && numbers
                .windows(2)
                .all(|w| w[0].checked_add(step) == Some(w[1]));
        let first = numbers.first().copied().unwrap_or(0);
        Self {
            frames: numbers.len(),
            size: numbers.len().div_ceil(most).max(1),
            first: if even { first as f64 } else { 0.0 },
            step: if even { step as f64 } else { 1.0 },
            even,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.frames.div_ceil(self.size)
    }

    pub(super) fn frames(&self, bin: usize) -> Range<usize> {
        bin * self.size..((bin + 1) * self.size).min(self.frames)
    }

    /// The number of a bin's first frame.
    pub(super) fn start(&self, bin: usize) -> f64 {
        self.first + self.step * (bin * self.size) as f64
    }

    pub(super) fn middle(&self, bin: usize) -> f64 {
        self.start(bin) + self.step * 0.5 * (self.size - 1) as f64
    }

    /// How many numbers of frames a bin spans.
    pub(super) fn width(&self) -> f64 {
        self.step * self.size as f64
    }

    /// From the border of the first bin to that of the last.
    pub(super) fn axis(&self) -> Axis {
        let half = 0.5 * self.step;
        let range = self.start(0) - half..self.start(self.count()) - half;
        Axis::counts(range, 8)
    }

    /// The axis's title; `of` says what is drawn of a bin's frames.
    pub(super) fn title(&self, of: &str) -> String {
        let name = match self.even {
            true => "frame",
            false => "position of the frame",
        };
        match self.size {
            1 => name.into(),
            n => format!("{name} ({of} {n} frames)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_cover_all_frames_and_know_their_numbers() {
        let numbers: Vec<u64> = (0..10).map(|f| 100 + 2 * f).collect();
        let bins = Bins::new(&numbers, 4);
        assert_eq!((bins.size, bins.count()), (3, 4));
        assert_eq!([0, 3].map(|b| bins.frames(b)), [0..3, 9..10]);
        assert_eq!([0, 3].map(|b| bins.start(b)), [100.0, 118.0]);
        assert_eq!(bins.middle(1), 108.0);
        assert_eq!(bins.axis().range, 99.0..123.0);
        assert_eq!(bins.title("means of"), "frame (means of 3 frames)");
    }

    #[test]
    fn frames_without_even_numbers_are_counted() {
        let bins = Bins::new(&[4, 5, 9], 100);
        assert_eq!(bins.start(2), 2.0);
        assert_eq!(bins.title(""), "position of the frame");
        assert_eq!(Bins::new(&[], 5).count(), 0);
    }
}
