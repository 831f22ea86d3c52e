//! A smooth implicit solid: negative inside, positive outside, near the surface about the distance.

use crate::joints::V3;
use crate::solid::Shape;

pub struct Field {
    pub parts: Vec<Part>,
}

impl Field {
    /// The value at `p` (m); the field is even in x.
    pub fn at(&self, p: &V3) -> f64 {
        let p = V3::new(p.x.abs(), p.y, p.z);
        let twin = V3::new(-p.x, p.y, p.z);
        self.parts.iter().fold(1.0, |sum, part| {
            let mut d = part.value(&p);
            if part.paired {
                d = smooth_min(d, part.value(&twin), part.pair_blend);
            }
            match part.mode {
                Mode::Add => smooth_min(sum, d, part.blend),
                Mode::Carve => -smooth_min(-sum, d, part.blend),
            }
        })
    }

    /// Central differences; `at` has no derivative of its own.
    pub fn gradient(&self, p: &V3) -> V3 {
        const STEP: f64 = 2e-4;
        V3::from_fn(|axis, _| {
            let mut step = V3::zeros();
            step[axis] = STEP;
            (self.at(&(p + step)) - self.at(&(p - step))) / (2.0 * STEP)
        })
    }

    /// A few Newton steps along the gradient onto the surface.
    pub fn project(&self, p: &V3) -> V3 {
        let mut p = *p;
        for _ in 0..3 {
            let slope = self.gradient(&p);
            let step = slope * (self.at(&p) / slope.norm_squared().max(0.05));
            p -= step.cap_magnitude(0.01);
        }
        p
    }
}

pub struct Part {
    shape: Shape,
    mode: Mode,
    paired: bool,
    blend: f64,
    pair_blend: f64,
    low: V3,
    high: V3,
}

enum Mode {
    Add,
    Carve,
}

impl Shape {
    /// Joined to what stands before it, with a fillet about `blend` metres wide.
    pub fn add(self, blend: f64) -> Part {
        let (low, high) = self.bounds();
        Part {
            shape: self,
            mode: Mode::Add,
            paired: false,
            blend,
            pair_blend: blend,
            low,
            high,
        }
    }

    /// Taken away from what stands before it.
    pub fn carve(self, blend: f64) -> Part {
        Part {
            mode: Mode::Carve,
            ..self.add(blend)
        }
    }
}

impl Part {
    /// The same on the other side of the body.
    pub fn pair(self) -> Part {
        Part {
            paired: true,
            ..self
        }
    }

    /// Where the two sides meet, the fillet between them is `blend` wide.
    pub fn pair_with(self, blend: f64) -> Part {
        Part {
            paired: true,
            pair_blend: blend,
            ..self
        }
    }

    /// Far away, the distance to the bounding box is good enough (and much cheaper).
    fn value(&self, p: &V3) -> f64 {
        const FAR: f64 = 0.06;
        let outside = (self.low - p)
            .sup(&(p - self.high))
            .sup(&V3::zeros())
            .norm();
        if outside > FAR {
            outside
        } else {
            self.shape.value(p)
        }
    }
}

/// Quadratic polynomial smooth minimum (Quilez): never above the minimum, at most k/4 below it.
fn smooth_min(a: f64, b: f64, k: f64) -> f64 {
    let h = (k - (a - b).abs()).max(0.0);
    a.min(b) - h * h / (4.0 * k)
}
