//! How the stages are solved: method settings and tolerances, each within its range.

use super::Checker;
use crate::diagnostic::{Diagnostic, Sourced};
use crate::ir::{Precision, Settings};
use crate::spec::View;

/// Where a code moves through a decoder, whose kinks leave ever smaller steps to take.
const OF_CODES: f64 = 1e-3;

/// Each start of each problem is solved, and those of a batch are kept side by side.
const MOST_STARTS: i64 = 10_000;

impl Checker<'_> {
    pub(super) fn settings(&mut self) -> Settings {
        let root = self.spec.root();
        let empty = Default::default();
        let solve = View::new(root.table("solve").unwrap_or(&empty), "solve");
        let tolerance = solve.table("tolerance").unwrap_or(&empty);
        let tolerance = View::new(tolerance, "solve.tolerance");
        let precision = match solve.text("precision").map(|t| t.value) {
            Some("f64") => Precision::F64,
            _ => Precision::F32,
        };
        let default_cost = match precision {
            Precision::F32 => 1e-5,
            Precision::F64 => 1e-9,
        };
        let given_cost = self.at_least(&tolerance, "cost_rel", tolerance.number("cost_rel"), 0.0);
        for key in ["max_iter", "seed"] {
            self.at_least(&solve, key, solve.integer(key).map(real), 0.0);
        }
        let positive = f64::MIN_POSITIVE;
        Settings {
            polish: !self.spec.has_body && precision == Precision::F64,
            precision,
            history: self
                .at_least(&solve, "history", solve.integer("history").map(real), 1.0)
                .map_or(60, |n| n as usize),
            learning_rate: self
                .at_least(
                    &solve,
                    "learning_rate",
                    solve.number("learning_rate"),
                    positive,
                )
                .unwrap_or(0.05),
            tolerance_grad: self
                .at_least(&tolerance, "grad", tolerance.number("grad"), 0.0)
                .unwrap_or(1e-4),
            tolerance_cost: given_cost.unwrap_or(default_cost),
            tolerance_of_codes: given_cost.unwrap_or(OF_CODES),
            starts: self.starts_of_stage(&solve),
            seed: solve.integer("seed").map_or(0, |n| n.value.unsigned_abs()),
        }
    }

    fn starts_of_stage(&mut self, solve: &View<'_>) -> usize {
        let given = solve.integer("starts");
        let count = self.at_least(solve, "starts", given.clone().map(real), 1.0);
        if let Some(given) = given.filter(|n| n.value > 1) {
            if self.spec.has_body {
                let message = "`solve.starts` is for problems without a body";
                let hint = "a body's starts come from its data (`solve.start = \"auto\"`)";
                let diagnostic = Diagnostic::error("F0306", message, &given.origin);
                self.diagnostics.push(diagnostic.hint(hint));
            } else if given.value > MOST_STARTS {
                let message = format!("`solve.starts` should be at most {MOST_STARTS}");
                self.diagnostics
                    .push(Diagnostic::error("F0205", message, &given.origin));
                return 1;
            }
        }
        count.map_or(1, |n| n as usize)
    }

    /// A number that may not be lower; one that is, is reported.
    fn at_least(
        &mut self,
        view: &View<'_>,
        key: &str,
        given: Option<Sourced<f64>>,
        least: f64,
    ) -> Option<f64> {
        let given = given?;
        if given.value >= least && given.value.is_finite() {
            return Some(given.value);
        }
        let bound = match least {
            0.0 => "not be below zero".to_string(),
            least if least < 1.0 => "be above zero".into(),
            least => format!("be at least {least}"),
        };
        let message = format!("`{}.{key}` should {bound}", view.path());
        self.diagnostics
            .push(Diagnostic::error("F0205", message, &given.origin));
        None
    }
}

fn real(whole: Sourced<i64>) -> Sourced<f64> {
    Sourced::new(whole.value as f64, whole.origin)
}
