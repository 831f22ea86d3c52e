//! Every method meets every problem with a known minimum.

use std::cell::RefCell;

use fitrun::{
    Block, Evaluation, Layout, Manifold, MethodKind, Objective, SolveSettings, Termination, Want,
    minimize,
};

/// A batch of the same function from different starts.
struct Batch {
    problems: usize,
    manifold: Manifold,
    copies: usize,
    function: fn(&[f64], &mut [f64]) -> f64,
}

impl Objective for Batch {
    fn problems(&self) -> usize {
        self.problems
    }
    fn layout(&self) -> Layout {
        let block = Block {
            manifold: self.manifold,
            copies: self.copies,
            scale: 1.0,
        };
        Layout {
            blocks: vec![block],
            ..Layout::default()
        }
    }
    fn term_names(&self) -> Vec<String> {
        vec!["f".into()]
    }
    fn evaluate(&self, x: &[f64], active: &[usize], _want: Want, out: &mut Evaluation) {
        let stride = self.layout().ambient();
        out.costs.clear();
        out.gradient.clear();
        for row in 0..active.len() {
            let mut gradient = vec![0.0; stride];
            let x = &x[row * stride..(row + 1) * stride];
            out.costs.push((self.function)(x, &mut gradient));
            out.gradient.extend(gradient);
        }
        out.terms = out.costs.clone();
    }
}

fn rosenbrock(x: &[f64], g: &mut [f64]) -> f64 {
    let mut cost = 0.0;
    for i in 0..x.len() - 1 {
        let (a, b) = (1.0 - x[i], x[i + 1] - x[i] * x[i]);
        cost += a * a + 100.0 * b * b;
        g[i] += -2.0 * a - 400.0 * x[i] * b;
        g[i + 1] += 200.0 * b;
    }
    cost
}

/// Beale 1958, minimum 0 at (3, 0.5).
fn beale(x: &[f64], g: &mut [f64]) -> f64 {
    let mut cost = 0.0;
    for (i, c) in [1.5, 2.25, 2.625].into_iter().enumerate() {
        let power = x[1].powi(i as i32 + 1);
        let r = c - x[0] * (1.0 - power);
        cost += r * r;
        g[0] += -2.0 * r * (1.0 - power);
        g[1] += 2.0 * r * x[0] * (i as f64 + 1.0) * x[1].powi(i as i32);
    }
    cost
}

/// Conditioned like 1 : 10⁸.
fn stretched(x: &[f64], g: &mut [f64]) -> f64 {
    let mut cost = 0.0;
    for (i, x) in x.iter().enumerate() {
        let w = 10f64.powf(8.0 * i as f64 / 19.0);
        cost += w * (x - 1.0) * (x - 1.0);
        g[i] = 2.0 * w * (x - 1.0);
    }
    cost
}

/// Undefined left of zero, where a line search steps at once.
fn logarithm(x: &[f64], g: &mut [f64]) -> f64 {
    g[0] = 1.0 - 1e-3 / x[0];
    x[0] - 1e-3 * x[0].ln()
}

/// ‖R − R₀‖² for a rotation R₀ by 2.5 rad.
fn rotation(x: &[f64], g: &mut [f64]) -> f64 {
    let mut goal = [0.0; 9];
    let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    Manifold::So3.retract(&identity, &[1.5, -1.2, 1.6], &mut goal);
    let mut cost = 0.0;
    for i in 0..9 {
        cost += (x[i] - goal[i]).powi(2);
        g[i] = 2.0 * (x[i] - goal[i]);
    }
    cost
}

fn settings() -> SolveSettings {
    SolveSettings {
        max_iter: 2000,
        tolerance_grad: 1e-8,
        tolerance_cost: 0.0,
        ..SolveSettings::default()
    }
}

#[test]
fn lbfgs_finds_the_minimum_of_every_euclidean_problem() {
    type Problem = (fn(&[f64], &mut [f64]) -> f64, Vec<f64>, Vec<f64>);
    let problems: [Problem; 5] = [
        (rosenbrock, vec![-1.2, 1.0], vec![1.0; 2]),
        (rosenbrock, vec![-1.2; 30], vec![1.0; 30]),
        (beale, vec![1.0, 1.0], vec![3.0, 0.5]),
        (stretched, vec![0.0; 20], vec![1.0; 20]),
        (logarithm, vec![5.0], vec![1e-3]),
    ];
    for (i, (function, start, minimum)) in problems.into_iter().enumerate() {
        let batch = Batch {
            problems: 1,
            manifold: Manifold::Euclidean(start.len()),
            copies: 1,
            function,
        };
        let solution = minimize(&batch, start, &settings());
        assert!(
            solution.terminations[0].converged(),
            "{i}: {:?}",
            solution.terminations
        );
        for (x, m) in solution.x.iter().zip(&minimum) {
            assert!((x - m).abs() < 1e-4, "{i}: {:?}", solution.x);
        }
    }
}

