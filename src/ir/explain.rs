//! What the problem's structure says about its stages, for `fitrun explain`.

use super::{Coupling, Per, Problem, Stage};
use crate::solve::MethodKind;

impl Problem {
    /// Rows of path, value and reason: what was derived, not written.
    pub fn explain(&self) -> Vec<[String; 3]> {
        let mut rows = vec![[
            "frames".to_string(),
            self.frames.to_string(),
            "the data's frame axis".to_string(),
        ]];
        rows.push([
            "solve.tolerance.cost_rel".to_string(),
            self.settings.tolerance_cost.to_string(),
            "as given, or by the precision".to_string(),
        ]);
        for (i, stage) in self.stages.iter().enumerate() {
            let path = |key: &str| format!("stages[{i}].{key}");
            let (unknowns, structure) = self.structure(stage);
            rows.push([path("unknowns"), unknowns, structure]);
            let reason = match stage.method {
                MethodKind::Lm => "as given, else lm: every term is a square of residuals",
                MethodKind::Lbfgs => {
                    "as given, else lbfgs: among the valleys of a generator its short steps find \
                     deeper ones"
                }
                MethodKind::Adam => "as given",
            };
            rows.push([path("method"), stage.method.name().into(), reason.into()]);
        }
        rows
    }

    fn structure(&self, stage: &Stage) -> (String, String) {
        let count = |per: Per| -> usize {
            let of = stage.free.iter().map(|v| &self.variables[v.0]);
            of.filter(|v| v.per == per)
                .map(|v| v.copies * v.manifold.degrees_of_freedom())
                .sum()
        };
        let (own, shared) = (count(Per::Frame), count(Per::Subject));
        match stage.coupling {
            Coupling::Independent => (
                format!("{} × {own}", self.frames),
                "independent frames: nothing shared is free, no term ties frames".into(),
            ),
            Coupling::Joint => (
                format!("{} × {own} + {shared}", self.frames),
                "joint: a shared variable is free, or a term ties frames".into(),
            ),
            Coupling::Subset(n) => (
                format!("{n} × {own} + {shared}"),
                format!("joint, on {n} well-observed, spread-out frames"),
            ),
        }
    }
}
