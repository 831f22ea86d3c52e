//! Graduated non-convexity (`gnc`): a robust stage begins with wide robustifiers, which forgive nothing but
//! have few valleys, and narrows them step by step (Blake & Zisserman 1987; Yang et al. 2020, where the
//! scale of Geman and McClure's function is what is graduated).

use super::Checker;
use super::terms::Terms;
use crate::diagnostic::Diagnostic;
use crate::ir::Stage;
use crate::robust::Robustifier;
use crate::spec::View;

/// The scale of a step over that of the next.
const STEP: f64 = std::f64::consts::SQRT_2;

impl Checker<'_> {
    /// How many times wider the robustifiers of a stage, or of all, are where they begin.
    pub(super) fn gnc(&mut self, view: &View<'_>) -> Option<f64> {
        let given = view.number("gnc")?;
        if (1.0..=1e6).contains(&given.value) {
            return Some(given.value);
        }
        let message = format!("`{}.gnc` should be from 1 to 1e6", view.path());
        let hint =
            "the scales of robustifiers begin so many times wider and narrow to what is written";
        self.diagnostics
            .push(Diagnostic::error("F0205", message, &given.origin).hint(hint));
        None
    }

    /// The steps of a stage, the last one as it is written.
    pub(super) fn graduated(&self, stage: (Stage, Terms), begin: f64) -> Vec<(Stage, Terms)> {
        if !is_robust(&stage.0) {
            return vec![stage];
        }
        let mut wider: Vec<f64> = std::iter::successors(Some(STEP), |f| Some(f * STEP))
            .take_while(|f| *f < begin / 1.1)
            .collect();
        wider.extend((begin > 1.0).then_some(begin));
        let (last, terms) = stage;
        let wide = |factor: &f64| {
            let mut step = last.clone();
            step.name = format!("{} ×{factor:.1}", last.name);
            let scales = step.terms.iter_mut().map(|t| &mut t.whitening.scale);
            scales.for_each(|scale| *scale *= factor);
            (step, terms.clone())
        };
        let mut steps: Vec<(Stage, Terms)> = wider.iter().rev().map(wide).collect();
        steps.push((last, terms));
        steps
    }

    /// What is to be graduated has a robustifier somewhere.
    pub(super) fn check_graduated<'s>(
        &mut self,
        stages: impl IntoIterator<Item = &'s Stage>,
        view: &View<'_>,
    ) {
        let given = view.number("gnc").filter(|n| n.value > 1.0);
        // A robustifier that could not be read is a mistake of its own.
        if let Some(given) = given.filter(|_| !self.diagnostics.has_errors())
            && !stages.into_iter().any(is_robust)
        {
            let message = "`gnc` narrows robustifiers, and no term of the stage has one";
            let hint = "such as `robust = { kind = \"geman_mcclure\", scale = 3.0 }` in the term";
            let diagnostic = Diagnostic::error("F0306", message, &given.origin);
            self.diagnostics.push(diagnostic.hint(hint));
        }
    }
}

fn is_robust(stage: &Stage) -> bool {
    let mut terms = stage.terms.iter();
    terms.any(|t| t.whitening.robust != Robustifier::None)
}