/// xᵀ A x with eigenvalues 1 to 8 in turned axes.
fn rayleigh(x: &[f64], g: &mut [f64]) -> f64 {
    let n = x.len();
    // A Householder reflection of the diagonal.
    let mirror: Vec<f64> = (0..n).map(|i| (i as f64 + 0.5).cos()).collect();
    let square: f64 = mirror.iter().map(|m| m * m).sum();
    let reflect = |v: &[f64]| -> Vec<f64> {
        let along: f64 = v.iter().zip(&mirror).map(|(v, m)| v * m).sum::<f64>() * 2.0 / square;
        v.iter().zip(&mirror).map(|(v, m)| v - along * m).collect()
    };
    let turned = reflect(x);
    let scaled: Vec<f64> = (0..n).map(|i| (i as f64 + 1.0) * turned[i]).collect();
    let product = reflect(&scaled);
    g.iter_mut().zip(&product).for_each(|(g, p)| *g = 2.0 * p);
    x.iter().zip(&product).map(|(x, p)| x * p).sum()
}

/// Σ x − c log x, minimum at x = c, from 1e-6 to 1e3.
fn barrier(x: &[f64], g: &mut [f64]) -> f64 {
    let mut cost = 0.0;
    for (i, x) in x.iter().enumerate() {
        let c = 10f64.powi(i as i32 - 6);
        // Divided by c, so that every summand says as much.
        cost += (x - c * (x / c).ln()) / c;
        g[i] = (1.0 - c / x) / c;
    }
    cost
}

/// A coupled quadratic whose minimum lies outside of [0, 1]⁶.
fn outside(x: &[f64], g: &mut [f64]) -> f64 {
    let goal = [2.0, -1.5, 0.4, 0.6, 3.0, -0.2];
    let mut cost = 0.0;
    for i in 0..6 {
        let weight = 10f64.powi(i as i32 / 2);
        let mut r = x[i] - goal[i];
        if i > 0 {
            r += 0.7 * (x[i - 1] - goal[i - 1]);
            g[i - 1] += 1.4 * weight * r;
        }
        cost += weight * r * r;
        g[i] += 2.0 * weight * r;
    }
    cost
}

fn with(method: MethodKind) -> SolveSettings {
    SolveSettings {
        method,
        max_iter: 60_000,
        ..settings()
    }
}

fn one(manifold: Manifold, function: fn(&[f64], &mut [f64]) -> f64) -> Batch {
    Batch {
        problems: 1,
        manifold,
        copies: 1,
        function,
    }
}

#[test]
fn every_method_finds_the_smallest_eigenvector_on_the_sphere() {
    for (name, method) in MethodKind::NAMES {
        let start = vec![1.0 / 8f64.sqrt(); 8];
        let solution = minimize(&one(Manifold::Sphere(8), rayleigh), start, &with(method));
        assert!(solution.terminations[0].converged(), "{name}");
        let error = solution.costs[0] - 1.0;
        assert!(error.abs() < 1e-6, "{name}: {error}");
        let length: f64 = solution.x.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-12, "{name}: {length}");
    }
}

#[test]
fn every_method_finds_minima_above_zero_over_many_orders_of_magnitude() {
    for (name, method) in MethodKind::NAMES {
        let batch = one(Manifold::Positive(10), barrier);
        let solution = minimize(&batch, vec![1.0; 10], &with(method));
        for (i, x) in solution.x.iter().enumerate() {
            let ratio = x / 10f64.powi(i as i32 - 6);
            assert!((ratio - 1.0).abs() < 1e-3, "{name}, {i}: {ratio}");
        }
    }
}

/// The objective over a box, with every point that was asked about.
struct Watched(RefCell<Vec<f64>>);

impl Objective for Watched {
    fn problems(&self) -> usize {
        1
    }
    fn layout(&self) -> Layout {
        one(IN_BOX, outside).layout()
    }
    fn term_names(&self) -> Vec<String> {
        vec!["f".into()]
    }
    fn evaluate(&self, x: &[f64], active: &[usize], want: Want, out: &mut Evaluation) {
        self.0.borrow_mut().extend(x);
        one(IN_BOX, outside).evaluate(x, active, want, out);
    }
}

const IN_BOX: Manifold = Manifold::Box {
    dims: 6,
    low: 0.0,
    high: 1.0,
};

/// The minimum in the box by many small projected steps.
fn projected_descent() -> Vec<f64> {
    let mut x = vec![0.5; 6];
    for _ in 0..400_000 {
        let mut g = vec![0.0; 6];
        outside(&x, &mut g);
        x.iter_mut()
            .zip(&g)
            .for_each(|(x, g)| *x = (*x - 1e-3 * g).clamp(0.0, 1.0));
    }
    x
}

#[test]
fn every_method_finds_the_minimum_in_a_box_and_never_asks_outside() {
    let expected = projected_descent();
    let held = expected.iter().filter(|x| **x == 0.0 || **x == 1.0).count();
    assert!(
        held >= 3,
        "the problem should press on several faces: {expected:?}"
    );
    for (name, method) in MethodKind::NAMES {
        let watched = Watched(RefCell::default());
        let solution = minimize(&watched, vec![0.5; 6], &with(method));
        assert!(solution.terminations[0].converged(), "{name}");
        for (x, e) in solution.x.iter().zip(&expected) {
            assert!(
                (x - e).abs() < 1e-4,
                "{name}: {:?} {expected:?}",
                solution.x
            );
        }
        let asked = watched.0.borrow();
        assert!(asked.iter().all(|x| (0.0..=1.0).contains(x)), "{name}");
        if method == MethodKind::Lbfgs {
            assert!(solution.evaluations[0] < 60, "{:?}", solution.evaluations);
        }
    }
}

