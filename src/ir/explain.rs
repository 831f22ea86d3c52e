//! What the problem's structure says about its stages, for `fitrun explain`.

use super::{Coupling, Per, Problem, Stage, VariableId};
use crate::solve::MethodKind;

impl Problem {
    /// Rows of path, value and reason: what was derived, not written.
    pub fn explain(&self) -> Vec<[String; 3]> {
        let mut rows = match self.batch {
            Some(_) => Vec::new(),
            None => vec![[
                "frames".to_string(),
                self.frames.to_string(),
                "the data's frame axis".to_string(),
            ]],
        };
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
                MethodKind::Lbfgs if stage.has_energies() => {
                    "as given, else lbfgs: an energy has no residuals, which lm needs"
                }
                MethodKind::Lm => "as given, else lm: every term is a square of residuals",
                MethodKind::Lbfgs => {
                    "as given, else lbfgs: among the valleys of a generator, or of what cameras see of a \
                     body that is not posed yet, its short steps find deeper ones"
                }
                MethodKind::Adam => "as given",
            };
            rows.push([path("method"), stage.method.name().into(), reason.into()]);
        }
        rows
    }

    /// The unknowns of a stage over tables, set by set.
    pub(crate) fn unknowns_of_rows(&self, stage: &Stage) -> Option<String> {
        let free = || stage.free.iter().map(|v| &self.variables[v.0]);
        let dims = |per: Per| -> usize {
            let of = free().filter(|v| v.per == per);
            of.map(|v| v.copies * v.manifold.degrees_of_freedom()).sum()
        };
        let over = |t: &super::Term| matches!(self.nodes[t.node.0].per, Per::Row(_));
        if !stage.terms.iter().any(over) {
            return None;
        }
        let mut parts = Vec::new();
        for (s, set) in self.sets.iter().enumerate() {
            let own = dims(Per::Row(super::SetId(s)));
            if own > 0 {
                parts.push(format!("{} {} × {own}", set.ids.len(), set.name));
            }
        }
        let of_frames = dims(Per::Frame);
        if of_frames > 0 {
            parts.push(format!("{} frames × {of_frames}", self.frames));
        }
        let shared = dims(Per::Subject);
        if shared > 0 || parts.is_empty() {
            parts.push(shared.to_string());
        }
        let held = free().map(|v| v.held.len() * v.manifold.degrees_of_freedom());
        let less = match held.sum::<usize>() {
            0 => String::new(),
            held => format!(" − {held} held"),
        };
        Some(parts.join(" + ") + &less)
    }

    /// Unknowns of a free variable in a frame, or in all.
    pub(crate) fn moving(&self, stage: &Stage, id: VariableId) -> usize {
        let variable = &self.variables[id.0];
        let of_copy = variable.manifold.degrees_of_freedom() - stage.held(id).len();
        variable.copies * of_copy
    }

    fn structure(&self, stage: &Stage) -> (String, String) {
        if let Some(unknowns) = self.unknowns_of_rows(stage) {
            let reason = match self.batch {
                Some(_) => format!("independent: no row reads more than one {}", self.axis()),
                None => "joint: rows of tables tie their elements".into(),
            };
            return (unknowns, reason);
        }
        let count = |per: Per| -> usize {
            let of = stage.free.iter().filter(|v| self.variables[v.0].per == per);
            of.map(|v| self.moving(stage, *v)).sum()
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
