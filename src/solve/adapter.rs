//! A single problem as argmin's own solvers see it.

use argmin::core::{CostFunction, Error, Gradient};

use crate::objective::{Evaluation, Objective, Want};

/// An objective of one problem, for argmin's solvers: `Executor::new(Single(&objective), solver)`.
///
/// Works on the stored numbers, so it is meant for Euclidean variables.
pub struct Single<'a>(pub &'a dyn Objective);

impl Single<'_> {
    fn evaluate(&self, x: &[f64]) -> Evaluation {
        let mut out = Evaluation::default();
        self.0.evaluate(x, &[0], Want::Gradient, &mut out);
        out
    }
}

impl CostFunction for Single<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.evaluate(x).costs[0])
    }
}

impl Gradient for Single<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.evaluate(x).gradient)
    }
}
