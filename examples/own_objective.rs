//! An objective of one's own with residuals, many problems at once, by Levenberg and Marquardt's method:
//! circles through points, in f64.
//!
//! `cargo run --release --example own_objective`

use fitrun::{
    Dense, Evaluation, Layout, Manifold, MethodKind, Normal, Objective, SolveSettings, Want,
    minimize,
};

/// For each circle the points that were seen of it; x is its centre and its radius.
struct Circles {
    points: Vec<Vec<[f64; 2]>>,
}

impl Objective for Circles {
    fn problems(&self) -> usize {
        self.points.len()
    }

    fn layout(&self) -> Layout {
        // A radius is above zero: its step is a factor.
        Layout::of(&[Manifold::Euclidean(2), Manifold::Positive(1)])
    }

    fn term_names(&self) -> Vec<String> {
        vec!["circle".into()]
    }

    fn evaluate(&self, x: &[f64], active: &[usize], want: Want, out: &mut Evaluation) {
        *out = Evaluation::default();
        let mut normal = Vec::new();
        for (x, &problem) in x.chunks_exact(3).zip(active) {
            let (mut residuals, mut jacobian, mut gradient) = (Vec::new(), Vec::new(), [0.0; 3]);
            for [u, v] in &self.points[problem] {
                let (dx, dy) = (x[0] - u, x[1] - v);
                let distance = dx.hypot(dy);
                let r = distance - x[2];
                residuals.push(r);
                let slope = [dx / distance, dy / distance, -1.0];
                (0..3).for_each(|i| gradient[i] += 2.0 * r * slope[i]);
                // In tangent coordinates: the radius moves by itself times the step.
                jacobian.extend([slope[0], slope[1], -x[2]]);
            }
            out.costs.push(residuals.iter().map(|r| r * r).sum());
            out.gradient.extend(gradient);
            normal.push(Dense::of_residuals(&jacobian, &residuals));
        }
        out.terms = out.costs.clone();
        if want >= Want::Normal {
            out.normal = Normal::Dense(normal);
        }
    }
}

pub fn main() {
    let seen = |(x, y, r): (f64, f64, f64)| {
        let angles = (0..20).map(|i| i as f64 * 0.1);
        angles.map(|a| [x + r * a.cos(), y + r * a.sin()]).collect()
    };
    let truth = [(0.0, 0.0, 1.0), (3.0, -1.0, 0.5), (-2.0, 5.0, 4.0)];
    let points = truth.map(seen).into();
    let settings = SolveSettings {
        method: MethodKind::Lm,
        ..SolveSettings::default()
    };
    let solution = minimize(&Circles { points }, [0.0, 0.0, 1.0].repeat(3), &settings);
    for (x, (cx, cy, r)) in solution.x.chunks_exact(3).zip(truth) {
        println!("centre ({:.4}, {:.4}), radius {:.4}", x[0], x[1], x[2]);
        assert!(
            [x[0] - cx, x[1] - cy, x[2] - r]
                .iter()
                .all(|e| e.abs() < 1e-4)
        );
    }
}
