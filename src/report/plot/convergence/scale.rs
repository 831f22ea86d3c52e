//! How costs become heights: in decades, with a floor for zero, or as they are.

use std::ops::Range;

use super::{
    super::{stats::sorted_finite, ticks::Axis},
    Row,
};

/// How costs become heights: decades above a floor that stands for zero, or as they are where one is negative.
pub(super) enum CostScale {
    Log { floor: f64 },
    Linear,
}

impl CostScale {
    pub(super) fn new(rows: &[&Row]) -> (Self, Axis) {
        let costs = sorted_finite(rows.iter().flat_map(|row| [row.low, row.median, row.high]));
        if costs[0] < 0.0 {
            return (
                Self::Linear,
                Axis::linear(padded(costs[0]..costs[costs.len() - 1]), 6),
            );
        }
        let positive: Vec<f64> = costs
            .iter()
            .filter(|cost| **cost > 0.0)
            .map(|cost| cost.log10())
            .collect();
        let decades = match positive.as_slice() {
            [] => 0.0..0.0,
            found => found[0]..found[found.len() - 1],
        };
        if costs[0] > 0.0 {
            return (
                Self::Log {
                    floor: decades.start,
                },
                Axis::decades(padded(decades)),
            );
        }
        let floor = decades.start - (0.15 * (decades.end - decades.start)).max(0.7);
        let mut axis = Axis::decades(floor..padded(decades.clone()).end);
        axis.ticks.retain(|(place, _)| {
            *place >= decades.start.min(floor + 0.9 * (decades.start - floor))
        });
        axis.minor.retain(|place| *place >= decades.start);
        axis.ticks.insert(0, (floor, "0".to_string()));
        (Self::Log { floor }, axis)
    }

    pub(super) fn height(&self, cost: f64) -> f64 {
        match self {
            Self::Log { floor } => {
                if cost > 0.0 {
                    cost.log10()
                } else {
                    *floor
                }
            }
            Self::Linear => cost,
        }
    }
}

fn padded(range: Range<f64>) -> Range<f64> {
    let by = 0.05 * (range.end - range.start);
    range.start - by..range.end + by
}