#[test]
fn adam_meets_the_euclidean_problems_and_steps_back_from_what_is_no_number() {
    type Problem = (fn(&[f64], &mut [f64]) -> f64, Vec<f64>, Vec<f64>);
    let problems: [Problem; 4] = [
        (rosenbrock, vec![-1.2, 1.0], vec![1.0; 2]),
        (beale, vec![1.0, 1.0], vec![3.0, 0.5]),
        (logarithm, vec![5.0], vec![1e-3]),
        (logarithm, vec![0.01], vec![1e-3]),
    ];
    for (i, (function, start, minimum)) in problems.into_iter().enumerate() {
        let manifold = Manifold::Euclidean(start.len());
        let solution = minimize(&one(manifold, function), start, &with(MethodKind::Adam));
        for (x, m) in solution.x.iter().zip(&minimum) {
            assert!((x - m).abs() < 2e-2, "{i}: {:?}", solution.x);
        }
    }
}

#[test]
fn a_problem_has_the_same_bits_alone_and_in_company_whatever_the_method() {
    for (name, method) in MethodKind::NAMES {
        let starts = [[-1.2, 1.0], [0.3, -2.0], [4.0, 4.0]];
        let batch = Batch {
            problems: 3,
            ..one(Manifold::Euclidean(2), rosenbrock)
        };
        let together = minimize(&batch, starts.concat(), &with(method));
        for (i, start) in starts.iter().enumerate() {
            let batch = one(Manifold::Euclidean(2), rosenbrock);
            let alone = minimize(&batch, start.to_vec(), &with(method));
            assert_eq!(alone.x, together.x[2 * i..2 * i + 2], "{name}, {i}");
        }
    }
}

#[test]
fn lbfgs_finds_a_rotation_far_away_without_leaving_the_manifold() {
    let batch = Batch {
        problems: 1,
        manifold: Manifold::So3,
        copies: 1,
        function: rotation,
    };
    let identity = vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let solution = minimize(&batch, identity, &settings());
    assert!(solution.costs[0] < 1e-12, "{:?}", solution.costs);
    let rows: Vec<f64> = solution
        .x
        .chunks(3)
        .map(|r| r.iter().map(|x| x * x).sum())
        .collect();
    assert!(
        rows.iter().all(|r: &f64| (r - 1.0).abs() < 1e-12),
        "{rows:?}"
    );
}

#[test]
fn a_start_where_the_cost_is_not_a_number_is_invalid_and_spoils_no_other() {
    let batch = Batch {
        problems: 3,
        manifold: Manifold::Euclidean(1),
        copies: 1,
        function: logarithm,
    };
    let solution = minimize(&batch, vec![1.0, -1.0, 1.0], &settings());
    assert_eq!(solution.terminations[1], Termination::Invalid);
    assert_eq!(solution.x[0].to_bits(), solution.x[2].to_bits());
    assert!((solution.x[0] - 1e-3).abs() < 1e-8);
}

#[test]
fn max_iter_is_an_outcome_with_its_number() {
    let batch = Batch {
        problems: 1,
        manifold: Manifold::Euclidean(2),
        copies: 1,
        function: rosenbrock,
    };
    let few = SolveSettings {
        max_iter: 3,
        ..settings()
    };
    let solution = minimize(&batch, vec![-1.2, 1.0], &few);
    assert_eq!(
        solution.terminations,
        [Termination::MaxIter { iterations: 3 }]
    );
    assert_eq!(solution.iterations, [3]);
}

#[test]
fn argmins_own_solvers_take_a_single_objective_through_the_adapter() {
    use argmin::core::Executor;
    use argmin::solver::gradientdescent::SteepestDescent;
    use argmin::solver::linesearch::MoreThuenteLineSearch;

    let batch = Batch {
        problems: 1,
        manifold: Manifold::Euclidean(2),
        copies: 1,
        function: |x, g| {
            g.copy_from_slice(&[2.0 * (x[0] - 2.0), 4.0 * (x[1] + 1.0)]);
            (x[0] - 2.0).powi(2) + 2.0 * (x[1] + 1.0).powi(2)
        },
    };
    let solver: SteepestDescent<MoreThuenteLineSearch<Vec<f64>, Vec<f64>, f64>> =
        SteepestDescent::new(MoreThuenteLineSearch::new());
    let result = Executor::new(fitrun::Single(&batch), solver)
        .configure(|state| state.param(vec![0.0, 0.0]).max_iters(6))
        .run()
        .unwrap();
    let x = result.state.best_param.unwrap();
    assert!(
        (x[0] - 2.0).abs() < 1e-2 && (x[1] + 1.0).abs() < 1e-2,
        "{x:?}"
    );
}
