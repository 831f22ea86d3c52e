//! A solid swept along one axis, with a superellipse of four radii as its cross-section.

use crate::joints::V3;
use crate::solid::{Shape, superellipsoid};

pub struct Loft {
    frame: [usize; 3],
    roundness: f64,
    caps: [f64; 2],
    start: f64,
    end: f64,
    samples: Vec<Section>,
}

/// Centre (u, v) and radii towards +u, −u, +v, −v (m).
type Section = [f64; 6];

/// A section's place along the axis, then the section.
pub type Station = [f64; 7];

/// The axis, followed by the directions of u and v.
pub const ALONG_X: [usize; 3] = [0, 1, 2];
pub const ALONG_Y: [usize; 3] = [1, 0, 2];
pub const ALONG_Z: [usize; 3] = [2, 0, 1];

const PITCH: f64 = 0.001;

/// Stations in rising order; beyond the ends the solid closes in half ellipsoids, `caps` long.
pub fn loft(frame: [usize; 3], roundness: f64, caps: [f64; 2], stations: &[Station]) -> Shape {
    let start = stations[0][0];
    let end = stations[stations.len() - 1][0];
    let count = ((end - start) / PITCH).ceil() as usize + 1;
    let samples = (0..count)
        .map(|i| interpolate(stations, start + PITCH * i as f64))
        .collect();
    Shape::Loft(Loft {
        frame,
        roundness,
        caps,
        start,
        end,
        samples,
    })
}

impl Loft {
    pub fn value(&self, p: &V3) -> f64 {
        let [t, u, v] = self.frame.map(|axis| p[axis]);
        let on_axis = t.clamp(self.start, self.end);
        let [cu, cv, up, un, vp, vn] = self.section(on_axis);
        let (du, dv) = (u - cu, v - cv);
        let cap = self.caps[usize::from(t > self.end)];
        let radii = V3::new(
            cap,
            if du > 0.0 { up } else { un },
            if dv > 0.0 { vp } else { vn },
        );
        superellipsoid(&V3::new(t - on_axis, du, dv), &radii, self.roundness)
    }

    pub fn bounds(&self) -> (V3, V3) {
        let edge = |pick: fn(f64, f64) -> f64, side: fn(&Section) -> [f64; 2]| {
            self.samples
                .iter()
                .map(side)
                .reduce(|a, b| [pick(a[0], b[0]), pick(a[1], b[1])])
        };
        let low = edge(f64::min, |s| [s[0] - s[3], s[1] - s[5]]).expect("a loft has stations");
        let high = edge(f64::max, |s| [s[0] + s[2], s[1] + s[4]]).expect("a loft has stations");
        (
            self.unframed([self.start - self.caps[0], low[0], low[1]]),
            self.unframed([self.end + self.caps[1], high[0], high[1]]),
        )
    }

    fn section(&self, t: f64) -> Section {
        let place = (t - self.start) / PITCH;
        let i = (place as usize).min(self.samples.len() - 2);
        let (a, b) = (&self.samples[i], &self.samples[i + 1]);
        std::array::from_fn(|k| a[k] + (place - i as f64) * (b[k] - a[k]))
    }

    fn unframed(&self, tuv: [f64; 3]) -> V3 {
        let mut p = V3::zeros();
        for (axis, value) in self.frame.iter().zip(tuv) {
            p[*axis] = value;
        }
        p
    }
}

/// Cubic Hermite through the stations, slopes by the three-point formula (Catmull–Rom).
fn interpolate(stations: &[Station], t: f64) -> Section {
    let last = stations.len() - 2;
    let i = stations
        .iter()
        .rposition(|s| s[0] <= t)
        .unwrap_or(0)
        .min(last);
    let (a, b) = (&stations[i], &stations[i + 1]);
    let width = b[0] - a[0];
    let s = ((t - a[0]) / width).min(1.0);
    std::array::from_fn(|k| {
        let k = k + 1;
        let (ma, mb) = (
            slope(stations, i, k) * width,
            slope(stations, i + 1, k) * width,
        );
        let rise = b[k] - a[k];
        a[k] + s * (ma + s * (3.0 * rise - 2.0 * ma - mb + s * (ma + mb - 2.0 * rise)))
    })
}

fn slope(stations: &[Station], i: usize, k: usize) -> f64 {
    let secant = |a: &Station, b: &Station| (b[k] - a[k]) / (b[0] - a[0]);
    if i == 0 {
        return secant(&stations[0], &stations[1]);
    }
    if i + 1 == stations.len() {
        return secant(&stations[i - 1], &stations[i]);
    }
    let (before, after) = (&stations[i - 1], &stations[i + 1]);
    let here = &stations[i];
    let (left, right) = (here[0] - before[0], after[0] - here[0]);
    (secant(before, here) * right + secant(here, after) * left) / (left + right)
}
