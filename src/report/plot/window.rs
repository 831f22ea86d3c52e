//! The part of an image that a panel shows.

use super::{
    style::{self, Panel},
    ticks::Axis,
};

/// In pixels of the image; y counts downwards.
pub(super) struct Window {
    pub low: [f64; 2],
    pub high: [f64; 2],
}

impl Window {
    /// Around all points that lie near the image, in the image's proportions.
    pub fn around(marks: impl Iterator<Item = [f64; 2]>, image: [f64; 2]) -> Self {
        let near = |at: &[f64; 2]| (0..2).all(|k| (-0.1..=1.1).contains(&(at[k] / image[k])));
        let marks = marks.filter(near);
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for at in marks {
            for k in 0..2 {
                low[k] = low[k].min(at[k]);
                high[k] = high[k].max(at[k]);
            }
        }
        if low[0] > high[0] {
            return Self {
                low: [0.0; 2],
                high: image,
            };
        }
        // The share of the image's sides, with a margin, and never so little that pixels show.
        let share = (0..2)
            .map(|k| 1.25 * (high[k] - low[k]) / image[k])
            .fold(0.1, f64::max);
        let mut window = Self { low, high };
        for k in 0..2 {
            let half = 0.5 * share * image[k];
            let middle = 0.5 * (low[k] + high[k]);
            // Inside the image where that leaves no point out.
            let middle = match share < 1.0 {
                true => middle
                    .max(half.min(low[k] + half))
                    .min((image[k] - half).max(high[k] - half)),
                false => middle,
            };
            window.low[k] = middle - half;
            window.high[k] = middle + half;
        }
        window
    }

    pub fn axis(&self, k: usize, length: f64) -> Axis {
        let count = (length / 45.0) as usize;
        let mut axis = Axis::linear(self.low[k]..self.high[k], count.max(2));
        if k == 1 {
            axis.range = self.high[1]..self.low[1];
        }
        axis
    }

    pub fn holds(&self, at: [f64; 2]) -> bool {
        (0..2).all(|k| (self.low[k]..=self.high[k]).contains(&at[k]))
    }

    /// On the sheet, in pixels.
    pub fn pixel(&self, panel: &Panel, at: [f64; 2]) -> [f64; 2] {
        let share = |k: usize| (at[k] - self.low[k]) / (self.high[k] - self.low[k]);
        [
            panel.left + panel.width * share(0),
            panel.top + panel.height * share(1),
        ]
    }

    pub fn place(&self, panel: &Panel, at: [f64; 2]) -> (i32, i32) {
        let [x, y] = self.pixel(panel, at);
        (style::units(x), style::units(y))
    }

    /// The part of a line that lies inside (Liang and Barsky 1984).
    pub fn clipped(&self, from: [f64; 2], to: [f64; 2]) -> Option<[[f64; 2]; 2]> {
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for k in 0..2 {
            let along = to[k] - from[k];
            if !along.is_finite()
                || (along == 0.0 && !(self.low[k]..=self.high[k]).contains(&from[k]))
            {
                return None;
            }
            if along != 0.0 {
                let ends = [self.low[k], self.high[k]].map(|border| (border - from[k]) / along);
                enter = enter.max(ends[0].min(ends[1]));
                leave = leave.min(ends[0].max(ends[1]));
            }
        }
        let at = |t: f64| [0, 1].map(|k| from[k] + t * (to[k] - from[k]));
        (enter <= leave).then(|| [at(enter), at(leave)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_the_windows_border() {
        let window = Window {
            low: [0.0, 0.0],
            high: [10.0, 10.0],
        };
        let clipped = window.clipped([-5.0, 5.0], [15.0, 5.0]);
        assert_eq!(clipped, Some([[0.0, 5.0], [10.0, 5.0]]));
        assert_eq!(window.clipped([-5.0, -5.0], [-1.0, 20.0]), None);
        assert_eq!(
            window.clipped([1.0, 1.0], [2.0, 3.0]),
            Some([[1.0, 1.0], [2.0, 3.0]])
        );
        assert_eq!(window.clipped([1.0, f64::NAN], [2.0, 3.0]), None);
    }
}
